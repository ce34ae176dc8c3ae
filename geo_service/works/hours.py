"""Working hours of a revision as pages and notices tell them."""

from __future__ import annotations

import datetime as dt

from layers.sites import PhaseRevision


def daily_hours(revision: PhaseRevision) -> tuple[tuple[int, dt.time, dt.time, bool], ...]:
    """Working hours with equal weekdays put together: (weekday mask, start, end, noisy).

    Bit 0 of the mask is Monday; hours are local wall time.
    """
    masks: dict[tuple[dt.time, dt.time, bool], int] = {}
    for hours in revision.hours:
        key = (hours.starts_at, hours.ends_at, hours.noisy)
        masks[key] = masks.get(key, 0) | 1 << hours.weekday
    return tuple((mask, *key) for key, mask in masks.items())
