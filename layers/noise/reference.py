"""ISO 9613-2 path by path with Shapely: slow, complete, and the measure for the kernel.

It also serves where the ground is not flat. Every term of every path can be looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from layers.noise.absorption import octave_absorption_db_per_km
from layers.noise.bands import (
    A_WEIGHTS,
    N_BANDS,
    WAVELENGTHS_M,
    FloatArray,
    energy_to_db,
)
from layers.noise.diffraction import (
    barrier_attenuation_db,
    side_screening_db,
    top_screening_db,
)
from layers.noise.ground import (
    alternative_ground_db,
    general_ground_db,
    meteorological_correction_db,
    solid_angle_db,
)
from layers.noise.ground_along import factors_along
from layers.noise.model import NoiseOptions, NoiseResult, Receivers, Sources
from layers.noise.obstruction import Band, Leg, SideSearch, crossings, obstacles_near, over_the_top
from layers.noise.reflectors import bends
from layers.noise.rules import (
    REFLECTION_TRIM_M,
    SIDE_OFFSET_FACTOR,
    WEAK_SIDE_BAND,
    WEAK_SIDE_M,
)
from layers.noise.scene import Scene
from layers.noise.walls import clear_of_walls


@dataclass(frozen=True, slots=True)
class PathTrace:
    """Every term of one path; bands are 63 Hz to 8 kHz, dB, shape (8,).

    ``level_db`` is ``Lw + gain - Adiv - Aatm - Agr - Abar - Cmet`` for a source of 0 dB;
    ``gain_db`` is the solid-angle term of the alternative ground method and, for a reflection,
    the loss at the wall (-inf in bands that the wall is too small to reflect).
    """

    d_m: float
    dp_m: float
    hs_m: float
    hr_m: float
    divergence_db: float
    air_db: FloatArray
    ground_db: FloatArray
    ground_factors: tuple[float, float, float]
    barrier_db: FloatArray
    gain_db: FloatArray
    cmet_db: float
    top: Band | None
    sides: tuple[Band | None, Band | None]

    @property
    def level_db(self) -> FloatArray:
        """Level at the receiver from a source of 0 dB in every band."""
        loss = self.divergence_db + self.air_db + self.ground_db + self.barrier_db + self.cmet_db
        return np.asarray(self.gain_db - loss, dtype=float)


def trace_direct(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int] = frozenset(),
) -> PathTrace:
    """The direct path with screening over the top and round both sides.

    :param source: x, y, z in metres, clear of walls.
    :param receiver: x, y, z in metres, clear of walls.
    :param left_out: buildings taken as absent.
    """
    return _trace([source, receiver], scene, options, left_out, lateral=options.lateral)


def trace_reflections(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    own_building: int = -1,
    left_out: frozenset[int] = frozenset(),
) -> list[PathTrace]:
    """First-order reflections, each screened over the top along its unfolded path."""
    traces = []
    for bend in bends(source, receiver, scene, options, own_building):
        d = math.hypot(bend.dp_m, receiver[2] - source[2])
        cosine = bend.across_m / d
        limit = (2.0 / (bend.least_m * cosine) ** 2) * bend.share * (1.0 - bend.share) * d
        with np.errstate(divide="ignore"):
            loss = 10.0 * np.log10(np.where(limit < 1.0 / WAVELENGTHS_M, bend.reflected, 0.0))
        way = [source, bend.xyz, receiver]
        traces.append(_trace(way, scene, options, left_out, lateral=False, gain=loss))
    return traces


def _trace(
    way: list[FloatArray],
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int],
    *,
    lateral: bool,
    gain: FloatArray | None = None,
) -> PathTrace:
    """Terms of a path with at most one bend."""
    source, receiver = way[0], way[-1]
    legs = [Leg(p[:2], q[:2]) for p, q in pairwise(way)]
    dp = sum(leg.length for leg in legs)
    d_true = math.hypot(dp, receiver[2] - source[2])
    d = max(d_true, 1.0)
    hs, hr = source[2], receiver[2]
    if scene.terrain is not None:
        hs = max(hs - scene.terrain.height_at(source[:2], legs, 0.0), 0.0)
        hr = max(hr - scene.terrain.height_at(receiver[:2], legs, dp), 0.0)
    air = octave_absorption_db_per_km(
        options.temperature_c, options.relative_humidity_pct, options.pressure_kpa
    )
    g = options.default_ground_factor
    factors = factors_along(scene.ground, legs, hs, hr, g) if scene.ground else (g, g, g)
    angle = 0.0
    ground = np.zeros(N_BANDS)
    if options.ground_method == "general":
        ground = general_ground_db(dp, hs, hr, *factors, edition=options.edition)
    elif options.ground_method == "alternative":
        area = 0.5 * (source[2] + receiver[2]) * dp
        if scene.terrain is not None:
            area -= scene.terrain.area_below(legs)
        ground = np.full(N_BANDS, float(alternative_ground_db(d, max(area, 0.0) / d)))
        angle = float(solid_angle_db(dp, hs, hr))
    top: Band | None = None
    sides: tuple[Band | None, Band | None] = (None, None)
    barrier = np.zeros(N_BANDS)
    if options.screening and dp > 1e-6:
        top, sides = _bands(legs, source[2], receiver[2], scene, left_out, lateral, options)
        barrier = _barrier_db(top, sides, ground, d_true, options.edition)
    return PathTrace(
        d_m=d, dp_m=dp, hs_m=hs, hr_m=hr,
        divergence_db=20.0 * math.log10(d) + 11.0,
        air_db=air * d / 1000.0,
        ground_db=ground,
        ground_factors=factors,
        barrier_db=barrier,
        gain_db=(np.zeros(N_BANDS) if gain is None else gain) + angle,
        cmet_db=float(meteorological_correction_db(dp, hs, hr, options.c0_db)),
        top=top,
        sides=sides,
    )  # fmt: skip


def _bands(
    legs: list[Leg],
    z_source: float,
    z_receiver: float,
    scene: Scene,
    left_out: frozenset[int],
    lateral: bool,
    options: NoiseOptions,
) -> tuple[Band | None, tuple[Band | None, Band | None]]:
    dp = sum(leg.length for leg in legs)
    profile: list[tuple[float, float, bool]] = []
    done = 0.0
    for number, leg in enumerate(legs):
        first = REFLECTION_TRIM_M if number else 0.0
        last = leg.length - (REFLECTION_TRIM_M if number < len(legs) - 1 else 0.0)
        for item in obstacles_near(scene, leg, left_out):
            for c in crossings(item, leg, 1, 0.0, 0.0):
                if first < c.t < last:
                    profile.append((done + c.t, c.top, False))
        done += leg.length
    if scene.terrain is not None:
        profile += [(s, z, True) for s, z in scene.terrain.points_along(legs) if 0.0 < s < dp]
    top, terrain, offset = over_the_top(profile, dp, z_source, z_receiver)
    if top is None or not lateral or terrain or offset <= 0.0 or len(legs) > 1:
        return top, (None, None)
    over = _top_db(top, math.hypot(dp, z_receiver - z_source), options.edition)
    strength = 10.0 ** (0.1 * (over[WEAK_SIDE_BAND] + options.weak_side_db))
    limits = (SIDE_OFFSET_FACTOR * offset, (strength - 3.0) * WEAK_SIDE_M)
    left, right = (
        SideSearch(scene, legs[0], z_source, z_receiver, side, left_out, *limits).band()
        for side in (1, -1)
    )
    return top, (left, right)


def _barrier_db(
    top: Band | None,
    sides: tuple[Band | None, Band | None],
    ground: FloatArray,
    d: float,
    edition: str,
) -> FloatArray:
    if top is None:
        return np.zeros(N_BANDS)
    over = _top_db(top, d, edition)
    around = [
        side_screening_db(b.between_m, b.edges, b.path_difference_m) for b in sides if b is not None
    ]
    return barrier_attenuation_db(over, np.array(around), ground)


def _top_db(top: Band, d: float, edition: str) -> FloatArray:
    return top_screening_db(
        dss_m=top.first_m, between_m=top.between_m, dsr_m=top.last_m, edges=top.edges,
        path_difference_m=top.path_difference_m, distance_m=d, edition=edition,
    )  # fmt: skip


def propagate_reference(
    sources: Sources, receivers: Receivers, *, scene: Scene, options: NoiseOptions
) -> NoiseResult:
    """Levels as :func:`layers.noise.iso9613.propagate`, path by path; no path is left out as weak.

    Use it to check the kernel and where the scene has a terrain; it is slower by far.
    """
    groups, index = np.unique(sources.group, return_inverse=True)
    near = clear_of_walls(sources.xyz, scene.footprints, scene.heights_m, scene.tree)
    far = clear_of_walls(receivers.xyz, scene.footprints, scene.heights_m, scene.tree)
    energy = np.zeros((len(receivers), len(groups)))
    bands = np.zeros((len(receivers), N_BANDS))
    beyond = 0
    for j in range(len(receivers)):
        facade = options.facade_reflection_db if receivers.own_building[j] >= 0 else 0.0
        for i in range(len(sources)):
            s, r = near.xyz[i], far.xyz[j]
            if np.hypot(*(s - r)[:2]) > options.max_reach_m:
                beyond += 1
                continue
            left_out = near.around(i) | far.around(j)
            traces = [trace_direct(s, r, scene, options, left_out)]
            if options.reflections:
                own = int(receivers.own_building[j])
                traces += trace_reflections(s, r, scene, options, own, left_out)
            for trace in traces:
                e = 10.0 ** (0.1 * (sources.lw_db[i] + trace.level_db + facade))
                bands[j] += e
                energy[j, index[i]] += float(e @ A_WEIGHTS)
    return NoiseResult(
        laeq_dba=energy_to_db(energy.sum(axis=1)),
        by_group_dba=energy_to_db(energy),
        groups=groups,
        bands_db=energy_to_db(bands),
        options=options,
        n_paths=len(sources) * len(receivers),
        n_beyond_reach=beyond,
        missing=scene.missing_notes(near.n_inside, far.n_inside),
    )
