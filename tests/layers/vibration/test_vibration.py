"""Vibration with distance, and what it means for people and buildings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import vibration as v
from layers.errors import DataError
from layers.plant import catalogue

DISTANCES = st.floats(1, 500)


@given(distance_m=DISTANCES, farther=st.floats(1, 10))
def test_vibration_never_grows_with_distance(distance_m, farther):
    laws = (
        lambda d: v.ppv_from_reference_mm_s(5.33, d),
        lambda d: v.ppv_caltrans_mm_s(16.5, d, energy=80_000, reference_energy=36_000),
        lambda d: v.ppv_vibratory_piling_mm_s(d),
        lambda d: v.ppv_percussive_piling_mm_s(d, 30_000.0),
    )
    for law in laws:
        assert float(law(distance_m * farther)) <= float(law(distance_m)) * (1 + 1e-12)


@given(limit=st.floats(0.05, 30), exponent=st.sampled_from([1.0, 1.1, 1.3, 1.5]))
def test_the_distance_for_a_limit_gives_the_limit_back(limit, exponent):
    distance_m = float(v.distance_for_ppv_m(38.6, limit, exponent=exponent))
    if distance_m >= v.NEAREST_M:
        again = float(v.ppv_from_reference_mm_s(38.6, distance_m, exponent=exponent))
        assert again == pytest.approx(limit, rel=1e-9)


@given(limit_vdb=st.floats(50, 87))
def test_the_distance_for_a_level_gives_the_level_back(limit_vdb):
    distance_m = float(v.distance_for_level_m(87, limit_vdb))
    assert float(v.level_from_reference_vdb(87, distance_m)) == pytest.approx(limit_vdb)


def test_at_the_wall_the_nearest_valid_distance_counts():
    at_wall = v.ppv_from_reference_mm_s(2.26, [0.0, 0.3, 1.0])
    assert np.isfinite(at_wall).all()
    assert at_wall[0] == at_wall[1] == at_wall[2]


def test_arrays_go_in_and_come_out():
    found = v.ppv_from_reference_mm_s(np.array([[1.0], [2.0]]), np.array([5.0, 10.0, 20.0]))
    assert found.shape == (2, 3)
    assert found[1] == pytest.approx(2 * found[0])


def test_piling_laws_take_their_parameters():
    steady = float(v.ppv_vibratory_piling_mm_s(30, exceedance_percent=33.3, operation="steady"))
    assert steady == pytest.approx(1.078, abs=0.002)
    assert float(v.ppv_percussive_piling_mm_s(10, 10_000, driving="refusal")) == pytest.approx(
        5 * 100 / 10**1.3
    )
    assert float(v.ppv_percussive_piling_mm_s(10, 10_000, driving=1.5)) == pytest.approx(
        1.5 * 100 / 10**1.3
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: v.ppv_from_reference_mm_s(-1, 10),
        lambda: v.ppv_from_reference_mm_s(1, -10),
        lambda: v.ppv_from_reference_mm_s(1, float("nan")),
        lambda: v.ppv_caltrans_mm_s(1, 10, energy=5),
        lambda: v.ppv_vibratory_piling_mm_s(10, exceedance_percent=7),
        lambda: v.ppv_vibratory_piling_mm_s(10, operation="dance"),
        lambda: v.ppv_percussive_piling_mm_s(10, 0),
        lambda: v.caltrans_exponent("V"),
        lambda: v.vibration_source("fta:feather"),
        lambda: v.vibration_source("feather"),
        lambda: v.human_response(-1),
        lambda: v.din4150_limit_mm_s("castle", 10),
        lambda: v.din4150_limit_mm_s("residential"),
        lambda: v.din4150_limit_mm_s("residential", 0),
        lambda: v.din4150_limit_mm_s("sensitive", 10, place="floor_vertical"),
        lambda: v.din4150_pipe_limit_mm_s("glass"),
        lambda: v.working_distance("roller"),
        lambda: v.working_distance("feather"),
        lambda: v.uni9614_limit_mm_s2("ship"),
    ],
)
def test_bad_input_is_refused_in_words(call):
    with pytest.raises(DataError, match=r"\w"):
        call()


def test_every_machine_of_the_catalogue_with_a_vibration_reference_has_one():
    keys = {m.vibration for m in catalogue().values() if m.vibration}
    assert len(keys) >= 8
    for key in keys:
        source = v.vibration_source(key)
        assert source.source
        reach_m = source.reach_m(0.3)
        assert float(source.ppv_mm_s(reach_m * 1.01)) < 0.3 or reach_m < v.NEAREST_M


def test_human_response_in_classes_and_words():
    assert v.human_response([0.13, 0.14, 0.3, 1, 10]).tolist() == [0, 1, 2, 3, 4]
    assert v.human_response_words(12).startswith("above 10")
    assert v.human_response_words(0.2).startswith("0.14-0.3")


@given(frequency_hz=st.floats(0.5, 200))
def test_sensitive_buildings_bear_less_than_dwellings_and_these_less_than_industry(frequency_hz):
    limits = [
        float(v.din4150_limit_mm_s(line, frequency_hz))
        for line in ("sensitive", "residential", "industrial")
    ]
    assert limits == sorted(limits)
    assert limits[0] >= 3
    assert limits[2] <= 50


def test_din_places_terms_and_pipes():
    assert float(v.din4150_limit_mm_s("residential", place="top_floor")) == 15
    assert float(v.din4150_limit_mm_s("sensitive", place="top_floor", long_term=True)) == 2.5
    assert float(v.din4150_limit_mm_s("residential", place="floor_vertical", long_term=True)) == 10
    assert v.din4150_pipe_limit_mm_s("steel") == 100


def test_british_and_american_criteria():
    assert float(v.bs7385_limit_mm_s(4)) == 15
    assert float(v.bs7385_limit_mm_s(60, continuous=True)) == 25
    assert float(v.bs7385_limit_mm_s(4, reinforced=True)) == 50
    assert v.bs5228_cosmetic_limit_mm_s("heavy", continuous=True) == 15
    assert v.fta_damage_limit_mm_s("III") == pytest.approx(5.08)
    assert v.fta_annoyance_limit_vdb("residential", "infrequent") == 80
    assert v.caltrans_damage_limit_mm_s("fragile", continuous=True) == pytest.approx(2.54)
    assert v.caltrans_annoyance(0.5) == "imperceptible"
    assert v.caltrans_annoyance(3.0, continuous=True) == "strongly_perceptible"


def test_uni9614_and_acceleration():
    assert v.uni9614_limit_mm_s2("dwelling", "night", holiday=True) == 3.6
    assert v.uni9614_limit_mm_s2("dwelling", holiday=True) == 5.4
    assert float(v.acceleration_mm_s2(1.0, 10.0)) == pytest.approx(62.83, abs=0.01)


def test_working_distances_know_sizes():
    assert v.working_distance("vibratory roller <200 kN (4–6 t)").human_response_m == (40, 40)
    assert v.working_distance("vibratory roller > 300 kN (> 18 t)").cosmetic_m == 25
    assert v.working_distance("profiler W210").heritage_m is None
