"""Buildings, entrances and flats of the invented quarter, as an import file would bring them."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from geo_service.demo.ground import compass, joined, shape_of, to_ground
from geo_service.demo.network import path_frame
from geo_service.demo.plan import (
    BUILDINGS,
    CITY,
    OTHER_BUILDINGS,
    OWNER,
    POSTCODE,
    BuildingPlan,
    StairPlan,
)
from geo_service.demo.surroundings import PrivateHouse, private_houses
from geo_service.demo.ways import STREETS
from layers.crs import SRID

SEED = 1962
FLATS = 760
SOLD = 38
# Sold flats make mixed condominiums; building 7 is to come down and has none.
_SOLD_IN = (3, 6, 8, 11, 12)


@dataclass(frozen=True, slots=True)
class QuarterFrames:
    """The quarter as frames with the canonical columns of the loaders, all in ``SRID``."""

    boundary: MultiPolygon
    buildings: gpd.GeoDataFrame
    entrances: gpd.GeoDataFrame
    paths: gpd.GeoDataFrame
    flats: pd.DataFrame


def make_quarter(seed: int = SEED) -> QuarterFrames:
    """Make the quarter; the same ``seed`` gives the same quarter to the last digit."""
    houses = private_houses(seed)
    doors = _doors(houses)
    return QuarterFrames(
        boundary=_boundary(houses),
        buildings=_building_frame(houses, doors),
        entrances=_entrance_frame(doors),
        paths=path_frame(),
        flats=_flat_frame(seed),
    )


@dataclass(frozen=True, slots=True)
class _Door:
    """Something that gets a house number: the door of a stairwell, or a private house."""

    source_id: str
    street: str
    at: Point
    stair: StairPlan | None = None
    building: str = ""
    house_number: str = ""


def building_id(number: int) -> str:
    """Source id of one of the twelve buildings."""
    return f"ed-{number:02d}"


def _doors(houses: list[PrivateHouse]) -> list[_Door]:
    doors = []
    for plan in BUILDINGS:
        shape = shape_of(plan)
        for stair in plan.stairs:
            at = shape.entrances[stair.label]
            doors.append(
                _Door(f"scala-{stair.label}", plan.street, at, stair, building_id(plan.number))
            )
    for source_id, _, _, _, street, _, _, boxes in OTHER_BUILDINGS:
        if street:
            doors.append(_Door(source_id, street, joined(boxes).representative_point()))
    for index, house in enumerate(houses, start=1):
        at = house.footprint.representative_point()
        doors.append(_Door(f"casa-{index:03d}", house.street, at))
    return _numbered(doors)


def _numbered(doors: list[_Door]) -> list[_Door]:
    """House numbers as the Comune gives them: odd on the left, even on the right, along the way."""
    lines = {name: LineString(points) for name, _, points in STREETS}
    along_m = [lines[d.street].project(d.at) for d in doors]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, door in enumerate(doors):
        groups[door.building or door.source_id].append(index)
    ranked: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
    for group, members in groups.items():
        first = doors[members[0]]
        mean_m = sum(along_m[i] for i in members) / len(members)
        left = _is_left(lines[first.street], mean_m, first.at)
        ranked[first.street, 1 if left else 2].append((round(mean_m, 1), group))
    numbers: dict[int, str] = {}
    for (_, parity), sequence in ranked.items():
        number = parity
        for _, group in sorted(sequence):
            for index in sorted(groups[group], key=lambda i: round(along_m[i], 1)):
                numbers[index] = str(number)
                number += 2
    return [replace(d, house_number=numbers[i]) for i, d in enumerate(doors)]


def _is_left(line: LineString, along_m: float, at: Point) -> bool:
    start_m = min(along_m, line.length - 0.5)
    here, ahead = line.interpolate(start_m), line.interpolate(start_m + 0.5)
    return bool((ahead.x - here.x) * (at.y - here.y) > (ahead.y - here.y) * (at.x - here.x))


def _boundary(houses: list[PrivateHouse]) -> MultiPolygon:
    """Edge of the quarter with the neighbours who hear and see its sites."""
    parts = [shape_of(p).footprint for p in BUILDINGS] + [h.footprint for h in houses]
    hull = shapely.union_all(parts).convex_hull.buffer(15, join_style="mitre")
    ground = to_ground(hull)
    if not isinstance(ground, Polygon):
        raise ValueError("the hull of the quarter is one polygon")
    return MultiPolygon([ground])


def _building_frame(houses: list[PrivateHouse], doors: list[_Door]) -> gpd.GeoDataFrame:
    addresses = {d.source_id: d for d in doors if d.stair is None}
    rows: list[dict[str, object]] = []
    for plan in BUILDINGS:
        rows.append(
            {
                "source_id": building_id(plan.number), "name": plan.name, "height_m": plan.height_m,
                "storeys": plan.storeys, "use": plan.use, "owner": OWNER, "acoustic_class": "III",
                "geometry": shape_of(plan).footprint,
            }
        )  # fmt: skip
    for source_id, name, use, owner, _, storeys, height_m, boxes in OTHER_BUILDINGS:
        rows.append(
            {
                "source_id": source_id, "name": name, "height_m": height_m, "storeys": storeys,
                "use": use, "owner": owner, "acoustic_class": "I" if use == "school" else "III",
                "geometry": joined(boxes),
            }
        )  # fmt: skip
    for index, house in enumerate(houses, start=1):
        rows.append(
            {
                "source_id": f"casa-{index:03d}", "name": "", "height_m": house.height_m,
                "storeys": house.storeys, "use": house.use, "owner": "privato",
                "acoustic_class": "IV" if house.use == "industrial" else "III",
                "flats_declared": house.flats, "geometry": house.footprint,
            }
        )  # fmt: skip
    for row in rows:
        door = addresses.get(str(row["source_id"]))
        row["street"] = door.street if door else None
        row["house_number"] = door.house_number if door else None
        row["postcode"] = POSTCODE if door else None
        row["city"] = CITY if door else None
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=SRID)
    frame["flats_declared"] = frame["flats_declared"].astype("Int64")
    frame["geometry"] = [to_ground(g) for g in frame.geometry]
    return frame


def _entrance_frame(doors: list[_Door]) -> gpd.GeoDataFrame:
    stairs = [d for d in doors if d.stair is not None]
    return gpd.GeoDataFrame(
        {
            "source_id": [d.source_id for d in stairs],
            "street": [d.street for d in stairs],
            "house_number": [d.house_number for d in stairs],
            "postcode": POSTCODE,
            "city": CITY,
            "building": [d.building for d in stairs],
            "stairwell": [d.stair.label for d in stairs if d.stair],
            "lift": [d.stair.lift for d in stairs if d.stair],
            "step_free": [d.stair.step_free for d in stairs if d.stair],
        },
        geometry=[to_ground(d.at) for d in stairs],
        crs=SRID,
    )


def _flat_frame(seed: int) -> pd.DataFrame:
    rng = random.Random(f"flats {seed}")  # noqa: S311
    rows = [row for plan in BUILDINGS for stair in plan.stairs for row in _flats(rng, plan, stair)]
    frame = pd.DataFrame(rows)
    may_be_sold = frame.index[
        frame["building"].isin([building_id(n) for n in _SOLD_IN]) & (frame["use"] == "dwelling")
    ]
    frame["sold"] = False
    frame.loc[sorted(rng.sample(list(may_be_sold), SOLD)), "sold"] = True
    return frame


def _flats(rng: random.Random, plan: BuildingPlan, stair: StairPlan) -> list[dict[str, object]]:
    """Flats of a stairwell from the ground up, numbered as on the bells."""
    rows: list[dict[str, object]] = []
    for shop in range(1, stair.shops + 1):
        rows.append(
            {
                "building": building_id(plan.number), "stairwell": stair.label,
                "number": f"N{shop}", "storey": 0, "rooms": 2,
                "area_m2": round(rng.uniform(62, 96), 1), "step_free": True,
                "exposures": compass(plan, "S"), "use": "shop",
            }
        )  # fmt: skip
    number = 0
    for storey in range(plan.storeys):
        landing = stair.ground if storey == 0 else stair.landing
        for place, sides in enumerate(landing):
            number += 1
            # Flats through the building are larger than those on one side; kept within each riser.
            factor = (1.08, 0.88, 0.97, 1.12)[place % 4] if len(landing) > 2 else 1.05
            area_m2 = round(plan.flat_area_m2 * factor + rng.uniform(-1.5, 1.5), 1)
            rows.append(
                {
                    "building": building_id(plan.number), "stairwell": stair.label,
                    "number": str(number), "storey": storey, "rooms": _rooms(area_m2),
                    "area_m2": area_m2,
                    "step_free": stair.step_free and (stair.lift or storey == 0),
                    "exposures": compass(plan, sides), "use": "dwelling",
                }
            )  # fmt: skip
    return rows


def _rooms(area_m2: float) -> int:
    return 1 + sum(area_m2 > limit for limit in (38, 48, 62, 76))
