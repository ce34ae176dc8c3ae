"""The page of a what-if: changes typed into the form, the difference in words, nothing saved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.sites import PhaseRevision
from tests.geo_service.builders import X0, Y0, World
from tests.geo_service.conftest import csrf_of

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
BREAKER = "martello demolitore su terna"
TABLES = ("phase_revision", "schedule_version", "impact_run", "impact", "barrier", "plant_item")


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


def rows_of(session: Session) -> dict[str, int]:
    return {t: session.execute(text(f"select count(*) from {t}")).scalar_one() for t in TABLES}


def fields_of(page: str) -> dict[str, str | list[str]]:
    """What the form of the page would send as it stands."""
    form = page[page.index('id="sim-form"') : page.index("</form>", page.index('id="sim-form"'))]
    form = re.sub(r"<template.*?</template>", "", form, flags=re.S)
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        assert name, tag
        assert value, tag
        found.setdefault(name.group(1), []).append(value.group(1))
    return {k: v if len(v) > 1 else v[0] for k, v in found.items()}


class Page:
    """The page of phase A1 in a signed-in browser."""

    def __init__(self, browser: TestClient, phase_id: int) -> None:
        self.browser = browser
        self.address = f"/fasi/{phase_id}/simulazione"
        answer = browser.get(self.address)
        assert answer.status_code == 200
        self.html = answer.text
        self.fields = fields_of(self.html)

    def send(self, fragment: bool = True, **changes: object):  # type: ignore[no-untyped-def]
        headers = {"x-fragment": "1"} if fragment else {}
        return self.browser.post(
            f"{self.address}/risultato", data={**self.fields, **changes}, headers=headers
        )


def answer_of(page: str) -> dict[str, object]:
    found = re.search(r'id="sim-answer">(.*?)</script>', page, flags=re.S)
    assert found
    answer: dict[str, object] = json.loads(found.group(1))
    return answer


@pytest.fixture
def sheet(staff: Staff, works: Works) -> Page:
    return Page(staff("coordinator"), works[1]["A1"].phase_id)


def test_the_phase_page_leads_here(staff: Staff, works: Works) -> None:
    phase = works[1]["A1"].phase_id
    assert f"/fasi/{phase}/simulazione" in staff("coordinator").get(f"/fasi/{phase}").text


def test_closed_to_strangers_and_to_forged_forms(
    anonymous: TestClient, staff: Staff, works: Works
) -> None:
    address = f"/fasi/{works[1]['A1'].phase_id}/simulazione"
    assert anonymous.get(address).headers["location"].startswith("/accedi")
    assert anonymous.post(f"{address}/risultato").status_code in (303, 403)
    assert staff("operator").post(f"{address}/risultato", data={"csrf": "0"}).status_code == 403


def test_an_unknown_phase_is_a_plain_page(staff: Staff, works: Works) -> None:
    assert staff("coordinator").get("/fasi/999999/simulazione").status_code == 404


def test_the_form_shows_the_phase_and_sent_back_changes_nothing(sheet: Page) -> None:
    assert sheet.fields["dal"] == "2026-03-02"
    assert sheet.fields["rumore_0"] == "8:00–12:00, 14:00–17:00"
    assert sheet.fields["quota"] == "50"
    answer = sheet.send()
    assert answer.status_code == 200
    assert "Nessuno cambia livello" in plain(answer.text)


def test_a_result_in_words_and_nothing_saved(sheet: Page, session: Session) -> None:
    before = rows_of(session)
    words = plain(sheet.send(macchina_nuova=BREAKER).text)
    # The recorded list knows no level: with a known machine seven households hear it.
    assert re.search(r"Rumore : \+7 nuclei", words)
    assert re.search(r"Via dei Mulini 2 Rumore nessuno (molto )?forte \+4", words)
    assert rows_of(session) == before


def test_a_machine_taken_away(sheet: Page, session: Session) -> None:
    before = rows_of(session)
    assert "Macchine in meno" in plain(sheet.send(numero="0").text)
    assert rows_of(session) == before


def test_a_machine_is_found_by_its_name(sheet: Page) -> None:
    words = plain(sheet.send(macchina_nuova=BREAKER.upper()).text)
    assert f"Macchine in più: {BREAKER}" in words
    refused = sheet.send(macchina_nuova="escavatore marziano")
    assert refused.status_code == 422
    error = answer_of(refused.text)["errors"]
    assert isinstance(error, dict)
    assert "non è nel catalogo" in error["macchina_nuova"]
    assert "escavatore" in error["macchina_nuova"].split("Forse")[1]


def test_a_moved_ground_changes_who_is_hit(sheet: Page) -> None:
    answer = sheet.send(est_m="-15", nord_m="4")
    assert "Area spostata di 16 m" in plain(answer.text)
    assert answer.status_code == 200


def test_a_reshaped_ground_replaces_the_recorded_one(sheet: Page) -> None:
    ring = [[X0 + 25, Y0], [X0 + 45, Y0], [X0 + 45, Y0 + 6], [X0 + 25, Y0 + 6]]
    assert "Area di 120 m² invece di 240" in plain(sheet.send(area=json.dumps([[ring]])).text)


def test_a_barrier_by_its_side_comes_back_as_a_line(sheet: Page) -> None:
    answer = sheet.send(barriera_lato="w", barriera_h="4")
    assert "Barriera di 13 m, alta 4,0 m" in plain(answer.text)
    lines = answer_of(answer.text)["barriers"]
    assert isinstance(lines, list)
    assert all(x == pytest.approx(X0 + 24.5) for x, _ in lines[0])


def test_a_drawn_barrier(sheet: Page) -> None:
    line = json.dumps([[X0 + 22, Y0 - 5], [X0 + 22, Y0 + 20]])
    assert "Barriera di 25 m" in plain(sheet.send(barriera=line, barriera_h="3").text)


def test_moving_by_days_keeps_the_levels(sheet: Page) -> None:
    words = plain(sheet.send(sposta="7").text)
    assert "Date: da lun 9 mar 2026 a ven 20 mar 2026" in words
    assert "Nessuno cambia livello" in words


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dal", "domani", "Serve una data"),
        ("al", "2026-02-01", "prima del primo"),
        ("al", "2066-02-01", "dieci anni"),
        ("sposta", "1e9", "Serve un numero"),
        ("sposta", "nan", "Serve un numero"),
        ("sposta", "1.5", "giorni interi"),
        ("orario_0", "dalle otto", "non è un orario"),
        ("orario_0", "8:00-8:00", "non è un orario"),
        ("rumore_2", "25:00-26:00", "non è un orario"),
        ("rumore_2", "8-9, 8-10", "stessa ora"),
        ("quota", "0", "Serve un numero"),
        ("numero", "inf", "Serve un numero"),
        ("area", "[" * 9_000, "non si può leggere"),
        ("area", f"[[[[1,{10**400}],[0,1],[1,1]]]]", "non si può leggere"),
        ("barriera", "[" * 9_000, "disegnatela di nuovo"),
        ("lwa", "500", "Serve un numero"),
        ("est_m", "due", "Serve un numero"),
        ("area", "[[[[0,0],[1,1]]]]", "non si può leggere"),
        ("area", "{", "non si può leggere"),
        ("area", "[[[[0,0],[9,9],[9,0],[0,9]]]]", "si incrocia"),
        ("area", "[[[[0,0],[9,0],[9,9],[0,9]]]]", "non tocca più il suo cantiere"),
        ("area", "[[[[0,0],[1e999,0],[9,9]]]]", "non si può leggere"),
        ("barriera", "[[0,0]]", "disegnatela di nuovo"),
        ("barriera", "[[0,0],[NaN,1]]", "disegnatela di nuovo"),
        ("barriera_h", "99", "Serve un numero"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(
    sheet: Page, session: Session, name: str, value: str, sentence: str
) -> None:
    before = rows_of(session)
    answer = sheet.send(fragment=False, **{name: value})
    assert answer.status_code == 422
    field = {"quota": "macchina_0", "numero": "macchina_0", "lwa": "macchina_0"}.get(name, name)
    beside = re.search(rf'id="err-{field}"[^>]*>([^<]*)<', answer.text)
    assert beside
    assert sentence in beside.group(1)
    if name not in ("area", "barriera"):
        assert f'value="{value}"' in answer.text
    assert rows_of(session) == before


def test_without_a_script_the_whole_page_comes_back(sheet: Page) -> None:
    answer = sheet.send(fragment=False, sposta="3", macchina_nuova=BREAKER)
    assert answer.status_code == 200
    again = fields_of(answer.text)
    assert again["sposta"] == "3"
    assert len(again["numero"]) == 2
    assert again["macchina_nuova"] == ""
    assert csrf_of(answer.text)
    assert sheet.browser.get(sheet.address + "/risultato").headers["location"] == sheet.address


def test_flats_are_for_coordinators(staff: Staff, works: Works) -> None:
    phase = works[1]["A1"].phase_id
    told = Page(staff("coordinator"), phase).send(macchina_nuova=BREAKER).text
    assert "(tra parentesi gli alloggi)" in told
    told = Page(staff("operator"), phase).send(macchina_nuova=BREAKER).text
    assert "+7 nuclei" in plain(told)
    assert "tra parentesi" not in told


def test_in_english(sheet: Page) -> None:
    sheet.browser.headers["accept-language"] = "en"
    words = plain(sheet.send(macchina_nuova=BREAKER).text)
    assert "+7 households" in words
    assert "Machines added:" in words
