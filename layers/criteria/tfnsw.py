"""TfNSW noise management levels and additional measures. A foreign reference, off by default."""

from __future__ import annotations

from typing import Literal

import numpy as np

from layers.criteria.tables import table
from layers.errors import DataError

Period = Literal["day", "day_oohw", "evening", "night"]


def rbl_dba(category: str) -> dict[str, float]:
    """The representative background of a noise area category R0–R5 by part of day, dB(A)."""
    rows = table("tfnsw")["rbl_dba"]
    if category not in rows:
        raise DataError(f"Noise area category “{category}” is unknown; they run from R0 to R5.")
    return dict(zip(("day", "evening", "night"), map(float, rows[category]), strict=True))


def noise_management_levels_dba(background_dba: dict[str, float]) -> dict[str, float]:
    """Noise management levels of residences from the background by part of day.

    Background + 10 dB in the standard day, + 5 dB by day out of hours, evening and night, and
    the level above which people are highly affected.

    >>> noise_management_levels_dba(rbl_dba("R2"))["night"]
    40.0
    """
    data = table("tfnsw")
    levels = {
        period: background_dba[period.removesuffix("_oohw")] + over_db
        for period, over_db in data["nml_over_rbl_db"].items()
    }
    return {**levels, "highly_affected": float(data["highly_affected_dba"])}


def residential_measures(period: Period, level_dba: float, background_dba: float) -> frozenset[str]:
    """Additional measures for residences from LAeq,15min over background.

    Lower ends of the bands (5, 10, 20, 30 dB) are inclusive. From 75 dB(A) on, notification,
    call and respite offer come on top in every period.
    """
    data = table("tfnsw")
    if period not in data["residential"]:
        raise DataError(
            f"Period “{period}” is unknown; known are {', '.join(data['residential'])}."
        )
    band = int(np.searchsorted(data["bands_over_rbl_db"], level_dba - background_dba, "right"))
    found = set(data["residential"][period][band - 1]) if band else set()
    if level_dba >= data["highly_affected_dba"]:
        found |= set(data["highly_affected_measures"])
    return frozenset(found)


def non_residential_nml_dba(use: str) -> float:
    """The noise management level of a non-residential use from its name, external, dB(A)."""
    rows = table("tfnsw")["nml_dba"]
    wanted = use.casefold()
    for name, level_dba in rows.items():
        if name in wanted:
            return float(level_dba)
    raise DataError(f"Use “{use}” is unknown; known are {', '.join(rows)}.")


def non_residential_measures(period: Period, level_dba: float, nml_dba: float) -> frozenset[str]:
    """Additional measures for non-residential buildings in use, standard hours only."""
    data = table("tfnsw")
    if period not in data["non_residential"]:
        raise DataError(
            f"Measures for non-residential uses are known in the standard day only, not “{period}”."
        )
    rule = data["non_residential"][period]
    if level_dba >= data["highly_affected_dba"]:
        return frozenset(data["highly_affected_measures"])
    over = level_dba - nml_dba >= rule["from_over_nml_db"]
    return frozenset(rule["measures"]) if over else frozenset()


def measure_titles() -> dict[str, str]:
    """What each code of a measure stands for."""
    return dict(table("tfnsw")["measures"])
