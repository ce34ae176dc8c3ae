"""Compiled geometry of sound paths: what stands in the way, and the band over its top.

The rules are those of :mod:`layers.noise.obstruction`, which states them once and in full. All
coordinates are metres relative to the origin of the scene. A *line* is given by its start
``(ax, ay)``, its unit direction ``(ux, uy)`` and a side ``m``: ``w`` is the distance to its left
(``m = 1``) or right (``m = -1``).
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from layers.noise.bands import FloatArray
from layers.noise.jit import compiled
from layers.noise.packing import IntArray
from layers.noise.rules import COURT, SAME_EDGE_M

MAX_POINTS = 512
MAX_CUTS = 1024


class SceneArrays(NamedTuple):
    """The packed scene as the kernel takes it (see :mod:`layers.noise.packing`)."""

    xyz: FloatArray
    pointer: IntArray
    kind: IntArray
    owner: IntArray
    disc: FloatArray
    grid_origin: FloatArray
    cell_m: float
    columns: int
    rows: int
    cell_pointer: IntArray
    cell_items: IntArray


class Scratch(NamedTuple):
    """Working memory of one thread."""

    stamp: IntArray  # (rings,) number of the last query that met a ring
    counter: IntArray  # (1,) number of the current query
    crossing: FloatArray  # (c, 2) distance along the line, height of the top
    edge: IntArray  # (c,) edge of each crossing
    top: FloatArray  # (MAX_POINTS, 2) points above the line of sight
    blocking: IntArray  # (MAX_POINTS,) rings that cut the line of sight
    side: FloatArray  # (MAX_POINTS, 2) candidates of one side: along, across
    chain: IntArray  # (MAX_POINTS,) hull of a side, as positions in ``side``
    clear: IntArray  # (MAX_POINTS + 1,) 1 where a segment of the hull was found clear
    fresh: IntArray  # (MAX_POINTS + 1,) the same while a new hull is laid
    spare: FloatArray  # (MAX_POINTS, 2) points of the new hull while it is laid
    # (5,) largest distance across among the candidates, largest value of the ellipse of the
    # detour; its centre along and its two factors
    reach: FloatArray
    near: IntArray  # (rings met by one query,)
    cuts: FloatArray  # (MAX_CUTS,) places where a path crosses the edge of a ground zone


@compiled(allocates=True)
def new_scratch(scene):
    """Working memory for one thread."""
    n = scene.kind.shape[0]
    longest = 2
    for r in range(n):
        longest = max(longest, scene.pointer[r + 1] - scene.pointer[r])
    return Scratch(
        stamp=np.zeros(n, np.int64),
        counter=np.zeros(1, np.int64),
        crossing=np.zeros((longest, 2)),
        edge=np.zeros(longest, np.int64),
        top=np.zeros((MAX_POINTS, 2)),
        blocking=np.zeros(MAX_POINTS, np.int64),
        side=np.zeros((MAX_POINTS, 2)),
        chain=np.zeros(MAX_POINTS, np.int64),
        clear=np.zeros(MAX_POINTS + 1, np.int64),
        fresh=np.zeros(MAX_POINTS + 1, np.int64),
        spare=np.zeros((MAX_POINTS, 2)),
        reach=np.zeros(5),
        near=np.zeros(max(n, 1), np.int64),
        cuts=np.zeros(MAX_CUTS),
    )


@compiled()
def rings_along(scene, work, ax, ay, ux, uy, length, margin):
    """Rings whose disc the segment touches, into ``work.near``; returns how many."""
    found = 0
    if scene.columns == 0:
        return found
    work.counter[0] += 1
    query = work.counter[0]
    cell, per_cell = scene.cell_m, 1.0 / scene.cell_m
    x0, y0 = scene.grid_origin[0], scene.grid_origin[1]
    bx, by = ax + ux * length, ay + uy * length
    left, right = (ax, bx) if ax <= bx else (bx, ax)
    bottom, top = (ay, by) if ay <= by else (by, ay)
    first = max(int(np.floor((left - margin - x0) * per_cell)), 0)
    last = min(int(np.floor((right + margin - x0) * per_cell)), scene.columns - 1)
    steep = abs(ux) * length <= 1e-9
    rise = 0.0 if steep else uy / ux
    for column in range(first, last + 1):
        low, high = bottom, top
        if not steep:
            xl = max(left, x0 + column * cell - margin)
            xr = min(right, x0 + (column + 1) * cell + margin)
            ya, yb = ay + (xl - ax) * rise, ay + (xr - ax) * rise
            low, high = max(low, min(ya, yb)), min(high, max(ya, yb))
        row0 = max(int(np.floor((low - margin - y0) * per_cell)), 0)
        row1 = min(int(np.floor((high + margin - y0) * per_cell)), scene.rows - 1)
        for row in range(row0, row1 + 1):
            c = column * scene.rows + row
            for k in range(scene.cell_pointer[c], scene.cell_pointer[c + 1]):
                r = scene.cell_items[k]
                if work.stamp[r] == query:
                    continue
                work.stamp[r] = query
                dx, dy = scene.disc[r, 0] - ax, scene.disc[r, 1] - ay
                reach = scene.disc[r, 2] + margin
                if abs(dy * ux - dx * uy) > reach:
                    continue
                t = dx * ux + dy * uy
                if t < -reach or t > length + reach:
                    continue
                work.near[found] = r
                found += 1
    return found


@compiled()
def ring_crossings(scene, work, r, ax, ay, ux, uy, m, off):
    """Where ring ``r`` crosses the line shifted by ``off`` to its side, sorted; returns how many.

    Fills ``work.crossing`` (distance, height of the top) and ``work.edge``.
    """
    n = 0
    i0, i1 = scene.pointer[r], scene.pointer[r + 1]
    dx, dy = scene.xyz[i0, 0] - ax, scene.xyz[i0, 1] - ay
    w1 = m * (dy * ux - dx * uy) - off
    t1 = dx * ux + dy * uy
    for i in range(i0 + 1, i1):
        dx, dy = scene.xyz[i, 0] - ax, scene.xyz[i, 1] - ay
        w2 = m * (dy * ux - dx * uy) - off
        t2 = dx * ux + dy * uy
        if (w1 > 0.0) != (w2 > 0.0):
            f = w1 / (w1 - w2)
            t = t1 + f * (t2 - t1)
            z = scene.xyz[i - 1, 2] + f * (scene.xyz[i, 2] - scene.xyz[i - 1, 2])
            k = n
            while k > 0 and work.crossing[k - 1, 0] > t:
                work.crossing[k, 0] = work.crossing[k - 1, 0]
                work.crossing[k, 1] = work.crossing[k - 1, 1]
                work.edge[k] = work.edge[k - 1]
                k -= 1
            work.crossing[k, 0] = t
            work.crossing[k, 1] = z
            work.edge[k] = i - 1
            n += 1
        w1, t1 = w2, t2
    return n


@compiled(allocates=True)
def points_at_walls(scene: SceneArrays, xyz: FloatArray, clearance: float) -> npt.NDArray[np.bool_]:
    """Which points lie in a building or nearer than ``clearance`` to its walls: shape (n,)."""
    found = np.zeros(xyz.shape[0], np.bool_)
    if scene.columns == 0:
        return found
    for k in range(xyz.shape[0]):
        x, y = xyz[k, 0], xyz[k, 1]
        column = int(np.floor((x - scene.grid_origin[0]) / scene.cell_m))
        row = int(np.floor((y - scene.grid_origin[1]) / scene.cell_m))
        if column < 0 or row < 0 or column >= scene.columns or row >= scene.rows:
            continue
        c = column * scene.rows + row
        for i in range(scene.cell_pointer[c], scene.cell_pointer[c + 1]):
            r = scene.cell_items[i]
            reach = scene.disc[r, 2] + clearance
            dx, dy = scene.disc[r, 0] - x, scene.disc[r, 1] - y
            if scene.kind[r] <= COURT and dx * dx + dy * dy <= reach * reach:
                found[k] = found[k] or in_or_at_ring(scene, r, x, y, clearance)
    return found


@compiled()
def in_or_at_ring(scene, r, x, y, clearance):
    """Whether a point lies in a ring or nearer than ``clearance`` to it."""
    inside = False
    for i in range(scene.pointer[r], scene.pointer[r + 1] - 1):
        ax, ay = scene.xyz[i, 0] - x, scene.xyz[i, 1] - y
        ex, ey = scene.xyz[i + 1, 0] - x - ax, scene.xyz[i + 1, 1] - y - ay
        size = ex * ex + ey * ey
        t = -(ax * ex + ay * ey) / size if size > 0.0 else 0.0
        t = min(max(t, 0.0), 1.0)
        if (ax + t * ex) ** 2 + (ay + t * ey) ** 2 <= clearance * clearance:
            return True
        if (ay > 0.0) != (ay + ey > 0.0) and ax - ay / ey * ex > 0.0:
            inside = not inside
    return inside


@compiled()
def is_left_out(owner, left_out, a0, a1, b0, b1):
    """Whether a building contains the source or the receiver and so counts as absent."""
    found = False
    for k in range(a0, a1):
        found = found or left_out[k] == owner
    for k in range(b0, b1):
        found = found or left_out[k] == owner
    return found


@compiled()
def upper_hull(top, n, s_end, z_start, z_end):
    """Sort ``top`` by distance and keep its upper hull between the two ends; returns how many."""
    for i in range(1, n):
        s, z = top[i, 0], top[i, 1]
        k = i
        while k > 0 and top[k - 1, 0] > s:
            top[k, 0], top[k, 1] = top[k - 1, 0], top[k - 1, 1]
            k -= 1
        top[k, 0], top[k, 1] = s, z
    kept = 0
    for i in range(n + 1):
        s, z = (top[i, 0], top[i, 1]) if i < n else (s_end, z_end)
        while kept > 0:
            ps, pz = (top[kept - 2, 0], top[kept - 2, 1]) if kept > 1 else (0.0, z_start)
            qs, qz = top[kept - 1, 0], top[kept - 1, 1]
            if (qs - ps) * (z - pz) - (qz - pz) * (s - ps) < 0.0:
                break
            kept -= 1
        if i < n:
            top[kept, 0], top[kept, 1] = s, z
            kept += 1
    return kept


@compiled()
def band_over_points(points, n, s_end, z_start, z_end, scale):
    """Lengths of the band start → points → end: first, between, last part, and edge count.

    ``scale`` stretches the first coordinate. Edges nearer than :data:`SAME_EDGE_M` are one.
    """
    first = np.sqrt((points[0, 0] * scale) ** 2 + (points[0, 1] - z_start) ** 2)
    between = 0.0
    for i in range(1, n):
        ds = (points[i, 0] - points[i - 1, 0]) * scale
        between += np.sqrt(ds**2 + (points[i, 1] - points[i - 1, 1]) ** 2)
    ds = (s_end - points[n - 1, 0]) * scale
    last = np.sqrt(ds**2 + (points[n - 1, 1] - z_end) ** 2)
    edges = 1 if between < SAME_EDGE_M else 2
    return first, between, last, edges
