"""Working hours against the clock: which parts of which days works act in.

Local wall time throughout: a site works from 8 to 12 on the clock, in summer as in winter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from layers.criteria.periods import (
    DAY_FROM_H,
    EVENING_FROM_H,
    NIGHT_FROM_H,
    PARTS_OF_DAY,
    PartOfDay,
)
from layers.impacts.scene import Hours

#: The hours of each part of day on the clock.
PART_RANGES_H: dict[PartOfDay, tuple[tuple[float, float], ...]] = {
    "day": ((DAY_FROM_H, EVENING_FROM_H),),
    "evening": ((EVENING_FROM_H, NIGHT_FROM_H),),
    "night": ((0.0, DAY_FROM_H), (NIGHT_FROM_H, 24.0)),
}

#: Length of each part of day in hours.
PART_HOURS: dict[PartOfDay, float] = {
    part: sum(end - start for start, end in ranges) for part, ranges in PART_RANGES_H.items()
}

#: Hours assumed where a phase has none (a common pattern of municipal rules), Monday to Friday.
ASSUMED_HOURS = tuple(
    Hours(day, dt.time(start), dt.time(end), noisy)
    for day in range(5)
    for start, end, noisy in ((8, 18, False), (8, 13, True), (15, 18, True))
)


@dataclass(frozen=True)
class PartHours:
    """Hours worked in each part of day.

    :ivar by_weekday: {part: shape (7,)}, hours on each weekday (0 = Monday); a shift past
        midnight counts on the day it starts.
    """

    by_weekday: dict[PartOfDay, npt.NDArray[np.float64]]

    def longest_h(self, part: PartOfDay) -> float:
        """Hours on the longest day of the week."""
        return float(self.by_weekday[part].max())

    def weekdays(self, part: PartOfDay) -> int:
        """Days with any work in the part, as bits (1 = Monday)."""
        return int(sum(1 << day for day in np.flatnonzero(self.by_weekday[part] > 0)))


def part_hours(hours: Sequence[Hours]) -> PartHours:
    """Hours of each weekday in each part of day; hours told twice count once.

    A part of day is never longer than itself: who works in the small hours and again from the
    evening on works in two nights, and the level of a night is that of the fuller one at most.
    """
    spans: dict[int, list[tuple[float, float]]] = {day: [] for day in range(7)}
    for h in hours:
        spans[h.weekday].append(hour_span(h))
    result = {part: np.zeros(7) for part in PARTS_OF_DAY}
    for day, told in spans.items():
        for start, end in _merged(told):
            for part, ranges in PART_RANGES_H.items():
                for low, high in ranges:
                    for shift in (0.0, 24.0):
                        common = min(end, high + shift) - max(start, low + shift)
                        result[part][day] += max(0.0, common)
    return PartHours({part: np.minimum(told, PART_HOURS[part]) for part, told in result.items()})


def noisy_hours(hours: Sequence[Hours]) -> tuple[tuple[Hours, ...], str]:
    """Hours in which machines are loud, and a sentence where they had to be assumed.

    The hours marked noisy; where none are, all working hours; where there are none either,
    :data:`ASSUMED_HOURS`.
    """
    marked = tuple(h for h in hours if h.noisy)
    if marked:
        return marked, ""
    if hours:
        return tuple(hours), "No noisy hours told: machines may be on in all working hours."
    return (
        tuple(h for h in ASSUMED_HOURS if h.noisy),
        "No working hours told: Monday to Friday 8-13 and 15-18 assumed.",
    )


def hour_span(hours: Hours) -> tuple[float, float]:
    """Start and end in hours of the day it starts; an end past midnight is above 24."""
    start, end = _clock(hours.starts_at), _clock(hours.ends_at)
    return start, end if end > start else end + 24.0


def _clock(time: dt.time) -> float:
    return time.hour + time.minute / 60.0 + time.second / 3600.0


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
