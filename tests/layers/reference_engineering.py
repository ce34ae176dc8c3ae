"""Reference cases of dust, vibration, access and machine limits.

One checker for each family, used by ``test_reference.py``. A checker takes a case and fails
where the code disagrees. An input that the code does not know fails too: silence would pass for
agreement.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from layers import access, dust, vibration
from layers.plant import eu_category_of, permissible_lwa_dba
from tests.layers.reference_checks import Case, known, near, one_of, same

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
    known(inputs, "activity edition " + " ".join(_MAGNITUDE.values()))
    values = {name: one_of(inputs, names) for name, names in _MAGNITUDE.items()}
    given = {name: value for name, value in values.items() if value is not None}
    return _in_editions(inputs, lambda e: dust.magnitude(inputs["activity"], edition=e, **given))  # type: ignore[no-any-return]


def _area_sensitivity(inputs: Case) -> str:
    known(
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
    known(
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
    known(inputs, "activity area_sensitivity magnitude edition")
    return dust.risk(inputs["activity"], inputs["area_sensitivity"], inputs["magnitude"])


def check_dust(case: Case) -> None:
    """Screening, magnitude, sensitivity and risk of the IAQM guidance."""
    answers = {
        "magnitude": _magnitude,
        "area_sensitivity": _area_sensitivity,
        "assessment_required": _required,
        "risk": _risk,
    }
    known(case["expected"], " ".join(answers), "result")
    for name, want in case["expected"].items():
        same(answers[name](case["inputs"]), want, name)


# Vibration -----------------------------------------------------------------------------------

_FT, _IN = vibration.M_PER_FT, vibration.MM_PER_IN
_25FT_M = 25.0 * _FT


def _ppv_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    known(inputs, "ppv_25ft_ins limit_ins exponent")
    known(expected, "distance_ft distance_ft_exact distance_m", "result")
    metres = vibration.distance_for_ppv_m(
        inputs["ppv_25ft_ins"], inputs["limit_ins"], exponent=inputs.get("exponent", 1.5),
        reference_m=_25FT_M,
    )  # fmt: skip
    for name, want in expected.items():
        near(case, metres / (1.0 if name == "distance_m" else _FT), want, name)


def _level_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    known(inputs, "lv_25ft limits limit distance_ft distance_m")
    known(expected, "distance_ft exact distance_ft_exact lv_vdb lv", "result")
    if "distance_ft" in inputs or "distance_m" in inputs:
        metres = np.asarray(one_of(inputs, "distance_m") or inputs["distance_ft"] * _FT)
        level = vibration.level_from_reference_vdb(inputs["lv_25ft"], metres, reference_m=_25FT_M)
        near(case, level, one_of(expected, "lv_vdb lv"), "level")
        return
    feet = vibration.distance_for_level_m(
        inputs["lv_25ft"], np.asarray(one_of(inputs, "limits limit")), reference_m=_25FT_M
    ) / _FT  # fmt: skip
    for name, want in expected.items():
        near(case, feet, want, name)


def _ppv_at_distance(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    known(
        inputs,
        "ppv_25ft_ins ppv_ref ppv_ref_ins ppv_ref_mm_s distance_m distance_ft exponent n "
        "reference_m energy_ftlb energy_ref",
    )
    known(expected, "ppv_ins ppv_mm_s exact", "result")
    metric = one_of(inputs, "ppv_ref_mm_s")
    reference = metric if metric is not None else (
        np.asarray(one_of(inputs, "ppv_25ft_ins ppv_ref ppv_ref_ins")) * _IN
    )  # fmt: skip
    metres = (
        np.asarray(inputs["distance_m"]) if "distance_m" in inputs
        else np.asarray(inputs["distance_ft"]) * _FT
    )  # fmt: skip
    ppv = vibration.ppv_caltrans_mm_s(
        reference, metres, exponent=one_of(inputs, "exponent n"),
        energy=inputs.get("energy_ftlb"), reference_energy=inputs.get("energy_ref"),
    ) if "reference_m" not in inputs or "energy_ftlb" in inputs else (
        vibration.ppv_from_reference_mm_s(
            reference, metres, exponent=one_of(inputs, "exponent n"),
            reference_m=inputs["reference_m"],
        )
    )  # fmt: skip
    in_inches = "ppv_ins" in expected
    for name, want in expected.items():
        near(case, ppv / _IN if in_inches and name != "ppv_mm_s" else ppv, want, name)


def _piling_law(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    known(expected, "ppv_mm_s", "result")
    if "kp" in inputs:
        known(
            inputs,
            "kp w_j W_J W energy_j w_joule hammer_energy_j r_m x_m slope_distance_m distance_m",
        )
        energy = one_of(inputs, "w_j W_J W energy_j w_joule hammer_energy_j")
        metres = one_of(inputs, "r_m x_m slope_distance_m distance_m")
        factors = np.atleast_1d(inputs["kp"])
        got = [vibration.ppv_percussive_piling_mm_s(metres, energy, driving=float(kp))
               for kp in factors]  # fmt: skip
        near(case, got if np.ndim(expected["ppv_mm_s"]) else got[0], expected["ppv_mm_s"], "PPV")
        return
    known(inputs, "kv delta k n x_m distance_m")
    got = vibration.site_law_mm_s(
        np.asarray(one_of(inputs, "kv k")), one_of(inputs, "delta n"),
        np.asarray(one_of(inputs, "x_m distance_m")),
    )  # fmt: skip
    near(case, got, expected["ppv_mm_s"], "PPV")


_DIN_LINES = {
    "residential": "residential", "dwelling": "residential", "sensitive": "sensitive",
    "listed": "sensitive", "heritage": "sensitive", "industrial": "industrial",
    "commercial": "industrial", "industrial/commercial": "industrial",
}  # fmt: skip


def _din(case: Case) -> None:
    inputs = case["inputs"]
    known(inputs, "line frequency_hz place long_term")
    known(case["expected"], "limit_mm_s", "result")
    got = vibration.din4150_limit_mm_s(
        _DIN_LINES[inputs["line"]], inputs.get("frequency_hz"),
        place=str(inputs.get("place", "foundation")).replace(" ", "_"),  # type: ignore[arg-type]
        long_term=bool(inputs.get("long_term", False)),
    )  # fmt: skip
    near(case, got, case["expected"]["limit_mm_s"], "guideline value")


def _range_of(words: str) -> tuple[str, ...]:
    """The numbers of a band like ``0.3-1.0: …`` or ``above 10: …``, with its side."""
    head = words.split(":")[0].lower()
    numbers = tuple(f"{float(n):g}" for n in re.findall(r"\d+(?:\.\d+)?", head))
    if len(numbers) == 2:
        return numbers
    below = any(w in head for w in ("below", "<", "under", "less"))
    return ("below" if below else "above", *numbers)


def _human(case: Case) -> None:
    known(case["expected"], "band", "result")
    got = vibration.human_response_words(case["inputs"]["ppv_mm_s"])
    same(_range_of(got), _range_of(case["expected"]["band"]), "band")


def _working_distance(case: Case) -> None:
    known(case["expected"], "cosmetic_bs7385_m heritage_din4150_m human_response_m", "result")
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
        same(value, want, name)


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
        known(inputs, "temporary_footway_m")
        got = access.temporary_footway(inputs["temporary_footway_m"])
        want = str(expected["result"])
        refused = re.search(r"\b(not|below|insufficient|fail|too|narrow)", want)
        same(got, "too narrow" if refused else
              "minimum" if "minimum" in want else want, "result")  # fmt: skip
        return
    rule, names = _ACCESS_RULES["fire" if "fire_access" in expected else inputs["rule"]]
    given = {k: v for k, v in inputs.items() if k != "rule"}
    known(given, " ".join(names))
    known(expected, "accessible fails fire_access", "result")
    measures = {names[k][0]: round(v * names[k][1], 9) for k, v in given.items()}
    found = access.check_rule(rule, **measures)
    for name in ("accessible", "fire_access"):
        if name in expected:
            same(found.kept, expected[name], name)
    if "fails" in expected:
        same({_plain_name(f) for f in found.fails},
              {_plain_name(f) for f in expected["fails"]}, "fails")  # fmt: skip


def check_eu_limit(case: Case) -> None:
    """Permissible sound power of Directive 2000/14/EC."""
    inputs = case["inputs"]
    known(inputs, "machine p_kw pel_kw p_el_kw mass_kg m_kg cutting_width_cm l_cm stage")
    known(case["expected"], "lwa_db", "result")
    ruled_by = eu_category_of(inputs["machine"]).quantity
    values = {
        "power_kw": one_of(inputs, "p_kw"),
        "electric_power_kw": one_of(inputs, "pel_kw p_el_kw p_kw"),
        "mass_kg": one_of(inputs, "mass_kg m_kg"),
        "cutting_width_cm": one_of(inputs, "cutting_width_cm l_cm"),
    }
    got = permissible_lwa_dba(
        inputs["machine"], stage=inputs.get("stage", 2), **{ruled_by: values[ruled_by]}
    )
    same(got, case["expected"]["lwa_db"], "LWA")


FAMILIES: dict[str, Callable[[Case], None]] = {
    "dust-iaqm": check_dust,
    "vibration": check_vibration,
    "access": check_access,
    "eu-2000-14": check_eu_limit,
}
