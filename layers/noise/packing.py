"""A scene as flat arrays for the compiled kernel: rings of walls, a grid over them, ground zones.

Rings have their solid on the left: outer rings run counter-clockwise, courtyards clockwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.noise.bands import FloatArray
from layers.noise.model import Barrier, GroundZone
from layers.noise.rules import CLOSED_LINE, COURT, OPEN_LINE, OUTER

IntArray = npt.NDArray[np.int64]

#: Size of a grid cell in metres: a little more than a house, so that a house lies in few cells.
CELL_M = 24.0
MAX_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Rings:
    """Walls.

    :ivar xyz: shape (v, 3), vertices of all rings, the first repeated at the end of closed ones;
        ``z`` is the height of the top edge.
    :ivar pointer: shape (r + 1,), vertices of ring i are ``xyz[pointer[i]:pointer[i + 1]]``.
    :ivar kind: shape (r,), one of the kinds of :mod:`layers.noise.rules`.
    :ivar owner: shape (r,), position of the building, or ``n_buildings`` + position of the barrier.
    :ivar disc: shape (r, 3), centre and radius of a circle round each ring.
    """

    xyz: FloatArray
    pointer: IntArray
    kind: IntArray
    owner: IntArray
    disc: FloatArray


@dataclass(frozen=True, slots=True)
class Grid:
    """Which rings touch which square cell.

    :ivar origin: lower left corner (x, y), metres.
    :ivar shape: number of columns and rows.
    :ivar pointer: shape (columns * rows + 1,), row-major by column.
    :ivar items: ring numbers.
    """

    origin: FloatArray
    cell_m: float
    shape: tuple[int, int]
    pointer: IntArray
    items: IntArray


@dataclass(frozen=True, slots=True)
class Zones:
    """Ground zones: rings by zone in order of precedence.

    :ivar xy: shape (v, 2); rings are closed.
    :ivar ring_pointer: vertices of each ring.
    :ivar zone_pointer: rings of each zone.
    :ivar g: shape (z,), ground factors.
    :ivar box: shape (z, 4), bounds.
    """

    xy: FloatArray
    ring_pointer: IntArray
    zone_pointer: IntArray
    g: FloatArray
    box: FloatArray


def pack_rings(
    footprints: npt.NDArray[np.object_],
    roof_m: FloatArray,
    barriers: Sequence[Barrier],
    origin: FloatArray,
) -> Rings:
    """Rings of all buildings of known height and of all barriers, relative to ``origin``."""
    used = np.flatnonzero(np.isfinite(roof_m) & np.array([s is not None for s in footprints], bool))
    oriented = shapely.orient_polygons(shapely.normalize(footprints[used]), exterior_cw=False)
    parts, part_owner = shapely.get_parts(oriented, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    owner = used[part_owner[ring_part]].astype(np.int64)
    first = np.r_[True, ring_part[1:] != ring_part[:-1]] if len(ring_part) else np.zeros(0, bool)
    kind = np.where(first, OUTER, COURT).astype(np.int64)
    xy, index = shapely.get_coordinates(rings, return_index=True)
    xyz = np.column_stack([xy - origin, roof_m[owner][index]]) if len(xy) else np.zeros((0, 3))
    counts = np.bincount(index, minlength=len(rings)).astype(np.int64)
    xyz, counts = _drop_straight(xyz, counts)
    blocks, kinds, owners, sizes = [xyz], [kind], [owner], [counts]
    for k, barrier in enumerate(barriers):
        edge = barrier.top_edge - np.r_[origin, 0.0]
        closed = len(edge) > 3 and bool(np.all(edge[0, :2] == edge[-1, :2]))
        if closed and _signed_area(edge) < 0:
            edge = edge[::-1]
        blocks.append(edge)
        kinds.append(np.array([CLOSED_LINE if closed else OPEN_LINE], np.int64))
        owners.append(np.array([len(footprints) + k], np.int64))
        sizes.append(np.array([len(edge)], np.int64))
    vertices = np.ascontiguousarray(np.concatenate(blocks), dtype=float)
    pointer = np.r_[0, np.cumsum(np.concatenate(sizes))].astype(np.int64)
    return Rings(
        vertices, pointer, np.concatenate(kinds), np.concatenate(owners), _discs(vertices, pointer)
    )


def _drop_straight(xyz: FloatArray, counts: IntArray) -> tuple[FloatArray, IntArray]:
    """Drop vertices of closed rings that lie on a straight wall, except the closing one."""
    if not len(xyz):
        return xyz, counts
    start = np.r_[0, np.cumsum(counts)[:-1]]
    ends = np.zeros(len(xyz), dtype=bool)
    ends[start] = ends[start + counts - 1] = True
    back, ahead = np.roll(xyz, 1, axis=0) - xyz, np.roll(xyz, -1, axis=0) - xyz
    turn = np.abs(back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0])
    size = np.hypot(back[:, 0], back[:, 1]) * np.hypot(ahead[:, 0], ahead[:, 1])
    keep = ends | (turn > 1e-9 * np.maximum(size, 1e-12))
    ring = np.repeat(np.arange(len(counts)), counts)
    return xyz[keep], np.bincount(ring[keep], minlength=len(counts)).astype(np.int64)


def _signed_area(edge: FloatArray) -> float:
    x, y = edge[:, 0], edge[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def _discs(xyz: FloatArray, pointer: IntArray) -> FloatArray:
    if len(pointer) < 2:
        return np.zeros((0, 3))
    low = np.minimum.reduceat(xyz[:, :2], pointer[:-1], axis=0)
    high = np.maximum.reduceat(xyz[:, :2], pointer[:-1], axis=0)
    radius = 0.5 * np.hypot(*(high - low).T)
    return np.column_stack([0.5 * (low + high), radius * (1.0 + 1e-9) + 1e-6])


def pack_grid(rings: Rings) -> Grid:
    """Put every ring into the cells that its bounding box touches."""
    n = len(rings.kind)
    if n == 0:
        return Grid(np.zeros(2), CELL_M, (0, 0), np.zeros(1, np.int64), np.zeros(0, np.int64))
    low = np.minimum.reduceat(rings.xyz[:, :2], rings.pointer[:-1], axis=0) - 0.05
    high = np.maximum.reduceat(rings.xyz[:, :2], rings.pointer[:-1], axis=0) + 0.05
    origin, top = low.min(axis=0), high.max(axis=0)
    extent = np.maximum(top - origin, 1.0)
    cell = max(CELL_M, math.sqrt(float(extent[0] * extent[1]) / MAX_CELLS))
    columns, rows = (math.floor(e / cell) + 1 for e in extent)
    first = np.floor((low - origin) / cell).astype(np.int64)
    last = np.minimum(np.floor((high - origin) / cell).astype(np.int64), [columns - 1, rows - 1])
    span = last - first + 1
    count = span[:, 0] * span[:, 1]
    ring = np.repeat(np.arange(n), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    column = first[ring, 0] + place // span[ring, 1]
    row = first[ring, 1] + place % span[ring, 1]
    cell_number = column * rows + row
    order = np.argsort(cell_number, kind="stable")
    pointer = np.searchsorted(cell_number[order], np.arange(columns * rows + 1)).astype(np.int64)
    return Grid(origin, cell, (columns, rows), pointer, ring[order].astype(np.int64))


def pack_zones(zones: Sequence[GroundZone], origin: FloatArray) -> Zones:
    """Rings of the ground zones, relative to ``origin``."""
    rings: list[FloatArray] = []
    zone_pointer = [0]
    for zone in zones:
        parts = shapely.get_parts(zone.polygon)
        rings += [shapely.get_coordinates(r) - origin for r in shapely.get_rings(parts)]
        zone_pointer.append(len(rings))
    box = np.array([zone.polygon.bounds for zone in zones], dtype=float).reshape(-1, 4)
    return Zones(
        xy=np.concatenate(rings) if rings else np.zeros((0, 2)),
        ring_pointer=np.r_[0, np.cumsum([len(r) for r in rings])].astype(np.int64),
        zone_pointer=np.array(zone_pointer, dtype=np.int64),
        g=np.array([zone.g for zone in zones], dtype=float),
        box=np.ascontiguousarray(box - np.r_[origin, origin]),
    )
