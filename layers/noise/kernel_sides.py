"""Compiled search for the way round one side of what stands between source and receiver.

The rules are those of :mod:`layers.noise.obstruction`, which states them once and in full.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

import numpy as np

from layers.noise.jit import compiled
from layers.noise.kernel_geometry import (
    MAX_POINTS,
    band_over_points,
    is_left_out,
    ring_crossings,
    rings_along,
)
from layers.noise.rules import CLOSED_LINE, COURT, MAX_ROUNDS, OPEN_LINE, PASSAGE_M, TOUCH_M


@compiled()
def add_candidate(work, n, s, w):
    """Append one point to the candidates of the side; returns how many, -1 when full."""
    if n < 0 or n >= MAX_POINTS:
        return -1
    work.side[n, 0], work.side[n, 1] = s, w
    x = s - work.reach[2]
    work.reach[0] = max(work.reach[0], w)
    work.reach[1] = max(work.reach[1], x * x * work.reach[3] + w * w * work.reach[4])
    return n + 1


@compiled()
def set_reach(work, dp, d, most_detour):
    """Prepare the ellipse inside which a point can be passed within the largest detour."""
    half = 0.5 * (d + most_detour)
    work.reach[0], work.reach[1], work.reach[2] = 0.0, 0.0, 0.5 * dp
    work.reach[3] = (d / dp / half) ** 2
    work.reach[4] = 1.0 / max(half * half - 0.25 * d * d, 1e-12)


@compiled()
def too_far(work, most_offset):
    """Whether some candidate alone takes the path beyond its limits: no need to look further."""
    return work.reach[0] > most_offset or work.reach[1] > 1.0 + 1e-9


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
    behind = 1 if step < 0 else 0
    px, py = scene.xyz[e + behind, 0], scene.xyz[e + behind, 1]
    s1 = (px - sx) * ux + (py - sy) * uy
    w1 = m * ((py - sy) * ux - (px - sx) * uy)
    above1 = scene.xyz[e + behind, 2] - zs - slope * s1
    for _ in range(edges):
        q = e + 1 - behind
        qx, qy = scene.xyz[q, 0], scene.xyz[q, 1]
        s2 = (qx - sx) * ux + (qy - sy) * uy
        w2 = m * ((qy - sy) * ux - (qx - sx) * uy)
        above2 = scene.xyz[q, 2] - zs - slope * s2
        if (above1 > 0.0) != (above2 > 0.0):
            f = above1 / (above1 - above2)
            s, w = s1 + f * (s2 - s1), w1 + f * (w2 - w1)
            keep = w > 1e-9
            if keep and e in (start, stop):
                x, y = px + f * (qx - px) - ax, py + f * (qy - py) - ay
                keep = m * (y * vx - x * vy) - off > 0.0
            if keep:
                n = add_candidate(work, n, s, w)
        if e == stop:
            break
        if above2 > 0.0 and w2 > 1e-9:
            n = add_candidate(work, n, s2, w2)
        px, py, s1, w1, above1 = qx, qy, s2, w2, above2
        e += step
        if e < i0:
            e += edges
        elif e >= i0 + edges:
            e -= edges
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
    plane = zs + slope * ((ax - sx) * ux + (ay - sy) * uy) + TOUCH_M
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
def wrap(work, n, old, dp):
    """Hull of one side from source to receiver; its points become the first of ``work.side``.

    The first ``old`` points are the hull so far: of its segments, ``work.clear`` keeps the mark
    of those that remain. Returns how many points.
    """
    side, chain = work.side, work.chain
    cs, cw = 0.0, 0.0
    count = 0
    while count < MAX_POINTS:
        best = -1
        bs, bw = dp - cs, -cw
        size_b = bs * bs + bw * bw
        for j in range(n):
            js, jw = side[j, 0] - cs, side[j, 1] - cw
            cross = bs * jw - bw * js
            size_j = js * js + jw * jw
            on_line = cross * cross <= 1e-24 * size_b * size_j
            if (cross <= 0.0 and not on_line) or size_j < 1e-18:
                continue
            if on_line and (best < 0 or size_j <= size_b or js * bs + jw * bw <= 0.0):
                continue
            best, bs, bw, size_b = j, js, jw, size_j
        if best < 0:
            break
        chain[count] = best
        cs, cw = side[best, 0], side[best, 1]
        count += 1
    for k in range(count + 1):
        here = chain[k - 1] if k > 0 else -1
        ahead = chain[k] if k < count else old
        same = ahead == here + 1 and here < old and (k == count or ahead < old)
        work.fresh[k] = work.clear[here + 1] if same else 0
    for k in range(count):
        work.spare[k, 0], work.spare[k, 1] = side[chain[k], 0], side[chain[k], 1]
    for k in range(count):
        side[k, 0], side[k, 1] = work.spare[k, 0], work.spare[k, 1]
    for k in range(count + 1):
        work.clear[k] = work.fresh[k]
    return count


@compiled()
def side_band(scene, work, n_blocking, frame, dp, d, limits, left_out, skip):
    """Shortest band round one side in the tilted plane.

    ``limits`` are the largest offset and the largest detour of a path round several objects.
    Returns first, between and last length and the edge count; an edge count of 0 means that
    there is no way round this side, or that it is too far off to count.
    """
    most_offset, most_detour = limits
    none = (0.0, 0.0, 0.0, 0)
    axis = (frame[0], frame[1], frame[2], frame[3], 0.0)
    n = 0
    owner, several = -1, False
    set_reach(work, dp, d, most_detour)
    for k in range(n_blocking):
        r = work.blocking[k]
        n, state = block_by_ring(scene, work, n, r, frame, axis, dp, (True, True))
        if state == 1:
            several = several or (owner >= 0 and owner != scene.owner[r])
            owner = scene.owner[r]
        if state == 2 or n < 0 or (several and too_far(work, most_offset)):
            return none
    old, previous = 0, -1.0
    work.clear[0] = 0
    for _ in range(MAX_ROUNDS):
        count = wrap(work, n, old, dp)
        length = plan_length(work, count, dp)
        if count == 0 or length <= previous + 1e-6:
            return none
        first, between, last, edges = band_over_points(work.side, count, dp, 0.0, 0.0, d / dp)
        if several and (
            farthest(work, count) > most_offset or first + between + last - d > most_detour
        ):
            return none
        n, blocked, several = widen(
            scene, work, count, frame, dp, most_offset, (owner, several), left_out, skip
        )
        if n < 0:
            return none
        if not blocked:
            return first, between, last, edges
        old, previous = count, length
    return none


@compiled()
def widen(scene, work, count, frame, dp, most_offset, owners, left_out, skip):
    """Look for the first blocked segment of the hull and add what must be passed there.

    Returns the number of candidates (-1 where there is no way), whether a segment is blocked, and
    whether the path is now one round several objects.
    """
    sx, sy, ux, uy, m = frame[0], frame[1], frame[2], frame[3], frame[4]
    a0, a1, b0, b1 = skip
    owner, several = owners
    n = count
    for k in range(count + 1):
        if work.clear[k] == 1:
            continue
        ps, pw = (work.side[k - 1, 0], work.side[k - 1, 1]) if k > 0 else (0.0, 0.0)
        qs, qw = (work.side[k, 0], work.side[k, 1]) if k < count else (dp, 0.0)
        length = np.sqrt((qs - ps) ** 2 + (qw - pw) ** 2)
        if length < PASSAGE_M:
            continue
        cs, cw = (qs - ps) / length, (qw - pw) / length
        ax, ay = sx + ps * ux - m * pw * uy, sy + ps * uy + m * pw * ux
        vx, vy = cs * ux - m * cw * uy, cs * uy + m * cw * ux
        line = (ax, ay, vx, vy, PASSAGE_M)
        ends = (k == 0, k == count)
        clear = True
        near = rings_along(scene, work, ax, ay, vx, vy, length, 2.0 * PASSAGE_M)
        for i in range(near):
            r = work.near[i]
            if is_left_out(scene.owner[r], left_out, a0, a1, b0, b1):
                continue
            n, state = block_by_ring(scene, work, n, r, frame, line, length, ends)
            if state == 1:
                clear = False
                several = several or owner != scene.owner[r]
            if state == 2 or n < 0 or (several and too_far(work, most_offset)):
                return -1, True, several
        if not clear:
            return n, True, several
        work.clear[k] = 1
    return n, False, several


@compiled()
def farthest(work, count):
    """Largest distance of the hull from the source-receiver line."""
    most = 0.0
    for k in range(count):
        most = max(most, work.side[k, 1])
    return most


@compiled()
def plan_length(work, count, dp):
    """Length of the hull in plan."""
    total, s, w = 0.0, 0.0, 0.0
    for k in range(count + 1):
        qs, qw = dp, 0.0
        if k < count:
            qs, qw = work.side[k, 0], work.side[k, 1]
        total += np.sqrt((qs - s) ** 2 + (qw - w) ** 2)
        s, w = qs, qw
    return total
