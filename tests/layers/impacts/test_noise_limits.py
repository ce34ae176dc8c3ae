"""Which limit holds on which day, and which hours nobody allows."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from layers.criteria import municipal_rule
from layers.impacts.noise_limits import hours_to_verify, limit_spans
from layers.impacts.scene import Hours, NoisePermit
from tests.layers.impacts.scenes import MONDAY, WEEK, works

RULE = municipal_rule()
LIMIT = RULE.facade_limit_dba


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def spans(*permits: NoisePermit, hours: tuple[Hours, ...] = WEEK, part: str = "day") -> list:
    found = limit_spans(works(permits=permits), hours, part, RULE)  # type: ignore[arg-type]
    assert found[0].first == MONDAY
    assert found[-1].after == day(14)
    assert all(a.after == b.first for a, b in pairwise(found))
    return [((s.first - MONDAY).days, s.limit_dba, s.permitted) for s in found]


def test_without_a_permit_the_municipality_decides_every_day() -> None:
    assert spans() == [(0, LIMIT, False)]


def test_a_permit_counts_on_its_days_only() -> None:
    assert spans(NoisePermit(day(3), day(5), 85.0)) == [
        (0, LIMIT, False), (3, 85.0, True), (5, LIMIT, False)
    ]  # fmt: skip
    assert spans(NoisePermit(day(-9), None, 85.0)) == [(0, 85.0, True)]


def test_in_its_hours_only_and_machines_outside_them_keep_the_lower_limit() -> None:
    evening = NoisePermit(day(0), None, 85.0, from_h=18.0, until_h=22.0)
    assert spans(evening) == [(0, LIMIT, False)]
    whole = NoisePermit(day(0), None, 85.0, from_h=8.0, until_h=18.0)
    assert spans(whole) == [(0, 85.0, True)]
    half = NoisePermit(day(0), None, 85.0, from_h=8.0, until_h=15.0)
    assert spans(half) == [(0, LIMIT, False)]
    late = (Hours(2, dt.time(18), dt.time(22), True),)
    assert spans(evening, hours=late, part="evening") == [(0, 85.0, True)]


def test_a_night_permit_past_midnight() -> None:
    night = (Hours(2, dt.time(21), dt.time(5), True),)
    permit = NoisePermit(day(2), day(3), 80.0, from_h=21.0, until_h=5.0)
    assert spans(permit, hours=night, part="night") == [
        (0, LIMIT, False), (2, 80.0, True), (3, LIMIT, False)
    ]  # fmt: skip


def test_of_two_permits_the_higher_limit_counts_and_a_stricter_one_is_kept_alone() -> None:
    both = (NoisePermit(day(0), None, 75.0), NoisePermit(day(0), day(7), 82.0))
    assert spans(*both) == [(0, 82.0, True), (7, 75.0, True)]
    assert spans(NoisePermit(day(0), None, 60.0)) == [(0, 60.0, True)]


def test_a_permit_of_hours_alone_leaves_the_limit() -> None:
    assert spans(NoisePermit(day(0), None, None, until_h=22.0)) == [(0, LIMIT, False)]


def test_hours_outside_the_rule_are_to_be_verified_unless_a_permit_tells_them() -> None:
    pour = (Hours(2, dt.time(8), dt.time(12), True), Hours(2, dt.time(14), dt.time(22), True))
    (told,) = hours_to_verify(works(), pour, RULE)
    assert "22:00" in told
    assert "to be verified" in told
    permit = NoisePermit(day(2), day(3), until_h=22.0)
    (other_week,) = hours_to_verify(works(permits=(permit,)), pour, RULE)
    assert "22:00" in other_week
    one_day = works(starts_on=day(2), ends_on=day(3), permits=(permit,))
    assert hours_to_verify(one_day, pour, RULE) == []
    mute = works(starts_on=day(2), ends_on=day(3), permits=(NoisePermit(day(2), day(3), 80.0),))
    assert hours_to_verify(mute, pour, RULE)


def test_a_sunday_is_outside_and_usual_hours_are_inside() -> None:
    start, end = RULE.hours(noisy=True)[0]
    usual = Hours(0, dt.time(int(start), 30), dt.time(int(end)), True)
    assert hours_to_verify(works(), (usual,), RULE) == []
    assert hours_to_verify(works(), (Hours(6, dt.time(9), dt.time(11), True),), RULE)
