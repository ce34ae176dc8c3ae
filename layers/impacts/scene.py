"""What an impact is computed from: the works of one revision and what lies around them.

Two halves, so that a what-if changes the works and keeps the code: :class:`Works` is what the
site does, :class:`Surroundings` who and what is there. Nothing here knows who lives in a flat.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from layers.crs import SRID
from layers.errors import DataError
from layers.impacts.sql import ewkb, frame, geo_frame, rows

#: Farther away nothing is computed: the outermost distance of the dust method (IAQM 2014).
REACH_M = 350.0
#: Parking and ways are looked for by people of buildings up to this far from a closure.
CLOSURE_REACH_M = 150.0
#: Lorries raise dust beside their way (IAQM step 1).
ROUTE_REACH_M = 50.0
#: Ways are loaded this much farther, so that a detour can be found.
PATH_MARGIN_M = 250.0

CLOSURE_COLUMNS = (
    "closure_id", "kind", "description", "starts_on", "ends_on", "stalls", "disabled_stalls",
)  # fmt: skip
BUILDING_COLUMNS = (
    "building_id", "height_m", "storeys", "use", "acoustic_class", "flats_declared",
    "background_day_dba", "background_evening_dba", "background_night_dba",
)  # fmt: skip
STAIRWELL_COLUMNS = ("stairwell_id", "building_id", "label", "lift", "step_free")
FLAT_COLUMNS = ("flat_id", "stairwell_id", "building_id", "storey", "exposures", "use")
PATH_COLUMNS = (
    "path_id", "kind", "width_m", "slope_pct", "cross_slope_pct", "steps", "kerb_cm",
    "headroom_m",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one weekday (0 = Monday) in local wall time; an end not after the start is next
    day's."""

    weekday: int
    starts_at: dt.time
    ends_at: dt.time
    noisy: bool = False


@dataclass(frozen=True, slots=True)
class Plant:
    """A machine of the plant list."""

    machine: str
    count: int = 1
    on_time: float = 1.0
    lwa_declared_db: float | None = None
    power_kw: float | None = None
    mass_kg: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class NoiseBarrier:
    """A screen put up for the works: its line on the ground and its height."""

    line: shapely.LineString
    height_m: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut of a service in stairwells; ``ends_on`` is exclusive, None until told otherwise."""

    service: str
    starts_on: dt.date
    ends_on: dt.date | None
    stairwell_ids: tuple[int, ...]
    starts_at: dt.time | None = None
    ends_at: dt.time | None = None
    cut_by: str = "contractor"


@dataclass(frozen=True, slots=True)
class NoisePermit:
    """A granted derogation for noise: its days, its limit at the façade, its hours.

    :ivar ends_on: the day after the last, None where it has no end.
    :ivar limit_dba: None leaves the municipality's limit.
    :ivar from_h, until_h: local hours; an end not after the start is next day's. A permit that
        only tells one of them starts or ends with the day; with neither it tells no hours: its
        limit holds all day, and it allows no hours of its own.
    """

    starts_on: dt.date
    ends_on: dt.date | None
    limit_dba: float | None = None
    from_h: float | None = None
    until_h: float | None = None

    @property
    def tells_hours(self) -> bool:
        """Whether the permit says from when or until when."""
        return self.from_h is not None or self.until_h is not None

    def holds_on(self, day: dt.date) -> bool:
        """Whether a day is one of the permit's."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)

    def windows(self) -> tuple[tuple[float, float], ...]:
        """Its hours on the day before, the day itself and the day after."""
        if not self.tells_hours:
            return ((-24.0, 72.0),)
        start = 0.0 if self.from_h is None else self.from_h
        end = 24.0 if self.until_h is None else self.until_h
        over = end if end > start else end + 24.0
        return tuple((start + shift, over + shift) for shift in (-24.0, 0.0, 24.0))


def empty_closures() -> gpd.GeoDataFrame:
    """A frame of closures without rows."""
    return gpd.GeoDataFrame(
        {name: [] for name in CLOSURE_COLUMNS}, geometry=gpd.GeoSeries([], crs=SRID)
    )


@dataclass(frozen=True)
class Works:
    """What one revision of a phase does, where and when.

    :ivar starts_on: first day; :ivar ends_on: the day after the last.
    :ivar footprint: ground of the phase, polygon or multipolygon in the metric system.
    :ivar roles: {building_id: roles among works, scaffold, demolition}.
    :ivar lorry_route: line that lorries take, None where it is not known.
    :ivar closures: frame of :data:`CLOSURE_COLUMNS` with geometry; dates None mean all the time.
    :ivar permits: granted derogations for noise that have a day in common with the phase.
    :ivar settings: what the municipality decided (``quarter.settings``).
    """

    quarter_id: int
    starts_on: dt.date
    ends_on: dt.date
    footprint: shapely.Geometry
    revision_id: int | None = None
    phase_id: int | None = None
    site_id: int | None = None
    preset: str | None = None
    indoor: bool = False
    dust_activities: tuple[str, ...] = ()
    volume_m3: float | None = None
    trucks_per_day: int | None = None
    lorry_route: shapely.Geometry | None = None
    hours: tuple[Hours, ...] = ()
    plant: tuple[Plant, ...] = ()
    closures: gpd.GeoDataFrame = field(default_factory=empty_closures)
    cuts: tuple[Cut, ...] = ()
    barriers: tuple[NoiseBarrier, ...] = ()
    roles: Mapping[int, frozenset[str]] = field(default_factory=dict)
    inside_flat_ids: tuple[int, ...] = ()
    permits: tuple[NoisePermit, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ends_on <= self.starts_on:
            raise DataError(
                f"The phase has no day: it starts on {self.starts_on} and is over on "
                f"{self.ends_on}. Give a last day that is not before the first."
            )
        if self.footprint is None or self.footprint.is_empty or not self.footprint.area > 0:
            raise DataError("The phase has no ground: draw its footprint as a polygon.")

    def buildings_with(self, role: str) -> tuple[int, ...]:
        """Buildings that have ``role``, in ascending order."""
        return tuple(sorted(b for b, roles in self.roles.items() if role in roles))

    @property
    def weekdays(self) -> int:
        """Days of the week with works as bits (1 = Monday); all seven where no hours are told."""
        return sum(1 << day for day in {h.weekday for h in self.hours}) or 127


@dataclass(frozen=True)
class Surroundings:
    """Buildings, stairwells, flats and ways around the works, all in the metric system.

    :ivar buildings: :data:`BUILDING_COLUMNS`, distance_m from the footprint, geometry; ascending
        by building_id.
    :ivar stairwells: :data:`STAIRWELL_COLUMNS` and the entrance as geometry (None: not known).
    :ivar flats: :data:`FLAT_COLUMNS`.
    :ivar paths: :data:`PATH_COLUMNS` and geometry; only where the works close ground.
    """

    buildings: gpd.GeoDataFrame
    stairwells: gpd.GeoDataFrame
    flats: pd.DataFrame
    paths: gpd.GeoDataFrame
    reach_m: float = REACH_M


@dataclass(frozen=True)
class Scene:
    """Works and surroundings of one computation.

    :ivar known: frames derived once and used by several kinds.
    """

    works: Works
    around: Surroundings
    known: dict[str, pd.DataFrame] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )


def load_scene(connection: Connection, revision_id: int, *, reach_m: float = REACH_M) -> Scene:
    """Works of a recorded revision and everything within ``reach_m`` of its footprint.

    Raises :class:`DataError` when there is no such revision.
    """
    works = load_works(connection, revision_id)
    return Scene(works, load_surroundings(connection, works, reach_m=reach_m))


def load_works(connection: Connection, revision_id: int) -> Works:
    """What a recorded revision does."""
    found = rows(
        connection,
        """select s.quarter_id, r.phase_id, p.site_id, r.preset, lower(r.period),
            upper(r.period), r.indoor, r.dust_activities, r.volume_m3, r.trucks_per_day,
            q.settings, st_asbinary(r.footprint),
            array(select weekday::text||'|'||starts_at||'|'||ends_at||'|'||noisy
                  from working_hours h where h.revision_id = r.id
                  order by weekday, starts_at, noisy),
            st_asbinary(r.lorry_route),
            array(select flat_id from revision_flat f where f.revision_id = r.id order by 1)
        from phase_revision r join works_phase p on p.id = r.phase_id
        join site s on s.id = p.site_id join quarter q on q.id = s.quarter_id
        where r.id = %(id)s""",
        id=revision_id,
    )
    if not found:
        raise DataError(f"There is no phase revision {revision_id}.")
    (quarter, phase, site, preset, first, after, indoor, dust, volume, trucks, settings,
     footprint, hours, route, inside) = found[0]  # fmt: skip
    return Works(
        quarter_id=quarter,
        starts_on=first,
        ends_on=after,
        footprint=shapely.from_wkb(footprint),
        revision_id=revision_id,
        phase_id=phase,
        site_id=site,
        preset=preset,
        indoor=indoor,
        dust_activities=tuple(dust),
        volume_m3=volume,
        trucks_per_day=trucks,
        lorry_route=None if route is None else shapely.from_wkb(route),
        hours=tuple(_hours(text) for text in hours),
        plant=_plant(connection, revision_id),
        closures=_closures(connection, revision_id),
        cuts=_cuts(connection, revision_id),
        barriers=_barriers(connection, revision_id),
        roles=_roles(connection, revision_id),
        inside_flat_ids=tuple(inside),
        permits=_permits(connection, revision_id),
        settings=settings,
    )


def _hours(text: str) -> Hours:
    weekday, start, end, noisy = text.split("|")
    return Hours(
        int(weekday), dt.time.fromisoformat(start), dt.time.fromisoformat(end), noisy == "true"
    )


def _permits(connection: Connection, revision_id: int) -> tuple[NoisePermit, ...]:
    """Granted derogations; one without a period, or with hours that cannot be read, changes
    nothing."""
    query = """select lower(n.period), upper(n.period), n.conditions
        from phase_revision r join permit_of_phase c on c.phase_id = r.phase_id
        join permit n on n.id = c.permit_id
        where r.id = %(id)s and n.kind = 'noise_derogation' and n.state = 'granted'
            and n.period && r.period order by n.id"""
    found = []
    for first, after, conditions in rows(connection, query, id=revision_id):
        told = conditions if isinstance(conditions, Mapping) else {}
        limit = told.get("limit_dba")
        limit_dba = float(limit) if isinstance(limit, int | float) and limit > 0 else None
        try:
            start, end = (_hour(told.get(name)) for name in ("from", "until"))
        except ValueError:
            continue
        found.append(
            NoisePermit(first or dt.date.min, after, limit_dba, start, end)
        )  # fmt: skip
    return tuple(found)


def _hour(told: Any) -> float | None:
    """A time of day as text in hours; ValueError where it is none."""
    if told is None or told == "":
        return None
    if not isinstance(told, str):
        raise ValueError(f"{told!r} is no time of day.")
    time = dt.time.fromisoformat(told)
    return time.hour + time.minute / 60.0


def _plant(connection: Connection, revision_id: int) -> tuple[Plant, ...]:
    query = """select machine, count, on_time, lwa_declared_db, power_kw, mass_kg, height_m
        from plant_item where revision_id = %(id)s order by id"""
    return tuple(Plant(*row) for row in rows(connection, query, id=revision_id))


def _closures(connection: Connection, revision_id: int) -> gpd.GeoDataFrame:
    return geo_frame(
        connection,
        """select id, kind, description, lower(period), upper(period), stalls, disabled_stalls,
            st_asbinary(geom) from closure where revision_id = %(id)s order by id""",
        CLOSURE_COLUMNS,
        id=revision_id,
    )


def _cuts(connection: Connection, revision_id: int) -> tuple[Cut, ...]:
    query = """select service, lower(period), upper(period),
            array(select stairwell_id from utility_cut_stairwell s
                where s.cut_id = c.id order by 1),
            starts_at, ends_at, cut_by
        from utility_cut c where revision_id = %(id)s order by id"""
    return tuple(
        Cut(row[0], row[1], row[2], tuple(row[3]), *row[4:])
        for row in rows(connection, query, id=revision_id)
    )


def _barriers(connection: Connection, revision_id: int) -> tuple[NoiseBarrier, ...]:
    query = """select st_asbinary(geom), height_m from barrier
        where revision_id = %(id)s order by id"""
    return tuple(
        NoiseBarrier(shapely.from_wkb(line), float(height))
        for line, height in rows(connection, query, id=revision_id)
    )


def _roles(connection: Connection, revision_id: int) -> dict[int, frozenset[str]]:
    query = """select building_id, array_agg(role::text) from revision_building
        where revision_id = %(id)s group by 1 order by 1"""
    return {b: frozenset(roles) for b, roles in rows(connection, query, id=revision_id)}


def load_surroundings(
    connection: Connection, works: Works, *, reach_m: float = REACH_M
) -> Surroundings:
    """Buildings, stairwells, flats and ways that works can touch.

    Buildings within ``reach_m`` of the footprint, :data:`CLOSURE_REACH_M` of a closure or
    :data:`ROUTE_REACH_M` of the way of the lorries, those worked on, and those served by a cut;
    only what stands (is not closed) during the works.
    """
    if not 0 < reach_m <= 5000:
        raise DataError(f"Reach {reach_m} m: give a distance above 0 and up to 5000 m.")
    when = {"first": works.starts_on, "after": works.ends_on}
    stairs = sorted({s for cut in works.cuts for s in cut.stairwell_ids})
    route = shapely.LineString() if works.lorry_route is None else works.lorry_route
    ground = ewkb([works.footprint, _closed_ground(works), route])
    buildings = geo_frame(
        connection,
        f"""with near as (
                select id from building where quarter_id = %(quarter)s
                    and st_dwithin(footprint, %(ground)s::geometry, %(reach)s)
                union select id from building where quarter_id = %(quarter)s
                    and st_dwithin(footprint, %(closed)s::geometry, %(closure_reach)s)
                union select id from building where quarter_id = %(quarter)s
                    and st_dwithin(footprint, %(route)s::geometry, %(route_reach)s)
                union select unnest(%(worked_on)s::bigint[])
                union select building_id from stairwell where id = any(%(stairs)s::bigint[])
                union select s.building_id from flat f join stairwell s on s.id = f.stairwell_id
                    where f.id = any(%(inside)s::bigint[]))
            select b.id, b.height_m, b.storeys, b.use, b.acoustic_class, b.flats_declared,
                b.background_day_dba, b.background_evening_dba, b.background_night_dba,
                st_asbinary(b.footprint)
            from building b join near using (id) where {_STANDS.format("b")} order by b.id""",  # noqa: S608
        BUILDING_COLUMNS,
        quarter=works.quarter_id,
        ground=ground[0],
        closed=ground[1],
        route=ground[2],
        route_reach=ROUTE_REACH_M,
        reach=reach_m,
        closure_reach=CLOSURE_REACH_M,
        worked_on=list(works.roles),
        stairs=stairs,
        inside=list(works.inside_flat_ids),
        **when,
    )
    buildings["distance_m"] = shapely.distance(buildings.geometry.values, works.footprint)
    ids = [int(b) for b in buildings["building_id"]]
    stairwells = geo_frame(
        connection,
        """select id, building_id, label, lift, step_free, st_asbinary(entrance)
            from stairwell where building_id = any(%(ids)s::bigint[])
                and (closed_on is null or closed_on > %(first)s::date) order by id""",
        STAIRWELL_COLUMNS,
        ids=ids,
        first=works.starts_on,
    )
    flats = frame(
        connection,
        f"""select f.id, f.stairwell_id, s.building_id, f.storey, f.exposures, f.use
            from flat f join stairwell s on s.id = f.stairwell_id
            where s.building_id = any(%(ids)s::bigint[]) and {_STANDS.format("f")}
            order by f.id""",  # noqa: S608
        FLAT_COLUMNS,
        ids=ids,
        **when,
    )
    return Surroundings(buildings, stairwells, flats, _paths(connection, works, reach_m), reach_m)


_STANDS = (
    "{0}.opened_on < %(after)s::date and ({0}.closed_on is null or {0}.closed_on > %(first)s::date)"
)


def _closed_ground(works: Works) -> shapely.Geometry:
    if not len(works.closures):
        return shapely.Polygon()
    return shapely.union_all(np.asarray(works.closures.geometry.values, dtype=object))


def _paths(connection: Connection, works: Works, reach_m: float) -> gpd.GeoDataFrame:
    closed = _closed_ground(works)
    return geo_frame(
        connection,
        """select id, kind, width_m, slope_pct, cross_slope_pct, steps, kerb_cm, headroom_m,
            st_asbinary(geom) from path where quarter_id = %(quarter)s
            and st_dwithin(geom, %(closed)s::geometry, %(reach)s) order by id""",
        PATH_COLUMNS,
        quarter=works.quarter_id,
        closed=ewkb([closed])[0],
        reach=reach_m + PATH_MARGIN_M,
    )
