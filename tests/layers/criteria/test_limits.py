"""Italian and foreign limits, municipal rules and lead times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.criteria import (
    MunicipalRule,
    acoustic_class,
    bs5228,
    class_limit_dba,
    criteria_sets,
    differential,
    in_ranges,
    lead_time,
    limit_at_hour_dba,
    municipal_rule,
    municipal_rules,
    notice_is_enough,
    part_of_day,
    tfnsw,
    within_simplified_regime,
    zone_limit_dba,
)
from layers.errors import DataError

CLASSES = ("I", "II", "III", "IV", "V", "VI")


def test_day_ends_at_22_and_the_evening_is_an_option():
    assert [part_of_day(h) for h in (5.99, 6, 20, 21.99, 22)] == [
        "night", "day", "day", "day", "night",
    ]  # fmt: skip
    assert part_of_day(20, with_evening=True) == "evening"
    for hour in (-1, 24, float("nan")):
        with pytest.raises(DataError, match="clock"):
            part_of_day(hour)


def test_a_range_of_hours_may_pass_midnight():
    assert in_ranges(23, [[22, 6]])
    assert in_ranges(5.5, [[22, 6]])
    assert not in_ranges(6, [[22, 6]])


@pytest.mark.parametrize("part", ["day", "night"])
def test_a_higher_class_never_has_a_lower_limit(part):
    for kind in ("emission", "immission", "quality", "attention", "attention_1h"):
        limits = [class_limit_dba(c, part, kind) for c in CLASSES]
        assert limits == sorted(limits)


def test_attention_values_stand_over_the_immission_limits():
    assert class_limit_dba("II", "day", "attention_1h") == 65
    assert class_limit_dba("II", "night", "attention_1h") == 50
    assert class_limit_dba("II", "night", "attention") == 45


def test_classes_are_read_in_any_figures_and_unknown_ones_refused():
    assert acoustic_class(4) == acoustic_class("iv") == "IV"
    assert limit_at_hour_dba("3", 23) == 50
    with pytest.raises(DataError, match="run from I to VI"):
        acoustic_class("VII")
    with pytest.raises(DataError, match="is unknown"):
        class_limit_dba("I", "day", "loudness")  # type: ignore[arg-type]


def test_without_zoning_the_decree_of_1991_holds():
    assert (zone_limit_dba("national", "day"), zone_limit_dba("B", "night")) == (70, 50)
    with pytest.raises(DataError, match="Zone"):
        zone_limit_dba("Q", "day")


def test_differential_is_set_aside_where_both_window_states_are_quiet():
    loud_open = differential(55, 45, "day", ambient_closed_dba=30, residual_closed_dba=25)
    assert loud_open.applicable
    assert loud_open.exceeded
    quiet = differential(49, 40, "day", ambient_closed_dba=34, residual_closed_dba=25)
    assert not quiet.applicable
    assert "negligible" in quiet.reason
    assert not differential(60, 40, "day", excluded_source=True).applicable
    with pytest.raises(DataError, match="both needed"):
        differential(60, None, "day")


def test_municipal_presets_can_be_told_apart_by_noon():
    parma, jesi = municipal_rule("Parma"), municipal_rule("jesi")
    assert parma.hours_allowed(0, 12.75, noisy=True)
    assert not jesi.hours_allowed(0, 12.75, noisy=True)
    assert jesi.hours_allowed(0, 12.75, noisy=False)
    assert not parma.hours_allowed(6, 10, noisy=False)
    assert jesi.limit_dba(renovation=True) == jesi.limit_dba(inside=True) == 65


def test_seasonal_hours_ask_for_the_season_only_where_it_matters():
    borgo = municipal_rule("Borgo a Mozzano")
    assert borgo.hours_allowed(0, 10, noisy=True)
    assert borgo.hours_allowed(0, 7.5, noisy=True, season="summer")
    assert not borgo.hours_allowed(0, 7.5, noisy=True, season="winter")
    assert not borgo.hours_allowed(5, 10, noisy=True, season="summer")
    with pytest.raises(DataError, match="season"):
        borgo.hours_allowed(0, 7.5, noisy=True)


def test_a_permit_changes_limits_and_hours_and_leaves_the_rule_alone():
    rule = municipal_rule()
    permit = rule.with_permit(facade_limit_dba=75, noisy_hours=((8, 22),), site_hours=((7, 22),))
    assert within_simplified_regime(permit, 0, 21, noisy=True, facade_level_dba=74).within
    outcome = within_simplified_regime(rule, 0, 21, noisy=True, facade_level_dba=74)
    assert (outcome.within, outcome.hours_ok, outcome.level_ok) == (False, False, False)


def test_level_at_the_limit_is_within_and_inside_works_have_their_own():
    rule = municipal_rule()
    assert within_simplified_regime(rule, 0, 9, noisy=True, facade_level_dba=70).within
    assert not within_simplified_regime(rule, 0, 9, noisy=True, facade_level_dba=70.1).within
    inside = within_simplified_regime(rule, 0, 9, noisy=True, inside_level_dba=66)
    assert (inside.within, inside.limit_dba) == (False, 65)


def test_unknown_municipality_and_bad_rules_are_refused():
    with pytest.raises(DataError, match="No preset"):
        municipal_rule("Atlantide")
    good = {
        "title": "X", "province": "", "weekdays": [0], "site_hours": [[7, 20]],
        "noisy_hours": [[8, 12]], "facade_limit_dba": 70, "inside_limit_dba": 65,
        "source": "s", "confidence": "choice",
    }  # fmt: skip
    assert MunicipalRule.from_mapping("x", good).site_hours == ((7.0, 20.0),)
    for change, words in (
        ({"weekdays": []}, "weekdays"),
        ({"site_hours": [[7, 30]]}, "range of hours"),
        ({"facade_limit_dba": 700}, "cannot be right"),
        ({"colour": 1}, "colour"),
    ):
        with pytest.raises(DataError, match=words):
            MunicipalRule.from_mapping("x", {**good, **change})


def test_every_preset_names_its_source():
    assert all(rule.source and rule.confidence for rule in municipal_rules().values())


def test_italian_sets_are_on_and_foreign_ones_off_by_default():
    on = {key for key, row in criteria_sets().items() if row["enabled"]}
    assert on == {"dpcm_1997", "municipal", "plain_bands", "utility_notices"}


def test_lead_times_differ_by_service_fault_and_municipality():
    assert lead_time("luce").notice_working_days == 3
    assert lead_time("electricity", after_fault=True).notice_hours == 24
    assert lead_time("divieto di sosta", municipality="Milano").notice_hours == 72
    assert lead_time("riscaldamento").who == "contractor"
    with pytest.raises(DataError, match="No lead time"):
        lead_time("teleport")


def test_notice_is_compared_in_the_unit_of_the_rule():
    power, water = lead_time("power"), lead_time("water")
    assert notice_is_enough(power, working_days=3)
    assert not notice_is_enough(power, working_days=3, duration_hours=9)
    assert notice_is_enough(water, hours=48)
    assert notice_is_enough(water, days=2)
    with pytest.raises(DataError, match="working days"):
        notice_is_enough(power, hours=72)
    with pytest.raises(DataError, match="negative"):
        notice_is_enough(water, hours=-1)


@given(ambient_dba=st.floats(20, 90))
def test_abc_threshold_never_falls_with_the_ambient(ambient_dba):
    for period in ("day", "evening_weekend", "night"):
        low = bs5228.abc_threshold(period, ambient_dba).threshold_dba
        assert bs5228.abc_threshold(period, ambient_dba + 5).threshold_dba >= low


def test_bs5228_significance():
    assert bs5228.fixed_limit_dba("urban") == 75
    assert bs5228.abc_significant("day", 55, 66)
    assert not bs5228.abc_significant("day", 55, 65)
    assert bs5228.abc_significant("day", 78, 79)  # total rises by more than 3 dB
    assert not bs5228.abc_significant("day", 78, 76)
    assert bs5228.change_significant("day", 60, 66, weeks=5)
    assert not bs5228.change_significant("day", 60, 66, weeks=2)
    assert not bs5228.change_significant("day", 55, 63, weeks=5)
    with pytest.raises(DataError, match="Area"):
        bs5228.fixed_limit_dba("moon")


def test_e4_duration_may_come_from_either_count_and_ambient_lifts_the_trigger():
    common = {"day": "weekday", "hour": 10, "facade_dba": 86}
    assert bs5228.e4_triggers(**common, days_in_15=0, days_in_6_months=41).temporary_rehousing
    assert not bs5228.e4_triggers(**common, days_in_15=9, days_in_6_months=40).insulation
    lifted = bs5228.e4_triggers(**common, days_in_15=15, days_in_6_months=60, ambient_dba=82)
    assert (lifted.trigger_dba, lifted.insulation) == (87, False)
    assert bs5228.e4_triggers("sunday", 6.5, 50, days_in_15=0, days_in_6_months=0).trigger_dba == 55


def test_tfnsw_measures_grow_with_the_level():
    seen: frozenset[str] = frozenset()
    for level_dba in range(30, 75):
        found = tfnsw.residential_measures("night", level_dba, 35)
        assert len(found) >= len(seen)
        seen = found
    assert {"N", "PC", "RO"} <= tfnsw.residential_measures("evening", 75, 70)
    assert tfnsw.non_residential_nml_dba("school classroom (in use)") == 55
    assert tfnsw.non_residential_measures("day", 64, 55) == frozenset()
    assert tfnsw.non_residential_measures("day", 76, 55) == {"N", "PC", "RO"}
    for call in (
        lambda: tfnsw.residential_measures("dusk", 60, 40),
        lambda: tfnsw.non_residential_measures("night", 60, 40),
        lambda: tfnsw.non_residential_nml_dba("zoo"),
        lambda: tfnsw.rbl_dba("R9"),
    ):
        with pytest.raises(DataError):
            call()
