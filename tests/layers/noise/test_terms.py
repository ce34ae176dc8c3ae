"""Terms of the attenuation one by one: air, ground, screening, and sums of levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import DataError
from layers.noise.absorption import absorption_db_per_km, octave_absorption_db_per_km
from layers.noise.bands import SILENT_DB, a_weighted_sum_db, energy_sum_db
from layers.noise.diffraction import barrier_attenuation_db, side_screening_db, top_screening_db
from layers.noise.ground import general_ground_db, meteorological_correction_db, solid_angle_db

HEIGHT = st.floats(0.0, 40.0)
FACTOR = st.floats(0.0, 1.0)


def test_exact_midbands_matter_at_8_khz() -> None:
    exact, nominal = octave_absorption_db_per_km()[-1], absorption_db_per_km([8000.0])[0]
    assert 0.2 * (nominal - exact) > 0.2  # dB over 200 m


@pytest.mark.parametrize("air", [(-80, 70, 101.3), (10, 0, 101.3), (10, 101, 101.3), (10, 70, 5)])
def test_impossible_air_is_refused(air: tuple[float, float, float]) -> None:
    with pytest.raises(DataError, match="give a value"):
        octave_absorption_db_per_km(*air)


def test_hard_ground_near_by_adds_three_decibels() -> None:
    assert np.allclose(general_ground_db(50, 1, 1, 0, 0, 0), -3.0)


@settings(deadline=None)
@given(dp=st.floats(1.0, 2000.0), hs=HEIGHT, hr=HEIGHT, g=FACTOR)
def test_2024_ground_is_never_stronger_than_1996(dp: float, hs: float, hr: float, g: float) -> None:
    old = general_ground_db(dp, hs, hr, g, g, g)
    new = general_ground_db(dp, hs, hr, g, g, g, edition="2024")
    assert np.all(np.abs(new) <= np.abs(old) + 1e-9)
    assert np.all(new * old >= -1e-12)


@settings(deadline=None)
@given(dp=st.floats(1.0, 2000.0), hs=HEIGHT, hr=HEIGHT, g=FACTOR)
def test_ground_gains_no_more_than_six_decibels(dp: float, hs: float, hr: float, g: float) -> None:
    assert np.all(general_ground_db(dp, hs, hr, g, g, g) >= -6.0 - 1e-9)
    assert 0.0 <= float(solid_angle_db(dp, hs, hr)) <= 10 * np.log10(2) + 1e-9


def test_long_term_correction_starts_where_the_standard_says() -> None:
    assert float(meteorological_correction_db(20, 1, 1, 2)) == 0.0
    assert float(meteorological_correction_db(200, 1, 1, 2)) == pytest.approx(1.8)


def _top(z: float, edges: int = 1, edition: str = "1996") -> np.ndarray:
    return top_screening_db(
        dss_m=20.0, between_m=8.0 if edges > 1 else 0.0, dsr_m=30.0, edges=edges,
        path_difference_m=z, distance_m=58.0 if edges > 1 else 50.0, edition=edition,
    )  # fmt: skip


@settings(deadline=None)
@given(z=st.floats(0.001, 50.0), more=st.floats(0.001, 10.0))
def test_a_longer_detour_screens_more(z: float, more: float) -> None:
    for edition in ("1996", "2024"):
        assert np.all(_top(z + more, edition=edition) >= _top(z, edition=edition) - 1e-9)


def test_caps_hold_over_the_top_only() -> None:
    assert _top(100.0).max() == pytest.approx(20.0)
    assert _top(100.0, edges=2).max() == pytest.approx(25.0)
    assert side_screening_db(0.0, 1, 100.0).max() > 30.0


def test_an_edge_far_below_the_line_of_sight_does_nothing() -> None:
    assert np.all(_top(-1.0) == 0.0)
    assert _top(-0.001)[0] == pytest.approx(4.77, abs=0.02)


def test_a_side_path_never_makes_it_louder_than_no_screen() -> None:
    top = np.full(8, 3.0)
    sides = np.zeros((2, 8))
    assert np.all(barrier_attenuation_db(top, sides, np.zeros(8)) == 0.0)


def test_ground_counts_once_behind_a_screen() -> None:
    ground = np.full(8, 4.0)
    screened = barrier_attenuation_db(np.full(8, 10.0), [], ground)
    assert np.allclose(screened, 6.0)


@settings(deadline=None)
@given(st.lists(st.floats(-50.0, 150.0), min_size=1, max_size=8))
def test_energy_adds(levels: list[float]) -> None:
    total = float(energy_sum_db(levels))
    assert max(levels) - 1e-9 <= total <= max(levels) + 10 * np.log10(len(levels)) + 1e-9
    assert float(energy_sum_db([*levels, total])) == pytest.approx(total + 10 * np.log10(2))


def test_nothing_plus_nothing_is_finite() -> None:
    assert float(energy_sum_db([-np.inf, -np.inf])) == SILENT_DB
    with pytest.raises(DataError):
        energy_sum_db([np.nan])


def test_a_weighting_of_a_flat_spectrum() -> None:
    assert float(a_weighted_sum_db(np.full(8, 90.0))) == pytest.approx(97.0, abs=0.1)
