"""Ground of the sites A to D of the invented quarter, of their phases and of what they close."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from shapely.geometry import LineString, MultiPoint, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from geo_service.demo.ground import shape_of, strip, to_ground
from geo_service.demo.plan import (
    BUILDINGS,
    SITE_B,
    STALLS_NORTH,
    STALLS_SOUTH,
    TRENCH_NORTH,
    TRENCH_SOUTH,
    YARD_A,
    YARD_D,
)
from geo_service.demo.ways import STREETS

SCAFFOLD_M = 2.5
# Buildings in the order in which they are connected to district heating; 7 comes down.
CONNECTION_ORDER = (9, 10, 4, 5, 11, 1, 2, 3, 8, 6, 12)
_TRENCH_M = 7.0


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A site with the facts that do not change with its schedule."""

    code: str
    name: str
    client: str
    cup: str
    cig: str
    footprint: MultiPolygon


def many(*shapes: BaseGeometry) -> MultiPolygon:
    """Areas of the plan joined and turned onto the ground, as one MultiPolygon."""
    joined = to_ground(shapely.union_all(shapes))
    if isinstance(joined, Polygon):
        return MultiPolygon([joined])
    if isinstance(joined, MultiPolygon):
        return joined
    raise ValueError(f"areas join to {joined.geom_type}, not to areas")


def buildings(*numbers: int, margin_m: float = 0.0) -> BaseGeometry:
    """Footprints of buildings with a margin, in plan."""
    return shapely.union_all(
        [
            shape_of(plan).footprint.buffer(margin_m, join_style="mitre")
            for plan in BUILDINGS
            if plan.number in numbers
        ]
    )


def stair_part(label: str) -> BaseGeometry:
    """The part of a building that is nearest to one of its entrances, in plan."""
    for plan in BUILDINGS:
        shape = shape_of(plan)
        if label not in shape.entrances:
            continue
        door = shape.entrances[label]
        cells = shapely.get_parts(
            shapely.voronoi_polygons(
                MultiPoint(list(shape.entrances.values())), extend_to=shape.footprint.buffer(20)
            )
        )
        cell = next(c for c in cells if c.covers(door))
        return shape.footprint.intersection(cell)
    raise KeyError(label)


def door(label: str) -> Point:
    """Entrance of a stairwell, in plan."""
    return next(
        shape.entrances[label] for shape in map(shape_of, BUILDINGS) if label in shape.entrances
    )


def cellar(number: int) -> BaseGeometry:
    """Where a building is connected to the network: round the first of its doors, in plan."""
    plan = next(p for p in BUILDINGS if p.number == number)
    return door(plan.stairs[0].label).buffer(4.0, quad_segs=4)


def trench_north() -> Polygon:
    return strip(TRENCH_NORTH, _TRENCH_M)


def trench_south() -> Polygon:
    return strip(TRENCH_SOUTH, _TRENCH_M)


def lane() -> Polygon:
    """Via Cascina Nuova, where the main pipe lies and the asphalt is laid at last."""
    points = next(points for name, _, points in STREETS if name == "via Cascina Nuova")
    return strip((*points[:-1], (209.0, -1.6)), 6.0)


def lift_tower() -> Polygon:
    """Where the lift of 5A is built, beside its door."""
    return box(172.0, 98.5, 176.2, 103.0)


def north_court_stretches() -> tuple[tuple[Polygon, int, int], ...]:
    """Stretches of the paths of the north court made new in turn: ground, first and last week.

    Each leaves every door a way round the other side.
    """
    return (
        (box(74, 102.5, 86, 105.5), 16, 17),
        (box(146, 102.5, 158, 105.5), 18, 19),
        (box(168.5, 82, 171.5, 90), 20, 20),
    )


def demolition_ground() -> Polygon:
    return box(*SITE_B)


def yard_a() -> Polygon:
    return box(*YARD_A)


def yard_d() -> Polygon:
    return box(*YARD_D)


def stalls(court: str) -> Polygon:
    """Car park of a court, ``north`` or ``south``."""
    return box(*(STALLS_NORTH if court == "north" else STALLS_SOUTH))


def kerb_lane_b() -> Polygon:
    """Bays of via della Roggia that lorries need to turn into site B."""
    return LineString([(-205.5, -95), (-204.6, -60)]).buffer(1.3, cap_style="flat")


SITES: tuple[SitePlan, ...] = (
    SitePlan(
        "A", "Recupero edifici 1–3", "ALER", "ZZ0PROVA0000001", "PROVA0000A",
        many(buildings(1, 2, 3, margin_m=4.0), yard_a()),
    ),
    SitePlan(
        "B", "Demolizione e ricostruzione edificio 7", "ALER", "ZZ0PROVA0000002", "PROVA0000B",
        many(demolition_ground()),
    ),
    SitePlan(
        "C", "Rete di teleriscaldamento", "Roggia Calore", "ZZ0PROVA0000003", "PROVA0000C",
        many(trench_north(), trench_south(), lane(), *map(cellar, CONNECTION_ORDER)),
    ),
    SitePlan(
        "D", "Edifici 4–5: tetto, ascensore, percorsi", "ALER", "ZZ0PROVA0000004", "PROVA0000D",
        many(buildings(4, 5, margin_m=5.0), yard_d()),
    ),
)  # fmt: skip
