"""Which limit at the façade holds on which days: the municipality's, or that of a permit.

A permit in derogation (*deroga*) changes limits and hours for its period, not for the phase.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from layers.criteria import MunicipalRule
from layers.criteria.municipal import Hours as Ranges
from layers.criteria.periods import PartOfDay
from layers.impacts.scene import Hours, NoisePermit, Works
from layers.impacts.working_hours import PART_RANGES_H, hour_span

DAY_H = 24.0
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LimitSpan:
    """The limit at the façade from a day to before another; ``permitted``: a permit's."""

    first: dt.date
    after: dt.date
    limit_dba: float
    permitted: bool

    def told(self) -> dict[str, str | float]:
        """As the method sheet tells it: first and last day, limit in dB(A), whose it is."""
        return {
            "from": self.first.isoformat(),
            "to": (self.after - dt.timedelta(days=1)).isoformat(),
            "limit_dba": self.limit_dba,
            "by": "permit" if self.permitted else "municipality",
        }

    def has_a(self, weekdays: int) -> bool:
        """Whether any of its days is one of the weekdays (bits, 1 = Monday)."""
        days = min(7, (self.after - self.first).days)
        return any(weekdays >> (self.first.weekday() + k) % 7 & 1 for k in range(days))


def limit_spans(
    works: Works, hours: Sequence[Hours], part: PartOfDay, rule: MunicipalRule
) -> tuple[LimitSpan, ...]:
    """The limit for machines in a part of day, day by day of the phase, in order.

    Assumes that ``hours`` are those in which machines are on. A permit's limit holds on its days
    and in its hours; where machines are also on outside them, the lower of the limits in force
    decides for the part of day. Of several permits at one time the highest limit counts. A shift
    past midnight belongs to the day it starts.
    """
    spans: list[LimitSpan] = []
    for first, after in _stretches(works):
        held = [p for p in works.permits if p.holds_on(first)]
        limit, permitted = _limit(held, hours, part, rule.facade_limit_dba)
        if spans and (spans[-1].limit_dba, spans[-1].permitted) == (limit, permitted):
            spans[-1] = LimitSpan(spans[-1].first, after, limit, permitted)
        else:
            spans.append(LimitSpan(first, after, limit, permitted))
    return tuple(spans)


def _stretches(works: Works) -> list[tuple[dt.date, dt.date]]:
    """The phase cut where a permit starts or ends: first day, the day after the last."""
    edges = {d for p in works.permits for d in (p.starts_on, p.ends_on) if d is not None}
    inner = {d for d in edges if works.starts_on < d < works.ends_on}
    return list(pairwise(sorted({works.starts_on, *inner, works.ends_on})))


def _limit(
    permits: Sequence[NoisePermit], hours: Sequence[Hours], part: PartOfDay, municipal_dba: float
) -> tuple[float, bool]:
    setting = [p for p in permits if p.limit_dba is not None]
    found: set[tuple[float, bool]] = set()
    for worked in _worked_in(hours, part):
        for start, end in _cut_at(worked, [w for p in setting for w in p.windows()]):
            here = [float(p.limit_dba) for p in setting if p.limit_dba is not None
                    and any(low <= start and end <= high for low, high in p.windows())]  # fmt: skip
            found.add((max(here), True) if here else (municipal_dba, False))
    return min(found, default=(municipal_dba, False))


def _worked_in(hours: Sequence[Hours], part: PartOfDay) -> Iterator[Span]:
    """Stretches of work in a part of day; hours after midnight are 24 and more."""
    for h in hours:
        start, end = hour_span(h)
        for low, high in PART_RANGES_H[part]:
            for shift in (0.0, DAY_H):
                span = max(start, low + shift), min(end, high + shift)
                if span[1] > span[0]:
                    yield span


def _cut_at(span: Span, windows: Sequence[Span]) -> list[Span]:
    """A stretch in pieces that lie each wholly inside or outside every window."""
    inner = {edge for window in windows for edge in window if span[0] < edge < span[1]}
    return list(pairwise(sorted({*span, *inner})))


def hours_to_verify(works: Works, hours: Sequence[Hours], rule: MunicipalRule) -> list[str]:
    """Sentences on hours of machines that neither the municipality nor a permit allows.

    Assumes the municipality's hours for noisy machines, its narrower season where it has two. A
    permit allows hours only where it tells them. Computed: somebody has to verify it.
    """
    found: dict[str, None] = {}
    for first, after in _stretches(works):
        held = [p for p in works.permits if p.holds_on(first) and p.tells_hours]
        weekdays = {(first + dt.timedelta(days=k)).weekday()
                    for k in range(min(7, (after - first).days))}  # fmt: skip
        for h in hours:
            if h.weekday not in weekdays:
                continue
            allowed = [*_municipal(rule, h.weekday), *(w for p in held for w in p.windows())]
            for start, end in _cut_at(hour_span(h), allowed):
                if not any(low <= start and end <= high for low, high in allowed):
                    found.setdefault(f"{_clock(start)}-{_clock(end)}")
    if not found:
        return []
    return [
        f"Machines on at {', '.join(found)}, outside the hours of the municipality and without a "
        "permit for it: to be verified."
    ]


def _municipal(rule: MunicipalRule, weekday: int) -> list[Span]:
    noisy: Ranges = rule.hours(noisy=True)
    return [
        (low + offset * DAY_H, (high if high > low else high + DAY_H) + offset * DAY_H)
        for offset in (0, 1)
        if (weekday + offset) % 7 in rule.weekdays
        for low, high in noisy
    ]


def _clock(hour: float) -> str:
    minutes = round(hour * 60) % (24 * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
