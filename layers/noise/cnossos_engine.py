"""CNOSSOS-EU propagation as a second engine: same scene, same interface as ISO 9613-2.

For one source and receiver at a time, with Shapely: complete and slow. Divergence decides first
which pairs are worth tracing, as in the other engine.
"""

from __future__ import annotations

import math

import numpy as np

from layers.noise.bands import A_WEIGHTING_DB, N_BANDS, FloatArray, energy_to_db
from layers.noise.cnossos import long_term_db
from layers.noise.cnossos_paths import CnossosPath, trace_paths, trace_reflected
from layers.noise.model import NoiseOptions, NoiseResult, Receivers, Sources
from layers.noise.reflectors import facing_walls
from layers.noise.rules import REFLECTION_TRIM_M
from layers.noise.scene import Scene
from layers.noise.walls import ClearPoints, clear_of_walls

#: No ground and no edge makes a path louder than this over divergence: hard ground in favourable
#: conditions takes at most 9 dB off the loss, a few reflections and side paths the rest.
MOST_GAIN_DB = 15.0


def propagate_cnossos(
    sources: Sources,
    receivers: Receivers,
    *,
    scene: Scene,
    options: NoiseOptions,
    g_source: float | None = None,
) -> NoiseResult:
    """Long-term levels by CNOSSOS-EU, path by path.

    Assumes what :func:`layers.noise.iso9613.propagate` does, and that favourable conditions
    hold for ``options.favourable_share`` of the time.

    :param g_source: ground factor under the sources, where it differs from that of the zones.
    :returns: levels as the other engine's.

    Source: Directive (EU) 2015/996, annex, 2.5, as amended by (EU) 2021/1226. Made for roads,
    railways and industry; for a building site it is a second opinion.
    """
    groups, index = np.unique(sources.group, return_inverse=True)
    near = clear_of_walls(sources.xyz, scene.footprints, scene.heights_m, scene.tree)
    far = clear_of_walls(receivers.xyz, scene.footprints, scene.heights_m, scene.tree)
    energy = np.zeros((len(receivers), len(groups)))
    bands = np.zeros((len(receivers), N_BANDS))
    beyond = below = 0
    for j in range(len(receivers)):
        gain = 10.0 ** (0.1 * _facade_db(receivers, options, j))
        away = np.hypot(*(near.xyz[:, :2] - far.xyz[j, :2]).T)
        reached = away <= options.max_reach_m
        beyond += int((~reached).sum())
        if not _can_be_heard(sources, near.xyz, far.xyz[j], reached, gain, options):
            below += int(reached.sum())
            continue
        for i in np.flatnonzero(reached):
            left_out = frozenset(_inside(near, int(i))) | frozenset(_inside(far, j))
            own = int(receivers.own_building[j])
            for path in _paths(near.xyz[i], far.xyz[j], scene, options, left_out, own, g_source):
                level = sources.lw_db[i] + long_term_db(path.level_db, options.favourable_share)
                e = gain * 10.0 ** (0.1 * level)
                bands[j] += e
                energy[j, index[i]] += float(e @ 10.0 ** (0.1 * A_WEIGHTING_DB))
    return NoiseResult(
        laeq_dba=energy_to_db(energy.sum(axis=1)),
        by_group_dba=energy_to_db(energy),
        groups=groups,
        bands_db=energy_to_db(bands),
        options=options,
        n_paths=len(sources) * len(receivers),
        n_beyond_reach=beyond,
        n_below_cut=below,
        missing=scene.missing_notes(near.n_inside, far.n_inside),
    )


def _paths(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int],
    own: int,
    g_source: float | None,
) -> list[CnossosPath]:
    paths = trace_paths(source, receiver, scene, options, left_out, g_source)
    if options.reflections and (len(scene.footprints) or scene.barriers):
        paths += _reflections(source, receiver, scene, options, left_out, own, g_source)
    return paths


def _reflections(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int],
    own: int,
    g_source: float | None,
) -> list[CnossosPath]:
    """Paths off one vertical wall; the own façade never reflects, nor does a wall passed over."""
    shift = np.r_[scene.origin, 0.0]
    s, r = source - shift, receiver - shift
    walls = facing_walls(
        scene.rings, s[None, :], options.max_reach_m, options.wall_absorption,
        tuple(scene.barriers), len(scene.footprints),
    )  # fmt: skip
    found = []
    for k in range(len(walls.owner)):
        a, b, image = walls.line[k, :3], walls.line[k, 3:], walls.image[k]
        if walls.owner[k] == own:
            continue
        share, along = _crossing(image, r[:2], a[:2], b[:2])
        dp = float(np.hypot(*(r[:2] - image)))
        if not (0.0 < share < 1.0 and 0.0 < along < 1.0) or dp > options.max_reach_m:
            continue
        if min(share, 1.0 - share) * dp <= 2.0 * REFLECTION_TRIM_M:
            continue
        height, top = s[2] + share * (r[2] - s[2]), a[2] + along * (b[2] - a[2])
        if height >= top:
            continue
        bend = np.array([*(image + share * (r[:2] - image)), height]) + shift
        found.append(
            trace_reflected(
                source, bend, receiver, float(top), 1.0 - walls.share[k], scene, options,
                left_out, g_source,
            )
        )  # fmt: skip
    return found


def _crossing(p: FloatArray, q: FloatArray, a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Where the lines p-q and a-b meet, as shares of each; (-1, -1) for parallel ones."""
    turn = np.column_stack([q - p, a - b])
    if abs(float(np.linalg.det(turn))) < 1e-12:
        return -1.0, -1.0
    share, along = np.linalg.solve(turn, a - p)
    return float(share), float(along)


def _can_be_heard(
    sources: Sources,
    near: FloatArray,
    receiver: FloatArray,
    reached: np.ndarray,
    gain: float,
    options: NoiseOptions,
) -> bool:
    """Whether the sources together can lift a receiver to the lowest level, by divergence."""
    d = np.maximum(np.linalg.norm(near - receiver, axis=1)[reached], 1.0)
    power = (10.0 ** (0.1 * (sources.lw_db[reached] + A_WEIGHTING_DB))).sum(axis=1)
    most = gain * float((power / d**2).sum()) * 10.0 ** (0.1 * (MOST_GAIN_DB - 11.0))
    return most > 0.0 and 10.0 * math.log10(most) >= options.lowest_level_dba


def _facade_db(receivers: Receivers, options: NoiseOptions, j: int) -> float:
    return options.facade_reflection_db if receivers.own_building[j] >= 0 else 0.0


def _inside(points: ClearPoints, k: int) -> list[int]:
    return [int(b) for b in points.inside[points.pointer[k] : points.pointer[k + 1]]]
