"""Phases that wait for others on the calendar: weekends, holidays, chains, rings."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.calendar import is_working_day
from geo_service.works.timelines.dependency_days import (
    Link,
    Span,
    broken,
    earliest,
    followers,
    ring_in,
    work_days,
)

MON = dt.date(2026, 3, 2)


def day(n: int) -> dt.date:
    return MON + dt.timedelta(days=n)


def week(n: int, weeks: int = 1) -> Span:
    return Span(day(7 * n), day(7 * (n + weeks) - 3))


@pytest.mark.parametrize(
    ("kind", "lag", "expected"),
    [
        ("FS", 0, day(7)),  # Friday's end, Monday's start
        ("FS", 2, day(9)),
        ("FS", -1, day(4)),
        ("FS", -3, day(2)),
        ("SS", 0, day(0)),
        ("SS", 5, day(7)),
        ("FF", 0, day(4)),
        ("FF", 1, day(7)),
        ("SF", 0, day(0)),
        ("SF", -1, day(-3)),
    ],
)
def test_each_kind_of_link_counts_days_of_work(kind: str, lag: int, expected: dt.date) -> None:
    assert earliest(Link(1, 2, kind, lag), week(0), week(3)) == expected


def test_easter_and_the_patron_are_no_days_of_work() -> None:
    # Good Friday is worked; 6 April 2026 is Easter Monday.
    before = Span(dt.date(2026, 3, 30), dt.date(2026, 4, 3))
    link = Link(1, 2)
    assert earliest(link, before, week(9)) == dt.date(2026, 4, 7)
    assert earliest(link, before, week(9), patron=(4, 7)) == dt.date(2026, 4, 8)


def test_a_phase_that_works_on_saturdays_may_follow_on_one() -> None:
    saturdays = Span(day(5), day(5), frozenset({5}))
    assert earliest(Link(1, 2), week(0), saturdays) == day(5)
    assert broken([Link(1, 2)], {1: week(0), 2: saturdays}) == []


def test_a_start_on_a_day_off_counts_as_the_next_day_of_work() -> None:
    sunday = Span(day(6), day(11))
    assert broken([Link(1, 2)], {1: week(0), 2: sunday}) == []
    assert broken([Link(1, 2)], {1: Span(day(0), day(7)), 2: sunday})[0].day == day(8)


def test_lags_count_from_the_first_day_on_which_the_other_phase_works() -> None:
    # From Sunday 1 March, which is no day of its work.
    sunday = Span(day(-1), day(4))
    assert earliest(Link(1, 2, "SS"), sunday, week(3)) == day(0)
    assert earliest(Link(1, 2, "SS", 1), sunday, week(3)) == day(1)
    assert earliest(Link(1, 2, "SF", 2), sunday, week(3)) == day(2)


def test_followers_keep_their_days_of_work_and_pull_a_chain() -> None:
    links = [Link(1, 2), Link(2, 3, "FS", 1), Link(1, 4, "SS")]
    spans = {1: week(1), 2: week(1), 3: week(2), 4: week(8)}
    found = followers(links, spans, {1})
    assert found == {2: week(2), 3: Span(day(22), day(28))}
    assert work_days(found[3]) == work_days(spans[3]) == 5


WEDNESDAYS = frozenset({2})


def test_a_follower_that_works_on_one_weekday_keeps_its_week() -> None:
    idle = Span(day(7), day(11), WEDNESDAYS)
    found = followers([Link(1, 2)], {1: week(1), 2: idle}, {1})
    assert found == {2: Span(day(14), day(18), WEDNESDAYS)}
    # But it does not begin before what it waits for is over.
    found = followers([Link(1, 2)], {1: Span(day(7), day(14)), 2: idle}, {1})
    assert found == {2: Span(day(15), day(18), WEDNESDAYS)}


def test_a_follower_keeps_the_weekend_that_it_ended_with() -> None:
    whole = Span(day(7), day(13))
    assert followers([Link(1, 2)], {1: week(1), 2: whole}, {1}) == {2: Span(day(14), day(20))}


def test_who_waits_for_a_moved_phase_but_has_time_stays() -> None:
    assert followers([Link(1, 2)], {1: week(1), 2: week(4)}, {1}) == {}


def test_a_ring_is_found_and_a_diamond_is_none() -> None:
    assert ring_in([Link(1, 2), Link(1, 3), Link(2, 4), Link(3, 4)]) == []
    ring = ring_in([Link(1, 2), Link(2, 3), Link(3, 1), Link(3, 9)])
    assert ring[0] == ring[-1]
    assert set(ring) == {1, 2, 3}


SPANS = st.builds(
    lambda first, days: Span(day(first), day(first + days)), st.integers(0, 400), st.integers(0, 60)
)
KINDS = st.sampled_from(["FS", "SS", "FF", "SF"])


@given(st.lists(SPANS, min_size=4, max_size=6), st.data())
def test_after_the_followers_moved_nothing_that_moved_is_broken(
    spans: list[Span], data: st.DataObject
) -> None:
    numbered = dict(enumerate(spans))
    ends = st.tuples(st.integers(0, len(spans) - 1), st.integers(0, len(spans) - 1))
    pairs = data.draw(st.sets(ends.filter(lambda e: e[0] < e[1]), max_size=8))
    links = [Link(a, b, data.draw(KINDS), data.draw(st.integers(-5, 5))) for a, b in pairs]
    moved = followers(links, numbered, {0})
    after = numbered | moved
    assert 0 not in moved
    pushed = {0, *moved}
    for fault in broken(links, after):
        assert fault.link.predecessor_id not in pushed
    for phase, span in moved.items():
        assert span.first <= span.last
        assert is_working_day(span.first)
        assert work_days(span) == work_days(numbered[phase])


WEEKDAYS = st.sets(st.integers(0, 6), min_size=1).map(frozenset)
ANY_SPANS = st.builds(
    lambda first, days, weekdays: Span(day(first), day(first + days), weekdays),
    st.integers(0, 400), st.integers(0, 40), WEEKDAYS,
)  # fmt: skip
LINKS = st.tuples(KINDS, st.integers(-5, 5))


@given(st.tuples(ANY_SPANS, ANY_SPANS, ANY_SPANS), LINKS, LINKS)
def test_a_follower_works_as_many_days_as_before_whatever_its_weekdays(
    spans: tuple[Span, Span, Span], one: tuple[str, int], two: tuple[str, int]
) -> None:
    patron = (6, 24)
    numbered = dict(enumerate(spans))
    found = followers([Link(0, 1, *one), Link(1, 2, *two)], numbered, {0}, patron)
    for phase_id, span in found.items():
        assert work_days(span, patron) == work_days(numbered[phase_id], patron)
        assert span.weekdays == numbered[phase_id].weekdays
