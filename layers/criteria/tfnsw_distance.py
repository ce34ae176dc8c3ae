"""How far works are heard by the TfNSW estimator. A foreign reference, off by default."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layers.criteria.tables import table
from layers.criteria.tfnsw import Period, rbl_dba
from layers.errors import DataError

Ground = Literal["hard", "urban", "rural"]
Shielding = Literal["none", "solid", "substantial"]


def distance_m(
    sound_power_dba: float, level_dba: float, ground: Ground, shielding: Shielding = "none"
) -> int:
    """The distance to which a machine is heard at a level or above, in steps of 5 m.

    Assumes the estimator's propagation for each ground (*hard* is water), which knows neither
    heights nor spectra; a solid barrier takes 5 dB off, a substantial one 10 dB. A screening
    figure: for dwellings in a quarter use the noise of a phase.

    Parameters
    ----------
    sound_power_dba
        LAeq sound power of the machine in dB(A).
    level_dba
        LAeq,15min at the receiver in dB(A).

    Returns
    -------
    int
        Metres, rounded up to the estimator's step; 0 where the level is reached nowhere.

    Raises
    ------
    DataError
        Ground or shielding unknown, a level no number, or farther than the table goes.

    Source: TfNSW EMF-NV-TT-0067, sheets Concawe and Appendices.

    >>> distance_m(111, 40, "rural")
    420
    """
    data = table("tfnsw_distance")
    if ground not in data["distance_m"]:
        raise DataError(f"Ground “{ground}” is unknown; known are {', '.join(data['distance_m'])}.")
    if shielding not in data["shielding_db"]:
        raise DataError(
            f"Shielding “{shielding}” is unknown; known are {', '.join(data['shielding_db'])}."
        )
    over_db = float(sound_power_dba) - float(level_dba) - data["shielding_db"][shielding]
    if not math.isfinite(over_db):
        raise DataError("Sound power and level must be numbers in dB(A).")
    known = {data["first_db"] + k: d for k, d in enumerate(data["distance_m"][ground]) if d}
    if over_db < min(known):
        return 0
    if over_db > max(known):
        raise DataError(
            f"The estimator's table for {ground} ground ends {max(known)} dB below the sound "
            f"power, at {max(known.values())} m; {over_db:g} dB were asked for."
        )
    if over_db in known:
        return int(known[int(over_db)])
    between = np.exp(np.interp(over_db, list(known), np.log(list(known.values()))))
    return int(data["step_m"] * math.ceil(between / data["step_m"] - 1e-9))


def notice_distances_m(
    sound_power_dba: float, category: str, ground: Ground, shielding: Shielding = "none"
) -> dict[Period, dict[float, int]]:
    """Distances of each band in which residences get measures, by period and level.

    The levels are the background of the noise area category (R0–R5) and the lower ends of the
    bands over it that bring a measure in that period.

    >>> notice_distances_m(111, "R2", "rural")["evening"]
    {50.0: 200, 60.0: 95, 70.0: 30}
    """
    data = table("tfnsw")
    background = rbl_dba(category)
    found: dict[Period, dict[float, int]] = {}
    for period, measures in data["residential"].items():
        levels = [
            background[period.removesuffix("_oohw")] + over_db
            for over_db, due in zip(data["bands_over_rbl_db"], measures, strict=True)
            if due
        ]
        found[period] = {
            level: distance_m(sound_power_dba, level, ground, shielding) for level in levels
        }
    return found
