"""Relief: the reference method where the ground is not flat."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from layers.errors import DataError
from layers.noise.iso9613 import Barrier, GroundZone, Scene
from layers.noise.terrain import Terrain
from tests.layers.noise.scenes import level, run

# ISO/TR 17534-3:2015 case T06: flat, a slope from x = 120 to 185, a plateau 10 m high.
T06 = {"temperature_c": 20.0, "relative_humidity_pct": 70.0}
T06_WAY = ((10.0, 10.0, 1.0), (200.0, 50.0, 14.0))
T06_LINES = [
    [(0, -10, 0), (0, 60, 0)],
    [(120, -10, 0), (120, 60, 0)],
    [(0, -10, 0), (120, -10, 0)],
    [(0, 60, 0), (120, 60, 0)],
    [(185, -10, 10), (185, 60, 10)],
    [(205, -10, 10), (205, 60, 10)],
    [(185, -10, 10), (205, -10, 10)],
    [(185, 60, 10), (205, 60, 10)],
]
T06_GROUND = [
    GroundZone(shapely.box(0, -10, 50, 60), 0.9),
    GroundZone(shapely.box(50, -10, 150, 60), 0.5),
    GroundZone(shapely.box(150, -10, 210, 60), 0.2),
]


def test_break_lines_give_the_published_level() -> None:
    scene = Scene(ground=T06_GROUND, terrain=Terrain(breaklines=T06_LINES))
    result = run([T06_WAY[0]], [T06_WAY[1]], scene, lw=[93.0] * 8, **T06)
    assert float(result.laeq_dba[0]) == pytest.approx(40.59, abs=0.05)


def test_flat_relief_changes_nothing() -> None:
    flat = Terrain(profile=[(0, 0), (500, 0)])
    house = [shapely.box(20, -10, 30, 10)]
    way = ((0.0, 0.0, 1.5), (60.0, 3.0, 4.0))
    assert level(*way, Scene(house, [9.0], terrain=flat)) == pytest.approx(
        level(*way, Scene(house, [9.0])), abs=1e-9
    )


def test_a_ridge_screens_and_has_no_sides() -> None:
    way = ((0.0, 0.0, 1.0), (100.0, 0.0, 1.0))
    ridge = Terrain(profile=[(0, 0), (45, 0), (50, 8), (55, 0), (100, 0)])
    free = level(*way)
    assert level(*way, Scene(terrain=ridge)) < free - 10
    short = Barrier([(20, -3, 6), (20, 3, 6)])
    both = level(*way, Scene(barriers=[short], terrain=ridge))
    assert both == pytest.approx(
        level(*way, Scene(barriers=[short], terrain=ridge), lateral=False), abs=1e-9
    )


def test_ground_below_the_line_of_sight_does_not_screen() -> None:
    way = ((0.0, 0.0, 5.0), (100.0, 0.0, 5.0))
    hump = Terrain(profile=[(0, 0), (45, 0), (50, 4.9), (55, 0), (100, 0)])
    assert level(*way, Scene(terrain=hump)) == pytest.approx(level(*way), abs=1e-9)


def test_wrong_relief_is_refused() -> None:
    for wrong in (
        {},
        {"profile": [(0, 0)]},
        {"profile": [(5, 0), (1, 0)]},
        {"breaklines": [[(0, 0)]]},
    ):
        with pytest.raises(DataError):
            Terrain(**wrong)
    wall = Barrier([(0, 20, 9), (100, 20, 9)], 0.0)
    scene = Scene(barriers=[wall], terrain=Terrain(profile=[(0, 0), (100, 0)]))
    with pytest.raises(DataError, match="break lines"):
        level((0, 0, 1), (100, 0, 1), scene, reflections=True)
    outside = Scene(terrain=Terrain(breaklines=T06_LINES))
    with pytest.raises(DataError, match="outside"):
        level((-500, 0, 1), (100, 0, 1), outside)
    assert np.isfinite(level((0, 0, 1), (100, 0, 1), scene))
