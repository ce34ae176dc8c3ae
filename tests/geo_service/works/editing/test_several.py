"""Several new phases in one table: one version, faults by row, codes counted on, done once."""

from __future__ import annotations

import datetime as dt

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.works.revisions import draft_of, inclusive
from geo_service.works.service import revisions_in_force
from layers.sites import PhaseRevision, ScheduleVersion
from tests.geo_service.builders import World
from tests.geo_service.conftest import csrf_of

Works = tuple[World, dict[str, PhaseRevision]]
GOOD = {
    "righe": "6", "chiave": "k1", "impresa": "Impresa Rossi", "certezza": "confirmed",
    "tipo_0": "scaffold_up", "dal_0": "2026-09-07", "al_0": "2026-09-11",
    "tipo_2": "scaffold_down", "dal_2": "2026-10-05", "al_2": "2026-10-09",
    "nome_2": "Smontaggio lato cortile", "codice_2": "Z1",
}  # fmt: skip


@pytest.fixture
def address(works: Works) -> str:
    return f"/cantieri/{works[0].site.id}/fasi/insieme"


@pytest.fixture
def good(editor: TestClient, address: str) -> dict[str, str]:
    """Two good rows, as the browser would send them."""
    return GOOD | {"csrf": csrf_of(editor.get(address).text)}


def versions(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ScheduleVersion)) or 0


def by_code(session: Session, works: Works) -> dict[str, PhaseRevision]:
    found = revisions_in_force(session, site_id=works[0].site.id)
    return {r.phase.code: r for r in found}


def test_rows_become_phases_of_one_version(
    session: Session, editor: TestClient, works: Works, address: str, good: dict[str, str]
) -> None:
    before, known = versions(session), by_code(session, works)
    page = editor.get(address).text
    assert page.count('name="tipo_') == 6
    assert page.index("Salva tutte") < page.index('name="compila"'), "Enter presses the first"
    answer = editor.post(address, data=good)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/cantieri/{works[0].site.id}?salvata=1"
    session.expire_all()
    assert versions(session) == before + 1
    now = by_code(session, works)
    made = {code: r for code, r in now.items() if code not in known}
    assert len(made) == 2
    down = made.pop("Z1")
    (up,) = made.values()
    assert up.name == up.phase.name == "Montaggio del ponteggio"
    assert (up.preset, up.contractor, up.certainty) == ("scaffold_up", "Impresa Rossi", "confirmed")
    assert inclusive(up.period) == (dt.date(2026, 9, 7), dt.date(2026, 9, 11))
    assert up.plant
    assert up.hours
    assert down.name == "Smontaggio lato cortile"
    again = editor.post(address, data=good)
    assert again.headers["location"] == answer.headers["location"]
    assert versions(session) == before + 1


def test_a_scaffold_stands_on_the_buildings_of_the_ground(
    session: Session, editor: TestClient, works: Works, address: str, good: dict[str, str]
) -> None:
    world = works[0]
    world.site.footprint = world.buildings[0].footprint
    session.flush()
    rows = {"tipo_2": "excavation", "nome_2": "Scavo"}
    assert editor.post(address, data=good | {"codice_0": "Z0"} | rows).status_code == 303
    session.expire_all()
    now = by_code(session, works)
    assert draft_of(session, now["Z0"]).buildings == ((world.buildings[0].id, "scaffold"),)
    assert draft_of(session, now["Z1"]).buildings == ()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"al_0": "2026-09-01"}, "Riga 1: finisce"),
        ({"dal_0": "2026-02-30"}, "Riga 1: il primo giorno non è un giorno che esiste"),
        ({"al_2": ""}, "Riga 3: manca l&#39;ultimo giorno"),
        ({"tipo_2": "dancing"}, "Riga 3: scegliete una lavorazione dell&#39;elenco"),
        ({"tipo_2": "", "nome_2": ""}, "Riga 3: scegliete la lavorazione, o scrivete un nome"),
        ({"al_0": "2046-09-01"}, "Riga 1: dura più di dieci anni"),
        ({"dal_0": "0026-09-07"}, "cade nell&#39;anno 26"),
        ({"codice_0": "z1"}, "Riga 3: il codice Z1 c&#39;è già"),
        ({"certezza": "sure"}, "Scegliete se le date sono indicative o confermate"),
        ({"nome_2": "x" * 201}, "Più di 200 caratteri"),
    ],
)
def test_one_wrong_row_saves_none_and_loses_nothing(
    session: Session, editor: TestClient, works: Works, address: str, good: dict[str, str],
    changed: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    before = versions(session)
    answer = editor.post(address, data=good | changed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="2026-10-05"' in answer.text
    assert "Impresa Rossi" in answer.text
    assert versions(session) == before


def test_a_code_of_the_site_is_not_given_again(
    editor: TestClient, works: Works, address: str, good: dict[str, str]
) -> None:
    code = next(iter(works[1].values())).phase.code
    answer = editor.post(address, data=good | {"codice_0": code.lower()})
    assert answer.status_code == 422
    assert f"Riga 1: il codice {code.lower()} c&#39;è già" in answer.text


def test_an_empty_table_is_told_and_rows_are_added(
    editor: TestClient, address: str, good: dict[str, str]
) -> None:
    empty = editor.post(address, data={"csrf": good["csrf"], "righe": "6", "certezza": "estimated"})
    assert empty.status_code == 422
    assert "Scrivete almeno una fase" in empty.text
    more = editor.post(address, data=good | {"compila": "righe"})
    assert more.status_code == 200
    assert more.text.count('name="tipo_') == 12
    assert "Smontaggio lato cortile" in more.text
    hostile = editor.post(address, data=good | {"compila": "righe", "righe": "9" * 5000})
    assert hostile.status_code == 200
    assert hostile.text.count('name="tipo_') <= 60
