"""The invented households: proportions, stays, and the needs that planted situations hang on."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from geo_service.demo.people import EMPTY, MOVED, PeopleFrames, make_people
from geo_service.demo.quarter import building_id, make_quarter

TODAY = dt.date(2026, 11, 23)
FLAT = ["building", "stairwell", "number"]


@pytest.fixture(scope="module")
def flats() -> pd.DataFrame:
    return make_quarter().flats


@pytest.fixture(scope="module")
def people(flats: pd.DataFrame) -> PeopleFrames:
    return make_people(flats, TODAY)


@pytest.fixture(scope="module")
def present(people: PeopleFrames) -> pd.DataFrame:
    return people.stays[people.stays.ends_on.isna()].merge(people.households, on="code")


def test_the_same_day_gives_the_same_people_and_another_day_moves_only_dates(
    flats: pd.DataFrame, people: PeopleFrames
) -> None:
    again, later = make_people(flats, TODAY), make_people(flats, TODAY + dt.timedelta(days=35))
    pd.testing.assert_frame_equal(again.stays, people.stays)
    pd.testing.assert_frame_equal(again.needs, people.needs)
    pd.testing.assert_frame_equal(later.households, people.households)
    moved = later.stays.starts_on - people.stays.starts_on
    assert set(moved) == {dt.timedelta(days=35)}


def test_languages_stand_in_the_proportions_of_the_north(present: pd.DataFrame) -> None:
    share = present.language.value_counts(normalize=True)
    assert 0.58 < share["it"] < 0.68
    assert {"it", "ro", "ar", "ur", "zh", "uk", "sq", "es", "bn", "fr"} <= set(share.index)
    assert share["ar"] > share["ro"] > share["sq"] > share["bn"] > 0.01


def test_between_eight_and_ten_per_cent_of_the_flats_are_empty(
    flats: pd.DataFrame, present: pd.DataFrame
) -> None:
    homes = flats[(flats.use == "dwelling") & (flats.building != building_id(7))]
    lived_in = present.drop_duplicates(FLAT).merge(homes, on=FLAT)
    empty = len(homes) - len(lived_in)
    assert empty == EMPTY
    assert 0.08 <= empty / len(homes) <= 0.10


def test_everybody_left_building_7_and_sleeps_elsewhere_in_the_quarter(
    people: PeopleFrames, present: pd.DataFrame
) -> None:
    assert (present.building != building_id(7)).all()
    past = people.stays[people.stays.ends_on.notna()]
    assert len(past) == past.code.nunique() == MOVED
    assert (past.building == building_id(7)).all()
    assert past.ends_on.between(TODAY - dt.timedelta(weeks=15), TODAY - dt.timedelta(weeks=4)).all()
    both = past.merge(present, on="code")
    assert len(both) == MOVED
    assert (both.ends_on_x + dt.timedelta(days=1) == both.starts_on_y).all()


def test_three_moved_households_look_at_the_demolition(
    flats: pd.DataFrame, people: PeopleFrames, present: pd.DataFrame
) -> None:
    moved = people.stays[people.stays.ends_on.notna()].code
    opposite = present[present.code.isin(moved) & (present.building == building_id(8))]
    assert len(opposite) == 3
    assert opposite.merge(flats, on=FLAT).exposures.map(lambda e: "S" in e).all()


def test_nobody_sleeps_in_two_places_and_no_flat_is_unknown(
    flats: pd.DataFrame, people: PeopleFrames, present: pd.DataFrame
) -> None:
    assert present.code.is_unique
    assert len(people.stays.merge(flats, on=FLAT)) == len(people.stays)
    shared = present[present.duplicated(FLAT, keep=False)]
    assert len(shared) == 4, "two guests share a flat with their hosts"


def test_titles_follow_what_is_sold(flats: pd.DataFrame, people: PeopleFrames) -> None:
    held = people.stays.merge(flats, on=FLAT)
    own = held[held.title.isin(["owner", "private_tenant"])]
    assert own.sold.all()
    assert (held[held.title == "business"].use == "shop").all()
    assert {"assignee", "owner", "private_tenant", "untitled", "business", "guest"} == set(
        held.title
    )


def test_needs_are_practical_and_the_planted_ones_are_there(
    people: PeopleFrames, present: pd.DataFrame
) -> None:
    needs = people.needs.merge(present, on="code")
    assert needs.purpose.str.len().gt(0).all()
    assert needs.legal_basis.str.len().gt(0).all()
    assert (needs.review_on > TODAY).all()
    assert not needs.duplicated(["code", "kind"]).any()
    in_10 = needs[(needs.kind == "life_support") & (needs.building == building_id(10))]
    assert len(in_10) == 1
    assert (needs[needs.stairwell == "4A"].kind == "step_free").sum() == 1
    upstairs_2a = needs[(needs.stairwell == "2A") & (needs.kind == "no_stairs")]
    assert len(upstairs_2a) >= 2


def test_nobody_can_be_reached_by_mistake(people: PeopleFrames) -> None:
    households = people.households
    assert households.phone.str.fullmatch(r"\+39 000 \d{7}").all()
    mails = households.email[households.email != ""]
    assert len(mails) > 20
    assert mails.str.endswith("@example.org").all()
    assert households.protected.sum() == 2
