"""Speed of the noise kernel in a city of 100,000 buildings, each figure beside its floor.

Run with ``pytest tests/benchmarks/test_noise_kernel.py -s``; sizes by ``ACCANTO_BENCH_BUILDINGS``.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from shapely import affinity

from layers.noise.iso9613 import NoiseOptions, Receivers, Scene, Sources, propagate, warm_up
from layers.noise.reference import propagate_reference

N_BUILDINGS = int(os.environ.get("ACCANTO_BENCH_BUILDINGS", "100000"))
REACH_M = 350.0
FLOOR_PATHS_PER_S = 200_000
FLOOR_RATIO = 20
TRACE_ALL = {"max_reach_m": REACH_M, "lowest_level_dba": -90.0, "facade_reflection_db": 3.0}


def city(n: int, seed: int = 7) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.float64]]:
    """Blocks of ten lots, 102 m by 82 m with the street: boxes, L-shapes, courts, turned boxes."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n / 10)))
    shapes = []
    for lot in range(n):
        block, k = divmod(lot, 10)
        x = 515_584.0 + (block % side - side / 2) * 102.0 + (k % 5) * 18
        y = 5_055_181.0 + (block // side - side / 2) * 82.0 + (k // 5) * 35
        w, d = rng.uniform(9, 17), rng.uniform(9, 22)
        shape = shapely.box(x, y, x + w, y + d)
        kind = rng.random()
        if kind < 0.35:
            wing = shapely.box(x, y, x + w * 0.45, y + d + rng.uniform(3, 11))
            shape = shape.union(wing)
        elif kind < 0.45 and w > 13 and d > 15:
            shape = shape.difference(shapely.box(x + 4, y + 4, x + w - 4, y + d - 4))
        elif kind < 0.55:
            small = shapely.box(x, y, x + w * 0.8, y + d * 0.7)
            shape = affinity.rotate(small, rng.uniform(-12, 12))
        shapes.append(shape)
    return np.array(shapes), rng.choice([6.0, 9, 12, 15, 18, 21, 24], n)


@dataclass(frozen=True)
class Place:
    scene: Scene
    sources: Sources
    receivers: Receivers


@pytest.fixture(scope="module")
def place() -> Place:
    """Eight machines on a site in the middle, a receiver on each façade and storey within reach."""
    shapes, heights = city(N_BUILDINGS)
    scene = Scene(shapes, heights)
    rng = np.random.default_rng(3)
    centre = shapely.bounds(shapes[len(shapes) // 2 + 200 if len(shapes) > 400 else 0])[:2]
    xyz = np.column_stack([centre + rng.uniform(-25, 25, (8, 2)), rng.uniform(1, 3, 8)])
    points: list[tuple[float, float, float]] = []
    own: list[int] = []
    assert scene.tree is not None
    for k in scene.tree.query(shapely.Point(centre).buffer(REACH_M - 40)):
        ring = np.array(shapely.orient_polygons(shapes[k]).exterior.coords)
        for a, b in pairwise(ring):
            wall = b - a
            length = float(np.hypot(*wall))
            if length < 5.0:
                continue
            out = (a + b) / 2 + 0.5 * np.array([wall[1], -wall[0]]) / length
            storeys = np.arange(1.5, heights[k], 3.0)
            points += [(out[0], out[1], z) for z in storeys]
            own += [int(k)] * len(storeys)
    warm_up()
    return Place(
        scene, Sources(xyz, np.full((8, 8), 100.0), np.arange(8)), Receivers(points, np.array(own))
    )


def _rate(place: Place, options: NoiseOptions, rounds: int = 4) -> tuple[float, float, int]:
    """Best paths per second of wall clock, the same per second of processor, and paths traced."""
    best, best_cpu, traced = 0.0, 0.0, 0
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        result = propagate(place.sources, place.receivers, scene=place.scene, options=options)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        traced = result.n_traced
        best, best_cpu = max(best, traced / wall), max(best_cpu, traced / cpu)
    return best, best_cpu, traced


def test_paths_per_second_with_roofs_and_sides(place: Place) -> None:
    plain = NoiseOptions(reflections=False, **TRACE_ALL)
    rate, cpu_rate, traced = _rate(place, plain, rounds=12)
    open_rate, _, _ = _rate(place, NoiseOptions(reflections=False, screening=False, **TRACE_ALL))
    mirrored, _, _ = _rate(place, NoiseOptions(reflections=True, **TRACE_ALL), rounds=2)
    print(
        f"\n{N_BUILDINGS} buildings, {traced} paths: {rate:,.0f} paths/s over roofs and round "
        f"sides ({cpu_rate:,.0f} per processor second), wanted {FLOOR_PATHS_PER_S:,}; "
        f"floor without any screening {open_rate:,.0f}; with reflections {mirrored:,.0f}"
    )
    assert rate >= FLOOR_PATHS_PER_S


def test_against_the_reference_with_equal_results(place: Place) -> None:
    pick = np.random.default_rng(5).choice(len(place.receivers), 40, replace=False)
    few = Receivers(place.receivers.xyz[pick], place.receivers.own_building[pick])
    options = NoiseOptions(reflections=False, **TRACE_ALL)
    start = time.perf_counter()
    slow = propagate_reference(place.sources, few, scene=place.scene, options=options)
    reference = slow.n_paths / (time.perf_counter() - start)
    rate, _, _ = _rate(place, options, rounds=2)
    fast = propagate(place.sources, few, scene=place.scene, options=options)
    off = np.abs(fast.by_group_dba - slow.by_group_dba)
    print(
        f"\nreference {reference:,.1f} paths/s, kernel {rate:,.0f}: {rate / reference:,.0f} times "
        f"(wanted {FLOOR_RATIO}); largest difference {off.max():.1e} dB, "
        f"{int((off > 1e-6).sum())} of {off.size} above 1e-6"
    )
    assert rate >= FLOOR_RATIO * reference
    assert off.max() < 1e-6


def test_share_of_paths_never_traced(place: Place) -> None:
    quiet = Sources(place.sources.xyz, np.full((8, 8), 75.0))
    for lowest in (35.0, 45.0):
        options = NoiseOptions(reflections=False, max_reach_m=REACH_M, lowest_level_dba=lowest)
        start = time.perf_counter()
        result = propagate(quiet, place.receivers, scene=place.scene, options=options)
        seconds = time.perf_counter() - start
        saved = (result.n_below_cut + result.n_beyond_reach) / result.n_paths
        print(
            f"\nlowest level {lowest} dB(A): {saved:.0%} of the paths not traced, {seconds:.3f} s"
        )
        assert result.n_below_cut > 0 or lowest < 45.0


def test_cost_does_not_grow_with_the_city(place: Place) -> None:
    """The same site with only its surroundings: the large scene may cost a little more, no more."""
    assert place.scene.tree is not None
    centre = shapely.Point(place.sources.xyz[0, :2])
    near = np.sort(place.scene.tree.query(centre.buffer(2 * REACH_M)))
    small = Scene(np.asarray(place.scene.footprints)[near], np.asarray(place.scene.heights_m)[near])
    options = NoiseOptions(reflections=False, **TRACE_ALL)
    lone = Place(small, place.sources, Receivers(place.receivers.xyz))
    large, _, _ = _rate(place, options)
    little, _, _ = _rate(lone, options)
    print(f"\n{len(near)} buildings {little:,.0f} paths/s, {N_BUILDINGS} buildings {large:,.0f}")
    assert large > 0.5 * little
