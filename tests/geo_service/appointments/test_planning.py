"""Slots: stairwell by stairwell, no holidays, wishes kept; a moved phase takes them along."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service import calendar
from geo_service.appointments.planning import (
    Home,
    Rules,
    Slot,
    WorkDays,
    follow,
    plan,
    work_days,
)

MONDAY = dt.date(2026, 3, 2)
EIGHT, NOON, ONE, FIVE = dt.time(8), dt.time(12), dt.time(13), dt.time(17)
DAY = dt.timedelta(days=1)


def days(first: dt.date = MONDAY, last: dt.date = MONDAY + 11 * DAY) -> WorkDays:
    return work_days(first, last, [(d, EIGHT, FIVE, False) for d in range(5)])


def home(flat: int, storey: int | None = 0, stairwell: int = 0, **wish: dt.time) -> Home:
    return Home(flat, stairwell, storey, str(flat), **wish)


def rules(**more: object) -> Rules:
    return Rules(**{"first": MONDAY, "minutes": 240, "pause": (NOON, ONE), **more})  # type: ignore[arg-type]


def test_from_the_top_floor_down_stairwell_by_stairwell() -> None:
    homes = [home(1, 0), home(2, 2), home(3, 1), home(4, 1, stairwell=1), home(5, None)]
    found = plan(homes, days(), rules())
    assert list(found.slots) == [2, 3, 1, 5, 4]
    assert found.slots[2] == Slot(MONDAY, EIGHT, NOON)
    assert found.slots[3] == Slot(MONDAY, ONE, FIVE)
    assert found.slots[1].day == MONDAY + DAY
    assert list(plan(homes, days(), rules(downward=False)).slots) == [1, 3, 2, 5, 4]


def test_crews_work_side_by_side() -> None:
    found = plan([home(n, n) for n in (1, 2, 3)], days(), rules(crews=2))
    assert [(s.day, s.starts_at, s.crew) for s in found.slots.values()] == [
        (MONDAY, EIGHT, 1),
        (MONDAY, EIGHT, 2),
        (MONDAY, ONE, 1),
    ]


def test_holidays_and_weekends_are_left_out() -> None:
    # Easter Monday 2026 is the 6th of April.
    easter = days(dt.date(2026, 4, 3), dt.date(2026, 4, 10))
    found = plan([home(n, -n) for n in range(4)], easter, rules(first=dt.date(2026, 4, 3)))
    assert [s.day.day for s in found.slots.values()] == [3, 3, 7, 7]
    patron = work_days(MONDAY, MONDAY + DAY, [(0, EIGHT, FIVE, False)], (3, 2))
    assert plan([home(1)], patron, rules()).left == (1,)


def test_a_household_gets_the_hours_it_asked_for_and_the_next_takes_what_it_passed() -> None:
    homes = [home(1, 2, not_before=NOON), home(2, 1), home(3, 0, not_after=NOON)]
    found = plan(homes, days(), rules()).slots
    assert found[1] == Slot(MONDAY, ONE, FIVE)
    assert found[2] == Slot(MONDAY, EIGHT, NOON)
    assert found[3] == Slot(MONDAY + DAY, EIGHT, NOON)


def test_who_finds_no_room_is_told() -> None:
    short = days(MONDAY, MONDAY)
    assert plan([home(1, 2), home(2, 1), home(3, 0)], short, rules()).left == (3,)
    narrow = plan([home(1, not_before=NOON, not_after=dt.time(14))], days(), rules())
    assert narrow.left == (1,)


def test_slots_that_stay_are_not_given_twice() -> None:
    taken = [Slot(MONDAY, dt.time(9), dt.time(10))]
    found = plan([home(1)], days(), rules(), taken)
    assert found.slots[1] == Slot(MONDAY, ONE, FIVE)


@given(
    number=st.integers(0, 40),
    crews=st.integers(1, 4),
    minutes=st.sampled_from([30, 45, 60, 90, 120, 240]),
    start=st.dates(dt.date(2025, 1, 1), dt.date(2027, 12, 31)),
)
def test_every_slot_lies_in_working_hours_and_no_crew_is_in_two_places(
    number: int, crews: int, minutes: int, start: dt.date
) -> None:
    period = days(start, start + 20 * DAY)
    homes = [home(n, n % 7, n % 3) for n in range(number)]
    found = plan(homes, period, rules(first=start, crews=crews, minutes=minutes))
    slots = list(found.slots.values())
    assert len(slots) + len(found.left) == number
    for i, slot in enumerate(slots):
        assert period.objection(slot.day, slot.starts_at, slot.ends_at) == ""
        assert not calendar.is_holiday(slot.day)
        assert slot.ends_at <= NOON or slot.starts_at >= ONE
        assert not any(slot.meets(other) for other in slots[i + 1 :])


@pytest.mark.parametrize(
    ("day", "starts", "ends", "objection"),
    [
        (MONDAY, EIGHT, NOON, ""),
        (MONDAY, dt.time(7), NOON, "hours"),
        (MONDAY, ONE, dt.time(18), "hours"),
        (MONDAY + 5 * DAY, EIGHT, NOON, "no_work"),
        (MONDAY + 6 * DAY, EIGHT, NOON, "holiday"),
        (MONDAY - DAY, EIGHT, NOON, "outside"),
    ],
)
def test_why_a_slot_cannot_be(day: dt.date, starts: dt.time, ends: dt.time, objection: str) -> None:
    assert days().objection(day, starts, ends) == objection


def test_nobody_is_let_in_at_night() -> None:
    night = work_days(MONDAY, MONDAY + 4 * DAY, [(0, dt.time(21), dt.time(5), False)])
    assert plan([home(1)], night, rules()).left == (1,)


def test_noisy_hours_count_where_there_are_no_others() -> None:
    assert work_days(MONDAY, MONDAY, [(0, EIGHT, NOON, True)]).windows == {0: ((EIGHT, NOON),)}
    both = [(0, EIGHT, FIVE, False), (0, EIGHT, NOON, True)]
    assert work_days(MONDAY, MONDAY, both).windows == {0: ((EIGHT, FIVE),)}


def moved(before: WorkDays, after: WorkDays, *slots: Slot) -> list[tuple[str, dt.date]]:
    steps = follow(list(enumerate(slots)), before, after, MONDAY - 30 * DAY)
    return [(steps[n].what, steps[n].slot.day) for n in range(len(slots))]


MORNING = Slot(MONDAY, EIGHT, NOON)


def test_a_phase_that_moves_takes_all_its_slots_along() -> None:
    later = days(MONDAY + 7 * DAY, MONDAY + 18 * DAY)
    second = Slot(MONDAY + 8 * DAY, EIGHT, NOON)
    found = moved(days(), later, MORNING, second)
    assert found == [("moved", MONDAY + 7 * DAY), ("moved", MONDAY + 15 * DAY)]


def test_a_day_without_work_gives_way_to_the_next_free_one() -> None:
    # By five days, so that Monday falls on a Saturday; Monday after is taken by Wednesday's.
    later = days(MONDAY + 5 * DAY, MONDAY + 16 * DAY)
    wednesday = Slot(MONDAY + 2 * DAY, EIGHT, NOON)
    found = moved(days(), later, MORNING, wednesday)
    assert found == [("moved", MONDAY + 8 * DAY), ("moved", MONDAY + 7 * DAY)]


def test_a_phase_that_only_changes_its_ends_keeps_what_is_still_inside() -> None:
    late = Slot(MONDAY + 11 * DAY, EIGHT, NOON)
    longer = days(MONDAY, MONDAY + 18 * DAY)
    assert moved(days(), longer, MORNING, late) == [
        ("kept", MORNING.day),
        ("kept", late.day),
    ]
    starts_later = days(MONDAY + 7 * DAY, MONDAY + 11 * DAY)
    assert moved(days(), starts_later, MORNING, late) == [
        ("moved", MONDAY + 7 * DAY),
        ("kept", late.day),
    ]


def test_a_weekday_without_work_moves_its_slot_to_the_next_one_only() -> None:
    # The phase ends a month later and Saturdays go: Saturday's visit is on Monday, not in July.
    first, last = dt.date(2026, 6, 1), dt.date(2026, 6, 30)
    before = work_days(first, last, [(d, EIGHT, FIVE, False) for d in range(6)])
    saturday = Slot(dt.date(2026, 6, 6), EIGHT, NOON)
    after = days(first, dt.date(2026, 7, 31))
    assert moved(before, after, saturday) == [("moved", dt.date(2026, 6, 8))]
    earlier = days(dt.date(2026, 5, 4), last)
    assert moved(before, earlier, saturday) == [("moved", dt.date(2026, 6, 8))]


def test_what_has_no_day_left_is_for_a_person() -> None:
    one_day = days(MONDAY + 7 * DAY, MONDAY + 7 * DAY)
    other = Slot(MONDAY + DAY, EIGHT, NOON)
    assert [w for w, _ in moved(days(), one_day, MORNING, other)] == ["moved", "stuck"]


def test_visits_already_past_stay_and_none_moves_into_the_past() -> None:
    today = MONDAY + 7 * DAY
    earlier = days(MONDAY - 7 * DAY, MONDAY + 4 * DAY)
    steps = follow([(1, MORNING), (2, Slot(today + DAY, EIGHT, NOON))], days(), earlier, today)
    assert steps[1].what == "kept"
    assert steps[2].what == "stuck"
