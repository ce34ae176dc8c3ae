"""Cuts of water, gas, power, heating, data, and lifts out of order (*sospensioni, ascensore*)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.criteria import band_lift, band_utility
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    KindResult,
    concat_impacts,
    impact_rows,
    method_sheet,
    no_zones,
    not_computed,
    targets,
)
from layers.impacts.scene import Cut, Scene

METHOD = "served stairwells"
#: Hot water is rated like heating, in every season.
RATED_AS = {"hot_water": "heating"}
#: Heating season of climatic zone E (D.P.R. 74/2013): from 15 October to 15 April.
SEASON_STARTS, SEASON_ENDS = (10, 15), (4, 15)


def utility(scene: Scene, parameters: Parameters) -> KindResult:
    """Flats of the stairwells that a cut serves; a lift outage by storey.

    The aspect is the service. The value is hours a day without it, for a lift the days. A
    building whose flats are not known gets one row; a flat of unknown storey counts as on the
    top one. A cut without an end has impacts without an end.
    """
    works = scene.works
    if not works.cuts:
        return not_computed("utility", METHOD, "No cut of a service told.")
    who = targets(scene)
    notes: list[str] = []
    parts = []
    for cut in works.cuts:
        served = _served(scene, who, cut)
        if not len(served):
            notes.append(f"The cut of {cut.service} names no stairwell with flats: nobody is hit.")
            continue
        parts.append(_rows(scene, parameters, cut, served, notes))
    method = method_sheet(
        METHOD, missing=notes, bands=parameters.bands.version,
        heating_season="15 October to 15 April (climatic zone E)",
    )  # fmt: skip
    return KindResult("utility", no_zones(), concat_impacts(parts), method)


def _served(scene: Scene, who: pd.DataFrame, cut: Cut) -> pd.DataFrame:
    """Flats of the stairwells, and buildings without known flats that have one of them."""
    flats = who[who["stairwell_id"].isin(cut.stairwell_ids)]
    stairs = scene.around.stairwells
    theirs = stairs.loc[stairs["stairwell_id"].isin(cut.stairwell_ids), "building_id"]
    bare = who[(who["flat_id"] == 0) & who["building_id"].isin(theirs)]
    return pd.concat([flats, bare], ignore_index=True) if len(bare) else flats


def _rows(
    scene: Scene, parameters: Parameters, cut: Cut, served: pd.DataFrame, notes: list[str]
) -> pd.DataFrame:
    last = cut.ends_on or max(scene.works.ends_on, cut.starts_on + dt.timedelta(days=1))
    days = (last - cut.starts_on).days
    if cut.ends_on is None:
        notes.append(f"The cut of {cut.service} has no end: rated over {days} days.")
    if cut.service == "lift":
        storey = served["storey"].to_numpy(dtype=float)
        unknown = np.isnan(storey)
        if unknown.any():
            notes.append(f"Storey not known for {unknown.sum()} flats: the top one is taken.")
            storey = np.where(unknown, _top_storey(scene, served), storey)
        bands = band_lift(np.maximum(storey, 0), days, bands=parameters.bands)
        value, unit = float(days), "day"
    else:
        value, unit = hours_without(cut), "h/day"
        rated = RATED_AS.get(cut.service, cut.service)
        season = cut.service != "heating" or in_heating_season(cut.starts_on, last)
        bands = band_utility(rated, value, days, in_season=season, bands=parameters.bands)
    return impact_rows(
        "utility", served, bands, aspect=cut.service, value=value, unit=unit,
        starts_on=cut.starts_on, ends_on=cut.ends_on,
    )  # fmt: skip


def hours_without(cut: Cut) -> float:
    """Hours a day of a cut; a window past midnight counts as one, no window is round the clock."""
    if cut.starts_at is None or cut.ends_at is None:
        return 24.0
    start = cut.starts_at.hour + cut.starts_at.minute / 60.0
    end = cut.ends_at.hour + cut.ends_at.minute / 60.0
    return end - start if end > start else end - start + 24.0


def in_heating_season(first: dt.date, after: dt.date) -> bool:
    """Whether any day from ``first`` to before ``after`` lies in the heating season."""
    if (after - first).days > 183:
        return True
    day = first
    while day < after:
        if (day.month, day.day) >= SEASON_STARTS or (day.month, day.day) <= SEASON_ENDS:
            return True
        day += dt.timedelta(days=1)
    return False


def _top_storey(scene: Scene, served: pd.DataFrame) -> npt.NDArray[np.float64]:
    buildings = scene.around.buildings.set_index("building_id")
    storeys = pd.to_numeric(buildings["storeys"], errors="coerce")
    height = pd.to_numeric(buildings["height_m"], errors="coerce") / 3.0
    top = storeys.fillna(height).fillna(2.0) - 1.0
    return np.asarray(np.maximum(top.reindex(served["building_id"]).to_numpy(dtype=float), 0.0))
