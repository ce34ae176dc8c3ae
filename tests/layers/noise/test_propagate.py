"""What must hold of any level, whatever the scene."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity

from layers.noise.bands import energy_sum_db
from layers.noise.iso9613 import (
    Barrier,
    GroundZone,
    NoiseOptions,
    Receivers,
    Scene,
    Sources,
    propagate,
)
from tests.layers.noise.scenes import LW, court, level, options, run

physics = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

G = st.sampled_from([0.0, 0.3, 1.0])
EDITION = st.sampled_from(["1996", "2024"])


@physics
@given(d=st.floats(5.0, 900.0), more=st.floats(1.05, 2.0), hr=st.floats(1.5, 20.0), edition=EDITION)
def test_farther_is_quieter(d: float, more: float, hr: float, edition: str) -> None:
    near = level((0, 0, 1.5), (d, 0, hr), edition=edition)
    far = level((0, 0, 1.5), (d * more, 0, hr), edition=edition)
    assert far < near


@physics
@given(h=st.floats(2.5, 20.0), more=st.floats(0.1, 10.0), edition=EDITION, g=G)
def test_a_higher_hoarding_screens_more(h: float, more: float, edition: str, g: float) -> None:
    def behind(height: float) -> float:
        hoarding = Barrier([(10.0, -15.0, height), (10.0, 15.0, height)])
        scene = Scene(barriers=[hoarding])
        return level((0, 0, 1.5), (60, 0, 4), scene, edition=edition, default_ground_factor=g)

    assert behind(h + more) <= behind(h) + 1e-9


@st.composite
def towns(draw: st.DrawFn) -> Scene:
    shapes, heights = [], []
    for _ in range(draw(st.integers(1, 6))):
        x, y = draw(st.floats(-60, 120)), draw(st.floats(-60, 60))
        w, d = draw(st.floats(4, 30)), draw(st.floats(4, 30))
        shape: shapely.Geometry = shapely.box(x, y, x + w, y + d)
        if draw(st.booleans()) and w > 10 and d > 10:
            shape = shape.difference(shapely.box(x + 3, y + 3, x + w - 3, y + d - 3))
        shapes.append(affinity.rotate(shape, draw(st.floats(0, 90))))
        heights.append(draw(st.sampled_from([3.0, 9.0, 15.0, np.nan])))
    return Scene(shapes, heights)


RECEIVERS = [(80.3, 5.1, 4.2), (80.3, 5.1, 13.1), (-30.7, 41.9, 1.5)]


@physics
@given(scene=towns(), edition=EDITION, g=G, lateral=st.booleans())
def test_never_louder_behind_buildings_than_without_them(
    scene: Scene, edition: str, g: float, lateral: bool
) -> None:
    how = {"edition": edition, "default_ground_factor": g, "lateral": lateral}
    free = run([(0.2, 0.1, 1.5)], RECEIVERS, None, **how)
    built = run([(0.2, 0.1, 1.5)], RECEIVERS, scene, **how)
    assert np.all(built.bands_db <= free.bands_db + 1e-3)  # points on walls move by a centimetre
    assert np.isfinite(built.laeq_dba).all()


@physics
@given(scene=towns(), turn=st.floats(0, 360), dx=st.floats(-1e6, 1e6), dy=st.floats(-1e6, 5e6))
def test_moving_turning_and_reordering_change_nothing(
    scene: Scene, turn: float, dx: float, dy: float
) -> None:
    def moved(shape: shapely.Geometry) -> shapely.Geometry:
        return affinity.translate(affinity.rotate(shape, turn, origin=(0, 0)), dx, dy)

    def points(xyz: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
        plan = [moved(shapely.Point(p[:2])) for p in xyz]
        return [(p.x, p.y, z) for p, (_, _, z) in zip(plan, xyz, strict=True)]

    sources = [(0.2, 0.1, 1.5), (7.3, -4.4, 2.0)]
    here = run(sources, RECEIVERS, scene, reflections=True)
    order = np.arange(len(scene.footprints))[::-1]
    there_scene = Scene(
        [moved(scene.footprints[k]) for k in order], np.asarray(scene.heights_m)[order]
    )
    there = run(points(sources[::-1]), points(RECEIVERS), there_scene, reflections=True)
    assert np.allclose(here.laeq_dba, there.laeq_dba, atol=1e-4)
    assert np.allclose(here.by_group_dba, there.by_group_dba[:, ::-1], atol=1e-4)


def test_sources_add_by_energy() -> None:
    sources = [(0, 0, 1.5), (20, 5, 1.5), (-30, 8, 3.0)]
    both = run(sources, RECEIVERS)
    assert np.allclose(both.laeq_dba, energy_sum_db(both.by_group_dba))
    alone = [run([s], RECEIVERS).laeq_dba for s in sources]
    assert np.allclose(both.by_group_dba.T, alone)
    twice = run([sources[0], sources[0]], RECEIVERS)
    assert np.allclose(twice.laeq_dba, alone[0] + 10 * np.log10(2))


def test_a_closed_courtyard_is_quiet_and_finite() -> None:
    scene = Scene([court()], [18.0])
    for reflections in (False, True):
        inside = level((0, 0, 1.5), (60, 0, 1.5), scene, reflections=reflections)
        assert np.isfinite(inside)
        assert inside < level((0, 0, 1.5), (60, 0, 1.5)) - 15
    both = level((0, 0, 1.5), (5, 5, 4.0), scene, reflections=True)
    assert level((0, 0, 1.5), (5, 5, 4.0)) < both < level((0, 0, 1.5), (5, 5, 4.0)) + 6


def test_a_courtyard_open_to_one_side_lets_sound_round_its_wing() -> None:
    u_shape = shapely.box(-20, -20, 20, 20).difference(shapely.box(-10, -10, 10, 20))
    scene = Scene([u_shape], [18.0])
    way_round = level((-60, 0, 1.5), (0, 10, 1.5), scene)
    assert way_round > level((-60, 0, 1.5), (0, 10, 1.5), scene, lateral=False) + 1
    closed = Scene([court(40, 10)], [18.0])
    assert level((-60, 0, 1.5), (0, 0, 1.5), closed) == pytest.approx(
        level((-60, 0, 1.5), (0, 0, 1.5), closed, lateral=False)
    )


def test_a_closed_hoarding_has_no_way_round() -> None:
    ring = [(-9, -9, 3), (9, -9, 3), (9, 9, 3), (-9, 9, 3), (-9, -9, 3)]
    scene = Scene(barriers=[Barrier(ring)])
    assert level((0, 0, 1.5), (40, 0, 1.5), scene) == pytest.approx(
        level((0, 0, 1.5), (40, 0, 1.5), scene, lateral=False)
    )


def test_joined_houses_leave_no_gap_at_the_party_wall() -> None:
    row = [shapely.box(10, y, 20, y + 10) for y in range(-30, 30, 10)]
    apart, whole = Scene(row, [9.0] * 6), Scene([shapely.union_all(row)], [9.0])
    way = ((0, 1.3, 1.5), (40, 2.1, 1.5))
    # One object keeps its weak sides, several do not: keep all to compare the geometry.
    assert level(*way, apart, weak_side_db=99.0) == pytest.approx(
        level(*way, whole, weak_side_db=99.0), abs=1e-6
    )


def test_a_facade_across_the_street_reflects() -> None:
    scene = Scene([shapely.box(-40, 20, 80, 30)], [15.0])
    plain = level((0, 0, 1.5), (40, 0, 1.5), scene)
    mirrored = level((0, 0, 1.5), (40, 0, 1.5), scene, reflections=True)
    assert plain < mirrored < plain + 3
    absorbing = level((0, 0, 1.5), (40, 0, 1.5), scene, reflections=True, facade_absorption=1.0)
    assert absorbing == pytest.approx(plain)


def test_the_own_facade_never_reflects_and_the_convention_is_recorded() -> None:
    house = shapely.box(30, -10, 45, 10)
    scene = Scene([house], [12.0])
    at_wall = Receivers([(29.5, 0.0, 4.0)], [0])
    source = Sources([(0.0, 0.0, 1.5)], [LW])
    incident = propagate(source, at_wall, scene=scene, options=options(reflections=True))
    facade = propagate(
        source, at_wall, scene=scene, options=options(reflections=True, facade_reflection_db=3.0)
    )
    assert float(facade.laeq_dba[0] - incident.laeq_dba[0]) == pytest.approx(3.0)
    assert incident.describe()["facade"] == "incident sound"
    assert facade.describe()["facade"] == "façade level"
    assert facade.describe()["margin_db"] == 3


def test_weak_paths_are_left_out_without_changing_what_matters() -> None:
    rng = np.random.default_rng(4)
    sources = np.column_stack([rng.uniform(-30, 30, (12, 2)), np.full(12, 1.5)])
    receivers = np.column_stack([rng.uniform(-3000, 3000, (400, 2)), np.full(400, 4.0)])
    everything = run(sources, receivers)
    cut = run(sources, receivers, lowest_level_dba=45.0)
    assert cut.n_below_cut > 0.3 * cut.n_paths
    assert cut.n_traced + cut.n_below_cut + cut.n_beyond_reach == cut.n_paths
    loud = everything.laeq_dba >= 45.0
    assert np.all(everything.laeq_dba[loud] - cut.laeq_dba[loud] < 0.1)
    assert np.all(cut.laeq_dba <= everything.laeq_dba + 1e-9)


def test_ground_zones_take_the_first_of_the_list() -> None:
    grass, paving = (
        GroundZone(shapely.box(-5, -50, 300, 50), 1.0),
        GroundZone(shapely.box(-5, -50, 300, 50), 0.0),
    )
    way = ((0.0, 0.0, 1.5), (200.0, 3.0, 4.0))
    first = level(*way, Scene(ground=[grass, paving]), default_ground_factor=0.5)
    assert first == pytest.approx(level(*way, default_ground_factor=1.0))
    other = level(*way, Scene(ground=[paving, grass]), default_ground_factor=0.5)
    assert other == pytest.approx(level(*way, default_ground_factor=0.0))


def test_long_term_level_is_not_above_downwind() -> None:
    way = ((0.0, 0.0, 1.5), (200.0, 0.0, 4.0))
    assert level(*way, c0_db=2.0) < level(*way)
    assert NoiseOptions(c0_db=2.0).c0_db == 2.0
