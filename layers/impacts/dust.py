"""Dust risk at each building by the IAQM method (*polvere*)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers import dust as iaqm
from layers.criteria import band_dust
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
from layers.impacts.scene import ROUTE_REACH_M, Scene

METHOD = "IAQM dust risk"
#: Trackout is judged from the edge of the route, no farther than this (IAQM step 1).
ROUTE_M = ROUTE_REACH_M
#: And along the route no farther than this from the site, by edition (IAQM step 1).
ALONG_M = {"2014": 500.0, "2024": 250.0}
#: Uses whose people are counted as so many receptors: classes and wards are full of them.
CROWDED = {"school": 100.0, "health": 100.0}
#: Uses of medium sensitivity: people are there for hours, not for their lives.
WORKPLACES = ("commercial", "office", "industrial")
#: Outer edges of the distance columns of the guidance, metres.
EDGES_M = {"2014": (20.0, 50.0, 100.0, 200.0, 350.0), "2024": (20.0, 50.0, 100.0, 250.0)}


def dust(scene: Scene, parameters: Parameters) -> KindResult:
    """Risk of dust soiling and to health, without mitigation, the highest over activities.

    Distances are from the footprint of the phase, for trackout from the way of the lorries as far
    as :data:`ALONG_M` from the footprint, where that way is known. Dwellings count as units; a
    school or a surgery as 100. The aspect names the activity that gives the highest risk; the
    value is its class (1 low, 2 medium, 3 high).
    """
    works = scene.works
    if not works.dust_activities:
        return not_computed("dust", METHOD, "No dust activity told: dust is not computed.")
    edition = "2014" if parameters.dust_edition in ("2014", "2016") else "2024"
    buildings = scene.around.buildings
    count, notes = _receptors(scene)
    edges = EDGES_M[edition]
    # Places in the middle of each column tell its class; they weigh nothing in the counts.
    probes = np.array([(a + b) / 2 for a, b in zip((0.0, *edges[:-1]), edges, strict=True)])
    near = np.concatenate([buildings["distance_m"].to_numpy(dtype=float), probes])
    number = np.concatenate([count, np.full(len(probes), 1e-9)])
    workplace = np.concatenate(
        [buildings["use"].isin(WORKPLACES).to_numpy(), np.zeros(len(probes), bool)]
    )
    sensitivity = _sensitivity(near, number, workplace, parameters, edition)
    route = _route(scene, edition)
    best = np.zeros(len(near), dtype=np.int64)
    beside_route = np.zeros(len(edges), dtype=np.int64)
    leading = np.full(len(near), "", dtype=object)
    sizes: dict[str, str] = {}
    for activity in sorted(set(works.dust_activities)):
        size, note = _magnitude(scene, activity, edition)
        notes.append(note)
        if size is None:
            continue
        sizes[activity] = size
        risk = iaqm.risk_classes(activity, sensitivity, size).astype(np.int64)  # type: ignore[arg-type]
        if activity == "trackout" and route is not None:
            away = shapely.distance(np.asarray(buildings.geometry.values, dtype=object), route)
            away = np.concatenate([away, probes])
            told = _sensitivity(away, number, workplace, parameters, edition)
            risk = iaqm.risk_classes("trackout", told, size).astype(np.int64)
            risk = np.where(away < ROUTE_M, risk, 0)
            beside_route = risk[len(buildings) :]
            # The columns of distance are those of the footprint.
            risk = np.concatenate([risk[: len(buildings)], np.zeros(len(edges), dtype=np.int64)])
        elif activity == "trackout":
            risk = np.where(near < ROUTE_M, risk, 0)
        leading = np.where(risk > best, activity, leading)
        best = np.maximum(best, risk)
    method = method_sheet(
        METHOD, edition=edition, margin="classes without mitigation",
        missing=[n for n in notes if n], magnitude=sizes, pm10_ug_m3=parameters.pm10_ug_m3,
        bands=parameters.bands.version,
    )  # fmt: skip
    at_building = pd.Series(np.arange(len(buildings)), index=buildings["building_id"])
    who = targets(scene)
    k = at_building.reindex(who["building_id"]).to_numpy(dtype=np.int64)
    bands = _bands(best, parameters)
    parts = impact_rows(
        "dust", who, bands[k], value=best[k], unit="risk", starts_on=works.starts_on,
        ends_on=works.ends_on, weekdays=works.weekdays,
    )  # fmt: skip
    parts["aspect"] = leading[k][bands[k] >= 1]
    rings = _rings(works.footprint, edges, bands[len(buildings) :])
    if route is not None:
        rings = _together(rings, _rings(route, edges, _bands(beside_route, parameters)))
    zones = zone_frame([("dust", "", "all", b, METHOD, shape) for b, shape in rings])
    return KindResult("dust", zones, parts, method)


def _route(scene: Scene, edition: str) -> shapely.Geometry | None:
    """The way of the lorries as far from the site as trackout is judged; None: not known."""
    works = scene.works
    if works.lorry_route is None:
        return None
    near = shapely.intersection(
        works.lorry_route, shapely.buffer(works.footprint, ALONG_M[edition])
    )
    return None if near.is_empty else near


def _together(
    one: list[tuple[int, shapely.Geometry]], two: list[tuple[int, shapely.Geometry]]
) -> list[tuple[int, shapely.Geometry]]:
    """Disjoint zones of two sources, one of each band: where they meet the stronger holds."""
    found: list[tuple[int, shapely.Geometry]] = []
    taken: shapely.Geometry = shapely.Polygon()
    for band in sorted({b for b, _shape in one + two}, reverse=True):
        whole = shapely.union_all([shape for b, shape in one + two if b == band])
        found.append((band, shapely.difference(whole, taken)))
        taken = shapely.union(taken, whole)
    return [(band, shape) for band, shape in found if not shape.is_empty]


def _receptors(scene: Scene) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Number of receptors in each building."""
    buildings = scene.around.buildings
    flats = scene.around.flats.groupby("building_id").size()
    known = flats.reindex(buildings["building_id"]).to_numpy(dtype=float)
    told = pd.to_numeric(buildings["flats_declared"], errors="coerce").to_numpy(dtype=float)
    crowd = buildings["use"].map(CROWDED).to_numpy(dtype=float)
    idle = buildings["use"].isin(("garage", "shed")).to_numpy()
    count = np.where(np.isfinite(known), known, np.where(np.isfinite(told), told, 1.0))
    guessed = int((~np.isfinite(known) & ~np.isfinite(told) & ~idle & ~np.isfinite(crowd)).sum())
    note = f"Number of flats not known in {guessed} buildings: each counts as one." * bool(guessed)
    count = np.where(np.isfinite(crowd), crowd, np.where(idle & ~np.isfinite(known), 0.0, count))
    gone = buildings["building_id"].isin(scene.works.buildings_with("demolition")).to_numpy()
    return np.where(gone, 0.0, count), [note]


def _sensitivity(
    near: npt.NDArray[np.float64],
    number: npt.NDArray[np.float64],
    workplace: npt.NDArray[np.bool_],
    parameters: Parameters,
    edition: str,
) -> npt.NDArray[np.int64]:
    """Class of the area at each receptor, the higher of soiling and health."""
    found = np.zeros(len(near), dtype=np.int64)
    for receptor, these in (("High", ~workplace), ("Medium", workplace)):
        if not these.any():
            continue
        soiling = iaqm.receptor_sensitivity(
            "soiling", receptor, near[these], number[these], edition=edition
        )
        health = iaqm.receptor_sensitivity(
            "health", receptor, near[these], number[these],
            pm10_ug_m3=parameters.pm10_ug_m3, edition=edition,
        )  # fmt: skip
        found[these] = np.maximum(soiling, health)
    return found


def _magnitude(scene: Scene, activity: str, edition: str) -> tuple[str | None, str]:
    """Magnitude of an activity and a note where a criterion was estimated or is missing."""
    works = scene.works
    volume, tallest = _taken_down(scene)
    if activity == "earthworks":
        return iaqm.magnitude("earthworks", edition=edition, site_area_m2=works.footprint.area), ""
    if activity == "trackout":
        if works.trucks_per_day is None:
            return None, "Lorries a day not told: dust of trackout is not computed."
        trips = float(works.trucks_per_day)
        size = iaqm.magnitude("trackout", edition=edition, hdv_outward_per_day=trips)
        if _route(scene, edition) is None:
            return size, "Route of the lorries not known: trackout is judged around the site."
        return size, (
            f"Trackout is judged along the route of the lorries, up to {ALONG_M[edition]:.0f} m "
            "from the site."
        )
    told = works.volume_m3
    if activity == "demolition":
        if told is None and volume == 0:
            return None, "Nothing to take down is told: dust of demolition is not computed."
        size = iaqm.magnitude(
            "demolition", edition=edition, building_volume_m3=told or volume or None,
            height_m=tallest or None,
        )  # fmt: skip
        return size, "" if told else "Volume taken down from footprint and height."
    if told is not None:
        return iaqm.magnitude("construction", edition=edition, building_volume_m3=told), ""
    guess = works.footprint.area * 10.0
    return (
        iaqm.magnitude("construction", edition=edition, building_volume_m3=guess),
        "Volume built not told: 10 m over the footprint assumed.",
    )


def _taken_down(scene: Scene) -> tuple[float, float]:
    """Volume and greatest height of the buildings the works take down."""
    buildings = scene.around.buildings
    ids = scene.works.buildings_with("demolition")
    these = buildings[buildings["building_id"].isin(ids)]
    height = pd.to_numeric(these["height_m"], errors="coerce").fillna(
        3.0 * pd.to_numeric(these["storeys"], errors="coerce").fillna(2.0)
    )
    areas = shapely.area(np.asarray(these.geometry.values, dtype=object))
    return float((areas * height.to_numpy(dtype=float)).sum()), float(height.max() or 0.0) if len(
        these
    ) else 0.0


def _bands(risk: npt.NDArray[np.int64], parameters: Parameters) -> npt.NDArray[np.int64]:
    by_class = band_dust(np.array(iaqm.RISKS), bands=parameters.bands).astype(np.int64)
    return np.asarray(by_class[risk])


def _rings(
    footprint: shapely.Geometry, edges: tuple[float, ...], bands: npt.NDArray[np.int64]
) -> list[tuple[int, shapely.Geometry]]:
    """Zones from the bands of the distance columns, nearest first."""
    outer: dict[int, float] = {}
    for edge_m, band in zip(edges, bands, strict=True):
        if band >= 1:
            outer[int(band)] = edge_m
    return rings_by_distance(footprint, list(outer.items()))
