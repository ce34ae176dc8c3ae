"""Days as an Italian municipality counts them."""

from __future__ import annotations

import datetime as dt

import pytest

from geo_service.calendar import add_working_days, is_holiday, is_working_day, monday_of


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (dt.date(2026, 4, 6), True),  # Easter Monday
        (dt.date(2026, 4, 25), True),  # Liberazione, a Saturday
        (dt.date(2026, 6, 2), True),
        (dt.date(2026, 8, 15), True),
        (dt.date(2026, 3, 1), True),  # a Sunday
        (dt.date(2026, 3, 2), False),
        (dt.date(2026, 5, 22), False),
    ],
)
def test_holidays(day: dt.date, holiday: bool) -> None:
    assert is_holiday(day) is holiday


def test_the_patron_makes_a_holiday() -> None:
    assert is_holiday(dt.date(2026, 5, 22), patron=(5, 22))


def test_saturday_is_no_working_day_though_no_holiday() -> None:
    saturday = dt.date(2026, 3, 7)
    assert not is_holiday(saturday)
    assert not is_working_day(saturday)


def test_working_days_skip_weekends_and_holidays() -> None:
    thursday = dt.date(2026, 4, 2)
    # Good Friday is worked in Italy; Easter Monday is not.
    assert add_working_days(thursday, 2) == dt.date(2026, 4, 7)
    assert add_working_days(dt.date(2026, 4, 7), -2) == thursday
    assert add_working_days(thursday, 0) == thursday


def test_the_week_begins_on_monday() -> None:
    assert monday_of(dt.date(2026, 3, 8)) == dt.date(2026, 3, 2)
    assert monday_of(dt.date(2026, 3, 2)) == dt.date(2026, 3, 2)
