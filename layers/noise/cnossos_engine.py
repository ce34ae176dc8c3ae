"""CNOSSOS-EU propagation as a second engine: same scene, same interface as ISO 9613-2.

For one source and receiver at a time, with Shapely: complete and slow. Divergence decides first
which pairs are worth tracing, as in the other engine.
"""

from __future__ import annotations

import math

import numpy as np

from layers.noise.bands import A_WEIGHTS, N_BANDS, FloatArray, energy_to_db
from layers.noise.cnossos import Both, long_term_db
from layers.noise.cnossos_paths import trace_paths, trace_reflected
from layers.noise.model import NoiseOptions, NoiseResult, Receivers, Sources
from layers.noise.reflectors import bends
from layers.noise.scene import Scene
from layers.noise.walls import clear_of_walls

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
            left_out = near.around(int(i)) | far.around(j)
            own = int(receivers.own_building[j])
            for both in _levels(near.xyz[i], far.xyz[j], scene, options, left_out, own, g_source):
                level = sources.lw_db[i] + long_term_db(both, options.favourable_share)
                e = gain * 10.0 ** (0.1 * level)
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
        n_below_cut=below,
        missing=scene.missing_notes(near.n_inside, far.n_inside),
    )


def _levels(
    source: FloatArray,
    receiver: FloatArray,
    scene: Scene,
    options: NoiseOptions,
    left_out: frozenset[int],
    own_building: int,
    g_source: float | None,
) -> list[Both]:
    """Levels of a source of 0 dB by the direct path, round sides and off one vertical wall."""
    levels = trace_paths(source, receiver, scene, options, left_out, g_source)
    if options.reflections:
        levels += [
            trace_reflected(source, bend, receiver, scene, options, left_out, g_source)
            for bend in bends(source, receiver, scene, options, own_building)
        ]
    return levels


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
    power = 10.0 ** (0.1 * sources.lw_db[reached]) @ A_WEIGHTS
    most = gain * float((power / d**2).sum()) * 10.0 ** (0.1 * (MOST_GAIN_DB - 11.0))
    return most > 0.0 and 10.0 * math.log10(most) >= options.lowest_level_dba


def _facade_db(receivers: Receivers, options: NoiseOptions, j: int) -> float:
    return options.facade_reflection_db if receivers.own_building[j] >= 0 else 0.0
