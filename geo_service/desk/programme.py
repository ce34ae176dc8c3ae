"""The programme under the map's slider: phases in force on as few lines as they need."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

# Between two phases on one line, and before the first.
GAP_DAYS = 1
MARGIN_DAYS = 7
# A date far off, typed by mistake, would shrink everything else to nothing.
MAX_DAYS = 3_653


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase: days from the programme's first day, ``lane`` from 0 at the top."""

    label: str
    start_day: int
    days: int
    lane: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Programme:
    """First day, length in days, and the bars of the phases."""

    first: dt.date
    days: int
    bars: tuple[Bar, ...]

    @property
    def lanes(self) -> int:
        """How many lines the bars need, one at least."""
        return max((bar.lane for bar in self.bars), default=0) + 1

    def day_of(self, date: dt.date) -> int:
        """Where ``date`` stands on the programme, kept within it."""
        return min(max((date - self.first).days, 0), self.days)


_PHASES = text(
    """
    select p.code || ' ' || p.name, lower(v.period),
           coalesce(upper(v.period) - 1, lower(v.period)), v.certainty = 'confirmed'
    from revision_in_force f
    join phase_revision v on v.id = f.revision_id
    join works_phase p on p.id = f.phase_id
    join site s on s.id = f.site_id and s.archived_on is null
    where f.quarter_id = :quarter and (cast(:site as bigint) is null or f.site_id = :site)
    order by lower(v.period), v.id
    """
)


def programme(
    session: Session, quarter_id: int, site_id: int | None, today: dt.date, shown: dt.date
) -> Programme:
    """Phases in force of a quarter or of one site, with ``today`` and ``shown`` within it."""
    rows = session.execute(_PHASES, {"quarter": quarter_id, "site": site_id}).all()
    starts, ends = [today, *(r[1] for r in rows)], [today, *(r[2] for r in rows)]
    earliest = min(max(min(starts), today - dt.timedelta(days=MAX_DAYS // 2)), shown)
    first = earliest - dt.timedelta(days=MARGIN_DAYS)
    latest = max(min(max(ends), today + dt.timedelta(days=MAX_DAYS // 2)), shown)
    days = (latest - first).days + MARGIN_DAYS
    free: list[int] = []
    bars = []
    for label, starts_on, ends_on, confirmed in rows:
        start = max((starts_on - first).days, 0)
        length = max((ends_on - first).days + 1 - start, 1)
        lane = next((n for n, day in enumerate(free) if day <= start), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = start + length + GAP_DAYS
        if start <= days:
            bars.append(Bar(label, start, min(length, days - start), lane, confirmed))
    return Programme(first, days, tuple(bars))
