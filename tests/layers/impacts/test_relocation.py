"""Flats that cannot be slept in: which, for how long, how hard."""

from __future__ import annotations

import datetime as dt

import pytest
import shapely

from layers.criteria import default_bands
from layers.criteria.relocation import night_without, unfit_by
from layers.errors import DataError
from layers.impacts.compute import compute
from layers.impacts.parameters import Parameters
from layers.impacts.relocation import relocation
from layers.impacts.scene import Cut
from tests.layers.impacts.scenes import MONDAY, scene, works

P = Parameters()
WORKED = {1: frozenset({"works"})}
DOWN = {1: frozenset({"demolition"})}


def test_a_building_that_comes_down_is_empty_for_good() -> None:
    found = relocation(scene(works(roles=DOWN)), P)
    assert len(found.impacts) == 36
    assert set(found.impacts["band"]) == {4}
    assert set(found.impacts["aspect"]) == {"building"}
    assert set(found.impacts["value"]) == {14.0}
    assert set(found.impacts["unit"]) == {"day"}
    assert any("longer than the phase" in note for note in found.method["missing"])
    assert not len(found.zones)


@pytest.mark.parametrize(("days", "band"), [(1, 1), (2, 2), (6, 3), (20, 3), (21, 4)])
def test_strip_out_weighs_by_its_days(days: int, band: int) -> None:
    plan = works(preset="strip_out", roles=WORKED, ends_on=MONDAY + dt.timedelta(days=days))
    found = relocation(scene(plan), P)
    assert set(found.impacts["band"]) == {band}
    assert len(found.impacts) == 36


def test_a_bathroom_out_takes_two_days_of_a_longer_phase() -> None:
    plan = works(preset="risers", roles=WORKED, inside_flat_ids=(11_000, 11_010), indoor=True)
    found = relocation(scene(plan), P)
    assert set(found.impacts["flat_id"]) == {11_000, 11_010}
    assert set(found.impacts["value"]) == {2.0}
    assert set(found.impacts["band"]) == {2}
    assert set(found.impacts["ends_on"]) == {plan.ends_on}
    assert any("2 days of the phase" in note for note in found.method["missing"])
    short = works(preset="risers", inside_flat_ids=(11_000,), ends_on=MONDAY + dt.timedelta(days=1))
    assert set(relocation(scene(short), P).impacts["value"]) == {1.0}


def test_most_works_leave_people_at_home_and_say_so() -> None:
    for preset in ("facade_insulation", "never_heard_of"):
        found = relocation(scene(works(preset=preset, roles=WORKED)), P)
        assert not len(found.impacts)
        assert found.method["missing"] == ["People can stay at home during these works."]


def test_without_a_preset_nobody_is_said_to_stay_at_home() -> None:
    unsaid = relocation(scene(works(preset=None, roles=WORKED)), P)
    assert not len(unsaid.impacts)
    assert unsaid.method["missing"][0].startswith("Without an activity preset only demolitions")
    inside = relocation(scene(works(preset=None, inside_flat_ids=(11_000,))), P)
    assert not len(inside.impacts)
    assert any("flats worked in can be slept in" in note for note in inside.method["missing"])
    # What needs no activity to be known is counted all the same.
    down = relocation(scene(works(preset=None, roles=DOWN)), P)
    assert len(down.impacts) == 36
    assert not any("flats worked in" in note for note in down.method["missing"])


@pytest.mark.parametrize(
    ("preset", "words"), [("strip_out", "Which building"), ("risers", "Which flats")]
)
def test_what_is_not_told_is_named(preset: str, words: str) -> None:
    found = relocation(scene(works(preset=preset)), P)
    assert not len(found.impacts)
    assert words in found.method["missing"][0]


def test_nights_without_water_count_from_the_second_on() -> None:
    def rows(days: int, service: str = "water", *window: dt.time) -> int:
        cut = Cut(service, MONDAY, MONDAY + dt.timedelta(days=days), (12,), *window)
        found = relocation(scene(works(cuts=(cut,))), P).impacts
        assert set(found["flat_id"] // 1000) <= {12}
        return len(found)

    assert rows(2) == 12
    assert rows(1) == 0
    assert rows(5, "power") == 0
    assert rows(5, "water", dt.time(8, 30), dt.time(12, 30)) == 0
    assert rows(5, "water", dt.time(21), dt.time(7)) == 12
    assert rows(5, "water", dt.time(23), dt.time(7)) == 0


def test_a_half_told_window_is_refused() -> None:
    with pytest.raises(DataError, match="start and an end"):
        night_without("water", dt.time(22), None)


def test_a_building_of_unknown_flats_has_one_row_and_a_garage_none() -> None:
    more = [{"geometry": shapely.box(80, 0, 100, 20)},
            {"geometry": shapely.box(110, 0, 120, 20), "use": "garage"}]  # fmt: skip
    plan = works(roles={2: frozenset({"demolition"}), 3: frozenset({"demolition"})})
    found = relocation(scene(plan, more=more), P).impacts
    assert list(found["building_id"]) == [2]
    assert found["flat_id"].isna().all()


def test_a_laboratory_may_set_its_own_days() -> None:
    bands = default_bands().changed("own", {"relocation": {"days_from": [1, 1, 1, 2]}})
    plan = works(preset="risers", inside_flat_ids=(11_000,))
    assert set(relocation(scene(plan), Parameters(bands=bands)).impacts["band"]) == {4}


def test_it_is_one_of_the_kinds_and_its_sheet_gives_its_reason() -> None:
    result = compute(scene(works(preset="strip_out", roles=WORKED)), kinds=["relocation"])
    sheet = result.methods["relocation"]
    assert "1584" in sheet["parameters"]["basis"]
    activity = unfit_by("strip_out")
    assert activity is not None
    assert sheet["parameters"]["because"] == activity.basis
