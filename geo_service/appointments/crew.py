"""What the crew gets: flats and hours of one day, and a link with which it says how it went.

Nothing here names a household, its language, its telephone or its needs, and no flat stands out:
an empty one is on the list as any other.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from geo_service.accounts.models import TaskLink
from geo_service.appointments import lists, service
from geo_service.appointments.lists import Row
from geo_service.appointments.states import ON_CREW_LIST, OPEN, OUTCOMES
from geo_service.appointments.vocabulary import FILE_HEADS
from geo_service.errors import Invalid, NotFound
from geo_service.i18n import gettext as _

ACTION = "appointments.day:"
# Nobody rings at a flat that no longer exists on the day of its visit.
STANDS = """exists (select from flat x where x.id = t.flat_id
            and (x.closed_on is null or x.closed_on > t.on_day))"""


def action_of(day: dt.date) -> str:
    """Name of the task "report the visits of this day", as links keep it."""
    return f"{ACTION}{day.isoformat()}"


def day_of(link: TaskLink) -> dt.date:
    """Day of which a link may report. Raises :class:`NotFound` for a link to another task."""
    if not link.action.startswith(ACTION):
        raise NotFound(_("Questo collegamento serve a un altro compito."))
    return dt.date.fromisoformat(link.action.removeprefix(ACTION))


def day_list(session: Session, phase_id: int, day: dt.date, today: dt.date) -> list[Row]:
    """Visits of a day in the order of the hours: agreed ones, and what became of them."""
    where = "t.phase_id = :phase and t.on_day = :day and t.state = any(:states)"
    values = {"phase": phase_id, "day": day, "states": sorted(ON_CREW_LIST)}
    return _rows(session, where, values, today)


def coming(session: Session, phase_id: int, today: dt.date) -> list[Row]:
    """Agreed visits from ``today`` on."""
    where = "t.phase_id = :phase and t.on_day >= cast(:today as date) and t.state = any(:states)"
    values = {"phase": phase_id, "states": sorted(OPEN & ON_CREW_LIST)}
    return _rows(session, where, values, today)


def to_agree(session: Session, phase_id: int, day: dt.date, today: dt.date) -> int:
    """Slots of a day that are not on the crew's list, because nobody agreed to them yet."""
    where = "t.phase_id = :phase and t.on_day = :day and t.state = any(:states)"
    values = {"phase": phase_id, "day": day, "states": sorted(OPEN - ON_CREW_LIST)}
    return len(_rows(session, where, values, today))


def days(session: Session, phase_id: int, today: dt.date) -> list[dt.date]:
    """Days on which the crew has a visit."""
    where = "t.phase_id = :phase and t.state = any(:states)"
    values = {"phase": phase_id, "states": sorted(ON_CREW_LIST)}
    found = _rows(session, where, values, today)
    return sorted({row.slot.day for row in found})


def _rows(session: Session, where: str, values: dict[str, Any], today: dt.date) -> list[Row]:
    return lists.rows(session, f"{where} and {STANDS}", values, today, protected=True)


def frame(rows: list[Row]) -> pd.DataFrame:
    """The crew's list as a table: when and where, nothing else."""
    columns = {
        "day": [r.slot.day.isoformat() for r in rows],
        "starts_at": [f"{r.slot.starts_at:%H:%M}" for r in rows],
        "ends_at": [f"{r.slot.ends_at:%H:%M}" for r in rows],
        "crew": [r.slot.crew for r in rows],
        "address": [r.address for r in rows],
        "stairwell": [r.stairwell for r in rows],
        "storey": ["" if r.storey is None else r.storey for r in rows],
        "flat": [r.number for r in rows],
    }
    return pd.DataFrame({_(FILE_HEADS[name]): values for name, values in columns.items()})


def report(
    session: Session, link: TaskLink, appointment_id: int, outcome: str, today: dt.date
) -> None:
    """Mark what the crew found, with its link. Saying the same thing twice changes nothing.

    Raises :class:`NotFound` for a visit that is not on the list of the link's phase and day, and
    :class:`Invalid` for anything but done and nobody at home.
    """
    if outcome not in OUTCOMES:
        raise Invalid(_("Scegliete «Fatto» oppure «Nessuno in casa»."))
    found = service.appointment(session, appointment_id)
    service.locked(session, found, found.row_version)
    # What the link does not show it cannot change: a visit that nobody agreed to stays unknown.
    listed = {row.id for row in day_list(session, link.subject_id, day_of(link), today)}
    if found.id not in listed:
        raise NotFound(_("Questo appuntamento non è nell'elenco del giorno."))
    if found.state == outcome:
        return
    service.change_state(session, found, outcome, today=today, reason="visit", reported_by="crew")
