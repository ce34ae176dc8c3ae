"""Reference cases of CNOSSOS-EU propagation, used by ``test_reference.py``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from layers.noise.bands import A_WEIGHTING_DB
from layers.noise.cnossos_engine import propagate_cnossos
from layers.noise.model import NoiseOptions, Receivers, Sources
from layers.noise.scene import Scene
from tests.layers.reference_checks import Case
from tests.layers.reference_noise import _absorption, _known, _near, _scene

_KEYS = (
    "method bands_hz lw_db temperature_c relative_humidity_pct pressure_kpa a_weighting_db "
    "favourable_probability source_xyz receiver_xyz z_convention g_at_source ground_factor "
    "ground_zones terrain barriers buildings reflectors lateral_diffraction reflection_order"
)
_PLACE = r"\((-?[\d.]+),\s*(-?[\d.]+)\)"
_LINE = rf"{_PLACE}-{_PLACE} z=(-?[\d.]+)"
_FRAME = r"rectangle x (-?[\d.]+)\.\.(-?[\d.]+), y (-?[\d.]+)\.\.(-?[\d.]+) at z=(-?[\d.]+)"


def check_cnossos(case: Case) -> None:
    """A scene by the second engine: all paths together, and without those round the sides."""
    i, want = case["inputs"], case["expected"]
    _known(i, _KEYS)
    _known(want, "la_band_db la_total_db la_band_without_lateral_db paths", "result")
    assert i.get("z_convention", "absolute") == "absolute", "unsupported z_convention"
    assert list(i.get("a_weighting_db", A_WEIGHTING_DB)) == A_WEIGHTING_DB.tolist()
    scene = _scene(i | {"terrain": _relief(i.get("terrain"))})
    lateral = i.get("lateral_diffraction", True)
    tolerance = case["tolerance"]
    bands, total = _levels(i, scene, lateral)
    _near(bands, want["la_band_db"], tolerance["per_band_db"], "A-weighted bands")
    _near(total, want["la_total_db"], tolerance["total_db"], "total")
    if lateral and "la_band_without_lateral_db" in want:
        bands, _ = _levels(i, scene, lateral=False)
        _near(bands, want["la_band_without_lateral_db"], tolerance["per_band_db"], "over the top")


def _levels(i: dict[str, Any], scene: Scene, lateral: bool) -> tuple[np.ndarray, float]:
    order = i.get("reflection_order", 1 if i.get("reflectors") else 0)
    assert order in (0, 1), f"unsupported reflection_order: {order}"
    walls = {str(_absorption(b, 0.2)) for b in i.get("buildings", ())} if order else set()
    assert len(walls) <= 1, "unsupported input: buildings with different absorption"
    options = NoiseOptions(
        method="cnossos", max_reach_m=1e5, lowest_level_dba=-90.0, lateral=lateral,
        favourable_share=i["favourable_probability"], temperature_c=i["temperature_c"],
        relative_humidity_pct=i["relative_humidity_pct"],
        pressure_kpa=i.get("pressure_kpa", 101.325),
        default_ground_factor=i.get("ground_factor") or 0.0, reflections=order == 1,
        facade_absorption=float(walls.pop()) if walls else None,
    )  # fmt: skip
    result = propagate_cnossos(
        Sources([i["source_xyz"]], [i["lw_db"]]), Receivers([i["receiver_xyz"]]), scene=scene,
        options=options, g_source=i.get("g_at_source"),
    )  # fmt: skip
    return result.bands_db[0] + A_WEIGHTING_DB, float(result.laeq_dba[0])


def _relief(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Break lines, from words where the case has only those: an embankment by its four lines."""
    if given is None or set(given) - {"note"}:
        return given
    note = given["note"]
    lines = [
        [[ax, ay, z], [bx, by, z]]
        for ax, ay, bx, by, z in (map(float, m.groups()) for m in re.finditer(_LINE, note))
    ]
    frame = re.search(_FRAME, note)
    assert lines, "unsupported terrain: words that are not understood"
    assert frame, "unsupported terrain: words that are not understood"
    x0, x1, y0, y1, z = (float(v) for v in frame.groups())
    lines.append([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z], [x0, y0, z]])
    return {"breaklines": lines}


FAMILIES: dict[str, Callable[[Case], None]] = {"cnossos": check_cnossos}
