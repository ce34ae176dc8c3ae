"""Command ``accanto map``: one HTML file that opens without a network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from geo_service import calendar
from geo_service.console import QUARTER_OPTION, chosen_quarter, transaction
from geo_service.desk.maps import phase_map_file, quarter_map_file


class Subject(StrEnum):
    """What the map shows."""

    quarter = "quarter"
    phase = "phase"


def register(cli: typer.Typer) -> None:
    """Add the command of this file to the command line."""
    cli.command("map")(map_file)


def map_file(
    subject: Subject = typer.Argument(..., help="quarter, phase"),
    out: Path = typer.Option(..., "--out", help="File HTML da scrivere / file to write"),
    phase: int | None = typer.Option(None, "--phase", help="Fase / phase id"),
    quarter: str | None = QUARTER_OPTION,
    language: str = typer.Option("it", "--lang", help="it, en"),
) -> None:
    """Scrive una mappa in un solo file, che si apre senza rete. / Write a map as one file."""
    with transaction() as session:
        if subject is Subject.phase:
            if phase is None:
                raise typer.BadParameter("a phase map needs --phase ID")
            page = phase_map_file(session, phase, language)
        else:
            place = chosen_quarter(session, quarter)
            page = quarter_map_file(session, place, calendar.today(), language)
    out.write_text(page, encoding="utf-8")
    typer.echo(f"{out} ({out.stat().st_size / 1e6:.1f} MB)")
