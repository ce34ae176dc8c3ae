"""Hours against the clock."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layers.impacts.scene import Hours
from layers.impacts.working_hours import PART_HOURS, noisy_hours, part_hours

times = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def hours(weekday: int, start: str, end: str, noisy: bool = True) -> Hours:
    return Hours(weekday, dt.time.fromisoformat(start), dt.time.fromisoformat(end), noisy)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("08:00", "12:30", (4.5, 0, 0)),
        ("18:00", "23:00", (2, 2, 1)),
        ("22:00", "05:00", (0, 0, 7)),
        ("04:00", "08:00", (2, 0, 2)),
        ("20:00", "07:00", (1, 2, 8)),
        ("00:00", "00:00", None),
    ],
)
def test_hours_in_each_part_of_day(start: str, end: str, expected: tuple[float, ...]) -> None:
    found = part_hours([hours(2, start, end)])
    if expected is None:
        assert sum(found.by_weekday[p][2] for p in found.by_weekday) == 24.0
        return
    told = tuple(float(found.by_weekday[p][2]) for p in ("day", "evening", "night"))
    assert told == pytest.approx(expected)


def test_hours_told_twice_count_once() -> None:
    found = part_hours([hours(0, "08:00", "12:00"), hours(0, "10:00", "13:00")])
    assert found.longest_h("day") == 5.0


def test_weekdays_are_those_with_work_in_the_part() -> None:
    found = part_hours([hours(0, "08:00", "12:00"), hours(5, "21:00", "23:00")])
    assert found.weekdays("day") == 0b0000001
    assert found.weekdays("evening") == found.weekdays("night") == 0b0100000


def test_noisy_hours_stand_for_the_machines() -> None:
    quiet, loud = hours(0, "07:30", "17:30", False), hours(0, "08:00", "12:00")
    assert noisy_hours([quiet, loud]) == ((loud,), "")
    assert noisy_hours([quiet])[0] == (quiet,)
    assert "No noisy hours" in noisy_hours([quiet])[1]
    assumed, note = noisy_hours([])
    assert part_hours(assumed).longest_h("day") == 8.0
    assert "assumed" in note


@given(st.lists(st.tuples(st.integers(0, 6), times, times), max_size=6))
@example([(0, dt.time(0), dt.time(6)), (0, dt.time(22), dt.time(6))])
def test_no_part_of_day_is_longer_than_itself(spans: list[tuple[int, dt.time, dt.time]]) -> None:
    found = part_hours([Hours(day, start, end, True) for day, start, end in spans])
    for part, length in PART_HOURS.items():
        assert np.all(found.by_weekday[part] <= length + 1e-9)
    total = sum(found.by_weekday[part].sum() for part in PART_HOURS)
    assert (
        total
        >= max(
            (
                ((end.hour - start.hour) * 60 + end.minute - start.minute) / 60 % 24
                for _, start, end in spans
            ),
            default=0.0,
        )
        - 1e-6
    )
