"""The list of buildings: searched, filtered, sorted, by pages or whole for a file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.addresses import like_part
from geo_service.households.disclosure import as_told
from geo_service.works.places import ADDRESSES
from layers.crs import SRID
from layers.loaders.addresses import normalise_address

PAGE_ROWS = 50
MAX_FILE_ROWS = 200_000
LONGEST_SEARCH = 120
# The period whose impacts the list tells, where none is asked for.
USUAL_DAYS = 7
LONGEST_DAYS = 732
SORTS = {
    "indirizzo": 'address collate "und-x-icu" asc, name, code',
    "livello": "band desc, address, name, code",
    "nuclei": "households desc, address, name, code",
    "alloggi": "flats desc, address, name, code",
    "piani": "storeys desc nulls last, address, name, code",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for; empty means all. Days are inclusive, ``page`` from 1 on.

    ``protected`` counts households at a protected address too, ``exact`` tells how many there are
    below five and between the fives: both only for those who may know those households.
    """

    first: dt.date
    last: dt.date
    q: str = ""
    street: str = ""
    kind: str = ""
    least_band: int = 0
    use: str = ""
    owner: str = ""
    acoustic_class: str = ""
    storeys: int | None = None
    known_flats: bool | None = None
    closed: bool = False
    sort: str = "indirizzo"
    page: int = 1
    protected: bool = False
    exact: bool = False

    @property
    def filtered(self) -> bool:
        """Whether anything but the search leaves buildings out."""
        known = self.known_flats is not None or self.storeys is not None or self.closed
        words = (self.street, self.kind, self.use, self.owner, self.acoustic_class)
        return known or self.least_band > 0 or any(words)


@dataclass(frozen=True, slots=True)
class BuildingLine:
    """A building in the list. Flats beside households tell vacancy: for coordinators only.

    ``households`` is None where so few are not told.
    """

    building_id: int
    code: str
    name: str
    address: str
    use: str
    owner: str
    acoustic_class: str | None
    storeys: int | None
    height_m: float | None
    closed_on: dt.date | None
    stairwells: int
    flats: int
    households: int | None
    band: int


@dataclass(frozen=True, slots=True)
class BuildingPage:
    """One page of the list of buildings."""

    rows: list[BuildingLine]
    total: int
    page: int
    pages: int


# A household stays in one place at a time, so stays of a day count households.
_COUNTS = """
homes as materialized (
    select w.building_id, count(f.id) as flats, count(distinct w.id) as stairwells
    from stairwell w
    join building b on b.id = w.building_id and b.quarter_id = :quarter
    left join flat f on f.stairwell_id = w.id and f.closed_on is null
    where w.closed_on is null and {scope} group by 1),
people as materialized (
    select w.building_id, count(*) as households
    from stay s
    join household o on o.id = s.household_id and (:protected or not o.protected)
    join flat f on f.id = s.flat_id and f.closed_on is null
    join stairwell w on w.id = f.stairwell_id
    join building b on b.id = w.building_id and b.quarter_id = :quarter
    where s.period @> cast(:today as date) and {scope} group by 1),"""
_RUNS = """array(select r.id from impact_run r
    join revision_in_force v on v.revision_id = r.revision_id and v.quarter_id = :quarter
    join site z on z.id = v.site_id and z.archived_on is null
    where r.in_force)"""
_ACTS = f"""w.run_id = any({_RUNS}) and (:kind = '' or w.kind = :kind)
      and w.period && daterange(cast(:first as date), cast(:last as date), '[]')"""
_HITS = f"""
hit as materialized (
    select w.building_id, max(w.band) as band from impact w where {_ACTS} group by 1),"""  # noqa: S608
# Of the few rows shown, each building's own impacts by their index. The planner takes those rows
# for one and would look all of them up again for each: materialized, they are looked up once.
_HITS_SHOWN = f"""
hit as materialized (
    select l.id as building_id, one.band from listed l cross join lateral (
        select max(w.band) as band from impact w where w.building_id = l.id and {_ACTS}) one),"""  # noqa: S608
_COUNT_JOINS = """left join homes n on n.building_id = b.id
    left join people m on m.building_id = b.id"""
_HIT_JOINS = "left join hit h on h.building_id = b.id"
_COUNT_COLUMNS = """coalesce(n.stairwells, 0) as stairwells, coalesce(n.flats, 0) as flats,
           coalesce(m.households, 0) as households"""
_HIT_COLUMNS = "coalesce(h.band, 0) as band"
_LIST = f"""
with place as (
    select building_id, string_agg(search_key, ' ') as keys, array_agg(distinct street) as streets
    from address_point where quarter_id = :quarter group by 1),{{early}}
chosen as (
    select b.id, b.code, b.name, coalesce(a.address, '') as address, b.use, b.owner,
           b.acoustic_class, b.storeys, b.height_m, b.closed_on, b.footprint{{early_columns}}
    from building b
    left join place p on p.building_id = b.id
    {{early_joins}}
    left join {ADDRESSES} a on true
    where b.quarter_id = :quarter and {{where}}),
listed as (
    select c.*, count(*) over () as total from chosen c order by {{order}}
    limit :most offset :skip),{{late}}
told as (select)
select b.id, b.code, b.name, b.address, b.use, b.owner, b.acoustic_class, b.storeys, b.height_m,
       b.closed_on, {{counts}}, {{hits}}, b.total {{geometry}}
from listed b {{late_joins}}
order by {{order}}
"""  # noqa: S608  (no value is part of the text)


def building_page(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted
) -> BuildingPage:
    """One page of the buildings of a quarter, searched by address, name or code.

    The band is the strongest of the period asked for; an unknown sort counts as by address.
    """
    page = max(wanted.page, 1)
    rows = _rows(session, quarter_id, today, wanted, PAGE_ROWS, (page - 1) * PAGE_ROWS)
    if not rows and page > 1:
        page = 1
        rows = _rows(session, quarter_id, today, wanted, PAGE_ROWS, 0)
    total = rows[0].total if rows else 0
    lines = [BuildingLine(*row[:14]) for row in rows]
    lines = [replace(b, households=as_told(b.households or 0, exact=wanted.exact)) for b in lines]
    return BuildingPage(lines, total, page, max(1, -(-total // PAGE_ROWS)))


def count_buildings(session: Session, quarter_id: int, today: dt.date, wanted: Wanted) -> int:
    """How many buildings the list holds on all its pages."""
    rows = _rows(session, quarter_id, today, wanted, 1, 0)
    return int(rows[0].total) if rows else 0


def building_frame(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, *, flats: bool
) -> gpd.GeoDataFrame:
    """All buildings of a list for a file, with their outlines.

    Columns code, address, name, use, owner, acoustic_class, storeys, height_m, stairwells, flats
    (only with ``flats``: beside households it tells which are empty), households (empty where so
    few are not told), band; CRS the metric one of the installation. Flats and households of a
    building whose flats are not known are empty, not zero.
    """
    rows = _rows(session, quarter_id, today, wanted, MAX_FILE_ROWS, 0, outlines=True)
    names = ["code", "address", "name", "use", "owner", "acoustic_class", "storeys", "height_m",
             "stairwells", *(["flats"] if flats else []), "households", "band"]  # fmt: skip
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in names}
    told = [as_told(row.households, exact=wanted.exact) if row.stairwells else None for row in rows]
    if flats:
        known = [row.flats if row.flats or row.stairwells else None for row in rows]
        columns["flats"] = pd.array(known, dtype="Int64")
    columns["households"] = pd.array(told, dtype="Int64")
    outlines = shapely.from_wkb([row.outline for row in rows])
    return gpd.GeoDataFrame(columns, geometry=list(outlines), crs=SRID)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: what stands in the quarter's own buildings."""

    streets: list[str]
    owners: list[str]
    classes: list[str]
    uses: list[str]


def choices(session: Session, quarter_id: int) -> Choices:
    """Streets, owners, acoustic classes and uses of the quarter's buildings, in order."""
    query = text(
        """select
             array(select distinct street from address_point
                   where quarter_id = :quarter and building_id is not null order by 1),
             array(select distinct owner from building
                   where quarter_id = :quarter and owner <> '' order by 1),
             array(select distinct acoustic_class from building
                   where quarter_id = :quarter and acoustic_class is not null order by 1),
             array(select distinct use from building where quarter_id = :quarter order by 1)"""
    )
    return Choices(*session.execute(query, {"quarter": quarter_id}).one())


def _rows(
    session: Session, quarter_id: int, today: dt.date, wanted: Wanted, most: int, skip: int, *,
    outlines: bool = False,
) -> list[Any]:  # fmt: skip
    q = " ".join(wanted.q[:LONGEST_SEARCH].split())
    key = normalise_address(q)
    query = _statement(wanted, _conditions(wanted, q), outlines=outlines)
    values = {
        "quarter": quarter_id, "today": today, "first": wanted.first, "last": wanted.last,
        "kind": wanted.kind, "band": max(wanted.least_band, 1), "q": q,
        "pattern": like_part(q), "key": key, "key_pattern": like_part(key),
        "street": wanted.street, "use": wanted.use, "owner": wanted.owner,
        "class": wanted.acoustic_class, "storeys": wanted.storeys, "most": most, "skip": skip,
        "protected": wanted.protected,
    }  # fmt: skip
    return list(session.execute(text(query), values))


def _statement(wanted: Wanted, conditions: list[str], *, outlines: bool) -> str:
    """The query; what only the rows shown need is computed for those alone."""
    counts_first = wanted.sort in ("nuclei", "alloggi") or wanted.known_flats is not None
    hits_first = wanted.sort == "livello" or bool(wanted.kind or wanted.least_band)
    shown = "w.building_id in (select id from listed)"
    counts = _COUNTS.format(scope="true" if counts_first else shown)
    hits = _HITS if hits_first else _HITS_SHOWN
    parts = (
        (counts_first, counts, _COUNT_JOINS, _COUNT_COLUMNS),
        (hits_first, hits, _HIT_JOINS, _HIT_COLUMNS),
    )
    return _LIST.format(
        early="".join(cte for first, cte, _, _ in parts if first),
        early_columns="".join(f", {columns}" for first, _, _, columns in parts if first),
        early_joins="\n    ".join(joins for first, _, joins, _ in parts if first),
        late="".join(cte for first, cte, _, _ in parts if not first),
        late_joins="\n    ".join(joins for first, _, joins, _ in parts if not first),
        counts="b.stairwells, b.flats, b.households" if counts_first else _COUNT_COLUMNS,
        hits="b.band" if hits_first else _HIT_COLUMNS,
        where=" and ".join(conditions),
        order=SORTS.get(wanted.sort, SORTS["indirizzo"]),
        geometry=", st_asbinary(b.footprint) as outline" if outlines else "",
    )


def _conditions(wanted: Wanted, q: str) -> list[str]:
    found = [f"b.closed_on is {'not ' if wanted.closed else ''}null"]
    if q:
        found.append(
            "(b.code = upper(:q) or b.name ilike :pattern"
            " or (:key <> '' and (p.keys like :key_pattern or :key <% p.keys)))"
        )
    if wanted.street:
        found.append(":street = any(p.streets)")
    if wanted.kind or wanted.least_band:
        found.append("coalesce(h.band, 0) >= :band")
    for column, value, name in (
        ("b.use", wanted.use, "use"),
        ("b.owner", wanted.owner, "owner"),
        ("b.acoustic_class", wanted.acoustic_class, "class"),
    ):
        if value:
            found.append(f"{column} = :{name}")
    if wanted.storeys is not None:
        found.append("b.storeys >= :storeys")
    if wanted.known_flats is not None:
        found.append(f"coalesce(n.flats, 0) {'>' if wanted.known_flats else '='} 0")
    return found
