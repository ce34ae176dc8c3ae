"""Noise per flat against the propagation itself, hand-checked cases and properties."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import DataError
from layers.impacts.noise import bands_of, noise
from layers.impacts.noise_sources import levels_at, site_sources
from layers.impacts.parameters import Parameters, parameters_from
from layers.impacts.scene import Hours, NoiseBarrier, NoisePermit, Plant, Scene
from layers.noise.bands import a_weighted_sum_db
from layers.noise.iso9613 import NoiseOptions, Receivers
from layers.noise.iso9613 import Scene as NoiseScene
from layers.receivers import facade_receivers
from tests.layers.impacts.scenes import BREAKER, EXCAVATOR, MONDAY, SLAB, WEEK, scene, works

FREE = Parameters(
    noise=NoiseOptions(
        facade_reflection_db=3.0, screening=False, lateral=False, reflections=False,
        ground_method="none",
    ),
    isophones=False,
)  # fmt: skip


def rows(result: object, aspect: str = "facade") -> pd.DataFrame:
    impacts = result.impacts  # type: ignore[attr-defined]
    return impacts[impacts["aspect"] == aspect].set_index("flat_id")


def test_a_far_machine_gives_the_level_of_the_formula() -> None:
    """20 lg d + 11, air, +3 dB façade, and 10 lg(8 h / 14 h) for the day: by hand."""
    machine = Plant("it-escavatore-25-t", lwa_declared_db=120.0)
    far = works(footprint=shapely.box(29, -180, 31, -178), plant=(machine,))
    found = rows(noise(scene(far), FREE))
    receivers = facade_receivers(scene(far).around.buildings, scene(far).around.stairwells)
    south = receivers.xyz[(receivers.stairwell_id == 12) & (receivers.octant == 4)]
    top = south[np.isclose(south[:, 2], 16.5)]
    d = np.linalg.norm(top - [30.0, -179.0, site_sources(scene(far)).heights_m[0]], axis=1).min()
    divergence_only = 120.0 - 20.0 * np.log10(d) - 11.0 + 3.0 + 10.0 * np.log10(8.0 / 14.0)
    level = found.loc[12 * 1000 + 50, "value"]
    # Air takes 0.2 to 2 dB of this spectrum over 198 m.
    assert divergence_only - 2.0 < level < divergence_only - 0.2


def test_a_flat_has_the_level_of_its_own_side_and_floor() -> None:
    found = rows(noise(scene(works(plant=(BREAKER,))), Parameters(isophones=False)))
    south = [found["value"].get(12_000 + 10 * storey) for storey in range(6)]
    north = [found["value"].get(12_001 + 10 * storey, 0.0) for storey in range(6)]
    assert all(s > n + 6.0 for s, n in zip(south, north, strict=True))
    assert len(set(south)) == 6


def test_quiet_side_only_where_a_flat_has_two_sides() -> None:
    through = noise(
        scene(works(plant=(BREAKER,)), exposures=(["S", "N"], ["S"], None)),
        Parameters(isophones=False),
    )
    quiet = rows(through, "quiet_side")
    loud = rows(through)
    assert len(quiet)
    assert {int(f) % 10 for f in quiet.index} == {0}
    assert (quiet["value"] < loud.loc[quiet.index, "value"]).all()


def test_the_lower_bands_of_evening_and_night_are_used() -> None:
    def at(start: int, end: int) -> pd.DataFrame:
        plan = works(hours=(Hours(0, dt.time(start), dt.time(end), True),))
        return noise(scene(plan), Parameters(isophones=False)).impacts

    day, night = at(9, 11), at(22, 0)
    assert set(day["part_of_day"]) == {"day"}
    assert set(night["part_of_day"]) == {"night"}
    assert set(night["weekdays"]) == {1}
    assert night["band"].max() > day["band"].max()


def test_hours_across_parts_of_day_give_a_row_each() -> None:
    plan = works(hours=(Hours(2, dt.time(18), dt.time(23), True),), plant=(BREAKER,))
    found = noise(scene(plan), Parameters(isophones=False))
    assert set(found.impacts["part_of_day"]) == {"day", "evening", "night"}
    levels = {level.part_of_day: level.level_dba.max() for level in found.levels}
    assert levels["evening"] - levels["night"] == pytest.approx(10 * np.log10(8 / 1), abs=0.02)
    assert levels["evening"] - levels["day"] == pytest.approx(10 * np.log10(14 / 2), abs=0.02)


def test_on_time_and_number_are_energy() -> None:
    def loudest(plant: Plant) -> float:
        return float(noise(scene(works(plant=(plant,))), FREE).impacts["value"].max())

    one = loudest(BREAKER)
    assert loudest(replace(BREAKER, count=2)) == pytest.approx(one + 3.0, abs=0.11)
    assert loudest(replace(BREAKER, on_time=0.5)) == pytest.approx(one - 3.0, abs=0.11)


def test_over_the_municipal_limit_the_band_is_strong_while_machines_are_on() -> None:
    parameters = parameters_from({"municipal_rule": {"facade_limit_dba": 40.0}})
    found = noise(scene(), replace(parameters, isophones=False))
    assert found.impacts["band"].min() >= 3


def test_a_permit_in_derogation_sets_its_own_limit() -> None:
    strict = replace(FREE, rule=FREE.rule.with_permit(facade_limit_dba=45.0))
    without = noise(scene(), strict)
    always = NoisePermit(MONDAY, None, 90.0)
    permitted = noise(scene(works(permits=(always,))), strict)
    assert permitted.impacts["band"].sum() < without.impacts["band"].sum()
    assert permitted.method["parameters"]["facade_limit_dba"] == 90.0
    assert permitted.method["parameters"]["limit_from"] == "permit"


def test_a_quarter_may_choose_the_second_engine() -> None:
    def by(method: str) -> object:
        told = {"isophones": False, "noise": {"method": method, "reflections": False}}
        return noise(scene(works(plant=(BREAKER,))), parameters_from({"impacts": told}))

    first, second = by("iso9613"), by("cnossos")
    assert "2015/996" in second.method["method"]  # type: ignore[attr-defined]
    gap = rows(second)["value"] - rows(first)["value"]
    assert gap.abs().max() < 6.0
    with pytest.raises(DataError, match="cnossos"):
        parameters_from({"impacts": {"noise": {"method": "by ear"}}})


def test_a_permit_for_some_days_changes_those_days_only() -> None:
    strict = replace(FREE, rule=FREE.rule.with_permit(facade_limit_dba=45.0))
    first, after = MONDAY + dt.timedelta(days=2), MONDAY + dt.timedelta(days=4)
    found = noise(scene(works(permits=(NoisePermit(first, after, 90.0),))), strict)
    flat = found.impacts[found.impacts["flat_id"] == 12_050].sort_values("starts_on")
    assert list(flat["starts_on"]) == [MONDAY, first, after]
    assert list(flat["ends_on"])[:2] == [first, after]
    bands = list(flat["band"])
    assert bands[0] == bands[2] > bands[1]
    assert flat["value"].nunique() == 1
    sheet = found.method["parameters"]
    assert sheet["facade_limit_dba"] == 45.0
    assert sheet["limit_from"] == "municipality and permit"
    assert [told["limit_dba"] for told in sheet["limits"]["day"]] == [45.0, 90.0, 45.0]
    assert sheet["limits"]["day"][1]["to"] == (after - dt.timedelta(days=1)).isoformat()


def test_days_without_works_get_no_row_of_their_own() -> None:
    weekend = NoisePermit(MONDAY + dt.timedelta(5), MONDAY + dt.timedelta(7), 90.0)
    found = noise(scene(works(permits=(weekend,))), FREE)
    assert MONDAY + dt.timedelta(5) not in set(found.impacts["starts_on"])


def test_measured_background_decides_where_it_is_known() -> None:
    loud = replace(FREE, background_dba={"day": 75.0})
    plain, masked = noise(scene(), FREE), noise(scene(), loud)
    assert masked.impacts["band"].sum() < plain.impacts["band"].sum()


def test_the_acoustic_class_of_a_building_counts() -> None:
    sensitive = noise(scene(slab={"acoustic_class": "I"}), FREE).impacts
    industrial = noise(scene(slab={"acoustic_class": "VI"}), FREE).impacts
    assert sensitive["band"].mean() > industrial["band"].mean()


def test_without_plant_noise_is_not_computed_and_says_so() -> None:
    found = noise(scene(works(plant=())), Parameters())
    assert not len(found.impacts)
    assert not len(found.zones)
    assert "No plant list" in found.method["missing"][0]


def test_an_unknown_machine_is_left_out_and_named() -> None:
    found = noise(scene(works(plant=(Plant("astronave"), EXCAVATOR))), FREE)
    assert len(found.impacts)
    assert any("astronave" in note for note in found.method["missing"])


def test_indoor_works_are_never_given_a_level() -> None:
    found = noise(scene(works(indoor=True)), Parameters())
    assert not len(found.impacts)
    assert not found.levels


def test_no_hours_are_assumed_silently() -> None:
    found = noise(scene(works(hours=())), FREE)
    assert any("No working hours told" in note for note in found.method["missing"])


@pytest.mark.parametrize("days", [0, -3])
def test_a_phase_of_no_days_is_refused(days: int) -> None:
    with pytest.raises(DataError, match="has no day"):
        works(ends_on=works().starts_on + dt.timedelta(days=days))


def test_a_building_of_unknown_flats_has_one_row() -> None:
    found = noise(scene(works(plant=(BREAKER,)), flats_known=False), FREE).impacts
    assert len(found) == 1
    assert pd.isna(found["flat_id"].iloc[0])


def test_unknown_sides_take_the_loudest_and_say_so() -> None:
    found = noise(scene(exposures=(["S"], None)), Parameters(isophones=False))
    level = rows(found)["value"]
    assert level[12_020] == level[12_021]
    assert any("Sides not known" in note for note in found.method["missing"])


def test_demolished_buildings_neither_screen_nor_are_told() -> None:
    in_between = {"geometry": shapely.box(-10, 5, 70, 12), "height_m": 20.0, "storeys": 6}
    parameters = Parameters(isophones=False)
    hidden = noise(scene(works(plant=(BREAKER,)), more=[in_between]), parameters)
    taken_down = works(plant=(BREAKER,), roles={2: frozenset({"demolition"})})
    open_ = noise(scene(taken_down, more=[in_between]), parameters)
    assert set(open_.impacts["building_id"]) == {1}
    behind = hidden.impacts[hidden.impacts["building_id"] == 1]
    assert rows(open_)["value"].max() > behind["value"].max() + 3.0


def test_a_barrier_lowers_the_lower_floors() -> None:
    fence = NoiseBarrier(shapely.LineString([(-20, 4), (80, 4)]), 5.0)
    parameters = Parameters(isophones=False)
    without = rows(noise(scene(works(plant=(BREAKER,))), parameters))["value"]
    behind = rows(noise(scene(works(plant=(BREAKER,), barriers=(fence,))), parameters))["value"]
    assert behind[12_000] < without[12_000] - 5.0
    common = behind.index.intersection(without.index)
    assert (behind[common] <= without[common] + 0.1).all()


def test_isophones_agree_with_the_receivers() -> None:
    found = noise(scene(works(plant=(BREAKER,))), Parameters())
    zones = found.zones[found.zones["part_of_day"] == "day"]
    assert zones.geometry.is_valid.all()
    assert set(zones.geom_type) == {"MultiPolygon"}
    overlap = sum(
        a.intersection(b).area
        for i, a in enumerate(zones.geometry)
        for b in zones.geometry.iloc[i + 1 :]
    )
    assert overlap < 1e-3 * zones.area.sum()
    levels = next(level for level in found.levels if level.building_id == 1)
    around = scene().around
    receivers = facade_receivers(
        around.buildings, around.stairwells, options=Parameters().receivers
    )
    place = found.method["parameters"]["from_working_level_db"]["day"]
    ground = (receivers.storey == 1) & (receivers.octant == 4)
    at_facade = bands_of(levels.level_dba - place, "day", place, Parameters())
    for xyz, band in zip(receivers.xyz[ground], at_facade[ground], strict=True):
        within = zones[zones.intersects(shapely.Point(xyz[:2]).buffer(3.0))]["band"]
        assert band in set(within)


def test_levels_are_kept_for_every_receiver_and_finite() -> None:
    found = noise(scene(works(plant=(BREAKER,))), Parameters())
    receivers = facade_receivers(
        scene().around.buildings, scene().around.stairwells, options=Parameters().receivers
    )
    assert {level.building_id for level in found.levels} == {1}
    assert len(found.levels[0].level_dba) == len(receivers)
    assert found.levels[0].receiver_key == receivers.keys[0]
    assert np.isfinite(found.levels[0].level_dba).all()
    assert np.isfinite(found.impacts["value"]).all()


def test_machines_on_a_facade_stand_along_its_walls() -> None:
    plan = works(footprint=SLAB, plant=(Plant("it-smerigliatrice"),))
    ground = site_sources(scene(plan)).ground
    assert ground.distance(SLAB) == pytest.approx(1.5)
    assert site_sources(scene(plan)).heights_m == (9.0,)


def test_a_finer_cut_of_the_ground_changes_little_where_it_is_far() -> None:
    site = site_sources(scene())
    points = Receivers(np.array([[25.0, -10.0 + d, 4.0] for d in (50.0, 80.0, 160.0)]))
    options = NoiseOptions(screening=False, lateral=False, reflections=False)
    coarse = levels_at(site, points, NoiseScene(), options).laeq_dba
    fine = levels_at(site, points, NoiseScene(), options, max_parts=64).laeq_dba
    assert np.abs(coarse - fine).max() < 0.3


def test_power_is_shared_among_the_parts_not_multiplied() -> None:
    site = site_sources(scene())
    whole = site.parts(1e3, 1)
    parts = site.parts(5.0, 24)
    total = 10 * np.log10((10 ** (a_weighted_sum_db(parts.lw_db) / 10)).sum())
    assert len(parts) > 10
    assert total == pytest.approx(float(a_weighted_sum_db(whole.lw_db)[0]), abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.floats(30.0, 200.0), st.floats(1.0, 60.0))
def test_farther_away_is_never_louder(distance: float, step: float) -> None:
    def level(d: float) -> float:
        plan = works(footprint=shapely.box(25, 20 - d - 10, 35, 20 - d), plant=(BREAKER,))
        found = noise(scene(plan), replace(FREE, reach_m=600.0))
        return max(level.level_dba.max() for level in found.levels)

    assert level(distance + step) <= level(distance) + 0.02


@settings(max_examples=8, deadline=None)
@given(st.floats(-5000.0, 5000.0), st.floats(-5000.0, 5000.0))
def test_moving_everything_changes_nothing(dx: float, dy: float) -> None:
    def moved(plain: Scene) -> Scene:
        around = plain.around
        shift = around.buildings.translate(dx, dy)
        return Scene(
            replace(
                plain.works,
                footprint=shapely.transform(
                    plain.works.footprint, lambda xy: xy + np.array([dx, dy])
                ),
            ),
            replace(
                around,
                buildings=around.buildings.set_geometry(shift),
                stairwells=around.stairwells.set_geometry(around.stairwells.translate(dx, dy)),
            ),
        )

    parameters = Parameters(isophones=False)
    here = noise(scene(works(plant=(BREAKER,))), parameters).impacts
    there = noise(moved(scene(works(plant=(BREAKER,)))), parameters).impacts
    assert here[["building_id", "aspect"]].equals(there[["building_id", "aspect"]])
    assert np.abs(here["value"] - there["value"]).max() <= 0.11


def test_week_hours_are_written_on_the_sheet() -> None:
    found = noise(scene(works(hours=(*WEEK, Hours(5, dt.time(8), dt.time(12), True)))), FREE)
    assert found.method["parameters"]["hours"]["day"] == [8, 8, 8, 8, 8, 4, 0]
    assert found.method["margin"] == "±3 dB"
    assert set(found.impacts["weekdays"]) == {0b0111111}
