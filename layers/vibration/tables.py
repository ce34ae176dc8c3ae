"""The tables of vibration, read once, and checks shared by the formulas."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from layers.errors import DataError

FloatArray = NDArray[np.float64]

#: Millimetres in an inch; PPV tables of American sources are in in/s.
MM_PER_IN = 25.4
#: Metres in a foot.
M_PER_FT = 0.3048


@cache
def table(name: str) -> dict[str, Any]:
    """One table of ``data.yaml`` by name."""
    loaded: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parent / "data.yaml").read_text(encoding="utf-8")
    )
    rows: dict[str, Any] = loaded[name]
    return rows


def chosen(what: str, value: str, known: Iterable[str]) -> str:
    """The value if it is known, else a DataError that lists what is."""
    names = [str(k) for k in known]
    if value not in names:
        raise DataError(f"Vibration, {what} “{value}” is unknown; known are {', '.join(names)}.")
    return value


def positive(what: str, values: ArrayLike) -> FloatArray:
    """An array of finite values above zero, or a DataError."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all() or (array <= 0).any():
        raise DataError(f"Vibration, {what}: values must be numbers above 0.")
    return array
