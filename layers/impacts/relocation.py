"""Flats that cannot be slept in during the works (*mobilità*).

A fact of the flat: who lives there, and whether anybody does, is not known here. Nothing public
tells these rows.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from layers.criteria import band_relocation
from layers.criteria.relocation import Unfit, night_without, nights_before_moving, unfit_by
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    UNINHABITED,
    KindResult,
    concat_impacts,
    impact_rows,
    method_sheet,
    no_zones,
    not_computed,
)
from layers.impacts.scene import Cut, Scene

METHOD = "flats unfit to sleep in"
AT_HOME = "People can stay at home during these works."
UNTOLD = (
    "Without an activity preset only demolitions and nights without water tell who must sleep "
    "elsewhere."
)
UNTOLD_INSIDE = "Without an activity preset nobody knows if the flats worked in can be slept in."


def relocation(scene: Scene, parameters: Parameters) -> KindResult:
    """Flats whose people must sleep elsewhere, by days without the flat.

    Aspects: ``building`` (every flat of a building that is emptied or taken down), ``flat`` (a
    flat worked in), ``night_cut`` (water off through the nights). The value is days. A flat that
    is out of use for some days of a longer phase has a row for the whole phase: which days they
    are is agreed flat by flat. There is no zone.
    """
    works = scene.works
    activity = unfit_by(works.preset)
    notes: list[str] = []
    parts = [_demolished(scene, parameters, notes)]
    if activity is not None:
        parts.append(_unfit(scene, parameters, activity, notes))
    parts += [_nights(scene, parameters, cut) for cut in works.cuts]
    rows = concat_impacts(parts)
    if works.preset is None:
        # Which activity it is decides; buildings that come down and nights without water do too.
        inside = works.inside_flat_ids and not works.buildings_with("demolition")
        notes.append(UNTOLD_INSIDE if inside else UNTOLD)
    if not len(rows) and (not notes or notes == [UNTOLD]):
        return not_computed("relocation", METHOD, notes[0] if notes else AT_HOME)
    method = method_sheet(
        METHOD, missing=notes, bands=parameters.bands.version,
        basis=parameters.bands.basis("relocation"),
        activity=works.preset, because=activity.basis if activity else None,
    )  # fmt: skip
    return KindResult("relocation", no_zones(), rows, method)


def _demolished(scene: Scene, parameters: Parameters, notes: list[str]) -> pd.DataFrame:
    """Flats of buildings that come down: there is no way back into them."""
    works = scene.works
    homes = _homes(scene, works.buildings_with("demolition"))
    if len(homes):
        notes.append("Moves out of a building that comes down last longer than the phase.")
    days = (works.ends_on - works.starts_on).days
    return impact_rows(
        "relocation", homes, band_relocation(days, for_good=True, bands=parameters.bands),
        aspect="building", value=float(days), unit="day",
        starts_on=works.starts_on, ends_on=works.ends_on,
    )  # fmt: skip


def _unfit(scene: Scene, parameters: Parameters, activity: Unfit, notes: list[str]) -> pd.DataFrame:
    """Flats that the activity of the phase puts out of use."""
    works = scene.works
    days = (works.ends_on - works.starts_on).days
    if activity.out == "building":
        homes = _homes(scene, works.buildings_with("works"))
        if not len(homes) and not works.buildings_with("demolition"):
            notes.append("Which building is emptied is not told: nobody is counted.")
    else:
        flats = scene.around.flats
        homes = flats[flats["flat_id"].isin(works.inside_flat_ids)]
        if not len(homes):
            notes.append("Which flats are worked in is not told: nobody is counted.")
        elif activity.days_each is not None and activity.days_each < days:
            days = activity.days_each
            notes.append(
                f"Each flat is out of use for {days} days of the phase: which days is agreed with "
                "the household."
            )
    return impact_rows(
        "relocation", homes, band_relocation(days, bands=parameters.bands),
        aspect="building" if activity.out == "building" else "flat",
        value=float(days), unit="day", starts_on=works.starts_on, ends_on=works.ends_on,
    )  # fmt: skip


def _nights(scene: Scene, parameters: Parameters, cut: Cut) -> pd.DataFrame:
    """Flats of stairwells that a cut leaves without water for several nights."""
    last = cut.ends_on or max(scene.works.ends_on, cut.starts_on + dt.timedelta(days=1))
    nights = (last - cut.starts_on).days
    flats = scene.around.flats
    served = flats[flats["stairwell_id"].isin(cut.stairwell_ids)]
    tells = night_without(cut.service, cut.starts_at, cut.ends_at)
    enough = tells and nights >= nights_before_moving()
    return impact_rows(
        "relocation", served if enough else served.iloc[:0],
        band_relocation(nights, bands=parameters.bands), aspect="night_cut",
        value=float(nights), unit="day", starts_on=cut.starts_on, ends_on=cut.ends_on,
    )  # fmt: skip


def _homes(scene: Scene, building_ids: tuple[int, ...]) -> pd.DataFrame:
    """Flats of buildings, and one row (flat 0) for each whose flats are not known."""
    flats, buildings = scene.around.flats, scene.around.buildings
    known = flats.loc[flats["building_id"].isin(building_ids), ["building_id", "flat_id"]]
    bare = buildings[
        buildings["building_id"].isin(building_ids)
        & ~buildings["building_id"].isin(flats["building_id"])
        & ~buildings["use"].isin(UNINHABITED)
    ]
    ids = np.concatenate([known["building_id"], bare["building_id"]]).astype(np.int64)
    flat_ids = np.concatenate([known["flat_id"], np.zeros(len(bare))]).astype(np.int64)
    return pd.DataFrame({"building_id": ids, "flat_id": flat_ids})
