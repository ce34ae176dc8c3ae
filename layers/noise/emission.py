"""From machines to point sources: sound power, on-time, number, and splitting of areas.

Sound power levels are octave bands 63 Hz to 8 kHz in dB re 1 pW, shape (8,) or (n, 8).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely

from layers.errors import DataError
from layers.noise.bands import A_WEIGHTING_DB, N_BANDS, FloatArray, a_weighted_sum_db

#: From the level at 10 m over hard ground to the sound power: ``20 lg 10 + 8``, BS 5228-1.
POWER_FROM_LEVEL_AT_10_M_DB = 28.0

#: A line or an area is a point source where the distance exceeds this many times its size.
POINT_SOURCE_FACTOR_1996 = 2.0

#: Largest extent of a part over its distance in the 2024 edition (its raster factor).
RASTER_FACTOR_2024 = 0.5


def power_from_level_at_10_m(lp10_db: npt.ArrayLike) -> FloatArray:
    """Sound power from levels measured at 10 m over hard ground, ``Lw = Lp + 28`` (BS 5228-1)."""
    return np.asarray(lp10_db, dtype=float) + POWER_FROM_LEVEL_AT_10_M_DB


def spectrum_for_total(lwa_dba: float, shape_db: npt.ArrayLike) -> FloatArray:
    """Octave bands of a given A-weighted sound power.

    :param lwa_dba: A-weighted sound power level, dB(A) re 1 pW.
    :param shape_db: shape (8,), linear levels of a comparable machine; only differences count.
    :returns: shape (8,), linear ``Lw`` whose A-weighted sum is ``lwa_dba``.
    :raises DataError: a shape that is not 8 finite numbers.
    """
    shape = np.asarray(shape_db, dtype=float)
    if shape.shape != (N_BANDS,) or not np.isfinite(shape).all():
        raise DataError("The shape of a spectrum is 8 octave levels, 63 Hz to 8 kHz.")
    return np.asarray(shape + (lwa_dba - a_weighted_sum_db(shape)), dtype=float)


def flat_a_weighted_shape() -> FloatArray:
    """The shape to use when nothing is known: equal A-weighted levels in 125 Hz to 4 kHz."""
    shape = -A_WEIGHTING_DB.copy()
    shape[[0, -1]] -= 10.0
    return shape


def with_on_time(lw_db: npt.ArrayLike, on_time_fraction: float, number: float = 1.0) -> FloatArray:
    """Sound power averaged over the period, of several equal machines.

    :param lw_db: sound power of one machine while it works, shape (..., 8).
    :param on_time_fraction: share of the period in which it works, above 0 up to 1.
    :param number: how many of them, more than 0.
    :returns: ``Lw + 10 lg(fraction * number)``.
    :raises DataError: a share or number out of range; leave a machine out that is never on.
    """
    if not 0.0 < on_time_fraction <= 1.0:
        raise DataError(
            f"On-time {on_time_fraction}: give a share above 0 up to 1, or leave the machine out."
        )
    if not (math.isfinite(number) and number > 0):
        raise DataError(f"Number of machines {number}: give a number above 0.")
    return np.asarray(lw_db, dtype=float) + 10.0 * math.log10(on_time_fraction * number)


def largest_part_m(nearest_distance_m: float, edition: str = "1996") -> float:
    """How large a part of a source may be to count as a point at that distance, in metres.

    1996: distance over twice the size. 2024: size at most half the distance, which is the same.
    """
    if edition == "2024":
        return RASTER_FACTOR_2024 * nearest_distance_m
    return nearest_distance_m / POINT_SOURCE_FACTOR_1996


def split_line(line: shapely.LineString, part_m: float, max_parts: int = 64) -> FloatArray:
    """Midpoints of equal parts of a line, none longer than ``part_m``; shape (n, 2), metres.

    :param max_parts: upper bound; where it is reached the parts are longer than asked for.
    """
    if line.is_empty or line.length == 0.0:
        raise DataError("A line source without length: draw it with two different points.")
    n = min(max(1, math.ceil(line.length / _positive(part_m))), max_parts)
    points = shapely.line_interpolate_point(line, (np.arange(n) + 0.5) / n, normalized=True)
    return np.asarray(shapely.get_coordinates(points), dtype=float)


def split_area(
    area: shapely.Polygon | shapely.MultiPolygon, part_m: float, max_parts: int = 64
) -> tuple[FloatArray, FloatArray]:
    """Cut an area into parts whose diagonal does not exceed ``part_m``.

    :param area: polygon or multipolygon, metres; a site in which the machines move about.
    :param part_m: largest diagonal of a part, see :func:`largest_part_m`.
    :param max_parts: upper bound; where it is reached the parts are larger than asked for.
    :returns: centroids, shape (n, 2), and shares of the area, shape (n,), summing to 1. Give
        each part ``Lw + 10 lg(share)``. The grid follows the longest side of the area, so that
        moving or turning the area moves and turns its parts.
    :raises DataError: an area without extent.
    """
    if area.is_empty or not area.area > 0.0:
        raise DataError("An area source without extent: draw it with three or more points.")
    cell = _positive(part_m) / math.sqrt(2.0)
    for _ in range(40):
        centres, shares = _grid_parts(area, cell)
        if len(shares) <= max_parts:
            break
        cell *= 1.15
    return centres, shares


def split_power(lw_db: npt.ArrayLike, shares: npt.ArrayLike) -> FloatArray:
    """Share one sound power among parts: shape (8,) and (n,) give (n, 8)."""
    part = 10.0 * np.log10(np.asarray(shares, dtype=float))
    return np.asarray(np.asarray(lw_db, dtype=float)[None, :] + part[:, None], dtype=float)


def _grid_parts(
    area: shapely.Polygon | shapely.MultiPolygon, cell_m: float
) -> tuple[FloatArray, FloatArray]:
    corner, along, across = _frame(area)
    columns = max(1, math.ceil(float(np.linalg.norm(along)) / cell_m - 1e-9))
    rows = max(1, math.ceil(float(np.linalg.norm(across)) / cell_m - 1e-9))
    i, j = (k.ravel() for k in np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"))
    steps = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
    u = (i[:, None] + steps[:, 0]) / columns
    v = (j[:, None] + steps[:, 1]) / rows
    rings = corner + u[..., None] * along + v[..., None] * across
    parts = shapely.intersection(shapely.polygons(rings), area)
    sizes = shapely.area(parts)
    kept = sizes > 1e-9 * sizes.sum()
    centres = shapely.get_coordinates(shapely.centroid(parts[kept]))
    return np.asarray(centres, float), np.asarray(sizes[kept] / sizes[kept].sum(), float)


def _frame(area: shapely.Geometry) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Corner and two sides of the smallest rectangle round the area."""
    ring = shapely.get_coordinates(shapely.minimum_rotated_rectangle(area))
    return ring[0], ring[1] - ring[0], ring[3] - ring[0]


def _positive(part_m: float) -> float:
    if not (math.isfinite(part_m) and part_m > 0):
        raise DataError(f"Size of a part {part_m}: give a number of metres above 0.")
    return part_m
