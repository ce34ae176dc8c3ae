"""Screening attenuation, ISO 9613-2 clause 7.4 with the rules of ISO/TR 17534-3.

Arrays broadcast; results carry a last axis of 8 octave bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layers.noise.bands import WAVELENGTHS_M, FloatArray

#: Ground reflections are in ``Agr``, not in image sources.
C2 = 20.0

SINGLE_CAP_DB = 20.0
DOUBLE_CAP_DB = 25.0


def c3_factor(
    between_m: float, edges: int, wavelengths_m: FloatArray = WAVELENGTHS_M
) -> FloatArray:
    """``C3`` by band: 1 for one edge, up to 3 for two or more edges far apart."""
    if edges < 2:
        return np.ones_like(wavelengths_m)
    ratio = (5.0 * wavelengths_m / between_m) ** 2
    return np.asarray((1.0 + ratio) / (1.0 / 3.0 + ratio), dtype=float)


def top_screening_db(
    *,
    dss_m: float,
    between_m: float,
    dsr_m: float,
    edges: int,
    path_difference_m: float,
    distance_m: float,
    edition: str = "1996",
    wavelengths_m: FloatArray = WAVELENGTHS_M,
) -> FloatArray:
    """``Dz`` of the path over the top.

    :param dss_m: source to first edge, metres.
    :param between_m: first to last edge along the band.
    :param dsr_m: last edge to receiver.
    :param edges: number of edges touched, 1 or more.
    :param path_difference_m: ``z``, the detour; negative where the line of sight is clear.
    :param distance_m: source to receiver.
    :returns: dB, shape (8,), from 0 to 20 (one edge) or 25 (more).

    Source: 1996 formulas (14), (15), (18) with TR clauses 5.3 and 5.4; 2024 (18) to (21).
    """
    k = C2 / wavelengths_m * c3_factor(between_m, edges, wavelengths_m)
    lowest = -2.0 / k
    z = path_difference_m
    if edition == "2024":
        longer, shorter = max(dss_m, dsr_m), min(dss_m, dsr_m)
        root = (longer + between_m) * shorter * distance_m
        weather = np.exp(-np.sqrt(root / (2.0 * np.maximum(z - lowest, 1e-12))) / 2000.0)
        bracket = 1.0 + (2.0 + k * z) * weather
    else:
        bracket = 3.0 + k * z
        if z > 0.0:
            bracket += k * z * np.expm1(-np.sqrt(dss_m * dsr_m * distance_m / (2.0 * z)) / 2000.0)
    dz = 10.0 * np.log10(np.maximum(bracket, 1.0))
    cap = DOUBLE_CAP_DB if edges > 1 else SINGLE_CAP_DB
    return np.asarray(np.minimum(np.where(z > lowest, dz, 0.0), cap), dtype=float)


def side_screening_db(between_m: float, edges: int, path_difference_m: float) -> FloatArray:
    """``Dz`` of a path round a side, shape (8,) in dB: ``Kmet = 1`` and no cap."""
    k = C2 / WAVELENGTHS_M * c3_factor(between_m, edges)
    return np.asarray(10.0 * np.log10(3.0 + k * path_difference_m), dtype=float)


def barrier_attenuation_db(
    top_db: FloatArray, sides_db: npt.ArrayLike, ground_db: FloatArray
) -> FloatArray:
    """``Abar`` of all paths together, added to ``Agr`` afterwards.

    :param top_db: ``Dz`` over the top, shape (8,).
    :param sides_db: ``Dz`` of 0 to 2 side paths, shape (k, 8).
    :param ground_db: ``Agr``, shape (8,): taken off the top path where it is positive (5.5).
    :returns: dB, never negative (5.6).
    """
    top = np.maximum(top_db - np.maximum(ground_db, 0.0), 0.0)
    sides = np.asarray(sides_db, dtype=float).reshape(-1, len(top))
    energy = 10.0 ** (-0.1 * top) + (10.0 ** (-0.1 * sides)).sum(axis=0)
    return np.asarray(np.maximum(-10.0 * np.log10(energy), 0.0), dtype=float)
