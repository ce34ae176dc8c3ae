"""Logs: one line an event; a traceback shows code, never the values that were handled."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import WrappedLogger

# What follows these is a token: who reads the log must not be able to use it.
SECRET_LINKS = ("/invito/", "/incarico/")
LONGEST_PATH = 200
# "DETAIL:  Failing row contains (7, Rossi, …).", until the statement or the next traceback.
_QUOTED_ROWS = re.compile(r"(DETAIL|CONTEXT):.*?(?=\n\[SQL:|\n\n|\nTraceback |\Z)", re.DOTALL)


def logged_path(path: str) -> str:
    """``path`` as it may stand in a log: a link that opens something by itself is cut."""
    for prefix in SECRET_LINKS:
        if path.startswith(prefix):
            return f"{prefix}…"
    return path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"


def _without_values(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """The event without the rows that PostgreSQL quotes in what it says of an error."""
    for key in ("exception", "error"):
        told = event.get(key)
        if isinstance(told, str):
            event[key] = _QUOTED_ROWS.sub(r"\1: …", told)
    return event


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
        # A traceback with the values of variables would write passwords and names down.
        structlog.processors.format_exc_info,
        _without_values,
    ]
    terminal = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    lines = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, terminal if sys.stderr.isatty() else lines],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
