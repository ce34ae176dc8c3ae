"""The ground under a path: heights, mean ground planes and ground factors (CNOSSOS-EU 2.5.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
import shapely.ops

from layers.noise.bands import FloatArray
from layers.noise.obstruction import Leg
from layers.noise.scene import Scene

Point = tuple[float, float]

#: A path this near to a wall runs along it.
ALONG_WALL_M = 0.005


@dataclass(frozen=True, slots=True)
class Plane:
    """A mean ground plane, ``z = slope * s + level`` in the unfolded vertical plane."""

    slope: float
    level: float

    def height(self, point: Point) -> float:
        """Height of a point over the plane, at right angles to it; 0 for one below."""
        over = point[1] - self.slope * point[0] - self.level
        return max(over / math.hypot(1.0, self.slope), 0.0)

    def foot(self, point: Point) -> Point:
        """The point's projection on the plane."""
        s, z = point
        t = (z - self.level) * self.slope
        foot = (s + t) / (1.0 + self.slope**2)
        return foot, self.slope * foot + self.level

    def mirrored(self, point: Point) -> Point:
        """The point's image in the plane; a point below it is its own foot."""
        foot = self.foot(point)
        if self.height(point) == 0.0:
            return foot
        return 2.0 * foot[0] - point[0], 2.0 * foot[1] - point[1]

    def distance(self, p: Point, q: Point) -> float:
        """Distance between the projections of two points."""
        return math.dist(self.foot(p), self.foot(q))


@dataclass(frozen=True)
class Profile:
    """Ground under a path that is straight or bent in plan.

    :ivar pieces: (s0, s1, z0, z1, roof) along the unfolded path, ascending, without gaps.
    :ivar line: the path in plan.
    """

    pieces: tuple[tuple[float, float, float, float, bool], ...]
    line: shapely.LineString
    scene: Scene
    default_g: float

    def mean_plane(self, start_m: float, end_m: float) -> Plane:
        """Least-squares line through the ground between two places along the path."""
        i0 = i1 = i2 = j0 = j1 = 0.0
        for s0, s1, z0, z1, _ in self.pieces:
            a, b = max(s0, start_m), min(s1, end_m)
            if b - a <= 0.0:
                continue
            m = (z1 - z0) / (s1 - s0)
            c = z0 - m * s0
            i0 += b - a
            i1 += (b**2 - a**2) / 2.0
            i2 += (b**3 - a**3) / 3.0
            j0 += m * (b**2 - a**2) / 2.0 + c * (b - a)
            j1 += m * (b**3 - a**3) / 3.0 + c * (b**2 - a**2) / 2.0
        det = i0 * i2 - i1**2
        if i0 <= 0.0 or det <= 1e-9 * max(i0 * i2, 1e-9):
            return Plane(0.0, j0 / i0 if i0 > 0.0 else self.ground_at(start_m))
        slope = (i0 * j1 - i1 * j0) / det
        return Plane(slope, (j0 - slope * i1) / i0)

    def ground_at(self, place_m: float) -> float:
        """Height of the ground (or roof) at a place along the path."""
        for s0, s1, z0, z1, _ in self.pieces:
            if s0 <= place_m <= s1:
                return z0 + (z1 - z0) * (place_m - s0) / (s1 - s0)
        return self.pieces[-1][3]

    def ground_factor(self, start_m: float, end_m: float) -> float:
        """Mean ground factor between two places, by length; roofs are hard."""
        if end_m - start_m <= 1e-9:
            return self.factor_at(start_m)
        total = 0.0
        for s0, s1, _, _, roof in self.pieces:
            a, b = max(s0, start_m), min(s1, end_m)
            if b - a > 0.0 and not roof:
                total += self._zones(a, b)
        return total / (end_m - start_m)

    def factor_at(self, place_m: float) -> float:
        """Ground factor at one place."""
        point = shapely.line_interpolate_point(self.line, place_m)
        for zone in self.scene.ground:
            if shapely.intersects(zone.polygon, point):
                return zone.g
        return self.default_g

    def _zones(self, a: float, b: float) -> float:
        if not self.scene.ground:
            return self.default_g * (b - a)
        rest: shapely.Geometry = shapely.ops.substring(self.line, a, b)
        total, covered = 0.0, 0.0
        for zone in self.scene.ground:
            part = shapely.intersection(rest, zone.polygon).length
            total += zone.g * part
            covered += part
            if part:
                rest = shapely.difference(rest, zone.polygon)
            if rest.is_empty:
                break
        return total + self.default_g * max(b - a - covered, 0.0)


def profile_along(
    legs: Sequence[Leg], scene: Scene, default_g: float, left_out: frozenset[int]
) -> Profile:
    """The ground under a path, with the roofs of the buildings that it passes over."""
    line = shapely.LineString([legs[0].a, *(leg.b for leg in legs)])
    length = sum(leg.length for leg in legs)
    relief = _relief(legs, scene, length)
    roofs = _roofs(line, scene, left_out)
    edges = {0.0, length} | {s for s, _ in relief} | {s for a, b, _ in roofs for s in (a, b)}
    places = sorted(s for s in edges if 0.0 <= s <= length)
    xs, zs = np.array(relief).T
    pieces = []
    for a, b in pairwise(places):
        if b - a < 1e-9:
            continue
        middle = 0.5 * (a + b)
        over = [roof for s0, s1, roof in roofs if s0 < middle < s1]
        if over and max(over) > float(np.interp(middle, xs, zs)):
            pieces.append((a, b, max(over), max(over), True))
        else:
            pieces.append((a, b, float(np.interp(a, xs, zs)), float(np.interp(b, xs, zs)), False))
    if not pieces:
        z = float(zs[0])
        pieces = [(0.0, max(length, 1e-6), z, z, False)]
    return Profile(tuple(pieces), line, scene, default_g)


def _relief(legs: Sequence[Leg], scene: Scene, length: float) -> list[Point]:
    terrain = scene.terrain
    if terrain is None:
        return [(0.0, 0.0), (max(length, 1e-6), 0.0)]
    inner = [(s, z) for s, z in terrain.points_along(legs) if 1e-6 < s < length - 1e-6]
    ends = [
        (0.0, terrain.height_at(legs[0].a, legs, 0.0)),
        (length, terrain.height_at(legs[-1].b, legs, length)),
    ]
    return sorted({ends[0], *inner, ends[1]})


def _roofs(
    line: shapely.LineString, scene: Scene, left_out: frozenset[int]
) -> list[tuple[float, float, float]]:
    """Stretches of the path over buildings: from, to, height of the roof."""
    if scene.tree is None:
        return []
    found = []
    for k in sorted(scene.tree.query(line, predicate="intersects")):
        roof = float(scene.heights_m[k])
        if k in left_out or not math.isfinite(roof):
            continue
        for part in shapely.get_parts(shapely.intersection(line, scene.footprints[k])):
            if part.geom_type != "LineString":
                continue
            ends: FloatArray = shapely.line_locate_point(
                line, shapely.points(shapely.get_coordinates(part))
            )
            middle = shapely.line_interpolate_point(part, 0.5, normalized=True)
            # A path along a wall does not pass over the roof.
            inside = shapely.distance(shapely.boundary(scene.footprints[k]), middle) > ALONG_WALL_M
            if np.ptp(ends) > 1e-6 and inside:
                found.append((float(ends.min()), float(ends.max()), roof))
    return found
