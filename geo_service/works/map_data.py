"""Frames for maps: buildings with the level of a period, sites, closures, areas, ways.

Counts of flats are for the laboratory; a public map carries neither counts nor moves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.works.places import ADDRESSES
from geo_service.works.revisions import inclusive
from layers.buildings import DATA_SOURCES, Quarter
from layers.crs import SRID
from layers.impacts.models import KINDS
from layers.impacts.sql import geo_frame, rows
from maps.base import MapData, feature_collection
from maps.base.frames import GEOJSON_LIMIT
from maps.site_map import TileSource

# Who moves, and when, is never public.
PUBLIC_KINDS = tuple(kind for kind in KINDS if kind != "relocation")
# Around a phase the map shows this much of the quarter.
AROUND_PHASE_M = 150.0
ATTRIBUTION = "Accanto"


@dataclass(frozen=True, slots=True)
class View:
    """What a map shows: days (both included), kinds, and optionally one site or one revision."""

    first: dt.date
    last: dt.date
    kinds: tuple[str, ...] = KINDS
    site_id: int | None = None
    revision_id: int | None = None
    least_band: int = 1
    building_id: int | None = None

    @property
    def weekdays(self) -> int:
        """Weekdays that occur in the period, as a bit mask (bit 0 = Monday)."""
        days = min((self.last - self.first).days + 1, 7)
        mask = 0
        for offset in range(days):
            mask |= 1 << (self.first + dt.timedelta(days=offset)).weekday()
        return mask

    def parameters(self) -> dict[str, Any]:
        """Parameters of the queries below."""
        return {
            "first": self.first,
            "after": self.last + dt.timedelta(days=1),
            "weekdays": self.weekdays,
            "kinds": list(self.kinds),
            "site": self.site_id,
            "revision": self.revision_id,
            "building": self.building_id,
        }


@dataclass(frozen=True, slots=True)
class BuildingLevel:
    """How hard a building is hit in a period: overall, by kind, and how many of its flats."""

    band: int
    kinds: dict[str, int]
    flats: int


_IN_VIEW = """
    f.quarter_id = %(quarter)s
    and (%(site)s::bigint is null or f.site_id = %(site)s)
    and (%(revision)s::bigint is null or f.revision_id = %(revision)s)
"""
_LEVELS = f"""
    select i.building_id, i.kind, max(i.band), count(distinct i.flat_id)
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join revision_in_force f on f.revision_id = r.revision_id
    where {_IN_VIEW} and i.band > 0 and i.kind = any(%(kinds)s)
      and (%(building)s::bigint is null or i.building_id = %(building)s)
      and i.period && daterange(%(first)s, %(after)s) and i.weekdays & %(weekdays)s <> 0
    group by grouping sets ((i.building_id, i.kind), (i.building_id))
"""  # noqa: S608  (no value is part of the text)
_BUILDINGS = f"""
    select b.id, b.code, b.name, coalesce(a.address, ''), st_asbinary(b.footprint)
    from building b
    left join {ADDRESSES} a on true
    where b.quarter_id = %(quarter)s and b.closed_on is null
      and (%(around)s::geometry is null or st_dwithin(b.footprint, %(around)s, %(reach)s))
"""  # noqa: S608
_SITES = """
    select s.id, s.code, s.name, st_asbinary(s.footprint)
    from site s
    where s.quarter_id = %(quarter)s and s.archived_on is null
      and (%(site)s::bigint is null or s.id = %(site)s)
"""
_CLOSURES = f"""
    select c.kind, p.code, c.description, coalesce(lower(c.period), lower(v.period)),
           coalesce(upper(c.period), upper(v.period)), st_asbinary(c.geom)
    from closure c
    join phase_revision v on v.id = c.revision_id
    join works_phase p on p.id = v.phase_id
    join revision_in_force f on f.revision_id = v.id
    where {_IN_VIEW} and coalesce(c.period, v.period) && daterange(%(first)s, %(after)s)
    union all
    select 'lorry_route', p.code, '', lower(v.period), upper(v.period), st_asbinary(v.lorry_route)
    from phase_revision v
    join works_phase p on p.id = v.phase_id
    join revision_in_force f on f.revision_id = v.id
    where {_IN_VIEW} and v.lorry_route is not null
      and v.period && daterange(%(first)s, %(after)s)
"""  # noqa: S608
_ZONES_FROM = f"""
    from impact_zone z
    join impact_run r on r.id = z.run_id and r.in_force
    join revision_in_force f on f.revision_id = r.revision_id
    join phase_revision v on v.id = r.revision_id
    join works_phase p on p.id = v.phase_id
    where {_IN_VIEW} and z.band > 0 and z.kind = any(%(kinds)s)
      and v.period && daterange(%(first)s, %(after)s)
"""
_ZONES = f"""
    select z.kind, z.aspect, z.part_of_day, z.band, p.code, p.name, st_asbinary(z.geom)
    {_ZONES_FROM}
    order by z.band
"""
_TOUCHED = f"""
    select b.id from building b
    where b.quarter_id = %(quarter)s and b.closed_on is null
      and exists (select 1 {_ZONES_FROM}
                  and z.band >= %(least)s and st_intersects(z.geom, b.footprint))
    order by b.id
    limit %(most)s
"""  # noqa: S608
_PATHS = """
    -- Names of footways would cover the map: they repeat the streets beside them.
    select kind, case when kind = 'street' then name else '' end, width_m, st_asbinary(geom)
    from path
    where quarter_id = %(quarter)s
      and (%(around)s::geometry is null or st_dwithin(geom, %(around)s, %(reach)s))
"""


def building_levels(
    connection: Connection, quarter_id: int, view: View
) -> dict[int, BuildingLevel]:
    """Level of every building hit within ``view``, from ``view.least_band`` on."""
    kinds: dict[int, dict[str, int]] = {}
    strongest: dict[int, tuple[int, int]] = {}
    for building_id, kind, band, flats in rows(
        connection, _LEVELS, quarter=quarter_id, **view.parameters()
    ):
        if kind is None:
            strongest[building_id] = (band, flats)
        else:
            kinds.setdefault(building_id, {})[kind] = band
    return {
        building_id: BuildingLevel(band, kinds[building_id], flats)
        for building_id, (band, flats) in strongest.items()
        if band >= view.least_band
    }


def buildings_in_zones(connection: Connection, quarter_id: int, view: View, most: int) -> list[int]:
    """At most ``most`` buildings that a zone of ``view`` touches, from its least band up."""
    parameters = {"quarter": quarter_id, **view.parameters()}
    found = rows(connection, _TOUCHED, **parameters, least=view.least_band, most=most)
    return [building_id for (building_id,) in found]


def map_data(
    session: Session,
    quarter: Quarter,
    view: View,
    *,
    title: str,
    list_href: str,
    public: bool = False,
    zones_of: Sequence[str] = (),
    around: shapely.Geometry | None = None,
    single_file: bool = False,
    flats: bool = True,
    levels: dict[int, BuildingLevel] | None = None,
) -> MapData:
    """Everything a map of ``quarter`` shows in ``view``; ``around`` (metric) limits its extent.

    Above ``GEOJSON_LIMIT`` buildings the outlines come by vector tiles, except for a
    ``single_file``, which has no server to ask. ``public`` leads to residents' pages and leaves
    out counts of flats, as does ``flats=False`` for those who may not tell which are empty.
    ``levels`` are those of ``view`` where the caller has them already.
    """
    connection = session.connection()
    if levels is None:
        levels = building_levels(connection, quarter.id, view)
    clip = {
        "around": None if around is None else shapely.to_wkb(
            shapely.set_srid(around, SRID), include_srid=True, hex=True
        ),
        "reach": AROUND_PHASE_M,
    }  # fmt: skip
    count = session.scalar(
        text("select count(*) from building where quarter_id = :q and closed_on is null"),
        {"q": quarter.id},
    )
    tiled = not single_file and around is None and (count or 0) > GEOJSON_LIMIT
    here = {"quarter": quarter.id, **view.parameters()}
    sites = geo_frame(
        connection, _SITES, ("id", "code", "name"), quarter=quarter.id, site=view.site_id
    )
    sites["href"] = "" if public else [f"/cantieri/{key}" for key in sites["id"]]
    zones = None
    if zones_of:
        zones = geo_frame(
            connection,
            _ZONES,
            ("kind", "aspect", "part_of_day", "band", "phase", "label"),
            **{**here, "kinds": list(zones_of)},
        )
    return MapData(
        buildings=None if tiled else _buildings(
            connection, quarter.id, levels, clip, public=public, flats=flats
        ),
        zones=zones,
        sites=sites,
        closures=_closures(connection, here),
        paths=None if tiled else geo_frame(
            connection, _PATHS, ("kind", "name", "width_m"), quarter=quarter.id, **clip
        ),
        language=i18n.current_language(),
        synthetic=quarter.synthetic,
        title=title,
        period_label=i18n.period(view.first, view.last),
        attribution=" | ".join([ATTRIBUTION, *quarter.settings.get(DATA_SOURCES, [])]),
        list_href=list_href,
        tiles=_tiles(quarter, levels, public) if tiled else None,
    )  # fmt: skip


def closures_geojson(connection: Connection, quarter_id: int, view: View) -> str:
    """Closures of a period as GeoJSON text (WGS 84): what a map draws anew when time moves."""
    frame = _closures(connection, {"quarter": quarter_id, **view.parameters()})
    shown = MapData(closures=frame).frame("closures")
    if shown is None:
        return '{"type":"FeatureCollection","features":[]}'
    return feature_collection(shown)


def _buildings(
    connection: Connection,
    quarter_id: int,
    levels: dict[int, BuildingLevel],
    clip: dict[str, Any],
    *,
    public: bool,
    flats: bool,
) -> gpd.GeoDataFrame:
    frame = geo_frame(
        connection, _BUILDINGS, ("id", "code", "name", "address"), quarter=quarter_id, **clip
    )
    nothing = BuildingLevel(0, {}, 0)
    found = [levels.get(key, nothing) for key in frame["id"]]
    frame["label"] = [
        address or name or code
        for address, name, code in zip(frame["address"], frame["name"], frame["code"], strict=True)
    ]
    frame["band"] = [level.band for level in found]
    frame["kinds"] = [level.kinds for level in found]
    if public:
        frame["href"] = [f"/e/{code}" for code in frame["code"]]
    else:
        frame["href"] = [f"/edifici/{key}" for key in frame["id"]]
    if flats and not public:
        frame["flats"] = [level.flats for level in found]
    return frame


def _closures(connection: Connection, here: dict[str, Any]) -> gpd.GeoDataFrame:
    frame = geo_frame(
        connection,
        _CLOSURES,
        ("kind", "phase", "description", "from", "to"),
        **{k: v for k, v in here.items() if k not in ("kinds", "weekdays")},
    )
    frame["when"] = [
        i18n.period(first, after - dt.timedelta(days=1))
        for first, after in zip(frame["from"], frame["to"], strict=True)
    ]
    return frame


def _tiles(quarter: Quarter, levels: dict[int, BuildingLevel], public: bool) -> TileSource:
    if public:
        base, which = f"/tiles/public/{quarter.id}/{quarter.map_version}", ""
    else:
        base, which = f"/tiles/{quarter.map_version}", f"?quartiere={quote(quarter.code)}"
    return TileSource(
        url=base + "/buildings/{z}/{x}/{y}.mvt" + which,
        paths_url=base + "/paths/{z}/{x}/{y}.mvt" + which,
        # The desk's page asks for its bands itself, and again whenever the period moves.
        bands={key: level.band for key, level in levels.items()} if public else {},
        href="/e/{code}" if public else "/edifici/{id}",
    )


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A building in the list that says the same as the map."""

    building_id: int
    code: str
    label: str
    level: BuildingLevel


def level_lines(session: Session, levels: dict[int, BuildingLevel]) -> list[LevelLine]:
    """Buildings hit, the hardest first, for the list beside the map."""
    found = rows(
        session.connection(),
        f"""select b.id, b.code, coalesce(a.address, nullif(b.name, ''), b.code)
            from building b left join {ADDRESSES} a on true
            where b.id = any(%(ids)s)""",  # noqa: S608
        ids=list(levels),
    )
    lines = [LevelLine(key, code, label, levels[key]) for key, code, label in found]
    return sorted(
        lines, key=lambda r: (-r.level.band, -sum(r.level.kinds.values()), r.label, r.code)
    )


def quarter_bounds(connection: Connection, quarter_id: int) -> list[list[float]] | None:
    """[[south, west], [north, east]] of a quarter's buildings in WGS 84, None without any."""
    found = rows(
        connection,
        """select st_ymin(e), st_xmin(e), st_ymax(e), st_xmax(e) from (
             select st_transform(st_setsrid(st_extent(footprint)::geometry, %(srid)s), 4326) as e
             from building where quarter_id = %(quarter)s and closed_on is null) x""",
        quarter=quarter_id,
        srid=SRID,
    )
    if not found or found[0][0] is None:
        return None
    south, west, north, east = found[0]
    return [[south, west], [north, east]]


def phase_view(period: Any, revision_id: int) -> View:
    """The view of one revision over its whole period."""
    first, last = inclusive(period)
    return View(first, last or first, revision_id=revision_id)
