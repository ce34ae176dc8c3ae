"""Bad input has a defined answer: a clear sentence, or a documented rule and a note."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from layers.errors import DataError
from layers.noise.bands import SILENT_DB
from layers.noise.iso9613 import (
    Barrier,
    GroundZone,
    NoiseOptions,
    Receivers,
    Scene,
    Sources,
    propagate,
)
from tests.layers.noise.scenes import LW, level, options, run


@pytest.mark.parametrize(
    ("xyz", "lw", "says"),
    [
        ([(0, 0, np.nan)], [LW], "coordinate that is not a number"),
        ([(0, 0)], [LW], "x, y and height"),
        ([(0, 0, 1)], [[90.0] * 7], "8 octave bands"),
        ([(0, 0, 1)], [[90.0] * 7 + [np.inf]], "not a number"),
        ([(0, 0, 1)], [[230.0] * 8], "more than any machine"),
        ([(0, 0, 1)], [[-30.0] * 8], "not above 0"),
    ],
)
def test_impossible_sources_are_refused(xyz: Any, lw: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Sources(xyz, lw)


def test_points_under_the_ground_are_refused() -> None:
    with pytest.raises(DataError, match="under the ground"):
        run([(0, 0, -1.0)], [(10, 0, 4)])
    with pytest.raises(DataError, match="receiver at position 1"):
        run([(0, 0, 1.0)], [(10, 0, 4), (10, 0, -4)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"edition": "2011"}, {"ground_method": "magic"}, {"default_ground_factor": 1.4},
        {"relative_humidity_pct": 0}, {"facade_absorption": -0.1}, {"max_reach_m": np.nan},
        {"c0_db": -1}, {"lowest_level_dba": np.inf},
    ],
)  # fmt: skip
def test_impossible_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        NoiseOptions(**wrong)


def test_scene_and_zone_errors_say_what_to_mend() -> None:
    with pytest.raises(DataError, match="heights"):
        Scene([shapely.box(0, 0, 1, 1)], [])
    with pytest.raises(DataError, match="not a polygon"):
        Scene([shapely.Point(0, 0)], [3.0])
    with pytest.raises(DataError, match="porous"):
        GroundZone(shapely.box(0, 0, 1, 1), 7.0)
    with pytest.raises(DataError, match="two or more points"):
        Barrier([(0, 0, 3)])


def test_nothing_to_compute_is_answered_with_nothing() -> None:
    none = propagate(Sources(np.zeros((0, 3)), np.zeros((0, 8))), Receivers([(1, 2, 3)]))
    assert none.laeq_dba.tolist() == [SILENT_DB]
    assert none.by_group_dba.shape == (1, 0)
    assert run([(0, 0, 1)], np.zeros((0, 3))).laeq_dba.shape == (0,)


def test_a_receiver_on_the_source_is_computed_at_one_metre() -> None:
    at = level((5, 5, 2), (5, 5, 2), ground_method="none")
    assert np.isfinite(at)
    assert at == pytest.approx(level((5, 5, 2), (6, 5, 2), ground_method="none"), abs=0.01)


def test_a_source_inside_a_building_counts_as_if_it_were_not_there() -> None:
    scene = Scene([shapely.box(-10, -10, 10, 10)], [12.0])
    result = run([(0, 0, 1.5)], [(60, 0, 4)], scene)
    assert float(result.laeq_dba[0]) == pytest.approx(level((0, 0, 1.5), (60, 0, 4)))
    assert "1 sources lie inside" in result.missing[0]
    on_the_roof = run([(0, 0, 13.0)], [(60, 0, 4)], scene)
    assert on_the_roof.missing == ()


def test_a_receiver_on_a_wall_hears_its_own_side_only() -> None:
    house = shapely.box(30.0, -10.0, 45.0, 10.0)
    scene = Scene([house], [12.0])
    for slip in (-1e-9, 0.0, 1e-9, 0.004):
        front = level((0, 0, 1.5), (30.0 + slip, 0.0, 4.0), scene)
        back = level((0, 0, 1.5), (45.0 + slip, 0.0, 4.0), scene)
        assert front == pytest.approx(level((0, 0, 1.5), (29.99, 0, 4)), abs=0.02)
        assert back < level((0, 0, 1.5), (45, 0, 4)) - 8


def test_a_receiver_inside_a_building_is_noted() -> None:
    scene = Scene([shapely.box(30, -10, 45, 10)], [12.0])
    result = run([(0, 0, 1.5)], [(37, 0, 4)], scene)
    assert float(result.laeq_dba[0]) == pytest.approx(level((0, 0, 1.5), (37, 0, 4)))
    assert "receivers lie inside" in result.missing[0]


def test_unknown_heights_neither_screen_nor_reflect_and_are_counted() -> None:
    shapes = [shapely.box(20, -10, 30, 10), shapely.box(-40, 20, 80, 30)]
    result = run([(0, 0, 1.5)], [(60, 0, 4)], Scene(shapes, [np.nan, 0.0]), reflections=True)
    assert float(result.laeq_dba[0]) == pytest.approx(level((0, 0, 1.5), (60, 0, 4)))
    assert "2 buildings of unknown height" in result.describe()["missing"][0]


def test_overlapping_and_doubled_buildings_screen_like_one() -> None:
    one = shapely.box(20, -10, 30, 10)
    doubled = Scene([one, one, shapely.box(22, -5, 28, 5)], [9.0, 9.0, 9.0])
    assert level((0, 0.3, 1.5), (60, 0.7, 4), doubled) == pytest.approx(
        level((0, 0.3, 1.5), (60, 0.7, 4), Scene([one], [9.0])), abs=1e-6
    )


def test_a_footprint_that_crosses_itself_is_mended() -> None:
    bow_tie = shapely.Polygon([(20, -10), (30, 10), (30, -10), (20, 10)])
    assert level((0, 4, 1.5), (60, 4, 1.5), Scene([bow_tie], [9.0])) < level(
        (0, 4, 1.5), (60, 4, 1.5)
    )
    assert np.isfinite(level((0, 0, 1.5), (60, 0, 4), Scene([None, shapely.Polygon()], [9.0, 9.0])))


def test_extremes_stay_finite() -> None:
    scene = Scene([shapely.box(20, -10, 30, 10)], [1e4])
    result = propagate(
        Sources([(0, 0, 0.0), (0, 0, 300.0)], [[-99.0] * 7 + [160.0]] * 2),
        Receivers([(25.0, 40.0, 0.0), (90000.0, 0.0, 500.0), (0.0, 0.0, 0.0)]),
        scene=scene,
        options=options(max_reach_m=1e5, reflections=True),
    )
    assert np.isfinite(result.laeq_dba).all()
    assert np.isfinite(result.bands_db).all()
    assert np.isfinite(result.by_group_dba).all()
