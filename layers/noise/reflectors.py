"""Walls that reflect: which a source faces, its images in them, and where a path meets them.

ISO 9613-2 clause 7.5; the compiled kernel walks over the walls by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layers.noise.bands import FloatArray
from layers.noise.kernel_reflections import WallArrays
from layers.noise.model import Barrier, NoiseOptions
from layers.noise.packing import IntArray, Rings
from layers.noise.rules import CLOSED_LINE, COURT, OPEN_LINE, OUTER, REFLECTION_TRIM_M
from layers.noise.scene import Scene


@dataclass(frozen=True, slots=True)
class Bend:
    """Where a path of one reflection meets its wall.

    :ivar xyz: the place, metres, shape (3,).
    :ivar top_m: height of the wall there.
    :ivar least_m: smallest dimension of the wall.
    :ivar share: of the path that lies before the wall.
    :ivar dp_m: length of the path in plan.
    :ivar across_m: distance of receiver and image in plan at right angles to the wall.
    :ivar reflected: share of the energy, shape (8,).
    """

    xyz: FloatArray
    top_m: float
    least_m: float
    share: float
    dp_m: float
    across_m: float
    reflected: FloatArray


def bends(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    own_building: int = -1,
) -> Iterator[Bend]:
    """Where paths from a source by way of one wall to a receiver meet the wall, wall by wall.

    A wall of ``own_building`` never reflects, nor does one that the path passes over.

    :param source, receiver: x, y, z in metres, clear of walls.
    """
    shift = np.r_[scene.origin, 0.0]
    s, r = source - shift, receiver - shift
    walls = facing_walls(
        scene.rings, s[None, :], options.max_reach_m, options.wall_absorption,
        tuple(scene.barriers), len(scene.footprints),
    )  # fmt: skip
    for k in range(len(walls.owner)):
        a, b, image = walls.line[k, :3], walls.line[k, 3:], walls.image[k]
        if walls.owner[k] == own_building:
            continue
        way, wall = r[:2] - image, b[:2] - a[:2]
        share, along = _meeting(image, way, a[:2], wall)
        dp = float(np.hypot(*way))
        if not (0.0 < share < 1.0 and 0.0 < along < 1.0) or dp > options.max_reach_m:
            continue
        if min(share, 1.0 - share) * dp <= 2.0 * REFLECTION_TRIM_M:
            continue
        height, top = s[2] + share * (r[2] - s[2]), a[2] + along * (b[2] - a[2])
        if height >= top:
            continue
        normal = np.array([-wall[1], wall[0]]) / np.hypot(*wall)
        yield Bend(
            np.array([*(image + share * way), height]) + shift, float(top),
            float(walls.least[k]), share, dp, abs(float(way @ normal)), walls.share[k],
        )  # fmt: skip


def _meeting(p: FloatArray, u: FloatArray, a: FloatArray, v: FloatArray) -> tuple[float, float]:
    """Where the line from ``p`` along ``u`` meets the one from ``a`` along ``v``.

    The share of each; (-1, -1) for parallel lines.
    """
    w = a - p
    det = u[0] * v[1] - u[1] * v[0]
    if det == 0.0:
        return -1.0, -1.0
    return float((w[0] * v[1] - w[1] * v[0]) / det), float((w[0] * u[1] - w[1] * u[0]) / det)


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
