"""Activity presets: every machine has a level, every hour is one, every word is in two tongues."""

from __future__ import annotations

import datetime as dt

import pytest

from geo_service.errors import Invalid
from geo_service.works.presets import PRESETS, ActivityPreset, draft_from_preset
from geo_service.works.validation import check_draft
from layers.criteria.relocation import unfit_by
from layers.criteria.tables import table
from layers.impacts.models import KINDS
from layers.plant.power import PlantItem, sound_power
from layers.sites import DUST_ACTIVITIES

DAY = {"starts_on": dt.date(2026, 11, 23), "ends_on": dt.date(2026, 11, 27)}


def test_there_are_about_twenty_five() -> None:
    assert 22 <= len(PRESETS) <= 30
    assert len({p.name_it for p in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_a_preset_makes_a_phase_that_can_be_recorded_and_computed(preset: ActivityPreset) -> None:
    draft = draft_from_preset(preset.code, **DAY)
    check_draft(draft, preset.code)
    assert set(preset.kinds) <= set(KINDS)
    assert set(preset.dust_activities) <= set(DUST_ACTIVITIES)
    assert draft.hours
    assert bool(preset.plant) == bool("noise" in preset.kinds) or not preset.noisy_hours
    for item in draft.plant:
        level = sound_power(PlantItem(item.machine, item.count, item.on_time,
                                      power_kw=item.power_kw))  # fmt: skip
        assert level.basis in ("catalogue", "eu_limit")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_residents_are_told_in_two_languages(preset: ActivityPreset) -> None:
    for part in ("name", "prepare", "notice", "text"):
        italian, english = getattr(preset, f"{part}_it"), getattr(preset, f"{part}_en")
        assert italian
        assert english
        assert italian != english
        if part != "name":
            assert italian.endswith(".")
            assert english.endswith(".")


def test_noisy_hours_lie_within_the_working_hours() -> None:
    for preset in PRESETS.values():
        spans = {h.weekday: (h.starts_at, h.ends_at) for h in preset.hours}
        for noisy in preset.noisy_hours:
            start, end = spans[noisy.weekday]
            if start < end:
                assert start <= noisy.starts_at < noisy.ends_at <= end, preset.code
            else:
                assert (noisy.starts_at, noisy.ends_at) == (start, end), preset.code


def test_what_the_person_says_replaces_what_the_preset_proposes() -> None:
    draft = draft_from_preset("demolition", **DAY, contractor="Impresa", trucks_per_day=12)
    assert draft.preset == "demolition"
    assert draft.trucks_per_day == 12
    assert draft.dust_activities == ("demolition", "trackout")
    assert draft_from_preset("demolition", **DAY, plant=()).plant == ()


def test_an_unknown_preset_is_named_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match=r"no activity preset 'demolizione'.*demolition"):
        draft_from_preset("demolizione", **DAY)


def test_what_empties_flats_says_so_and_only_that() -> None:
    assert set(table("relocation")["activities"]) <= set(PRESETS)
    for code, preset in PRESETS.items():
        assert ("relocation" in preset.kinds) == (unfit_by(code) is not None), code
