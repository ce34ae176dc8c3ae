"""A phase inside flats for tests: new windows in all eight flats of the small world."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from geo_service.appointments import homes, lists, service
from geo_service.appointments.models import Appointment
from geo_service.appointments.planning import Rules, plan
from geo_service.works.drafts import HoursDraft
from geo_service.works.service import add_phase
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, week_draft

LUNCH = (dt.time(12), dt.time(13))


def windows_phase(
    session: Session, world: World, code: str = "F1", first: dt.date = MONDAY, weeks: int = 2
) -> PhaseRevision:
    """Works in every flat of ``world``, Monday to Friday from 8 to 17.

    The household of the second flat lives at a protected address; the last flat is empty.
    """
    hours = tuple(HoursDraft(day, dt.time(8), dt.time(17)) for day in range(5))
    draft = week_draft(
        first,
        weeks,
        preset="windows",
        contractor="Impresa Esempio",
        certainty="confirmed",
        hours=hours,
        inside_flat_ids=tuple(f.id for f in world.flats),
    )
    revision = add_phase(session, world.site, code=code, name="Serramenti", draft=draft)
    world.households[1].protected = True
    session.flush()
    return revision


def propose(session: Session, revision: PhaseRevision, **rules: object) -> list[Appointment]:
    """A slot of half a day for every flat, in the order of the visits."""
    found = homes.places(session, revision.phase_id, revision.id, revision.period.lower)
    wanted = {"first": revision.period.lower, "minutes": 240, "pause": LUNCH, **rules}
    made = plan(homes.homes(found), lists.days_of(revision), Rules(**wanted))  # type: ignore[arg-type]
    service.propose(session, revision, made, again={})
    session.flush()
    query = session.query(Appointment).filter(Appointment.phase_id == revision.phase_id)
    return query.order_by(Appointment.on_day, Appointment.starts_at, Appointment.crew).all()
