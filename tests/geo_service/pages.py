"""A world with works and impacts written down by hand, for tests of pages."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.works.drafts import ClosureDraft, CutDraft, HoursDraft, PlantDraft
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import add_phases, revise_phase, seal
from layers.impacts.models import Impact, ImpactRun, ImpactZone
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, area, make_world, week_draft

WEEK = dt.timedelta(days=7)


def make_works(session: Session, code: str = "prova") -> tuple[World, dict[str, PhaseRevision]]:
    """:func:`make_world` with three phases: this week, in two weeks, next winter.

    A1 makes noise at both buildings and cuts the water of the first; A2 raises dust at the second
    from the third week on; A3 comes in thirty weeks.
    """
    world = make_world(session, code)
    hours = tuple(
        HoursDraft(day, dt.time(start), dt.time(end), noisy)
        for day in range(5)
        for start, end, noisy in ((8, 17, False), (8, 12, True), (14, 17, True))
    )
    first = week_draft(
        weeks=2,
        certainty="confirmed",
        contractor="Impresa Esempio",
        hours=hours,
        plant=(PlantDraft("excavator_tracked", on_time=0.5),),
        closures=(ClosureDraft("footway", area(22, -8, 20, 3), "Passaggio a nord", stalls=4),),
        cuts=(
            CutDraft(
                "water",
                MONDAY,
                MONDAY + dt.timedelta(days=4),
                (world.stairwells[0].id,),
                dt.time(8, 30),
                dt.time(12, 30),
            ),
        ),
    )
    phases = [
        ("A1", "Scavo", first),
        ("A2", "Demolizione", week_draft(MONDAY + 2 * WEEK, 3)),
        ("A3", "Asfalto", week_draft(MONDAY + 30 * WEEK)),
    ]
    revisions = add_phases(session, world.site, phases, author="prova", reason="inizio")
    found = dict(zip(("A1", "A2", "A3"), revisions, strict=True))
    add_impacts(session, found["A1"], "noise", [(f, 3) for f in world.flats[:4]], "dB(A)", 71.0)
    add_impacts(session, found["A1"], "noise", [(f, 1) for f in world.flats[4:]], "dB(A)", 58.0)
    add_impacts(session, found["A2"], "dust", [(f, 2) for f in world.flats[4:]])
    return world, found


def add_impacts(session, revision, kind, flats, unit=None, value=None) -> None:  # type: ignore[no-untyped-def]
    """Impacts of ``kind`` on ``(flat, band)`` pairs over the whole period of ``revision``."""
    run = session.query(ImpactRun).filter_by(revision_id=revision.id).one_or_none()
    if run is None:
        run = ImpactRun(revision_id=revision.id, engine_version="test", methods={}, seconds=0.1)
        session.add(run)
        session.flush()
    run.methods = {**run.methods, kind: {"method": "prova", "margin": "±3 dB"}}
    for flat, band in flats:
        session.add(
            Impact(
                run_id=run.id,
                kind=kind,
                part_of_day="day",
                building_id=flat.stairwell.building_id,
                flat_id=flat.id,
                value=value,
                unit=unit,
                band=band,
                period=Range(revision.period.lower, revision.period.upper),
                weekdays=0b0011111,
            )
        )
    session.add(
        ImpactZone(run_id=run.id, kind=kind, band=2, method="prova", geom=revision.footprint)
    )
    session.flush()


def postpone_announced(session: Session, works: tuple[World, dict[str, PhaseRevision]], hit: int):  # type: ignore[no-untyped-def]
    """A1 was announced and moves by a week: it now hits the first ``hit`` flats, and as before
    those of the second building."""
    world, revisions = works
    seal(session, revisions["A1"], "announced")
    draft = shifted(draft_of(session, revisions["A1"]), 7)
    later = revise_phase(session, revisions["A1"].phase, draft, author="Ada", reason="pioggia")
    add_impacts(session, later, "noise", [(f, 3) for f in world.flats[:hit]], "dB(A)", 71.0)
    add_impacts(session, later, "noise", [(f, 1) for f in world.flats[4:]], "dB(A)", 58.0)
    session.commit()
    session.expire_all()
    return works
