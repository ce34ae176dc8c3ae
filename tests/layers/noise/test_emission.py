"""Machines to point sources, and the simple formulas."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import DataError
from layers.noise.bands import a_weighted_sum_db, energy_sum_db
from layers.noise.emission import (
    flat_a_weighted_shape,
    largest_part_m,
    power_from_level_at_10_m,
    spectrum_for_total,
    split_area,
    split_line,
    split_power,
    with_on_time,
)
from layers.noise.simplified import (
    bs5228_haul_road_dba,
    bs5228_level_dba,
    fta_ground_factor,
    fta_level_dba,
    rcnm_level_dba,
)

BACKHOE_LP10 = [74, 66, 64, 64, 63, 60, 59, 50]


def test_a_total_keeps_its_value_whatever_the_shape() -> None:
    for shape in (flat_a_weighted_shape(), BACKHOE_LP10):
        assert float(a_weighted_sum_db(spectrum_for_total(103.0, shape))) == pytest.approx(103.0)


def test_half_the_time_is_three_decibels_and_two_machines_give_them_back() -> None:
    lw = power_from_level_at_10_m(BACKHOE_LP10)
    assert np.allclose(with_on_time(lw, 0.5), lw - 3.0103, atol=1e-4)
    assert np.allclose(with_on_time(lw, 0.5, number=2), lw)


@pytest.mark.parametrize(("fraction", "number"), [(0, 1), (1.2, 1), (-0.5, 1), (0.5, 0), (0.5, -2)])
def test_impossible_on_time_or_number_is_refused(fraction: float, number: float) -> None:
    with pytest.raises(DataError):
        with_on_time(BACKHOE_LP10, fraction, number)


@settings(deadline=None, max_examples=30)
@given(
    x=st.floats(-1e5, 1e5),
    length=st.floats(1.0, 300.0),
    width=st.floats(1.0, 100.0),
    turn=st.floats(0.0, 180.0),
    part=st.floats(3.0, 80.0),
)
def test_parts_of_an_area_are_small_and_share_all_of_it(
    x: float, length: float, width: float, turn: float, part: float
) -> None:
    area = shapely.affinity.rotate(shapely.box(x, 0, x + length, width), turn)
    centres, shares = split_area(area, part, max_parts=5000)
    assert shares.sum() == pytest.approx(1.0)
    assert all(area.buffer(1e-6).contains(shapely.Point(c)) for c in centres)
    assert shares.max() * area.area <= part**2 / 2 * (1 + 1e-6)
    lw = np.full(8, 100.0)
    assert np.allclose(energy_sum_db(split_power(lw, shares), axis=0), 100.0)


def test_the_number_of_parts_is_bounded() -> None:
    _, shares = split_area(shapely.box(0, 0, 200, 150), 1.0, max_parts=8)
    assert 4 <= len(shares) <= 8


def test_a_line_is_cut_into_equal_parts() -> None:
    points = split_line(shapely.LineString([(0, 0), (100, 0)]), 30.0)
    assert points[:, 0].tolist() == [12.5, 37.5, 62.5, 87.5]


def test_both_editions_want_parts_of_half_the_distance() -> None:
    assert largest_part_m(40.0) == largest_part_m(40.0, "2024") == 20.0


@pytest.mark.parametrize("bad", [shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)])])
def test_an_area_without_extent_is_refused(bad: shapely.Geometry) -> None:
    with pytest.raises(DataError, match="extent"):
        split_area(bad, 5.0)


def test_bs5228_screens_and_facade() -> None:
    plain = bs5228_level_dba(distance_m=40, laeq_10m_dba=83)
    assert bs5228_level_dba(distance_m=40, laeq_10m_dba=83, screening="full") == plain - 10
    assert bs5228_level_dba(distance_m=40, laeq_10m_dba=83, facade=True) == plain + 3
    soft = bs5228_level_dba(distance_m=100, laeq_10m_dba=83, surface="soft")
    assert soft == pytest.approx(83 - (25 * 1 - 2), abs=0.01)


def test_bs5228_refuses_two_levels_or_none() -> None:
    for levels in ({}, {"lwa_dba": 100.0, "laeq_10m_dba": 72.0}):
        with pytest.raises(DataError, match="either"):
            bs5228_level_dba(distance_m=10, **levels)


def test_haul_road_halves_with_half_the_lorries() -> None:
    road = {"lwa_dba": 108.0, "speed_km_h": 20.0, "distance_m": 15.0}
    less = bs5228_haul_road_dba(passages_per_hour=5, **road)
    assert bs5228_haul_road_dba(passages_per_hour=10, **road) - less == pytest.approx(
        3.01, abs=0.01
    )


def test_fta_and_rcnm() -> None:
    assert fta_level_dba([88, 88], 50) == pytest.approx(91.01, abs=0.01)
    assert fta_ground_factor(3) == 0.66
    assert fta_ground_factor(60) == 0.0
    assert rcnm_level_dba(85, 50, usage_pct=50)[1] == pytest.approx(81.99, abs=0.01)
    with pytest.raises(DataError):
        fta_level_dba([], 100)
