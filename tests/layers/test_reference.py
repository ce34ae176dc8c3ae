"""Published cases with their answers, read from files.

Every JSON file of ``ACCANTO_REFERENCE_CASES`` (default ``tests/reference``) holds a list
``cases``; each case has ``id``, ``family``, ``inputs``, ``expected`` and ``tolerance``. Anybody can
run further cases without touching the code. A family that the code does not implement is skipped
by name; an input or a result that a family does not know fails.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.layers import reference_cnossos, reference_engineering, reference_limits, reference_noise

Case = dict[str, Any]

OWN_CASES = Path(__file__).resolve().parents[1] / "reference"
PLACE = Path(os.environ.get("ACCANTO_REFERENCE_CASES") or OWN_CASES)

FAMILIES: dict[str, Callable[[Case], None]] = {
    **reference_cnossos.FAMILIES,
    **reference_engineering.FAMILIES,
    **reference_limits.FAMILIES,
    **reference_noise.FAMILIES,
}


def read_cases(place: Path) -> list[Case]:
    """All cases of a folder of JSON files, or of one file, in the order of their names."""
    files = sorted(place.glob("*.json")) if place.is_dir() else [place]
    return [case for file in files for case in json.loads(file.read_text("utf-8"))["cases"]]


CASES = read_cases(PLACE)


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c['family']}:{c['id']}") for c in CASES])
def test_case(case: Case) -> None:
    check = FAMILIES.get(case["family"])
    if check is None:
        pytest.skip(f"the family {case['family']} is not implemented")
    check(case)


def test_there_are_cases_and_no_two_of_one_name() -> None:
    names = [(c["family"], c["id"]) for c in CASES]
    assert names, f"no case was found in {PLACE}"
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("family", "wrong"),
    [
        ("dust-iaqm", {"inputs": {"colour": 1}, "expected": {"magnitude": "Large"}}),
        ("vibration", {"inputs": {"colour": 1}, "expected": {"ppv_mm_s": 1}}),
        ("access", {"inputs": {"rule": "DM236 path", "colour": 1}, "expected": {}}),
        ("limits-italy", {"inputs": {"hour": 9, "colour": 1}, "expected": {}}),
        ("notice-tfnsw", {"inputs": {"colour": 1, "rbl": {}}, "expected": {"nml": {}}}),
        ("notice-tfnsw-distance", {"inputs": {"colour": 1}, "expected": {}}),
        ("notice-utilities", {"inputs": {"service": "gas", "colour": 1}, "expected": {}}),
        ("notice-bs5228-abc", {"inputs": {"colour": 1}, "expected": {}}),
        ("notice-bs5228-e4", {"inputs": {"colour": 1}, "expected": {}}),
        ("eu-2000-14", {"inputs": {"machine": "excavator", "colour": 1}, "expected": {}}),
    ],
)  # fmt: skip
def test_an_input_nobody_knows_is_not_passed_over(family: str, wrong: Case) -> None:
    with pytest.raises(AssertionError, match=r"unsupported .*colour"):
        FAMILIES[family](wrong)


def test_a_wrong_answer_fails() -> None:
    """Every family's first case fails once its expected values are changed."""
    plain = {**reference_engineering.FAMILIES, **reference_limits.FAMILIES}
    firsts = {c["family"]: c for c in reversed(CASES) if c["family"] in plain}
    for family, case in firsts.items():
        changed = {k: _another(v) for k, v in case["expected"].items()}
        with pytest.raises(AssertionError):
            FAMILIES[family]({**case, "expected": changed})


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 1.7 + 3.0
    if isinstance(value, list):
        return (
            [*value, "X"]
            if value and isinstance(value[0], str)
            else [_another(v) for v in value] or ["X"]
        )
    if isinstance(value, dict):
        return {k: _another(v) for k, v in value.items()}
    return "above 99: another"
