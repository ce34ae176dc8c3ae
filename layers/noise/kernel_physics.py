"""Compiled attenuation terms of one path, ISO 9613-2, as in ``ground`` and ``diffraction``.

Work is done in energy, not dB: a factor of 1 is no attenuation.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.noise.bands import WAVELENGTHS_M, FloatArray
from layers.noise.jit import compiled
from layers.noise.packing import IntArray

GENERAL, ALTERNATIVE, NO_GROUND = 0, 1, 2

_WAVELENGTH = WAVELENGTHS_M.copy()
_SINGLE_CAP = 10.0**2.0
_DOUBLE_CAP = 10.0**2.5


class ZoneArrays(NamedTuple):
    """The packed ground zones as the kernel takes them."""

    xy: FloatArray
    ring_pointer: IntArray
    zone_pointer: IntArray
    g: FloatArray
    box: FloatArray


@compiled()
def _end_region(h, g, dp, near, far, out):
    h2 = h * h
    e9 = np.exp(-0.09 * h2)
    a = 1.5 + 3.0 * np.exp(-0.12 * (h - 5.0) ** 2) * near + 5.7 * e9 * far
    out[0] -= 1.5
    out[1] += g * a - 1.5
    out[2] += g * (1.5 + 8.6 * e9 * near) - 1.5
    out[3] += g * (1.5 + 14.0 * np.exp(-0.46 * h2) * near) - 1.5
    out[4] += g * (1.5 + 5.0 * np.exp(-0.9 * h2) * near) - 1.5
    for f in range(5, 8):
        out[f] -= 1.5 * (1.0 - g)


@compiled()
def ground_general(dp, hs, hr, gs, gm, gr, second_edition, out):
    """``Agr`` in dB of the general method into ``out`` (8,)."""
    near = 1.0 - np.exp(-dp / 50.0)
    far = 1.0 - np.exp(-2.8e-6 * dp * dp)
    reach = 30.0 * (hs + hr)
    q = 1.0 - reach / dp if dp > reach else 0.0
    out[0] = -3.0 * q
    for f in range(1, 8):
        out[f] = -3.0 * q * (1.0 - gm)
    _end_region(hs, gs, dp, near, far, out)
    _end_region(hr, gr, dp, near, far, out)
    if second_edition:
        k = geometry_factor(dp, hs, hr)
        for f in range(8):
            out[f] = -10.0 * np.log10(1.0 + (10.0 ** (-0.1 * out[f]) - 1.0) * k)


@compiled()
def geometry_factor(dp, hs, hr):
    """``Kgeo``."""
    reflected = dp * dp + (hs + hr) ** 2
    return (dp * dp + (hs - hr) ** 2) / reflected if reflected > 0.0 else 1.0


@compiled()
def first_edition_weather(first, last, z, d):
    """``Kmet`` of the 1996 edition, the same in all bands."""
    return np.exp(-np.sqrt(first * last * d / (2.0 * z)) / 2000.0) if z > 0.0 else 1.0


@compiled()
def top_factor(first, between, last, edges, z, d, second_edition, weather, band):
    """``10^(0.1 Dz)`` of the path over the top, capped; ``weather``: ``Kmet`` of 1996."""
    wavelength = _WAVELENGTH[band]
    c3 = 1.0
    if edges > 1:
        ratio = (5.0 * wavelength / between) ** 2
        c3 = (1.0 + ratio) / (1.0 / 3.0 + ratio)
    k = 20.0 / wavelength * c3
    lowest = -2.0 / k
    if z <= lowest:
        return 1.0
    if second_edition:
        longer, shorter = max(first, last), min(first, last)
        kmet = np.exp(-np.sqrt((longer + between) * shorter * d / (2.0 * (z - lowest))) / 2000.0)
        x = 1.0 + (2.0 + k * z) * kmet
    else:
        x = 3.0 + k * z * weather
    return min(x, _DOUBLE_CAP if edges > 1 else _SINGLE_CAP)


@compiled()
def side_factor(between, edges, z, band):
    """``10^(0.1 Dz)`` of a path round a side: no weather, no cap."""
    wavelength = _WAVELENGTH[band]
    c3 = 1.0
    if edges > 1:
        ratio = (5.0 * wavelength / between) ** 2
        c3 = (1.0 + ratio) / (1.0 / 3.0 + ratio)
    return 3.0 + 20.0 / wavelength * c3 * z


@compiled()
def _inside_zone(zones, zone, x, y):
    inside = False
    for r in range(zones.zone_pointer[zone], zones.zone_pointer[zone + 1]):
        for i in range(zones.ring_pointer[r], zones.ring_pointer[r + 1] - 1):
            x1, y1 = zones.xy[i, 0], zones.xy[i, 1]
            x2, y2 = zones.xy[i + 1, 0], zones.xy[i + 1, 1]
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
    return inside


@compiled()
def mean_ground_factor(zones, cuts, default, ax, ay, bx, by):
    """Length-weighted mean ground factor along a segment; the first zone of the list wins."""
    cuts[0], cuts[1] = 0.0, 1.0
    n = 2
    x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    touched = False
    for zone in range(zones.g.shape[0]):
        if zones.box[zone, 0] > x1 or zones.box[zone, 2] < x0:
            continue
        if zones.box[zone, 1] > y1 or zones.box[zone, 3] < y0:
            continue
        touched = True
        start = zones.ring_pointer[zones.zone_pointer[zone]]
        stop = zones.ring_pointer[zones.zone_pointer[zone + 1]]
        for i in range(start, stop - 1):
            px, py = zones.xy[i, 0] - ax, zones.xy[i, 1] - ay
            qx, qy = zones.xy[i + 1, 0] - ax, zones.xy[i + 1, 1] - ay
            w1 = (bx - ax) * py - (by - ay) * px
            w2 = (bx - ax) * qy - (by - ay) * qx
            if (w1 > 0.0) == (w2 > 0.0) or n >= cuts.shape[0]:
                continue
            f = w1 / (w1 - w2)
            size = (bx - ax) ** 2 + (by - ay) ** 2
            t = ((px + f * (qx - px)) * (bx - ax) + (py + f * (qy - py)) * (by - ay)) / size
            if 0.0 < t < 1.0:
                k = n
                while k > 0 and cuts[k - 1] > t:
                    cuts[k] = cuts[k - 1]
                    k -= 1
                cuts[k] = t
                n += 1
    if not touched:
        return default
    total = 0.0
    for i in range(n - 1):
        part = cuts[i + 1] - cuts[i]
        if part <= 0.0:
            continue
        t = 0.5 * (cuts[i] + cuts[i + 1])
        x, y = ax + t * (bx - ax), ay + t * (by - ay)
        g = default
        for zone in range(zones.g.shape[0]):
            if x < zones.box[zone, 0] or x > zones.box[zone, 2]:
                continue
            if y < zones.box[zone, 1] or y > zones.box[zone, 3]:
                continue
            if _inside_zone(zones, zone, x, y):
                g = zones.g[zone]
                break
        total += part * g
    return total


@compiled()
def region_ground_factor(zones, cuts, default, way, s0, s1):
    """Mean ground factor of the stretch ``s0``..``s1`` of a bent way.

    ``way`` is (ax, ay, px, py, bx, by, l1, l2): start, bend, end and the two lengths in plan.
    """
    ax, ay, px, py, bx, by, l1, l2 = way
    total = 0.0
    t0, t1 = min(s0, l1), min(s1, l1)
    if t1 > t0:
        x, y = (px - ax) / l1, (py - ay) / l1
        total += (t1 - t0) * mean_ground_factor(
            zones, cuts, default, ax + t0 * x, ay + t0 * y, ax + t1 * x, ay + t1 * y
        )
    t0, t1 = max(s0 - l1, 0.0), max(s1 - l1, 0.0)
    if t1 > t0:
        x, y = (bx - px) / l2, (by - py) / l2
        total += (t1 - t0) * mean_ground_factor(
            zones, cuts, default, px + t0 * x, py + t0 * y, px + t1 * x, py + t1 * y
        )
    return total / (s1 - s0)


@compiled()
def ground_factors(zones, cuts, default, way, dp, hs, hr):
    """``Gs``, ``Gm``, ``Gr`` of a way; a region without length takes the ground at its end."""
    if zones.g.shape[0] == 0:
        return default, default, default
    source = min(max(30.0 * hs, 0.01), dp)
    receiver = min(max(30.0 * hr, 0.01), dp)
    gs = region_ground_factor(zones, cuts, default, way, 0.0, source)
    gr = region_ground_factor(zones, cuts, default, way, dp - receiver, dp)
    gm = 0.0
    if source + receiver < dp:
        gm = region_ground_factor(zones, cuts, default, way, source, dp - receiver)
    return gs, gm, gr
