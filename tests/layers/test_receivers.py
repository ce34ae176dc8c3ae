"""Receivers on façades: where they stand, in what order, and whose they are."""

from __future__ import annotations

from random import Random

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from layers.errors import DataError
from layers.receivers import FacadeReceivers, ReceiverOptions, facade_receivers, octant_of

SLAB = shapely.box(0, 0, 60, 12)


def buildings(*shapes: shapely.Geometry, height_m: object = 18.0, storeys: object = 6):
    n = len(shapes)
    heights = height_m if isinstance(height_m, list) else [height_m] * n
    floors = storeys if isinstance(storeys, list) else [storeys] * n
    return gpd.GeoDataFrame(
        {"building_id": range(1, n + 1), "height_m": heights, "storeys": floors},
        geometry=list(shapes),
        crs=32632,
    )


def doors(*points: tuple[float, float], building: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stairwell_id": [10 + k for k in range(len(points))],
            "building_id": building,
            "geometry": [shapely.Point(p) if p else None for p in points],
        }
    )


def points(receivers: FacadeReceivers) -> set[tuple[float, ...]]:
    return {tuple(np.round(p, 6)) for p in receivers.xyz}


def test_receivers_stand_one_metre_off_the_wall_at_each_window() -> None:
    found = facade_receivers(buildings(SLAB))
    away = shapely.distance(shapely.points(found.xyz[:, :2]), SLAB)
    assert np.allclose(away, 1.0)
    assert sorted(set(found.xyz[:, 2])) == [1.5, 4.5, 7.5, 10.5, 13.5, 16.5]
    assert set(found.storey) == set(range(6))


def test_every_side_has_receivers_no_farther_apart_than_the_spacing() -> None:
    found = facade_receivers(buildings(SLAB), options=ReceiverOptions(spacing_m=5.0))
    ground = found.xyz[found.storey == 0]
    south = np.sort(ground[ground[:, 1] < 0, 0])
    assert len(south) == 12
    assert np.diff(south).max() <= 5.0
    assert set(found.octant) == {0, 2, 4, 6}


def test_one_receiver_per_side_and_storey_when_the_spacing_is_endless() -> None:
    found = facade_receivers(buildings(SLAB), options=ReceiverOptions(spacing_m=np.inf))
    assert len(found) == 4 * 6


def test_azimuth_is_where_the_facade_looks_to() -> None:
    found = facade_receivers(buildings(SLAB))
    south = found.xyz[:, 1] < 0
    east = found.xyz[:, 0] > 60
    assert set(found.azimuth_deg[south]) == {180.0}
    assert set(found.azimuth_deg[east]) == {90.0}


@pytest.mark.parametrize(
    ("azimuth", "octant"),
    [(0, 0), (22.4, 0), (22.6, 1), (45, 1), (90, 2), (180, 4), (270, 6), (337.4, 7), (337.6, 0)],
)
def test_octants_are_centred_on_their_direction(azimuth: float, octant: int) -> None:
    assert octant_of(azimuth) == octant


def test_a_courtyard_has_facades_too() -> None:
    court = shapely.Polygon(
        [(0, 0), (40, 0), (40, 40), (0, 40)], [[(12, 12), (28, 12), (28, 28), (12, 28)]]
    )
    found = facade_receivers(buildings(court))
    inside = shapely.contains(shapely.box(12, 12, 28, 28), shapely.points(found.xyz[:, :2]))
    assert inside.any()
    assert np.allclose(shapely.distance(shapely.points(found.xyz[inside, :2]), court), 1.0)


def test_a_wall_against_a_neighbour_has_receivers_only_above_its_roof() -> None:
    low = shapely.box(60, 0, 80, 12)
    found = facade_receivers(buildings(SLAB, low, height_m=[18.0, 7.0], storeys=[6, 2]))
    at_party_wall = (found.building == 0) & (found.octant == 2)
    assert set(found.storey[at_party_wall]) == {3, 4, 5} | {2}
    assert found.xyz[at_party_wall, 2].min() > 7.0
    lower = (found.building == 1) & (found.octant == 6)
    assert not lower.any()


def test_a_neighbour_of_unknown_height_covers_the_whole_wall() -> None:
    low = shapely.box(60, 0, 80, 12)
    found = facade_receivers(
        buildings(SLAB), neighbours=(np.array([low], dtype=object), np.array([np.nan]))
    )
    assert not (found.octant == 2).any()


def test_a_building_inside_another_keeps_its_facades_and_says_so() -> None:
    found = facade_receivers(buildings(shapely.box(10, 2, 20, 8), SLAB))
    assert np.bincount(found.building).min() > 0
    assert any("touch" in note for note in found.notes)


def test_facades_go_to_the_nearest_entrance_on_both_sides_of_a_slab() -> None:
    found = facade_receivers(buildings(SLAB), doors((10, 0), (30, 0), (50, 0)))
    for side in (found.octant == 0, found.octant == 4):
        middle = side & (np.abs(found.xyz[:, 0] - 30) < 9.9)
        assert set(found.stairwell_id[middle]) == {11}
        assert set(found.stairwell_id[side & (found.xyz[:, 0] < 19)]) == {10}


def test_a_wing_across_the_courtyard_is_not_near() -> None:
    # A U: two wings 6 m apart, joined at the far end; one entrance at the tip of each wing.
    u = (
        shapely.box(0, 0, 10, 60)
        .union(shapely.box(16, 0, 26, 60))
        .union(shapely.box(0, 50, 26, 60))
    )
    found = facade_receivers(buildings(u), doors((0, 20), (26, 20)))
    inner_left = (
        (found.octant == 2) & (found.xyz[:, 0] > 10.5) & (found.xyz[:, 0] < 11.5)
        & (found.xyz[:, 1] < 45)
    )  # fmt: skip
    assert inner_left.any()
    assert set(found.stairwell_id[inner_left]) == {10}


def test_without_entrances_facades_belong_to_the_building() -> None:
    assert set(facade_receivers(buildings(SLAB), doors(None, None)).stairwell_id) == {0}
    assert set(facade_receivers(buildings(SLAB)).stairwell_id) == {0}


@pytest.mark.parametrize(
    ("height", "storeys", "count", "heights", "note"),
    [
        (18.0, None, 6, {1.5, 16.5}, "derived from the height"),
        (None, 3, 3, {1.5, 7.5}, ""),
        (None, None, 1, {4.0}, "one level for all floors"),
        (30.0, 2, 2, {1.5, 4.5}, "do not agree"),
        (2.5, None, 1, {1.5}, "derived"),
    ],
)
def test_unknown_heights_give_a_coarser_answer_and_say_so(
    height: float | None, storeys: int | None, count: int, heights: set[float], note: str
) -> None:
    found = facade_receivers(buildings(SLAB, height_m=[height], storeys=[storeys]))
    assert len(set(found.xyz[:, 2])) == count
    assert heights <= set(np.round(found.xyz[:, 2], 6))
    assert any(note in text for text in found.notes) if note else not found.notes
    assert (-1 in found.storey) == (height is None and storeys is None)


def test_the_key_tells_the_layout_apart() -> None:
    one = facade_receivers(buildings(SLAB)).keys[0]
    again = facade_receivers(buildings(SLAB.reverse())).keys[0]
    finer = facade_receivers(buildings(SLAB), options=ReceiverOptions(spacing_m=4)).keys[0]
    higher = facade_receivers(buildings(SLAB, storeys=[7], height_m=[21.0])).keys[0]
    assert one == again
    assert len({one, finer, higher}) == 3


def test_a_round_tower_is_covered_all_round() -> None:
    tower = shapely.Point(0, 0).buffer(9, quad_segs=32)
    found = facade_receivers(buildings(tower))
    assert set(found.octant) == set(range(8))
    assert shapely.distance(shapely.points(found.xyz[:, :2]), tower).min() > 0.5


def test_bad_buildings_are_told() -> None:
    twice = buildings(SLAB, shapely.box(100, 0, 110, 10))
    twice["building_id"] = 7
    with pytest.raises(DataError, match="listed twice"):
        facade_receivers(twice)
    with pytest.raises(DataError, match="Building 2 has no footprint"):
        facade_receivers(buildings(SLAB, shapely.Polygon()))
    with pytest.raises(DataError, match="spacing_m"):
        ReceiverOptions(spacing_m=0)


def test_no_buildings_give_no_receivers() -> None:
    assert len(facade_receivers(buildings())) == 0


sides = st.floats(4.0, 40.0)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(sides, sides, st.floats(1, 89)), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_layout_does_not_depend_on_the_order_of_buildings(
    specs: list[tuple[float, float, float]], random: Random
) -> None:
    shapes = [
        affinity.rotate(shapely.box(80.0 * k, 0, 80.0 * k + w, d), angle)
        for k, (w, d, angle) in enumerate(specs)
    ]
    frame = buildings(*shapes)
    order = list(range(len(frame)))
    random.shuffle(order)
    plain, mixed = facade_receivers(frame), facade_receivers(frame.iloc[order])
    assert [mixed.keys[order.index(k)] for k in range(len(frame))] == list(plain.keys)


@settings(max_examples=20, deadline=None)
@given(sides, sides, st.floats(1, 89))
def test_layout_moves_with_the_building(width: float, depth: float, angle: float) -> None:
    shape = affinity.rotate(shapely.box(0, 0, width, depth), angle)
    plain = facade_receivers(buildings(shape))
    moved = facade_receivers(buildings(affinity.translate(shape, 1000.0, -500.0)))
    back = moved.xyz - [1000.0, -500.0, 0.0]
    gaps = np.linalg.norm(back[:, None] - plain.xyz[None], axis=2)
    assert len(back) == len(plain)
    assert gaps.min(axis=0).max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(sides, sides, st.floats(0, 359), st.integers(1, 12), st.floats(1.0, 12.0))
def test_receivers_are_finite_outside_and_complete(
    width: float, depth: float, angle: float, storeys: int, spacing: float
) -> None:
    shape = affinity.rotate(shapely.box(0, 0, width, depth), angle)
    found = facade_receivers(
        buildings(shape, height_m=[3.0 * storeys], storeys=[storeys]),
        options=ReceiverOptions(spacing_m=spacing),
    )
    assert np.isfinite(found.xyz).all()
    assert not shapely.intersects(shape, shapely.points(found.xyz[:, :2])).any()
    assert np.bincount(found.storey).min() == np.bincount(found.storey).max()
    assert found.starts.tolist() == [0, len(found)]
