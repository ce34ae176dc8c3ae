"""Ways and entrances that works close (*accessi e percorsi*)."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.access import AccessNetwork
from layers.criteria import band_access
from layers.impacts.parameters import Parameters
from layers.impacts.parking import closure_period
from layers.impacts.result import (
    KindResult,
    concat_impacts,
    impact_rows,
    method_sheet,
    not_computed,
    targets,
    zone_frame,
)
from layers.impacts.scene import Scene

METHOD = "pedestrian graph before and after"
TOUCHED = "entrances touched by closed ground"
#: Kinds of closure that end a way; a taken stall does not.
CLOSING = ("footway", "carriageway", "courtyard", "entrance")
#: Buildings of these uses are places that people go to.
PLACES = ("school", "health")
#: Who walks, and the aspect of the impact.
PROFILES = {"walk": "walk", "wheelchair": "step_free", "pram": "pram"}
#: Without a graph an entrance this near to closed ground counts as touched.
TOUCH_M = 2.0


def access(scene: Scene, parameters: Parameters) -> KindResult:
    """What closed ground does to the ways from each entrance.

    From every entrance to the street network, schools and surgeries, for a walker, a wheelchair
    and a pram; and whether emergency vehicles still come near. Aspects ``walk`` (cut off, or a
    detour: value in extra metres), ``step_free`` and ``pram`` (no longer passable: band only; or
    a detour), ``emergency``. A closure with days of its own acts on those. Where no ways are
    drawn the entrances that closed ground touches are told (aspect ``touched``, band 2).

    Limits: ways farther than the reach are not loaded, so a long detour may count as none.
    """
    works = scene.works
    closing = works.closures[works.closures["kind"].isin(CLOSING)]
    if not len(closing):
        return not_computed("access", METHOD, "No closure of a way or an entrance told.")
    stairs = scene.around.stairwells
    doors = stairs[~(stairs.geometry.isna() | stairs.geometry.is_empty)]
    notes = []
    without = len(stairs) - len(doors)
    if without:
        notes.append(f"Entrance not known for {without} stairwells: their ways are not computed.")
    if not len(doors):
        return not_computed("access", METHOD, *notes, "No entrance is known within reach.")
    graph = len(scene.around.paths) > 0
    if not graph:
        notes.append("No ways are drawn: only entrances touched by closed ground are told.")
    network = AccessNetwork.from_paths(scene.around.paths) if graph else None
    who = targets(scene)
    parts = []
    for first, after, active in _intervals(scene, closing):
        found = _changes(network, doors, active, scene) if network else _touched(doors, active)
        parts += [
            _rows(scene, parameters, who, rows, aspect, first, after)
            for aspect, rows in found.groupby("aspect", sort=True)
        ]
    impacts = concat_impacts(parts)
    name = METHOD if graph else TOUCHED
    zones = []
    if len(impacts):
        ground = shapely.union_all(np.asarray(closing.geometry.values, dtype=object))
        zones = [("access", "", "all", int(impacts["band"].max()), name, ground)]
    method = method_sheet(
        name, missing=notes, profiles=list(PROFILES), ways=len(scene.around.paths),
        entrances=len(doors), bands=parameters.bands.version,
        basis=parameters.bands.basis("access"),
    )  # fmt: skip
    return KindResult("access", zone_frame(zones), impacts, method)


def _intervals(
    scene: Scene, closing: gpd.GeoDataFrame
) -> list[tuple[dt.date, dt.date, gpd.GeoDataFrame]]:
    """Stretches of days in which the same ground is closed, and that ground."""
    works = scene.works
    periods = [closure_period(c, works.starts_on, works.ends_on) for c in closing.itertuples()]
    edges = sorted({day for period in periods for day in period})
    result = []
    for first, after in pairwise(edges):
        active = np.array([p[0] <= first and p[1] >= after for p in periods])
        if active.any():
            result.append((first, after, closing[active]))
    return result


def _changes(
    network: AccessNetwork, doors: gpd.GeoDataFrame, closed: gpd.GeoDataFrame, scene: Scene
) -> pd.DataFrame:
    """Rows stairwell_id, aspect, lost, extra_m, detour_ratio for every entrance."""
    entrances = gpd.GeoSeries(
        doors.geometry.values, index=doors["stairwell_id"].to_numpy(), crs=doors.crs
    )
    buildings = scene.around.buildings
    places = buildings[buildings["use"].isin(PLACES)]
    goals = gpd.GeoDataFrame({"kind": places["use"]}, geometry=places.geometry)
    ground = closed.geometry
    told = network.assess(entrances, goals, ground, list(PROFILES))
    frames = [
        pd.DataFrame(
            {
                "stairwell_id": told["entrance_id"],
                "aspect": told["profile"].map(PROFILES),
                "lost": told["cut_off"],
                "extra_m": told["extra_m"],
                "detour_ratio": told["detour_ratio"],
            }
        )
    ]
    vehicles = network.emergency_reach(entrances, ground)
    frames.append(
        pd.DataFrame(
            {
                "stairwell_id": vehicles["entrance_id"],
                "aspect": "emergency",
                "lost": vehicles["lost"],
                "extra_m": 0.0,
                "detour_ratio": 1.0,
            }
        )
    )
    return pd.concat(frames, ignore_index=True)


def _touched(doors: gpd.GeoDataFrame, closed: gpd.GeoDataFrame) -> pd.DataFrame:
    ground = shapely.union_all(np.asarray(closed.geometry.values, dtype=object))
    near = shapely.distance(np.asarray(doors.geometry.values, dtype=object), ground) <= TOUCH_M
    return pd.DataFrame(
        {
            "stairwell_id": doors["stairwell_id"].to_numpy()[near],
            "aspect": "touched",
            "lost": True,
            "extra_m": np.nan,
            "detour_ratio": np.nan,
        }
    )


def _rows(
    scene: Scene,
    parameters: Parameters,
    who: pd.DataFrame,
    found: pd.DataFrame,
    aspect: str,
    first: dt.date,
    after: dt.date,
) -> pd.DataFrame:
    """Impacts of one aspect: each stairwell's worst target, on its flats."""
    band = _bands(found, aspect, parameters)
    extra = found["extra_m"].to_numpy(dtype=float)
    extra = np.where(found["lost"].to_numpy(dtype=bool) | ~np.isfinite(extra), np.nan, extra)
    worst = (
        pd.DataFrame({"stairwell_id": found["stairwell_id"], "band": band, "extra_m": extra})
        .sort_values(["band", "extra_m"], ascending=False, kind="stable", na_position="first")
        .drop_duplicates("stairwell_id")
    )
    stairs = scene.around.stairwells.set_index("stairwell_id")["building_id"]
    by_stair = worst.set_index("stairwell_id")
    by_building = (
        worst.assign(building_id=stairs.reindex(worst["stairwell_id"]).to_numpy())
        .drop_duplicates("building_id")
        .set_index("building_id")
    )
    whole = (who["flat_id"] == 0).to_numpy()
    columns = {}
    for name in ("band", "extra_m"):
        own = by_stair[name].reindex(who["stairwell_id"]).to_numpy(dtype=float)
        all_of_it = by_building[name].reindex(who["building_id"]).to_numpy(dtype=float)
        columns[name] = np.where(whole, all_of_it, own)
    value = columns["extra_m"]
    return impact_rows(
        "access", who, np.nan_to_num(columns["band"]).astype(np.int64), aspect=aspect,
        value=np.round(np.where(value > 0, value, np.nan), 0), unit="m",
        starts_on=first, ends_on=after,
    )  # fmt: skip


def _bands(found: pd.DataFrame, aspect: str, parameters: Parameters) -> npt.NDArray[np.int64]:
    lost = found["lost"].to_numpy(dtype=bool)
    extra = np.where(lost, 0.0, np.nan_to_num(found["extra_m"].to_numpy(dtype=float)))
    ratio = np.where(lost, 1.0, np.nan_to_num(found["detour_ratio"].to_numpy(dtype=float), nan=1.0))
    table = parameters.bands
    if aspect == "touched":
        return np.full(len(found), 2, dtype=np.int64)
    if aspect == "emergency":
        return band_access(True, emergency_reachable=~lost, bands=table).astype(np.int64)
    if aspect == "walk":
        bands = band_access(~lost, extra_m=extra, detour_ratio=ratio, bands=table)
    else:
        bands = band_access(
            True, step_free_before=True, step_free_after=~lost, extra_m=extra,
            detour_ratio=ratio, bands=table,
        )  # fmt: skip
    return bands.astype(np.int64)
