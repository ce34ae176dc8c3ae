"""Scenes in memory: a slab with three stairwells, and whatever else a test adds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from layers.crs import SRID
from layers.impacts.scene import (
    BUILDING_COLUMNS,
    CLOSURE_COLUMNS,
    FLAT_COLUMNS,
    PATH_COLUMNS,
    STAIRWELL_COLUMNS,
    Hours,
    Plant,
    Scene,
    Surroundings,
    Works,
)

MONDAY = dt.date(2026, 3, 2)
EXCAVATOR = Plant("it-escavatore-25-t")
BREAKER = Plant("it-escavatore-con-martello")
WEEK = tuple(
    Hours(day, dt.time(start), dt.time(end), True)
    for day in range(5)
    for start, end in ((8, 12), (14, 18))
)
SLAB = shapely.box(0, 20, 60, 32)


def works(**changes: Any) -> Works:
    """Two weeks of an excavator on a plot south of the slab."""
    fields: dict[str, Any] = {
        "quarter_id": 1,
        "starts_on": MONDAY,
        "ends_on": MONDAY + dt.timedelta(days=14),
        "footprint": shapely.box(10, -20, 40, 0),
        "hours": WEEK,
        "plant": (EXCAVATOR,),
    }
    return Works(**(fields | changes))


def scene(
    site: Works | None = None,
    *,
    more: Sequence[dict[str, Any]] = (),
    doors: Sequence[tuple[float, float] | None] = ((10, 20), (30, 20), (50, 20)),
    flats_known: bool = True,
    exposures: Sequence[list[str] | None] = (["S"], ["N"]),
    paths: Sequence[dict[str, Any]] = (),
    slab: dict[str, Any] | None = None,
) -> Scene:
    """The slab is building 1 with stairwells 11, 12, 13; ``more`` adds buildings from 2 on."""
    plan = site or works()
    first = {"height_m": 18.0, "storeys": 6, "use": "residential", "geometry": SLAB} | (slab or {})
    rows = [
        {"building_id": k + 1, "acoustic_class": None, "flats_declared": None}
        | {"height_m": 12.0, "storeys": 4, "use": "residential"}
        | row
        for k, row in enumerate([first, *more])
    ]
    buildings = gpd.GeoDataFrame(rows, columns=[*BUILDING_COLUMNS, "geometry"], crs=SRID)
    buildings["distance_m"] = buildings.distance(plan.footprint)
    stairs = gpd.GeoDataFrame(
        [
            {"stairwell_id": 11 + k, "building_id": 1, "label": str(k), "lift": True,
             "step_free": True, "geometry": None if door is None else shapely.Point(door)}
            for k, door in enumerate(doors)
        ],
        columns=[*STAIRWELL_COLUMNS, "geometry"],
        geometry="geometry",
        crs=SRID,
    )  # fmt: skip
    flats = pd.DataFrame(
        [
            {"flat_id": 1000 * (11 + k) + 10 * storey + n, "stairwell_id": 11 + k,
             "building_id": 1, "storey": storey, "exposures": side, "use": "dwelling"}
            for k in range(len(doors))
            for storey in range(first["storeys"] or 1)
            for n, side in enumerate(exposures)
        ]
        if flats_known
        else [],
        columns=list(FLAT_COLUMNS),
    )  # fmt: skip
    ways = gpd.GeoDataFrame(
        [
            dict.fromkeys(PATH_COLUMNS)
            | {"path_id": k, "kind": "footway", "width_m": 2.0, "steps": 0}
            | row
            for k, row in enumerate(paths)
        ],
        columns=[*PATH_COLUMNS, "geometry"],
        geometry="geometry",
        crs=SRID,
    )
    return Scene(plan, Surroundings(buildings, stairs, flats, ways))


def closures(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    """Closures with defaults."""
    return gpd.GeoDataFrame(
        [
            {"closure_id": k, "kind": "footway", "description": "", "starts_on": None,
             "ends_on": None, "stalls": 0, "disabled_stalls": 0}
            | row
            for k, row in enumerate(rows)
        ],
        columns=[*CLOSURE_COLUMNS, "geometry"],
        geometry="geometry",
        crs=SRID,
    )  # fmt: skip
