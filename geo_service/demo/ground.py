"""From the plan of the invented quarter to the ground: turned, moved, in the metric system."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import shapely
from pyproj import Transformer
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from geo_service.demo.plan import Box, BuildingPlan, Xy
from layers.buildings import EXPOSURES
from layers.crs import SRID, WGS84

# The estate lies askew to the compass, as estates do.
TURN_DEG = -11.0
# A place in the Brianza near Seregno; nothing of the quarter exists there.
LON_LAT = (9.2, 45.65)

# Lines meet on this grid, so that ends that touch are equal to the last digit.
GRID_M = 0.01

_SIDES_DEG = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}


@cache
def origin() -> Xy:
    """The middle of the plan on the ground, whole metres in ``SRID``."""
    transform = Transformer.from_crs(WGS84, SRID, always_xy=True).transform
    x_m, y_m = transform(*LON_LAT)
    return float(round(x_m)), float(round(y_m))


def to_ground(geometry: BaseGeometry) -> BaseGeometry:
    """Turn a geometry of the plan onto the ground; whole millimetres in ``SRID``.

    Points that are equal in plan are equal on the ground, to the last digit.
    """
    turned = affinity.rotate(geometry, TURN_DEG, origin=(0, 0))
    moved = affinity.translate(turned, *origin())
    return shapely.set_precision(moved, 0.001, mode="pointwise")


@dataclass(frozen=True, slots=True)
class BuildingShape:
    """Footprint of a building of the plan with the entrances of its stairwells, still in plan."""

    footprint: Polygon
    entrances: dict[str, Point]


def joined(boxes: tuple[Box, ...], notches: tuple[Box, ...] = ()) -> Polygon:
    """Rectangles joined to one polygon, ``notches`` cut out."""
    shape = shapely.union_all([box(*b) for b in boxes])
    if notches:
        shape = shape.difference(shapely.union_all([box(*b) for b in notches]))
    if not isinstance(shape, Polygon):
        raise ValueError(f"the rectangles {boxes} do not join to one building")
    return shape.simplify(0)


def shape_of(plan: BuildingPlan) -> BuildingShape:
    """Footprint and entrances of ``plan`` after its own turn, in plan metres."""
    footprint = joined(plan.boxes, plan.notches)
    middle = footprint.envelope.centroid
    turned = affinity.rotate(footprint, plan.turn_deg, origin=middle)
    entrances = {
        # On the grid on which footpaths meet, so that the door is a node of the network.
        stair.label: shapely.set_precision(
            affinity.rotate(Point(stair.entrance), plan.turn_deg, origin=middle), GRID_M
        )
        for stair in plan.stairs
    }
    return BuildingShape(turned, entrances)


def outward(plan: BuildingPlan, side: str, length_m: float) -> Xy:
    """Vector of ``length_m`` out of a plan ``side`` (N, E, S, W) of a turned building."""
    unit = {"N": (0, 1), "E": (1, 0), "S": (0, -1), "W": (-1, 0)}[side]
    vector = affinity.rotate(Point(unit), plan.turn_deg, origin=(0, 0))
    return vector.x * length_m, vector.y * length_m


def compass(plan: BuildingPlan, sides: str) -> list[str]:
    """Compass directions to which plan ``sides`` of a building look on the ground."""
    directions = []
    for side in sides:
        azimuth_deg = _SIDES_DEG[side] - plan.turn_deg - TURN_DEG
        directions.append(EXPOSURES[round(azimuth_deg / 45) % 8])
    return sorted(set(directions), key=EXPOSURES.index)


def strip(points: tuple[Xy, ...], width_m: float) -> Polygon:
    """A trench or lane of ``width_m`` along ``points``, in plan metres."""
    area = LineString(points).buffer(width_m / 2, cap_style="flat", join_style="mitre")
    if not isinstance(area, Polygon):
        raise ValueError("a strip along one line is one polygon")
    return area
