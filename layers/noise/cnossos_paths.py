"""CNOSSOS-EU propagation path by path: direct, over edges, round sides, off walls.

The scene and the search for edges are those of ISO 9613-2 (:mod:`layers.noise.obstruction`):
the rubber band over the tops in the vertical plane, and round each side in the plane that holds
source and receiver. What differs is how much each path takes off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from layers.noise.absorption import octave_absorption_db_per_km
from layers.noise.bands import FloatArray
from layers.noise.cnossos import (
    LEAST_RADIUS_M,
    MOST_OVER_DB,
    RADIUS_FACTOR,
    WAVELENGTHS_M,
    Both,
    diffraction_db,
    ground_db,
    ground_with_edge_db,
    ray_length_m,
)
from layers.noise.cnossos_profile import Plane, Point, Profile, profile_along
from layers.noise.model import NoiseOptions
from layers.noise.obstruction import Leg, SideSearch, crossings, obstacles_near
from layers.noise.reflectors import Bend
from layers.noise.rules import REFLECTION_TRIM_M
from layers.noise.scene import Scene
from layers.noise.terrain import Terrain

#: No side path is given up for being far off: the directive has no such rule.
_NO_LIMIT = 1e9


@dataclass(frozen=True, slots=True)
class _Way:
    """What a path needs over and over."""

    legs: tuple[Leg, ...]
    source: Point
    receiver: Point
    profile: Profile
    g_source: float

    @property
    def d_m(self) -> float:
        """Straight distance in the unfolded vertical plane."""
        return math.dist(self.source, self.receiver)


def trace_paths(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int] = frozenset(),
    g_source: float | None = None,
) -> list[Both]:
    """Levels by the direct path and those round the sides of what stands in its way.

    They are those of a source of 0 dB in every band.

    :param source, receiver: x, y, z in metres, clear of walls.
    :param g_source: ground factor at the source; None takes that of its place.
    """
    way = _way([source, receiver], scene, options, left_out, g_source)
    loss, blocked_by_object, ground_clear = _vertical(way, scene, options, left_out)
    paths = [_level(way.d_m, way.d_m, loss, options)]
    if options.lateral and options.screening and blocked_by_object and ground_clear:
        for side in (1, -1):
            round_it = _round_side(way, side, scene, options, left_out)
            if round_it is not None:
                paths.append(round_it)
    return paths


def trace_reflected(
    source: FloatArray,
    bend: Bend,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int] = frozenset(),
    g_source: float | None = None,
) -> Both:
    """Level by a path off a vertical wall, with what goes over the wall's top taken off.

    The path is unfolded; the level is that of a source of 0 dB in every band.

    Source: 2.5.36 to 2.5.38, retro-diffraction by Delegated Directive (EU) 2021/1226.
    """
    way = _way([source, bend.xyz, receiver], scene, options, left_out, g_source)
    loss, _, _ = _vertical(way, scene, options, left_out)
    top = (way.legs[0].length, bend.top_m)
    over = _edge(way.source, [top], way.receiver)
    with np.errstate(divide="ignore"):
        wall = -10.0 * np.log10(bend.reflected)
    total = Both(
        loss.homogeneous + wall + diffraction_db(-over.homogeneous_m, 0.0),
        loss.favourable + wall + diffraction_db(-over.bent_m, 0.0),
    )
    return _level(way.d_m, way.d_m, total, options)


def _way(
    points: Sequence[FloatArray],
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int],
    g_source: float | None,
) -> _Way:
    legs = tuple(Leg(p[:2], q[:2]) for p, q in pairwise(points))
    profile = profile_along(legs, scene, options.default_ground_factor, left_out)
    dp = sum(leg.length for leg in legs)
    g = profile.factor_at(0.0) if g_source is None else g_source
    return _Way(legs, (0.0, float(points[0][2])), (dp, float(points[-1][2])), profile, g)


def _level(d_m: float, along_m: float, loss: Both, options: NoiseOptions) -> Both:
    alpha = octave_absorption_db_per_km(
        options.temperature_c, options.relative_humidity_pct, options.pressure_kpa
    )
    spread = 20.0 * math.log10(max(d_m, 1.0)) + 11.0 + alpha * along_m / 1000.0
    return Both(-spread - loss.homogeneous, -spread - loss.favourable)


def _ground(way: _Way, start: Point, end: Point, plane: Plane, g_source: float | None) -> Both:
    return ground_db(
        plane.distance(start, end), plane.height(start), plane.height(end),
        way.profile.ground_factor(start[0], end[0]), g_source,
    )  # fmt: skip


def _vertical(
    way: _Way, scene: Scene, options: NoiseOptions, left_out: frozenset[int]
) -> tuple[Both, bool, bool]:
    """Loss by ground and edges in the vertical plane; whether an object (not the relief) stands in
    the line of sight, and whether the relief leaves it clear."""
    (s0, z0), (dp, z1) = way.source, way.receiver
    plane = way.profile.mean_plane(s0, dp)
    clear = _ground(way, way.source, way.receiver, plane, way.g_source)
    if not options.screening or dp <= 1e-6:
        return clear, False, True
    tops = _tops(way, scene, left_out)
    slope = (z1 - z0) / dp
    above = [t for t in tops if t[1] > z0 + slope * t[0]]
    if above:
        points = [(s, z) for s, z, _ in above]
        loss = Both(
            _over(way, _hull(points, way)).homogeneous,
            _over(way, _bent_hull(points, way)).favourable,
        )
        return loss, any(not t for _, _, t in above), not any(t for _, _, t in above)
    if not tops:
        return clear, False, True
    best = min(tops, key=lambda t: math.dist(way.source, t[:2]) + math.dist(t[:2], way.receiver))
    return _barely_clear(way, (best[0], best[1]), clear), False, True


def _tops(way: _Way, scene: Scene, left_out: frozenset[int]) -> list[tuple[float, float, bool]]:
    """Tops that the path crosses: place along it, height, whether it is the relief."""
    found: list[tuple[float, float, bool]] = []
    done, last = 0.0, len(way.legs) - 1
    for number, leg in enumerate(way.legs):
        low = REFLECTION_TRIM_M if number else 0.0
        high = leg.length - (REFLECTION_TRIM_M if number < last else 0.0)
        for item in obstacles_near(scene, leg, left_out):
            found += [(done + c.t, c.top, False) for c in crossings(item, leg, 1, 0.0, 0.0)
                      if low < c.t < high]  # fmt: skip
        done += leg.length
    if scene.terrain is not None:
        found += [(s, z, True) for s, z in scene.terrain.points_along(way.legs)
                  if 1e-6 < s < done - 1e-6]  # fmt: skip
    return found


def _hull(above: list[Point], way: _Way) -> list[Point]:
    """Edges that the rubber band over the tops touches, from source to receiver."""
    ends = [way.source, way.receiver]
    shape = shapely.convex_hull(shapely.multipoints([*above, *ends]))
    (s0, z0), (dp, z1) = ends
    slope = (z1 - z0) / dp
    points = {(float(s), float(z)) for s, z in shapely.get_coordinates(shape)}
    return sorted(p for p in points if s0 < p[0] < dp and p[1] > z0 + slope * p[0])


def _bent_hull(above: list[Point], way: _Way) -> list[Point]:
    """The same for bent rays: what is not above their arc lets them pass straight on."""
    radius_m = max(LEAST_RADIUS_M, RADIUS_FACTOR * way.d_m)
    dp = way.receiver[0]
    true = {(s, z - s * (dp - s) / (2.0 * radius_m)): (s, z) for s, z in above}
    kept = [true[p] for p in _hull(list(true), way)]
    if kept:
        return kept
    return [max(above, key=lambda p: math.dist(way.source, p) + math.dist(p, way.receiver))]


@dataclass(frozen=True, slots=True)
class _Detour:
    """Path differences over edges, negative where the line passes above them."""

    homogeneous_m: float
    bent_m: float


def _edge(start: Point, edges: Sequence[Point], end: Point) -> _Detour:
    """How much longer the way over edges is than the straight one, for straight and bent rays."""
    steps = [math.dist(p, q) for p, q in pairwise([start, *edges, end])]
    d = math.dist(start, end)
    bent = [ray_length_m(step, d) for step in steps]
    straight = ray_length_m(d, d)
    first = edges[0]
    run = end[0] - start[0]
    share = (first[0] - start[0]) / run if run else 0.0
    z_line = start[1] + share * (end[1] - start[1])
    if len(edges) > 1 or first[1] >= z_line:
        return _Detour(sum(steps) - d, sum(bent) - straight)
    # Seen from an edge below the line, twice the way over the point above it (2.5.27).
    on_line = (first[0], z_line)
    over = ray_length_m(math.dist(start, on_line), d) + ray_length_m(math.dist(on_line, end), d)
    return _Detour(d - sum(steps), 2.0 * over - sum(bent) - straight)


def _over(way: _Way, edges: Sequence[Point]) -> Both:
    """Loss over edges: diffraction and the ground on both sides of them (2.5.30)."""
    first, last = edges[0], edges[-1]
    between = sum(math.dist(p, q) for p, q in pairwise(edges))
    near = way.profile.mean_plane(way.source[0], first[0])
    far = way.profile.mean_plane(last[0], way.receiver[0])
    before = _ground(way, way.source, first, near, way.g_source)
    after = _ground(way, last, way.receiver, far, None)
    straight = _edge(way.source, edges, way.receiver)
    of_source = _edge(near.mirrored(way.source), edges, way.receiver)
    of_receiver = _edge(way.source, edges, far.mirrored(way.receiver))

    def total(ground_s: FloatArray, ground_r: FloatArray, *detours: float) -> FloatArray:
        direct, image_s, image_r = (diffraction_db(z, between) for z in detours)
        return np.asarray(
            np.minimum(direct, MOST_OVER_DB)
            + ground_with_edge_db(ground_s, image_s, direct)
            + ground_with_edge_db(ground_r, image_r, direct)
        )

    return Both(
        total(before.homogeneous, after.homogeneous, straight.homogeneous_m,
              of_source.homogeneous_m, of_receiver.homogeneous_m),
        total(before.favourable, after.favourable, straight.bent_m, of_source.bent_m,
              of_receiver.bent_m),
    )  # fmt: skip


def _barely_clear(way: _Way, edge: Point, clear: Both) -> Both:
    """Loss where the line passes above an edge: diffraction in the bands that still feel it.

    Rayleigh's criterion: the path difference is above ``-λ/20``, and above ``λ/4`` less that of
    the images in the mean ground planes on both sides.
    """
    straight = _edge(way.source, [edge], way.receiver)
    if max(straight.homogeneous_m, straight.bent_m) <= -WAVELENGTHS_M[0] / 20.0:
        return clear
    near = way.profile.mean_plane(way.source[0], edge[0])
    far = way.profile.mean_plane(edge[0], way.receiver[0])
    images = _edge(near.mirrored(way.source), [edge], far.mirrored(way.receiver))
    over = _over(way, [edge])

    def felt(z: float, of_images: float) -> npt.NDArray[np.bool_]:
        return np.asarray((z > -WAVELENGTHS_M / 20.0) & (z > WAVELENGTHS_M / 4.0 - of_images))

    return Both(
        np.where(felt(straight.homogeneous_m, images.homogeneous_m), over.homogeneous,
                 clear.homogeneous),
        np.where(felt(straight.bent_m, images.bent_m), over.favourable, clear.favourable),
    )  # fmt: skip


class _Side(SideSearch):
    """A search that also tells where the path runs in plan."""

    def plan(self) -> list[FloatArray]:
        """Points of the path found, from source to receiver."""
        return [self._plan(point) for point in self._hull() or ()]


def _round_side(
    way: _Way, side: int, scene: Scene, options: NoiseOptions, left_out: frozenset[int]
) -> Both | None:
    """Level of the path round one side, None where there is none."""
    search = _Side(
        scene, way.legs[0], way.source[1], way.receiver[1], side, left_out, _NO_LIMIT, _NO_LIMIT
    )
    band = search.band()
    if band is None:
        return None
    legs = tuple(Leg(p, q) for p, q in pairwise(search.plan()) if math.dist(p, q) > 1e-9)
    if scene.terrain is not None and _under_ground(legs, way, scene.terrain):
        return None
    profile = profile_along(legs, scene, options.default_ground_factor, left_out)
    length = sum(leg.length for leg in legs)
    bent = _Way(legs, way.source, (length, way.receiver[1]), profile, way.g_source)
    ground = _ground(bent, bent.source, bent.receiver, profile.mean_plane(0.0, length),
                     way.g_source)  # fmt: skip
    edges = diffraction_db(band.path_difference_m, band.between_m)
    loss = Both(ground.homogeneous + edges, ground.favourable + edges)
    return _level(way.d_m, way.d_m + band.path_difference_m, loss, options)


def _under_ground(legs: Sequence[Leg], way: _Way, terrain: Terrain) -> bool:
    """Whether the relief rises above a path round a side."""
    length = sum(leg.length for leg in legs)
    rise = (way.receiver[1] - way.source[1]) / length
    return any(
        z > way.source[1] + rise * s
        for s, z in terrain.points_along(legs)
        if 1e-6 < s < length - 1e-6
    )
