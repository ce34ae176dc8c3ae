"""Dates and hours as people of an Italian municipality count them (Europe/Rome)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

ROME = ZoneInfo("Europe/Rome")
# Month and day of the local patron's holiday; None where it is not known.
Patron = tuple[int, int] | None
# Days of the week as numbers, 0 is Monday.
MONDAY_TO_FRIDAY = frozenset(range(5))


def now() -> dt.datetime:
    """The present instant in Europe/Rome. Code that must be tested takes an instant instead."""
    return dt.datetime.now(ROME)


def today() -> dt.date:
    """The present day in Europe/Rome."""
    return now().date()


def monday_of(day: dt.date) -> dt.date:
    """Monday of the week of ``day``."""
    return day - dt.timedelta(days=day.weekday())


@lru_cache(maxsize=64)
def _national(year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("IT", years=year))


def is_holiday(day: dt.date, patron: tuple[int, int] | None = None) -> bool:
    """Whether ``day`` is a Sunday, a national holiday or the local patron's ``(month, day)``."""
    return day.weekday() == 6 or _is_feast(day, patron)


def _is_feast(day: dt.date, patron: tuple[int, int] | None) -> bool:
    return day in _national(day.year) or (day.month, day.day) == patron


def is_working_day(
    day: dt.date,
    patron: tuple[int, int] | None = None,
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY,
) -> bool:
    """One of ``weekdays``, holidays excepted: the days that notices, deadlines and works count in.

    Without other ``weekdays`` Monday to Friday.
    """
    return day.weekday() in weekdays and not _is_feast(day, patron)


def add_working_days(
    day: dt.date,
    number: int,
    patron: tuple[int, int] | None = None,
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY,
) -> dt.date:
    """The day ``number`` working days after ``day`` (before it, where negative)."""
    step = dt.timedelta(days=1 if number > 0 else -1)
    left = abs(number)
    while left:
        day += step
        left -= is_working_day(day, patron, weekdays)
    return day
