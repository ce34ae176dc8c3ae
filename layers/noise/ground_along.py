"""Ground factors along a path with Shapely, for the reference method."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely

from layers.noise.model import GroundZone
from layers.noise.obstruction import Leg

#: A region without length (source or receiver on the ground) takes the ground of its first cm.
SHORTEST_REGION_M = 0.01


def factors_along(
    zones: Sequence[GroundZone], legs: Sequence[Leg], hs_m: float, hr_m: float, default: float
) -> tuple[float, float, float]:
    """``Gs``, ``Gm``, ``Gr``: length-weighted means of the ground factor by region.

    :param zones: where they overlap the first counts.
    :param legs: one or two straight stretches from source to receiver.
    :param hs_m: source height above local ground; its region is the first ``30 hs`` metres.
    :param hr_m: receiver height above local ground; its region the last ``30 hr``.
    :param default: ground factor outside all zones.
    """
    way = [legs[0].a, *(leg.b for leg in legs)]
    dp = sum(leg.length for leg in legs)
    source = min(max(30.0 * hs_m, SHORTEST_REGION_M), dp)
    receiver = min(max(30.0 * hr_m, SHORTEST_REGION_M), dp)
    middle = 0.0
    if source + receiver < dp:
        middle = _mean(zones, way, source, dp - receiver, default)
    return (
        _mean(zones, way, 0.0, source, default),
        middle,
        _mean(zones, way, dp - receiver, dp, default),
    )


def _mean(
    zones: Sequence[GroundZone], way: list[np.ndarray], s0: float, s1: float, default: float
) -> float:
    line = shapely.LineString(way)
    places = [s0, *(p for p in _vertices(way) if s0 < p < s1), s1]
    rest: shapely.Geometry = shapely.LineString(
        shapely.get_coordinates(shapely.line_interpolate_point(line, places))
    )
    total, length = 0.0, s1 - s0
    covered = 0.0
    for zone in zones:
        part = shapely.intersection(rest, zone.polygon)
        total += zone.g * part.length
        covered += part.length
        rest = shapely.difference(rest, zone.polygon)
        if rest.is_empty:
            break
    return float((total + default * max(length - covered, 0.0)) / length)


def _vertices(way: list[np.ndarray]) -> np.ndarray:
    return np.cumsum([np.hypot(*(q - p)) for p, q in pairwise(way)])[:-1]
