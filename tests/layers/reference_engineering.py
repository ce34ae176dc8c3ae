"""Reference cases of dust, vibration, limits, notices, access and machine limits.

One checker for each family, used by ``test_reference.py``. A checker takes a case and fails
where the code disagrees. An input that the code does not know fails too: silence would pass for
agreement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from layers import access, criteria, dust, vibration
from layers.criteria import bs5228, tfnsw
from layers.plant import eu_category_of, permissible_lwa_dba

Case = dict[str, Any]


def _known(given: Iterable[str], allowed: str, what: str = "input") -> None:
    unknown = sorted(set(given) - set(allowed.split()))
    assert not unknown, f"unsupported {what}: {', '.join(unknown)}"


def _one(given: Case, names: str) -> Any:
    """The value of the first of several names that is given, None where none is."""
    return next((given[name] for name in names.split() if name in given), None)


def _same(got: Any, want: Any, what: str) -> None:
    assert got == want, f"{what}: got {got!r}, expected {want!r}"


def _slack(case: Case, want: float) -> float:
    """The case's tolerance, at least half a unit of the last printed digit."""
    note = str((case.get("tolerance") or {}).get("note", ""))
    printed = re.fullmatch(r"-?\d+(?:\.(\d+))?", repr(want))
    digits = len(printed.group(1) or "") if printed else 6
    half_digit = 0.5 * 10.0**-digits + 1e-9
    percent = re.match(r"\s*(\d+(?:\.\d+)?)\s*%", note)
    if percent:
        return max(abs(want) * float(percent.group(1)) / 100.0, half_digit)
    number = re.match(r"\s*(\d+(?:\.\d+)?)\b", note)
    return max(float(number.group(1)) if number else 0.0, half_digit)


def _near(case: Case, got: Any, want: Any, what: str) -> None:
    values, wanted = np.ravel(np.asarray(got, dtype=float)), np.ravel(np.asarray(want, dtype=float))
    assert values.shape == wanted.shape, f"{what}: {values.size} values for {wanted.size}"
    for value, expected, printed in zip(values, wanted, np.ravel(np.array(want, dtype=object)),
                                        strict=True):  # fmt: skip
        assert abs(value - expected) <= _slack(case, printed), f"{what}: {value} for {expected}"


# Dust ----------------------------------------------------------------------------------------

_MAGNITUDE = {
    "building_volume_m3": "building_volume_m3",
    "height_m": "height_m height_above_ground_m building_height_m demolition_height_m",
    "site_area_m2": "site_area_m2 area_m2",
    "earth_moving_vehicles": "earth_moving_vehicles heavy_earth_moving_vehicles heavy_vehicles "
    "heavy_earth_moving_vehicles_at_once",
    "bund_height_m": "bund_height_m",
    "hdv_outward_per_day": "hdv_outward_per_day_peak hdv_outward_per_day hdv_per_day",
    "unpaved_road_m": "unpaved_road_m unpaved_road_length_m",
}


def _in_editions(inputs: Case, answer: Callable[[str], Any]) -> Any:
    """The answer of the edition named; without one, both editions must agree."""
    editions = [str(inputs["edition"])] if "edition" in inputs else ["2014", "2024"]
    answers = [answer(edition) for edition in editions]
    assert all(a == answers[0] for a in answers), f"the editions differ: {answers}"
    return answers[0]


def _magnitude(inputs: Case) -> str:
    _known(inputs, "activity edition " + " ".join(_MAGNITUDE.values()))
    values = {name: _one(inputs, names) for name, names in _MAGNITUDE.items()}
    given = {name: value for name, value in values.items() if value is not None}
    return _in_editions(inputs, lambda e: dust.magnitude(inputs["activity"], edition=e, **given))  # type: ignore[no-any-return]


def _area_sensitivity(inputs: Case) -> str:
    _known(
        inputs,
        "effect receptor_sensitivity receptor_count distance_m annual_mean_pm10_ug_m3 edition",
    )
    effect = {"human health": "health", "soiling": "soiling", "health": "health",
              "ecological": "ecological"}[inputs["effect"]]  # fmt: skip
    return _in_editions(
        inputs,
        lambda e: dust.area_sensitivity(
            effect, inputs["receptor_sensitivity"], inputs["distance_m"],
            inputs.get("receptor_count", 1),
            pm10_ug_m3=inputs.get("annual_mean_pm10_ug_m3"), edition=e,
        ),
    )  # type: ignore[no-any-return]  # fmt: skip


def _required(inputs: Case) -> bool:
    _known(
        inputs,
        "nearest_human_receptor_m nearest_ecological_receptor_m near_trackout_route edition",
    )
    return _in_editions(
        inputs,
        lambda e: dust.assessment_required(
            inputs.get("nearest_human_receptor_m"),
            ecological_boundary_m=inputs.get("nearest_ecological_receptor_m"),
            human_route_m=0.0 if inputs.get("near_trackout_route") else None,
            edition=e,
        ),
    )  # type: ignore[no-any-return]


def _risk(inputs: Case) -> str:
    _known(inputs, "activity area_sensitivity magnitude edition")
    return dust.risk(inputs["activity"], inputs["area_sensitivity"], inputs["magnitude"])


def check_dust(case: Case) -> None:
    """Screening, magnitude, sensitivity and risk of the IAQM guidance."""
    answers = {
        "magnitude": _magnitude,
        "area_sensitivity": _area_sensitivity,
        "assessment_required": _required,
        "risk": _risk,
    }
    _known(case["expected"], " ".join(answers), "result")
    for name, want in case["expected"].items():
        _same(answers[name](case["inputs"]), want, name)


# Vibration -----------------------------------------------------------------------------------

_FT, _IN = vibration.M_PER_FT, vibration.MM_PER_IN
_25FT_M = 25.0 * _FT


def _ppv_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    _known(inputs, "ppv_25ft_ins limit_ins exponent")
    _known(expected, "distance_ft distance_ft_exact distance_m", "result")
    metres = vibration.distance_for_ppv_m(
        inputs["ppv_25ft_ins"], inputs["limit_ins"], exponent=inputs.get("exponent", 1.5),
        reference_m=_25FT_M,
    )  # fmt: skip
    for name, want in expected.items():
        _near(case, metres / (1.0 if name == "distance_m" else _FT), want, name)


def _level_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    _known(inputs, "lv_25ft limits limit distance_ft distance_m")
    _known(expected, "distance_ft exact distance_ft_exact lv_vdb lv", "result")
    if "distance_ft" in inputs or "distance_m" in inputs:
        metres = np.asarray(_one(inputs, "distance_m") or inputs["distance_ft"] * _FT)
        level = vibration.level_from_reference_vdb(inputs["lv_25ft"], metres, reference_m=_25FT_M)
        _near(case, level, _one(expected, "lv_vdb lv"), "level")
        return
    feet = vibration.distance_for_level_m(
        inputs["lv_25ft"], np.asarray(_one(inputs, "limits limit")), reference_m=_25FT_M
    ) / _FT  # fmt: skip
    for name, want in expected.items():
        _near(case, feet, want, name)


def _ppv_at_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    _known(
        inputs,
        "ppv_25ft_ins ppv_ref ppv_ref_ins ppv_ref_mm_s distance_m distance_ft exponent n "
        "reference_m energy_ftlb energy_ref",
    )
    _known(expected, "ppv_ins ppv_mm_s exact", "result")
    metric = _one(inputs, "ppv_ref_mm_s")
    reference = metric if metric is not None else (
        np.asarray(_one(inputs, "ppv_25ft_ins ppv_ref ppv_ref_ins")) * _IN
    )  # fmt: skip
    metres = (
        np.asarray(inputs["distance_m"]) if "distance_m" in inputs
        else np.asarray(inputs["distance_ft"]) * _FT
    )  # fmt: skip
    ppv = vibration.ppv_caltrans_mm_s(
        reference, metres, exponent=_one(inputs, "exponent n"),
        energy=inputs.get("energy_ftlb"), reference_energy=inputs.get("energy_ref"),
    ) if "reference_m" not in inputs or "energy_ftlb" in inputs else (
        vibration.ppv_from_reference_mm_s(
            reference, metres, exponent=_one(inputs, "exponent n"),
            reference_m=inputs["reference_m"],
        )
    )  # fmt: skip
    in_inches = "ppv_ins" in expected
    for name, want in expected.items():
        _near(case, ppv / _IN if in_inches and name != "ppv_mm_s" else ppv, want, name)


def _piling_law(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    _known(expected, "ppv_mm_s", "result")
    if "kp" in inputs:
        _known(
            inputs,
            "kp w_j W_J W energy_j w_joule hammer_energy_j r_m x_m slope_distance_m distance_m",
        )
        energy = _one(inputs, "w_j W_J W energy_j w_joule hammer_energy_j")
        metres = _one(inputs, "r_m x_m slope_distance_m distance_m")
        factors = np.atleast_1d(inputs["kp"])
        got = [vibration.ppv_percussive_piling_mm_s(metres, energy, driving=float(kp))
               for kp in factors]  # fmt: skip
        _near(case, got if np.ndim(expected["ppv_mm_s"]) else got[0], expected["ppv_mm_s"], "PPV")
        return
    _known(inputs, "kv delta k n x_m distance_m")
    got = vibration.site_law_mm_s(
        np.asarray(_one(inputs, "kv k")), _one(inputs, "delta n"),
        np.asarray(_one(inputs, "x_m distance_m")),
    )  # fmt: skip
    _near(case, got, expected["ppv_mm_s"], "PPV")


_DIN_LINES = {
    "residential": "residential", "dwelling": "residential", "sensitive": "sensitive",
    "listed": "sensitive", "heritage": "sensitive", "industrial": "industrial",
    "commercial": "industrial", "industrial/commercial": "industrial",
}  # fmt: skip


def _din(case: Case) -> None:
    inputs = case["inputs"]
    _known(inputs, "line frequency_hz place long_term")
    _known(case["expected"], "limit_mm_s", "result")
    got = vibration.din4150_limit_mm_s(
        _DIN_LINES[inputs["line"]], inputs.get("frequency_hz"),
        place=str(inputs.get("place", "foundation")).replace(" ", "_"),  # type: ignore[arg-type]
        long_term=bool(inputs.get("long_term", False)),
    )  # fmt: skip
    _near(case, got, case["expected"]["limit_mm_s"], "guideline value")


def _range_of(words: str) -> tuple[str, ...]:
    """The numbers of a band like ``0.3-1.0: …`` or ``above 10: …``, with its side."""
    head = words.split(":")[0].lower()
    numbers = tuple(f"{float(n):g}" for n in re.findall(r"\d+(?:\.\d+)?", head))
    if len(numbers) == 2:
        return numbers
    below = any(w in head for w in ("below", "<", "under", "less"))
    return ("below" if below else "above", *numbers)


def _human(case: Case) -> None:
    _known(case["expected"], "band", "result")
    got = vibration.human_response_words(case["inputs"]["ppv_mm_s"])
    _same(_range_of(got), _range_of(case["expected"]["band"]), "band")


def _working_distance(case: Case) -> None:
    _known(case["expected"], "cosmetic_bs7385_m heritage_din4150_m human_response_m", "result")
    found = vibration.working_distance(case["inputs"]["plant"])
    got = {
        "cosmetic_bs7385_m": found.cosmetic_m,
        "heritage_din4150_m": found.heritage_m,
        "human_response_m": list(found.human_response_m) if found.human_response_m else None,
    }
    for name, want in case["expected"].items():
        value = got[name]
        if name == "human_response_m" and not isinstance(want, list) and value is not None:
            want = [want, want]
        _same(value, want, name)


def check_vibration(case: Case) -> None:
    """PPV laws and their inversions, guideline values, human response, working distances."""
    keys = set(case["inputs"])
    for needed, check in (
        ({"limit_ins"}, _ppv_distance),
        ({"lv_25ft"}, _level_distance),
        ({"kv"}, _piling_law),
        ({"kp"}, _piling_law),
        ({"k", "n"}, _piling_law),
        ({"line"}, _din),
        ({"plant"}, _working_distance),
    ):
        if needed <= keys:
            check(case)
            return
    if keys == {"ppv_mm_s"}:
        _human(case)
    else:
        _ppv_at_distance(case)


# Access --------------------------------------------------------------------------------------

_ACCESS_RULES = {
    "DM236 path": ("dm236_path", {
        "clear_width_m": ("width_m", 1), "width_m": ("width_m", 1), "slope": ("slope_pct", 100),
        "cross_slope": ("cross_slope_pct", 100), "headroom_m": ("headroom_m", 1),
        "step_m": ("step_cm", 100), "step_cm": ("step_cm", 1), "single_step_m": ("step_cm", 100),
    }),
    "DM236 kerb ramp": ("dm236_kerb_ramp", {
        "slope": ("slope_pct", 100), "level_difference_m": ("level_difference_cm", 100),
    }),
    "fire": ("fire_vehicle", {
        "width_m": ("width_m", 1), "height_m": ("height_m", 1), "slope": ("slope_pct", 100),
        "inner_radius_m": ("radius_m", 1), "turning_radius_m": ("radius_m", 1),
        "load_t": ("load_t", 1),
    }),
}  # fmt: skip


def _plain_name(measure: str) -> str:
    return re.sub(r"_(m|pct|cm|t)$", "", measure.replace("-", "_").replace(" ", "_"))


def check_access(case: Case) -> None:
    """Rules of passable ways: DM 236/1989, temporary footways, fire vehicles."""
    inputs, expected = case["inputs"], case["expected"]
    if "temporary_footway_m" in inputs:
        _known(inputs, "temporary_footway_m")
        got = access.temporary_footway(inputs["temporary_footway_m"])
        want = str(expected["result"])
        refused = re.search(r"\b(not|below|insufficient|fail|too|narrow)", want)
        _same(got, "too narrow" if refused else
              "minimum" if "minimum" in want else want, "result")  # fmt: skip
        return
    rule, names = _ACCESS_RULES["fire" if "fire_access" in expected else inputs["rule"]]
    given = {k: v for k, v in inputs.items() if k != "rule"}
    _known(given, " ".join(names))
    _known(expected, "accessible fails fire_access", "result")
    measures = {names[k][0]: round(v * names[k][1], 9) for k, v in given.items()}
    found = access.check_rule(rule, **measures)
    for name in ("accessible", "fire_access"):
        if name in expected:
            _same(found.kept, expected[name], name)
    if "fails" in expected:
        _same({_plain_name(f) for f in found.fails},
              {_plain_name(f) for f in expected["fails"]}, "fails")  # fmt: skip


# Limits and notices --------------------------------------------------------------------------

_PERIODS = {"diurno": "day", "notturno": "night", "day": "day", "night": "night"}
_KINDS = {
    "immissione": "immission", "emissione": "emission", "qualità": "quality",
    "qualita": "quality", "attenzione": "attention", "attenzione 1 h": "attention_1h",
    "attenzione_1h": "attention_1h", "attenzione 1h": "attention_1h", "attenzione oraria": "attention_1h",
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
    _known(inputs, "acoustic_class zone hour level_laeq limit_kind")
    _known(expected, "period limit exceeded", "result")
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
        _same(got[name], want, name)


def _differential(inputs: Case, expected: Case) -> None:
    _known(inputs, "period ambient_indoor residual_indoor windows acoustic_class")
    _known(expected, "applicable exceeded", "result")
    levels = (inputs["ambient_indoor"], inputs["residual_indoor"])
    opened = {"open": True, "closed": False}[inputs["windows"]]
    found = criteria.differential(
        *(levels if opened else (None, None)), _PERIODS[inputs["period"]],  # type: ignore[arg-type]
        klass=inputs.get("acoustic_class"),
        ambient_closed_dba=None if opened else levels[0],
        residual_closed_dba=None if opened else levels[1],
    )  # fmt: skip
    for name, want in expected.items():
        _same(getattr(found, name), want, name)


def _municipality(inputs: Case, expected: Case) -> None:
    _known(
        inputs,
        "comune weekday hour noisy_machinery facade_laeq indoor_laeq inside_laeq renovation season",
    )
    _known(expected, "within_simplified_regime", "result")
    seasons: dict[Any, Any] = {"inverno": "winter", "estate": "summer", None: None}
    season = inputs.get("season")
    found = criteria.within_simplified_regime(
        criteria.municipal_rule(inputs["comune"]), _DAYS[inputs["weekday"]], inputs["hour"],
        noisy=inputs["noisy_machinery"], facade_level_dba=inputs.get("facade_laeq"),
        inside_level_dba=_one(inputs, "indoor_laeq inside_laeq"),
        renovation=inputs.get("renovation", False), season=seasons.get(season, season),
    )  # fmt: skip
    _same(found.within, expected["within_simplified_regime"], "within_simplified_regime")


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
        _known(inputs, "noise_area_category rbl")
        _known(expected, "nml", "result")
        background = tfnsw.rbl_dba(inputs["noise_area_category"])
        _same(background, {k: float(v) for k, v in inputs.get("rbl", background).items()}, "RBL")
        _same(tfnsw.noise_management_levels_dba(background), expected["nml"], "NML")
        return
    _known(expected, "over_rbl over_nml measures", "result")
    level, period = inputs["level_laeq15"], inputs["period"]
    if "nml" in inputs or inputs["receiver"] != "residential":
        _known(inputs, "receiver period nml level_laeq15")
        nml = inputs.get("nml") or tfnsw.non_residential_nml_dba(inputs["receiver"])
        if "over_nml" in expected:
            _same(level - nml, expected["over_nml"], "over_nml")
        found = tfnsw.non_residential_measures(period, level, nml)
    else:
        _known(inputs, "receiver period noise_area_category rbl level_laeq15")
        background_dba = inputs.get("rbl") or tfnsw.rbl_dba(inputs["noise_area_category"])[
            period.removesuffix("_oohw")
        ]  # fmt: skip
        if "over_rbl" in expected:
            _same(level - background_dba, expected["over_rbl"], "over_rbl")
        found = tfnsw.residential_measures(period, level, background_dba)
    _same(set(found), set(expected["measures"]), "measures")


def check_e4(case: Case) -> None:
    """Insulation and temporary rehousing of BS 5228-1 E.4."""
    inputs = case["inputs"]
    _known(
        inputs,
        "day hour predicted_facade_level exceedance_days_in_any_15 "
        "exceedance_days_in_any_6_months existing_ambient ambient_laeq ambient",
    )
    _known(case["expected"], "insulation_trigger insulation temporary_rehousing", "result")
    days: dict[str, Any] = {"holiday": "sunday", "weekday": "weekday"}
    found = bs5228.e4_triggers(
        days.get(inputs["day"], inputs["day"]), inputs["hour"], inputs["predicted_facade_level"],
        days_in_15=inputs["exceedance_days_in_any_15"],
        days_in_6_months=inputs["exceedance_days_in_any_6_months"],
        ambient_dba=_one(inputs, "existing_ambient ambient_laeq ambient"),
    )  # fmt: skip
    got = {
        "insulation_trigger": found.trigger_dba,
        "insulation": found.insulation,
        "temporary_rehousing": found.temporary_rehousing,
    }
    for name, want in case["expected"].items():
        _same(got[name], want, name)


def check_abc(case: Case) -> None:
    """Category, threshold and significance of the ABC method."""
    inputs, expected = case["inputs"], case["expected"]
    _known(inputs, "period ambient_laeq site_laeq")
    _known(expected, "category threshold significant", "result")
    found = bs5228.abc_threshold(inputs["period"], inputs["ambient_laeq"])
    _same(found.category, expected.get("category", found.category), "category")
    _same(found.threshold_dba, expected.get("threshold", found.threshold_dba), "threshold")
    if "significant" in expected:
        got = bs5228.abc_significant(inputs["period"], inputs["ambient_laeq"], inputs["site_laeq"])
        _same(got, expected["significant"], "significant")


def check_utilities(case: Case) -> None:
    """Lead times of interruptions and of no-parking signs."""
    inputs = case["inputs"]
    _known(
        inputs,
        "service notice_working_days notice_hours notice_days post_fault comune municipality "
        "duration_hours",
    )
    _known(case["expected"], "compliant", "result")
    rule = criteria.lead_time(
        inputs["service"], after_fault=inputs.get("post_fault", False),
        municipality=_one(inputs, "comune municipality"),
    )  # fmt: skip
    got = criteria.notice_is_enough(
        rule, working_days=inputs.get("notice_working_days"), hours=inputs.get("notice_hours"),
        days=inputs.get("notice_days"), duration_hours=inputs.get("duration_hours"),
    )  # fmt: skip
    _same(got, case["expected"]["compliant"], "compliant")


def check_eu_limit(case: Case) -> None:
    """Permissible sound power of Directive 2000/14/EC."""
    inputs = case["inputs"]
    _known(inputs, "machine p_kw pel_kw p_el_kw mass_kg m_kg cutting_width_cm l_cm stage")
    _known(case["expected"], "lwa_db", "result")
    ruled_by = eu_category_of(inputs["machine"]).quantity
    values = {
        "power_kw": _one(inputs, "p_kw"),
        "electric_power_kw": _one(inputs, "pel_kw p_el_kw p_kw"),
        "mass_kg": _one(inputs, "mass_kg m_kg"),
        "cutting_width_cm": _one(inputs, "cutting_width_cm l_cm"),
    }
    got = permissible_lwa_dba(
        inputs["machine"], stage=inputs.get("stage", 2), **{ruled_by: values[ruled_by]}
    )
    _same(got, case["expected"]["lwa_db"], "LWA")


FAMILIES: dict[str, Callable[[Case], None]] = {
    "dust-iaqm": check_dust,
    "vibration": check_vibration,
    "access": check_access,
    "limits-italy": check_limits_italy,
    "notice-tfnsw": check_tfnsw,
    "notice-bs5228-e4": check_e4,
    "notice-bs5228-abc": check_abc,
    "notice-utilities": check_utilities,
    "eu-2000-14": check_eu_limit,
}
