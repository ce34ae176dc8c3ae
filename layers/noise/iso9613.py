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
* ``NoiseOptions(method, edition, temperature_c, relative_humidity_pct, pressure_kpa, ground_method,
  default_ground_factor, screening, lateral, weak_side_db, reflections, facade_absorption,
  facade_reflection_db, max_reach_m, lowest_level_dba, c0_db, favourable_share)``; the method
  ``cnossos`` takes the other engine, :mod:`layers.noise.cnossos_engine`.
* ``NoiseResult``: ``laeq_dba (m,)``, ``by_group_dba (m, n_groups)``, ``groups``, ``bands_db
  (m, 8)``, ``n_paths``, ``n_beyond_reach``, ``n_below_cut``, ``missing``, ``describe()``.
"""

from __future__ import annotations

import numpy as np
import shapely

from layers.noise.absorption import octave_absorption_db_per_km
from layers.noise.bands import N_BANDS, FloatArray, energy_to_db
from layers.noise.cnossos_engine import propagate_cnossos
from layers.noise.jit import thread_count
from layers.noise.kernel import PointArrays, propagate_arrays, receiver_groups
from layers.noise.kernel_geometry import SceneArrays, points_at_walls
from layers.noise.kernel_paths import Parameters
from layers.noise.kernel_physics import ALTERNATIVE, GENERAL, NO_GROUND, ZoneArrays
from layers.noise.model import (
    Barrier,
    GroundZone,
    NoiseOptions,
    NoiseResult,
    Receivers,
    Sources,
    refuse_underground,
)
from layers.noise.reference import propagate_reference
from layers.noise.reflectors import facing_walls, no_walls
from layers.noise.scene import Scene
from layers.noise.walls import CLEARANCE_M, ClearPoints, clear_of_walls

__all__ = [
    "Barrier", "GroundZone", "NoiseOptions", "NoiseResult", "Receivers", "Scene", "Sources",
    "propagate", "warm_up",
]  # fmt: skip


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
    if opts.method == "cnossos":
        return propagate_cnossos(sources, receivers, scene=place, options=opts)
    if place.terrain is not None:
        return propagate_reference(sources, receivers, scene=place, options=opts)
    return _propagate_kernel(sources, receivers, place, opts)


def warm_up() -> None:
    """Compile the kernel, or load it from the disk cache, so that no user waits for it."""
    box = shapely.box(10.0, -5.0, 20.0, 5.0)
    zone = GroundZone(shapely.box(0.0, -20.0, 9.0, 20.0), 1.0)
    propagate(
        Sources(xyz=np.array([[0.0, 0.0, 1.0]]), lw_db=np.full((1, N_BANDS), 90.0)),
        Receivers(xyz=np.array([[40.0, 0.0, 4.0]])),
        scene=Scene(footprints=[box], heights_m=[10.0], ground=[zone]),
    )


def _propagate_kernel(
    sources: Sources, receivers: Receivers, scene: Scene, options: NoiseOptions
) -> NoiseResult:
    groups, index = np.unique(sources.group, return_inverse=True)
    arrays = _scene_arrays(scene)
    near = _clear(sources.xyz, scene, arrays)
    far = _clear(receivers.xyz, scene, arrays)
    shift = np.r_[scene.origin, 0.0]
    # New arrays in one memory order: another order would be another type to the compiler.
    source_points = PointArrays(
        np.ascontiguousarray(near.xyz - shift), near.pointer, index.astype(np.int64)
    )
    receiver_points = PointArrays(
        np.ascontiguousarray(far.xyz - shift),
        far.pointer + len(near.inside),
        np.array(receivers.own_building, dtype=np.int64, order="C"),
    )
    reflecting = options.reflections and len(scene.rings.kind) > 0
    walls = (
        facing_walls(
            scene.rings, source_points.xyz, options.max_reach_m, options.wall_absorption,
            tuple(scene.barriers), len(scene.footprints),
        )
        if reflecting
        else no_walls(len(sources))
    )  # fmt: skip
    power = np.ascontiguousarray(10.0 ** (0.1 * sources.lw_db))
    energy, bands, counts = propagate_arrays(
        arrays, ZoneArrays(*(getattr(scene.zones, f) for f in ZoneArrays._fields)),
        _parameters(options, reflecting), source_points, power,
        receiver_points, np.r_[near.inside, far.inside], walls,
        receiver_groups(receiver_points.xyz), len(groups), 4 * thread_count(),
    )  # fmt: skip
    return NoiseResult(
        laeq_dba=energy_to_db(energy.sum(axis=1)),
        by_group_dba=energy_to_db(energy),
        groups=groups,
        bands_db=energy_to_db(bands),
        options=options,
        n_paths=len(sources) * len(receivers),
        n_beyond_reach=int(counts[:, 0].sum()),
        n_below_cut=int(counts[:, 1].sum()),
        missing=scene.missing_notes(near.n_inside, far.n_inside),
    )


def _clear(xyz: FloatArray, scene: Scene, arrays: SceneArrays) -> ClearPoints:
    """Points clear of walls; only the few that the grid finds in or at a wall go to Shapely."""
    flat = np.ascontiguousarray(xyz - np.r_[scene.origin, 0.0])
    at_wall = np.flatnonzero(points_at_walls(arrays, flat, 2.0 * CLEARANCE_M))
    if not at_wall.size:
        return ClearPoints(xyz, np.zeros(len(xyz) + 1, np.int64), np.zeros(0, np.int64))
    few = clear_of_walls(xyz[at_wall], scene.footprints, scene.heights_m, scene.tree)
    moved = xyz.copy()
    moved[at_wall] = few.xyz
    counts = np.zeros(len(xyz), np.int64)
    counts[at_wall] = np.diff(few.pointer)
    return ClearPoints(moved, np.r_[0, np.cumsum(counts)].astype(np.int64), few.inside)


def _scene_arrays(scene: Scene) -> SceneArrays:
    rings, grid = scene.rings, scene.grid
    return SceneArrays(
        rings.xyz, rings.pointer, rings.kind, rings.owner, rings.disc, grid.origin,
        grid.cell_m, grid.shape[0], grid.shape[1], grid.pointer, grid.items,
    )  # fmt: skip


def _parameters(options: NoiseOptions, reflecting: bool) -> Parameters:
    alpha = octave_absorption_db_per_km(
        options.temperature_c, options.relative_humidity_pct, options.pressure_kpa
    )
    method = {"general": GENERAL, "alternative": ALTERNATIVE, "none": NO_GROUND}
    return Parameters(
        alpha=alpha / 1000.0,
        second_edition=options.edition == "2024",
        ground_method=method[options.ground_method],
        default_g=float(options.default_ground_factor),
        screening=options.screening,
        lateral=options.lateral,
        weak_side=10.0 ** (0.1 * options.weak_side_db),
        reflections=reflecting,
        facade_gain=10.0 ** (0.1 * options.facade_reflection_db),
        reach=float(options.max_reach_m),
        lowest_energy=10.0 ** (0.1 * options.lowest_level_dba),
        c0=float(options.c0_db),
    )
