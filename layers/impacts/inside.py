"""Works in one's own flat and in one's own building (*lavori nell'alloggio*).

What strikes or cuts the building carries through its structure: it is rated by how near the
works are (same riser, adjoining, same stairwell, same building), as a band without dB.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.criteria import band_adjacency, band_inside
from layers.errors import DataError
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
from layers.impacts.scene import Scene
from layers.impacts.working_hours import noisy_hours, part_hours
from layers.plant import resolve

METHOD = "adjacency"
#: Services that run in a riser: a cut during indoor works tells that the riser is worked on.
IN_RISERS = ("water", "hot_water", "gas", "heating")


def inside(scene: Scene, parameters: Parameters) -> KindResult:
    """Flats worked in, and flats of the same building by how near they are to the works.

    Aspects: ``own_flat`` (value: hours a day in the flat) and ``structure_borne`` or
    ``airborne`` (band only). Works go from flat to flat: the time in one is the working time of
    the phase shared among its flats, at least half a day. For outdoor works only machines that
    strike the building count, and as ``same_building``.
    """
    works = scene.works
    worked_in = _worked_buildings(scene)
    own = set(works.inside_flat_ids)
    strikes, notes = _structure_borne(scene)
    if not own and (not worked_in or not (works.indoor or strikes)):
        return not_computed("inside", METHOD, "No works inside a building.")
    who = targets(scene)
    hours, note = noisy_hours(works.hours)
    daily_h = max(1e-6, float(sum(part_hours(hours).by_weekday.values()).max()))  # type: ignore[union-attr]
    parts = [_own_flats(scene, parameters, who, daily_h)] if own else []
    if worked_in and (works.indoor or strikes):
        near = who[who["building_id"].isin(worked_in)].reset_index(drop=True)
        relation, more = _relation(scene, near)
        notes += more
        band = band_adjacency(
            relation, structure_borne=strikes, hours_per_day=daily_h, bands=parameters.bands
        )
        parts.append(
            impact_rows(
                "inside", near, band, aspect="structure_borne" if strikes else "airborne",
                starts_on=works.starts_on, ends_on=works.ends_on, weekdays=works.weekdays,
            )
        )  # fmt: skip
    method = method_sheet(
        METHOD, missing=[n for n in (*notes, note) if n], hours_per_day=round(daily_h, 2),
        bands=parameters.bands.version, basis=parameters.bands.basis("adjacency"),
    )  # fmt: skip
    return KindResult("inside", no_zones(), concat_impacts(parts), method)


def _worked_buildings(scene: Scene) -> list[int]:
    """Buildings with the role ``works``, else (indoors) those under the footprint, and those of
    the flats worked in."""
    works, buildings = scene.works, scene.around.buildings
    told = set(works.buildings_with("works"))
    flats = scene.around.flats
    told |= set(flats.loc[flats["flat_id"].isin(works.inside_flat_ids), "building_id"])
    if not told and works.indoor:
        shapes = np.asarray(buildings.geometry.values, dtype=object)
        common = shapely.area(shapely.intersection(shapes, works.footprint))
        under = common > 0.2 * np.minimum(shapely.area(shapes), works.footprint.area)
        told = set(buildings.loc[under, "building_id"])
    return sorted(int(b) for b in told)


def _structure_borne(scene: Scene) -> tuple[bool, list[str]]:
    works = scene.works
    if not works.plant:
        return works.indoor, (
            ["No plant list: works indoors are taken to strike the building."]
            if works.indoor
            else []
        )
    notes: list[str] = []
    for line in works.plant:
        try:
            if resolve(line.machine).structure_borne:
                return True, notes
        except DataError as error:
            notes.append(str(error))
    return False, notes


def _own_flats(
    scene: Scene, parameters: Parameters, who: pd.DataFrame, daily_h: float
) -> pd.DataFrame:
    works = scene.works
    flats = who[who["flat_id"].isin(works.inside_flat_ids)]
    days = np.arange((works.ends_on - works.starts_on).days)
    weekdays = (works.starts_on.weekday() + days) % 7
    working_days = int(((works.weekdays >> weekdays) & 1).sum()) or len(days)
    each_h = max(daily_h / 2.0, working_days * daily_h / max(1, len(works.inside_flat_ids)))
    in_days = max(1.0, each_h / daily_h)
    hours = min(24.0, each_h / in_days)
    band = band_inside(hours, in_days, bands=parameters.bands)
    return impact_rows(
        "inside", flats, band, aspect="own_flat", value=round(hours, 2), unit="h/day",
        starts_on=works.starts_on, ends_on=works.ends_on, weekdays=works.weekdays,
    )  # fmt: skip


def _relation(scene: Scene, near: pd.DataFrame) -> tuple[npt.NDArray[np.str_], list[str]]:
    """How near each flat is to the works: the nearest relation that holds."""
    works, flats = scene.works, scene.around.flats
    relation = np.full(len(near), "same_building", dtype="<U16")
    if not works.indoor:
        return relation, []
    worked = flats[flats["flat_id"].isin(works.inside_flat_ids)]
    served = {s for cut in works.cuts for s in cut.stairwell_ids}
    risers = {s for cut in works.cuts if cut.service in IN_RISERS for s in cut.stairwell_ids}
    stairs = served | set(worked["stairwell_id"])
    mine = near["stairwell_id"].to_numpy(dtype=np.int64)
    if not stairs:
        relation[:] = "same_stairwell"
        return relation, ["Which stairwell is worked in is not told: all of the building count."]
    relation[np.isin(mine, list(stairs))] = "same_stairwell"
    if len(worked):
        storey = near["storey"].to_numpy(dtype=float)
        flat = near["flat_id"].to_numpy(dtype=np.int64)
        for stair, group in worked.groupby("stairwell_id"):
            levels = pd.to_numeric(group["storey"], errors="coerce").to_numpy(dtype=float)
            ids = group["flat_id"].to_numpy(dtype=np.int64)
            apart = np.abs(storey[:, None] - levels[None, :])
            others = (apart <= 1) & (flat[:, None] != ids[None, :])
            relation[(mine == stair) & others.any(axis=1)] = "adjoining"
    relation[np.isin(mine, list(risers))] = "same_riser"
    return relation, []
