"""Hours of a phase held against those that its municipality allows, holidays included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from geo_service.calendar import Patron, is_holiday, is_working_day
from layers.criteria.municipal import Hours, MunicipalRule

DAY_H = 24.0
SUNDAY = 6


@dataclass(frozen=True, slots=True)
class ClosureFacts:
    """A closure: its kind, first and last day, stalls taken."""

    kind: str
    starts_on: dt.date
    ends_on: dt.date
    stalls: int


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """What the rules look at. ``hours`` are (weekday, start, end, noisy), wall time in hours.

    An end not after its start means past midnight.
    """

    preset: str
    starts_on: dt.date
    ends_on: dt.date
    loud: bool
    hours: tuple[tuple[int, float, float, bool], ...] = ()
    closures: tuple[ClosureFacts, ...] = ()


def hours_outside(
    phase: PhaseFacts, municipal: MunicipalRule, patron: Patron = None
) -> list[tuple[int, float, float]]:
    """Hours of work (weekday, start, end) that the municipal rule does not allow.

    A holiday is a Sunday to that rule. Phases rest on holidays, so only a night that ends on one
    and a phase whose days are all holidays work on them.

    Noisy hours are held to the rule's noisy hours, the others to those of the site; a phase
    without machines and without noisy hours needs no derogation. Where the rule has seasons the
    narrower one counts. Hours after midnight are given as 24 and more and belong to the next
    weekday.
    """
    if not phase.loud:
        return []
    found: list[tuple[int, float, float]] = []
    for weekday, start, end, noisy in phase.hours:
        over = end if end > start else end + DAY_H
        for days in _kinds_of_days(phase, weekday, patron):
            permitted = [
                (low + offset * DAY_H, high + offset * DAY_H)
                for offset, day in enumerate(days)
                if day in municipal.weekdays
                for low, high in _forward(municipal.hours(noisy=noisy))
            ]
            pieces = [(weekday, a, b) for a, b in _minus((start, over), permitted)]
            found += [piece for piece in pieces if piece not in found]
    return found


def feasts_at_work(phase: PhaseFacts, patron: Patron = None) -> list[dt.date]:
    """Holidays, Sundays left out, on which the noisy phase works by :func:`hours_outside`."""
    found: set[dt.date] = set()
    for weekday, start, end, _noisy in phase.hours if phase.loud else ():
        last = 0 if end > start else 1
        for day in _worked(phase, weekday, patron):
            touched = (day + dt.timedelta(days=n) for n in range(last + 1))
            found |= {d for d in touched if d.weekday() != SUNDAY and is_holiday(d, patron)}
    return sorted(found)


def _kinds_of_days(phase: PhaseFacts, weekday: int, patron: Patron) -> list[tuple[int, int]]:
    """The weekdays, holidays as Sundays, of each worked day of ``weekday`` and of the day after."""
    kinds = {
        (_as_weekday(day, patron), _as_weekday(day + dt.timedelta(days=1), patron))
        for day in _worked(phase, weekday, patron)
    }
    # Hours of a weekday that the period does not have are told like those of any week.
    return sorted(kinds) or [(weekday, (weekday + 1) % 7)]


def _as_weekday(day: dt.date, patron: Patron) -> int:
    return SUNDAY if is_holiday(day, patron) else day.weekday()


def _worked(phase: PhaseFacts, weekday: int, patron: Patron) -> list[dt.date]:
    """Days of ``weekday`` on which the phase works: no holidays, unless it has no other day."""
    weekdays = frozenset(told[0] for told in phase.hours)
    days = [
        phase.starts_on + dt.timedelta(days=n)
        for n in range((phase.ends_on - phase.starts_on).days + 1)
    ]
    own = [day for day in days if day.weekday() in weekdays]
    rests = [day for day in own if is_working_day(day, patron, weekdays)]
    return [day for day in rests or own if day.weekday() == weekday]


def _forward(ranges: Hours) -> list[tuple[float, float]]:
    return [(low, high if high > low else high + DAY_H) for low, high in ranges]


def _minus(
    span: tuple[float, float], taken: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    left = [span]
    for low, high in taken:
        left = [
            piece
            for a, b in left
            for piece in ((a, min(b, low)), (max(a, high), b))
            if piece[1] > piece[0]
        ]
    return left
