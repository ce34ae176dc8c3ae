"""Stays and titles corrected, merges taken back, names emptied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.households.models import (
    Household,
    HouseholdContact,
    HouseholdMerge,
    LookLog,
    Need,
    Stay,
    Tenancy,
)
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import csrf_of

Staff = Callable[[str], TestClient]
DAY = dt.timedelta(days=1)


@pytest.fixture
def world(works: tuple[World, Any]) -> World:
    return works[0]


def send(browser: TestClient, household: Household, where: str, **fields: str):  # type: ignore[no-untyped-def]
    page = f"/nuclei/{household.id}"
    csrf = csrf_of(browser.get(page).text)
    sent = {"csrf": csrf, "versione": str(household.row_version), **fields}
    return browser.post(f"{page}/{where}", data=sent)


def stay_of(session: Session, household: Household) -> Stay:
    return session.scalars(select(Stay).where(Stay.household_id == household.id)).one()


def test_a_household_that_left_is_not_there_any_more(
    staff: Staff, world: World, session: Session
) -> None:
    household, browser = world.households[0], staff("operator")
    stay = stay_of(session, household)
    assert "È andato via" in browser.get(f"/nuclei/{household.id}").text
    first = stay.period.lower.isoformat()  # type: ignore[union-attr]
    last = (MONDAY - DAY).isoformat()
    done = send(browser, household, "dove",
                **{f"dal-s{stay.id}": first, f"al-s{stay.id}": last})  # fmt: skip
    assert done.headers["location"] == f"/nuclei/{household.id}"
    session.expire_all()
    assert stay_of(session, household).period.upper == MONDAY
    assert household.code not in browser.get("/nuclei").text
    told = session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "household.stays_corrected")
    ).one()
    assert told.changes["stays"][1] == [f"alloggio n. {stay.flat_id}, {first}–{last}"]
    assert "mer 1 gen 2020–dom 1 mar 2026" in staff("coordinator").get("/cronologia").text


def test_a_title_is_corrected_and_one_that_never_was_is_taken_off(
    staff: Staff, world: World, session: Session
) -> None:
    household, browser = world.households[0], staff("operator")
    flat_id = stay_of(session, household).flat_id
    kept, wrong = (
        Tenancy(household_id=household.id, flat_id=flat_id, title=title,
                period=Range(MONDAY - 90 * DAY, None))
        for title in ("assignee", "guest")
    )  # fmt: skip
    session.add_all([kept, wrong])
    session.commit()
    since = (MONDAY - 60 * DAY).isoformat()
    fields = {f"dal-t{t.id}": since for t in (kept, wrong)}
    stay = stay_of(session, household)
    fields[f"dal-s{stay.id}"] = stay.period.lower.isoformat()  # type: ignore[union-attr]
    fields |= {f"titolo-t{kept.id}": "owner", f"titolo-t{wrong.id}": "guest"}
    done = send(browser, household, "dove", **fields, **{f"togli-t{wrong.id}": "1"})
    assert done.status_code == 303, done.text
    session.expire_all()
    (title,) = session.scalars(select(Tenancy).where(Tenancy.household_id == household.id))
    assert (title.title, title.period.lower) == ("owner", MONDAY - 60 * DAY)


def test_days_that_cannot_be_are_refused_beside_their_field(
    staff: Staff, world: World, session: Session
) -> None:
    household, browser = world.households[0], staff("operator")
    first = stay_of(session, household)
    first.period = Range(MONDAY - 90 * DAY, MONDAY)
    second = Stay(household_id=household.id, flat_id=world.flats[7].id, period=Range(MONDAY, None))
    session.add(second)
    session.commit()
    told = {f"dal-s{first.id}": "2025-01-01", f"dal-s{second.id}": MONDAY.isoformat()}
    both = send(browser, household, "dove", **told, **{f"al-s{first.id}": MONDAY.isoformat()})
    assert both.status_code == 422
    assert "risulta anche altrove" in both.text
    early = send(browser, household, "dove", **told, **{f"al-s{first.id}": "2024-01-01"})
    assert "viene prima del primo" in early.text
    assert 'value="2024-01-01"' in early.text
    world.flats[7].closed_on = MONDAY + 7 * DAY
    session.commit()
    later = (MONDAY + DAY).isoformat()
    told |= {f"al-s{first.id}": (MONDAY - DAY).isoformat(), f"dal-s{second.id}": later}
    closed = send(browser, household, "dove", **told)
    assert "è chiuso dal" in closed.text
    session.expire_all()
    assert session.get_one(Stay, first.id).period.upper == MONDAY


def test_the_second_to_correct_is_told(staff: Staff, world: World, session: Session) -> None:
    household = world.households[0]
    stay = stay_of(session, household)
    answer = send(staff("operator"), household, "dove", versione="99",
                  **{f"dal-s{stay.id}": "2021-02-03"})  # fmt: skip
    assert answer.status_code == 409
    assert 'value="2021-02-03"' in answer.text


def a_double(session: Session, kept: Household) -> Household:
    """Another record of the same household, with a stay of its own and a need."""
    stay = stay_of(session, kept)
    other = Household(quarter_id=kept.quarter_id, code="DOPPIO", language="ar", size=4)
    other.contact = HouseholdContact(name="Famiglia Doppia", phone="02 1234")
    session.add(other)
    session.flush()
    period = Range(MONDAY - 30 * DAY, None)
    session.add(Stay(household_id=other.id, flat_id=stay.flat_id, period=period))
    session.add(Tenancy(household_id=other.id, flat_id=stay.flat_id, title="guest", period=period))
    session.add(Need(household_id=other.id, kind="no_stairs", purpose="p", legal_basis="b",
                     review_on=MONDAY))  # fmt: skip
    session.commit()
    return other


def lived(session: Session, *households: Household) -> list[Any]:
    ids = [h.id for h in households]
    stays = select(Stay.household_id, Stay.flat_id, Stay.period)
    titles = select(Tenancy.household_id, Tenancy.title, Tenancy.period)
    return sorted(
        (tuple(map(str, row)) for query in (
            stays.where(Stay.household_id.in_(ids)), titles.where(Tenancy.household_id.in_(ids)))
         for row in session.execute(query)),
    )  # fmt: skip


def merged(browser: TestClient, session: Session, kept: Household, other: Household) -> None:
    answer = send(
        browser, kept, "unisci", codice=other.code, conferma="1",
        altra_versione=str(other.row_version), nome="Famiglia Unita", telefono="02 9999", email="",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    session.expire_all()


def test_a_merge_is_taken_back(staff: Staff, world: World, session: Session) -> None:
    kept, browser = world.households[0], staff("operator")
    other = a_double(session, kept)
    before, name = lived(session, kept, other), kept.contact.name  # type: ignore[union-attr]
    merged(browser, session, kept, other)
    assert lived(session, kept, other) != before
    page = browser.get(f"/nuclei/{kept.id}").text
    assert "separa di nuovo" in page
    done = session.scalars(select(HouseholdMerge)).one()
    answer = send(browser, kept, f"unisci/{done.id}/separa")
    assert answer.headers["location"] == f"/nuclei/{other.id}"
    session.expire_all()
    assert lived(session, kept, other) == before
    assert other.merged_into_id is None
    assert kept.contact.name == name  # type: ignore[union-attr]
    assert session.scalars(select(Need.household_id)).all() == [other.id]
    assert session.scalars(select(HouseholdMerge)).one().name == ""
    twice = send(browser, kept, f"unisci/{done.id}/separa")
    assert twice.status_code == 404


def test_what_was_mended_after_a_merge_stays(staff: Staff, world: World, session: Session) -> None:
    kept, browser = world.households[0], staff("operator")
    other = a_double(session, kept)
    merged(browser, session, kept, other)
    kept.contact.phone = "02 5555"  # type: ignore[union-attr]
    session.commit()
    done = session.scalars(select(HouseholdMerge)).one()
    send(browser, kept, f"unisci/{done.id}/separa")
    session.expire_all()
    assert kept.contact.phone == "02 5555"  # type: ignore[union-attr]


def test_a_move_after_a_merge_keeps_it_from_being_taken_back(
    staff: Staff, world: World, session: Session
) -> None:
    kept, browser = world.households[0], staff("operator")
    other = a_double(session, kept)
    merged(browser, session, kept, other)
    stay_of(session, kept).period = Range(MONDAY - 200 * DAY, MONDAY)
    session.commit()
    done = session.scalars(select(HouseholdMerge)).one()
    answer = send(browser, kept, f"unisci/{done.id}/separa")
    assert answer.status_code == 422
    assert "correggeteli a mano" in answer.text
    session.expire_all()
    assert other.merged_into_id == kept.id


def test_names_are_emptied_with_those_of_the_duplicates(
    staff: Staff, world: World, session: Session
) -> None:
    kept, browser = world.households[0], staff("coordinator")
    other = a_double(session, kept)
    merged(browser, session, kept, other)
    assert send(browser, kept, "svuota").status_code == 422
    assert send(browser, kept, "svuota", conferma="1").status_code == 303
    session.expire_all()
    for household in (kept, other):
        contact = session.get_one(HouseholdContact, household.id)
        assert (contact.name, contact.phone, contact.email) == ("", "", "")
    assert session.scalar(select(func.count()).select_from(Need)) == 0
    assert session.scalars(select(HouseholdMerge)).one().name == ""
    for page in (f"/nuclei/{kept.id}", f"/nuclei/{kept.id}/modifica", "/nuclei", "/cronologia",
                 f"/nuclei/{kept.id}/dove", f"/nuclei/{kept.id}/svuota"):  # fmt: skip
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert "Famiglia Unita" not in answer.text
        assert "Famiglia Doppia" not in answer.text


def test_a_move_into_a_flat_where_somebody_stays_asks_for_a_second_look(
    staff: Staff, world: World, session: Session
) -> None:
    first, second, other, hidden = (world.households[n] for n in (0, 1, 2, 5))
    hidden.protected = True
    session.commit()
    browser = staff("operator")

    def move(household: Household, to: Household, **more: str):  # type: ignore[no-untyped-def]
        flat = stay_of(session, to).flat
        where = {"scala": str(flat.stairwell_id), "interno": flat.number, "titolo": "guest"}
        day = MONDAY.isoformat()
        return send(browser, household, "trasferisci", giorno=day, **where, **more)

    doubted = move(first, other)
    assert doubted.status_code == 422
    assert f"risulta già il nucleo {other.code}" in doubted.text
    session.expire_all()
    assert stay_of(session, first).period.upper is None
    assert move(first, other, giusto="1").status_code == 303
    assert move(second, hidden).status_code == 303, "nobody learns of a protected address here"


def test_needs_to_review_are_a_task_of_coordinators(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    session.add(Need(household_id=household.id, kind="no_stairs", purpose="p", legal_basis="b",
                     review_on=MONDAY - DAY))  # fmt: skip
    session.add(Need(household_id=world.households[1].id, kind="no_stairs", purpose="p",
                     legal_basis="b", review_on=MONDAY + DAY))  # fmt: skip
    session.commit()
    browser = staff("coordinator")
    assert "da rivedere: un nucleo" in browser.get("/oggi").text
    page = browser.get("/nuclei?esigenza=review&stato=tutti").text
    assert f'/nuclei/{household.id}"' in page
    assert f'/nuclei/{world.households[1].id}"' not in page
    operator = staff("operator")
    assert "da rivedere: un nucleo" not in operator.get("/oggi").text
    looks = session.scalars(select(LookLog.reason).where(LookLog.what == "needs_list")).all()
    assert looks == ["review"]
