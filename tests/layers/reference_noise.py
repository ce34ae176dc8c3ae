"""Reference cases of the acoustic families: one checker for each, used by ``test_reference.py``.

A checker takes a case and fails where the code leaves its tolerance. An input that the code does
not know fails too: silence would pass for agreement.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely

from layers.noise.absorption import absorption_db_per_km, octave_absorption_db_per_km
from layers.noise.bands import A_WEIGHTING_DB, N_BANDS, a_weighted_sum_db
from layers.noise.diffraction import c3_factor, top_screening_db
from layers.noise.emission import power_from_level_at_10_m, with_on_time
from layers.noise.ground import (
    alternative_ground_db,
    general_ground_db,
    geometry_factor,
    meteorological_correction_db,
    solid_angle_db,
)
from layers.noise.iso9613 import (
    Barrier,
    GroundZone,
    NoiseOptions,
    NoiseResult,
    Receivers,
    Scene,
    Sources,
    propagate,
)
from layers.noise.reference import propagate_reference, trace_direct, trace_reflections
from layers.noise.simplified import bs5228_level_dba, fta_level_dba, rcnm_level_dba
from layers.noise.terrain import Terrain

Case = dict[str, Any]

_BARE = {
    "max_reach_m": 1e5, "lowest_level_dba": -90.0, "reflections": False, "weak_side_db": 99.0,
}  # fmt: skip


def _known(given: dict[str, Any], allowed: str, what: str = "input") -> None:
    unknown = sorted(set(given) - set(allowed.split()))
    assert not unknown, f"unsupported {what}: {', '.join(unknown)}"


def _tolerance(case: Case, default: float = 0.05) -> float:
    tolerance = case.get("tolerance") or {}
    for key in ("total_db", "per_band_db", "value", "abs"):
        if key in tolerance:
            return float(tolerance[key])
    number = re.match(r"\s*(?:\+-|±)?\s*(\d+(?:\.\d+)?)", str(tolerance.get("note", "")))
    return float(number.group(1)) if number else default


def _near(got: Any, want: Any, tolerance: float, what: str) -> None:
    a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    off = np.max(np.abs(a - b))
    # Half a unit of the second decimal place: expected values are printed with two.
    assert off <= tolerance + 0.005, f"{what}: {a.round(3)} for {b}, {off:.3f} off"


# ISO 9613-1 ---------------------------------------------------------------------------------


def check_absorption(case: Case) -> None:
    """Cells of ISO 9613-1 Table 1 and rows of ISO 9613-2 Table 2, within their printed digit."""
    i = case["inputs"]
    _known(i, "temperature_c relative_humidity_pct pressure_kpa frequency_hz frequency_kind")
    got = absorption_db_per_km(
        i["frequency_hz"], i["temperature_c"], i["relative_humidity_pct"],
        i.get("pressure_kpa", 101.325),
    )  # fmt: skip
    for value, printed in zip(got, case["expected"]["alpha_db_per_km"], strict=True):
        digit = 10.0 ** -len(str(printed).partition(".")[2])
        # 15 C and 80 %: the table of 1996 prints 4.1 for 4.151, so one digit either way.
        assert abs(value - printed) <= digit, f"{value:.4f} dB/km for {printed}"


# ISO 9613-2 scenes --------------------------------------------------------------------------

_SCENE_KEYS = (
    "method bands_hz lw_db temperature_c relative_humidity_pct pressure_kpa a_weighting_db "
    "directivity_db cmet_db c0_db source_xyz receiver_xyz z_convention ground_factor ground_zones "
    "ground_method hs hr terrain barriers buildings reflectors edition lateral_diffraction "
    "reflection_order"
)


def check_scene(case: Case) -> None:
    """A scene, by the reference method and, on flat ground, by the kernel."""
    i = case["inputs"]
    _known(i, _SCENE_KEYS)
    assert list(i.get("a_weighting_db", A_WEIGHTING_DB)) == A_WEIGHTING_DB.tolist()
    assert i.get("cmet_db", 0) == 0, "unsupported input: cmet_db other than 0; give c0_db"
    scene, options = _scene(i), _scene_options(i)
    sources = Sources([i["source_xyz"]], [np.array(i["lw_db"], float) + i.get("directivity_db", 0)])
    receivers = Receivers([i["receiver_xyz"]])
    _check_heights(i, scene)
    result = propagate_reference(sources, receivers, scene=scene, options=options)
    _compare(case, result)
    trace = trace_direct(sources.xyz[0], receivers.xyz[0], scene, options)
    _compare_terms(case, trace)
    if scene.terrain is None:
        _compare(case, propagate(sources, receivers, scene=scene, options=options))
    if "reflection_level_db" in case["expected"]:
        paths = trace_reflections(sources.xyz[0], receivers.xyz[0], scene, options)
        assert paths, "no reflected path was found"


def _scene(i: dict[str, Any]) -> Scene:
    zones = [GroundZone(shapely.Polygon(z["polygon"]), z["g"]) for z in i.get("ground_zones", ())]
    terrain = _terrain(i.get("terrain"))
    shapes, roofs = [], []
    for b in i.get("buildings", ()):
        _known(b, "polygon holes height height_m roof_z base_z absorption", "building")
        shapes.append(shapely.Polygon(b["polygon"], b.get("holes")))
        roofs.append(_roof(b, terrain))
    barriers = []
    for b in i.get("barriers", ()):
        _known(b, "top_edge absorption rho", "barrier")
        barriers.append(Barrier(b["top_edge"], _absorption(b, 1.0)))
    for b in i.get("reflectors", ()):
        _known(b, "top_edge absorption rho", "reflector")
        barriers.append(Barrier(b["top_edge"], _absorption(b, 0.0)))
    return Scene(shapes, roofs, barriers=barriers, ground=zones, terrain=terrain)


def _absorption(item: dict[str, Any], default: float) -> Any:
    if "rho" in item:
        return 1.0 - np.asarray(item["rho"], dtype=float)
    return item.get("absorption", default)


def _roof(building: dict[str, Any], terrain: Terrain | None) -> float:
    if "roof_z" in building:
        return float(building["roof_z"])
    height = float(building.get("height", building.get("height_m", math.nan)))
    assert math.isfinite(height), "unsupported building: no roof_z and no height"
    assert terrain is None or "base_z" in building, (
        "unsupported building: a height on terrain needs base_z or roof_z"
    )
    return height + float(building.get("base_z", 0.0))


def _terrain(given: dict[str, Any] | None) -> Terrain | None:
    if given is None:
        return None
    _known(given, "note profile_along_sr breaklines contours", "terrain")
    if "profile_along_sr" in given:
        return Terrain(profile=given["profile_along_sr"])
    lines = given.get("breaklines") or given.get("contours")
    assert lines, "unsupported terrain: it is only described in words"
    return Terrain(breaklines=lines)


def _check_heights(i: dict[str, Any], scene: Scene) -> None:
    """``hs`` and ``hr`` repeat what the heights say; a case where they do not is not supported."""
    if scene.terrain is not None:
        return
    for name, point in (("hs", i["source_xyz"]), ("hr", i["receiver_xyz"])):
        assert name not in i or abs(i[name] - point[2]) < 1e-6, f"unsupported input: {name}"


def _scene_options(i: dict[str, Any]) -> NoiseOptions:
    text = i.get("method", "ISO 9613-2:1996")
    assert "9613-2" in text, f"unsupported method: {text}"
    edition = str(i.get("edition", "2024" if "2024" in text else "1996"))
    ground = str(i.get("ground_method", "general"))
    method = "alternative" if "alternative" in ground or "7.3.2" in ground else "general"
    assert method == "alternative" or "general" in ground, f"unsupported ground_method: {ground}"
    walls = {str(_absorption(b, math.nan)) for b in i.get("buildings", ())} - {"nan"}
    assert len(walls) <= 1, "unsupported input: buildings with different absorption"
    order = i.get("reflection_order", 1 if i.get("reflectors") else 0)
    assert order in (0, 1), f"unsupported reflection_order: {order}"
    return NoiseOptions(
        **(
            _BARE
            | {
                "edition": edition,
                "temperature_c": i.get("temperature_c", 10.0),
                "relative_humidity_pct": i.get("relative_humidity_pct", 70.0),
                "pressure_kpa": i.get("pressure_kpa", 101.325),
                "ground_method": method,
                "default_ground_factor": i.get("ground_factor") or 0.0,
                "lateral": i.get("lateral_diffraction", True),
                "reflections": order == 1,
                "facade_absorption": float(walls.pop()) if walls else None,
                "c0_db": i.get("c0_db", 0.0),
            }
        )
    )


def _compare(case: Case, result: NoiseResult) -> None:
    want, tolerance = case["expected"], case.get("tolerance", {})
    if "la_band_db" in want:
        _near(
            result.bands_db[0] + A_WEIGHTING_DB, want["la_band_db"],
            tolerance.get("per_band_db", 0.05), "A-weighted bands",
        )  # fmt: skip
    _near(result.laeq_dba[0], want["la_total_db"], tolerance.get("total_db", 0.05), "total")


def _compare_terms(case: Case, trace: Any) -> None:
    want, tolerance = case["expected"], case.get("tolerance", {}).get("per_band_db", 0.05)
    inner = want.get("intermediate", {})
    if "abar_band_db" in want:
        _near(trace.barrier_db, want["abar_band_db"], tolerance, "Abar")
    for name, got in (
        ("dp", trace.dp_m), ("d", trace.d_m), ("adiv", trace.divergence_db),
        ("aatm", trace.air_db), ("agr", trace.ground_db),
        ("gs", trace.ground_factors[0]), ("gr", trace.ground_factors[2]),
    ):  # fmt: skip
        if name in inner:
            _near(got, inner[name], tolerance, name)


# ISO 9613-2 derived: distances instead of coordinates ---------------------------------------


def check_derived(case: Case) -> None:
    """Construction cases given by distance and heights, with at most one screen across."""
    i = case["inputs"]
    _known(
        i,
        "method plant lw_db bands_hz source_height_m receiver_height_m dp_m ground_factor "
        "temperature_c relative_humidity_pct pressure_kpa screen on_time_fraction number "
        "facade_reflection_db a_weighting_db",
    )
    options = NoiseOptions(
        **(
            _BARE
            | {
                "edition": "2024" if "2024" in i["method"] else "1996",
                "temperature_c": i["temperature_c"],
                "relative_humidity_pct": i["relative_humidity_pct"],
                "default_ground_factor": i["ground_factor"],
                "facade_reflection_db": i.get("facade_reflection_db", 0.0),
            }
        )
    )
    dp, hr = i["dp_m"], i["receiver_height_m"]
    lw = with_on_time(i["lw_db"], 1.0, i.get("number", 1))
    sources = Sources([[0.0, 0.0, i["source_height_m"]]], [lw])
    scene = _derived_scene(i.get("screen"))
    receivers = Receivers([[dp, 0.0, hr]], [0 if options.facade_reflection_db else -1])
    want = case["expected"]
    for result in (
        propagate(sources, receivers, scene=scene, options=options),
        propagate_reference(sources, receivers, scene=scene, options=options),
    ):
        tolerance = case["tolerance"].get("per_band_db", 0.05)
        facade = options.facade_reflection_db
        bands = result.bands_db[0] + A_WEIGHTING_DB
        total = result.laeq_dba[0] + 10.0 * math.log10(i.get("on_time_fraction", 1.0))
        _near(total, want["la_total_db"], case["tolerance"].get("total_db", 0.05), "total")
        off = np.abs(bands - want["la_band_db"])
        # The bands exclude the on-time; whether they exclude the façade too is told by the case.
        if facade and off.max() > tolerance:
            bands = bands - facade
        _near(bands, want["la_band_db"], tolerance, "A-weighted bands")
    trace = trace_direct(sources.xyz[0], receivers.xyz[0], scene, options)
    if "abar_band_db" in want:
        _near(trace.barrier_db, want["abar_band_db"], 0.05, "Abar")
    if "agr_band_db" in want:
        _near(trace.ground_db, want["agr_band_db"], 0.05, "Agr")
    if "d_m" in want:
        _near(trace.d_m, want["d_m"], 0.01, "d")


def _derived_scene(screen: dict[str, Any] | None) -> Scene:
    if screen is None:
        return Scene()
    _known(
        screen,
        "distance_from_source_m height_m length length_m half_length_m thickness_m type",
        "screen",
    )
    x, h = screen["distance_from_source_m"], screen["height_m"]
    half = 1e5
    if "half_length_m" in screen:
        half = screen["half_length_m"]
    elif isinstance(screen.get("length_m", screen.get("length")), int | float):
        half = 0.5 * screen.get("length_m", screen.get("length"))
    else:
        assert "infinite" in str(screen.get("length", "infinite")), "unsupported screen length"
    if screen.get("thickness_m", 0) > 0:
        return Scene([shapely.box(x, -half, x + screen["thickness_m"], half)], [h])
    return Scene(barriers=[Barrier([[x, -half, h], [x, half, h]])])


# ISO 9613-2 single formulas -----------------------------------------------------------------


def check_unit(case: Case) -> None:
    """One formula of ISO 9613-2 at a time; the expected quantity names it."""
    i, want, tolerance = case["inputs"], case["expected"], _tolerance(case, 0.01)
    assert want, "the case expects nothing"
    for name, value in want.items():
        assert name in _UNITS, f"unsupported quantity: {name}"
        got = _UNITS[name](i)
        if np.ndim(value) == 0 and np.ndim(got) > 0:
            got = np.unique(np.round(got, 6))
            assert got.size == 1, f"{name} differs by band: {got}; name the band"
        _near(got, value, tolerance, name)


def _pick(i: dict[str, Any], *names: str, default: float | None = None) -> float:
    for name in names:
        if i.get(name) is not None:
            return float(i[name])
    assert default is not None, f"the case lacks {names[0]}"
    return default


def _wavelengths(i: dict[str, Any]) -> np.ndarray:
    for name in ("lambda_m", "wavelength_m", "lambda"):
        if name in i:
            return np.atleast_1d(np.asarray(i[name], dtype=float))
    for name in ("frequency_hz", "band_hz", "f_hz", "f"):
        if name in i:
            return 340.0 / np.atleast_1d(np.asarray(i[name], dtype=float))
    from_bands = 340.0 / np.array([62.5, 125, 250, 500, 1000, 2000, 4000, 8000])
    return from_bands


def _ground(i: dict[str, Any]) -> np.ndarray:
    if "hm_m" in i or "hm" in i:
        return np.asarray(alternative_ground_db(_pick(i, "d_m", "d"), _pick(i, "hm_m", "hm")))
    g = i.get("g", i.get("ground_factor"))
    return general_ground_db(
        _pick(i, "dp", "dp_m"), _pick(i, "hs", "hs_m"), _pick(i, "hr", "hr_m"),
        _pick(i, "gs", default=g), _pick(i, "gm", default=g), _pick(i, "gr", default=g),
        edition=str(i.get("edition", "1996")),
    )  # fmt: skip


def _dz(i: dict[str, Any]) -> np.ndarray:
    e = _pick(i, "e", "e_m", default=0.0)
    edges = int(_pick(i, "edges", default=2 if e > 0 else 1))
    return top_screening_db(
        dss_m=_pick(i, "dss", "dss_m", default=0.0), between_m=e,
        dsr_m=_pick(i, "dsr", "dsr_m", default=0.0), edges=edges,
        path_difference_m=_pick(i, "z", "z_m"), distance_m=_pick(i, "d", "d_m", default=0.0),
        edition=str(i.get("edition", "1996")), wavelengths_m=_wavelengths(i),
    )  # fmt: skip


def _free_field_total(i: dict[str, Any]) -> float:
    assert i.get("ground") is None, f"unsupported ground: {i['ground']}"
    options = NoiseOptions(
        **(
            _BARE
            | {
                "ground_method": "none",
                "temperature_c": i.get("temperature_c", 10.0),
                "relative_humidity_pct": i.get("relative_humidity_pct", 70.0),
            }
        )
    )
    source = Sources([[0.0, 0.0, 1.0]], [i.get("lw", i.get("lw_db"))])
    receiver = Receivers([[_pick(i, "d", "d_m"), 0.0, 1.0]])
    return float(propagate(source, receiver, options=options).laeq_dba[0])


def _heights(i: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dp, hs, hr = _pick(i, "dp", "dp_m"), _pick(i, "hs", "hs_m"), _pick(i, "hr", "hr_m")
    return np.asarray(dp), np.asarray(hs), np.asarray(hr)


def _divergence(i: dict[str, Any]) -> float:
    """Through the whole engine, so that it is the code in use that is checked."""
    d = _pick(i, "d_m", "d")
    trace = trace_direct(
        np.array([0.0, 0.0, 1.0]), np.array([d, 0.0, 1.0]), Scene(),
        NoiseOptions(**(_BARE | {"ground_method": "none"})),
    )  # fmt: skip
    return trace.divergence_db


def _air(i: dict[str, Any]) -> np.ndarray:
    alpha = octave_absorption_db_per_km(
        i.get("temperature_c", 10.0), i.get("relative_humidity_pct", 70.0),
        i.get("pressure_kpa", 101.325),
    )  # fmt: skip
    if "alpha_db_per_km" in i:
        alpha = np.asarray(i["alpha_db_per_km"], dtype=float)
    return alpha * _pick(i, "d_m", "d") / 1000.0


_UNITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "adiv_db": _divergence,
    "adiv": _divergence,
    "aatm": _air,
    "aatm_db": _air,
    "agr": _ground,
    "agr_db": _ground,
    "cmet": lambda i: meteorological_correction_db(*_heights(i), _pick(i, "c0", "c0_db")),
    "cmet_db": lambda i: meteorological_correction_db(*_heights(i), _pick(i, "c0", "c0_db")),
    "domega": lambda i: solid_angle_db(*_heights(i)),
    "domega_db": lambda i: solid_angle_db(*_heights(i)),
    "kgeo": lambda i: geometry_factor(*_heights(i)),
    "dz": _dz,
    "dz_db": _dz,
    "c3": lambda i: c3_factor(_pick(i, "e", "e_m"), 2, _wavelengths(i)),
    "la_total": _free_field_total,
    "la_total_db": _free_field_total,
}


# Simple methods -----------------------------------------------------------------------------

_BS_SCREENING = {
    None: "none",
    "none": "none",
    "plant just visible over screen": "partial",
    "partial": "partial",
    "plant fully hidden": "full",
    "plant hidden": "full",
    "fully hidden": "full",
    "full": "full",
}


def check_bs5228(case: Case) -> None:
    """BS 5228-1 Annex F."""
    i = case["inputs"]
    _known(i, "lwa laeq10 distance_m surface facade screening on_time_fraction on_time n number")
    screening = i.get("screening")
    if screening not in _BS_SCREENING:
        assert "visible" in screening or "hidden" in screening, f"unsupported: {screening}"
        screening = "partial" if "visible" in screening else "full"
    level = bs5228_level_dba(
        distance_m=i["distance_m"], lwa_dba=i.get("lwa"), laeq_10m_dba=i.get("laeq10"),
        surface=i.get("surface", "hard"), screening=_BS_SCREENING[screening],  # type: ignore[arg-type]
        facade=i.get("facade", False),
        on_time_fraction=i.get("on_time_fraction", i.get("on_time", 1.0)),
    )  # fmt: skip
    level += 10.0 * math.log10(i.get("n", i.get("number", 1)))
    _near(level, case["expected"]["laeq_db"], _tolerance(case), "LAeq")


def check_bs5228_spectrum(case: Case) -> None:
    """A-weighted sum of an Annex C spectrum."""
    i, want = case["inputs"], case["expected"]
    _known(i, "lp10_band_db bands_hz")
    assert len(i["lp10_band_db"]) == N_BANDS
    total = float(a_weighted_sum_db(i["lp10_band_db"]))
    power = float(a_weighted_sum_db(power_from_level_at_10_m(i["lp10_band_db"])))
    assert abs(total - want["laeq10_printed"]) <= 1.0
    assert abs(power - 28.0 - total) < 1e-9
    if "laeq10_from_bands" in want:
        _near(total, want["laeq10_from_bands"], 0.005, "sum")


def check_fta(case: Case) -> None:
    """FTA and RCNM formulas."""
    i, want, tolerance = case["inputs"], case["expected"], _tolerance(case)
    if "l50ft" in i:
        _known(i, "l50ft distances_ft usage_pct shielding_db")
        got = [
            rcnm_level_dba(
                i["l50ft"], d, usage_pct=i.get("usage_pct", 100.0),
                shielding_db=i.get("shielding_db", 0.0),
            )[0]
            for d in i["distances_ft"]
        ]  # fmt: skip
        _near(got, want["l"], tolerance, "levels")
        return
    _known(i, "equipment emission_50ft distance_ft usage g edition")
    emission: Sequence[float] = np.atleast_1d(i["emission_50ft"]).tolist()
    level = fta_level_dba(
        emission, i["distance_ft"], usage=i.get("usage", 1.0), ground_factor=i.get("g", 0.0)
    )
    _near(level, want["leq_dba"], tolerance, "Leq")


FAMILIES: dict[str, Callable[[Case], None]] = {
    "iso9613-1": check_absorption,
    "iso9613-2": check_scene,
    "iso9613-2-unit": check_unit,
    "derived-iso9613-2": check_derived,
    "bs5228": check_bs5228,
    "bs5228-spectra": check_bs5228_spectrum,
    "fta-noise": check_fta,
}
