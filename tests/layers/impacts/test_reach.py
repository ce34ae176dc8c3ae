"""Which phases that are not computed yet may touch a building: those whose scene it is part of."""

from __future__ import annotations

import datetime as dt

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from layers.buildings import Building, Flat, Quarter, Stairwell
from layers.crs import SRID
from layers.impacts import store
from layers.impacts.reach import waiting_near
from layers.impacts.scene import load_scene
from layers.sites import Closure, PhaseRevision, RevisionBuilding, UtilityCut
from tests.layers.impacts.conftest import MONDAY, SmallQuarter, box

FRIDAY = MONDAY + dt.timedelta(days=4)


def near(small: SmallQuarter, first: dt.date = MONDAY, last: dt.date = FRIDAY) -> set[str]:
    """Names of the buildings near which something is still to be computed."""
    connection = small.session.connection()
    return {
        name for name, building_id in small.buildings.items()
        if waiting_near(connection, small.quarter_id, [building_id], first, last)
    }  # fmt: skip


def loaded(small: SmallQuarter, revision: PhaseRevision) -> set[str]:
    """Names of the buildings that a computation of ``revision`` looks at."""
    scene = load_scene(small.session.connection(), revision.id)
    ids = set(scene.around.buildings.building_id)
    return {name for name, building_id in small.buildings.items() if building_id in ids}


def close(small: SmallQuarter, revision: PhaseRevision) -> None:
    ground = from_shape(MultiPolygon([box(1880, 0, 10, 10)]), srid=SRID)
    small.session.add(
        Closure(revision_id=revision.id, kind="footway", period=revision.period, geom=ground)
    )


def work_on(small: SmallQuarter, revision: PhaseRevision) -> None:
    away = small.buildings["away"]
    small.session.add(RevisionBuilding(revision_id=revision.id, building_id=away, role="works"))


def _stairwell_away(small: SmallQuarter) -> Stairwell:
    made = Stairwell(building_id=small.buildings["away"], label="9A")
    small.session.add(made)
    small.session.flush()
    return made


def cut(small: SmallQuarter, revision: PhaseRevision) -> None:
    small.session.add(
        UtilityCut(revision_id=revision.id, service="water", period=revision.period,
                   stairwells=[_stairwell_away(small)])
    )  # fmt: skip


def enter(small: SmallQuarter, revision: PhaseRevision) -> None:
    flat = Flat(stairwell_id=_stairwell_away(small).id, number="1", storey=0)
    small.session.add(flat)
    revision.inside_flats.append(flat)


@pytest.mark.parametrize("how", [None, close, work_on, cut, enter])
def test_the_buildings_of_its_scene_are_near_a_phase_and_no_other(
    small: SmallQuarter,
    how,  # type: ignore[no-untyped-def]
) -> None:
    revision = small.phase(box(0, -10, 30, 15))
    if how is not None:
        how(small, revision)
    small.session.flush()
    assert near(small) == loaded(small, revision)
    assert ("away" in near(small)) == (how is not None)


def test_only_its_own_days_and_only_until_it_is_computed(small: SmallQuarter) -> None:
    revision = small.phase(box(0, -10, 30, 15))
    after = MONDAY + dt.timedelta(days=14)
    assert near(small, after, after) == set()
    assert "slab_near" in near(small, after - dt.timedelta(days=1), after)
    # A cut that outlasts its phase still concerns those whom it serves.
    late = Range(after, after + dt.timedelta(days=1))
    small.session.add(UtilityCut(revision_id=revision.id, service="water", period=late))
    small.session.flush()
    assert "slab_near" in near(small, after, after)
    store.recompute_all(small.session.connection(), small.quarter_id)
    assert near(small) == set()


def test_a_quarter_may_look_farther_and_an_archived_site_nowhere(small: SmallQuarter) -> None:
    small.phase(box(0, -10, 30, 15))
    assert "away" not in near(small)
    quarter = small.session.get_one(Quarter, small.quarter_id)
    quarter.settings = {"impacts": {"reach_m": 3000}}
    small.session.flush()
    assert "away" in near(small)
    small.session.execute(text("update site set archived_on = '2026-01-01'"))
    assert near(small) == set()


def test_several_buildings_count_a_phase_once(small: SmallQuarter) -> None:
    small.phase(box(0, -10, 30, 15))
    small.phase(box(0, -10, 30, 15))
    connection, everywhere = small.session.connection(), list(small.buildings.values())
    assert small.session.query(Building).count() == len(everywhere)
    assert waiting_near(connection, small.quarter_id, everywhere, MONDAY) == 2
    assert waiting_near(connection, small.quarter_id, [], MONDAY) == 0
