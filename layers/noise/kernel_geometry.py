"""Compiled geometry of sound paths: what stands in the way, over the top and round the sides.

The rules are those of :mod:`layers.noise.reference`, which states them once and in full. All
coordinates are metres relative to the origin of the scene. A *line* is given by its start
``(ax, ay)``, its unit direction ``(ux, uy)`` and a side ``m``: ``w`` is the distance to its left
(``m = 1``) or right (``m = -1``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.noise.bands import FloatArray
from layers.noise.jit import compiled
from layers.noise.packing import IntArray
from layers.noise.rules import (
    CLOSED_LINE,
    COURT,
    MAX_ROUNDS,
    OPEN_LINE,
    PASSAGE_M,
    SAME_EDGE_M,
    SIDE_OFFSET_FACTOR,
)

MAX_POINTS = 512


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
    verified: IntArray  # (MAX_POINTS + 1,) next point up to which a hull segment was found clear
    near: IntArray  # (rings met by one query,)


@compiled()
def new_scratch(scene):
    """Working memory for one thread."""
    n = scene.kind.shape[0]
    longest = 2
    for r in range(n):
        longest = max(longest, scene.pointer[r + 1] - scene.pointer[r])
    return Scratch(
        np.zeros(n, np.int64), np.zeros(1, np.int64), np.zeros((longest, 2)),
        np.zeros(longest, np.int64), np.zeros((MAX_POINTS, 2)), np.zeros(MAX_POINTS, np.int64),
        np.zeros((MAX_POINTS, 2)), np.zeros(MAX_POINTS, np.int64),
        np.zeros(MAX_POINTS + 1, np.int64), np.zeros(max(n, 1), np.int64),
    )  # fmt: skip


@compiled()
def rings_along(scene, work, ax, ay, ux, uy, length, margin):
    """Rings whose disc the segment touches, into ``work.near``; returns how many."""
    found = 0
    if scene.columns == 0:
        return found
    work.counter[0] += 1
    query = work.counter[0]
    cell = scene.cell_m
    x0, y0 = scene.grid_origin[0], scene.grid_origin[1]
    bx, by = ax + ux * length, ay + uy * length
    left, right = (ax, bx) if ax <= bx else (bx, ax)
    first = int(np.floor((left - margin - x0) / cell))
    last = int(np.floor((right + margin - x0) / cell))
    first, last = max(first, 0), min(last, scene.columns - 1)
    for column in range(first, last + 1):
        xl = max(left, x0 + column * cell - margin)
        xr = min(right, x0 + (column + 1) * cell + margin)
        if abs(ux) * length > 1e-9:
            ya = ay + (xl - ax) * uy / ux
            yb = ay + (xr - ax) * uy / ux
        else:
            ya, yb = ay, by
        low, high = (ya, yb) if ya <= yb else (yb, ya)
        low = max(low, min(ay, by)) - margin
        high = min(high, max(ay, by)) + margin
        row0 = max(int(np.floor((low - y0) / cell)), 0)
        row1 = min(int(np.floor((high - y0) / cell)), scene.rows - 1)
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
                work.crossing[k] = work.crossing[k - 1]
                work.edge[k] = work.edge[k - 1]
                k -= 1
            work.crossing[k, 0] = t
            work.crossing[k, 1] = z
            work.edge[k] = i - 1
            n += 1
        w1, t1 = w2, t2
    return n


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
            top[k] = top[k - 1]
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


@compiled()
def add_candidate(work, n, s, w):
    """Append one point to the candidates of the side; returns how many, -1 when full."""
    if n < 0 or n >= MAX_POINTS:
        return -1
    work.side[n, 0], work.side[n, 1] = s, w
    return n + 1


@compiled()
def add_chain(scene, work, n, r, start, stop, step, frame, line):
    """Candidates along ring ``r`` from edge ``start`` to edge ``stop``; returns how many.

    ``frame`` is the source-receiver line (ax, ay, ux, uy, m, zs, slope); ``line`` the segment
    that the ring blocks (ax, ay, ux, uy, off). Vertices below the tilted plane are cut away.
    """
    sx, sy, ux, uy, m, zs, slope = frame
    ax, ay, vx, vy, off = line
    i0 = scene.pointer[r]
    edges = scene.pointer[r + 1] - 1 - i0
    e = start
    for _ in range(edges):
        p, q = (e, e + 1) if step > 0 else (e + 1, e)
        px, py, pz = scene.xyz[p, 0] - sx, scene.xyz[p, 1] - sy, scene.xyz[p, 2]
        qx, qy, qz = scene.xyz[q, 0] - sx, scene.xyz[q, 1] - sy, scene.xyz[q, 2]
        s1, w1 = px * ux + py * uy, m * (py * ux - px * uy)
        s2, w2 = qx * ux + qy * uy, m * (qy * ux - qx * uy)
        above1, above2 = pz - zs - slope * s1, qz - zs - slope * s2
        if (above1 > 0.0) != (above2 > 0.0):
            f = above1 / (above1 - above2)
            s, w = s1 + f * (s2 - s1), w1 + f * (w2 - w1)
            keep = w > 1e-9
            if keep and (e in (start, stop)):
                x = scene.xyz[p, 0] + f * (scene.xyz[q, 0] - scene.xyz[p, 0]) - ax
                y = scene.xyz[p, 1] + f * (scene.xyz[q, 1] - scene.xyz[p, 1]) - ay
                keep = m * (y * vx - x * vy) - off > 0.0
            if keep:
                n = add_candidate(work, n, s, w)
        if e == stop:
            break
        if above2 > 0.0 and w2 > 1e-9:
            n = add_candidate(work, n, s2, w2)
        e = i0 + (e + step - i0) % edges
    return n


@compiled()
def block_by_ring(scene, work, n, r, frame, line, length, ends):
    """Candidates of ring ``r`` if it blocks the segment ``line`` in the tilted plane.

    ``ends`` tells whether the segment starts at the source and ends at the receiver. Returns the
    number of candidates and 0 for clear, 1 for blocked, 2 for a way that does not exist.
    """
    sx, sy, ux, uy, m, zs, slope = frame
    ax, ay, vx, vy, off = line
    count = ring_crossings(scene, work, r, ax, ay, vx, vy, m, off)
    if count == 0:
        return n, 0
    plane = zs + slope * ((ax - sx) * ux + (ay - sy) * uy)
    rise = slope * (vx * ux + vy * uy)
    back = -1 if m > 0 else 1
    kind = scene.kind[r]
    state = 0
    if kind == OPEN_LINE:
        for k in range(count):
            t, z = work.crossing[k, 0], work.crossing[k, 1]
            if t < 0.0 or t > length or z <= plane + rise * t:
                continue
            e = work.edge[k]
            x, y = scene.xyz[e, 0] - ax, scene.xyz[e, 1] - ay
            backward = m * (y * vx - x * vy) - off > 0.0
            end = scene.pointer[r] if backward else scene.pointer[r + 1] - 2
            n = add_open_chain(scene, work, n, e, end, backward, frame, line)
            state = 1
        return n, state
    k = 0
    if kind == COURT:
        k = 1  # from far away a line first meets a courtyard from the solid side
    while k + 1 < count:
        t0, z0 = work.crossing[k, 0], work.crossing[k, 1]
        t1, z1 = work.crossing[k + 1, 0], work.crossing[k + 1, 1]
        start, stop = work.edge[k], work.edge[k + 1]
        k += 2
        if min(t1, length) - max(t0, 0.0) <= off:
            continue
        enters = t0 >= 0.0 and z0 > plane + rise * t0
        leaves = t1 <= length and z1 > plane + rise * t1
        if kind != COURT:
            in_court_a = ends[0] and t0 < 0.0 and z0 > plane
            in_court_b = ends[1] and t1 > length and z1 > plane + rise * length
            if in_court_a or in_court_b:
                if (leaves and not in_court_b) or (enters and not in_court_a):
                    return n, 2
                continue
        if kind != CLOSED_LINE:
            enters = z0 > plane + rise * max(t0, 0.0)
            leaves = z1 > plane + rise * min(t1, length)
        if enters or leaves:
            n = add_chain(scene, work, n, r, start, stop, back, frame, line)
            state = 1
    return n, state


@compiled()
def add_open_chain(scene, work, n, start, stop, backward, frame, line):
    """Candidates along an open barrier from the crossed edge to its end on this side."""
    sx, sy, ux, uy, m, zs, slope = frame
    ax, ay, vx, vy, off = line
    step = -1 if backward else 1
    e = start
    while True:
        p, q = (e, e + 1) if step > 0 else (e + 1, e)
        px, py, pz = scene.xyz[p, 0] - sx, scene.xyz[p, 1] - sy, scene.xyz[p, 2]
        qx, qy, qz = scene.xyz[q, 0] - sx, scene.xyz[q, 1] - sy, scene.xyz[q, 2]
        s1, w1 = px * ux + py * uy, m * (py * ux - px * uy)
        s2, w2 = qx * ux + qy * uy, m * (qy * ux - qx * uy)
        above1, above2 = pz - zs - slope * s1, qz - zs - slope * s2
        if (above1 > 0.0) != (above2 > 0.0):
            f = above1 / (above1 - above2)
            s, w = s1 + f * (s2 - s1), w1 + f * (w2 - w1)
            keep = w > 1e-9
            if keep and e == start:
                x = scene.xyz[p, 0] + f * (scene.xyz[q, 0] - scene.xyz[p, 0]) - ax
                y = scene.xyz[p, 1] + f * (scene.xyz[q, 1] - scene.xyz[p, 1]) - ay
                keep = m * (y * vx - x * vy) - off > 0.0
            if keep:
                n = add_candidate(work, n, s, w)
        if above2 > 0.0 and w2 > 1e-9:
            n = add_candidate(work, n, s2, w2)
        if e == stop:
            return n
        e += step


@compiled()
def wrap(work, n, dp):
    """Hull of one side from source to receiver, into ``work.chain``; returns how many points."""
    side, chain = work.side, work.chain
    cs, cw = 0.0, 0.0
    count = 0
    while count < MAX_POINTS:
        best = -1
        bs, bw = dp - cs, -cw
        for j in range(n):
            js, jw = side[j, 0] - cs, side[j, 1] - cw
            cross = bs * jw - bw * js
            size = np.sqrt((bs * bs + bw * bw) * (js * js + jw * jw))
            if cross > 1e-12 * size or (
                cross > -1e-12 * size
                and best >= 0
                and js * js + jw * jw > bs * bs + bw * bw
                and js * bs + jw * bw > 0.0
            ):
                if js * js + jw * jw < 1e-18:
                    continue
                best, bs, bw = j, js, jw
        if best < 0:
            return count
        chain[count] = best
        cs, cw = side[best, 0], side[best, 1]
        count += 1
    return -1


@compiled()
def side_band(scene, work, n_blocking, frame, dp, d, top_offset, left_out, skip):
    """Shortest band round one side in the tilted plane.

    Returns first, between and last length and the edge count; an edge count of 0 means that
    there is no way round this side, or that it is too far off to count.
    """
    sx, sy, ux, uy, m, _zs, _slope = frame
    a0, a1, b0, b1 = skip
    none = (0.0, 0.0, 0.0, 0)
    axis = (sx, sy, ux, uy, 0.0)
    n = 0
    owner, several = -1, False
    for k in range(n_blocking):
        r = work.blocking[k]
        n, state = block_by_ring(scene, work, n, r, frame, axis, dp, (True, True))
        if state == 2 or n < 0:
            return none
        if state == 1:
            several = several or (owner >= 0 and owner != scene.owner[r])
            owner = scene.owner[r]
    if n == 0:
        return none
    for i in range(n + 1):
        work.verified[i] = -2
    count = wrap(work, n, dp)
    for _ in range(MAX_ROUNDS):
        if count <= 0:
            return none
        if several and farthest(work, count) > SIDE_OFFSET_FACTOR * top_offset:
            return none
        old_n = n
        blocked = False
        for k in range(count + 1):
            here = work.chain[k - 1] if k > 0 else -1
            ahead = work.chain[k] if k < count else -1
            if work.verified[here + 1] == ahead:
                continue
            ps, pw = (work.side[here, 0], work.side[here, 1]) if k > 0 else (0.0, 0.0)
            qs, qw = (work.side[ahead, 0], work.side[ahead, 1]) if k < count else (dp, 0.0)
            length = np.sqrt((qs - ps) ** 2 + (qw - pw) ** 2)
            if length < PASSAGE_M:
                continue
            cs, cw = (qs - ps) / length, (qw - pw) / length
            ax = sx + ps * ux - m * pw * uy
            ay = sy + ps * uy + m * pw * ux
            vx = cs * ux - m * cw * uy
            vy = cs * uy + m * cw * ux
            line = (ax, ay, vx, vy, PASSAGE_M)
            clear = True
            near = rings_along(scene, work, ax, ay, vx, vy, length, 0.02)
            for i in range(near):
                r = work.near[i]
                if is_left_out(scene.owner[r], left_out, a0, a1, b0, b1):
                    continue
                n, state = block_by_ring(
                    scene, work, n, r, frame, line, length, (k == 0, k == count)
                )
                if state == 2 or n < 0:
                    return none
                if state == 1:
                    clear = False
                    several = several or owner != scene.owner[r]
            if clear:
                work.verified[here + 1] = ahead
            else:
                blocked = True
        if not blocked:
            return chain_lengths(work, count, dp, d)
        for i in range(old_n, n):
            work.verified[i + 1] = -2
        before = chain_length(work, count, dp)
        count = wrap(work, n, dp)
        if count <= 0 or chain_length(work, count, dp) <= before + 1e-6:
            return none
    return none


@compiled()
def farthest(work, count):
    """Largest distance of the hull from the source-receiver line."""
    most = 0.0
    for k in range(count):
        most = max(most, work.side[work.chain[k], 1])
    return most


@compiled()
def chain_length(work, count, dp):
    """Length of the hull in plan."""
    total, s, w = 0.0, 0.0, 0.0
    for k in range(count + 1):
        qs, qw = dp, 0.0
        if k < count:
            qs, qw = work.side[work.chain[k], 0], work.side[work.chain[k], 1]
        total += np.sqrt((qs - s) ** 2 + (qw - w) ** 2)
        s, w = qs, qw
    return total


@compiled()
def chain_lengths(work, count, dp, d):
    """First, between and last length of the hull in the tilted plane, and its edge count."""
    scale = d / dp
    points = np.empty((count, 2))
    for k in range(count):
        points[k] = work.side[work.chain[k]]
    return band_over_points(points, count, dp, 0.0, 0.0, scale)
