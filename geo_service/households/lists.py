"""Lists of households and of flats: searched, filtered, sorted, by pages or whole for a file.

Who may not see protected addresses (``protected`` is False) is shown households at open addresses
only, and of the flats only those where such a household stays: neither rows nor totals tell which
flats are empty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.addresses import ADDRESSES, like_part
from layers.crs import SRID
from layers.loaders.addresses import normalise_address

PAGE_ROWS = 50
MAX_FILE_ROWS = 200_000
LONGEST_SEARCH = 120
HOUSEHOLD_SORTS = {
    "indirizzo": "label, stairwell, length(number), number, code",
    "codice": "length(code), code",
    "lingua": "language, label, stairwell, length(number), number",
    "persone": "size desc nulls last, label, stairwell, length(number), number",
}
FLAT_SORTS = {
    "indirizzo": "label, stairwell, length(number), number",
    "piano": "storey nulls last, label, stairwell, length(number), number",
    "superficie": "area_m2 desc nulls last, label, stairwell, length(number), number",
}
# Types of columns in files, so that neither gaps nor the database's own types change them.
FILE_TYPES = {
    "storey": "Int64", "people": "Int64", "rooms": "Int64", "area_m2": "Float64",
    "step_free": "boolean", "sold": "boolean",
}  # fmt: skip
STATES = ("presenti", "tutti")
# In place of a kind of need: those whose day of review has come.
NEED_DUE = "review"
OCCUPANCIES = ("", "abitati", "vuoti")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for; empty means all. ``page`` 0 means every row, for a file."""

    q: str = ""
    name: str = ""
    building_id: int | None = None
    stairwell: str = ""
    language: str = ""
    channel: str = ""
    title: str = ""
    need: str = ""
    use: str = ""
    sold: bool | None = None
    state: str = "presenti"
    occupancy: str = ""
    sort: str = "indirizzo"
    page: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: list[Any]
    total: int
    page: int
    pages: int


_PLACE = f"""
place as materialized (
    select b.id, b.code as building_code, coalesce(a.address, nullif(b.name, ''), b.code) as label,
           b.name as building_name, b.footprint,
           (select string_agg(search_key, ' ') from address_point where building_id = b.id) as keys
    from building b left join {ADDRESSES} a on true
    where b.quarter_id = :quarter and b.closed_on is null
      and exists (select from stairwell where building_id = b.id))"""  # noqa: S608
_FOUND_PLACE = """(p.building_code = upper(:q) or p.building_name ilike :pattern
    or (:key <> '' and (p.keys like :key_pattern or :key <% p.keys)))"""
_HOUSEHOLDS = f"""
with {_PLACE},
chosen as (
    select h.id, h.code, h.language, h.channel, h.size, h.protected, s.flat_id, f.number,
           f.storey, w.label as stairwell, p.id as building_id, coalesce(p.label, '') as label,
           p.footprint
    from household h
    left join stay s on s.household_id = h.id and s.period @> cast(:today as date)
    left join flat f on f.id = s.flat_id
    left join stairwell w on w.id = f.stairwell_id
    left join place p on p.id = w.building_id
    where h.quarter_id = :quarter and h.merged_into_id is null and {{where}}),
listed as (
    select c.*, count(*) over () as total from chosen c
    order by {{order}} limit :most offset :skip)
select l.id, l.code, l.language, l.channel, l.size, l.protected, l.flat_id, l.number, l.storey,
       l.stairwell, l.building_id, l.label, t.title, l.total {{geometry}}
from listed l
left join lateral (
    select title from tenancy where household_id = l.id and period @> cast(:today as date)
    order by flat_id = l.flat_id desc, id limit 1) t on true
order by {{order}}
"""  # noqa: S608  (no value is part of the text)
_FLATS = f"""
with {_PLACE},
chosen as (
    select f.id, f.number, f.storey, f.rooms, f.area_m2, f.step_free, f.use, f.sold,
           w.label as stairwell, p.id as building_id, p.label, p.footprint
    from flat f
    join stairwell w on w.id = f.stairwell_id
    join place p on p.id = w.building_id
    where f.closed_on is null and {{where}}),
listed as (
    select c.*, count(*) over () as total from chosen c
    order by {{order}} limit :most offset :skip)
select l.id, l.number, l.storey, l.rooms, l.area_m2, l.step_free, l.use, l.sold, l.stairwell,
       l.building_id, l.label, n.codes, coalesce(n.protected, false) as protected, l.total
       {{geometry}}
from listed l
left join lateral (
    select string_agg(h.code, ', ' order by h.code) as codes, bool_or(h.protected) as protected
    from stay s join household h on h.id = s.household_id
    where s.flat_id = l.id and s.period @> cast(:today as date)
      and (:protected or not h.protected)) n on true
order by {{order}}
"""  # noqa: S608
_GEOMETRY = ", st_asbinary(st_pointonsurface(l.footprint)) as point"
_OPEN_STAY = """exists (select from stay s join household h on h.id = s.household_id
    where s.flat_id = f.id and s.period @> cast(:today as date) and not h.protected)"""
_ANY_STAY = """exists (select from stay s
    where s.flat_id = f.id and s.period @> cast(:today as date))"""


def households(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool
) -> Page:
    """Households of a quarter as ``wanted``: code, language, channel, flat of today, title.

    ``protected`` includes households at a protected address.
    """
    query, values = _household_query(quarter_id, today, wanted, protected=protected)
    return _read(session, query, values, wanted)


def flats(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool
) -> Page:
    """Flats of a quarter as ``wanted``, with the codes of the households that stay there.

    Without ``protected`` only flats in which a household at an open address stays.
    """
    query, values = _flat_query(quarter_id, today, wanted, protected=protected)
    return _read(session, query, values, wanted)


def household_frame(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool
) -> gpd.GeoDataFrame:
    """All households of a list for a file: no names, no contacts, a point at the building.

    Columns code, building, address, stairwell, flat, storey, title, language, channel, people.
    """
    query, values = _household_query(quarter_id, today, wanted, protected=protected, point=True)
    rows = session.execute(text(query), {**values, "most": MAX_FILE_ROWS, "skip": 0}).all()
    return _frame(
        rows,
        {
            "code": "code", "address": "label", "stairwell": "stairwell", "flat": "number",
            "storey": "storey", "title": "title", "language": "language", "channel": "channel",
            "people": "size",
        },
    )  # fmt: skip


def flat_frame(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool
) -> gpd.GeoDataFrame:
    """All flats of a list for a file, with a point at the building.

    Columns address, stairwell, flat, storey, rooms, area_m2, step_free, use, sold, households.
    """
    query, values = _flat_query(quarter_id, today, wanted, protected=protected, point=True)
    rows = session.execute(text(query), {**values, "most": MAX_FILE_ROWS, "skip": 0}).all()
    names = {
        "address": "label", "stairwell": "stairwell", "flat": "number", "storey": "storey",
        "rooms": "rooms", "area_m2": "area_m2", "step_free": "step_free", "use": "use",
        "sold": "sold", "households": "codes",
    }  # fmt: skip
    return _frame(rows, names)


def buildings_with_stairwells(session: Session, quarter_id: int) -> list[Any]:
    """Rows (id, label, stairwells) for the filter by building and stairwell, by label."""
    query = text(
        f"""select b.id, coalesce(a.address, nullif(b.name, ''), b.code) as label,
               array(select label from stairwell where building_id = b.id and closed_on is null
                     order by length(label), label) as stairwells
        from building b left join {ADDRESSES} a on true
        where b.quarter_id = :quarter and b.closed_on is null
          and exists (select from stairwell where building_id = b.id and closed_on is null)
        order by coalesce(a.address, nullif(b.name, ''), b.code) collate "und-x-icu" """  # noqa: S608
    )
    return list(session.execute(query, {"quarter": quarter_id}))


def needs_due(session: Session, quarter_id: int, today: dt.date) -> tuple[int, dt.date | None]:
    """Households with a need to review by ``today``, and since when; tells no need."""
    query = text(
        """select count(distinct h.id), min(n.review_on) from need n
           join household h on h.id = n.household_id
           where h.quarter_id = :quarter and n.review_on <= cast(:today as date)"""
    )
    number, first = session.execute(query, {"quarter": quarter_id, "today": today}).one()
    return number, first


def languages_spoken(session: Session, quarter_id: int) -> list[str]:
    """Languages in which households at open addresses of the quarter are written to."""
    query = text(
        """select distinct language from household
           where quarter_id = :quarter and not protected order by 1"""
    )
    return list(session.scalars(query, {"quarter": quarter_id}))


def _household_query(
    quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool, point: bool = False
) -> tuple[str, dict[str, Any]]:
    where = ["true"]
    values = {**_values(quarter_id, today, wanted), "protected": protected}
    if not protected:
        where.append("not h.protected")
    if wanted.state == "presenti":
        where.append("s.id is not null")
    if values["q"]:
        where.append(f"(h.code ilike :pattern or {_FOUND_PLACE})")
    if wanted.name:
        where.append(
            "exists (select from household_contact k where k.household_id = h.id "
            "and k.name ilike :name)"
        )
    if wanted.need == NEED_DUE:
        where.append(
            "exists (select from need n where n.household_id = h.id "
            "and n.review_on <= cast(:today as date))"
        )
    elif wanted.need:
        where.append("exists (select from need n where n.household_id = h.id and n.kind = :need)")
    if wanted.title:
        where.append(
            "exists (select from tenancy t where t.household_id = h.id "
            "and t.period @> cast(:today as date) and t.title = :title)"
        )
    for column, value in (("h.language", "language"), ("h.channel", "channel")):
        if values[value]:
            where.append(f"{column} = :{value}")
    where += _in_place(wanted)
    order = HOUSEHOLD_SORTS.get(wanted.sort, HOUSEHOLD_SORTS["indirizzo"])
    query = _HOUSEHOLDS.format(
        where=" and ".join(where), order=order, geometry=_GEOMETRY if point else ""
    )
    return query, values


def _flat_query(
    quarter_id: int, today: dt.date, wanted: Wanted, *, protected: bool, point: bool = False
) -> tuple[str, dict[str, Any]]:
    where = ["true"]
    values = {**_values(quarter_id, today, wanted), "protected": protected}
    if not protected:
        where.append(_OPEN_STAY)
    elif wanted.occupancy == "abitati":
        where.append(_ANY_STAY)
    elif wanted.occupancy == "vuoti":
        where.append(f"not {_ANY_STAY}")
    if values["q"]:
        where.append(f"(f.number = :q or {_FOUND_PLACE})")
    if wanted.use:
        where.append("f.use = :use")
    if wanted.sold is not None:
        where.append("f.sold = :sold")
    where += _in_place(wanted)
    order = FLAT_SORTS.get(wanted.sort, FLAT_SORTS["indirizzo"])
    query = _FLATS.format(
        where=" and ".join(where), order=order, geometry=_GEOMETRY if point else ""
    )
    return query, values


def _in_place(wanted: Wanted) -> list[str]:
    found = []
    if wanted.building_id is not None:
        found.append("p.id = :building")
    if wanted.stairwell:
        found.append("w.label = :stairwell")
    return found


def _values(quarter_id: int, today: dt.date, wanted: Wanted) -> dict[str, Any]:
    q = " ".join(wanted.q[:LONGEST_SEARCH].split())
    key = normalise_address(q)
    return {
        "quarter": quarter_id, "today": today, "q": q, "pattern": like_part(q), "key": key,
        "key_pattern": like_part(key), "name": like_part(wanted.name.strip()),
        "need": wanted.need, "title": wanted.title, "language": wanted.language,
        "channel": wanted.channel, "building": wanted.building_id, "use": wanted.use,
        "stairwell": wanted.stairwell, "sold": wanted.sold,
    }  # fmt: skip


def _read(session: Session, query: str, values: dict[str, Any], wanted: Wanted) -> Page:
    page = max(wanted.page, 1)
    bounds = {"most": PAGE_ROWS, "skip": (page - 1) * PAGE_ROWS}
    rows = session.execute(text(query), {**values, **bounds}).all()
    if not rows and page > 1:
        page = 1
        rows = session.execute(text(query), {**values, **bounds, "skip": 0}).all()
    total = rows[0].total if rows else 0
    return Page(list(rows), total, page, max(1, -(-total // PAGE_ROWS)))


def _frame(rows: Any, names: Mapping[str, str]) -> gpd.GeoDataFrame:
    columns = {
        head: pd.array([getattr(row, name) for row in rows], dtype=FILE_TYPES.get(head, "object"))
        for head, name in names.items()
    }
    points = shapely.from_wkb([row.point for row in rows])
    return gpd.GeoDataFrame(columns, geometry=list(points), crs=SRID)


def stairwells(session: Session, quarter_id: int) -> list[Any]:
    """Rows (id, label) of all stairwells: address of the building and label, in that order."""
    query = text(
        f"""select w.id,
               coalesce(a.address, nullif(b.name, ''), b.code) || ' – ' || w.label as label
        from stairwell w join building b on b.id = w.building_id left join {ADDRESSES} a on true
        where b.quarter_id = :quarter and b.closed_on is null and w.closed_on is null
        order by coalesce(a.address, b.name, b.code) collate "und-x-icu", length(w.label), w.label
        """  # noqa: S608
    )
    return list(session.execute(query, {"quarter": quarter_id}))
