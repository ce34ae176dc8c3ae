"""The invented quarter on the ground: counts, sound geometry, doors, ways."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shapely

from geo_service.demo.quarter import QuarterFrames, building_id, make_quarter
from geo_service.demo.sites import many, trench_north
from layers.buildings import EXPOSURES, PATH_KINDS, USES
from layers.crs import SRID

TWELVE = [building_id(n) for n in range(1, 13)]


@pytest.fixture(scope="module")
def quarter() -> QuarterFrames:
    return make_quarter()


@pytest.fixture(scope="module")
def twelve(quarter: QuarterFrames) -> gpd.GeoDataFrame:
    return quarter.buildings[quarter.buildings.owner == "ALER"].set_index("source_id")


def digest(frames: QuarterFrames) -> str:
    """One figure for all content: text of every column, bytes of every shape."""
    whole = hashlib.sha256(shapely.to_wkb(frames.boundary))
    for frame in (frames.buildings, frames.entrances, frames.paths, frames.flats):
        plain = pd.DataFrame(frame).drop(columns="geometry", errors="ignore")
        whole.update(plain.to_csv(index=False).encode())
        if "geometry" in frame:
            for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
                whole.update(wkb)
    return whole.hexdigest()


class Ways:
    """The paths as a graph in which two stretches meet where their ends are equal."""

    def __init__(self, paths: gpd.GeoDataFrame) -> None:
        self.nodes: dict[tuple[float, float], int] = {}
        ends = [
            (self.node(g.coords[0]), self.node(g.coords[-1])) for g in paths.geometry.to_numpy()
        ]
        size = len(self.nodes)
        start, end = zip(*ends, strict=True)
        graph = sp.coo_matrix((np.ones(len(ends)), (start, end)), shape=(size, size))
        self.parts, self.part = sp.csgraph.connected_components(graph, directed=False)

    def node(self, point: tuple[float, ...]) -> int:
        return self.nodes.setdefault((point[0], point[1]), len(self.nodes))

    def joined(self, point: shapely.Point, street: str, paths: gpd.GeoDataFrame) -> bool:
        """Whether ``point`` is joined to the pavement of ``street``."""
        at = self.nodes.get((point.x, point.y))
        pavement = paths[paths.name == f"marciapiede di {street}"].geometry.to_numpy()
        goals = {self.part[self.nodes[g.coords[0]]] for g in pavement}
        return at is not None and self.part[at] in goals


def without_steps(paths: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Ways that a wheelchair can use: no steps, kerbs lowered, 90 cm wide, not too steep."""
    free = (paths.steps == 0) & (paths.kerb_cm <= 2.5) & (paths.width_m >= 0.9)
    return paths[free & (paths.slope_pct <= 8) & (paths.cross_slope_pct <= 1)]


def test_the_quarter_has_the_numbers_it_is_known_for(
    quarter: QuarterFrames, twelve: gpd.GeoDataFrame
) -> None:
    assert sorted(twelve.index) == TWELVE
    assert len(quarter.entrances) == quarter.entrances.stairwell.nunique() == 31
    dwellings = quarter.flats[quarter.flats.use == "dwelling"]
    assert len(dwellings) == 760
    assert dwellings.sold.sum() == quarter.flats.sold.sum() == 38
    assert (quarter.flats.use == "shop").sum() == 6
    assert Counter(quarter.buildings.use)["school"] == Counter(quarter.buildings.use)["health"] == 1
    assert (dwellings.building == building_id(7)).sum() == 48


def test_the_same_seed_gives_the_same_quarter_and_another_seed_another(
    quarter: QuarterFrames,
) -> None:
    assert digest(make_quarter()) == digest(quarter)
    assert digest(make_quarter(7)) != digest(quarter)


def test_buildings_are_sound_and_do_not_touch(quarter: QuarterFrames) -> None:
    shapes = quarter.buildings.geometry.to_numpy()
    assert quarter.buildings.crs.to_epsg() == SRID
    assert shapely.is_valid(shapes).all()
    assert set(shapely.get_type_id(shapes)) == {3}
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=1.0)
    assert (first == second).all()
    assert quarter.boundary.is_valid
    assert shapely.within(shapes, quarter.boundary).all()


def test_heights_fit_storeys_and_floors_fit_their_flats(
    quarter: QuarterFrames, twelve: gpd.GeoDataFrame
) -> None:
    per_storey = quarter.buildings.height_m / quarter.buildings.storeys
    housing = quarter.buildings.use.isin(["residential", "mixed"])
    assert per_storey[housing].between(2.9, 4.2).all()
    assert quarter.buildings.use.isin(USES).all()
    floor = quarter.flats.groupby(["building", "storey"]).area_m2.sum()
    for (building, storey), flats_m2 in floor.items():
        assert flats_m2 <= twelve.geometry[building].area * 1.02, (building, storey)
        assert 0 <= storey < twelve.storeys[building]


def test_every_door_is_on_the_wall_of_its_building_and_on_a_path(
    quarter: QuarterFrames, twelve: gpd.GeoDataFrame
) -> None:
    nodes = Ways(quarter.paths).nodes
    for door in quarter.entrances.itertuples():
        wall = twelve.geometry[door.building].exterior
        assert wall.distance(door.geometry) < 0.02, door.stairwell
        near = shapely.distance(shapely.points(np.array(list(nodes))), door.geometry)
        assert near.min() < 0.02, door.stairwell


def test_flats_hang_on_stairwells_and_look_where_there_is_a_side(quarter: QuarterFrames) -> None:
    flats = quarter.flats
    known = set(zip(quarter.entrances.building, quarter.entrances.stairwell, strict=True))
    assert set(zip(flats.building, flats.stairwell, strict=True)) == known
    assert not flats.duplicated(["building", "stairwell", "number"]).any()
    assert flats.exposures.map(lambda e: 1 <= len(e) <= 3 and set(e) <= set(EXPOSURES)).all()
    assert flats.rooms.between(1, 5).all()
    upstairs = flats[(flats.storey > 0) & flats.step_free]
    lifts = quarter.entrances.set_index("stairwell").lift
    assert lifts[upstairs.stairwell].all()
    assert not lifts[["4A", "5A", "7A"]].any()


def test_house_numbers_are_unique_and_odd_and_even_keep_to_their_sides(
    quarter: QuarterFrames,
) -> None:
    of_houses = quarter.buildings.dropna(subset="street")[["street", "house_number"]]
    all_numbers = pd.concat([of_houses, quarter.entrances[["street", "house_number"]]])
    assert not all_numbers.duplicated().any()
    assert all_numbers.house_number.str.fullmatch(r"[1-9]\d{0,2}").all()
    assert len(quarter.entrances[quarter.entrances.street == "via dei Mulini"]) == 7


def test_paths_are_one_network_that_never_runs_through_a_house(quarter: QuarterFrames) -> None:
    paths = quarter.paths
    assert Ways(paths).parts == 1
    assert paths.kind.isin(PATH_KINDS).all()
    assert paths.source_id.is_unique
    tree = shapely.STRtree(quarter.buildings.geometry.to_numpy())
    way, house = tree.query(paths.geometry.to_numpy(), predicate="intersects")
    inside_m = shapely.length(
        shapely.intersection(
            paths.geometry.to_numpy()[way], quarter.buildings.geometry.to_numpy()[house]
        )
    )
    assert (inside_m < 0.1).all()


def test_ways_have_widths_steps_and_kerbs(quarter: QuarterFrames) -> None:
    paths = quarter.paths
    assert (paths[paths.kind == "steps"].steps >= 4).all()
    assert (paths[paths.kind == "ramp"].slope_pct <= 8).all()
    assert set(paths[paths.kind == "crossing"].kerb_cm) == {2.0, 14.0}
    assert (paths.width_m < 0.9).any(), "one way is too narrow for a wheelchair"
    assert paths.length.min() > 0.2


def test_step_free_doors_are_reached_without_steps_and_the_others_are_not(
    quarter: QuarterFrames,
) -> None:
    free = without_steps(quarter.paths)
    ways = Ways(free)
    for door in quarter.entrances.itertuples():
        reached = ways.joined(door.geometry, "via delle Filande", free)
        assert reached == door.step_free, door.stairwell


def test_the_north_trench_cuts_the_only_step_free_way_of_4a(quarter: QuarterFrames) -> None:
    trench = many(trench_north())
    open_paths = quarter.paths[~quarter.paths.geometry.intersects(trench)]
    free = without_steps(open_paths)
    doors = quarter.entrances.set_index("stairwell").geometry
    assert not Ways(free).joined(doors["4A"], "via delle Filande", free)
    assert Ways(open_paths).joined(doors["4A"], "via delle Filande", open_paths)
    for label in ("1A", "8A", "9A", "10A", "11A", "12A"):
        assert Ways(free).joined(doors[label], "via delle Filande", free), label


def test_building_8_looks_at_building_7_across_a_lawn(
    quarter: QuarterFrames, twelve: gpd.GeoDataFrame
) -> None:
    seven, eight = twelve.geometry[building_id(7)], twelve.geometry[building_id(8)]
    assert 20 < seven.distance(eight) < 40
    towards = math.degrees(
        math.atan2(seven.centroid.x - eight.centroid.x, seven.centroid.y - eight.centroid.y)
    )
    assert EXPOSURES[round(towards / 45) % 8] == "S"
    of_eight = quarter.flats[quarter.flats.building == building_id(8)]
    assert of_eight.exposures.map(lambda e: "S" in e).all()
