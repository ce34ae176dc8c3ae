"""Totals for the Committee (*Comitato di Attuazione*): how many households, never which."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.disclosure import Cell, disclosable
from geo_service.works.overview import count_uncomputed
from layers.impacts.models import KINDS

# Always the same whole weeks: periods of one's own choice could be subtracted from each other.
WEEKS = 8
BANDS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: households in all and by band or kind; None where it is not told."""

    label: str
    total: int | None
    counts: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Households hit from ``first`` to ``last``; ``kinds`` are the columns of sites and weeks.

    ``uncomputed`` phases of these days are in none of the counts.
    """

    first: dt.date
    last: dt.date
    households: int | None
    uncomputed: int
    kinds: tuple[str, ...]
    by_kind: tuple[Line, ...]
    by_site: tuple[Line, ...]
    # The label of a week is its Monday.
    by_week: tuple[tuple[dt.date, Line], ...]


# One row per household, kind, site and week, at its worst; a row without a household says that
# the works act there, which everybody may know. Who moves is told to nobody.
_HITS = text(
    """
    with week as (
        select n, cast(:monday as date) + 7 * n as first
        from generate_series(0, cast(:weeks as int) - 1) n)
    select i.kind, v.site_id, w.n, s.household_id, max(i.band)
    from revision_in_force v
    join site t on t.id = v.site_id and t.archived_on is null
    join impact_run r on r.revision_id = v.revision_id and r.in_force
    join impact i on i.run_id = r.id and i.band > 0 and i.kind <> 'relocation'
    join week w on i.period && daterange(w.first, w.first + 7)
    left join (stay s join household h on h.id = s.household_id and not h.protected)
        on s.flat_id = i.flat_id and s.period && (i.period * daterange(w.first, w.first + 7))
    where v.quarter_id = :quarter
    group by 1, 2, 3, 4
    """
)


def totals(session: Session, quarter_id: int, today: dt.date) -> Totals:
    """Households hit in the eight weeks from this week's Monday, as far as they may be told.

    Counts come from stays, so that they say who is present. Every count goes through
    :func:`disclosable`. Households at a protected address are in none of them, whoever reads: who
    knows all the others would find how many there are by subtraction.
    """
    monday = today - dt.timedelta(days=today.weekday())
    rows = session.execute(_HITS, {"monday": monday, "weeks": WEEKS, "quarter": quarter_id}).all()
    sites = dict(
        session.execute(
            text("select id, code || ' ' || name from site where id = any(:ids) order by code"),
            {"ids": list({row.site_id for row in rows})},
        ).all()
    )
    kinds = tuple(k for k in KINDS if any(row.kind == k for row in rows))
    told = disclosable(_cells([tuple(row) for row in rows], kinds, tuple(sites)))

    def line(label: str, key: tuple[object, ...]) -> Line:
        return Line(label, told[key], tuple(told[*key, kind] for kind in kinds))

    last = monday + dt.timedelta(days=7 * WEEKS - 1)
    return Totals(
        first=monday,
        last=last,
        households=told["all",],
        uncomputed=count_uncomputed(session, quarter_id, monday, last),
        kinds=kinds,
        by_kind=tuple(
            Line(k, told["kind", k], tuple(told["kind", k, b] for b in BANDS)) for k in kinds
        ),
        by_site=tuple(line(name, ("site", number)) for number, name in sites.items()),
        by_week=tuple(
            (monday + dt.timedelta(days=7 * n), line("", ("week", n))) for n in range(WEEKS)
        ),
    )


def _cells(
    rows: list[tuple[str, int, int, int | None, int]],
    kinds: tuple[str, ...],
    sites: tuple[int, ...],
) -> list[Cell]:
    """Every count of the page as whom it counts."""
    members: dict[tuple[object, ...], set[int]] = defaultdict(set)
    worst: dict[tuple[str, int], int] = {}
    for kind, site, week, household, band in rows:
        if household is None:
            continue
        for key in (("all",), ("kind", kind), ("site", site), ("site", site, kind),
                    ("week", week), ("week", week, kind)):  # fmt: skip
            members[key].add(household)
        worst[kind, household] = max(band, worst.get((kind, household), 0))
    for (kind, household), band in worst.items():
        members["kind", kind, band].add(household)
    cells = [_cell(members, ("all",), None)]
    for kind in kinds:
        cells.append(_cell(members, ("kind", kind), ("all",)))
        cells += [
            _cell(members, ("kind", kind, band), ("kind", kind), disjoint=True) for band in BANDS
        ]
    for top in [("site", s) for s in sites] + [("week", n) for n in range(WEEKS)]:
        cells.append(_cell(members, top, ("all",)))
        cells += [_cell(members, (*top, kind), top) for kind in kinds]
    return cells


def _cell(
    members: Mapping[tuple[object, ...], set[int]],
    key: tuple[object, ...],
    parent: tuple[object, ...] | None,
    *,
    disjoint: bool = False,
) -> Cell:
    return Cell(key, frozenset(members.get(key, ())), parent, disjoint)
