"""Editing a building and ending it: checked, told, computed again, done once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.households.models import Stay
from geo_service.jobs import JobProgress
from geo_service.works.service import seal
from layers.buildings import AddressPoint, Building, Stairwell
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World

Staff = Callable[[str], TestClient]


@pytest.fixture
def world(works: tuple[World, Any]) -> World:
    return works[0]


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the last form of a page."""
    form = page[page.rindex('<form method="post"') :]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = (re.search(rf'\b{a}="([^"]*)"', tag) for a in ("name", "value"))
        if name and 'type="checkbox"' not in tag:
            found[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def submit(browser: TestClient, address: str, **changed: str) -> Response:
    """Open a form, change some fields and send it."""
    return browser.post(address, data={**fields_of(browser.get(address).text), **changed})


def address_of(world: World, what: str = "modifica", n: int = 0) -> str:
    return f"/edifici/{world.buildings[n].id}/{what}"


def entries(session: Session, action: str) -> list[HistoryEntry]:
    return list(session.scalars(select(HistoryEntry).where(HistoryEntry.action == action)))


def test_facts_are_saved_told_and_computed_again(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("operator")
    code = world.buildings[0].code
    answer = submit(browser, address_of(world), nome="Torre", piani="4", altezza="12,5",
                    classe="III", proprieta="Comune", codice="NUOVO1")  # fmt: skip
    assert answer.headers["location"] == f"/edifici/{world.buildings[0].id}?salvato=3"
    session.expire_all()
    building = world.buildings[0]
    assert (building.name, building.storeys, building.height_m) == ("Torre", 4, 12.5)
    assert (building.acoustic_class, building.owner, building.code) == ("III", "Comune", code)
    (entry,) = entries(session, "building.changed")
    assert entry.changes["height_m"] == [9, 12.5]
    job = session.scalars(select(JobProgress)).one()
    assert (job.task, job.args["building_id"]) == ("recompute_many", building.id)
    assert "3 fasi si ricalcolano" in browser.get(answer.headers["location"]).text
    assert "ha cambiato l&#39;edificio Torre" in staff("coordinator").get("/cronologia").text


def test_another_use_is_computed_again(staff: Staff, world: World) -> None:
    answer = submit(staff("operator"), address_of(world), uso="garage")
    assert answer.headers["location"].endswith("?salvato=3")


def test_the_history_is_kept_in_the_language_of_the_house(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("operator")
    browser.headers["accept-language"] = "en"
    changed = {f"ascensore-{world.stairwells[0].id}": "si"}
    assert submit(browser, address_of(world), **changed).status_code == 303
    (entry,) = entries(session, "building.changed")
    assert entry.changes["stairwells"][1] == ["A: ascensore sì, senza gradini non noto"]


def test_a_name_computes_nothing_and_a_sealed_phase_stays(
    staff: Staff, works: tuple[World, dict[str, PhaseRevision]], session: Session
) -> None:
    world, revisions = works
    browser = staff("operator")
    answer = submit(browser, address_of(world), nome="Torre")
    assert answer.headers["location"].endswith("?salvato=0")
    assert session.scalars(select(JobProgress)).all() == []
    seal(session, revisions["A1"], "announced")
    session.commit()
    answer = submit(browser, address_of(world), piani="4")
    assert answer.headers["location"].endswith("?salvato=2")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("piani", "0", "numero intero da 1 a 130"),
        ("piani", "tre", "numero intero"),
        ("altezza", "-3", "maggiore di 0"),
        ("altezza", "90", "non torna"),
        ("classe", "VII", "voce dell&#39;elenco"),
        ("uso", "castle", "voce dell&#39;elenco"),
        ("nome", "x" * 201, "Più di 200"),
        ("scala-nuova-0", "A", "già una scala"),
    ],
)
def test_faults_stand_beside_the_field(
    staff: Staff, world: World, session: Session, field: str, value: str, words: str
) -> None:
    answer = submit(staff("operator"), address_of(world), **{field: value})
    assert answer.status_code == 422
    assert re.search(rf'id="e-{field}-err">[^<]*{words}', answer.text), words
    assert f'value="{value[:200]}"' in answer.text or field in ("classe", "uso", "nome")
    assert entries(session, "building.changed") == []


def test_addresses_and_stairwells(staff: Staff, world: World, session: Session) -> None:
    building = world.buildings[0]
    point = session.scalars(select(AddressPoint).filter_by(building_id=building.id)).one()
    stairwell = world.stairwells[0]
    changed = {
        f"civico-{point.id}": "2 bis", "via-nuova-0": "Via del Forno", "civico-nuovo-0": "1",
        f"scala-{stairwell.id}": "A1", f"ascensore-{stairwell.id}": "si",
        f"gradini-{stairwell.id}": "no", f"ingresso-{stairwell.id}": str(point.id),
        "scala-nuova-0": "B",
    }  # fmt: skip
    browser = staff("operator")
    assert submit(browser, address_of(world), **changed).status_code == 303
    session.expire_all()
    assert sorted((a.street, a.house_number) for a in building.addresses) == [
        ("Via dei Mulini", "2 bis"), ("Via del Forno", "1"),
    ]  # fmt: skip
    assert [(w.label, w.lift, w.step_free) for w in building.stairwells] == [
        ("A1", True, False), ("B", None, None),
    ]  # fmt: skip
    assert "Via del Forno" in browser.get("/edifici?q=via+del+forno").text
    (entry,) = entries(session, "building.changed")
    assert entry.changes["stairwells"][1][0] == "A1: ascensore sì, senza gradini no"
    taken = submit(browser, address_of(world), **{f"togli-{point.id}": "1"})
    assert taken.status_code == 303
    session.expire_all()
    assert [a.street for a in building.addresses] == ["Via del Forno"]
    assert point.building_id is None


def test_another_buildings_rows_are_out_of_reach(
    staff: Staff, world: World, session: Session
) -> None:
    other = world.stairwells[1]
    submit(staff("operator"), address_of(world), **{f"scala-{other.id}": "Z", "nome": "N"})
    session.expire_all()
    assert session.get(Stairwell, other.id).label == "A"  # type: ignore[union-attr]


def test_the_second_editor_is_told_and_loses_nothing(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("operator")
    mine = fields_of(browser.get(address_of(world)).text)
    submit(staff("coordinator"), address_of(world), nome="Loro", piani="5", altezza="15")
    answer = browser.post(address_of(world), data={**mine, "nome": "Mio"})
    assert answer.status_code == 409
    assert 'value="Mio"' in answer.text
    assert "Loro" in answer.text
    again = browser.post(address_of(world), data={**fields_of(answer.text), "nome": "Mio"})
    assert again.status_code == 303
    session.expire_all()
    assert world.buildings[0].name == "Mio"


def test_the_same_form_twice_is_done_once(staff: Staff, world: World, session: Session) -> None:
    browser = staff("operator")
    sent = {**fields_of(browser.get(address_of(world)).text), "piani": "4", "altezza": "12"}
    first, second = (browser.post(address_of(world), data=sent) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(entries(session, "building.changed")) == 1
    assert len(session.scalars(select(JobProgress)).all()) == 1


def empty(session: Session, world: World, day: dt.date) -> None:
    for stay in session.scalars(select(Stay)):
        stay.period = Range(stay.period.lower, day)
    session.commit()


def test_a_building_ends_with_its_successor(staff: Staff, world: World, session: Session) -> None:
    old, new = world.buildings
    empty(session, world, MONDAY)
    browser = staff("coordinator")
    answer = submit(browser, address_of(world, "chiudi"), modo="rebuilt", conferma="1",
                    giorno=MONDAY.isoformat(), successori=new.code.lower())  # fmt: skip
    assert answer.status_code == 303, answer.text
    session.expire_all()
    assert (old.closed_on, old.successor_id) == (MONDAY, new.id)
    assert {flat.closed_on for flat in world.flats[:4]} == {MONDAY}
    page = browser.get(f"/edifici/{old.id}").text
    assert "Al suo posto" in page
    assert "Edificio 1<" not in browser.get("/edifici").text
    assert "Edificio 1<" in browser.get("/edifici?stato=chiusi").text
    (entry,) = entries(session, "building.closed")
    assert entry.changes["successor"][1] == [new.code]
    assert session.scalars(select(JobProgress)).one().args["building_id"] == old.id
    assert browser.get(address_of(world)).status_code == 409
    assert browser.get(address_of(world, "chiudi")).status_code == 409


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"conferma": ""}, "Segnate la casella"),
        ({"modo": ""}, "Scegliete una voce"),
        ({"successori": "XXXXXX"}, "ha il codice XXXXXX"),
        ({"successori": ""}, "Dite quale edificio"),
        ({"modo": "demolished"}, "non è solo demolito"),
        ({"giorno": "1850-01-01"}, "non c&#39;era ancora"),
        ({"giorno": "domani"}, "Serve una data"),
        ({"giorno": "2026-03-03"}, "deve ancora venire"),
        ({"giorno": "2026-02-01"}, "Qualcuno risulta ancora qui"),
    ],
)
def test_an_end_that_cannot_be_is_refused(
    staff: Staff, world: World, session: Session, fields: dict[str, str], words: str
) -> None:
    empty(session, world, MONDAY)
    sent = {"modo": "rebuilt", "giorno": MONDAY.isoformat(), "conferma": "1",
            "successori": world.buildings[1].code, **fields}  # fmt: skip
    if not sent["conferma"]:
        del sent["conferma"]
    answer = submit(staff("coordinator"), address_of(world, "chiudi"), **sent)
    assert answer.status_code == 422
    assert words in answer.text
    session.expire_all()
    assert session.get(Building, world.buildings[0].id).closed_on is None  # type: ignore[union-attr]
