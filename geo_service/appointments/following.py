"""Appointments follow their phase: works never call them, so they ask which revision is in force.

An appointment remembers the revision for which its slot was made. Where another one is in force,
it has yet to follow: the page says so, shows what would become of each slot, and a person applies
it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session, selectinload

from geo_service.appointments import lists, service
from geo_service.appointments.lists import Row
from geo_service.appointments.models import Appointment
from geo_service.appointments.planning import Step, follow
from geo_service.appointments.states import OPEN
from geo_service.errors import Conflict
from geo_service.i18n import gettext as _
from layers.sites import PhaseRevision


@dataclass(frozen=True, slots=True)
class Shift:
    """One appointment that has yet to follow its phase, and what becomes of it."""

    row: Row
    step: Step


@dataclass(frozen=True, slots=True)
class Following:
    """Everything of one phase that has yet to follow.

    ``days`` is by how many days the phase moved as a whole, None where it only changed its ends
    or hours.
    """

    revision: PhaseRevision
    days: int | None
    shifts: tuple[Shift, ...]

    @property
    def moving(self) -> list[Shift]:
        """Those that get another slot."""
        return [s for s in self.shifts if s.step.what == "moved"]

    @property
    def kept(self) -> list[Shift]:
        """Those whose slot still holds."""
        return [s for s in self.shifts if s.step.what == "kept"]

    @property
    def stuck(self) -> list[Shift]:
        """Those for which no day is left."""
        return [s for s in self.shifts if s.step.what == "stuck"]

    @property
    def mark(self) -> str:
        """Changes with everything that a person was shown before applying it."""
        facts = [(s.row.id, s.row.row_version, s.step) for s in self.shifts]
        return hashlib.sha256(repr((self.revision.id, facts)).encode()).hexdigest()[:24]


def following(
    session: Session, revision: PhaseRevision, listed: list[Row], today: dt.date
) -> Following:
    """What of ``listed``, appointments of one phase, has yet to follow ``revision`` in force."""
    late = [row for row in listed if row.open and row.revision_id != revision.id]
    after = lists.days_of(revision)
    known = {
        r.id: r
        for r in session.query(PhaseRevision)
        .options(selectinload(PhaseRevision.hours))
        .filter(PhaseRevision.id.in_({row.revision_id for row in late}))
    }
    stay = [row for row in listed if row.open and row.revision_id == revision.id]
    shifts: list[Shift] = []
    days: set[int | None] = set()
    for revision_id in sorted(known):
        before = lists.days_of(known[revision_id])
        moved = [row for row in late if row.revision_id == revision_id]
        placed = [row.slot for row in stay] + [s.step.slot for s in shifts]
        steps = follow([(row.id, row.slot) for row in moved], before, after, today, placed)
        shifts += [Shift(row, steps[row.id]) for row in moved]
        first, last = (after.first - before.first).days, (after.last - before.last).days
        days.add(first if first == last != 0 else None)
    whole = days.pop() if len(days) == 1 else None
    return Following(revision, whole, tuple(sorted(shifts, key=lambda s: s.row.when)))


def apply(session: Session, found: Following, mark: str) -> int:
    """Let every appointment follow as it was shown; how many got another slot.

    Raises :class:`Conflict` when it is no longer what ``mark`` stands for.
    """
    ids = [shift.row.id for shift in found.shifts]
    locked = {
        a.id: a
        for a in session.query(Appointment)
        .options(selectinload(Appointment.preparation))
        .filter(Appointment.id.in_(ids))
        .order_by(Appointment.id)
        .populate_existing()
        .with_for_update()
    }
    unchanged = all(locked[s.row.id].row_version == s.row.row_version for s in found.shifts)
    if mark != found.mark or not unchanged:
        raise Conflict(
            _(
                "Nel frattempo la fase o qualche appuntamento è cambiato: l'elenco qui sotto è "
                "quello di adesso. Controllate e applicate di nuovo."
            )
        )
    for shift in found.shifts:
        entry = locked[shift.row.id]
        if shift.step.what == "stuck":
            service.must_agree_again(session, entry, found.revision.id)
        else:
            service.take_over(session, entry, found.revision.id, shift.step.slot)
    service.tell_followed(session, found.revision.phase, len(found.moving))
    return len(found.moving)


def former_slots(
    session: Session, appointment_ids: list[int]
) -> dict[int, tuple[dt.date | None, str]]:
    """Day and hours of appointments before their latest move, as their events tell it."""
    query = text(
        """select distinct on (appointment_id) appointment_id,
                  changes -> 'slot_on' ->> 0 as day, changes -> 'slot_hours' ->> 0 as hours
           from appointment_event
           where appointment_id = any(:ids)
             and (changes -> 'slot_on' ->> 0 is not null
                  or changes -> 'slot_hours' ->> 0 is not null)
           order by appointment_id, id desc"""
    )
    return {
        row.appointment_id: (dt.date.fromisoformat(row.day) if row.day else None, row.hours or "")
        for row in session.execute(query, {"ids": appointment_ids})
    }


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of one phase waits for the laboratory."""

    phase_id: int
    code: str
    name: str
    to_follow: int
    to_agree: int
    unanswered: int
    late: int
    next_day: dt.date


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Visits that are still to come of a phase that is out of its schedule."""

    phase_id: int
    code: str
    name: str
    number: int
    next_day: dt.date


@dataclass(frozen=True, slots=True)
class Pressing:
    """Phases of a quarter whose appointments need somebody, by the code of the phase."""

    waiting: tuple[Waiting, ...]
    orphaned: tuple[Orphaned, ...]


def pressing(
    session: Session, quarter_id: int, today: dt.date, soon: dt.date, *, protected: bool
) -> Pressing:
    """Phases whose appointments need somebody: they have yet to follow, have to be agreed again,
    were due and nobody said what became of them, are not prepared in time, or are still to come
    though their phase was taken out of its schedule.

    Counted up to the day ``soon``; those that have yet to follow or to be called off, all of them.
    """
    needing = """t.state = any(:open) and exists (
        select from works_phase p join site s on s.id = p.site_id and s.archived_on is null
        left join revision_in_force v on v.phase_id = p.id
        where p.id = t.phase_id and s.quarter_id = :quarter
          and (v.revision_id is null or v.revision_id <> t.revision_id
               or t.on_day <= cast(:soon as date)))"""
    values = {"quarter": quarter_id, "soon": soon, "open": sorted(OPEN)}
    rows = lists.rows(session, needing, values, today, protected=protected)
    if not rows:
        return Pressing((), ())
    phases = session.execute(
        text(
            """select p.id, p.code, p.name, v.revision_id from works_phase p
               left join revision_in_force v on v.phase_id = p.id where p.id = any(:ids)
               order by p.code"""
        ),
        {"ids": sorted({row.phase_id for row in rows})},
    )
    waiting: list[Waiting] = []
    orphans: list[Orphaned] = []
    for phase_id, code, name, revision_id in phases:
        own = [row for row in rows if row.phase_id == phase_id]
        next_day = min(row.slot.day for row in own)
        if revision_id is None:
            orphans.append(Orphaned(phase_id, code, name, len(own), next_day))
            continue
        current = [row for row in own if row.revision_id == revision_id]
        waiting.append(
            Waiting(
                phase_id,
                code,
                name,
                to_follow=len(own) - len(current),
                to_agree=sum(r.state == "moved" and r.slot.day <= soon for r in current),
                unanswered=sum(r.unanswered(today) for r in current),
                late=sum(bool(r.late) for r in current if r.slot.day >= today),
                next_day=next_day,
            )
        )
    return Pressing(tuple(waiting), tuple(orphans))
