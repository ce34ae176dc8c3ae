"""Command ``accanto map``: one HTML file that opens without a network."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path

import typer
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from geo_service import calendar
from geo_service.console import QUARTER_OPTION, chosen_quarter, transaction, write_file
from geo_service.i18n import LANGUAGES, use_language
from geo_service.settings import get_settings
from geo_service.works.map_data import View, map_data, phase_view
from geo_service.works.overview import revision_of_phase
from layers.buildings import Quarter
from layers.impacts.models import KINDS
from maps.base.render import single_file
from maps.site_map import phase_map, quarter_map

WEEK = dt.timedelta(days=6)


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
    language: str = typer.Option("it", "--lang", help=", ".join(LANGUAGES)),
) -> None:
    """Scrive una mappa in un solo file, che si apre senza rete. / Write a map as one file."""
    if language not in LANGUAGES:
        raise typer.BadParameter(f"one of {', '.join(LANGUAGES)}", param_hint="--lang")
    with transaction() as session, use_language(language):
        if subject is Subject.phase:
            if phase is None:
                raise typer.BadParameter("a phase map needs --phase ID", param_hint="--phase")
            page = phase_page(session, phase)
        else:
            page = quarter_page(session, chosen_quarter(session, quarter))
    write_file(out, page.encode())
    typer.echo(f"{out} ({out.stat().st_size / 1e6:.1f} MB)")


def quarter_page(session: Session, quarter: Quarter) -> str:
    """Map of a quarter in the coming week, as one file."""
    today = calendar.today()
    view = View(today, today + WEEK)
    data = map_data(session, quarter, view, title=quarter.name, list_href="", single_file=True)
    return single_file(quarter_map(data), base_url=_public_address())


def phase_page(session: Session, phase_id: int) -> str:
    """Map of one phase over its whole period, with the zones of every kind, as one file."""
    revision = revision_of_phase(session, phase_id)
    site = revision.phase.site
    data = map_data(
        session,
        site.quarter,
        phase_view(revision.period, revision.id),
        title=f"{site.code} {revision.phase.code} {revision.phase.name}",
        list_href="",
        zones_of=KINDS,
        around=to_shape(revision.footprint),
        single_file=True,
    )
    return single_file(phase_map(data), base_url=_public_address())


def _public_address() -> str:
    """Where links of a file lead; without a public address a file has no links."""
    return get_settings().public_url or ""
