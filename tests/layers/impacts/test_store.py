"""Saving and recomputing runs on a real PostGIS."""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.database import make_engine
from layers.errors import DataError
from layers.impacts import store
from layers.impacts.compute import ENGINE_VERSION, compute
from layers.impacts.result import ImpactResult
from layers.impacts.scene import load_works
from layers.sites import Permit, RevisionSeal
from tests.layers.impacts.conftest import MONDAY, SmallQuarter, box, make_small_quarter


def dump(connection: Connection) -> list[tuple[object, ...]]:
    """Every stored impact, zone and level, without ids and instants."""
    return [
        tuple(row)
        for query in (
            "select kind, aspect, part_of_day, building_id, flat_id, value, unit, band,"
            " period::text, weekdays from impact order by 1, 2, 3, 4, 5, 9",
            "select kind, aspect, part_of_day, band, method, md5(st_asbinary(geom))"
            " from impact_zone order by 1, 2, 3, 4, 6",
            "select building_id, part_of_day, receiver_key, level_dba from noise_levels"
            " order by 1, 2",
        )
        for row in connection.execute(text(query))
    ]


def runs(connection: Connection) -> list[tuple[str, bool]]:
    found = connection.execute(text("select engine_version, in_force from impact_run order by id"))
    return [(row[0], row[1]) for row in found]


@pytest.fixture
def computed(small: SmallQuarter) -> tuple[int, ImpactResult]:
    revision = small.phase(box(0, -10, 30, 15), dust_activities=["earthworks"])
    connection = small.session.connection()
    return revision.id, compute(store.load(connection, revision.id))


def test_what_is_saved_is_what_was_computed(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    connection = small.session.connection()
    summary = store.save(connection, revision_id, result)
    assert not summary.kept
    assert summary.in_force
    stored = connection.execute(
        text("select count(*), count(distinct flat_id), min(band) from impact")
    ).one()
    assert stored[0] == len(result.impacts) > 0
    assert stored[1] == summary.flats > 0
    assert stored[2] >= 1
    zones = connection.execute(
        text("select count(*), bool_and(st_isvalid(geom)) from impact_zone")
    ).one()
    assert zones[0] == len(result.zones) > 0
    assert zones[1]
    levels = connection.execute(text("select level_dba from noise_levels")).scalars().all()
    assert levels
    assert all(math.isfinite(v) for array in levels for v in array)


def test_recomputing_an_unsealed_revision_replaces_its_rows(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    connection = small.session.connection()
    store.save(connection, revision_id, result)
    before = dump(connection)
    store.save(connection, revision_id, result)
    assert dump(connection) == before
    assert runs(connection) == [(ENGINE_VERSION, True)]


def test_a_sealed_revision_keeps_its_rows_and_the_same_method_changes_nothing(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    connection = small.session.connection()
    first = store.save(connection, revision_id, result)
    small.session.add(RevisionSeal(revision_id=revision_id, reason="announced"))
    small.session.flush()
    before = dump(connection)
    emptied = replace(result, impacts=result.impacts.iloc[:1])
    again = store.save(connection, revision_id, emptied)
    assert again.kept
    assert again.run_id == first.run_id
    assert dump(connection) == before


def test_a_newer_method_writes_beside_a_sealed_revision(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    connection = small.session.connection()
    store.save(connection, revision_id, result)
    small.session.add(RevisionSeal(revision_id=revision_id, reason="past"))
    small.session.flush()
    newer = store.save(connection, revision_id, replace(result, engine_version="next"))
    assert not newer.kept
    assert not newer.in_force
    assert runs(connection) == [(ENGINE_VERSION, True), ("next", False)]


def test_a_failure_midway_leaves_the_old_rows(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    connection = small.session.connection()
    store.save(connection, revision_id, result)
    before = dump(connection)
    broken = result.impacts.copy()
    broken.loc[len(broken) - 1, "building_id"] = 999_999_999
    with pytest.raises(Exception, match=r"impact|building"):
        store.save(connection, revision_id, replace(result, impacts=broken))
    assert dump(connection) == before
    bad_levels = tuple(replace(level, part_of_day="noon") for level in result.levels)
    with pytest.raises(Exception, match="part_of_day"):
        store.save(connection, revision_id, replace(result, levels=bad_levels))
    assert dump(connection) == before


def test_an_infinite_value_is_refused_before_anything_is_written(
    small: SmallQuarter, computed: tuple[int, ImpactResult]
) -> None:
    revision_id, result = computed
    impacts = result.impacts.copy()
    impacts["value"] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        store.save(small.session.connection(), revision_id, replace(result, impacts=impacts))
    assert runs(small.session.connection()) == []


@pytest.mark.parametrize(
    ("state", "days", "expected"),
    [("granted", 14, [82.0]), ("pending", 14, []), ("granted", 7, [82.0]), ("granted", -3, [])],
)
def test_only_a_granted_permit_with_a_day_of_the_phase_counts(
    small: SmallQuarter, state: str, days: int, expected: list[float]
) -> None:
    revision = small.phase(box(0, -10, 30, 15))
    other = MONDAY + dt.timedelta(days=days)
    period = Range(min(MONDAY, other), max(MONDAY, other), bounds="[)")
    small.session.add(
        Permit(
            site_id=revision.phase.site_id, phases=[revision.phase], kind="noise_derogation",
            state=state, period=period, conditions={"limit_dba": 82, "until": "22:00"},
        )
    )  # fmt: skip
    small.session.flush()
    works = load_works(small.session.connection(), revision.id)
    assert [permit.limit_dba for permit in works.permits] == expected
    assert all(permit.until_h == 22.0 for permit in works.permits)


def test_an_unknown_revision_is_told(connection: Connection) -> None:
    with pytest.raises(DataError, match="no phase revision 12345"):
        store.recompute(connection, 12345)


def test_all_revisions_in_force_are_recomputed_with_progress(small: SmallQuarter) -> None:
    small.phase(box(0, -10, 30, 15))
    small.phase(box(30, -10, 30, 15), starts_on=dt.date(2026, 4, 6))
    seen: list[tuple[int, int]] = []
    summaries = store.recompute_all(
        small.session.connection(), small.quarter_id, lambda done, of: seen.append((done, of))
    )
    assert len(summaries) == 2
    assert seen == [(1, 2), (2, 2)]


def test_two_computations_of_one_revision_wait_for_each_other(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> None:
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            small = make_small_quarter(session)
            revision_id = small.phase(box(0, -10, 30, 15)).id
            session.commit()
        failures: list[BaseException] = []

        def recompute() -> None:
            try:
                with engine.connect() as connection:
                    store.recompute(connection, revision_id)
                    connection.commit()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=recompute) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert failures == []
        with engine.connect() as connection:
            assert runs(connection) == [(ENGINE_VERSION, True)]
            assert dump(connection)
        engine.dispose()
