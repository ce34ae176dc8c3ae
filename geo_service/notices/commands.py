"""Commands of the notices: ``accanto notices list``."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from geo_service import calendar
from geo_service.console import transaction, write_file
from geo_service.errors import Invalid
from geo_service.notices.export import FORMATS, export
from geo_service.notices.service import notice_list

notices = typer.Typer(no_args_is_help=True, help="Avvisi / notices")


def register(cli: typer.Typer) -> None:
    """Add the commands of this domain to the command line."""
    cli.add_typer(notices, name="notices")


@notices.command("list")
def list_notices(
    phase: int = typer.Option(..., "--phase", help="Fase / phase id"),
    file_format: str = typer.Option("csv", "--format", help="csv, json, xlsx, gpkg"),
    out: Path | None = typer.Option(None, "--out", help="File invece di stdout / file to write"),
) -> None:
    """Elenco per edificio e scala di chi va avvisato. / Whom to tell, stairwell by stairwell."""
    if file_format not in FORMATS:
        raise typer.BadParameter(f"one of {', '.join(FORMATS)}", param_hint="--format")
    if out is None and file_format in {"xlsx", "gpkg"} and sys.stdout.isatty():
        raise Invalid(f"A {file_format} file is not for the screen: name a file with --out.")
    with transaction() as session:
        content = export(session, notice_list(session, phase, calendar.today()), file_format)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_file(out, content)
