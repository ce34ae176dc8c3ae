"""What the checkers of reference cases share: strict inputs and printed tolerances."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

Case = dict[str, Any]


def known(given: Iterable[str], allowed: str, what: str = "input") -> None:
    unknown = sorted(set(given) - set(allowed.split()))
    assert not unknown, f"unsupported {what}: {', '.join(unknown)}"


def one_of(given: Case, names: str) -> Any:
    """The value of the first of several names that is given, None where none is."""
    return next((given[name] for name in names.split() if name in given), None)


def same(got: Any, want: Any, what: str) -> None:
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


def near(case: Case, got: Any, want: Any, what: str) -> None:
    values, wanted = np.ravel(np.asarray(got, dtype=float)), np.ravel(np.asarray(want, dtype=float))
    assert values.shape == wanted.shape, f"{what}: {values.size} values for {wanted.size}"
    for value, expected, printed in zip(values, wanted, np.ravel(np.array(want, dtype=object)),
                                        strict=True):  # fmt: skip
        assert abs(value - expected) <= _slack(case, printed), f"{what}: {value} for {expected}"
