"""What it means on the calendar that one phase waits for another: days of work, no database.

A phase works on its own weekdays (those of its hours, else Monday to Friday), never on a national
holiday or on the local patron's day. Lags count such days of the phase that waits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from geo_service.calendar import MONDAY_TO_FRIDAY, Patron, add_working_days, is_working_day

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Link:
    """``successor_id`` waits for ``predecessor_id``; see :class:`layers.sites.PhaseDependency`."""

    predecessor_id: int
    successor_id: int
    kind: str = "FS"
    lag_days: int = 0

    @property
    def binds_start(self) -> bool:
        """Whether it holds the successor's first day; else its last."""
        return self.kind in ("FS", "SS")


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day of a phase, and the weekdays on which it works (0 is Monday)."""

    first: dt.date
    last: dt.date
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that two spans do not keep, and the first day that would keep it."""

    link: Link
    day: dt.date


def ring_in(links: Iterable[Link]) -> list[int]:
    """Phases that wait for each other in a ring, the first one repeated at the end; empty: none."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for link in links:
        sorter.add(link.successor_id, link.predecessor_id)
    try:
        sorter.prepare()
    except CycleError as error:
        # Each stands before the one that waits for it.
        ring: list[int] = list(error.args[1])
        return ring
    return []


def earliest(link: Link, before: Span, after: Span, patron: Patron = None) -> dt.date:
    """First day on which ``after`` may start (FS, SS) or end (FF, SF) under ``link``."""
    if link.kind in ("SS", "SF"):
        # A start on a day off counts as the next day of work.
        return _after(_work_day_on(before.first, before, patron), link.lag_days, after, patron)
    # Days off at the end of the predecessor hold nobody up.
    anchor = _work_day_back(before.last, before, patron)
    return _after(anchor, link.lag_days + (link.kind == "FS"), after, patron)


def broken(links: Iterable[Link], spans: Mapping[int, Span], patron: Patron = None) -> list[Broken]:
    """Links among ``spans`` that are not kept. A start on a day off counts as the next work day."""
    found = []
    for link in links:
        before, after = spans.get(link.predecessor_id), spans.get(link.successor_id)
        if before is None or after is None:
            continue
        day = earliest(link, before, after, patron)
        if link.binds_start:
            kept = _work_day_on(after.first, after, patron) >= day
        else:
            kept = after.last >= day
        if not kept:
            found.append(Broken(link, day))
    return found


def followers(
    links: Collection[Link],
    spans: Mapping[int, Span],
    moved: Collection[int],
    patron: Patron = None,
    fixed: Collection[int] = (),
) -> dict[int, Span]:
    """Where phases that wait for ``moved`` ones, directly or through others, must go.

    ``spans`` hold the new dates of the moved. A follower goes to the first day that keeps all its
    links and takes as many days of work as before, with the days off at either end of it that it
    had, as far as there are such days there and those it waits for are over; who keeps them
    already stays. Moved phases are not moved again, ``fixed`` ones not at all. The links must have
    no ring.
    """
    into: dict[int, list[Link]] = {}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for link in links:
        if link.predecessor_id in spans and link.successor_id in spans:
            into.setdefault(link.successor_id, []).append(link)
            sorter.add(link.successor_id, link.predecessor_id)
    now = dict(spans)
    pushed = set(moved)
    found: dict[int, Span] = {}
    for phase_id in sorter.static_order():
        waits = [k for k in into.get(phase_id, []) if k.predecessor_id in pushed]
        if not waits or phase_id in moved or phase_id in fixed:
            continue
        todo = broken(into[phase_id], now, patron)
        if not any(b.link.predecessor_id in pushed for b in todo):
            continue
        now[phase_id] = found[phase_id] = _moved_to_keep(todo, now, now[phase_id], patron)
        pushed.add(phase_id)
    return found


def work_days(span: Span, patron: Patron = None) -> int:
    """Days of work of ``span``, at least one."""
    days = (span.last - span.first).days + 1
    every = (span.first + dt.timedelta(days=n) for n in range(days))
    return max(1, sum(is_working_day(day, patron, span.weekdays) for day in every))


def ends_after(
    first: dt.date, days: int, weekdays: frozenset[int], patron: Patron = None
) -> dt.date:
    """Last of ``days`` days of work that begin on ``first``, itself one of them."""
    return add_working_days(first, days - 1, patron, weekdays)


def _moved_to_keep(
    todo: list[Broken], spans: Mapping[int, Span], span: Span, patron: Patron
) -> Span:
    length = work_days(span, patron)
    starts = [b.day for b in todo if b.link.binds_start]
    for end in (b.day for b in todo if not b.link.binds_start):
        end = _work_day_on(end, span, patron)
        starts.append(add_working_days(end, 1 - length, patron, span.weekdays))
    first = _work_day_on(max(starts), span, patron)
    last = ends_after(first, length, span.weekdays, patron)
    # A phase of a whole week that works on Wednesdays alone keeps its week: its closures last as
    # long as it does, and its cuts move by as many days.
    lead = (_work_day_on(span.first, span, patron) - span.first).days
    tail = (span.last - _work_day_back(span.last, span, patron)).days
    waited = [_free_from(b.link, spans) for b in todo if b.link.binds_start]
    return Span(
        _led(first, lead, max(waited, default=dt.date.min), span, patron),
        _trailed(last, tail, span, patron),
        span.weekdays,
    )


def _free_from(link: Link, spans: Mapping[int, Span]) -> dt.date:
    before = spans[link.predecessor_id]
    return before.last + _DAY if link.kind == "FS" else before.first


def _led(first: dt.date, most: int, free_from: dt.date, span: Span, patron: Patron) -> dt.date:
    """``first``, or up to ``most`` days before it on which others work and this phase does not."""
    for _n in range(most):
        before = first - _DAY
        idle = is_working_day(before, patron) and not is_working_day(before, patron, span.weekdays)
        if before < free_from or not idle:
            break
        first = before
    return first


def _trailed(last: dt.date, most: int, span: Span, patron: Patron) -> dt.date:
    """``last``, or up to ``most`` days off after it."""
    for _n in range(most):
        if is_working_day(last + _DAY, patron, span.weekdays):
            break
        last += _DAY
    return last


def _after(anchor: dt.date, days: int, span: Span, patron: Patron) -> dt.date:
    if days == 0:
        return _work_day_on(anchor, span, patron)
    return add_working_days(anchor, days, patron, span.weekdays)


def _work_day_on(day: dt.date, span: Span, patron: Patron) -> dt.date:
    """``day``, or the next day of work."""
    if is_working_day(day, patron, span.weekdays):
        return day
    return add_working_days(day, 1, patron, span.weekdays)


def _work_day_back(day: dt.date, span: Span, patron: Patron) -> dt.date:
    """``day``, or the day of work before it."""
    if is_working_day(day, patron, span.weekdays):
        return day
    return add_working_days(day, -1, patron, span.weekdays)
