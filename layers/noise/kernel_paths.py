"""Compiled energy of one path: ground, air, and screening over the top and round the sides."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.noise.bands import FloatArray
from layers.noise.jit import compiled
from layers.noise.kernel_geometry import (
    MAX_POINTS,
    band_over_points,
    is_left_out,
    ring_crossings,
    rings_along,
    upper_hull,
)
from layers.noise.kernel_physics import (
    ALTERNATIVE,
    GENERAL,
    first_edition_weather,
    geometry_factor,
    ground_factors,
    ground_general,
    side_factor,
    top_factor,
)
from layers.noise.kernel_sides import side_band
from layers.noise.rules import (
    REFLECTION_TRIM_M,
    SIDE_OFFSET_FACTOR,
    WEAK_SIDE_BAND,
    WEAK_SIDE_M,
)

_LN10 = float(np.log(10.0))

#: Nearer than this a source counts as being this far.
NEAREST_M = 1.0


class Parameters(NamedTuple):
    """Numbers of :class:`~layers.noise.model.NoiseOptions` as the kernel takes them."""

    alpha: FloatArray  # (8,) dB per metre
    second_edition: bool
    ground_method: int
    default_g: float
    screening: bool
    lateral: bool
    weak_side: float  # energy factor
    reflections: bool
    facade_gain: float  # energy factor at receivers on a façade
    reach: float
    lowest_energy: float
    c0: float


@compiled()
def scan_leg(scene, work, leg, path, keep, skip, left_out, state):
    """Add what crosses one straight leg of a path to the profile over the top.

    ``leg`` is (ax, ay, ux, uy, length, t_from, t_to, s0); ``path`` is (dp, d, zs, zr). ``state``
    is (points, blocking rings, best detour below the line, its two lengths) and is returned.
    """
    ax, ay, ux, uy, length, t_from, t_to, s0 = leg
    dp, d, zs, zr = path
    a0, a1, b0, b1 = skip
    points, blocking, best, best_first, best_last = state
    slope = (zr - zs) / dp
    near = rings_along(scene, work, ax, ay, ux, uy, length, 1e-6)
    for i in range(near):
        r = work.near[i]
        if (a1 > a0 or b1 > b0) and is_left_out(scene.owner[r], left_out, a0, a1, b0, b1):
            continue
        count = ring_crossings(scene, work, r, ax, ay, ux, uy, 1.0, 0.0)
        cuts = False
        for k in range(count):
            t, z = work.crossing[k, 0], work.crossing[k, 1]
            if t <= t_from or t >= t_to:
                continue
            s = s0 + t
            if z - zs - slope * s > 0.0:
                cuts = True
                if points == MAX_POINTS:
                    points = upper_hull(work.top, points, dp, zs, zr)
                work.top[points, 0], work.top[points, 1] = s, z
                points += 1
            elif points == 0:
                first = np.sqrt(s * s + (z - zs) ** 2)
                last = np.sqrt((dp - s) ** 2 + (z - zr) ** 2)
                if d - first - last > best:
                    best, best_first, best_last = d - first - last, first, last
        if cuts and keep and blocking < MAX_POINTS:
            work.blocking[blocking] = r
            blocking += 1
    return points, blocking, best, best_first, best_last


@compiled()
def screen(
    scene, work, way, path, direct, lateral, weak_side, second_edition, skip, left_out, agr, band0,
    factor,
):  # fmt: skip
    """Transmission of screening from ``band0`` on into ``factor`` (8,): 1 is unscreened.

    ``way`` is (ax, ay, px, py, bx, by, l1, l2) in plan; ``direct`` tells that it has no bend.
    """
    ax, ay, px, py, bx, by, l1, l2 = way
    dp, d, zs, zr = path
    state = (0, 0, -1e9, 0.0, 0.0)
    ux, uy = (px - ax) / l1, (py - ay) / l1
    end = l1 if direct else l1 - REFLECTION_TRIM_M
    leg = (ax, ay, ux, uy, l1, 0.0, end, 0.0)
    state = scan_leg(scene, work, leg, path, direct, skip, left_out, state)
    if not direct:
        leg = (px, py, (bx - px) / l2, (by - py) / l2, l2, REFLECTION_TRIM_M, l2, l1)
        state = scan_leg(scene, work, leg, path, False, skip, left_out, state)
    points, blocking, best, best_first, best_last = state
    if points == 0 and best < -0.6:
        for f in range(band0, 8):
            factor[f] = 1.0
        return
    if points == 0:
        first, between, last, edges, z = best_first, 0.0, best_last, 1, best
    else:
        kept = upper_hull(work.top, points, dp, zs, zr)
        first, between, last, edges = band_over_points(work.top, kept, dp, zs, zr, 1.0)
        z = first + between + last - d
    weather = first_edition_weather(first, last, z, d)
    left = right = (0.0, 0.0, 0.0, 0)
    if points > 0 and lateral and direct:
        slope = (zr - zs) / dp
        offset = 0.0
        for k in range(kept):
            above = work.top[k, 1] - zs - slope * work.top[k, 0]
            offset = max(offset, above * dp / d)
        x = top_factor(first, between, last, edges, z, d, second_edition, weather, WEAK_SIDE_BAND)
        limits = (SIDE_OFFSET_FACTOR * offset, (x * weak_side - 3.0) * WEAK_SIDE_M)
        frame = (ax, ay, ux, uy, 1.0, zs, slope)
        left = side_band(scene, work, blocking, frame, dp, d, limits, left_out, skip)
        frame = (ax, ay, ux, uy, -1.0, zs, slope)
        right = side_band(scene, work, blocking, frame, dp, d, limits, left_out, skip)
    for f in range(band0, 8):
        t = 1.0 / top_factor(first, between, last, edges, z, d, second_edition, weather, f)
        if agr[f] > 0.0:
            t = min(t * np.exp(0.1 * _LN10 * agr[f]), 1.0)
        if left[3] > 0:
            t += 1.0 / side_factor(left[1], left[3], left[0] + left[1] + left[2] - d, f)
        if right[3] > 0:
            t += 1.0 / side_factor(right[1], right[3], right[0] + right[1] + right[2] - d, f)
        factor[f] = min(t, 1.0)


@compiled()
def path_energy(scene, zones, work, par, way, hs, hr, direct, skip, left_out, agr, band0, factor):
    """Energy of one path per unit of source energy, from ``band0`` on, into ``factor`` (8,)."""
    l1, l2 = way[6], way[7]
    dp = l1 + l2
    d = max(np.sqrt(dp * dp + (hs - hr) ** 2), NEAREST_M)
    gain = 1.0 / (d * d * 10.0**1.1)
    if par.ground_method == GENERAL:
        gs, gm, gr = ground_factors(zones, work.cuts, par.default_g, way, dp, hs, hr)
        ground_general(dp, hs, hr, gs, gm, gr, par.second_edition, agr)
    elif par.ground_method == ALTERNATIVE:
        mean_height = 0.5 * (hs + hr) * dp / d
        a = max(0.0, 4.8 - 2.0 * mean_height / d * (17.0 + 300.0 / d))
        for f in range(8):
            agr[f] = a
        gain *= 1.0 + geometry_factor(dp, hs, hr)
    else:
        for f in range(8):
            agr[f] = 0.0
    if par.c0 > 0.0 and dp > 10.0 * (hs + hr):
        gain *= 10.0 ** (-0.1 * par.c0 * (1.0 - 10.0 * (hs + hr) / dp))
    if par.screening and dp > 1e-6 and scene.columns > 0:
        path = (dp, np.sqrt(dp * dp + (hs - hr) ** 2), hs, hr)
        screen(
            scene, work, way, path, direct, par.lateral, par.weak_side, par.second_edition, skip,
            left_out, agr, band0, factor,
        )  # fmt: skip
    else:
        for f in range(band0, 8):
            factor[f] = 1.0
    for f in range(band0, 8):
        factor[f] *= gain * np.exp(-0.1 * _LN10 * (par.alpha[f] * d + agr[f]))
