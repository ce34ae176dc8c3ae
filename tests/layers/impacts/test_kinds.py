"""Dust, vibration, access, cuts, parking, scaffold and works inside: defined, checkable answers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import shapely

from layers.errors import DataError
from layers.impacts.access import access
from layers.impacts.compute import COMPUTED, compute
from layers.impacts.dust import dust
from layers.impacts.inside import inside
from layers.impacts.parameters import Parameters, parameters_from
from layers.impacts.parking import parking
from layers.impacts.result import IMPACT_COLUMNS
from layers.impacts.scaffold import scaffold
from layers.impacts.scene import Cut, Plant
from layers.impacts.utility import in_heating_season, utility
from layers.impacts.vibration import vibration
from layers.vibration import vibration_source
from tests.layers.impacts.scenes import MONDAY, SLAB, closures, scene, works

P = Parameters()


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def by_flat(result: object, aspect: str | None = None) -> dict[int, int]:
    impacts = result.impacts  # type: ignore[attr-defined]
    if aspect is not None:
        impacts = impacts[impacts["aspect"] == aspect]
    return dict(zip(impacts["flat_id"], impacts["band"], strict=True))


# --- dust


def test_dust_falls_with_distance_and_zones_follow_the_columns() -> None:
    plan = works(
        footprint=shapely.box(0, 0, 60, 10), dust_activities=("demolition",), volume_m3=80_000.0
    )
    far = {"geometry": shapely.box(0, 120, 20, 130)}
    found = dust(scene(plan, more=[far]), P)
    near_band = found.impacts.loc[found.impacts["building_id"] == 1, "band"]
    far_band = found.impacts.loc[found.impacts["building_id"] == 2, "band"]
    assert set(near_band) == {3}
    assert far_band.empty or far_band.max() < 3
    assert found.zones.geometry.is_valid.all()
    edge = SLAB.distance(plan.footprint)
    inner = found.zones[found.zones["band"] == 3].geometry.union_all()
    assert edge < 20
    assert inner.intersects(SLAB)
    assert set(found.impacts["unit"]) == {"risk"}
    assert set(found.impacts["aspect"]) == {"demolition"}


def test_dust_without_activity_or_lorries_says_so() -> None:
    assert "No dust activity" in dust(scene(), P).method["missing"][0]
    trackout = dust(scene(works(dust_activities=("trackout",))), P)
    assert not len(trackout.impacts)
    assert any("Lorries a day not told" in note for note in trackout.method["missing"])


def test_trackout_stays_within_fifty_metres() -> None:
    plan = works(dust_activities=("trackout",), trucks_per_day=80)
    far = {"geometry": shapely.box(0, 80, 20, 90)}
    found = dust(scene(plan, more=[far]), P)
    assert set(found.impacts["building_id"]) == {1}


def test_trackout_follows_the_way_of_the_lorries() -> None:
    # The street leads away to the east, far from the slab, past two houses.
    street = shapely.LineString([(40, -10), (900, -10)])
    plan = works(
        footprint=shapely.box(10, -120, 40, -100), dust_activities=("trackout",),
        trucks_per_day=80, lorry_route=street,
    )  # fmt: skip
    beside = {"geometry": shapely.box(120, 5, 140, 15)}
    too_far = {"geometry": shapely.box(700, 5, 720, 15)}
    found = dust(scene(plan, more=[beside, too_far]), P)
    # Within 50 m of the way, as long as the way is within 250 m of the site.
    assert set(found.impacts["building_id"]) == {1, 2}
    assert found.zones.geometry.union_all().intersects(beside["geometry"])
    assert not found.zones.geometry.union_all().intersects(too_far["geometry"])
    assert found.zones.geometry.is_valid.all()
    along = "Trackout is judged along the route of the lorries, up to 250 m from the site."
    assert along in found.method["missing"]
    unknown = dust(scene(works(footprint=plan.footprint, dust_activities=("trackout",),
                               trucks_per_day=80), more=[beside]), P)  # fmt: skip
    assert not len(unknown.impacts)


def test_dust_of_the_ground_and_of_the_way_meet_in_one_zone_of_each_band() -> None:
    plan = works(
        dust_activities=("demolition", "trackout"), volume_m3=80_000.0, trucks_per_day=80,
        lorry_route=shapely.LineString([(25, -10), (300, -10)]),
    )  # fmt: skip
    zones = dust(scene(plan), P).zones
    assert zones["band"].is_unique
    shapes = list(zones.geometry)
    assert all(
        shapely.intersection(a, b).area < 1e-6 for n, a in enumerate(shapes) for b in shapes[:n]
    )


# --- vibration


def test_vibration_is_the_published_law_at_the_nearest_wall() -> None:
    plan = works(
        footprint=shapely.box(0, -10, 60, 10), plant=(Plant("it-escavatore-con-martello"),)
    )
    found = vibration(scene(plan), P)
    expected = float(vibration_source("fta:hoe_ram").ppv_mm_s(10.0))
    assert set(found.impacts["value"]) == {round(expected, 3)}
    assert set(found.impacts["band"]) == {3}
    strongest = found.zones.sort_values("band").iloc[-1].geometry
    assert strongest.contains(plan.footprint)


def test_vibration_of_quiet_machines_says_why_there_is_none() -> None:
    found = vibration(scene(works(plant=(Plant("it-smerigliatrice"),))), P)
    assert any("No machine" in note for note in found.method["missing"])


@pytest.mark.parametrize(("lorries", "counted"), [(None, False), (9, False), (10, True)])
def test_a_few_lorries_do_not_shake_a_house(lorries: int | None, counted: bool) -> None:
    plan = works(
        footprint=shapely.box(0, 0, 60, 30), plant=(Plant("it-autocarro"),), trucks_per_day=lorries
    )
    found = vibration(scene(plan), P)
    assert bool(len(found.impacts)) is counted
    assert any("lorries a day" in note for note in found.method["missing"]) is not counted


# --- utility


def test_a_cut_hits_the_flats_of_its_stairwell_only() -> None:
    cut = Cut("water", day(0), day(3), (11,), dt.time(8, 30), dt.time(12, 30))
    found = utility(scene(works(cuts=(cut,))), P)
    assert {f // 1000 for f in by_flat(found)} == {11}
    assert set(found.impacts["value"]) == {4.0}
    assert set(found.impacts["band"]) == {2}
    assert set(found.impacts["starts_on"]) == {day(0)}
    assert set(found.impacts["ends_on"]) == {day(3)}


def test_a_window_past_midnight_and_a_cut_round_the_clock() -> None:
    night = Cut("power", day(0), day(1), (11,), dt.time(22), dt.time(2))
    always = Cut("power", day(5), day(6), (11,))
    found = utility(scene(works(cuts=(night, always))), P)
    assert sorted(set(found.impacts["value"])) == [4.0, 24.0]


def test_a_lift_outage_weighs_by_storey_and_spares_the_ground_floor() -> None:
    found = by_flat(utility(scene(works(cuts=(Cut("lift", day(0), day(5), (12,)),))), P))
    assert 12_000 not in found
    bands = [found[12_000 + 10 * storey] for storey in range(1, 6)]
    assert bands == sorted(bands)
    assert bands[0] < bands[-1]


def test_a_lift_out_until_tested_has_no_end() -> None:
    found = utility(scene(works(cuts=(Cut("lift", day(0), None, (12,)),))), P)
    assert found.impacts["ends_on"].isna().all()
    assert any("no end" in note for note in found.method["missing"])


def test_heating_counts_in_its_season_only() -> None:
    winter = utility(scene(works(cuts=(Cut("heating", day(0), day(2), (11,)),))), P)
    summer_day = dt.date(2026, 7, 6)
    summer = utility(
        scene(works(cuts=(Cut("heating", summer_day, summer_day + dt.timedelta(2), (11,)),))), P
    )
    assert len(winter.impacts)
    assert not len(summer.impacts)


@pytest.mark.parametrize(
    ("first", "after", "expected"),
    [
        (dt.date(2026, 4, 15), dt.date(2026, 4, 16), True),
        (dt.date(2026, 4, 16), dt.date(2026, 10, 15), False),
        (dt.date(2026, 10, 14), dt.date(2026, 10, 16), True),
        (dt.date(2026, 12, 31), dt.date(2027, 1, 2), True),
        (dt.date(2026, 4, 16), dt.date(2027, 4, 16), True),
    ],
)
def test_heating_season(first: dt.date, after: dt.date, expected: bool) -> None:
    assert in_heating_season(first, after) is expected


def test_hot_water_can_be_cut() -> None:
    found = utility(scene(works(cuts=(Cut("hot_water", day(0), day(1), (11,)),))), P)
    assert set(found.impacts["aspect"]) == {"hot_water"}


# --- parking


def test_parking_reaches_walking_distance_and_disabled_bays_their_neighbours() -> None:
    ground = closures(
        {"kind": "parking", "stalls": 10, "disabled_stalls": 1,
         "geometry": shapely.box(0, 40, 50, 45)},
    )  # fmt: skip
    far = {"geometry": shapely.box(0, 150, 20, 160)}
    away = {"geometry": shapely.box(0, 400, 20, 410)}
    found = parking(scene(works(closures=ground), more=[far, away]), P)
    stalls = found.impacts[found.impacts["aspect"] == "stalls"]
    disabled = found.impacts[found.impacts["aspect"] == "disabled_stalls"]
    assert set(stalls["building_id"]) == {1, 2}
    assert set(disabled["building_id"]) == {1}
    assert disabled["band"].min() >= 3
    assert set(stalls["value"]) == {10.0}


def test_a_closure_has_days_of_its_own() -> None:
    ground = closures(
        {"kind": "parking", "stalls": 3, "starts_on": day(2), "ends_on": day(4),
         "geometry": shapely.box(0, 40, 50, 45)},
    )  # fmt: skip
    found = parking(scene(works(closures=ground)), P).impacts
    assert set(found["starts_on"]) == {day(2)}
    assert set(found["ends_on"]) == {day(4)}


# --- access

STREET = {"kind": "street", "width_m": 6.0, "geometry": shapely.LineString([(-50, 0), (150, 0)])}


def spur(x: float, **fields: object) -> dict[str, object]:
    return {"geometry": shapely.LineString([(x, 0), (x, 20)])} | fields


def test_an_entrance_on_a_closed_way_is_cut_off() -> None:
    ground = closures({"geometry": shapely.box(5, 5, 15, 10)})
    found = access(scene(works(closures=ground), paths=[STREET, spur(10), spur(30), spur(50)]), P)
    walk = found.impacts[found.impacts["aspect"] == "walk"]
    assert {f // 1000 for f in walk["flat_id"]} == {11}
    assert set(walk["band"]) == {4}
    assert walk["value"].isna().all()
    assert walk["unit"].isna().all()


def test_losing_the_only_step_free_way_is_told_apart() -> None:
    ramp = {"geometry": shapely.LineString([(10, 20), (0, 20), (0, 0)])}
    ground = closures({"geometry": shapely.box(-3, 5, 3, 10)})
    plan = works(closures=ground)
    found = access(scene(plan, paths=[STREET, spur(10, steps=4, kind="steps"), ramp]), P)
    step_free = by_flat(found, "step_free")
    assert {f // 1000 for f in step_free} == {11}
    assert set(step_free.values()) == {3}
    assert not by_flat(found, "walk")


def test_a_detour_is_told_in_metres() -> None:
    way_round = {"geometry": shapely.LineString([(10, 20), (10, 15), (140, 15), (140, 0)])}
    ground = closures({"geometry": shapely.box(5, 5, 15, 10)})
    found = access(scene(works(closures=ground), paths=[STREET, spur(10), way_round]), P)
    walk = found.impacts[(found.impacts["aspect"] == "walk")]
    walk = walk[[f // 1000 == 11 for f in walk["flat_id"]]]
    assert set(walk["value"]) == {130.0}
    assert set(walk["unit"]) == {"m"}


def test_closures_with_days_of_their_own_act_in_turn() -> None:
    ground = closures(
        {"geometry": shapely.box(5, 5, 15, 10), "starts_on": day(0), "ends_on": day(4)},
        {"geometry": shapely.box(25, 5, 35, 10), "starts_on": day(4), "ends_on": day(8)},
    )
    found = access(scene(works(closures=ground), paths=[STREET, spur(10), spur(30)]), P).impacts
    walk = found[found["aspect"] == "walk"]
    periods = {(f // 1000, a, b) for f, a, b in zip(
        walk["flat_id"], walk["starts_on"], walk["ends_on"], strict=True)}  # fmt: skip
    assert periods == {(11, day(0), day(4)), (12, day(4), day(8))}


def test_without_ways_touched_entrances_are_told() -> None:
    ground = closures({"kind": "entrance", "geometry": shapely.box(8, 17, 12, 20)})
    found = access(scene(works(closures=ground)), P)
    assert {f // 1000 for f in by_flat(found, "touched")} == {11}
    assert any("No ways are drawn" in note for note in found.method["missing"])


def test_taken_stalls_close_no_way() -> None:
    ground = closures({"kind": "parking", "stalls": 5, "geometry": shapely.box(5, 5, 15, 10)})
    found = access(scene(works(closures=ground), paths=[STREET, spur(10)]), P)
    assert not len(found.impacts)


# --- scaffold, inside


def test_a_scaffold_hits_its_building_for_its_days() -> None:
    other = {"geometry": shapely.box(0, 60, 60, 72)}
    plan = works(roles={1: frozenset({"scaffold"})}, ends_on=day(200))
    found = scaffold(scene(plan, more=[other]), P).impacts
    assert set(found["building_id"]) == {1}
    assert set(found["value"]) == {200.0}
    assert found["band"].min() >= 2


def test_works_in_a_flat_are_shared_among_the_flats() -> None:
    few = inside(scene(works(indoor=True, plant=(), inside_flat_ids=(11_000,))), P)
    flats = tuple(11_000 + 10 * s + n for s in range(6) for n in (0, 1))
    many = inside(scene(works(indoor=True, plant=(), inside_flat_ids=flats)), P)
    assert by_flat(few, "own_flat")[11_000] > by_flat(many, "own_flat")[11_000] - 1
    assert set(by_flat(many, "own_flat")) == set(flats)


def test_nearer_to_the_works_is_a_stronger_band() -> None:
    drill = Plant("it-demolitore-elettrico")
    plan = works(indoor=True, plant=(drill,), inside_flat_ids=(12_020,))
    bands = by_flat(inside(scene(plan), P), "structure_borne")
    assert bands[12_031] > bands[12_051] > bands[11_000]
    assert 11_000 in bands


def test_a_riser_worked_on_counts_for_its_whole_stairwell() -> None:
    cut = Cut("water", day(0), day(3), (12,))
    plan = works(
        indoor=True, plant=(Plant("it-demolitore-elettrico"),), cuts=(cut,),
        roles={1: frozenset({"works"})},
    )  # fmt: skip
    bands = by_flat(inside(scene(plan), P), "structure_borne")
    assert {bands[12_000 + 10 * s] for s in range(6)} == {3}
    assert bands[11_000] == 1


def test_indoor_works_never_have_a_number() -> None:
    plan = works(indoor=True, roles={1: frozenset({"works"})})
    found = inside(scene(plan), P).impacts
    assert len(found)
    assert found["value"].isna().all()


# --- all together


def test_every_kind_gives_finite_rows_of_the_same_form() -> None:
    cut = Cut("water", day(0), day(3), (11,))
    ground = closures({"geometry": shapely.box(5, 5, 15, 10), "stalls": 4})
    plan = works(
        cuts=(cut, cut), closures=ground, dust_activities=("earthworks", "construction"),
        roles={1: frozenset({"scaffold", "works"})}, inside_flat_ids=(11_000,), preset="risers",
        plant=(Plant("it-escavatore-con-martello"),),
    )  # fmt: skip
    result = compute(scene(plan, paths=[STREET, spur(10), spur(30)]))
    assert list(result.impacts.columns) == list(IMPACT_COLUMNS)
    assert set(result.impacts["kind"]) == set(COMPUTED)
    assert set(result.methods) == set(COMPUTED)
    values = result.impacts["value"].to_numpy(dtype=float)
    assert not np.isinf(values).any()
    assert (result.impacts["unit"].isna() == np.isnan(values)).all()
    assert result.impacts["band"].between(1, 4).all()
    key = ["kind", "aspect", "part_of_day", "building_id", "flat_id", "starts_on", "ends_on"]
    assert not result.impacts.duplicated(key).any()
    assert result.zones.geometry.is_valid.all()
    assert not result.zones.geometry.is_empty.any()


def test_the_order_of_the_frames_changes_nothing() -> None:
    plan = works(dust_activities=("earthworks",))
    plain = scene(plan, more=[{"geometry": shapely.box(0, 60, 60, 72)}])
    flats = plain.around.flats.sample(frac=1.0, random_state=3)
    mixed = compute(
        type(plain)(plain.works, type(plain.around)(
            plain.around.buildings, plain.around.stairwells, flats, plain.around.paths
        ))
    ).impacts  # fmt: skip
    ordered = compute(plain).impacts
    key = ["kind", "aspect", "part_of_day", "building_id", "flat_id"]
    pd.testing.assert_frame_equal(
        ordered.sort_values(key, ignore_index=True), mixed.sort_values(key, ignore_index=True)
    )


def test_unknown_kinds_and_settings_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="smell"):
        compute(scene(), kinds=["smell"])
    with pytest.raises(DataError, match="unknown field reach"):
        parameters_from({"impacts": {"reach": 100}})
    with pytest.raises(DataError, match="unknown field spacing"):
        parameters_from({"impacts": {"receivers": {"spacing": 3}}})
    assert parameters_from({"impacts": {"reach_m": 100.0}, "other": 1}).reach_m == 100.0


def test_a_scene_without_buildings_computes_nothing_and_says_so() -> None:
    empty = scene()
    around = type(empty.around)(
        empty.around.buildings.iloc[:0], empty.around.stairwells.iloc[:0],
        empty.around.flats.iloc[:0], empty.around.paths,
    )  # fmt: skip
    result = compute(type(empty)(empty.works, around))
    assert not len(result.impacts)
    assert "No building" in result.methods["noise"]["missing"][0]
