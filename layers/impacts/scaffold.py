"""Scaffolds in front of windows (*ponteggio*)."""

from __future__ import annotations

from layers.criteria import band_scaffold
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    KindResult,
    impact_rows,
    method_sheet,
    not_computed,
    targets,
    zone_frame,
)
from layers.impacts.scene import Scene

METHOD = "scaffolded buildings"


def scaffold(scene: Scene, parameters: Parameters) -> KindResult:
    """Flats of buildings with the role ``scaffold``, for the days of the phase.

    The value is the number of days. Which façades stand behind the scaffold is not recorded:
    all flats of the building count. A band is an exposure to loss of light and privacy, no
    computation of daylight.
    """
    works = scene.works
    ids = works.buildings_with("scaffold")
    if not ids:
        return not_computed("scaffold", METHOD, "No building is scaffolded.")
    who = targets(scene)
    days = (works.ends_on - works.starts_on).days
    band = band_scaffold(days, bands=parameters.bands)
    rows = impact_rows(
        "scaffold", who[who["building_id"].isin(ids)], band, value=float(days), unit="day",
        starts_on=works.starts_on, ends_on=works.ends_on,
    )  # fmt: skip
    buildings = scene.around.buildings
    shapes = buildings.geometry[buildings["building_id"].isin(ids)]
    zones = zone_frame(
        [("scaffold", "", "all", int(band), METHOD, shapes.union_all())] if int(band) else []
    )
    method = method_sheet(
        METHOD,
        missing=["Sides behind the scaffold not recorded: all flats of the building count."],
        bands=parameters.bands.version,
    )
    return KindResult("scaffold", zones, rows, method)
