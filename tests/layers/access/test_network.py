"""The graph of paths before and after works."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, translate

from layers.access import AccessNetwork, profile
from layers.errors import DataError

CRS = 32632
SHUT = shapely.box(19, 48, 21, 52)


def paths(*rows: tuple[list[tuple[float, float]], dict[str, Any]]) -> gpd.GeoDataFrame:
    columns = {k for _, attributes in rows for k in attributes}
    data = {k: [attributes.get(k) for _, attributes in rows] for k in columns}
    lines = [shapely.LineString(xy) for xy, _ in rows]
    return gpd.GeoDataFrame(data, geometry=lines, crs=CRS)


def points(*xy: tuple[float, float], kinds: list[str] | None = None) -> gpd.GeoDataFrame:
    data = {"kind": kinds} if kinds else {}
    return gpd.GeoDataFrame(data, geometry=[shapely.Point(p) for p in xy], crs=CRS)


def courtyard() -> gpd.GeoDataFrame:
    """A street along y=0 and a ring of footpath at y=50 with a ramp and a flight of steps."""
    return paths(
        ([(0, 0), (100, 0)], {"kind": "street", "width_m": 6.0}),
        ([(10, 0), (10, 50)], {"kind": "ramp", "width_m": 1.5, "slope_pct": 5.0}),
        ([(90, 0), (90, 50)], {"kind": "steps", "width_m": 2.0}),
        ([(10, 50), (90, 50)], {"kind": "footway", "width_m": 1.5}),
    )


def assessed(network: AccessNetwork, who: str, closures: Any = None, **more: Any) -> Any:
    frame = network.assess(points((40, 53)), more.get("targets"), closures, who)
    return frame.set_index("target")


def test_the_shortest_way_to_the_street_is_found_and_nothing_changes_without_closures():
    row = assessed(AccessNetwork.from_paths(courtyard()), "walk").loc["street"]
    assert row.length_before_m == pytest.approx(3 + 30 + 50)
    assert (row.extra_m, row.detour_ratio) == (0, 1)
    assert not row.cut_off
    assert not row.step_free_lost


def test_a_closure_costs_a_detour_on_foot_and_the_whole_way_in_a_wheelchair():
    network = AccessNetwork.from_paths(courtyard())
    walk = assessed(network, "walk", [SHUT]).loc["street"]
    assert walk.length_after_m == pytest.approx(3 + 50 + 50)
    assert walk.extra_m == pytest.approx(20)
    assert walk.detour_ratio == pytest.approx(103 / 83)
    assert walk.step_free_before
    assert walk.step_free_lost
    chair = assessed(network, "wheelchair", [SHUT]).loc["street"]
    assert chair.reachable_before
    assert chair.cut_off
    assert math.isinf(chair.extra_m)


def test_several_profiles_at_once_are_the_same_as_one_by_one():
    network = AccessNetwork.from_paths(courtyard())
    door = points((40, 53))
    together = network.assess(door, None, [SHUT], ["walk", profile("wheelchair")])
    for key in ("walk", "wheelchair"):
        alone = network.assess(door, None, [SHUT], key)
        mine = together[together["profile"] == key].reset_index(drop=True)
        assert mine.equals(alone)
    with pytest.raises(DataError, match="at least one profile"):
        network.assess(door, None, [SHUT], [])


def test_a_narrowing_keeps_the_way_for_those_who_fit():
    shut = gpd.GeoDataFrame({"width_left_m": [0.8]}, geometry=[SHUT], crs=CRS)
    network = AccessNetwork.from_paths(courtyard())
    assert assessed(network, "walk", shut).loc["street"].extra_m == 0
    assert assessed(network, "pram", shut).loc["street"].reachable_after
    assert assessed(network, "wheelchair", shut).loc["street"].cut_off
    wide = gpd.GeoDataFrame({"width_left_m": [1.0]}, geometry=[SHUT], crs=CRS)
    assert assessed(network, "wheelchair", wide).loc["street"].reachable_after


def test_an_area_that_a_way_only_runs_along_does_not_close_it():
    beside = shapely.box(15, 50, 60, 60)
    row = assessed(AccessNetwork.from_paths(courtyard()), "wheelchair", [beside]).loc["street"]
    # the way is open, but the door itself stands in the closed area
    assert row.cut_off
    network = AccessNetwork.from_paths(courtyard())
    frame = network.assess(points((40, 47)), None, [beside], "wheelchair")
    assert frame.loc[0, "reachable_after"]


def test_a_line_or_a_point_closes_what_it_crosses():
    network = AccessNetwork.from_paths(courtyard())
    for barrier in (shapely.LineString([(20, 40), (20, 60)]), shapely.Point(20, 50)):
        assert assessed(network, "wheelchair", [barrier]).loc["street"].cut_off


def test_only_the_stretch_with_the_closure_is_lost():
    network = AccessNetwork.from_paths(courtyard())
    doors = points((15, 52), (60, 52))
    frame = network.assess(doors, None, [shapely.box(30, 45, 35, 55)], "wheelchair")
    assert frame["cut_off"].tolist() == [False, True]


def test_the_nearest_place_of_each_kind_counts():
    places = points((12, 52), (80, 52), (5, -500), kinds=["stop", "stop", "school"])
    network = AccessNetwork.from_paths(courtyard())
    table = assessed(network, "walk", targets=places)
    assert table.loc["stop", "length_before_m"] == pytest.approx(3 + 28 + 2)
    assert not table.loc["school", "reachable_before"]
    assert not table.loc["school", "cut_off"]
    assert set(table.index) == {"stop", "school", "street"}
    lost = assessed(network, "walk", [SHUT], targets=places).loc["stop"]
    assert lost.length_after_m == pytest.approx(3 + 40 + 2)


def test_a_graph_in_pieces_loses_nothing_that_was_never_connected():
    island = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(0, 500), (100, 500)], {"kind": "footway"}),
    )
    frame = AccessNetwork.from_paths(island).assess(
        points((50, 502), (50, 900)), None, [shapely.box(40, 490, 60, 510)], "walk"
    )
    assert frame["joined"].tolist() == [True, False]
    assert not frame["reachable_before"].any()
    assert not frame["cut_off"].any()
    assert frame["extra_m"].tolist() == [0, 0]
    assert frame["detour_ratio"].tolist() == [1, 1]


def test_no_paths_no_entrances_and_missing_points_have_an_answer():
    empty = AccessNetwork.from_paths(paths())
    frame = empty.assess(points((0, 0)), None, [SHUT], "walk")
    assert not frame.loc[0, "joined"]
    assert not empty.emergency_reach(points((0, 0)))["served_before"].any()
    network = AccessNetwork.from_paths(courtyard())
    assert len(network.assess(points(), None, None, "walk")) == 0
    nowhere = gpd.GeoSeries([None, shapely.Point(40, 53)], index=[7, 9], crs=CRS)
    found = network.assess(nowhere, None, None, "walk")
    assert found["entrance_id"].tolist() == [7, 9]
    assert found["joined"].tolist() == [False, True]


def test_ends_that_nearly_meet_are_joined_within_the_tolerance_only():
    nearly = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, 0.3), (50, 40)], {"kind": "footway"}),
    )
    door = points((50, 41))
    assert AccessNetwork.from_paths(nearly).assess(door).loc[0, "reachable_before"]
    strict = AccessNetwork.from_paths(nearly, snap_m=0.1)
    assert not strict.assess(door).loc[0, "reachable_before"]


def test_lines_that_cross_meet_unless_told_otherwise():
    cross = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, -40), (50, 40)], {"kind": "footway"}),
    )
    door = points((50, 41))
    assert AccessNetwork.from_paths(cross).assess(door).loc[0, "reachable_before"]
    bridge = AccessNetwork.from_paths(cross, join_crossings=False)
    assert not bridge.assess(door).loc[0, "reachable_before"]


def test_a_closed_street_is_nobody_s_destination():
    network = AccessNetwork.from_paths(
        paths(
            ([(0, 0), (100, 0)], {"kind": "street"}),
            ([(50, 0), (50, 30)], {"kind": "footway"}),
        )
    )
    whole_street = shapely.box(-5, -5, 105, 5)
    frame = network.assess(points((50, 31)), None, [whole_street])
    assert frame.loc[0, "cut_off"]


def test_a_ring_drawn_as_one_line_and_a_line_that_crosses_itself_are_ways_too():
    ring = [(50, 10), (60, 20), (50, 30), (40, 20), (50, 10)]
    around = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, 0), (50, 10)], {"kind": "footway"}),
        (ring, {"kind": "footway"}),
    )
    found = AccessNetwork.from_paths(around).assess(points((50, 31)))
    assert found.loc[0, "length_before_m"] == pytest.approx(1 + 2 * math.hypot(10, 10) + 10)
    eight = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, 0), (50, 40), (60, 40), (60, 20), (40, 20)], {"kind": "footway"}),
    )
    found = AccessNetwork.from_paths(eight).assess(points((40, 21)))
    assert found.loc[0, "length_before_m"] == pytest.approx(1 + 10 + 20)


def test_a_closure_drawn_badly_still_closes():
    bow_tie = shapely.Polygon([(15, 45), (25, 55), (25, 45), (15, 55)])
    network = AccessNetwork.from_paths(courtyard())
    assert assessed(network, "wheelchair", [bow_tie]).loc["street"].cut_off
    assert not assessed(network, "wheelchair", [None, shapely.Point()]).loc["street"].cut_off


def test_parallel_ways_keep_the_shorter_one():
    network = AccessNetwork.from_paths(
        paths(
            ([(0, 0), (0, -10)], {"kind": "street"}),
            ([(0, 0), (0, 40)], {"kind": "footway"}),
            ([(0, 0), (20, 20), (0, 40)], {"kind": "footway"}),
        )
    )
    assert network.assess(points((0, 41))).loc[0, "length_before_m"] == pytest.approx(41)
    after = network.assess(points((0, 41)), None, [shapely.box(-1, 15, 1, 25)])
    assert after.loc[0, "length_after_m"] == pytest.approx(1 + 2 * math.hypot(20, 20))
    assert network.bridges(points((0, 41))).empty


def test_bridges_name_who_depends_on_them_heaviest_first():
    frame = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, 0), (50, 40)], {"kind": "footway"}),
        ([(50, 40), (20, 40)], {"kind": "footway"}),
    )
    doors = points((20, 41), (40, 41), (60, 1))
    found = AccessNetwork.from_paths(frame).bridges(doors, np.array([10.0, 5.0, 99.0]))
    first = found.iloc[0]
    assert (first.path, first.entrances, first.weight) == (1, (0, 1), 15)
    assert {2} == set(found["path"][1:])
    assert found["weight"].is_monotonic_decreasing
    assert 2 not in {e for entrances in found["entrances"] for e in entrances}


def test_bridges_are_what_removal_shows_them_to_be():
    network = AccessNetwork.from_paths(courtyard())
    doors = points((40, 53), (88, 53))
    assert network.bridges(doors).empty
    found = network.bridges(doors, profile="wheelchair")
    for bridge in found.itertuples():
        middle = bridge.geometry.interpolate(0.5, normalized=True)
        lost = network.assess(doors, None, [middle], "wheelchair")
        assert tuple(lost.loc[lost["cut_off"], "entrance_id"]) == bridge.entrances
    assert set(found.iloc[0].entrances) == {0, 1}


def test_fire_engines_need_three_and_a_half_metres():
    frame = paths(
        ([(0, 0), (100, 0)], {"kind": "street"}),
        ([(50, 0), (50, 100)], {"kind": "courtyard", "width_m": 4.0}),
        ([(50, 100), (50, 200)], {"kind": "footway", "width_m": 3.0}),
    )
    network = AccessNetwork.from_paths(frame)
    doors = points((52, 100), (52, 190))
    found = network.emergency_reach(doors, [shapely.box(45, 20, 55, 25)])
    assert found["served_before"].tolist() == [True, False]
    assert found["lost"].tolist() == [True, False]
    assert found["distance_before_m"][0] == pytest.approx(2)
    narrow = gpd.GeoDataFrame(
        {"width_left_m": [3.6]}, geometry=[shapely.box(45, 20, 55, 25)], crs=CRS
    )
    assert network.emergency_reach(doors, narrow)["served_after"].tolist() == [True, False]


def test_unknown_steps_of_a_flight_are_steps_and_unknown_widths_pass():
    network = AccessNetwork.from_paths(
        paths(
            ([(0, 0), (100, 0)], {"kind": "street"}),
            ([(50, 0), (50, 30)], {"kind": "steps"}),
        )
    )
    assert network.assess(points((50, 31)), profile="walk").loc[0, "reachable_before"]
    assert not network.assess(points((50, 31)), profile="walk").loc[0, "step_free_before"]
    assert not network.assess(points((50, 31)), profile="pram").loc[0, "reachable_before"]


def test_bad_input_is_refused_in_words():
    good = courtyard()
    degrees = good.to_crs(4326)
    for bad, words in (
        (degrees, "degrees"),
        (points((0, 0)), "not a line"),
        (good.assign(width_m=[6, -1, 2, 2]), "row 2"),
    ):
        with pytest.raises(DataError, match=words):
            AccessNetwork.from_paths(bad)
    network = AccessNetwork.from_paths(good)
    with pytest.raises(DataError, match="kind"):
        network.assess(points((0, 1)), points((0, 2)))
    with pytest.raises(DataError, match="degrees"):
        network.assess(points((0, 1)).to_crs(4326))
    with pytest.raises(DataError, match="one weight"):
        network.bridges(points((0, 1)), np.array([1.0, 2.0]))
    with pytest.raises(DataError, match="below 0"):
        network.assess(
            points((0, 1)), None, gpd.GeoDataFrame({"width_left_m": [-1.0]}, geometry=[SHUT])
        )


@settings(max_examples=25, deadline=None)
@given(
    angle=st.floats(0, 360),
    dx=st.floats(-1000, 1000),
    order=st.permutations(range(4)),
    who=st.sampled_from(["walk", "wheelchair", "pram"]),
)
def test_turning_moving_and_reordering_change_nothing(angle, dx, order, who):
    def moved(shape: Any) -> Any:
        return translate(rotate(shape, angle, origin=(50, 25)), dx, -dx)

    plain = courtyard()
    other = plain.iloc[list(order)].reset_index(drop=True)
    other = other.set_geometry([moved(g) for g in other.geometry])
    door = gpd.GeoSeries([moved(shapely.Point(40, 53))], crs=CRS)
    here = AccessNetwork.from_paths(plain).assess(points((40, 53)), None, [SHUT], who)
    there = AccessNetwork.from_paths(other).assess(door, None, [moved(SHUT)], who)
    for column in ("length_before_m", "length_after_m", "extra_m", "detour_ratio"):
        assert there[column][0] == pytest.approx(here[column][0], abs=1e-3)
    for column in ("cut_off", "step_free_before", "step_free_after"):
        assert there[column][0] == here[column][0]


@settings(max_examples=40, deadline=None)
@given(
    doors=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 60)), min_size=1, max_size=6),
    x=st.floats(0, 90),
    y=st.floats(-5, 50),
    size=st.floats(0.5, 30),
)
def test_more_closures_never_shorten_a_way(doors, x, y, size):
    network = AccessNetwork.from_paths(courtyard())
    shut = shapely.box(x, y, x + size, y + size)
    frame = network.assess(points(*doors), None, [shut], profile("walk"))
    joined = frame[frame["joined"]]
    assert (joined["length_after_m"] >= joined["length_before_m"] - 1e-9).all()
    assert (frame["extra_m"] >= 0).all()
    assert (frame["detour_ratio"] >= 1).all()
    assert not frame[["length_before_m", "extra_m", "detour_ratio"]].isna().any().any()
