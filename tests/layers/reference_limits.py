"""Reference cases of limits and notices: Italian, TfNSW, BS 5228-1 and lead times.

One checker for each family, used by ``test_reference.py``; an input or a result that the code does
not know fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from layers import criteria
from layers.criteria import bs5228, tfnsw, tfnsw_distance
from tests.layers.reference_checks import Case, known, one_of, same

# Limits and notices --------------------------------------------------------------------------

_PERIODS = {"diurno": "day", "notturno": "night", "day": "day", "night": "night"}
_KINDS = {
    "immissione": "immission", "emissione": "emission", "qualità": "quality",
    "qualita": "quality", "attenzione": "attention", "attenzione 1 h": "attention_1h",
    "attenzione_1h": "attention_1h", "attenzione 1h": "attention_1h",
    "attenzione oraria": "attention_1h",
}  # fmt: skip
_ZONES = {
    "tutto il territorio nazionale": "national", "national": "national", "A": "A", "B": "B",
    "zona A": "A", "zona B": "B", "industrial": "industrial",
    "esclusivamente industriale": "industrial", "zona esclusivamente industriale": "industrial",
}  # fmt: skip
_DAYS = {
    name: number
    for number, names in enumerate((
        "feriale lunedì lunedi", "martedì martedi", "mercoledì mercoledi", "giovedì giovedi",
        "venerdì venerdi", "sabato prefestivo", "domenica festivo",
    ))
    for name in names.split()
}  # fmt: skip


def _class_or_zone(inputs: Case, expected: Case) -> None:
    known(inputs, "acoustic_class zone hour level_laeq limit_kind")
    known(expected, "period limit exceeded", "result")
    part = criteria.part_of_day(inputs["hour"])
    if "zone" in inputs:
        limit_dba = criteria.zone_limit_dba(_ZONES[inputs["zone"]], part)
    else:
        kind: Any = _KINDS[inputs.get("limit_kind", "immissione")]
        limit_dba = criteria.class_limit_dba(inputs["acoustic_class"], part, kind)
    got = {
        "period": "notturno" if part == "night" else "diurno",
        "limit": limit_dba,
        "exceeded": inputs["level_laeq"] > limit_dba,
    }
    for name, want in expected.items():
        same(got[name], want, name)


def _differential(inputs: Case, expected: Case) -> None:
    known(inputs, "period ambient_indoor residual_indoor windows acoustic_class")
    known(expected, "applicable exceeded", "result")
    levels = (inputs["ambient_indoor"], inputs["residual_indoor"])
    opened = {"open": True, "closed": False}[inputs["windows"]]
    found = criteria.differential(
        *(levels if opened else (None, None)), _PERIODS[inputs["period"]],  # type: ignore[arg-type]
        klass=inputs.get("acoustic_class"),
        ambient_closed_dba=None if opened else levels[0],
        residual_closed_dba=None if opened else levels[1],
    )  # fmt: skip
    for name, want in expected.items():
        same(getattr(found, name), want, name)


def _municipality(inputs: Case, expected: Case) -> None:
    known(
        inputs,
        "comune weekday hour noisy_machinery facade_laeq indoor_laeq inside_laeq renovation season",
    )
    known(expected, "within_simplified_regime", "result")
    seasons: dict[Any, Any] = {"inverno": "winter", "estate": "summer", None: None}
    season = inputs.get("season")
    found = criteria.within_simplified_regime(
        criteria.municipal_rule(inputs["comune"]), _DAYS[inputs["weekday"]], inputs["hour"],
        noisy=inputs["noisy_machinery"], facade_level_dba=inputs.get("facade_laeq"),
        inside_level_dba=one_of(inputs, "indoor_laeq inside_laeq"),
        renovation=inputs.get("renovation", False), season=seasons.get(season, season),
    )  # fmt: skip
    same(found.within, expected["within_simplified_regime"], "within_simplified_regime")


def check_limits_italy(case: Case) -> None:
    """DPCM classes and zones, the differential criterion, municipal rules for sites."""
    inputs = case["inputs"]
    if "comune" in inputs:
        _municipality(inputs, case["expected"])
    elif "ambient_indoor" in inputs:
        _differential(inputs, case["expected"])
    else:
        _class_or_zone(inputs, case["expected"])


def check_tfnsw(case: Case) -> None:
    """Noise management levels and additional measures of TfNSW."""
    inputs, expected = case["inputs"], case["expected"]
    if "nml" in expected:
        known(inputs, "noise_area_category rbl")
        known(expected, "nml", "result")
        background = tfnsw.rbl_dba(inputs["noise_area_category"])
        same(background, {k: float(v) for k, v in inputs.get("rbl", background).items()}, "RBL")
        same(tfnsw.noise_management_levels_dba(background), expected["nml"], "NML")
        return
    known(expected, "over_rbl over_nml measures", "result")
    level, period = inputs["level_laeq15"], inputs["period"]
    if "nml" in inputs or inputs["receiver"] != "residential":
        known(inputs, "receiver period nml level_laeq15")
        nml = inputs.get("nml") or tfnsw.non_residential_nml_dba(inputs["receiver"])
        if "over_nml" in expected:
            same(level - nml, expected["over_nml"], "over_nml")
        found = tfnsw.non_residential_measures(period, level, nml)
    else:
        known(inputs, "receiver period noise_area_category rbl level_laeq15")
        background_dba = inputs.get("rbl") or tfnsw.rbl_dba(inputs["noise_area_category"])[
            period.removesuffix("_oohw")
        ]  # fmt: skip
        if "over_rbl" in expected:
            same(level - background_dba, expected["over_rbl"], "over_rbl")
        found = tfnsw.residential_measures(period, level, background_dba)
    same(set(found), set(expected["measures"]), "measures")


_SHIELDING: dict[Any, Any] = {
    True: "none", False: "solid", "yes": "none", "no": "solid", "solid barrier": "solid",
    "behind solid barrier": "solid", "no (behind solid barrier)": "solid",
    "no (behind substantial solid barrier)": "substantial", "substantial barrier": "substantial",
    "substantial": "substantial", "solid": "solid", "none": "none",
}  # fmt: skip
_GROUNDS: dict[str, Any] = {
    "water": "hard", "developed settlements": "urban", "suburban": "urban",
    "developed settlements (urban and suburban areas)": "urban",
}  # fmt: skip


def _lower(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def check_tfnsw_distance(case: Case) -> None:
    """Distances to which a machine brings measures, by part of day."""
    inputs, expected = case["inputs"], case["expected"]
    known(inputs, "plant swl noise_area_category ground line_of_sight")
    known(
        expected,
        "day_distance_m day_oohw_distance_m evening_distance_m night_distance_m",
        "result",
    )
    ground = _lower(inputs["ground"])
    place = _GROUNDS.get(ground, ground), _SHIELDING[_lower(inputs.get("line_of_sight", True))]
    by_method = tfnsw_distance.notice_distances_m(
        inputs["swl"], inputs["noise_area_category"], *place
    )
    for name, distances in expected.items():
        period: Any = name.removesuffix("_distance_m")
        for level, want in distances.items():
            level_dba = float(level.removeprefix(">="))
            got = tfnsw_distance.distance_m(inputs["swl"], level_dba, *place)
            same(got, want, f"{period} {level}")
            same(by_method[period].get(level_dba, got), got, f"{period} {level} by band")


def check_e4(case: Case) -> None:
    """Insulation and temporary rehousing of BS 5228-1 E.4."""
    inputs = case["inputs"]
    known(
        inputs,
        "day hour predicted_facade_level exceedance_days_in_any_15 "
        "exceedance_days_in_any_6_months existing_ambient ambient_laeq ambient",
    )
    known(case["expected"], "insulation_trigger insulation temporary_rehousing", "result")
    days: dict[str, Any] = {"holiday": "sunday", "weekday": "weekday"}
    found = bs5228.e4_triggers(
        days.get(inputs["day"], inputs["day"]), inputs["hour"], inputs["predicted_facade_level"],
        days_in_15=inputs["exceedance_days_in_any_15"],
        days_in_6_months=inputs["exceedance_days_in_any_6_months"],
        ambient_dba=one_of(inputs, "existing_ambient ambient_laeq ambient"),
    )  # fmt: skip
    got = {
        "insulation_trigger": found.trigger_dba,
        "insulation": found.insulation,
        "temporary_rehousing": found.temporary_rehousing,
    }
    for name, want in case["expected"].items():
        same(got[name], want, name)


def check_abc(case: Case) -> None:
    """Category, threshold and significance of the ABC method."""
    inputs, expected = case["inputs"], case["expected"]
    known(inputs, "period ambient_laeq site_laeq")
    known(expected, "category threshold significant", "result")
    found = bs5228.abc_threshold(inputs["period"], inputs["ambient_laeq"])
    same(found.category, expected.get("category", found.category), "category")
    same(found.threshold_dba, expected.get("threshold", found.threshold_dba), "threshold")
    if "significant" in expected:
        got = bs5228.abc_significant(inputs["period"], inputs["ambient_laeq"], inputs["site_laeq"])
        same(got, expected["significant"], "significant")


def check_utilities(case: Case) -> None:
    """Lead times of interruptions and of no-parking signs."""
    inputs = case["inputs"]
    known(
        inputs,
        "service notice_working_days notice_hours notice_days post_fault comune municipality "
        "duration_hours",
    )
    known(case["expected"], "compliant", "result")
    rule = criteria.lead_time(
        inputs["service"], after_fault=inputs.get("post_fault", False),
        municipality=one_of(inputs, "comune municipality"),
    )  # fmt: skip
    got = criteria.notice_is_enough(
        rule, working_days=inputs.get("notice_working_days"), hours=inputs.get("notice_hours"),
        days=inputs.get("notice_days"), duration_hours=inputs.get("duration_hours"),
    )  # fmt: skip
    same(got, case["expected"]["compliant"], "compliant")


FAMILIES: dict[str, Callable[[Case], None]] = {
    "limits-italy": check_limits_italy,
    "notice-tfnsw": check_tfnsw,
    "notice-tfnsw-distance": check_tfnsw_distance,
    "notice-bs5228-e4": check_e4,
    "notice-bs5228-abc": check_abc,
    "notice-utilities": check_utilities,
}
