"""CNOSSOS-EU propagation: attenuation by ground and by diffraction, term by term.

Directive (EU) 2015/996, annex, section 2.5, as amended by Delegated Directive (EU) 2021/1226.
Every result has a last axis of 8 octave bands. Geometry: :mod:`layers.noise.cnossos_paths`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from layers.noise.bands import N_BANDS, NOMINAL_BANDS_HZ, SPEED_OF_SOUND_M_S, FloatArray

#: Wavelengths of the nominal bands: here the directive's own formulas take 63 Hz as 63 Hz.
WAVELENGTHS_M: FloatArray = SPEED_OF_SOUND_M_S / NOMINAL_BANDS_HZ
WAVE_NUMBERS: FloatArray = 2.0 * math.pi / WAVELENGTHS_M

#: Most that diffraction over horizontal edges takes off, without its ground terms.
MOST_OVER_DB = 25.0
#: Edges nearer to each other than this act as one.
ONE_EDGE_M = 0.3
#: Curvature of rays in favourable conditions, and the factor on distance of their radius.
RAY_A0 = 2e-4
LEAST_RADIUS_M, RADIUS_FACTOR = 1000.0, 8.0
#: Below this the sum of two heights has no meaning in the turbulence term.
LEAST_HEIGHTS_M = 0.05


@dataclass(frozen=True, slots=True)
class Both:
    """A quantity in homogeneous and in favourable conditions, each of shape (8,)."""

    homogeneous: FloatArray
    favourable: FloatArray


def ray_length_m(chord_m: float, distance_m: float) -> float:
    """Length of a curved ray over a chord; ``distance_m``: between the ends of the whole path."""
    twice = 2.0 * max(LEAST_RADIUS_M, RADIUS_FACTOR * distance_m)
    return twice * math.asin(min(1.0, chord_m / twice))


def ground_db(dp_m: float, zs_m: float, zr_m: float, g_path: float, g_source: float | None) -> Both:
    """Attenuation by ground between two points over a mean ground plane, mostly negative.

    :param dp_m: distance along the plane; :param zs_m, zr_m: heights over it, metres.
    :param g_path: mean ground factor of the path.
    :param g_source: ground factor at the source; None where the first point is an edge.

    Source: 2.5.15 to 2.5.20 of the directive.
    """
    dp, zs, zr = max(dp_m, 1e-6), max(zs_m, 0.0), max(zr_m, 0.0)
    near_m = 30.0 * (zs + zr)
    corrected = g_path
    if g_source is not None and dp <= near_m:
        share = dp / near_m
        corrected = g_path * share + g_source * (1.0 - share)
    least = -3.0 * (1.0 - corrected)
    least_f = least if dp <= near_m else least * (1.0 + 2.0 * (1.0 - near_m / dp))
    if g_path == 0.0:
        return Both(np.full(N_BANDS, -3.0), np.full(N_BANDS, least_f))
    both = max(zs + zr, LEAST_HEIGHTS_M)
    turbulence = 6e-3 * dp / both
    bent = [z + RAY_A0 * (z / both) ** 2 * dp**2 / 2.0 + turbulence for z in (zs, zr)]
    return Both(
        np.maximum(_wave_db(dp, zs, zr, corrected), least),
        np.maximum(_wave_db(dp, bent[0], bent[1], g_path), least_f),
    )


def _wave_db(dp: float, zs: float, zr: float, g: float) -> FloatArray:
    f, k = NOMINAL_BANDS_HZ, WAVE_NUMBERS
    w = (
        0.0185 * f**2.5 * g**2.6
        / (f**1.5 * g**2.6 + 1.3e3 * f**0.75 * g**1.3 + 1.16e6)
    )  # fmt: skip
    cf = dp * (1.0 + 3.0 * w * dp * np.exp(-np.sqrt(w * dp))) / (1.0 + w * dp)
    root, low = np.sqrt(2.0 * cf / k), cf / k
    energy = (4.0 * k**2 / dp**2) * (zs**2 - root * zs + low) * (zr**2 - root * zr + low)
    return np.asarray(-10.0 * np.log10(np.maximum(energy, 1e-30)), dtype=float)


def diffraction_db(path_difference_m: float, between_m: float) -> FloatArray:
    """Pure diffraction of a path difference over one edge, or several ``between_m`` apart.

    Source: 2.5.21 and 2.5.23 with ``Ch = 1``; no cap.
    """
    factor = np.ones(N_BANDS)
    if between_m >= ONE_EDGE_M:
        ratio = (5.0 * WAVELENGTHS_M / between_m) ** 2
        factor = (1.0 + ratio) / (1.0 / 3.0 + ratio)
    term = 40.0 / WAVELENGTHS_M * factor * path_difference_m
    return np.where(term >= -2.0, 10.0 * np.log10(np.maximum(3.0 + term, 1.0)), 0.0)


def ground_with_edge_db(
    ground: FloatArray, image_db: FloatArray, direct_db: FloatArray
) -> FloatArray:
    """Ground attenuation on one side of an edge, weighted by how the image is diffracted.

    :param ground: on that side alone; :param image_db: diffraction with the point mirrored in the
        mean ground plane; :param direct_db: with the point itself.

    Source: 2.5.31 and 2.5.32.
    """
    weight = 10.0 ** (-(image_db - direct_db) / 20.0)
    inside = 1.0 + (10.0 ** (-ground / 20.0) - 1.0) * weight
    return np.asarray(-20.0 * np.log10(np.maximum(inside, 1e-15)), dtype=float)


def long_term_db(levels: Both, favourable_share: float) -> FloatArray:
    """Levels of both conditions weighted by how often each occurs (2.5.9)."""
    p = favourable_share
    energy = p * 10.0 ** (levels.favourable / 10.0) + (1.0 - p) * 10.0 ** (
        levels.homogeneous / 10.0
    )
    return np.asarray(10.0 * np.log10(np.maximum(energy, 1e-30)), dtype=float)
