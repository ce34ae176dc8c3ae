"""Appointments in the flats of A3, A4 and A5: visited, agreed, moved, still to be agreed."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from geo_service import calendar
from geo_service.appointments import homes, lists
from geo_service.appointments.homes import Place
from geo_service.appointments.models import Appointment, AppointmentEvent, Preparation
from geo_service.appointments.planning import Rules, Slot, plan
from geo_service.appointments.vocabulary import PREPARE, USUAL_MINUTES
from layers.sites import PhaseRevision

PAUSE = (dt.time(12), dt.time(13))
MOST_CREWS = 8
# Households are asked two weeks before the crew comes, and answer within one.
ASKED_AHEAD_DAYS, AGREED_AHEAD_DAYS = 14, 9
MORNING = dt.time(9, 20)


@dataclass(slots=True)
class _Story:
    """One appointment as it came about, written down with its events at the end."""

    place: Place
    slot: Slot
    state: str = "proposed"
    attempts: int = 0
    access: str = "household"
    keys_note: str = ""
    events: list[tuple[dt.date, str, str, dict[str, Any]]] = field(default_factory=list)

    def becomes(self, state: str, on: dt.date, reason: str = "", reported_by: str = "") -> None:
        self.events.append((on, reason, reported_by, {"state": [self.state, state]}))
        self.attempts += state == "absent"
        self.state = state

    def moves(self, slot: Slot, state: str, on: dt.date, reason: str) -> None:
        changes = {"slot_on": [self.slot.day.isoformat(), slot.day.isoformat()]}
        if state != self.state:
            changes["state"] = [self.state, state]
        self.events.append((on, reason, "", changes))
        self.slot, self.state = slot, state


def make_appointments(session: Session, revision: PhaseRevision, today: dt.date, seed: int) -> int:
    """Appointments for every flat in which ``revision`` works; how many.

    The same day and seed give the same ones.
    """
    rng = random.Random(f"appointments {seed} {revision.phase.code}")  # noqa: S311
    days = lists.days_of(revision)
    found = homes.places(session, revision.phase_id, revision.id, today)
    for crews in range(1, MOST_CREWS + 1):
        rules = Rules(days.first, USUAL_MINUTES, crews, pause=PAUSE)
        made = plan(homes.homes(found), days, rules)
        if not made.left:
            break
    places = {p.flat_id: p for p in found}
    last = max((s.day for s in made.slots.values()), default=days.first)
    # New attempts and moved visits go into the days after the last one that was planned.
    spare = [
        Slot(day, start, end, crew)
        for day in days.days(max(today, last) + dt.timedelta(days=1))
        for start, end in ((dt.time(8), dt.time(12)), (dt.time(13), dt.time(17)))
        for crew in range(1, crews + 1)
    ]
    for flat_id, slot in made.slots.items():
        story = _told(rng, _Story(places[flat_id], slot), today, spare)
        _write(session, rng, revision, story, today)
    session.flush()
    return len(made.slots)


def _told(rng: random.Random, story: _Story, today: dt.date, spare: list[Slot]) -> _Story:
    day = story.slot.day
    asked = _workday(day - dt.timedelta(days=ASKED_AHEAD_DAYS), today)
    first = {"state": [None, "proposed"], "slot_on": [None, day.isoformat()]}
    story.events.append((asked, "plan", "", first))
    if not story.place.open:
        story.access, story.keys_note = "keys", "nella cassetta del laboratorio"
    answered = day - dt.timedelta(days=AGREED_AHEAD_DAYS)
    if answered > today or (day > today and rng.random() < 0.15):
        return story
    story.becomes("agreed", _workday(answered, today), rng.choice(("letter", "contact")))
    if story.place.open and rng.random() < 0.12:
        story.access = rng.choice(("delegate", "custodian", "keys"))
    if day < today:
        _visited(rng, story, today, spare)
    elif day > today and rng.random() < 0.05 and spare:
        story.moves(spare.pop(0), "moved", _workday(today, today), "works")
    return story


def _visited(rng: random.Random, story: _Story, today: dt.date, spare: list[Slot]) -> None:
    """A visit of the past: nearly always done, sometimes nobody was at home."""
    day = story.slot.day
    chance = rng.random()
    if chance > 0.14:
        story.becomes("done", day, "visit", "crew")
        return
    story.becomes("absent", day, "visit", "crew")
    again = calendar.add_working_days(day, 3)
    if again < today and chance < 0.05:
        slot = Slot(again, story.slot.starts_at, story.slot.ends_at, story.slot.crew)
        story.moves(slot, "second_attempt", day, "visit")
        found = "absent" if chance < 0.025 else "done"
        story.becomes(found, again, "visit", "crew")
        if found == "absent":
            story.becomes("warned", calendar.add_working_days(again, 1), "")
    elif chance < 0.11 and spare:
        story.moves(spare.pop(0), "second_attempt", _workday(day, today), "visit")


def _workday(day: dt.date, today: dt.date) -> dt.date:
    """``day`` or the working day before it, never after ``today``."""
    day = min(day, today)
    return day if calendar.is_working_day(day) else calendar.add_working_days(day, -1)


def _write(
    session: Session, rng: random.Random, revision: PhaseRevision, story: _Story, today: dt.date
) -> None:
    slot = story.slot
    entry = Appointment(
        phase_id=revision.phase_id, flat_id=story.place.flat_id, revision_id=revision.id,
        on_day=slot.day, starts_at=slot.starts_at, ends_at=slot.ends_at, crew=slot.crew,
        state=story.state, attempts=story.attempts, access=story.access,
        keys_note=story.keys_note,
    )  # fmt: skip
    for item, working_days in PREPARE.get(revision.preset or "", {}).items():
        ready_by = calendar.add_working_days(slot.day, -working_days)
        ready = story.state == "done" or (ready_by <= today and rng.random() < 0.8)
        entry.preparation.append(
            Preparation(
                item=item, ready_by=ready_by, done_on=min(ready_by, today) if ready else None
            )
        )
    session.add(entry)
    session.flush()
    for on, reason, reported_by, changes in story.events:
        at = dt.datetime.combine(on, MORNING, calendar.ROME)
        session.add(
            AppointmentEvent(
                appointment_id=entry.id,
                at=at,
                actor="command",
                reason=reason,
                reported_by=reported_by,
                changes=changes,
            )
        )
