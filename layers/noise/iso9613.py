"""Sound propagation outdoors, ISO 9613-2: the public interface.

>>> import numpy as np
>>> result = propagate(
...     Sources(xyz=np.array([[0.0, 0.0, 1.5]]), lw_db=np.full((1, 8), 95.0)),
...     Receivers(xyz=np.array([[30.0, 0.0, 4.5]])),
... )
>>> float(result.laeq_dba[0].round(1))
63.6

The interface is small:

``propagate(sources, receivers, *, scene=None, options=NoiseOptions()) -> NoiseResult``

* ``Sources(xyz (n, 3), lw_db (n, 8), group (n,))``: points; ``lw_db`` has the on-time in it.
* ``Receivers(xyz (m, 3), own_building (m,) or -1)``.
* ``Scene(footprints, heights_m, barriers, ground, terrain)``.
* ``NoiseOptions(edition, temperature_c, relative_humidity_pct, pressure_kpa, ground_method,
  default_ground_factor, screening, lateral, reflections, facade_absorption,
  facade_reflection_db, max_reach_m, lowest_level_dba, c0_db)``.
* ``NoiseResult``: ``laeq_dba (m,)``, ``by_group_dba (m, n_groups)``, ``groups``, ``bands_db
  (m, 8)``, ``n_paths``, ``n_beyond_reach``, ``n_below_cut``, ``missing``, ``describe()``.
"""

from __future__ import annotations

import numpy as np

from layers.noise.absorption import octave_absorption_db_per_km
from layers.noise.bands import A_WEIGHTING_DB, N_BANDS, FloatArray, energy_to_db
from layers.noise.ground import (
    alternative_ground_db,
    general_ground_db,
    meteorological_correction_db,
    solid_angle_db,
)
from layers.noise.model import (
    Barrier,
    GroundZone,
    NoiseOptions,
    NoiseResult,
    Receivers,
    Sources,
    refuse_underground,
)
from layers.noise.scene import Scene

__all__ = [
    "Barrier", "GroundZone", "NoiseOptions", "NoiseResult", "Receivers", "Scene", "Sources",
    "propagate",
]  # fmt: skip

#: Nearer than this the formulas do not hold; a receiver on a source is computed at 1 m.
NEAREST_M = 1.0


def propagate(
    sources: Sources,
    receivers: Receivers,
    *,
    scene: Scene | None = None,
    options: NoiseOptions | None = None,
) -> NoiseResult:
    """Equivalent continuous levels at receivers from point sources outdoors.

    Assumes downwind propagation (or a moderate ground inversion) and sources that are points at
    their distances: split lines and areas first (:mod:`layers.noise.emission`).

    :param sources: point sources with octave-band sound power.
    :param receivers: receiver points.
    :param scene: buildings, barriers and ground; ``None`` is open, flat ground.
    :param options: method and parameters.
    :returns: levels per receiver and group, with what is needed for the method sheet.
    :raises DataError: a source or receiver under flat ground.

    Source: ISO 9613-2:1996 read with ISO/TR 17534-3:2015, or ISO 9613-2:2024. Margin ±3 dB up to
    1000 m. Not for upwind propagation, for indoor noise, nor for single events.
    """
    opts = options or NoiseOptions()
    place = scene or Scene()
    if place.terrain is None:
        refuse_underground(sources.xyz, "source")
        refuse_underground(receivers.xyz, "receiver")
    groups, index = np.unique(sources.group, return_inverse=True)
    energy = np.zeros((len(receivers), len(groups)))
    bands = np.zeros((len(receivers), N_BANDS))
    beyond = 0
    weight = 10.0 ** (0.1 * A_WEIGHTING_DB)
    for k in range(len(sources)):
        level, reached = _free_field(sources.xyz[k], sources.lw_db[k], receivers, opts)
        beyond += int((~reached).sum())
        power = np.where(reached[:, None], 10.0 ** (0.1 * level), 0.0)
        bands += power
        energy[:, index[k]] += power @ weight
    return NoiseResult(
        laeq_dba=energy_to_db(energy.sum(axis=1)),
        by_group_dba=energy_to_db(energy),
        groups=groups,
        bands_db=energy_to_db(bands),
        options=opts,
        n_paths=len(sources) * len(receivers),
        n_beyond_reach=beyond,
        missing=("Screening and reflections are not computed yet.",),
    )


def _free_field(
    source: FloatArray, lw_db: FloatArray, receivers: Receivers, options: NoiseOptions
) -> tuple[FloatArray, np.ndarray]:
    """Octave-band levels (m, 8) of one source without obstacles, and which are within reach."""
    delta = receivers.xyz - source
    dp = np.hypot(delta[:, 0], delta[:, 1])
    d = np.maximum(np.sqrt((delta**2).sum(axis=1)), NEAREST_M)
    hs, hr = source[2], receivers.xyz[:, 2]
    alpha = octave_absorption_db_per_km(
        options.temperature_c, options.relative_humidity_pct, options.pressure_kpa
    )
    divergence = 20.0 * np.log10(d) + 11.0
    level = lw_db - divergence[:, None] - d[:, None] * alpha / 1000.0
    g = options.default_ground_factor
    if options.ground_method == "general":
        level -= general_ground_db(dp, hs, hr, g, g, g, edition=options.edition)
    elif options.ground_method == "alternative":
        mean_height = 0.5 * (hs + hr) * dp / d
        gain = solid_angle_db(dp, hs, hr) - alternative_ground_db(d, mean_height)
        level += gain[:, None]
    level -= meteorological_correction_db(dp, hs, hr, options.c0_db)[:, None]
    facade = np.where(receivers.own_building >= 0, options.facade_reflection_db, 0.0)
    return level + facade[:, None], dp <= options.max_reach_m
