"""What the noise of works is compared with at each building."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from layers.criteria import class_limit_dba
from layers.impacts.background import reference_levels
from layers.impacts.noise import noise
from layers.impacts.parameters import Parameters
from layers.noise.iso9613 import NoiseOptions
from tests.layers.impacts.scenes import BREAKER, scene, works

P = Parameters(noise=NoiseOptions(reflections=False), isophones=False)

BUILDINGS = pd.DataFrame(
    {
        "building_id": [1, 2, 3],
        "acoustic_class": ["II", "IV", None],
        "background_day_dba": [61.5, None, None],
        "background_evening_dba": [None, None, None],
        "background_night_dba": [None, None, 38.0],
    }
)


def test_measured_comes_before_class_before_the_quarter() -> None:
    day = reference_levels(BUILDINGS, [3, 1, 2, 1], "day", 52.0)
    assert day.background_dba.tolist()[:2] == [52.0, 61.5]
    assert np.isnan(day.background_dba[2])
    assert day.class_limit_dba[2] == class_limit_dba("IV", "day")
    assert day.counts == {"measured": 1, "class": 1, "quarter": 1, "unknown": 0}


def test_each_part_of_day_has_its_own_measurement() -> None:
    night = reference_levels(BUILDINGS, [1, 2, 3], "night", None)
    assert night.background_dba[2] == 38.0
    assert night.counts == {"measured": 1, "class": 2, "quarter": 0, "unknown": 0}
    evening = reference_levels(BUILDINGS, [1, 2, 3], "evening", None)
    assert evening.counts["unknown"] == 1


def test_a_measured_background_lowers_the_band_of_that_building_only() -> None:
    plan = works(footprint=shapely.box(10, -40, 40, -20))
    more = [{"geometry": shapely.box(70, 20, 130, 32)}]
    plain = noise(scene(plan, more=more), P)
    quiet = noise(scene(plan, more=more, slab={"background_day_dba": 80.0}), P)
    assert quiet.impacts.loc[quiet.impacts["building_id"] == 1, "band"].sum() < (
        plain.impacts.loc[plain.impacts["building_id"] == 1, "band"].sum()
    )
    other = [r.impacts[r.impacts["building_id"] == 2].reset_index(drop=True)
             for r in (plain, quiet)]  # fmt: skip
    pd.testing.assert_frame_equal(*other)
    assert quiet.method["parameters"]["judged_against"]["day"]["measured"] == 1
    assert any("class III" in note for note in plain.method["missing"])


def test_a_class_comes_before_the_background_of_the_quarter() -> None:
    loud = replace(P, background_dba={"day": 79.0})
    plan = works(plant=(BREAKER,))
    classed = noise(scene(plan, slab={"acoustic_class": "I"}), loud)
    bare = noise(scene(plan), loud)
    assert classed.impacts["band"].sum() > bare.impacts["band"].sum()
    assert classed.method["parameters"]["judged_against"]["day"]["class"] == 1
