"""Parts of the day: Italian day and night, with an optional evening."""

from __future__ import annotations

import math
from typing import Literal

from layers.errors import DataError

PartOfDay = Literal["day", "evening", "night"]

#: The parts of day in the order of the tables.
PARTS_OF_DAY: tuple[PartOfDay, ...] = ("day", "evening", "night")

DAY_FROM_H, EVENING_FROM_H, NIGHT_FROM_H = 6.0, 20.0, 22.0


def checked_hour(hour: float) -> float:
    """An hour of the local wall clock in [0, 24), or a DataError in words."""
    number = float(hour)
    if not math.isfinite(number) or not 0 <= number < 24:
        raise DataError(f"Hour {hour} is not on the clock: give a value from 0 up to, not at, 24.")
    return number


def part_of_day(hour: float, *, with_evening: bool = False) -> PartOfDay:
    """The part of the day an hour belongs to.

    Day 06–22 and night 22–06 (DPCM 14/11/1997); ``with_evening`` sets 20–22 apart, as the
    bands do. Hours are local wall time, each part half-open.

    >>> part_of_day(21.9), part_of_day(21.9, with_evening=True), part_of_day(22)
    ('day', 'evening', 'night')
    """
    clock = checked_hour(hour)
    if not DAY_FROM_H <= clock < NIGHT_FROM_H:
        return "night"
    return "evening" if with_evening and clock >= EVENING_FROM_H else "day"


def in_ranges(hour: float, ranges: list[list[float]] | tuple[tuple[float, float], ...]) -> bool:
    """Whether an hour lies in one of the half-open ranges; a range may pass midnight."""
    clock = checked_hour(hour)
    return any(
        (start <= clock < end) if start < end else (clock >= start or clock < end)
        for start, end in ranges
    )
