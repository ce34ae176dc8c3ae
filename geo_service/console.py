"""What every command shares: the database it works on, the quarter it means, what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from geo_service.database import open_database
from geo_service.errors import Invalid
from geo_service.i18n import LANGUAGES, SOURCE_LANGUAGE
from geo_service.settings import get_settings, uses_demo
from layers.buildings import Quarter

# Errors and progress go to stderr, so that --json prints one document to stdout and nothing else.
console = Console(stderr=True)


def command_language(asked: str | None = None) -> str:
    """Language of a command: ``--lang``, else ``ACCANTO_LANGUAGE``, else the terminal's, else it.

    Raises :class:`Invalid` for an ``asked`` one that is not spoken.
    """
    if asked is not None:
        if asked not in LANGUAGES:
            raise Invalid(f"--lang {asked}: {', '.join(LANGUAGES)}")
        return asked
    settings = get_settings()
    if "language" in settings.model_fields_set:
        return settings.language
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        told = os.environ.get(name, "").split("_")[0].split(".")[0].lower()
        if told:
            return told if told in LANGUAGES else SOURCE_LANGUAGE
    return SOURCE_LANGUAGE


@contextmanager
def database() -> Iterator[Engine]:
    """The database of this command, migrated and ready."""
    with open_database(get_settings(), demo=uses_demo()) as engine:
        yield engine


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits when the command ends well and rolls back when it does not."""
    with database() as engine, Session(engine, expire_on_commit=False) as session:
        yield session
        session.commit()


def chosen_quarter(session: Session, code: str | None) -> Quarter:
    """The quarter called ``code``, or the only one. Raises :class:`Invalid` saying which exist."""
    code = code or get_settings().quarter
    quarters = list(session.scalars(select(Quarter).order_by(Quarter.code)))
    if code is not None:
        for quarter in quarters:
            if quarter.code == code:
                return quarter
        known = ", ".join(q.code for q in quarters) or "nessuno"
        raise Invalid(f"Non c'è un quartiere {code!r}; ci sono: {known}. / No such quarter.")
    if not quarters:
        raise Invalid(
            "Non c'è ancora un quartiere: accanto quarter add CODICE --name NOME / No quarter yet."
        )
    if len(quarters) > 1:
        known = ", ".join(q.code for q in quarters)
        raise Invalid(
            f"Ci sono più quartieri, indicarne uno con --quarter: {known}. / Name one of them."
        )
    return quarters[0]


def write_file(path: Path, content: bytes) -> None:
    """Write what ``--out`` asks for. Raises :class:`Invalid` saying why it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written ({error.strerror}): name a file in a folder that exists "
            "and may be written to."
        ) from error


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """A progress bar on a terminal; silence in a pipe."""
    bar = Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        yield bar


QUARTER_OPTION = typer.Option(None, "--quarter", help="Codice del quartiere / quarter code")
