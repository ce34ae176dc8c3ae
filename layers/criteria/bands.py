"""The five plain bands (*livelli di disagio*) of each kind of impact.

All functions take numbers or arrays that broadcast against each other and return an array of
the bands 0–4 (``int8``). Without a table they use the one the product ships with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.criteria.band_table import BandTable, default_bands
from layers.errors import DataError

Bands = NDArray[np.int8]
_Floats = NDArray[np.float64]


def _numbers(name: str, values: ArrayLike, *, below_zero: bool = False) -> _Floats:
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        raise DataError(f"{name}: a value is missing (not a number); leave out what is unknown.")
    if not below_zero and (array < 0).any():
        raise DataError(f"{name}: a value is below zero, which cannot be.")
    return array


def _stepped(values: _Floats, steps: Sequence[float]) -> NDArray[np.int64]:
    """How many of the four steps a value has reached."""
    return np.searchsorted(np.asarray(steps, dtype=np.float64), values, side="right")


def _stepped_above_zero(values: _Floats, steps: Sequence[float]) -> NDArray[np.int64]:
    """The same where a first step of 0 means “anything above 0”."""
    return np.where(values > 0, _stepped(values, steps), 0)


def _bands(values: ArrayLike) -> Bands:
    clipped: Bands = np.clip(np.asarray(values), 0, 4).astype(np.int8)
    return clipped


def _unknown_as_nan(values: ArrayLike | None) -> _Floats:
    if values is None:
        return np.asarray(np.nan)
    return np.asarray(values, dtype=np.float64)


def band_noise(
    level_dba: ArrayLike,
    background_dba: ArrayLike | None = None,
    limit_dba: ArrayLike | None = None,
    part_of_day: str = "day",
    *,
    class_limit_dba: ArrayLike | None = None,
    bands: BandTable | None = None,
) -> Bands:
    """Band of a noise level at a façade.

    The level over the background chooses the band; where the background is unknown (None or
    NaN), the level over the immission limit of the acoustic class; where that is unknown too,
    over the limit of class III. Above the municipal limit the band is at least 3, and 4 where
    it is exceeded by more than 5 dB. Below a floor that no one hears indoors the band is 0.

    Parameters
    ----------
    level_dba
        LAeq of the works over the part of the day, dB(A); minus infinity where nothing arrives.
    background_dba
        Background level without the works, dB(A).
    limit_dba
        Limit for the site (municipal rule or permit); None takes the table's.
    part_of_day
        ``day``, ``evening`` or ``night``.
    class_limit_dba
        Immission limit of the acoustic class, dB(A).
    bands
        Another version of the table.

    Raises
    ------
    DataError
        A level is not a number, or the part of the day is unknown.

    Limits of use: a computed level has a margin of ±3 dB; a band next to a step may be one off.

    >>> band_noise([44, 52, 66, 71, 80], background_dba=45).tolist()
    [0, 1, 3, 3, 4]
    """
    row = (bands or default_bands()).row("noise")
    if part_of_day not in row["floor_dba"]:
        raise DataError(f"Part of the day “{part_of_day}” is unknown: day, evening or night.")
    level = _numbers("Noise level", level_dba, below_zero=True)
    background, class_limit = _unknown_as_nan(background_dba), _unknown_as_nan(class_limit_dba)
    limit = _unknown_as_nan(limit_dba)
    limit = np.where(np.isnan(limit), float(row["municipal_limit_dba"]), limit)
    class_limit = np.where(
        np.isnan(class_limit), float(row["class_limit_unknown_dba"][part_of_day]), class_limit
    )
    by_background = _stepped(level - np.nan_to_num(background), row["over_background_db"]["from"])
    by_class = _stepped(level - class_limit, row["over_class_limit_db"]["from"])
    found = np.where(np.isnan(background), by_class, by_background)
    found = np.where(level > limit, np.maximum(found, int(row["at_limit_band"])), found)
    found = np.where(level > limit + float(row["far_over_limit_db"]), 4, found)
    return _bands(np.where(level < float(row["floor_dba"][part_of_day]), 0, found))


def band_vibration(ppv_mm_s: ArrayLike, *, bands: BandTable | None = None) -> Bands:
    """Band of a peak particle velocity in a dwelling, mm/s.

    Steps 0.14, 0.3, 1.0 and 10 mm/s of human response.

    Source: BS 5228-2:2009+A1:2014 Table B.1.

    >>> band_vibration([0.1, 0.2, 0.5, 2.0, 12.0]).tolist()
    [0, 1, 2, 3, 4]
    """
    row = (bands or default_bands()).row("vibration")
    return _bands(_stepped(_numbers("Vibration", ppv_mm_s), row["ppv_mm_s"]["from"]))


def band_dust(risk: ArrayLike, *, bands: BandTable | None = None) -> Bands:
    """Band of an IAQM risk class (Negligible, Low, Medium, High; any case).

    The guidance has four classes: dust never reaches band 4 by itself.
    """
    classes: Mapping[str, int] = (bands or default_bands()).row("dust")["risk"]
    names = np.char.lower(np.char.strip(np.asarray(risk, dtype=str)))
    strange = sorted(set(np.unique(names).tolist()) - set(classes))
    if strange:
        raise DataError(f"Risk class “{strange[0]}” is unknown; known are {', '.join(classes)}.")
    found = np.zeros(names.shape, dtype=np.int8)
    for name, band in classes.items():
        found[names == name] = band
    return found


def band_adjacency(
    relation: ArrayLike,
    *,
    structure_borne: bool = True,
    hours_per_day: ArrayLike = 8.0,
    bands: BandTable | None = None,
) -> Bands:
    """Band of works inside the own building, without dB, by how near they are.

    ``relation`` is one of ``same_flat``, ``same_riser``, ``adjoining``, ``same_stairwell``,
    ``same_building``; anything else (``""``) is band 0. Works of an hour a day or less are one
    band lower. Structure-borne: the tool strikes or cuts the building.
    """
    row = (bands or default_bands()).row("adjacency")
    table_row: Mapping[str, int] = row["structure_borne" if structure_borne else "airborne"]
    names, hours = np.broadcast_arrays(
        np.asarray(relation, dtype=str), _numbers("Hours a day", hours_per_day)
    )
    found = np.zeros(names.shape, dtype=np.int64)
    for name, band in table_row.items():
        found[names == name] = band
    found = np.where(hours <= 0, 0, found - (hours <= float(row["short_hours"])))
    return _bands(found)


def band_access(
    reachable: ArrayLike,
    step_free_before: ArrayLike = False,
    step_free_after: ArrayLike = True,
    *,
    extra_m: ArrayLike = 0.0,
    detour_ratio: ArrayLike = 1.0,
    emergency_reachable: ArrayLike = True,
    bands: BandTable | None = None,
) -> Bands:
    """Band of a change of access of an entrance.

    Cut off is band 4; a step-free way lost is 3, and so is the loss of the way for emergency
    vehicles; otherwise the longer of the bands by extra metres and by detour ratio counts (the
    ratio only from 20 extra metres on).

    Parameters
    ----------
    reachable, step_free_before, step_free_after, emergency_reachable
        Booleans.
    extra_m
        Extra length of the shortest way, m.
    detour_ratio
        New over old length; infinite where cut off.
    """
    row = (bands or default_bands()).row("access")
    reached = np.asarray(reachable, dtype=bool)
    lost = np.asarray(step_free_before, dtype=bool) & ~np.asarray(step_free_after, dtype=bool)
    metres = _numbers("Extra length", extra_m)
    ratio = _numbers("Detour ratio", detour_ratio)
    by_ratio = np.where(
        metres >= row["ratio_counts_from_extra_m"], _stepped(ratio, row["ratio"]["from"]), 0
    )
    found = np.maximum(_stepped(metres, row["extra_m"]["from"]), by_ratio)
    no_emergency = ~np.asarray(emergency_reachable, dtype=bool)
    found = np.maximum(found, np.where(no_emergency, int(row["emergency_cut_off"]), 0))
    found = np.maximum(found, np.where(lost, int(row["step_free_lost"]), 0))
    return _bands(np.where(reached, found, int(row["cut_off"])))


def band_utility(
    service: str,
    hours_per_day: ArrayLike,
    days: ArrayLike = 1.0,
    *,
    in_season: bool = True,
    bands: BandTable | None = None,
) -> Bands:
    """Band of an interruption of ``water``, ``power``, ``gas``, ``heating`` or ``data``.

    ``hours_per_day`` without the service on a day of interruption, ``days`` how many such days;
    a long row of days is one band more. Heating counts in the heating season only.

    >>> band_utility("water", [0, 1, 4, 9], 2).tolist()
    [0, 1, 2, 3]
    """
    services = (bands or default_bands()).row("utility")
    if service == "basis" or service not in services:
        known = ", ".join(k for k in services if k != "basis")
        raise DataError(f"Service “{service}” is unknown; known are {known}.")
    row: Mapping[str, Any] = services[service]
    hours, count = np.broadcast_arrays(
        _numbers("Hours a day", hours_per_day), _numbers("Days", days)
    )
    if (hours > 24).any():
        raise DataError("Hours a day: a day has 24 hours; give the hours without the service.")
    if service == "heating" and not in_season:
        return np.zeros(hours.shape, dtype=np.int8)
    found = _stepped_above_zero(hours, row["hours_from"])
    found = np.where((found > 0) & (count > row["long_days"]), found + 1, found)
    return _bands(np.where(count > 0, found, 0))


def band_lift(storey: ArrayLike, days: ArrayLike, *, bands: BandTable | None = None) -> Bands:
    """Band of a lift outage by storey (0 ground floor, below is 0) and days without the lift.

    Half a day or less is one band lower, more than a week one higher; on the ground floor 0.
    """
    row = (bands or default_bands()).row("lift")
    floor, count = np.broadcast_arrays(
        _numbers("Storey", storey, below_zero=True), _numbers("Days", days)
    )
    found = _stepped(floor, row["storey_from"])
    changed = found + (count > row["long_days"]) - (count <= row["short_days"])
    return _bands(np.where((found > 0) & (count > 0), changed, 0))


def band_parking(
    share_lost: ArrayLike,
    days: ArrayLike,
    *,
    disabled_lost: ArrayLike = False,
    bands: BandTable | None = None,
) -> Bands:
    """Band of parking spaces taken: share of the building's spaces lost [0–1] and days.

    ``disabled_lost``: a disabled bay goes without a substitute, band 3 or more.
    """
    row = (bands or default_bands()).row("parking")
    share = _numbers("Share of the spaces lost", share_lost)
    if (share > 1).any():
        raise DataError("Share of the spaces lost: it runs from 0 to 1.")
    count = _numbers("Days", days)
    lost = np.asarray(disabled_lost, dtype=bool)
    found = np.where(share > 0, _stepped_above_zero(count, row["days_from"]), 0)
    found = np.where((found > 0) & (share > row["many_share"]), found + 1, found)
    return _bands(np.where(lost & (count > 0), np.maximum(found, int(row["disabled_lost"])), found))


def band_scaffold(
    days: ArrayLike, *, sheeted: ArrayLike = False, bands: BandTable | None = None
) -> Bands:
    """Band of a scaffold in front of the flat by its days; sheeting over windows adds one."""
    row = (bands or default_bands()).row("scaffold")
    found = _stepped_above_zero(_numbers("Days", days), row["days_from"])
    closed = np.asarray(sheeted, dtype=bool)
    return _bands(np.where((found > 0) & closed, found + int(row["sheeted"]), found))


def band_inside(
    hours_per_day: ArrayLike,
    days: ArrayLike,
    *,
    bathroom_or_kitchen_out: ArrayLike = False,
    bands: BandTable | None = None,
) -> Bands:
    """Band of works inside the flat by hours a day and days; no bathroom or kitchen is 4."""
    row = (bands or default_bands()).row("inside")
    hours, count = _numbers("Hours a day", hours_per_day), _numbers("Days", days)
    out = np.asarray(bathroom_or_kitchen_out, dtype=bool)
    found = _stepped_above_zero(hours, row["hours_from"])
    found = np.where((found > 0) & (count > row["long_days"]), found + 1, found)
    found = np.where(out, int(row["bathroom_or_kitchen_out"]), found)
    return _bands(np.where(count > 0, found, 0))


def band_relocation(
    days: ArrayLike, *, for_good: ArrayLike = False, bands: BandTable | None = None
) -> Bands:
    """Band of a flat that cannot be slept in for so many days; one taken down is 4."""
    row = (bands or default_bands()).row("relocation")
    found = _stepped(_numbers("Days", days), row["days_from"])
    return _bands(np.where(np.asarray(for_good, dtype=bool), int(row["for_good"]), found))
