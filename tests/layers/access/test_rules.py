"""Rules of passable ways and profiles."""

from __future__ import annotations

import pytest

from layers.access import check_rule, profile, temporary_footway
from layers.errors import DataError


def test_all_measures_that_fail_are_named():
    check = check_rule(
        "dm236_path", width_m=0.8, slope_pct=9, cross_slope_pct=2, headroom_m=2.0, step_cm=3
    )
    assert not check.kept
    assert set(check.fails) == {"width_m", "slope_pct", "cross_slope_pct", "headroom_m", "step_cm"}


def test_slopes_between_five_and_eight_per_cent_need_rests():
    assert check_rule("dm236_path", slope_pct=5.0) == check_rule("dm236_path", slope_pct=1.0)
    steep = check_rule("dm236_path", slope_pct=8.0)
    assert (steep.kept, steep.rests_needed) == (True, True)


def test_other_rules():
    assert check_rule("dm236_kerb_ramp", slope_pct=15, level_difference_cm=15).kept
    assert check_rule("fire_vehicle", width_m=3.4, height_m=4.5).fails == ("width_m",)
    assert not check_rule("site_corridor", width_m=0.9).kept
    assert [temporary_footway(w) for w in (1.5, 1.0, 0.9)] == ["preferred", "minimum", "too narrow"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: check_rule("dm999", width_m=1),
        lambda: check_rule("dm236_path"),
        lambda: check_rule("dm236_path", colour=1),
        lambda: check_rule("dm236_path", width_m=-1),
        lambda: temporary_footway(float("nan")),
        lambda: profile("flying"),
        lambda: profile("walk", wings=2),
    ],
)
def test_bad_input_is_refused_in_words(call):
    with pytest.raises(DataError, match=r"\w"):
        call()


def test_a_profile_takes_the_municipality_s_own_limits():
    assert profile("wheelchair").min_width_m == 0.9
    assert profile("wheelchair", min_width_m=1.2).min_width_m == 1.2
    assert profile("wheelchair", min_width_m=1.2).max_steps == 0
    assert profile("walk").step_free().max_kerb_cm == 2.5
