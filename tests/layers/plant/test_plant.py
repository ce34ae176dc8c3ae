"""The catalogue of machines and the order in which a sound power is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import DataError
from layers.plant import (
    MATCHES,
    PlantItem,
    a_weighted_level_db,
    catalogue,
    eu_categories,
    permissible_lwa_dba,
    resolve,
    shaped_to_level_db,
    sound_power,
    sources,
)

SITE_NAMES = (
    "trapani", "smerigliatrice", "miscelatore", "demolitore elettrico", "carotatrice",
    "escavatore 25 t con pinza e martello", "nebulizzatore", "autocarri", "trivella pali",
    "gru a torre", "autobetoniera", "pompa", "vibratore", "tagliasuolo", "escavatore 8 t",
    "piastra vibrante", "finitrice", "rullo", "micropali", "carpenteria", "ponteggio",
)  # fmt: skip


@pytest.mark.parametrize("name", SITE_NAMES)
def test_a_name_of_an_italian_site_list_says_which_published_row_it_is_taken_from(name: str):
    entry = resolve(name)
    assert entry.taken_from in catalogue()
    assert not catalogue()[entry.taken_from].taken_from
    assert entry.match in MATCHES
    power = sound_power(PlantItem(name))
    assert power.basis == "catalogue"
    assert entry.taken_from in power.note
    assert power.lw_db.shape == (8,)
    assert 80 < float(a_weighted_level_db(power.lw_db)) < 125


def test_every_row_has_a_source_a_tag_and_believable_figures():
    for machine in catalogue().values():
        assert machine.source in sources(), machine.code
        assert machine.confidence in {"read", "background"}, machine.code
        assert 0 < machine.on_time <= 1, machine.code
        assert 0 < machine.height_m <= 5, machine.code
        assert machine.dust in {
            "", "demolition", "earthworks", "construction", "trackout", "suppression",
        }, machine.code  # fmt: skip
        assert machine.eu_category in {"", *eu_categories()}, machine.code
        assert machine.level_dba is not None or machine.eu_category, machine.code


def test_printed_level_and_spectrum_agree_within_a_decibel():
    rows = [m for m in catalogue().values() if m.code.startswith("BS-") and m.has_spectrum]
    assert len(rows) >= 21
    for row in rows:
        at_10m = float(a_weighted_level_db(row.lw_db)) - 28.0
        assert at_10m == pytest.approx(row.level_dba, abs=1.0), row.code


def test_a_level_at_fifty_feet_becomes_sound_power_by_hemispherical_spreading():
    machine = resolve("FTA-truck")
    expected_dba = 88 + 20 * np.log10(15.24) + 8
    assert float(a_weighted_level_db(machine.lw_db)) == pytest.approx(expected_dba, abs=0.01)


def test_declared_value_goes_before_the_catalogue_and_keeps_its_shape():
    plain = sound_power(PlantItem("rullo"))
    declared = sound_power(PlantItem("rullo", declared_lwa_dba=101.0))
    assert (plain.basis, declared.basis) == ("catalogue", "declared")
    assert float(a_weighted_level_db(declared.lw_db)) == pytest.approx(101.0)
    assert np.ptp(declared.lw_db - plain.lw_db) == pytest.approx(0.0, abs=1e-9)


def test_declared_spectrum_goes_before_a_declared_single_figure():
    bands = (100.0, 99.0, 98.0, 97.0, 96.0, 95.0, 94.0, 93.0)
    power = sound_power(PlantItem("rullo", declared_lwa_dba=120.0, declared_lw_db=bands))
    assert power.basis == "declared"
    assert tuple(power.lw_db) == bands


def test_without_a_published_level_the_legal_limit_is_used_and_needs_the_power():
    power = sound_power(PlantItem("montacarichi", power_kw=30))
    assert power.basis == "eu_limit"
    assert round(float(a_weighted_level_db(power.lw_db))) == 96
    with pytest.raises(DataError, match=r"montacarichi.*installed power in kW.*missing"):
        sound_power(PlantItem("montacarichi"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"machine": "trapanno"}, "Did you mean trapano"),
        ({"machine": ""}, "no machine"),
        ({"machine": "rullo", "number": 0}, "whole number"),
        ({"machine": "rullo", "on_time": 1.5}, "on-time"),
        ({"machine": "rullo", "on_time": float("nan")}, "on-time"),
        ({"machine": "rullo", "height_m": -1}, "source height"),
        ({"machine": "rullo", "power_kw": -5}, "cannot be right"),
        ({"machine": "rullo", "power_kw": 1e9}, "cannot be right"),
        ({"machine": "rullo", "declared_lwa_dba": 400}, "cannot be right"),
        ({"machine": "rullo", "declared_lwa_dba": float("nan")}, "cannot be right"),
        ({"machine": "rullo", "declared_lw_db": [90.0, 91.0]}, "eight levels"),
        ({"machine": "rullo", "colour": "red"}, "unknown field colour"),
    ],
)
def test_bad_lines_are_refused_in_words(values: dict[str, object], sentence: str):
    with pytest.raises(DataError, match=sentence):
        sound_power(PlantItem.from_mapping(values))


@pytest.mark.parametrize(
    ("machine", "quantity", "limits"),
    [
        ("vibratory roller", {"power_kw": 8}, (108, 105)),
        ("vibratory roller", {"power_kw": 70}, (109, 106)),
        ("tracked dozer", {"power_kw": 56}, (106, 103)),
        ("wheeled loader", {"power_kw": 100}, (107, 104)),
        ("excavator", {"power_kw": 15}, (96, 93)),
        ("tower crane", {"power_kw": 88}, (100, 98)),
        ("power generator", {"electric_power_kw": 5}, (99, 97)),
        ("compressor", {"power_kw": 50}, (100, 98)),
        ("hand-held concrete breaker", {"mass_kg": 30}, (112, 110)),
        ("lawn mower", {"cutting_width_cm": 60}, (100, 98)),
    ],
)
def test_directive_limits_at_both_stages(machine, quantity, limits):
    for stage, limit_dba in zip((1, 2), limits, strict=True):
        assert permissible_lwa_dba(machine, stage=stage, **quantity) == limit_dba


def test_directive_refuses_an_unknown_machine_and_stage():
    with pytest.raises(DataError, match="no limit"):
        permissible_lwa_dba("submarine", power_kw=10)
    with pytest.raises(DataError, match="stages 1 and 2"):
        permissible_lwa_dba("excavator", power_kw=10, stage=3)


@given(power_kw=st.floats(1, 2000), more=st.floats(1, 3))
def test_a_stronger_machine_never_has_a_lower_limit_within_its_range(power_kw, more):
    for machine in ("excavator", "tower crane", "compressor", "tracked loader"):
        low = permissible_lwa_dba(machine, power_kw=power_kw)
        assert permissible_lwa_dba(machine, power_kw=min(power_kw * more, 3000)) >= low


@given(
    shape=st.lists(st.floats(20, 120), min_size=8, max_size=8),
    level_dba=st.floats(40, 140),
)
def test_shaping_a_spectrum_reaches_the_level(shape, level_dba):
    shaped = shaped_to_level_db(shape, level_dba)
    assert float(a_weighted_level_db(shaped)) == pytest.approx(level_dba, abs=1e-9)
