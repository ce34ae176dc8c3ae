"""Reading impacts back: of revisions in force, by runs in force (*lettura dei disagi*).

Days given are inclusive. Counts are of buildings and flats; who lives there is not known here.
``flats_told`` adds, for buildings whose flats are not known, the number their source told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from layers.errors import DataError
from layers.impacts.cumulated import cumulated_noise
from layers.impacts.sql import frame, geo_frame

__all__ = [
    "building_bands", "cumulated_noise", "daily", "days_above", "flats_of", "phase_summary",
    "zones",
]  # fmt: skip

# An impact acts in a period if any day common to both is one of its weekdays.
_ACTS = """
i.period && daterange(%(start)s::date, %(end)s::date, '[]')
and (i.weekdays = 127 or (
    select bool_or(i.weekdays & (1 << (extract(isodow from d)::int - 1)) <> 0)
    from generate_series(
        greatest(lower(i.period), %(start)s::date)::timestamp,
        least(coalesce(upper(i.period) - 1, %(end)s::date), %(end)s::date,
              greatest(lower(i.period), %(start)s::date) + 6)::timestamp,
        interval '1 day') d))
"""
_IN_FORCE = """
revision_in_force v
join impact_run r on r.revision_id = v.revision_id and r.in_force
join impact i on i.run_id = r.id
"""


def building_bands(
    connection: Connection,
    quarter_id: int,
    start: dt.date,
    end: dt.date,
    kinds: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Strongest band of each building and kind in a period.

    :returns: building_id, kind, band, flats (known flats with any band), phases (how many),
        phase_ids; ascending by building and kind.
    """
    _check_period(start, end)
    return frame(
        connection,
        f"""select i.building_id, i.kind, max(i.band), count(distinct i.flat_id),
                count(distinct v.phase_id), array_agg(distinct v.phase_id)
            from {_IN_FORCE}
            where v.quarter_id = %(quarter)s and {_ACTS}
                and (%(kinds)s::text[] is null or i.kind = any(%(kinds)s::text[]))
            group by 1, 2 order by 1, 2""",  # noqa: S608
        ("building_id", "kind", "band", "flats", "phases", "phase_ids"),
        quarter=quarter_id,
        start=start,
        end=end,
        kinds=list(kinds) if kinds is not None else None,
    )


def phase_summary(
    connection: Connection,
    quarter_id: int | None = None,
    revision_ids: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Buildings and flats hit by each phase, per kind and altogether (kind ``all``).

    Give a quarter (its revisions in force) or revisions (their runs in force, whether the
    revision still is or not).

    :returns: revision_id, phase_id, kind, band (strongest), buildings, flats, flats_told,
        first_day, last_day (missing where open).
    """
    if (quarter_id is None) == (revision_ids is None):
        raise DataError("Give either a quarter or revisions.")
    return frame(
        connection,
        """with chosen as (
                select r.id run_id, r.revision_id, p.phase_id
                from impact_run r join phase_revision p on p.id = r.revision_id
                where r.in_force and (
                    r.revision_id = any(%(revisions)s::bigint[])
                    or r.revision_id in (
                        select revision_id from revision_in_force
                        where quarter_id = %(quarter)s)))
            select c.revision_id, c.phase_id, coalesce(i.kind, 'all'), max(i.band),
                count(distinct i.building_id), count(distinct i.flat_id),
                count(distinct i.flat_id) + coalesce((
                    select sum(b.flats_declared)::bigint from building b
                    where b.id = any(array_agg(distinct i.building_id)
                        filter (where i.flat_id is null))), 0),
                min(lower(i.period)),
                case when bool_or(upper_inf(i.period)) then null
                     else max(upper(i.period)) - 1 end
            from chosen c join impact i using (run_id)
            group by grouping sets ((c.revision_id, c.phase_id, i.kind),
                                    (c.revision_id, c.phase_id))
            order by 1, 3""",
        (
            "revision_id", "phase_id", "kind", "band", "buildings", "flats", "flats_told",
            "first_day", "last_day",
        ),
        quarter=quarter_id,
        revisions=list(revision_ids) if revision_ids is not None else None,
    )  # fmt: skip


def flats_of(connection: Connection, revision_id: int) -> pd.DataFrame:
    """Every impact of a revision's run in force, with building, stairwell and flat.

    :returns: building_id, building_code, building_name, stairwell_id, stairwell, flat_id,
        number, storey, kind, aspect, part_of_day, band, value, unit, starts_on, ends_on (the
        day after the last), weekdays. Stairwell and flat are missing where not known.
    """
    return frame(
        connection,
        """select b.id, b.code, b.name, s.id, s.label, f.id, f.number, f.storey, i.kind,
                i.aspect, i.part_of_day, i.band, i.value, i.unit, lower(i.period),
                upper(i.period), i.weekdays
            from impact_run r join impact i on i.run_id = r.id
            join building b on b.id = i.building_id
            left join flat f on f.id = i.flat_id left join stairwell s on s.id = f.stairwell_id
            where r.revision_id = %(id)s and r.in_force
            order by b.id, s.label nulls first, f.storey, f.number, i.kind, i.aspect,
                i.part_of_day, i.period""",
        (
            "building_id", "building_code", "building_name", "stairwell_id", "stairwell",
            "flat_id", "number", "storey", "kind", "aspect", "part_of_day", "band", "value",
            "unit", "starts_on", "ends_on", "weekdays",
        ),
        id=revision_id,
    )  # fmt: skip


def zones(
    connection: Connection,
    quarter_id: int,
    start: dt.date,
    end: dt.date,
    kinds: Sequence[str] | None = None,
    phase: int | None = None,
) -> gpd.GeoDataFrame:
    """Zones of the phases that have a day in the period.

    :returns: phase_id, phase (name), site (code), kind, aspect, part_of_day, band, method and
        geometry, the weakest band first so that stronger ones are drawn over it.
    """
    _check_period(start, end)
    return geo_frame(
        connection,
        """select v.phase_id, p.name, s.code, z.kind, z.aspect, z.part_of_day, z.band, z.method,
                st_asbinary(z.geom)
            from revision_in_force v
            join phase_revision r on r.id = v.revision_id
            join works_phase p on p.id = v.phase_id join site s on s.id = v.site_id
            join impact_run n on n.revision_id = v.revision_id and n.in_force
            join impact_zone z on z.run_id = n.id
            where v.quarter_id = %(quarter)s
                and r.period && daterange(%(start)s::date, %(end)s::date, '[]')
                and (%(kinds)s::text[] is null or z.kind = any(%(kinds)s::text[]))
                and (%(phase)s::bigint is null or v.phase_id = %(phase)s::bigint)
            order by z.band, v.phase_id, z.id""",
        ("phase_id", "phase", "site", "kind", "aspect", "part_of_day", "band", "method"),
        quarter=quarter_id,
        start=start,
        end=end,
        kinds=list(kinds) if kinds is not None else None,
        phase=phase,
    )


def daily(
    connection: Connection,
    quarter_id: int,
    start: dt.date,
    end: dt.date,
    *,
    skip: Collection[dt.date] = (),
    least_band: int = 1,
) -> pd.DataFrame:
    """Buildings and flats hit on each day, per kind and altogether (kind ``all``).

    :param skip: days without works (public holidays); cuts without water go on.
    :param least_band: count only this band and stronger ones.
    :returns: day, kind, buildings, flats, band (strongest); days without impacts are left out.
    """
    _check_period(start, end)
    found = _acting(connection, quarter_id, start, end, least_band)
    rows = []
    for day in _days(start, end):
        today = found[_on(found, day, skip)]
        for kind, group in [("all", today), *today.groupby("kind")]:
            if len(group):
                rows.append(
                    (day, kind, group["building_id"].nunique(),
                     group.loc[group["flat_id"] > 0, "flat_id"].nunique(), group["band"].max())
                )  # fmt: skip
    return pd.DataFrame(rows, columns=["day", "kind", "buildings", "flats", "band"])


def days_above(
    connection: Connection,
    quarter_id: int,
    start: dt.date,
    end: dt.date,
    *,
    skip: Collection[dt.date] = (),
) -> pd.DataFrame:
    """For each flat (or building of unknown flats) and kind: the worst day and how many days.

    All sites of the quarter together; a day counts once for its strongest band.

    :returns: building_id, flat_id (0: the building), kind, worst_band, worst_day (the first
        such day), days_1, days_2, days_3, days_4 (days with at least that band).
    """
    _check_period(start, end)
    found = _acting(connection, quarter_id, start, end, 1)
    key = ["building_id", "flat_id", "kind"]
    columns = [*key, "worst_band", "worst_day", "days_1", "days_2", "days_3", "days_4"]
    if not len(found):
        return pd.DataFrame(columns=columns)
    who, index = np.unique(
        found[["building_id", "flat_id"]].to_numpy(dtype=np.int64), axis=0, return_inverse=True
    )
    kinds, kind = np.unique(found["kind"].to_numpy(dtype=str), return_inverse=True)
    cell = index.ravel() * len(kinds) + kind
    count = np.zeros((len(who) * len(kinds), 5), dtype=np.int64)
    worst = np.zeros(len(count), dtype=np.int64)
    worst_day = np.full(len(count), None, dtype=object)
    band = found["band"].to_numpy(dtype=np.int64)
    for day in _days(start, end):
        on = _on(found, day, skip)
        today = np.zeros(len(count), dtype=np.int64)
        np.maximum.at(today, cell[on], band[on])
        for least in range(1, 5):
            count[:, least] += today >= least
        worst_day[today > worst] = day
        worst = np.maximum(worst, today)
    hit = worst > 0
    place = np.flatnonzero(hit)
    return pd.DataFrame(
        {
            "building_id": who[place // len(kinds), 0],
            "flat_id": who[place // len(kinds), 1],
            "kind": kinds[place % len(kinds)],
            "worst_band": worst[hit],
            "worst_day": worst_day[hit],
            **{f"days_{b}": count[hit, b] for b in range(1, 5)},
        },
        columns=columns,
    )


def _acting(
    connection: Connection, quarter_id: int, start: dt.date, end: dt.date, least_band: int
) -> pd.DataFrame:
    """Distinct impacts of a period, ready to be asked day by day."""
    found = frame(
        connection,
        f"""select i.kind, i.building_id, coalesce(i.flat_id, 0), max(i.band), lower(i.period),
                upper(i.period), i.weekdays
            from {_IN_FORCE}
            where v.quarter_id = %(quarter)s and i.band >= %(band)s
                and i.period && daterange(%(start)s::date, %(end)s::date, '[]')
            group by 1, 2, 3, 5, 6, 7""",  # noqa: S608
        ("kind", "building_id", "flat_id", "band", "first", "after", "weekdays"),
        quarter=quarter_id,
        start=start,
        end=end,
        band=least_band,
    )
    far = dt.date.max
    found["first_ordinal"] = [d.toordinal() for d in found["first"]]
    found["after_ordinal"] = [(far if d is None else d).toordinal() for d in found["after"]]
    return found


def _on(found: pd.DataFrame, day: dt.date, skip: Collection[dt.date]) -> npt.NDArray[np.bool_]:
    """Which impacts act on a day; on a day without works only what goes on without them."""
    number = day.toordinal()
    on = (
        (found["first_ordinal"].to_numpy(dtype=np.int64) <= number)
        & (found["after_ordinal"].to_numpy(dtype=np.int64) > number)
        & (found["weekdays"].to_numpy(dtype=np.int64) & (1 << day.weekday()) != 0)
    )
    if day in skip:
        on &= ~found["kind"].isin(("noise", "dust", "vibration", "inside")).to_numpy()
    return np.asarray(on)


def _days(start: dt.date, end: dt.date) -> list[dt.date]:
    return [start + dt.timedelta(days=k) for k in range((end - start).days + 1)]


def _check_period(start: dt.date, end: dt.date) -> None:
    if end < start:
        raise DataError(f"The period ends on {end}, before it starts on {start}.")
    if (end - start).days > 3660:
        raise DataError("A period of more than ten years: give a shorter one.")
