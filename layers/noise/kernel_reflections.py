"""Compiled reflections of the first order from walls.

A wall throws the sound of a source into the wedge that its two ends span as seen from the image
of the source behind it. Few walls reach a given place, so walls are sorted out for receivers
that stand together first, by signed distances alone; the rest are looked at one by one.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.noise.bands import WAVELENGTHS_M, FloatArray
from layers.noise.jit import compiled
from layers.noise.kernel_paths import path_energy
from layers.noise.packing import IntArray
from layers.noise.rules import REFLECTION_TRIM_M

_WAVENUMBERS = 1.0 / WAVELENGTHS_M

#: Added to the radius of a group of receivers: no wall is sorted out by rounding.
_SLACK_M = 1e-5


class WallArrays(NamedTuple):
    """Reflecting walls that each source faces, with its image."""

    pointer: IntArray  # (sources + 1,)
    image: FloatArray  # (k, 2) image of the source
    line: FloatArray  # (k, 6) first end x, y, height, second end x, y, height
    least: FloatArray  # (k,) smallest dimension
    owner: IntArray  # (k,) building or barrier
    share: FloatArray  # (k, 8) reflected share of the energy


@compiled(allocates=True)
def wedges(walls: WallArrays) -> FloatArray:
    """Half-planes of the wedge of each wall: shape (k, 9), three times normal x, y and offset.

    A point is inside where all three signed distances are above 0: past both rays from the image
    through the ends of the wall, and past the wall.
    """
    planes = np.zeros((walls.image.shape[0], 9))
    for k in range(walls.image.shape[0]):
        ix, iy = walls.image[k, 0], walls.image[k, 1]
        x1, y1 = walls.line[k, 0], walls.line[k, 1]
        x2, y2 = walls.line[k, 3], walls.line[k, 4]
        turn = 1.0 if (x1 - ix) * (y2 - iy) - (y1 - iy) * (x2 - ix) > 0.0 else -1.0
        ends = ((ix, iy, x1, y1), (x2, y2, ix, iy), (x2, y2, x1, y1))
        for p in range(3):
            ax, ay, bx, by = ends[p]
            size = turn * np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
            nx, ny = (ay - by) / size, (bx - ax) / size
            planes[k, 3 * p], planes[k, 3 * p + 1] = nx, ny
            planes[k, 3 * p + 2] = -(nx * ax + ny * ay)
    return planes


@compiled()
def walls_towards(walls, planes, w0, w1, x, y, radius, reach, found):
    """Walls that may reflect to some point of a disc, into ``found``; returns how many."""
    n = 0
    least = -radius - _SLACK_M
    farthest = (reach + radius + _SLACK_M) ** 2
    for k in range(w0, w1):
        if planes[k, 0] * x + planes[k, 1] * y + planes[k, 2] < least:
            continue
        if planes[k, 3] * x + planes[k, 4] * y + planes[k, 5] < least:
            continue
        if planes[k, 6] * x + planes[k, 7] * y + planes[k, 8] < least:
            continue
        if (walls.image[k, 0] - x) ** 2 + (walls.image[k, 1] - y) ** 2 > farthest:
            continue
        found[n] = k
        n += 1
    return n


@compiled()
def reflections(scene, zones, work, par, walls, found, s, r, own, skip, left_out, agr, one, out):
    """Energy of the first-order reflections at the walls ``found`` added to ``out``.

    ``s`` and ``r`` are x, y, height of source and receiver.
    """
    for k in found:
        if walls.owner[k] == own:
            continue
        x1, y1, z1 = walls.line[k, 0], walls.line[k, 1], walls.line[k, 2]
        x2, y2, z2 = walls.line[k, 3], walls.line[k, 4], walls.line[k, 5]
        ix, iy = walls.image[k, 0], walls.image[k, 1]
        ex, ey = x2 - x1, y2 - y1
        side_image = ex * (iy - y1) - ey * (ix - x1)
        side_receiver = ex * (r[1] - y1) - ey * (r[0] - x1)
        if side_image * side_receiver >= 0.0:
            continue
        share = side_image / (side_image - side_receiver)
        px, py = ix + share * (r[0] - ix), iy + share * (r[1] - iy)
        length2 = ex * ex + ey * ey
        along = ((px - x1) * ex + (py - y1) * ey) / length2
        if along <= 0.0 or along >= 1.0:
            continue
        dp = np.sqrt((r[0] - ix) ** 2 + (r[1] - iy) ** 2)
        if dp > par.reach:
            continue
        height = s[2] + share * (r[2] - s[2])
        if height >= z1 + along * (z2 - z1):
            continue
        l1, l2 = dp * share, dp * (1.0 - share)
        if l1 <= 2.0 * REFLECTION_TRIM_M or l2 <= 2.0 * REFLECTION_TRIM_M:
            continue
        d = np.sqrt(dp * dp + (r[2] - s[2]) ** 2)
        cosine = abs(side_receiver - side_image) / (np.sqrt(length2) * d)
        limit = (2.0 / (walls.least[k] * cosine) ** 2) * d * share * (1.0 - share)
        # A wall reflects the bands whose wavelength is small against it: the higher ones.
        band0 = 0
        while band0 < 8 and _WAVENUMBERS[band0] <= limit:
            band0 += 1
        if band0 == 8:
            continue
        way = (s[0], s[1], px, py, r[0], r[1], l1, l2)
        path_energy(
            scene, zones, work, par, way, s[2], r[2], False, skip, left_out, agr, band0, one
        )
        for f in range(band0, 8):
            out[f] += one[f] * walls.share[k, f]
