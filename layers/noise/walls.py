"""Points at, on and inside walls.

A receiver on a wall may lie a hair inside or outside of it by rounding, which would decide
whether its own building stands in the way. Points near a wall are therefore moved clear of it
first, and a point deep inside a building is taken as standing where the building is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.noise.bands import FloatArray

IntArray = npt.NDArray[np.int64]

#: A point is moved this far in front of a wall that it touches.
CLEARANCE_M = 0.01

#: A point no deeper than this inside a building is one on its wall.
WALL_DEPTH_M = 0.05


@dataclass(frozen=True, slots=True)
class ClearPoints:
    """Points moved clear of walls, and the buildings that each of them is inside of.

    :ivar xyz: shape (n, 3), metres.
    :ivar pointer: shape (n + 1,); buildings of point i are ``inside[pointer[i]:pointer[i+1]]``.
    :ivar inside: positions of buildings that are taken as absent for that point.
    """

    xyz: FloatArray
    pointer: IntArray
    inside: IntArray

    @property
    def n_inside(self) -> int:
        """How many points lie inside a building."""
        return int((np.diff(self.pointer) > 0).sum())

    def around(self, k: int) -> frozenset[int]:
        """Positions of the buildings that point ``k`` is inside of."""
        return frozenset(self.inside[self.pointer[k] : self.pointer[k + 1]].tolist())


def clear_of_walls(
    xyz: FloatArray,
    footprints: Sequence[shapely.Geometry] | npt.NDArray[np.object_],
    roof_m: FloatArray | Sequence[float],
    tree: shapely.STRtree | None,
) -> ClearPoints:
    """Move points off walls and find the buildings that contain them.

    :param xyz: shape (n, 3), metres.
    :param footprints: polygons; ``None`` where there is none.
    :param roof_m: shape (k,), roof heights in the same reference as ``z``; NaN is no building.
    :param tree: index of the footprints, ``None`` for no buildings.
    :returns: points at least a centimetre in front of every wall that they touched. A point at
        or above the roof is neither moved nor inside.
    """
    n = len(xyz)
    if tree is None or n == 0:
        return ClearPoints(xyz, np.zeros(n + 1, np.int64), np.zeros(0, np.int64))
    moved = xyz.copy()
    roofs = np.asarray(roof_m, dtype=float)
    shapes = np.asarray(footprints, dtype=object)
    point, building = _near(moved, tree, roofs)
    if not point.size:
        return ClearPoints(moved, np.zeros(n + 1, np.int64), np.zeros(0, np.int64))
    here = shapely.points(moved[point, :2])
    edges = shapely.boundary(shapes[building])
    gap = shapely.distance(edges, here)
    within = shapely.contains_properly(shapes[building], here)
    touching = np.where(within, gap <= WALL_DEPTH_M, gap < CLEARANCE_M)
    order = np.lexsort((gap, point))
    order = order[touching[order]]
    _, first = np.unique(point[order], return_index=True)
    for k in order[first]:
        moved[point[k], :2] = _in_front(moved[point[k], :2], shapes[building[k]])
    point, building = _near(moved, tree, roofs)
    if point.size:
        keep = shapely.contains_properly(shapes[building], shapely.points(moved[point, :2]))
        point, building = point[keep], building[keep]
    order = np.lexsort((building, point))
    pointer = np.searchsorted(point[order], np.arange(n + 1)).astype(np.int64)
    return ClearPoints(moved, pointer, building[order].astype(np.int64))


def _near(xyz: FloatArray, tree: shapely.STRtree, roof_m: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs (point, building) nearer than the clearance, with the point below the roof."""
    pairs = tree.query(shapely.points(xyz[:, :2]), predicate="dwithin", distance=CLEARANCE_M)
    below = xyz[pairs[0], 2] < roof_m[pairs[1]]
    return pairs[0][below], pairs[1][below]


def _in_front(xy: FloatArray, footprint: shapely.Geometry) -> FloatArray:
    """The point a clearance outside the nearest wall of the footprint."""
    edge = shapely.boundary(footprint)
    line = shapely.shortest_line(edge, shapely.Point(xy))
    foot = shapely.get_coordinates(line)[0]
    for lines in shapely.get_parts(edge):
        ring = shapely.get_coordinates(lines)
        a, b = ring[:-1], ring[1:]
        along = b - a
        length = np.hypot(along[:, 0], along[:, 1])
        away = np.abs(along[:, 0] * (foot - a)[:, 1] - along[:, 1] * (foot - a)[:, 0])
        on = np.flatnonzero(
            (away < 1e-6 * np.maximum(length, 1e-9))
            & (((foot - a) * along).sum(1) >= -1e-6)
            & (((foot - b) * along).sum(1) <= 1e-6)
            & (length > 0)
        )
        for k in on:
            normal = np.array([-along[k, 1], along[k, 0]]) / length[k]
            for side in (normal, -normal):
                candidate = foot + CLEARANCE_M * 1.001 * side
                if not shapely.intersects(footprint, shapely.Point(candidate)):
                    return np.asarray(candidate, dtype=float)
    return xy
