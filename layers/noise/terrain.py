"""Relief for the reference method: ground height along a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import shapely

from layers.errors import DataError
from layers.noise.bands import FloatArray


class Stretch(Protocol):
    """A straight stretch of a path in plan."""

    @property
    def a(self) -> FloatArray:
        """Start, x and y."""

    @property
    def b(self) -> FloatArray:
        """End, x and y."""

    @property
    def length(self) -> float:
        """Length in metres."""


@dataclass(frozen=True)
class Terrain:
    """Relief, either along the one path to be computed or by break lines.

    :ivar profile: shape (p, 2), distance from the source in plan and absolute ground height in
        metres, ascending; straight between points, constant beyond the ends. For one path only.
    :ivar breaklines: lines of shape (p, 3), x, y and absolute height: contours, edges, crests.
        The ground is straight along a path between the lines that it crosses, so every edge of
        the relief must be among them.
    :raises DataError: neither or both are given, or a number is missing; later, a profile with a
        reflected path, or a source or receiver outside the break lines.
    """

    profile: FloatArray | Sequence[Sequence[float]] | None = None
    breaklines: Sequence[FloatArray | Sequence[Sequence[float]]] = ()

    def __post_init__(self) -> None:
        if (self.profile is None) == (len(self.breaklines) == 0):
            raise DataError("A terrain has either a profile or break lines.")
        lines = [np.atleast_2d(np.asarray(line, dtype=float)) for line in self.breaklines]
        if any(x.ndim != 2 or x.shape[1] != 3 or not np.isfinite(x).all() for x in lines):
            raise DataError("A break line needs points x, y, height.")
        object.__setattr__(self, "breaklines", tuple(lines))
        if self.profile is None:
            return
        points = np.atleast_2d(np.asarray(self.profile, dtype=float))
        if points.shape[0] < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise DataError("A terrain profile needs two or more pairs of distance and height.")
        if np.any(np.diff(points[:, 0]) < 0):
            raise DataError("The distances of a terrain profile must ascend.")
        object.__setattr__(self, "profile", points)

    def points_along(self, legs: Sequence[Stretch]) -> list[tuple[float, float]]:
        """Distance and height of every point where the ground bends along the path."""
        if self.profile is not None:
            if len(legs) > 1:
                raise DataError(
                    "A terrain profile holds for the direct path only: for reflections give the "
                    "relief as break lines."
                )
            return [(float(s), float(z)) for s, z in np.asarray(self.profile)]
        points, done = [], 0.0
        for leg in legs:
            points += [(done + t, z) for t, z in self._crossed(leg)]
            done += leg.length
        return sorted(points)

    def height_at(self, xy: FloatArray, legs: Sequence[Stretch], place_m: float) -> float:
        """Ground height at an end of the path."""
        if self.profile is not None:
            points = np.asarray(self.profile)
            return float(np.interp(place_m, points[:, 0], points[:, 1]))
        # Loading it takes half a second, which every start would pay; few scenes have relief.
        from scipy.interpolate import LinearNDInterpolator

        surface = LinearNDInterpolator(*self._dense())
        z = float(surface(xy[0], xy[1]))
        if not np.isfinite(z):
            raise DataError("A source or receiver lies outside the relief.")
        return z

    def area_below(self, legs: Sequence[Stretch]) -> float:
        """Area between the ground along the path and height 0, in square metres."""
        dp = sum(leg.length for leg in legs)
        ends = [
            (0.0, self.height_at(legs[0].a, legs, 0.0)),
            (dp, self.height_at(legs[-1].b, legs, dp)),
        ]
        inner = [(s, z) for s, z in self.points_along(legs) if 0.0 < s < dp]
        s, z = np.array(sorted(inner + ends)).T
        return float(np.sum(np.diff(s) * 0.5 * (z[1:] + z[:-1])))

    def _crossed(self, leg: Stretch) -> list[tuple[float, float]]:
        line = shapely.LineString([leg.a, leg.b])
        found = []
        for points in self.breaklines:
            xyz = np.asarray(points)
            for p, q in pairwise(xyz):
                met = shapely.intersection(line, shapely.LineString([p[:2], q[:2]]))
                for xy in shapely.get_coordinates(met):
                    f = np.hypot(*(xy - p[:2])) / max(np.hypot(*(q - p)[:2]), 1e-12)
                    found.append((float(np.hypot(*(xy - leg.a))), float(p[2] + f * (q - p)[2])))
        return found

    def _dense(self) -> tuple[FloatArray, FloatArray]:
        """Break lines as points every 2 m, to lay a surface through."""
        dense = []
        for points in self.breaklines:
            xyz = np.asarray(points)
            for p, q in pairwise(xyz):
                n = max(2, int(np.hypot(*(q - p)[:2]) / 2.0) + 1)
                dense.append(p + np.linspace(0.0, 1.0, n)[:, None] * (q - p))
        every = np.unique(np.concatenate(dense).round(9), axis=0)
        return every[:, :2], every[:, 2]
