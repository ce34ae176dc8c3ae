"""Walls that reflect: which a source faces, and its images in them (ISO 9613-2 clause 7.5)."""

from __future__ import annotations

import numpy as np

from layers.noise.bands import FloatArray
from layers.noise.kernel_reflections import WallArrays
from layers.noise.model import Barrier
from layers.noise.packing import IntArray, Rings
from layers.noise.rules import CLOSED_LINE, COURT, OPEN_LINE, OUTER


def facing_walls(
    rings: Rings,
    sources_xyz: FloatArray,
    reach_m: float,
    wall_absorption: float,
    barriers: tuple[Barrier, ...],
    n_buildings: int,
) -> WallArrays:
    """Walls within reach that each source faces, and its image in each.

    :param sources_xyz: shape (n, 3), relative to the origin of the rings.
    :param reach_m: walls farther from the source than this are left out.
    :param wall_absorption: absorbed share of the energy at façades.
    :returns: packed by source; walls that reflect nothing are left out. Buildings reflect on
        their outer sides and in their courtyards, barriers on both sides.
    """
    near = _rings_near(rings, sources_xyz, reach_m)
    count = np.diff(rings.pointer)[near] - 1
    ring = np.repeat(near, count)
    ends = np.arange(len(ring)) + np.repeat(rings.pointer[near] - (np.cumsum(count) - count), count)
    a, b = rings.xyz[ends], rings.xyz[ends + 1]
    owner = rings.owner[ring]
    share = np.full((len(ends), 8), 1.0 - wall_absorption)
    for k, barrier in enumerate(barriers):
        share[owner == n_buildings + k] = 1.0 - np.asarray(barrier.absorption)
    length = np.hypot(*(b - a)[:, :2].T)
    both = np.isin(rings.kind[ring], (OPEN_LINE, CLOSED_LINE))
    solid = np.isin(rings.kind[ring], (OUTER, COURT))
    useful = (length > 0) & (share > 0).any(axis=1) & (both | solid)
    a, b, owner, share, length, both = (x[useful] for x in (a, b, owner, share, length, both))
    least = np.minimum(length, np.minimum(a[:, 2], b[:, 2]))
    x, y = sources_xyz[:, :1], sources_xyz[:, 1:2]
    ex, ey = (b - a)[:, 0], (b - a)[:, 1]
    side = ex * (y - a[:, 1]) - ey * (x - a[:, 0])
    along = np.clip(((x - a[:, 0]) * ex + (y - a[:, 1]) * ey) / length**2, 0.0, 1.0)
    gap = np.hypot(a[:, 0] + along * ex - x, a[:, 1] + along * ey - y)
    source, which = np.nonzero((np.where(both, -np.abs(side), side) < 0) & (gap < reach_m))
    twice = 2.0 * side[source, which] / length[which] ** 2
    images = sources_xyz[source, :2] + np.column_stack([twice * ey[which], -twice * ex[which]])
    return WallArrays(
        pointer=np.searchsorted(source, np.arange(len(sources_xyz) + 1)).astype(np.int64),
        image=np.ascontiguousarray(images),
        line=np.ascontiguousarray(np.column_stack([a[which], b[which]]).reshape(-1, 6)),
        least=least[which],
        owner=owner[which],
        share=np.ascontiguousarray(share[which]),
    )


def _rings_near(rings: Rings, sources_xyz: FloatArray, reach_m: float) -> IntArray:
    """Rings whose disc comes within reach of the bounding box of the sources."""
    if not len(sources_xyz) or not len(rings.kind):
        return np.zeros(0, np.int64)
    low, high = sources_xyz[:, :2].min(axis=0), sources_xyz[:, :2].max(axis=0)
    centre, radius = rings.disc[:, :2], rings.disc[:, 2]
    gap = np.maximum(np.maximum(low - centre, centre - high), 0.0)
    return np.flatnonzero(np.hypot(gap[:, 0], gap[:, 1]) < reach_m + radius)


def no_walls(n_sources: int) -> WallArrays:
    """Packed walls for a calculation without reflections."""
    return WallArrays(
        np.zeros(n_sources + 1, np.int64), np.zeros((0, 2)), np.zeros((0, 6)), np.zeros(0),
        np.zeros(0, np.int64), np.zeros((0, 8)),
    )  # fmt: skip
