"""Who is present where: households read through their stays.

Only this package turns flats into people. Counts come from stays, never from titles: works
notices go to whoever is present and recognise no title.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

# Stays that overlap the days on which an impact acts; a household that moves within the period
# is told at both places, so it counts once per flat.
_AFFECTED = text(
    """
    select i.building_id, f.stairwell_id, i.flat_id, i.kind, i.aspect, i.part_of_day,
           i.value, i.unit, i.band, i.period, i.weekdays, h.id as household_id, h.language,
           h.channel, h.protected
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join flat f on f.id = i.flat_id
    join stay s on s.flat_id = i.flat_id
        and s.period && (i.period * daterange(cast(:from_day as date), null))
    join household h on h.id = s.household_id
    where r.revision_id in :revisions and (:protected or not h.protected)
    """
).bindparams(bindparam("revisions", expanding=True))


@dataclass(frozen=True, slots=True)
class HouseholdCount:
    """Households present in the flats that a revision touches, in all and by kind and band."""

    households: int
    by_kind: dict[str, int]
    by_kind_and_band: dict[tuple[str, int], int]


def affected_households(
    session: Session,
    revision_ids: Sequence[int],
    *,
    protected: bool,
    from_day: dt.date | None = None,
) -> pd.DataFrame:
    """Impacts in force joined with the households present while they act.

    Without ``protected`` households at a protected address are left out; ``from_day`` leaves out
    who moved away before that day: they need not be told any more.

    Columns: building_id, stairwell_id, flat_id, kind, aspect, part_of_day, value, unit, band,
    period, weekdays, household_id, language, channel, protected; one row per impact × household.
    Personal data: for pages and letters of the laboratory only.
    """
    columns = [
        "building_id", "stairwell_id", "flat_id", "kind", "aspect", "part_of_day", "value",
        "unit", "band", "period", "weekdays", "household_id", "language", "channel", "protected",
    ]  # fmt: skip
    if not revision_ids:
        return pd.DataFrame(columns=columns)
    values = {"revisions": list(revision_ids), "from_day": from_day, "protected": protected}
    rows = session.execute(_AFFECTED, values).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


def count_households(
    session: Session, revision_ids: Sequence[int], *, protected: bool
) -> dict[int, HouseholdCount]:
    """Households hit by each of ``revision_ids``; a household counts once per kind, at its worst.

    Every revision asked for has an entry, with zeros where nobody is hit. Without ``protected``
    households at a protected address are left out.
    """
    counts = {r: HouseholdCount(0, {}, {}) for r in revision_ids}
    if not revision_ids:
        return counts
    query = text(
        """
        with worst as (
            select r.revision_id, i.kind, s.household_id, max(i.band) as band
            from impact i
            join impact_run r on r.id = i.run_id and r.in_force
            join stay s on s.flat_id = i.flat_id and s.period && i.period
            join household o on o.id = s.household_id and (:protected or not o.protected)
            where r.revision_id in :revisions and i.band > 0
            group by 1, 2, 3)
        select revision_id, kind, band, count(*) from worst
        group by grouping sets ((revision_id, kind, band), (revision_id, kind))
        union all
        select revision_id, null, null, count(distinct household_id) from worst group by 1
        """
    ).bindparams(bindparam("revisions", expanding=True))
    for revision_id, kind, band, number in session.execute(
        query, {"revisions": list(revision_ids), "protected": protected}
    ):
        count = counts[revision_id]
        if kind is None:
            counts[revision_id] = HouseholdCount(number, count.by_kind, count.by_kind_and_band)
        elif band is None:
            count.by_kind[kind] = number
        else:
            count.by_kind_and_band[kind, band] = number
    return counts


def occupied_flats_by_stairwell(session: Session, quarter_id: int, on: dt.date) -> dict[int, int]:
    """Occupied flats of each stairwell on a day, to decide what may be shown of it in public.

    Stairwells without any occupied flat are left out. Never to be shown itself.
    """
    query = text(
        """
        select f.stairwell_id, count(distinct f.id)
        from stay s
        join flat f on f.id = s.flat_id
        join stairwell w on w.id = f.stairwell_id
        join building b on b.id = w.building_id
        where b.quarter_id = :quarter and s.period @> cast(:day as date)
        group by 1
        """
    )
    rows = session.execute(query, {"quarter": quarter_id, "day": on})
    return dict(rows.all())


def stays_of(session: Session, household_ids: Sequence[int]) -> pd.DataFrame:
    """All stays of households with their size: as :func:`stays_in`, and size (missing: unknown)."""
    columns = ["flat_id", "household_id", "stay_from", "stay_until", "size"]
    if not household_ids:
        return pd.DataFrame(columns=columns)
    query = text(
        """
        select s.flat_id, s.household_id, coalesce(lower(s.period), cast(:first as date)),
               coalesce(upper(s.period), cast(:last as date)), h.size
        from stay s join household h on h.id = s.household_id where h.id in :households
        """
    ).bindparams(bindparam("households", expanding=True))
    limits = {"first": dt.date.min, "last": dt.date.max}
    rows = session.execute(query, {"households": list(household_ids), **limits})
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


def stays_in(session: Session, flat_ids: Sequence[int], *, protected: bool) -> pd.DataFrame:
    """Stays in flats: flat_id, household_id, stay_from, stay_until (exclusive).

    Open ends are the first and last day that a date can hold, so that they compare. Without
    ``protected`` those of households at a protected address are left out.
    """
    columns = ["flat_id", "household_id", "stay_from", "stay_until"]
    if not flat_ids:
        return pd.DataFrame(columns=columns)
    query = text(
        """
        select s.flat_id, s.household_id, coalesce(lower(s.period), cast(:first as date)),
               coalesce(upper(s.period), cast(:last as date))
        from stay s join household h on h.id = s.household_id
        where s.flat_id in :flats and (:protected or not h.protected)
        """
    ).bindparams(bindparam("flats", expanding=True))
    values = {"first": dt.date.min, "last": dt.date.max, "protected": protected}
    rows = session.execute(query, {"flats": list(flat_ids), **values})
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)
