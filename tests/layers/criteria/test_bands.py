"""The five plain bands of each kind of impact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.criteria import (
    band_access,
    band_adjacency,
    band_dust,
    band_inside,
    band_lift,
    band_name,
    band_noise,
    band_parking,
    band_relocation,
    band_scaffold,
    band_utility,
    band_vibration,
    default_bands,
)
from layers.errors import DataError

LEVELS = st.floats(0, 120)


@given(level_dba=LEVELS, more_db=st.floats(0, 40), background_dba=st.floats(20, 80))
def test_a_louder_site_is_never_a_lower_band(level_dba, more_db, background_dba):
    for part in ("day", "evening", "night"):
        for background in (background_dba, None):
            low = int(band_noise(level_dba, background, None, part))
            assert int(band_noise(level_dba + more_db, background, None, part)) >= low


@given(level_dba=LEVELS, background_dba=st.floats(20, 80), more_db=st.floats(0, 20))
def test_a_louder_background_never_raises_the_band(level_dba, background_dba, more_db):
    low = int(band_noise(level_dba, background_dba + more_db))
    assert low <= int(band_noise(level_dba, background_dba))


def test_noise_steps_over_background_include_their_lower_end():
    levels = 45.0 + np.array([4.9, 5, 10, 20])
    assert band_noise(levels, 45.0).tolist() == [0, 1, 2, 3]


def test_above_the_municipal_limit_the_band_is_strong_whatever_the_background():
    assert band_noise([69.9, 70.1, 75.1], 68.0).tolist() == [0, 3, 4]
    assert band_noise([72.0, 77.0], 68.0, limit_dba=[75.0, 75.0]).tolist() == [0, 3]


def test_unknown_backgrounds_fall_back_to_the_class_flat_by_flat():
    found = band_noise([56, 56, 56], [np.nan, np.nan, 50], class_limit_dba=[55, np.nan, np.nan])
    assert found.tolist() == [2, 1, 1]


def test_silence_is_band_zero_and_a_missing_level_is_refused():
    assert band_noise(-np.inf, 30.0).tolist() == 0
    assert band_noise([44.0], 20.0).tolist() == [0]
    with pytest.raises(DataError, match="missing"):
        band_noise([50.0, np.nan], 40.0)
    with pytest.raises(DataError, match="Part of the day"):
        band_noise(50.0, 40.0, None, "dusk")


def test_vibration_bands_follow_human_response():
    assert band_vibration([0, 0.14, 0.3, 1, 10]).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match="below zero"):
        band_vibration(-1)


def test_dust_bands_follow_the_risk_classes():
    risks = np.array([["Negligible", "LOW"], ["Medium", "high "]])
    assert band_dust(risks).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(DataError, match="unknown"):
        band_dust(["Huge"])


def test_works_in_the_own_building_weigh_by_nearness():
    near = ["same_flat", "same_riser", "same_stairwell", "same_building", ""]
    assert band_adjacency(near).tolist() == [4, 3, 2, 1, 0]
    assert band_adjacency(near, structure_borne=False).tolist() == [4, 2, 1, 0, 0]
    assert band_adjacency(near, hours_per_day=1).tolist() == [3, 2, 1, 0, 0]
    assert band_adjacency(near, hours_per_day=0).tolist() == [0, 0, 0, 0, 0]


def test_access_cut_off_step_free_lost_and_detours():
    assert int(band_access(False, extra_m=0, detour_ratio=np.inf)) == 4
    assert int(band_access(True, True, False)) == 3
    assert int(band_access(True, False, False)) == 0
    assert band_access([True] * 4, extra_m=[0, 20, 100, 300]).tolist() == [0, 1, 2, 3]
    assert int(band_access(True, extra_m=25, detour_ratio=3.0)) == 2
    assert int(band_access(True, extra_m=5, detour_ratio=3.0)) == 0
    assert int(band_access(True, emergency_reachable=False)) == 3


@given(hours=st.floats(0, 24), more=st.floats(0, 24), days=st.integers(0, 60))
def test_longer_interruptions_are_never_lighter(hours, more, days):
    for service in ("water", "power", "gas", "heating", "data"):
        low = int(band_utility(service, hours, days))
        assert int(band_utility(service, min(hours + more, 24), days + 1)) >= low


def test_utility_edges():
    assert int(band_utility("power", 8, 1)) == 4
    assert int(band_utility("water", 4, 10)) == 3
    assert int(band_utility("water", 4, 0)) == 0
    assert int(band_utility("heating", 24, 5, in_season=False)) == 0
    for service, hours in (("water", 25), ("water", -1), ("beer", 1), ("basis", 1)):
        with pytest.raises(DataError):
            band_utility(service, hours, 1)


def test_lift_weighs_by_storey_and_length():
    assert band_lift([0, 1, 2, 3, 6], 3).tolist() == [0, 1, 2, 3, 4]
    assert band_lift([1, 2, 5], 8).tolist() == [2, 3, 4]
    assert band_lift([-1, 1, 3], 0.25).tolist() == [0, 0, 2]


def test_parking_scaffold_inside_relocation():
    assert band_parking([0, 0.2, 0.2, 0.6], [10, 1, 3, 40]).tolist() == [0, 1, 2, 4]
    assert int(band_parking(0.0, 5, disabled_lost=True)) == 3
    assert int(band_parking(0.0, 0, disabled_lost=True)) == 0
    assert band_scaffold([0, 10, 40, 400]).tolist() == [0, 1, 2, 3]
    assert int(band_scaffold(400, sheeted=True)) == 4
    assert band_inside([1, 2, 5], [1, 1, 1]).tolist() == [1, 2, 3]
    assert int(band_inside(1, 1, bathroom_or_kitchen_out=True)) == 4
    assert int(band_inside(5, 0, bathroom_or_kitchen_out=True)) == 0
    assert band_relocation([0, 1, 2, 6, 20, 21]).tolist() == [0, 1, 2, 3, 3, 4]
    assert band_relocation([3, 3], for_good=[True, False]).tolist() == [4, 2]


def test_every_kind_says_what_its_bands_rest_on():
    table = default_bands()
    for kind in (
        "noise", "vibration", "dust", "adjacency", "access", "utility", "lift", "parking",
        "scaffold", "inside", "relocation",
    ):  # fmt: skip
        assert table.basis(kind)
    assert band_name(4) == "molto forte"
    assert band_name(4, "en") == "very strong"
    with pytest.raises(DataError, match="does not exist"):
        band_name(5)


def test_a_laboratory_may_change_values_in_a_new_version_only():
    table = default_bands()
    mild = table.changed("2026.1-lab", {"vibration": {"ppv_mm_s": {"from": [1, 2, 3, 4]}}})
    assert int(band_vibration(2.5, bands=mild)) == 2
    assert int(band_vibration(2.5)) == 3
    for version, changes in (
        (table.version, {}),
        ("x", {"vibration": {"colour": 1}}),
        ("x", {"magic": {}}),
        ("x", {"vibration": {"ppv_mm_s": {"from": [4, 3, 2, 1]}}}),
    ):
        with pytest.raises(DataError):
            table.changed(version, changes)
