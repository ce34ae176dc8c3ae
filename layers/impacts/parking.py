"""Parking taken by closed ground (*sosta*)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import shapely

from layers.criteria import band_parking
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    KindResult,
    concat_impacts,
    impact_rows,
    method_sheet,
    not_computed,
    targets,
    zone_frame,
)
from layers.impacts.scene import CLOSURE_REACH_M, Scene

METHOD = "stalls lost within walking reach"
#: A disabled bay is somebody's who lives this near.
DISABLED_REACH_M = 50.0


def parking(scene: Scene, parameters: Parameters) -> KindResult:
    """Buildings within :data:`CLOSURE_REACH_M` of ground whose stalls are taken.

    How many stalls a building has is not known: the share lost is the stalls taken over the
    flats within reach, one each. Aspects: ``stalls``; ``disabled_stalls`` for those within
    :data:`DISABLED_REACH_M` (the nearest building where none is) of a disabled bay. The value is
    the number of stalls taken.
    """
    works, closures = scene.works, scene.works.closures
    taking = closures[closures["stalls"].astype(float) > 0] if len(closures) else closures
    if not len(taking):
        return not_computed("parking", METHOD, "No closure takes a stall.")
    who = targets(scene)
    buildings = scene.around.buildings
    shapes = np.asarray(buildings.geometry.values, dtype=object)
    parts, rows = [], []
    for closure in taking.itertuples():
        first, after = closure_period(closure, works.starts_on, works.ends_on)
        far = pd.Series(shapely.distance(shapes, closure.geometry), buildings["building_id"])
        distance = far.reindex(who["building_id"]).to_numpy(dtype=float)
        near = who[distance <= CLOSURE_REACH_M]
        stalls = float(closure.stalls)
        share = min(1.0, stalls / max(1, len(near)))
        days = (after - first).days
        band = band_parking(share, days, bands=parameters.bands)
        parts.append(
            impact_rows(
                "parking",
                near,
                band,
                aspect="stalls",
                value=stalls,
                unit="stalls",
                starts_on=first,
                ends_on=after,
            )
        )
        if int(band):
            reach = shapely.buffer(closure.geometry, CLOSURE_REACH_M)
            rows.append(("parking", "stalls", "all", int(band), METHOD, reach))
        if float(closure.disabled_stalls) > 0 and len(who):
            beside = who[distance <= max(DISABLED_REACH_M, float(np.nanmin(distance)) + 1e-6)]
            lost = band_parking(share, days, disabled_lost=True, bands=parameters.bands)
            parts.append(
                impact_rows(
                    "parking", beside, lost, aspect="disabled_stalls",
                    value=float(closure.disabled_stalls), unit="stalls",
                    starts_on=first, ends_on=after,
                )
            )  # fmt: skip
    method = method_sheet(
        METHOD,
        missing=["Stalls of each building not known: one a flat assumed."],
        reach_m=CLOSURE_REACH_M,
        bands=parameters.bands.version,
    )
    # Where two closures reach, the stronger band holds.
    return KindResult("parking", zone_frame(stronger_first(rows)), concat_impacts(parts), method)


def closure_period(
    closure: object, starts_on: dt.date, ends_on: dt.date
) -> tuple[dt.date, dt.date]:
    """First day and the day after the last of a closure; the phase's where it has none."""
    first, after = getattr(closure, "starts_on", None), getattr(closure, "ends_on", None)
    return (
        starts_on if first is None or pd.isna(first) else first,
        ends_on if after is None or pd.isna(after) else after,
    )


def stronger_first(
    rows: list[tuple[str, str, str, int, str, shapely.Geometry]],
) -> list[tuple[str, str, str, int, str, shapely.Geometry]]:
    """Zones of one aspect made disjoint, one for each band."""
    covered: shapely.Geometry = shapely.Polygon()
    result = []
    for band in sorted({row[3] for row in rows}, reverse=True):
        these = [row for row in rows if row[3] == band]
        shape = shapely.union_all([row[5] for row in these])
        result.append((*these[0][:5], shapely.difference(shape, covered)))
        covered = shapely.union(covered, shape)
    return result
