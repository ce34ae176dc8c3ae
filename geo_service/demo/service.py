"""Loading the demonstration: the invented quarter, its people, its sites, their impacts."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from geoalchemy2.shape import from_shape
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo_service.database import refresh_statistics
from geo_service.demo.appointments import make_appointments
from geo_service.demo.history import past_versions
from geo_service.demo.overruns import plant_overruns
from geo_service.demo.people import make_people
from geo_service.demo.permits import permits
from geo_service.demo.plan import MUNICIPAL_RULE, MUNICIPALITY, QUARTER_CODE, QUARTER_NAME
from geo_service.demo.quarter import SEED, make_quarter
from geo_service.demo.residents import load_people
from geo_service.demo.schedule import Ids, PlannedPhase, Weeks, phases
from geo_service.demo.sites import SITES
from geo_service.errors import Conflict
from geo_service.works import presets
from geo_service.works import service as works
from geo_service.works.revisions import half_open
from layers.buildings import Building, Flat, Quarter, Stairwell
from layers.crs import SRID
from layers.errors import DataError
from layers.impacts.compute import ENGINE_VERSION
from layers.impacts.store import recompute_all
from layers.loaders.buildings import load_buildings
from layers.loaders.entrances import load_entrances
from layers.loaders.flats import load_flats
from layers.loaders.paths import load_paths
from layers.loaders.report import Report
from layers.sites import Permit, PhaseRevision, Site

# What residents were told of; D1 must be announced today and is not among them.
ANNOUNCED = ("A1", "A2", "A3", "A4", "A5", "A6", "B1", "B2", "C1")
# Phases inside flats whose visits are arranged.
VISITED = ("A3", "A4", "A5")
# Phases whose dates somebody confirmed lately: days before today's Monday.
CONFIRMED = {"A2": 3, "A3": 3, "A4": 4, "A5": 6, "B2": 4, "C1": 5, "D1": 11}


def load_demo(
    session: Session,
    today: dt.date,
    *,
    seed: int = SEED,
    compute: bool = True,
    progress: Callable[[int, int], Any] | None = None,
) -> Quarter:
    """Make sure that the demonstration of ``today`` is in the database; never commits.

    The same day, seed and edition change nothing; another day replaces the whole quarter.
    ``compute`` also writes zones and impacts of every phase in force; ``progress(done, of)`` is
    called after each of them.

    Raises :class:`Conflict` when real rows hold the code of the demonstration.
    """
    mark = {
        "edition": _edition(), "seed": seed, "today": today.isoformat(),
        "engine": ENGINE_VERSION if compute else None,
    }  # fmt: skip
    present = session.scalar(select(Quarter).where(Quarter.code == QUARTER_CODE))
    if present is not None:
        if not present.synthetic:
            raise Conflict(
                f"The quarter {QUARTER_CODE!r} of this database is not the demonstration; "
                "load the demonstration into a database of its own."
            )
        if present.settings.get("demo") == mark:
            return present
        session.execute(delete(Quarter).where(Quarter.id == present.id))
        session.expire_all()
    quarter = _load_space(session, today, seed, mark)
    in_force = _load_works(session, quarter, Weeks.of(today))
    plant_overruns(session, in_force, today)
    for code in VISITED:
        make_appointments(session, in_force[code], today, seed)
    refresh_statistics(session)
    if compute:
        recompute_all(session.connection(), quarter.id, progress)
        refresh_statistics(session)
    return quarter


@cache
def _edition() -> str:
    """Changes with everything that the demonstration is made of, so that none is left stale."""
    here = Path(__file__).parent
    sources = sorted(p for p in here.iterdir() if p.suffix in (".py", ".yaml"))
    sources.append(Path(presets.__file__).with_suffix(".yaml"))
    return hashlib.blake2s(b"".join(p.read_bytes() for p in sources), digest_size=8).hexdigest()


def _load_space(session: Session, today: dt.date, seed: int, mark: dict[str, Any]) -> Quarter:
    frames = make_quarter(seed)
    quarter = Quarter(
        code=QUARTER_CODE,
        name=QUARTER_NAME,
        municipality=MUNICIPALITY,
        boundary=from_shape(frames.boundary, srid=SRID),
        synthetic=True,
        settings={"demo": mark, "municipal_rule": MUNICIPAL_RULE},
    )
    session.add(quarter)
    session.flush()
    _all_taken("buildings", load_buildings(session, quarter.id, frames.buildings))
    _all_taken("entrances", load_entrances(session, quarter.id, frames.entrances))
    _all_taken("paths", load_paths(session, quarter.id, frames.paths))
    _all_taken("flats", load_flats(session, quarter.id, frames.flats))
    people = make_people(frames.flats, today, seed)
    _all_taken("households", load_people(session, quarter.id, people))
    return quarter


def _all_taken(what: str, report: Report) -> None:
    if report.refused:
        first = report.rows[0]
        raise DataError(
            f"The demonstration's {what} were refused in {report.refused} rows; the first is "
            f"row {first.row}, {first.field}: {first.reason}"
        )


def _ids(session: Session, quarter_id: int) -> Ids:
    buildings = select(Building.source_id, Building.id).where(Building.quarter_id == quarter_id)
    stairs = (
        select(Stairwell.label, Stairwell.id)
        .join(Building)
        .where(Building.quarter_id == quarter_id)
        .order_by(Stairwell.id)
    )
    dwellings = (
        select(Stairwell.label, Flat.id)
        .join(Flat, Flat.stairwell_id == Stairwell.id)
        .join(Building, Building.id == Stairwell.building_id)
        .where(Building.quarter_id == quarter_id, Flat.use == "dwelling")
        .order_by(Flat.id)
    )
    flats: dict[str, list[int]] = defaultdict(list)
    for label, flat_id in session.execute(dwellings):
        flats[label].append(flat_id)
    return Ids(
        dict(session.execute(buildings).all()),
        dict(session.execute(stairs).all()),
        {label: tuple(ids) for label, ids in flats.items()},
    )


def _load_works(session: Session, quarter: Quarter, weeks: Weeks) -> dict[str, PhaseRevision]:
    """Record the sites with their schedules; returns the revisions in force by phase code."""
    everything: dict[str, PhaseRevision] = {}
    ids = _ids(session, quarter.id)
    for plan in SITES:
        site = works.create_site(
            session, quarter.id, code=plan.code, name=plan.name, footprint=plan.footprint,
            client=plan.client, cup=plan.cup, cig=plan.cig,
        )  # fmt: skip
        planned = phases(plan.code, weeks, ids)
        in_force = _record_history(session, site, weeks, planned)
        _mark(session, weeks, in_force)
        everything |= in_force
        for permit in permits(plan.code, weeks):
            session.add(
                Permit(
                    site_id=site.id,
                    phases=[in_force[permit.phase].phase],
                    kind=permit.kind,
                    issuer=permit.issuer,
                    number=permit.number,
                    period=permit.period and half_open(*permit.period),
                    state=permit.state,
                    conditions=permit.conditions,
                )
            )
    session.flush()
    return everything


def _record_history(
    session: Session, site: Site, weeks: Weeks, planned: list[PlannedPhase]
) -> dict[str, PhaseRevision]:
    """Record every version of a site's schedule; returns the revisions in force by phase code."""
    names = {p.code: p.name for p in planned}
    first, *later = past_versions(site.code, weeks, planned)
    recorded = works.add_phases(
        session, site, [(code, names[code], draft) for code, draft in first.drafts],
        author=first.author, reason=first.reason, recorded_at=first.recorded_at(weeks),
    )  # fmt: skip
    in_force = dict(zip([code for code, _ in first.drafts], recorded, strict=True))
    for version in later:
        changes = [(in_force[code].phase, draft) for code, draft in version.drafts]
        recorded = works.revise_phases(
            session, site, changes, author=version.author, reason=version.reason,
            recorded_at=version.recorded_at(weeks),
        )  # fmt: skip
        in_force |= dict(zip([code for code, _ in version.drafts], recorded, strict=True))
    return in_force


def _mark(session: Session, weeks: Weeks, in_force: dict[str, PhaseRevision]) -> None:
    """Note which revisions were confirmed and which were announced to residents."""
    for code, revision in in_force.items():
        if code in CONFIRMED:
            on = weeks.monday - dt.timedelta(days=CONFIRMED[code])
            works.confirm(session, revision, on, author="DL")
        if code in ANNOUNCED:
            works.seal(session, revision, "announced")
