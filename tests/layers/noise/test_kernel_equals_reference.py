"""The compiled kernel gives the levels of the reference method, to a millionth of a decibel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely import affinity

from layers.noise.iso9613 import Barrier, GroundZone, Receivers, Scene, Sources, propagate
from layers.noise.kernel import propagate_arrays
from layers.noise.reference import propagate_reference
from tests.layers.noise.scenes import LW, options


def town(seed: int, n: int = 45) -> Scene:
    """Houses, courtyards, a crescent, hoardings and gardens at random."""
    rng = np.random.default_rng(seed)
    shapes: list[shapely.Geometry] = []
    for k in range(n):
        x, y = rng.uniform(-150, 150, 2)
        w, d = rng.uniform(6, 30, 2)
        shape: shapely.Geometry = shapely.box(x, y, x + w, y + d)
        if k % 4 == 0 and w > 12 and d > 12:
            shape = shape.difference(shapely.box(x + 4, y + 4, x + w - 4, y + d - 4))
        elif k % 4 == 1:
            shape = shape.union(shapely.box(x, y + d - 1, x + 0.4 * w, y + d + 8))
        elif k % 4 == 2 and w > 12:
            shape = shape.difference(shapely.box(x + 4, y + 4, x + w - 4, y + d + 4))
        shapes.append(affinity.rotate(shape, rng.uniform(0, 90)))
    hoardings = []
    for _ in range(5):
        start, turn = rng.uniform(-120, 120, 2), rng.uniform(0, 6.28)
        steps = np.cumsum(rng.uniform(4, 15, (4, 1)), axis=0)
        bend = turn + np.array([[0.0], [0.2], [0.5], [0.9]])
        plan = start + steps * np.column_stack([np.cos(bend), np.sin(bend)])
        hoardings.append(Barrier(np.column_stack([plan, rng.uniform(2, 6, 4)]), 0.3))
    x, y = rng.uniform(-60, 60, 2)
    ring = [(x, y, 3), (x + 20, y, 3), (x + 20, y + 15, 4), (x, y + 15, 4), (x, y, 3)]
    hoardings.append(Barrier(ring))
    gardens = [
        GroundZone(shapely.Point(*rng.uniform(-150, 150, 2)).buffer(rng.uniform(20, 70)), g)
        for g in (1.0, 0.6, 0.0)
    ]
    return Scene(shapes, rng.choice([4.0, 9.0, 15.0, 21.0], n), hoardings, gardens)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"edition": "2024", "reflections": True, "default_ground_factor": 0.4},
        {"ground_method": "alternative", "weak_side_db": 99.0, "c0_db": 2.0},
    ],
    ids=["1996", "2024 with reflections", "alternative ground, all sides"],
)
def test_equal_to_a_millionth(seed: int, how: dict[str, Any]) -> None:
    rng = np.random.default_rng(100 + seed)
    sources = Sources(
        np.column_stack([rng.uniform(-80, 80, (3, 2)), rng.uniform(0.5, 20.0, 3)]),
        np.tile(LW, (3, 1)), np.arange(3),
    )  # fmt: skip
    points = np.column_stack([rng.uniform(-170, 170, (14, 2)), rng.uniform(1.0, 22.0, 14)])
    receivers = Receivers(points, rng.integers(-1, 45, 14))
    scene, opts = town(seed), options(**how)
    fast = propagate(sources, receivers, scene=scene, options=opts)
    slow = propagate_reference(sources, receivers, scene=scene, options=opts)
    assert np.abs(fast.by_group_dba - slow.by_group_dba).max() < 1e-6
    assert np.abs(fast.bands_db - slow.bands_db).max() < 1e-6


def test_every_call_uses_the_one_compiled_version() -> None:
    """Another memory order or number type would silently compile again, for a minute."""
    lw = np.asfortranarray(np.tile(LW, (2, 1)))
    xyz = np.asfortranarray([[0.0, 0.0, 1.0], [5.0, 0.0, 1.0]])
    frozen = np.zeros(2, dtype=np.int32)
    frozen.flags.writeable = False
    house = Scene([shapely.box(9, -5, 20, 5)], [6.0])
    for scene in (None, house, Scene(ground=[GroundZone(shapely.box(0, 0, 9, 9), 1.0)])):
        for reflections in (False, True):
            propagate(
                Sources(xyz, lw, frozen),
                Receivers(xyz + 30.0, frozen - 1),
                scene=scene,
                options=options(reflections=reflections),
            )
    assert len(propagate_arrays.signatures) == 1
