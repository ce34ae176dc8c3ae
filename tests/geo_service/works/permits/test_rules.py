"""Which permits a phase needs, and what is missing in those that are there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy.dialects.postgresql import Range

from geo_service.works.permits import states as permit_states
from geo_service.works.permits.rules import Need, PermitFacts, needs, rules
from geo_service.works.permits.work_hours import ClosureFacts, PhaseFacts, hours_outside
from layers.criteria.municipal import municipal_rule
from layers.sites import PERMIT_KINDS, PERMIT_STATES

MONDAY = dt.date(2026, 3, 2)
RULE = municipal_rule("parma")
DAY = dt.timedelta(days=1)


def phase(*hours: tuple[int, float, float, bool], **facts: object) -> PhaseFacts:
    told = {"preset": "", "starts_on": MONDAY, "ends_on": MONDAY + 4 * DAY, "loud": True}
    return PhaseFacts(**(told | facts), hours=hours)  # type: ignore[arg-type]


def permit(kind: str, state: str = "granted", **facts: object) -> PermitFacts:
    period = Range(MONDAY, MONDAY + 5 * DAY, bounds="[)")
    return PermitFacts(1, kind, state, "1", **({"period": period} | facts))  # type: ignore[arg-type]


def one(found: list[Need], rule: str) -> Need:
    (need,) = [n for n in found if n.rule == rule]
    return need


@pytest.mark.parametrize(
    ("hours", "outside"),
    [
        ((0, 8, 12, True), []),
        ((0, 7, 12, True), [(0, 7, 8)]),
        ((0, 8, 17, True), [(0, 13, 15)]),
        ((0, 7, 20, False), []),
        ((6, 9, 12, True), [(6, 9, 12)]),
        ((5, 21, 5, True), [(5, 21, 29)]),
        ((0, 18, 9, True), [(0, 19, 32)]),
    ],
)
def test_hours_outside_those_of_the_municipality(hours, outside) -> None:  # type: ignore[no-untyped-def]
    assert hours_outside(phase(hours), RULE) == outside


# Tuesday 2 June 2026 is a national holiday, Wednesday 24 June a patron's day.
JUNE = dt.date(2026, 6, 1)
PATRON = (6, 24)


@pytest.mark.parametrize(
    ("hours", "first", "last", "outside"),
    [
        # A week with a holiday in it: nobody works then.
        ([(d, 8, 12, True) for d in range(5)], 1, 5, []),
        # A phase of that day alone works on it, as on a Sunday.
        ([(1, 8, 12, True)], 2, 2, [(1, 8, 12)]),
        ([(2, 8, 12, True)], 24, 24, [(2, 8, 12)]),
        # The night before: what lies after midnight is a holiday's.
        ([(0, 10, 9, False)], 1, 1, [(0, 20, 33)]),
        ([(0, 10, 9, False)], 8, 8, [(0, 20, 31)]),
        ([(0, 10, 9, False)], 1, 8, [(0, 20, 33), (0, 20, 31)]),
    ],
)
def test_a_holiday_is_a_sunday(hours, first: int, last: int, outside) -> None:  # type: ignore[no-untyped-def]
    told = phase(*hours, starts_on=JUNE.replace(day=first), ends_on=JUNE.replace(day=last))
    assert sorted(hours_outside(told, RULE, PATRON)) == sorted(outside)


def test_the_holiday_is_named() -> None:
    told = phase((1, 8, 12, True), starts_on=JUNE + DAY, ends_on=JUNE + DAY)
    assert "giorni festivi: mar 2 giu 2026" in one(needs(told, [], RULE, PATRON), "noise_hours").why
    sunday = phase((6, 8, 12, True), starts_on=JUNE, ends_on=JUNE + 13 * DAY)
    assert "festivi" not in one(needs(sunday, [], RULE, PATRON), "noise_hours").why


def test_quiet_works_need_no_derogation() -> None:
    assert needs(phase((6, 9, 12, False), loud=False), [], RULE) == []


@pytest.mark.parametrize(
    ("conditions", "met"),
    [
        ({"from": "21:00", "until": "05:00"}, True),
        ({"from": "20:00", "until": "06:00"}, True),
        ({"from": "22:00", "until": "05:00"}, False),
        ({"from": "21:00", "until": "04:00"}, False),
        ({"until": "05:00"}, False),
        ({}, False),
    ],
)
def test_a_night_derogation_covers_its_hours(conditions: dict[str, str], met: bool) -> None:
    night = phase((2, 21, 5, True))
    found = one(needs(night, [permit("noise_derogation", conditions=conditions)], RULE),
                "noise_hours")  # fmt: skip
    assert found.met is met


def test_a_derogation_that_only_says_until_when() -> None:
    late = phase((0, 8, 12, True), (0, 15, 22, True))
    until = permit("noise_derogation", conditions={"until": "22:00"})
    assert one(needs(late, [until], RULE), "noise_hours").met


@pytest.mark.parametrize(
    ("state", "problem"),
    [("pending", "chiesta"), ("in_progress", "in corso"), ("refused", "negata")],
)
def test_a_permit_that_was_not_given(state: str, problem: str) -> None:
    night = phase((0, 21, 23, True))
    found = one(needs(night, [permit("noise_derogation", state)], RULE), "noise_hours")
    assert found.problems == (problem,)
    assert one(needs(night, [], RULE), "noise_hours").problems == ("non registrata",)


def test_a_permit_that_ends_too_early() -> None:
    short = permit("noise_derogation", period=Range(MONDAY, MONDAY + DAY, bounds="[)"),
                   conditions={"from": "20:00", "until": "23:30"})  # fmt: skip
    (problem,) = one(needs(phase((0, 21, 23, True)), [short], RULE), "noise_hours").problems
    assert problem.startswith("vale lun 2 mar 2026, serve da lun 2 mar 2026 a ven 6 mar 2026")


def test_asbestos_needs_its_plan_thirty_days_before() -> None:
    works = phase(preset="asbestos_roof", loud=False)
    assert one(needs(works, [], RULE), "asbestos").due == MONDAY - 30 * DAY
    in_time = permit("asbestos_plan", conditions={"sent_on": (MONDAY - 30 * DAY).isoformat()})
    too_late = permit("asbestos_plan", conditions={"sent_on": (MONDAY - 29 * DAY).isoformat()})
    assert one(needs(works, [in_time], RULE), "asbestos").met
    assert "era sab 31 gen 2026" in one(needs(works, [too_late], RULE), "asbestos").problems[0]
    assert "ATS" in one(needs(works, [permit("asbestos_plan")], RULE), "asbestos").problems[0]


def test_parking_needs_an_order_and_signs_two_days_before() -> None:
    closed = phase(loud=False, closures=(ClosureFacts("courtyard", MONDAY, MONDAY + 4 * DAY, 22),))
    found = needs(closed, [], RULE)
    assert [n.rule for n in found] == ["traffic", "no_parking_signs"]
    assert one(found, "no_parking_signs").problems == ("cartelli da posare entro sab 28 feb 2026",)
    ready = permit("traffic_order", conditions={"signs_on": (MONDAY - 2 * DAY).isoformat()})
    assert all(n.met for n in needs(closed, [ready], RULE))
    late = permit("traffic_order", conditions={"signs_on": (MONDAY - DAY).isoformat()})
    assert "meno di 48 ore" in one(needs(closed, [late], RULE), "no_parking_signs").problems[0]


def test_a_pavement_is_only_to_be_verified() -> None:
    closed = phase(loud=False, closures=(ClosureFacts("footway", MONDAY, MONDAY, 0),))
    (found,) = needs(closed, [], RULE)
    assert (found.kind, found.sure, found.problems) == ("public_ground", False, ("non registrata",))


def test_the_best_permit_counts() -> None:
    night = phase((0, 21, 23, True))
    both = [
        permit("noise_derogation", "refused"),
        permit("noise_derogation", conditions={"from": "20:00", "until": "23:59"}),
    ]
    assert one(needs(night, both, RULE), "noise_hours").met


def test_a_granted_permit_for_other_days_does_not_hide_the_one_that_fits() -> None:
    night = phase((0, 21, 23, True))
    hours = {"from": "20:00", "until": "23:59"}
    other_days = Range(MONDAY + 30 * DAY, MONDAY + 35 * DAY, bounds="[)")
    fits = permit("noise_derogation", conditions=hours)
    later = replace(fits, id=2, period=other_days)
    found = one(needs(night, [fits, later], RULE), "noise_hours")
    assert (found.met, found.permit) == (True, fits)
    # Where none fits, the newer of those that lack as much is named.
    assert one(needs(night, [replace(later, id=1), later], RULE), "noise_hours").permit == later


def test_signs_are_those_of_the_order_that_holds_on_the_first_day() -> None:
    closed = phase(loud=False, closures=(ClosureFacts("courtyard", MONDAY, MONDAY + 4 * DAY, 22),))
    ready = permit("traffic_order", conditions={"signs_on": (MONDAY - 2 * DAY).isoformat()})
    later = Range(MONDAY + 30 * DAY, MONDAY + 35 * DAY, bounds="[)")
    next_order = replace(ready, id=2, period=later, conditions={})
    assert all(n.met and n.permit == ready for n in needs(closed, [ready, next_order], RULE))


def test_every_rule_names_its_permit_and_source() -> None:
    for rule in rules().values():
        assert rule["permit"] in PERMIT_KINDS
        assert rule["source"]


def test_the_table_of_states_is_whole() -> None:
    assert set(permit_states.CHANGES) == set(PERMIT_STATES) == set(permit_states.STATE_WORDS)
    assert set(permit_states.KIND_WORDS) == set(PERMIT_KINDS)
    assert all(set(after) <= set(PERMIT_STATES) for after in permit_states.CHANGES.values())
    assert not permit_states.may_change("refused", "granted")
    # Whatever was recorded, there is a way to granted.
    for state in PERMIT_STATES:
        seen = {state}
        for _step in PERMIT_STATES:
            seen |= {a for s in seen for a in permit_states.CHANGES[s]}
        assert "granted" in seen
