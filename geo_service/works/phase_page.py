"""What the page of a phase shows: who is hit, by what, how it was computed, what is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.web.embed import embed, without_heading
from geo_service.web.pages import sees_flats
from geo_service.web.panels import panels
from geo_service.works import overview
from geo_service.works.cuts.page import phase_cuts
from geo_service.works.hours import daily_hours
from geo_service.works.map_data import map_data, phase_view
from geo_service.works.methods import MethodSheet, method_sheets
from geo_service.works.permits.page import phase_permits
from geo_service.works.presets import PRESETS
from geo_service.works.revisions import inclusive
from geo_service.works.sayings import said_of
from geo_service.works.timelines.dependency_form import phase_links
from layers.impacts.models import ImpactRun
from layers.plant.catalogue import catalogue
from layers.sites import PhaseRevision, PlantItem
from maps.site_map import phase_map


@dataclass(frozen=True, slots=True)
class PlantLine:
    """A machine as people read it."""

    name: str
    count: int
    on_time: float
    lwa_declared_db: float | None


@dataclass(frozen=True, slots=True)
class CutLine:
    """A cut as people read it."""

    service: str
    when: str
    window: str
    stairwells: tuple[str, ...]
    note: str


def phase_context(request: Request, session: Session, revision: PhaseRevision) -> dict[str, Any]:
    """Everything ``works/phase.html`` needs."""
    site = revision.phase.site
    first, last = inclusive(revision.period)
    run = overview.run_in_force(session, revision.id)
    sight = Sight.of(request.state.account)
    kinds, buildings, households = overview.hit_by(session, revision.id, sight)
    data = map_data(
        session,
        site.quarter,
        # The other sites would push the map away from this one.
        replace(phase_view(revision.period, revision.id), site_id=site.id),
        title=f"{revision.phase.code} {revision.phase.name}",
        list_href="#edifici",
        flats=sees_flats(request),
        zones_of=sorted({row.kind for row in kinds}),
        around=to_shape(revision.footprint),
    )
    return {
        "revision": revision,
        "phase": revision.phase,
        "site": site,
        "first": first,
        "last": last or first,
        "row": overview.phase_rows(session, [revision])[0],
        "run": run,
        "kinds": kinds,
        "households_hit": households,
        "buildings": buildings,
        "methods": sheets(run),
        "sayings": said_of(session, [revision.id])[revision.id],
        "said_errors": {},
        "said_typed": {},
        "plant": [plant_line(item) for item in revision.plant],
        "hours": daily_hours(revision),
        "cuts": cut_lines(session, revision),
        "beside": panels(request, session, "phase", revision.phase_id),
        **phase_permits(session, revision),
        **phase_links(session, revision),
        **phase_cuts(session, revision, request.app.state.today()),
        "inside_flats": len(revision.inside_flats),
        "preset": preset_name(revision.preset),
        "map": embed(request, phase_map(without_heading(data))),
    }


def sheets(run: ImpactRun | None) -> list[MethodSheet]:
    """Method sheets of a computation, none where nothing was computed."""
    return [] if run is None else method_sheets(run.methods)


def preset_name(code: str | None) -> str:
    """Name of an activity preset; empty without one."""
    preset = PRESETS.get(code or "")
    return "" if preset is None else preset.name(i18n.current_language())


def plant_line(item: PlantItem) -> PlantLine:
    """A plant item with the catalogue's name for its machine."""
    machine = catalogue().get(item.machine)
    if machine is None:
        name = item.machine
    else:
        name = machine.name_it if i18n.current_language() == "it" else machine.name_en
    return PlantLine(name or item.machine, item.count, item.on_time, item.lwa_declared_db)


def cut_lines(session: Session, revision: PhaseRevision) -> list[CutLine]:
    """Cuts of a revision with the names of the stairwells they serve."""
    names = overview.stairwell_names(
        session, {s.id for cut in revision.cuts for s in cut.stairwells}
    )
    lines = []
    for cut in revision.cuts:
        window = _("tutto il giorno")
        if cut.starts_at is not None and cut.ends_at is not None:
            window = words.window(cut.starts_at, cut.ends_at)
        lines.append(
            CutLine(
                words.service(cut.service),
                i18n.period(*inclusive(cut.period)),
                window,
                tuple(sorted(names[s.id] for s in cut.stairwells)),
                cut.note,
            )
        )
    return lines
