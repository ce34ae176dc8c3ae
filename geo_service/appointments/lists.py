"""Appointments as pages list them: where, when, in which state, what stands against them.

Who may not see protected addresses (``protected`` is False) gets no row of an empty flat or of a
protected household: the same flats as on every other list of the laboratory.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.appointments.planning import Slot, WorkDays, work_days
from geo_service.appointments.states import OPEN, STATES
from geo_service.appointments.vocabulary import OBJECTION_WORDS
from geo_service.households.addresses import ADDRESSES
from geo_service.households.lists import PAGE_ROWS, Page
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.works.revisions import inclusive
from layers.sites import PhaseRevision

SORTS = ("quando", "dove", "stato")


@dataclass(frozen=True, slots=True)
class Present:
    """A household that stays in the flat on the day of the appointment."""

    id: int
    code: str
    language: str
    channel: str
    protected: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One appointment with its place. ``unprepared`` and ``late`` count what is not ready."""

    id: int
    phase_id: int
    revision_id: int
    flat_id: int
    slot: Slot
    state: str
    attempts: int
    access: str
    row_version: int
    address: str
    building_id: int
    stairwell_id: int
    stairwell: str
    storey: int | None
    number: str
    households: tuple[Present, ...]
    unprepared: int
    late: int
    conflicts: tuple[str, ...] = ()

    @property
    def walk(self) -> tuple[Any, ...]:
        """Key that orders places as one walks: address, stairwell, from the top floor down."""
        storey = -self.storey if self.storey is not None else 999
        place = (self.address, len(self.stairwell), self.stairwell)
        return (*place, storey, len(self.number), self.number)

    @property
    def when(self) -> tuple[Any, ...]:
        """Key that orders by time, then by place."""
        return (self.slot.day, self.slot.starts_at, self.slot.crew, *self.walk)

    @property
    def open(self) -> bool:
        """Whether the crew is still to come."""
        return self.state in OPEN

    def unanswered(self, today: dt.date) -> bool:
        """Whether the visit is past and nobody said what became of it."""
        return self.slot.day < today and self.state in ("agreed", "second_attempt")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list of a phase is asked for; empty means all."""

    state: str = ""
    stairwell_id: int | None = None
    day: dt.date | None = None
    only: str = ""
    sort: str = "quando"
    page: int = 1


_ROWS = f"""
select t.id, t.phase_id, t.revision_id, t.flat_id, t.on_day, t.starts_at, t.ends_at, t.crew,
       t.state, t.attempts, t.access, t.row_version,
       coalesce(a.address, nullif(b.name, ''), b.code) as address, b.id as building_id,
       w.id as stairwell_id, w.label as stairwell, f.storey, f.number, n.households,
       coalesce(r.unprepared, 0) as unprepared, coalesce(r.late, 0) as late
from appointment t
join flat f on f.id = t.flat_id
join stairwell w on w.id = f.stairwell_id
join building b on b.id = w.building_id
left join {ADDRESSES} a on true
left join lateral (
    select jsonb_agg(jsonb_build_array(h.id, h.code, h.language, h.channel, h.protected)
                     order by h.code) as households
    from stay s join household h on h.id = s.household_id
    where s.flat_id = t.flat_id and s.period @> t.on_day) n on true
left join lateral (
    select count(*) as unprepared, count(*) filter (where p.ready_by < cast(:today as date)) as late
    from appointment_preparation p
    where p.appointment_id = t.id and p.done_on is null) r on true
where {{where}}"""  # noqa: S608  (no value is part of the text)


def of_phase(session: Session, phase_id: int, today: dt.date, *, protected: bool) -> list[Row]:
    """All appointments of a phase, by time."""
    return rows(session, "t.phase_id = :phase", {"phase": phase_id}, today, protected=protected)


def of_flat(session: Session, flat_id: int, today: dt.date, *, protected: bool) -> list[Row]:
    """Appointments of a flat in all phases."""
    return rows(session, "t.flat_id = :flat", {"flat": flat_id}, today, protected=protected)


def of_household(
    session: Session, household_id: int, today: dt.date, *, protected: bool
) -> list[Row]:
    """Appointments in flats on days on which a household stays there."""
    there = """exists (select from stay s where s.household_id = :household
               and s.flat_id = t.flat_id and s.period @> t.on_day)"""
    return rows(session, there, {"household": household_id}, today, protected=protected)


def rows(
    session: Session, where: str, values: dict[str, Any], today: dt.date, *, protected: bool
) -> list[Row]:
    """Appointments by a condition on ``t`` in SQL, by time."""
    found = session.execute(text(_ROWS.format(where=where)), {**values, "today": today})
    read = [_row(r) for r in found]
    if not protected:
        read = [
            replace(row, households=seen)
            for row in read
            if (seen := tuple(h for h in row.households if not h.protected))
        ]
    return sorted(read, key=lambda row: row.when)


def _row(r: Any) -> Row:
    state_open = r.state in OPEN
    return Row(
        r.id, r.phase_id, r.revision_id, r.flat_id,
        Slot(r.on_day, r.starts_at, r.ends_at, r.crew), r.state, r.attempts, r.access,
        r.row_version, r.address, r.building_id, r.stairwell_id, r.stairwell, r.storey, r.number,
        tuple(Present(*h) for h in r.households or ()),
        r.unprepared if state_open else 0, r.late if state_open else 0,
    )  # fmt: skip


def days_of(revision: PhaseRevision) -> WorkDays:
    """Days and hours in which ``revision`` is worked on."""
    first, last = inclusive(revision.period)
    hours = [(h.weekday, h.starts_at, h.ends_at, h.noisy) for h in revision.hours]
    return work_days(first, last or first, hours, get_settings().patron)


def with_conflicts(listed: Sequence[Row], days: WorkDays, flat_ids: Iterable[int]) -> list[Row]:
    """``listed`` with what stands against each open appointment, in words.

    ``days`` and ``flat_ids`` are those of the revision in force.
    """
    inside = set(flat_ids)
    coming = [row for row in listed if row.open]
    by_turn: dict[tuple[dt.date, int], list[Row]] = {}
    for row in coming:
        by_turn.setdefault((row.slot.day, row.slot.crew), []).append(row)
    found = []
    for row in listed:
        said: list[str] = []
        if row.open:
            objection = days.objection(row.slot.day, row.slot.starts_at, row.slot.ends_at)
            said += [_(OBJECTION_WORDS[objection])] if objection else []
            said += [
                _(
                    "Alla stessa ora la squadra %(crew)s è attesa anche in scala %(stairwell)s, "
                    "int. %(number)s.",
                    crew=row.slot.crew, stairwell=other.stairwell, number=other.number,
                )
                for other in by_turn[row.slot.day, row.slot.crew]
                if other.id != row.id and other.slot.meets(row.slot)
            ]  # fmt: skip
            if row.flat_id not in inside:
                said.append(_("In questo alloggio la fase non lavora più."))
        found.append(replace(row, conflicts=tuple(said)))
    return found


def chosen(listed: Sequence[Row], wanted: Wanted, today: dt.date) -> Page:
    """The page of ``listed`` that ``wanted`` asks for; ``page`` 0 means every row."""
    kept = [
        row
        for row in listed
        if (not wanted.state or row.state == wanted.state)
        and (wanted.stairwell_id is None or row.stairwell_id == wanted.stairwell_id)
        and (wanted.day is None or row.slot.day == wanted.day)
        and (wanted.only != "preparazione" or row.late)
        and (wanted.only != "conflitti" or row.conflicts)
        and (wanted.only != "esito" or row.unanswered(today))
    ]
    if wanted.sort == "dove":
        kept.sort(key=lambda row: (row.walk, row.when))
    elif wanted.sort == "stato":
        kept.sort(key=lambda row: (STATES.index(row.state), row.when))
    else:
        # What is over and done with comes last: nobody looks for it first.
        kept.sort(key=lambda row: (row.state in ("done", "dropped"), row.when))
    if wanted.page == 0:
        return Page(kept, len(kept), 1, 1)
    pages = max(1, -(-len(kept) // PAGE_ROWS))
    page = wanted.page if 1 <= wanted.page <= pages else 1
    return Page(kept[(page - 1) * PAGE_ROWS : page * PAGE_ROWS], len(kept), page, pages)


def counts(listed: Iterable[Row]) -> dict[str, int]:
    """Appointments by state, in the order of the states."""
    number = Counter(row.state for row in listed)
    return {state: number[state] for state in STATES if number[state]}
