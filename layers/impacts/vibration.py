"""Vibration of machines at the foundations of buildings (*vibrazioni*)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.criteria import band_vibration
from layers.errors import DataError
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    KindResult,
    impact_rows,
    method_sheet,
    not_computed,
    rings_by_distance,
    targets,
    zone_frame,
)
from layers.impacts.scene import Scene
from layers.plant import resolve
from layers.vibration import VibrationSource, vibration_source

METHOD = "PPV with distance"
#: Fewer lorries a day than this do not make a vibration of the works: one delivery beside a
#: house would otherwise shake it as much as a demolition. The step is the IAQM's for trackout.
LORRIES_PER_DAY = 10


def vibration(scene: Scene, parameters: Parameters) -> KindResult:
    """Peak particle velocity at each building, of the machine that gives the highest.

    Machines may stand anywhere on the footprint: the distance is the nearest. The value is the
    PPV on free ground in mm/s; neither the building's amplification nor how often it shakes is
    in it. Works indoors are rated by adjacency instead (see :mod:`layers.impacts.inside`).
    """
    works = scene.works
    if works.indoor:
        return not_computed("vibration", METHOD, "Works inside the building: see the kind inside.")
    if not works.plant:
        return not_computed("vibration", METHOD, "No plant list: vibration is not computed.")
    found, notes = _sources(scene)
    if not found:
        return not_computed(
            "vibration", METHOD, *notes, "No machine of the list shakes the ground."
        )
    buildings = scene.around.buildings
    distance_m = buildings["distance_m"].to_numpy(dtype=float)
    ppv = np.max([source.ppv_mm_s(distance_m) for source in found], axis=0)
    at_building = pd.Series(ppv, index=buildings["building_id"])
    who = targets(scene)
    value = at_building.reindex(who["building_id"]).to_numpy(dtype=float)
    rows = impact_rows(
        "vibration", who, band_vibration(value, bands=parameters.bands),
        value=np.round(value, 3), unit="mm/s", starts_on=works.starts_on, ends_on=works.ends_on,
        weekdays=works.weekdays,
    )  # fmt: skip
    steps = parameters.bands.row("vibration")["ppv_mm_s"]["from"]
    reach = [
        (band, min(parameters.reach_m, max(source.reach_m(step) for source in found)))
        for band, step in enumerate(steps, start=1)
    ]
    rings = rings_by_distance(works.footprint, reach)
    method = method_sheet(
        METHOD, edition="FTA 2006, Caltrans 2013", margin="a factor of 2", missing=notes,
        machines=[{"key": s.key, "ppv_25ft_mm_s": round(s.reference_ppv_mm_s, 3),
                   "exponent": s.exponent, "source": s.source} for s in found],
        bands=parameters.bands.version,
    )  # fmt: skip
    zones = zone_frame([("vibration", "", "all", b, METHOD, shape) for b, shape in rings])
    return KindResult("vibration", zones, rows, method)


def _sources(scene: Scene) -> tuple[list[VibrationSource], list[str]]:
    """References of the machines that shake the ground, each once, and what was missing."""
    found: dict[str, VibrationSource] = {}
    notes: list[str] = []
    for line in scene.works.plant:
        try:
            key = resolve(line.machine).vibration
            if key == "fta:loaded_trucks" and (scene.works.trucks_per_day or 0) < LORRIES_PER_DAY:
                notes.append(
                    f"Fewer than {LORRIES_PER_DAY} lorries a day, or not told: their vibration "
                    "is left out."
                )
            elif key:
                found[key] = vibration_source(key)
        except DataError as error:
            notes.append(f"{error} The machine is left out.")
    return list(found.values()), list(dict.fromkeys(notes))
