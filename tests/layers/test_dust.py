"""IAQM dust: screening, magnitude, sensitivity with counted receptors, risk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.dust import (
    MAGNITUDES,
    RISKS,
    area_sensitivity,
    assessment_required,
    magnitude,
    receptor_sensitivity,
    risk,
    risk_classes,
)
from layers.errors import DataError

EDITIONS = ("2014", "2024")
ACTIVITIES = ("demolition", "earthworks", "construction", "trackout")


def test_screening_distances_differ_by_edition():
    assert assessment_required(300, edition="2014")
    assert not assessment_required(300, edition="2024")
    assert assessment_required(ecological_boundary_m=50)
    assert not assessment_required(251, human_route_m=51)


def test_the_route_counts_only_near_the_exit():
    assert assessment_required(human_route_m=40, from_exit_m=400, edition="2014")
    assert not assessment_required(human_route_m=40, from_exit_m=400, edition="2024")
    assert not assessment_required(400, edition="2014")


def test_any_criterion_may_set_the_magnitude():
    assert magnitude("demolition", building_volume_m3=100, height_m=13) == "Large"
    assert magnitude("earthworks", site_area_m2=100, bund_height_m=4) == "Medium"
    assert magnitude("trackout", hdv_outward_per_day=9, unpaved_road_m=None) == "Small"
    assert magnitude("construction", building_volume_m3=1, crushing_or_blasting=True) == "Large"


def test_a_value_on_the_edge_is_medium():
    for volume_m3 in (20_000, 50_000):
        found = magnitude("demolition", edition="2014", building_volume_m3=volume_m3)
        assert found == "Medium"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"activity": "baking", "height_m": 1}, "Activity"),
        ({"activity": "demolition"}, "at least one of"),
        ({"activity": "demolition", "height_m": -1}, "cannot be right"),
        ({"activity": "demolition", "height_m": float("nan")}, "cannot be right"),
        ({"activity": "demolition", "site_area_m2": 5}, "Criterion"),
        ({"activity": "demolition", "height_m": 1, "edition": "1999"}, "edition"),
    ],
)
def test_bad_magnitude_input_is_refused_in_words(values, words):
    with pytest.raises(DataError, match=words):
        magnitude(**values)


@given(
    distance_m=st.floats(0, 500),
    nearer=st.floats(0, 1),
    number=st.integers(1, 400),
    more=st.integers(0, 400),
    pm10=st.floats(0, 60),
)
def test_nearer_or_more_receptors_never_make_an_area_less_sensitive(
    distance_m, nearer, number, more, pm10
):
    for edition in EDITIONS:
        for effect in ("soiling", "health", "ecological"):
            low = area_sensitivity(
                effect, "High", distance_m, number, pm10_ug_m3=pm10, edition=edition
            )
            high = area_sensitivity(
                effect, "High", distance_m * nearer, number + more, pm10_ug_m3=pm10,
                edition=edition,
            )  # fmt: skip
            assert RISKS.index(high) >= RISKS.index(low)


def test_receptors_of_all_nearer_columns_are_counted_together():
    # 60 dwellings within 20 m and 60 within 50 m: 120 within 50 m, more than 100
    found = receptor_sensitivity("soiling", "High", [10, 40, 90, 300, 600], [60, 60, 1, 1, 1])
    assert [RISKS[i] for i in found] == ["High", "High", "Medium", "Negligible", "Negligible"]
    assert area_sensitivity("soiling", "High", [10, 40], [60, 60]) == "High"
    found_2014 = receptor_sensitivity("soiling", "High", [300], [500], edition="2014")
    assert RISKS[int(found_2014[0])] == "Low"


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(0, 80)), min_size=1, max_size=30))
def test_the_order_of_receptors_changes_nothing_and_the_area_is_its_worst_place(receptors):
    distances, numbers = np.array(receptors).T
    forth = receptor_sensitivity("soiling", "High", distances, numbers)
    back = receptor_sensitivity("soiling", "High", distances[::-1], numbers[::-1])
    assert (forth == back[::-1]).all()
    assert RISKS.index(area_sensitivity("soiling", "High", distances, numbers)) == forth.max()


def test_health_rises_with_the_annual_mean_of_pm10():
    found = [
        area_sensitivity("health", "High", 15, 5, pm10_ug_m3=pm10) for pm10 in (20, 26, 30, 33)
    ]
    assert found == ["Low", "Medium", "High", "High"]
    assert area_sensitivity("health", "Medium", 15, 11, pm10_ug_m3=33) == "High"
    assert area_sensitivity("health", "Low", 15, 500, pm10_ug_m3=50) == "Low"
    with pytest.raises(DataError, match="PM10"):
        area_sensitivity("health", "High", 15, 5)


def test_bad_receptors_are_refused():
    for distances, numbers in (([-1.0], [1]), ([np.nan], [1]), ([1.0], [-1])):
        with pytest.raises(DataError):
            area_sensitivity("soiling", "High", distances, numbers)
    with pytest.raises(DataError, match="Receptor sensitivity"):
        area_sensitivity("soiling", "Enormous", 1, 1)
    with pytest.raises(DataError, match="Effect"):
        area_sensitivity("taste", "High", 1, 1)


def test_no_receptor_in_reach_is_a_negligible_risk():
    assert area_sensitivity("soiling", "High", [], []) == "Negligible"
    assert risk("demolition", "Negligible", "Large") == "Negligible"


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_risk_never_falls_with_sensitivity_or_magnitude(activity):
    table = np.array([risk_classes(activity, [0, 1, 2, 3], m) for m in MAGNITUDES])
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) >= 0).all()


def test_risk_refuses_what_the_table_does_not_hold():
    with pytest.raises(DataError, match="Magnitude"):
        risk("demolition", "High", "Huge")
    with pytest.raises(DataError, match="Area sensitivity"):
        risk("demolition", "Sky", "Large")
    with pytest.raises(DataError, match="class of sensitivity"):
        risk_classes("demolition", [7], "Large")
