"""New flats and households, the end of a flat: checked, told, done once, seen by whom they may."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.households.models import Household, Stay, Tenancy
from geo_service.jobs import JobProgress
from layers.buildings import Flat
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import csrf_of
from tests.geo_service.desk.test_building_edit import fields_of, submit

Staff = Callable[[str], TestClient]


@pytest.fixture
def world(works: tuple[World, Any], session: Session) -> World:
    """Eight flats, the last one empty; the sixth household at a protected address."""
    works[0].households[5].protected = True
    session.commit()
    return works[0]


def new_flat(world: World) -> str:
    return f"/edifici/{world.buildings[0].id}/alloggi/nuovo"


def entries(session: Session, action: str) -> list[HistoryEntry]:
    return list(session.scalars(select(HistoryEntry).where(HistoryEntry.action == action)))


def test_a_flat_is_added_once_with_all_its_facts(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("coordinator")
    sent = {
        **fields_of(browser.get(new_flat(world)).text), "scala": str(world.stairwells[0].id),
        "interno": "9", "piano": "-1", "locali": "3", "superficie": "72,5", "gradini": "si",
        "uso": "shop", "venduto": "1", "affacci": ["SW", "N"],
    }  # fmt: skip
    first, second = (browser.post(new_flat(world), data=sent) for _ in range(2))
    assert first.status_code == 303, first.text
    assert first.headers["location"] == second.headers["location"]
    flat = session.scalars(select(Flat).where(Flat.number == "9")).one()
    assert (flat.storey, flat.rooms, flat.area_m2, flat.step_free) == (-1, 3, 72.5, True)
    assert (flat.use, flat.sold, flat.exposures) == ("shop", True, ["N", "SW"])
    (entry,) = entries(session, "flat.added")
    assert entry.changes["exposures"] == [None, ["N", "SW"]]
    page = browser.get(first.headers["location"]).text
    assert 'value="SW" checked' in page
    assert "ha aggiunto l&#39;alloggio Edificio 1 A int. 9" in browser.get("/cronologia").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"interno": "1"}, "già un alloggio con questo interno"),
        ({"interno": ""}, "Non può restare vuoto"),
        ({"scala": "99999"}, "Scegliete la scala"),
        ({"piano": "200"}, "da -3 a 130"),
        ({"superficie": "zero"}, "maggiore di 0"),
    ],
)
def test_a_flat_that_cannot_be_is_refused(
    staff: Staff, world: World, session: Session, fields: dict[str, str], words: str
) -> None:
    sent = {"scala": str(world.stairwells[0].id), "interno": "9", "uso": "dwelling", **fields}
    answer = submit(staff("coordinator"), new_flat(world), **sent)
    assert answer.status_code == 422
    assert words in answer.text
    assert len(session.scalars(select(Flat)).all()) == 8


def test_empty_flats_are_for_coordinators(staff: Staff, world: World) -> None:
    operator = staff("operator")
    assert operator.get(new_flat(world)).status_code == 403
    assert operator.get(f"/alloggi/{world.flats[7].id}/chiudi").status_code == 403
    # The form of a new household does not tell which flats there are and stand empty.
    page = operator.get(f"/nuclei/nuovo?alloggio={world.flats[7].id}").text
    assert fields_of(page)["interno"] == ""
    seen = operator.get(f"/nuclei/nuovo?alloggio={world.flats[1].id}").text
    assert fields_of(seen)["interno"] == "2"


def computed_again(session: Session) -> list[int]:
    """Buildings for which phases are computed again."""
    jobs = session.scalars(select(JobProgress).where(JobProgress.task == "recompute_many"))
    return [job.args["building_id"] for job in jobs]


def test_a_new_flat_and_a_closed_one_have_the_phases_nearby_computed_again(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("coordinator")
    sent = {"scala": str(world.stairwells[0].id), "interno": "9", "uso": "dwelling"}
    assert submit(browser, new_flat(world), **{**sent, "interno": "1"}).status_code == 422
    assert computed_again(session) == []
    assert submit(browser, new_flat(world), **sent).status_code == 303
    assert computed_again(session) == [world.buildings[0].id]
    closing = f"/alloggi/{world.flats[7].id}/chiudi"
    assert submit(browser, closing, conferma="1").status_code == 303
    assert computed_again(session) == [b.id for b in world.buildings]


@pytest.mark.parametrize(
    ("fields", "again"),
    [
        ({"piano": "7"}, True),
        ({"affacci": "N"}, True),
        ({"uso": "shop"}, True),
        ({"locali": "4"}, False),
    ],
)
def test_a_changed_flat_has_them_computed_again_where_the_impacts_depend_on_it(
    staff: Staff, world: World, session: Session, fields: dict[str, str], again: bool
) -> None:
    browser, flat = staff("operator"), world.flats[0]
    page = browser.get(f"/alloggi/{flat.id}").text
    state = re.search(r'name="prima" value="([^"]+)"', page)
    assert state is not None
    sent = {"csrf": csrf_of(page), "prima": state[1], "interno": flat.number,
            "piano": str(flat.storey), "uso": flat.use, **fields}  # fmt: skip
    assert browser.post(f"/alloggi/{flat.id}", data=sent).status_code == 303
    assert computed_again(session) == ([world.buildings[0].id] if again else [])


def test_a_flat_does_not_end_on_a_day_to_come(staff: Staff, world: World, session: Session) -> None:
    tomorrow = (MONDAY + dt.timedelta(days=1)).isoformat()
    closing = f"/alloggi/{world.flats[7].id}/chiudi"
    answer = submit(staff("coordinator"), closing, conferma="1", giorno=tomorrow)
    assert answer.status_code == 422
    assert "deve ancora venire" in answer.text
    session.expire_all()
    assert world.flats[7].closed_on is None


def test_a_flat_ends_when_nobody_stays_in_it(staff: Staff, world: World, session: Session) -> None:
    browser = staff("coordinator")
    full, empty = (f"/alloggi/{world.flats[n].id}/chiudi" for n in (0, 7))
    answer = submit(browser, full, conferma="1")
    assert answer.status_code == 422
    assert "Qualcuno risulta ancora qui" in answer.text
    assert "Segnate la casella" in submit(browser, empty).text
    assert submit(browser, empty, conferma="1").status_code == 303
    session.expire_all()
    assert world.flats[7].closed_on == MONDAY
    assert "non c&#39;è più dal" in browser.get(f"/alloggi/{world.flats[7].id}").text
    assert len(entries(session, "flat.closed")) == 1


def household(world: World, **changed: str) -> dict[str, str]:
    return {"scala": str(world.stairwells[1].id), "interno": "4", "giorno": "2026-03-01",
            "nome": "Rossi Ada", "telefono": "333 1234567", "lingua": "ar", "canale": "phone",
            "titolo": "guest", "persone": "3", **changed}  # fmt: skip


def test_a_household_is_added_with_its_stay_and_title(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("operator")
    sent = {**fields_of(browser.get("/nuclei/nuovo").text), **household(world), "protetto": "1"}
    first, second = (browser.post("/nuclei/nuovo", data=sent) for _ in range(2))
    assert first.status_code == 303, first.text
    assert first.headers["location"] == second.headers["location"]
    made = session.scalars(select(Household).where(Household.code == "N7")).one()
    assert (made.language, made.channel, made.size) == ("ar", "phone", 3)
    assert made.protected is False, "an operator cannot protect"
    stay = session.scalars(select(Stay).where(Stay.household_id == made.id)).one()
    assert (stay.flat_id, stay.period.lower) == (world.flats[7].id, dt.date(2026, 3, 1))
    assert session.scalars(select(Tenancy)).one().title == "guest"
    (entry,) = entries(session, "household.added")
    assert entry.changes["name"] == [None, "…"]
    assert entry.changes["phone"] == [None, "…"]


def test_a_household_may_come_before_its_flat(staff: Staff, world: World, session: Session) -> None:
    sent = household(world, scala="", interno="", protetto="1")
    answer = submit(staff("coordinator"), "/nuclei/nuovo", **sent)
    assert answer.status_code == 303
    made = session.scalars(select(Household).where(Household.code == "N7")).one()
    assert made.protected
    assert session.scalars(select(Stay).where(Stay.household_id == made.id)).all() == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"codice": "n3"}, "già un nucleo con questo codice"),
        ({"codice": ""}, "Non può restare vuoto"),
        ({"interno": "77"}, "non c&#39;è un alloggio con questo interno"),
        ({"scala": ""}, "non c&#39;è un alloggio con questo interno"),
        ({"giorno": "ieri"}, "Serve una data"),
        ({"titolo": "king"}, "voce dell&#39;elenco"),
        ({"lingua": "1"}, "codice di una lingua"),
        ({"persone": "99"}, "da 1 a 30"),
        ({"email": "x"}, "Non è un indirizzo"),
    ],
)
def test_a_household_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    staff: Staff, world: World, session: Session, fields: dict[str, str], words: str
) -> None:
    answer = submit(staff("operator"), "/nuclei/nuovo", **household(world, **fields))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Rossi Ada"' in answer.text
    assert len(session.scalars(select(Household)).all()) == 7


def test_a_full_flat_asks_for_a_second_look(staff: Staff, world: World, session: Session) -> None:
    browser = staff("operator")
    answer = submit(browser, "/nuclei/nuovo", **household(world, interno="1"))
    assert answer.status_code == 422
    assert "risulta già il nucleo N4" in answer.text
    again = {**fields_of(answer.text), "giusto": "1"}
    assert browser.post("/nuclei/nuovo", data=again).status_code == 303
    # A household at a protected address is told to nobody who may not see it.
    hidden = household(world, interno="2", nome="Altri", telefono="")
    assert submit(browser, "/nuclei/nuovo", **hidden).status_code == 303


def test_the_same_household_is_not_recorded_in_two_places(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("operator")
    answer = submit(browser, "/nuclei/nuovo", **household(world, nome="famiglia 3"))
    assert answer.status_code == 422
    assert "un nucleo abita in un posto alla volta" in answer.text
    assert f"/nuclei/{world.households[3].id}/trasferisci" in answer.text
    hidden = submit(browser, "/nuclei/nuovo", **household(world, nome="Famiglia 5"))
    assert hidden.status_code == 303, "the protected household is not told"


def test_a_household_that_left_may_come_back(staff: Staff, world: World, session: Session) -> None:
    stay = session.scalars(select(Stay).where(Stay.household_id == world.households[3].id)).one()
    stay.period = Range(stay.period.lower, dt.date(2024, 1, 1))
    session.commit()
    browser = staff("operator")
    answer = submit(browser, "/nuclei/nuovo", **household(world, nome="Famiglia 3"))
    assert "lo stesso nome o telefono." in answer.text
    assert "posto alla volta" not in answer.text
