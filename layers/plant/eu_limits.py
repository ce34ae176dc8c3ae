"""Permissible sound power of Directive 2000/14/EC (in Italy D.Lgs. 262/2002)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from layers.errors import DataError
from layers.plant.names import closest, normalised

_DATA = Path(__file__).parent / "data" / "eu_2000_14.yaml"

#: What a quantity is called in a sentence, and the largest value that is believed.
_QUANTITIES: dict[str, tuple[str, float]] = {
    "power_kw": ("net installed power in kW", 3000.0),
    "electric_power_kw": ("electric power in kW", 3000.0),
    "mass_kg": ("mass in kg", 500.0),
    "cutting_width_cm": ("cutting width in cm", 1000.0),
}


@dataclass(frozen=True, slots=True)
class EuCategory:
    """One row group of the directive: which quantity rules and its ranges."""

    key: str
    title: str
    names: tuple[str, ...]
    quantity: str
    ranges: tuple[dict[str, Any], ...]


@cache
def eu_categories() -> dict[str, EuCategory]:
    """The equipment categories of the directive with a limit, by key."""
    raw = yaml.safe_load(_DATA.read_text(encoding="utf-8"))["categories"]
    return {
        key: EuCategory(
            key,
            " ".join(row["title"].split()),
            tuple(row["names"]),
            row["quantity"],
            tuple(row["ranges"]),
        )
        for key, row in raw.items()
    }


@cache
def _by_name() -> dict[str, str]:
    return {
        normalised(name): key
        for key, category in eu_categories().items()
        for name in (key, *category.names)
    }


def eu_category_of(machine: str) -> EuCategory:
    """The directive's category of a machine named in English or Italian, or by its key.

    Raises
    ------
    DataError
        No category goes by this name; the sentence lists the nearest ones.
    """
    key = _by_name().get(normalised(machine))
    if key is None:
        raise DataError(
            f"Directive 2000/14/EC has no limit for “{machine}”."
            f"{closest(machine, [n for c in eu_categories().values() for n in c.names])}"
        )
    return eu_categories()[key]


def checked_quantity(name: str, value: float | None) -> float | None:
    """A power, mass or width that can be believed, or None where none is given.

    Raises
    ------
    DataError
        The value is not a number, not above zero or absurdly large.
    """
    if value is None:
        return None
    label, largest = _QUANTITIES[name]
    number = float(value)
    if not math.isfinite(number) or number <= 0 or number > largest:
        raise DataError(
            f"{label[0].upper()}{label[1:]}: {value} cannot be right; give a value above 0 and "
            f"up to {largest:g}, or leave it empty."
        )
    return number


def permissible_lwa_dba(
    machine: str,
    *,
    power_kw: float | None = None,
    electric_power_kw: float | None = None,
    mass_kg: float | None = None,
    cutting_width_cm: float | None = None,
    stage: int = 2,
) -> int:
    """The highest A-weighted sound power a machine may be sold with.

    Parameters
    ----------
    machine
        Name or key of a category, English or Italian.
    power_kw, electric_power_kw, mass_kg, cutting_width_cm
        The quantity that rules the category (net installed power, electric power, mass of a
        hand-held breaker, cutting width).
    stage
        1 (from 2002) or 2 (from 2006).

    Returns
    -------
    LWA, dB(A) re 1 pW, rounded to the nearest integer.

    Raises
    ------
    DataError
        Unknown machine or stage; the ruling quantity is missing or cannot be right.

    Source: Directive 2000/14/EC article 12 as amended by 2005/88/EC. It is a legal maximum of
    the new machine under test conditions, not the level of the machine at work.

    >>> permissible_lwa_dba("vibratory roller", power_kw=90)
    107
    """
    if stage not in (1, 2):
        raise DataError(f"Directive 2000/14/EC has the stages 1 and 2; {stage} is neither.")
    category = eu_category_of(machine)
    given = {
        "power_kw": power_kw,
        "electric_power_kw": electric_power_kw,
        "mass_kg": mass_kg,
        "cutting_width_cm": cutting_width_cm,
    }
    value = checked_quantity(category.quantity, given[category.quantity])
    if value is None:
        raise DataError(
            f"{machine}: the limit of Directive 2000/14/EC depends on the "
            f"{_QUANTITIES[category.quantity][0]}, which is missing; add it."
        )
    for row in category.ranges:
        if value <= row.get("up_to", math.inf) and value < row.get("below", math.inf):
            constant, factor = row[f"stage_{stage}"]
            exact_dba = float(constant) + float(factor) * math.log10(value)
            return math.floor(round(exact_dba, 9) + 0.5)
    raise DataError(f"{machine}: no range of Directive 2000/14/EC holds {value}.")
