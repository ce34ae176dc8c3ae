"""Commands of the works: ``accanto impacts``."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from geo_service.console import (
    QUARTER_OPTION,
    chosen_quarter,
    progress,
    transaction,
)
from geo_service.database import refresh_statistics
from geo_service.errors import NotFound
from geo_service.households.service import count_households
from geo_service.works.revisions import inclusive
from geo_service.works.service import revisions_in_force
from layers.impacts.queries import phase_summary
from layers.impacts.store import recompute
from layers.sites import PhaseRevision


def register(cli: typer.Typer) -> None:
    """Add the commands of this domain to the command line."""
    cli.command("impacts")(impacts)


def impacts(
    phase: int | None = typer.Option(None, "--phase", help="Fase / phase id"),
    everything: bool = typer.Option(
        False, "--all", help="Tutte le fasi, come senza --phase / every phase, the default"
    ),
    as_json: bool = typer.Option(False, "--json", help="Un documento JSON su stdout"),
    quarter: str | None = QUARTER_OPTION,
) -> None:
    """Calcola zone e disagi delle fasi in vigore. / Compute zones and impacts."""
    if phase is not None and everything:
        raise typer.BadParameter("name one phase with --phase ID, or take --all, not both")
    with transaction() as session:
        place = chosen_quarter(session, quarter)
        revisions = revisions_in_force(session, place.id)
        if phase is not None:
            revisions = [r for r in revisions if r.phase_id == phase]
            if not revisions:
                raise NotFound(
                    f"La fase {phase} non è nel cronoprogramma di {place.code}. / No such phase."
                )
        with progress("disagi") as bar:
            task = bar.add_task("", total=len(revisions))
            for revision in revisions:
                recompute(session.connection(), revision.id)
                bar.advance(task)
        refresh_statistics(session)
        document = summary(session, revisions)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _print(document)


def summary(session: Session, revisions: list[PhaseRevision]) -> dict[str, Any]:
    """``{"phases": [...]}``: buildings, flats and households hit by each revision, by kind."""
    ids = [r.id for r in revisions]
    frame = phase_summary(session.connection(), revision_ids=ids)
    households = count_households(session, ids, protected=True)
    phases = []
    for revision in revisions:
        first, last = inclusive(revision.period)
        rows = frame[frame.revision_id == revision.id]
        total = rows[rows.kind == "all"]
        people = households[revision.id]
        phases.append(
            {
                "id": revision.phase_id,
                "site": revision.phase.site.code,
                "code": revision.phase.code,
                "name": revision.phase.name,
                "from": first.isoformat(),
                "to": None if last is None else last.isoformat(),
                "buildings": int(total.buildings.sum()),
                "flats": int(total.flats.sum()),
                "households": people.households,
                "by_kind": {
                    row.kind: {
                        "buildings": int(row.buildings),
                        "flats": int(row.flats),
                        "households": people.by_kind.get(row.kind, 0),
                        "band": int(row.band),
                    }
                    for row in rows[rows.kind != "all"].itertuples()
                },
            }
        )
    return {"phases": phases}


def _print(document: dict[str, Any]) -> None:
    table = Table("id", "cantiere", "fase", "dal", "al", "edifici", "alloggi", "nuclei")
    for column in table.columns[3:5]:
        column.no_wrap = True
    for p in document["phases"]:
        table.add_row(
            str(p["id"]), p["site"], f"{p['code']} {p['name']}", p["from"], p["to"] or "",
            str(p["buildings"]), *_known(p),
        )  # fmt: skip
    Console().print(table)


def _known(phase: dict[str, Any]) -> tuple[str, str]:
    """Flats and households as text: nought where buildings are hit means that none is known."""
    if phase["buildings"] and not phase["flats"]:
        return "non noti", "non noti"
    return str(phase["flats"]), str(phase["households"])
