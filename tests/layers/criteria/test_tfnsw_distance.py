"""Distances of the TfNSW estimator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.criteria.tables import table
from layers.criteria.tfnsw_distance import distance_m, notice_distances_m
from layers.errors import DataError

GROUNDS = ("hard", "urban", "rural")


@given(
    over_db=st.floats(0, 45), step_db=st.floats(0, 3), ground=st.sampled_from(GROUNDS)
)  # fmt: skip
def test_a_quieter_level_reaches_farther(over_db, step_db, ground):
    near = distance_m(110, 110 - over_db, ground)
    assert distance_m(110, 110 - over_db - step_db, ground) >= near
    assert near % 5 == 0


@given(over_db=st.integers(0, 48))
def test_hard_ground_carries_farthest(over_db):
    hard, urban, rural = (distance_m(110, 110 - over_db, ground) for ground in GROUNDS)
    assert hard >= urban >= rural


def test_the_table_never_falls():
    for row in table("tfnsw_distance")["distance_m"].values():
        known = [d for d in row if d is not None]
        assert known == sorted(known)


def test_a_barrier_takes_its_decibels_off():
    assert distance_m(111, 40, "rural", "solid") == distance_m(106, 40, "rural")
    assert distance_m(111, 40, "rural", "substantial") == distance_m(101, 40, "rural")
    assert distance_m(111, 105, "rural") == 0


def test_only_bands_with_a_measure_have_a_distance():
    found = notice_distances_m(111, "R2", "urban")
    assert set(found["day"]) == {65, 75}
    assert set(found["night"]) == {40, 45, 55, 65}
    assert found["night"][40] == 545


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: distance_m(120, 20, "rural"), "ends 91 dB"),
        (lambda: distance_m(110, 50, "hard"), "ends 48 dB"),
        (lambda: distance_m(110, 50, "snow"), "Ground"),
        (lambda: distance_m(110, 50, "urban", "hedge"), "Shielding"),
        (lambda: distance_m(float("nan"), 50, "urban"), "must be numbers"),
    ],
)
def test_what_cannot_be_told_is_refused(ask, words):
    with pytest.raises(DataError, match=words):
        ask()
