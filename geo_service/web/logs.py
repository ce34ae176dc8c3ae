"""Logs: one line an event; a traceback shows code, never the values that were handled."""

from __future__ import annotations

import sys

import structlog

# What follows these is a token: who reads the log must not be able to use it.
SECRET_LINKS = ("/invito/", "/incarico/")
LONGEST_PATH = 200


def logged_path(path: str) -> str:
    """``path`` as it may stand in a log: a link that opens something by itself is cut."""
    for prefix in SECRET_LINKS:
        if path.startswith(prefix):
            return f"{prefix}…"
    return path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"


def configure() -> None:
    """Set up structured logs to stderr unless somebody did before.

    On a terminal lines are for people, elsewhere one JSON object each.
    """
    if structlog.is_configured():
        return
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        processors = [*shared, last]
    else:
        # A traceback with the values of variables would write passwords and names down.
        processors = [
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
