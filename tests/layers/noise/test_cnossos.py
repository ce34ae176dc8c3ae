"""CNOSSOS-EU as a second engine: properties, and what it shares with the first."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import DataError
from layers.noise.bands import N_BANDS
from layers.noise.cnossos import diffraction_db, ground_db, ray_length_m
from layers.noise.iso9613 import (
    Barrier,
    GroundZone,
    NoiseOptions,
    Receivers,
    Scene,
    Sources,
    propagate,
)

OPTIONS = NoiseOptions(method="cnossos", reflections=False, lowest_level_dba=-90.0)
LW = np.full((1, N_BANDS), 100.0)
HOUSE = shapely.box(20.0, -8.0, 30.0, 8.0)


def level(
    receiver: tuple[float, float, float], scene: Scene | None = None, **changes: object
) -> float:
    options = NoiseOptions(
        **{"method": "cnossos", "reflections": False, "lowest_level_dba": -90.0} | changes
    )
    found = propagate(
        Sources(np.array([[0.0, 0.0, 1.5]]), LW), Receivers(np.array([receiver])), scene=scene,
        options=options,
    )  # fmt: skip
    return float(found.laeq_dba[0])


@settings(max_examples=30, deadline=None)
@given(d=st.floats(10, 400), more=st.floats(1.05, 3), g=st.floats(0, 1), h=st.floats(1.5, 20))
def test_farther_is_quieter_over_even_ground(d, more, g, h):
    near, far = (level((x, 0.0, h), default_ground_factor=g) for x in (d, d * more))
    # Porous ground has a dip near the source that can rise again by a few tenths.
    assert far < near + (0.05 if g == 0 else 1.0)


@settings(max_examples=20, deadline=None)
@given(height=st.floats(3, 15), more=st.floats(0.5, 6))
def test_a_higher_barrier_is_never_louder(height, more):
    def behind(top: float) -> float:
        wall = Barrier([[15.0, -400.0, top], [15.0, 400.0, top]])
        return level((60.0, 0.0, 1.5), Scene(barriers=[wall]))

    assert behind(height + more) <= behind(height) + 1e-6


@settings(max_examples=20, deadline=None)
@given(h=st.floats(1.5, 25), roof=st.floats(4, 20))
def test_never_louder_behind_a_building_than_without_it(h, roof):
    scene = Scene(footprints=[HOUSE], heights_m=[roof])
    # A roof within half a wave of the line may add its own hard ground: a few tenths.
    assert level((60.0, 3.0, h), scene) <= level((60.0, 3.0, h)) + 3.0


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(0, 6.28), dx=st.floats(-1e4, 1e4), dy=st.floats(-1e4, 1e4))
def test_moving_and_turning_everything_changes_nothing(angle, dx, dy):
    def moved(x: float, y: float) -> tuple[float, float]:
        c, s = np.cos(angle), np.sin(angle)
        return float(c * x - s * y + dx), float(s * x + c * y + dy)

    def shape(geometry: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(geometry, lambda xy: np.array([moved(*p) for p in xy]))

    zone = shapely.box(5.0, -50.0, 100.0, 50.0)
    here = propagate(
        Sources(np.array([[0.0, 0.0, 1.5]]), LW), Receivers(np.array([[60.0, 3.0, 4.0]])),
        scene=Scene([HOUSE], [12.0], ground=[GroundZone(zone, 0.7)]), options=OPTIONS,
    ).bands_db  # fmt: skip
    there = propagate(
        Sources(np.array([[*moved(0.0, 0.0), 1.5]]), LW),
        Receivers(np.array([[*moved(60.0, 3.0), 4.0]])),
        scene=Scene([shape(HOUSE)], [12.0], ground=[GroundZone(shape(zone), 0.7)]),
        options=OPTIONS,
    ).bands_db  # fmt: skip
    assert np.abs(here - there).max() < 1e-3


def test_energy_adds_and_order_changes_nothing():
    one = level((50.0, 0.0, 4.0))
    two = propagate(
        Sources(np.array([[0.0, 0.0, 1.5]] * 2), np.vstack([LW, LW])),
        Receivers(np.array([[50.0, 0.0, 4.0], [80.0, 0.0, 4.0]])), options=OPTIONS,
    )  # fmt: skip
    assert two.laeq_dba[0] == pytest.approx(one + 3.01, abs=0.01)
    assert two.laeq_dba[1] < two.laeq_dba[0]


def test_a_closed_courtyard_stays_finite():
    ring = shapely.box(-30, -30, 30, 30).difference(shapely.box(-15, -15, 15, 15))
    scene = Scene([ring], [15.0])
    inside = level((10.0, 3.0, 4.0), scene, reflections=True)
    outside = level((60.0, 3.0, 4.0), scene, reflections=True)
    assert np.isfinite([inside, outside]).all()
    assert inside > outside + 5.0


def test_a_wall_behind_the_source_adds_up_to_three_decibels():
    wall = Barrier([[-3.0, -30.0, 12.0], [-3.0, 30.0, 12.0]], absorption=0.1)
    scene = Scene(barriers=[wall])
    gain = level((50.0, 0.0, 4.0), scene, reflections=True) - level((50.0, 0.0, 4.0), scene)
    assert 1.0 < gain < 3.01


def test_favourable_conditions_are_never_quieter_by_much_and_the_share_matters():
    scene = Scene(barriers=[Barrier([[15.0, -400.0, 5.0], [15.0, 400.0, 5.0]])])
    away = (200.0, 0.0, 4.0)
    never, half, always = (level(away, scene, favourable_share=p) for p in (0.0, 0.5, 1.0))
    assert never < half < always


def test_the_method_sheet_names_it_and_a_wrong_name_is_refused():
    found = propagate(Sources(np.array([[0.0, 0.0, 1.0]]), LW),
                      Receivers(np.array([[30.0, 0.0, 4.0]])), options=OPTIONS)  # fmt: skip
    assert "2015/996" in found.describe()["method"]
    assert "50%" in found.describe()["quantity"]
    with pytest.raises(DataError, match="cnossos"):
        NoiseOptions(method="concawe")
    with pytest.raises(DataError, match="favourable_share"):
        NoiseOptions(method="cnossos", favourable_share=1.5)


def test_what_cannot_be_heard_is_not_traced():
    far = propagate(
        Sources(np.array([[0.0, 0.0, 1.5]]), np.full((1, N_BANDS), 60.0)),
        Receivers(np.array([[900.0, 0.0, 4.0], [2000.0, 0.0, 4.0]])),
        options=NoiseOptions(method="cnossos", lowest_level_dba=40.0, max_reach_m=1000.0),
    )
    assert (far.n_below_cut, far.n_beyond_reach, far.n_traced) == (1, 1, 0)
    assert np.isfinite(far.laeq_dba).all()


def test_single_terms():
    hard = ground_db(50.0, 1.0, 4.0, 0.0, 0.0)
    assert set(hard.homogeneous) == {-3.0}
    assert (ground_db(50.0, 0.0, 0.0, 1.0, 1.0).favourable > -50).all()
    assert np.isfinite(ground_db(0.0, 0.0, 0.0, 0.5, None).favourable).all()
    assert diffraction_db(0.0, 0.0) == pytest.approx(np.full(N_BANDS, 10 * np.log10(3)))
    assert (diffraction_db(-1.0, 0.0) == 0.0).sum() >= 7
    assert ray_length_m(100.0, 100.0) > 100.0
