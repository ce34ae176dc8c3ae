"""Reading the tables that lie beside the code, once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """A table of limits or triggers by its file name without ending."""
    loaded: dict[str, Any] = yaml.safe_load((_DATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def criteria_sets() -> dict[str, dict[str, Any]]:
    """The sets of limits known, with title, kind and whether a new quarter has them on."""
    return table("sets")
