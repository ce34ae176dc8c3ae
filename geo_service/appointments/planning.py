"""Slots for flats: which hours a phase has, who comes when. Nothing here knows a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from geo_service import calendar

DAY = dt.timedelta(days=1)
Window = tuple[dt.time, dt.time]


@dataclass(frozen=True, slots=True)
class WorkDays:
    """Days and hours in which a phase is worked on.

    ``windows`` are the working hours of each weekday (0 is Monday), local wall time, none past
    midnight: at night nobody is let into a flat. ``last`` is inclusive.
    """

    first: dt.date
    last: dt.date
    windows: dict[int, tuple[Window, ...]]
    patron: tuple[int, int] | None = None

    def on(self, day: dt.date) -> tuple[Window, ...]:
        """Working hours of ``day``; none outside the period and on holidays."""
        if not self.first <= day <= self.last or calendar.is_holiday(day, self.patron):
            return ()
        return self.windows.get(day.weekday(), ())

    def objection(self, day: dt.date, starts_at: dt.time, ends_at: dt.time) -> str:
        """Why a slot cannot be: outside, holiday, no_work, hours; empty where it can.

        A phase without hours objects to no hour.
        """
        if not self.first <= day <= self.last:
            return "outside"
        if calendar.is_holiday(day, self.patron):
            return "holiday"
        if not self.windows:
            return ""
        hours = self.windows.get(day.weekday(), ())
        if not hours:
            return "no_work"
        fits = any(start <= starts_at and ends_at <= end for start, end in hours)
        return "" if fits else "hours"

    def days(self, start: dt.date | None = None) -> Iterator[dt.date]:
        """Days with working hours from ``start`` to the end of the period."""
        day = max(self.first, start or self.first)
        while day <= self.last:
            if self.on(day):
                yield day
            day += DAY


def work_days(
    first: dt.date,
    last: dt.date,
    hours: Iterable[tuple[int, dt.time, dt.time, bool]],
    patron: tuple[int, int] | None = None,
) -> WorkDays:
    """Work days of a period from hours (weekday, start, end, noisy).

    Hours of noisy machines count only where no others are given.
    """
    listed = [(weekday, start, end, noisy) for weekday, start, end, noisy in hours if start < end]
    quiet = [h for h in listed if not h[3]] or listed
    windows: dict[int, list[Window]] = {}
    for weekday, start, end, _noisy in sorted(quiet):
        windows.setdefault(weekday, []).append((start, end))
    return WorkDays(first, last, {d: tuple(w) for d, w in windows.items()}, patron)


@dataclass(frozen=True, slots=True)
class Home:
    """A flat to be visited: its stairwell in walking order, its storey, the hours it asked for."""

    flat_id: int
    stairwell: int
    storey: int | None
    number: str
    not_before: dt.time | None = None
    not_after: dt.time | None = None

    def suits(self, starts_at: dt.time, ends_at: dt.time) -> bool:
        """Whether a slot lies within the hours that the household asked for."""
        early = self.not_before is not None and starts_at < self.not_before
        late = self.not_after is not None and ends_at > self.not_after
        return not (early or late)


@dataclass(frozen=True, slots=True)
class Rules:
    """How slots are made: from which day, how long, by how many crews, in which order.

    ``pause`` is left free every day. ``downward`` begins at the top floor of each stairwell.
    """

    first: dt.date
    minutes: int
    crews: int = 1
    downward: bool = True
    pause: Window | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """When a crew comes."""

    day: dt.date
    starts_at: dt.time
    ends_at: dt.time
    crew: int = 1

    def meets(self, other: Slot) -> bool:
        """Whether the same crew would have to be in two places."""
        return (
            (self.day, self.crew) == (other.day, other.crew)
            and self.starts_at < other.ends_at
            and other.starts_at < self.ends_at
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots by flat in the order of the visits; ``left`` are flats for which there was none."""

    slots: dict[int, Slot] = field(default_factory=dict)
    left: tuple[int, ...] = ()


def plan(homes: Sequence[Home], days: WorkDays, rules: Rules, taken: Sequence[Slot] = ()) -> Plan:
    """The earliest slot for each flat, stairwell by stairwell, floor by floor.

    Crews work through the same stairwell side by side. A flat that asked for certain hours waits
    for the first slot that suits it; the slot it passed over goes to the next flat. ``taken`` are
    slots that stay as they are.
    """
    direction = -1 if rules.downward else 1
    ordered = sorted(
        homes,
        key=lambda h: (
            h.stairwell,
            # Nobody knows on which floor it is: after all others.
            h.storey is None,
            direction * (h.storey or 0),
            len(h.number),
            h.number,
        ),
    )
    free = [slot for slot in _slots(days, rules) if not any(slot.meets(t) for t in taken)]
    slots: dict[int, Slot] = {}
    left: list[int] = []
    for home in ordered:
        found = next((s for s in free if home.suits(s.starts_at, s.ends_at)), None)
        if found is None:
            left.append(home.flat_id)
            continue
        free.remove(found)
        slots[home.flat_id] = found
    return Plan(slots, tuple(left))


def _slots(days: WorkDays, rules: Rules) -> Iterator[Slot]:
    for day in days.days(rules.first):
        for start, end in _without(days.on(day), rules.pause):
            at = start
            while (until := _later(at, rules.minutes)) is not None and until <= end:
                for crew in range(1, rules.crews + 1):
                    yield Slot(day, at, until, crew)
                at = until


def _without(windows: Iterable[Window], pause: Window | None) -> Iterator[Window]:
    for start, end in windows:
        if pause is None or pause[1] <= start or pause[0] >= end:
            yield start, end
            continue
        if start < pause[0]:
            yield start, pause[0]
        if pause[1] < end:
            yield pause[1], end


def _later(at: dt.time, minutes: int) -> dt.time | None:
    """``minutes`` after ``at``; None past midnight."""
    total = at.hour * 60 + at.minute + minutes
    return dt.time(total // 60, total % 60) if total < 24 * 60 else None


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one slot when its phase moves: kept, moved or stuck (no day is left)."""

    what: str
    slot: Slot


def follow(
    slots: Sequence[tuple[int, Slot]],
    before: WorkDays,
    after: WorkDays,
    today: dt.date,
    taken: Sequence[Slot] = (),
) -> dict[int, Step]:
    """Where slots made for ``before`` go now that the phase is ``after``.

    A phase that moves as a whole takes all its slots along by the same number of days. One that
    only became longer, shorter or has other hours keeps the slots that it can keep; those outside
    its new days go by as many days as the nearer end moved. A day without work gives way to the
    next one that has it; two slots of one crew never meet, those already ``taken`` neither. A
    visit that was due before ``today`` stays where it was, and none moves into the past. Keys of
    ``slots`` are kept.
    """
    days_first = (after.first - before.first).days
    days_last = (after.last - before.last).days
    whole = days_first == days_last != 0
    steps: dict[int, Step] = {}
    placed: list[Slot] = list(taken)
    away: list[tuple[int, Slot]] = []
    for key, slot in sorted(slots, key=lambda s: (s[1].day, s[1].starts_at, s[1].crew, s[0])):
        holds = not whole and not after.objection(slot.day, slot.starts_at, slot.ends_at)
        if holds or slot.day < today:
            steps[key] = Step("kept", slot)
            placed.append(slot)
        else:
            away.append((key, slot))
    displaced: list[tuple[int, Slot, dt.date]] = []
    for key, slot in away:
        if whole or slot.day < after.first:
            shift = days_first
        else:
            # Inside, only its weekday or hours are gone: the ends of the phase say nothing of it.
            shift = days_last if slot.day > after.last else 0
        wanted = Slot(slot.day + dt.timedelta(days=shift), slot.starts_at, slot.ends_at, slot.crew)
        if wanted.day >= today and _free(wanted, after, placed):
            steps[key] = Step("moved", wanted)
            placed.append(wanted)
        else:
            displaced.append((key, slot, wanted.day))
    # Who has no work day gives way to who has one, or one holiday would push everybody on.
    for key, slot, day in displaced:
        found = _next_free(slot, max(day, today), after, placed)
        steps[key] = Step("stuck", slot) if found is None else Step("moved", found)
        if found is not None:
            placed.append(found)
    return steps


def _free(slot: Slot, days: WorkDays, placed: Sequence[Slot]) -> bool:
    objection = days.objection(slot.day, slot.starts_at, slot.ends_at)
    return not objection and not any(slot.meets(p) for p in placed)


def _next_free(slot: Slot, wanted: dt.date, days: WorkDays, placed: Sequence[Slot]) -> Slot | None:
    day = max(wanted, days.first)
    while day <= days.last:
        found = Slot(day, slot.starts_at, slot.ends_at, slot.crew)
        if _free(found, days, placed):
            return found
        day += DAY
    return None
