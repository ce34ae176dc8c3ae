"""Permits on pages: recorded, changed by two people, with documents, with what is missing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.settings import get_settings
from geo_service.works.permits.documents import PermitFile
from geo_service.works.permits.service import (
    PermitDraft,
    change_permit,
    create_permit,
    missing_permits,
    permits_of_phase,
)
from geo_service.works.service import add_phase
from layers.sites import Permit, PhaseRevision, Site
from tests.geo_service.builders import MONDAY, World, week_draft, workdays
from tests.geo_service.conftest import asked, csrf_of, text_of
from tests.geo_service.files.test_store import PDF, PNG

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
GRANTED = {"tipo": "noise_derogation", "stato": "granted", "numero": "DR-7", "ente": "Comune"}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ACCANTO_FILES_DIR", str(tmp_path / "files"))
    get_settings.cache_clear()
    yield tmp_path / "files"
    get_settings.cache_clear()


def new(browser: TestClient, site: Site, fields: dict[str, object], **more: object):  # type: ignore[no-untyped-def]
    path = f"/cantieri/{site.id}/autorizzazioni/nuova"
    token = csrf_of(browser.get(path).text)
    return browser.post(path, data={"csrf": token, **fields}, **more)  # type: ignore[arg-type]


def change(browser: TestClient, permit: Permit, fields: dict[str, object], version: int):  # type: ignore[no-untyped-def]
    path = f"/autorizzazioni/{permit.id}/modifica"
    token = csrf_of(browser.get(path).text)
    return browser.post(path, data={"csrf": token, "versione": str(version), **fields})


def only(session: Session) -> Permit:
    session.expire_all()
    return session.scalars(select(Permit)).one()


def actions(session: Session) -> list[str]:
    query = select(HistoryEntry.action).where(HistoryEntry.subject == "permit")
    return list(session.scalars(query.order_by(HistoryEntry.id)))


def test_a_permit_is_recorded_with_its_document(
    session: Session, staff: Staff, works: Works
) -> None:
    world, found = works
    browser = staff("operator")
    fields = {
        **GRANTED, "dal": "2026-03-02", "al": "2026-03-20", "dalle": "21:00", "alle": "5.00",
        "limite": "75,5", "prescrizioni": "Avvisare 5 giorni prima.",
        "fase": str(found["A1"].phase_id),
    }  # fmt: skip
    files = [("documenti", ("..\\deroga.pdf", PDF)), ("documenti", ("pianta.png", PNG))]
    answer = new(browser, world.site, fields, files=files)
    assert answer.status_code == 303
    permit = only(session)
    assert permit.conditions == {
        "limit_dba": 75.5, "from": "21:00", "until": "05:00", "note": "Avvisare 5 giorni prima.",
    }  # fmt: skip
    assert [p.code for p in permit.phases] == ["A1"]
    page = browser.get(answer.headers["location"]).text
    assert "21:00–5:00 del giorno dopo" in page
    assert "75,5 dB(A)" in page
    link = re.search(rf'href="(/autorizzazioni/{permit.id}/documenti/\d+)"[^>]*>deroga.pdf', page)
    assert link
    document = browser.get(link.group(1))
    assert document.content == PDF
    assert document.headers["content-disposition"].startswith("attachment;")
    assert document.headers["x-content-type-options"] == "nosniff"
    assert actions(session) == ["permit.created", "permit.file_added", "permit.file_added"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"numero": ""}, "Se è «rilasciata» ha un numero"),
        ({"dal": "2026-03-20", "al": "2026-03-02"}, "L&#39;ultimo giorno viene prima del primo."),
        ({"al": "2026-03-02"}, "C&#39;è l&#39;ultimo giorno ma non il primo."),
        ({"dal": "2026-02-30"}, "«2026-02-30» non è una data."),
        ({"dalle": "25:00"}, "«25:00» non è un&#39;ora"),
        ({"dalle": "21:00"}, "Manca l&#39;ora di fine."),
        ({"dalle": "9:00", "alle": "9:00"}, "L&#39;ora di inizio e di fine sono uguali."),
        ({"limite": "forte"}, "Serve un numero da 20 a 120."),
        ({"tipo": "magia"}, "Scegliete il tipo dall&#39;elenco."),
        ({"stato": "forse"}, "Scegliete lo stato dall&#39;elenco."),
        ({"ente": "x" * 201}, "Più di 200 caratteri."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    session: Session, staff: Staff, works: Works, fields: dict[str, str], sentence: str
) -> None:
    answer = new(staff("operator"), works[0].site, {**GRANTED, "ente": "Ente <b>", **fields})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert session.scalar(select(func.count()).select_from(Permit)) == 0
    if "ente" not in fields:
        assert 'value="Ente &lt;b&gt;"' in answer.text


def test_a_bad_document_refuses_the_whole_form(
    session: Session, staff: Staff, works: Works
) -> None:
    files = [("documenti", ("a.pdf", PDF)), ("documenti", ("virus.pdf", b"MZ<html>"))]
    answer = new(staff("operator"), works[0].site, GRANTED, files=files)
    assert answer.status_code == 422
    assert "virus.pdf: Il file non è un documento" in answer.text
    assert session.scalar(select(func.count()).select_from(Permit)) == 0
    assert session.scalar(select(func.count()).select_from(PermitFile)) == 0


def test_a_form_sent_twice_is_done_once(session: Session, staff: Staff, works: Works) -> None:
    browser = staff("operator")
    answers = [new(browser, works[0].site, {**GRANTED, "chiave": "k1"}) for _ in range(2)]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    only(session)


def test_the_second_of_two_tabs_is_told_and_loses_nothing(
    session: Session, staff: Staff, works: Works
) -> None:
    browser = staff("operator")
    new(browser, works[0].site, {**GRANTED, "stato": "pending"})
    permit = only(session)
    first = change(browser, permit, {**GRANTED, "numero": "DR-8"}, 1)
    assert first.status_code == 303
    second = change(browser, permit, {**GRANTED, "numero": "DR-9", "ente": "Mia parola"}, 1)
    assert second.status_code == 409
    assert "Ora è: deroga per il rumore, DR-8, rilasciata, Comune." in second.text
    assert 'value="DR-9"' in second.text
    assert 'value="Mia parola"' in second.text
    assert only(session).number == "DR-8"
    version = re.search(r'name="versione" value="(\d+)"', second.text)
    assert version
    again = change(browser, permit, {**GRANTED, "numero": "DR-9"}, int(version.group(1)))
    assert again.status_code == 303
    assert only(session).number == "DR-9"


def test_a_change_of_phases_alone_makes_other_tabs_stale(
    session: Session, staff: Staff, works: Works
) -> None:
    browser = staff("operator")
    new(browser, works[0].site, GRANTED)
    permit = only(session)
    phase = str(works[1]["A2"].phase_id)
    assert change(browser, permit, {**GRANTED, "fase": phase}, 1).status_code == 303
    assert only(session).row_version == 2
    assert change(browser, permit, GRANTED, 1).status_code == 409


def test_states_change_by_the_table(session: Session, staff: Staff, works: Works) -> None:
    browser = staff("operator")
    new(browser, works[0].site, {**GRANTED, "stato": "refused", "numero": ""})
    answer = change(browser, only(session), GRANTED, 1)
    assert answer.status_code == 422
    assert "Da «negata» si passa a: da chiedere, chiesta." in answer.text
    assert only(session).state == "refused"


def test_documents_are_added_and_removed_with_a_confirmation(
    session: Session, staff: Staff, works: Works
) -> None:
    browser = staff("operator")
    new(browser, works[0].site, GRANTED)
    permit = only(session)
    path = f"/autorizzazioni/{permit.id}"
    token = csrf_of(browser.get(path).text)
    nothing = browser.post(f"{path}/documenti", data={"csrf": token})
    assert nothing.status_code == 422
    for name in ("a.pdf", "b.pdf"):
        sent = browser.post(
            f"{path}/documenti", data={"csrf": token}, files={"documenti": (name, PDF)}
        )
        assert sent.status_code == 303
    one = session.scalars(select(PermitFile)).one()
    asked = browser.post(f"{path}/documenti/{one.id}/togli", data={"csrf": token})
    assert asked.status_code == 422
    assert "segnate la casella" in asked.text
    gone = browser.post(f"{path}/documenti/{one.id}/togli", data={"csrf": token, "conferma": "1"})
    assert gone.status_code == 303
    assert browser.get(f"{path}/documenti/{one.id}").status_code == 404
    assert actions(session)[-1] == "permit.file_removed"


def test_a_document_is_not_reached_through_another_permit(
    session: Session, staff: Staff, works: Works, anonymous: TestClient
) -> None:
    browser = staff("operator")
    files = {"documenti": ("a.pdf", PDF)}
    new(browser, works[0].site, GRANTED, files=files)
    new(browser, works[0].site, {**GRANTED, "numero": "DR-8"})
    first, second = session.scalars(select(Permit).order_by(Permit.id)).all()
    one = session.scalars(select(PermitFile)).one()
    assert browser.get(f"/autorizzazioni/{first.id}/documenti/{one.id}").status_code == 200
    assert browser.get(f"/autorizzazioni/{second.id}/documenti/{one.id}").status_code == 404
    closed = anonymous.get(f"/autorizzazioni/{first.id}/documenti/{one.id}")
    assert closed.headers["location"].startswith("/accedi")


def test_a_permit_is_removed_only_when_that_is_confirmed(
    session: Session, staff: Staff, works: Works
) -> None:
    browser = staff("coordinator")
    new(browser, works[0].site, GRANTED, files={"documenti": ("a.pdf", PDF)})
    permit = only(session)
    path = f"/autorizzazioni/{permit.id}"
    token = csrf_of(browser.get(path).text)
    fields = {"csrf": token, "versione": "1"}
    assert browser.post(f"{path}/togli", data=fields).status_code == 422
    stale = browser.post(f"{path}/togli", data={**fields, "versione": "9", "conferma": "1"})
    assert stale.status_code == 409
    assert browser.post(f"{path}/togli", data={**fields, "conferma": "1"}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Permit)) == 0
    assert "permit.removed" in actions(session)
    page = browser.get("/cronologia").text
    assert "ha tolto l&#39;autorizzazione" in page
    assert "deroga per il rumore" in page


def test_the_card_says_what_a_phase_lacks(session: Session, staff: Staff, works: Works) -> None:
    world, found = works
    browser = staff("office")
    page = text_of(browser.get(f"/fasi/{found['A1'].phase_id}").text)
    assert (
        "manca Deroga per il rumore : lavori alle 14:00–15:00, fuori dagli orari del Comune" in page
    )
    assert "manca Ordinanza di viabilità : cartelli di divieto di sosta 48 ore prima" in page
    assert "Nuova autorizzazione" not in page
    create_permit(
        session, world.site,
        PermitDraft(
            "noise_derogation", number="1", state="granted", starts_on=MONDAY,
            ends_on=MONDAY + dt.timedelta(days=30), conditions={"until": "17:00"},
        ),
    )  # fmt: skip
    page = text_of(browser.get(f"/fasi/{found['A1'].phase_id}").text)
    assert "a posto Deroga per il rumore" in page


def test_a_permit_of_the_site_covers_every_phase(session: Session, works: Works) -> None:
    world, found = works
    draft = PermitDraft("public_ground")
    whole = create_permit(session, world.site, draft)
    assert [p.id for p in permits_of_phase(session, found["A3"].phase_id)] == [whole.id]
    named = PermitDraft("public_ground", phase_ids=frozenset({found["A2"].phase_id}))
    create_permit(session, world.site, named)
    assert len(permits_of_phase(session, found["A2"].phase_id)) == 2
    assert [p.id for p in permits_of_phase(session, found["A3"].phase_id)] == [whole.id]


def test_another_limit_has_the_noise_computed_again(
    session: Session, staff: Staff, works: Works
) -> None:
    world, found = works
    browser = staff("operator")
    phase = {"fase": str(found["A1"].phase_id)}
    new(browser, world.site, {**GRANTED, **phase, "limite": "75"})
    queue = "select args ->> 'revision_id' from procrastinate_jobs where status = 'todo'"
    assert session.scalars(text(queue)).all() == [str(found["A1"].id)]


def test_a_limit_that_comes_while_the_phase_is_computed_is_computed_afterwards(
    session: Session, works: Works
) -> None:
    world, found = works
    phases = frozenset({found["A1"].phase_id})
    draft = PermitDraft("noise_derogation", number="DR-7", state="granted", phase_ids=phases,
                        conditions={"limit_dba": 75})  # fmt: skip
    permit = create_permit(session, world.site, draft)
    session.execute(text("update procrastinate_jobs set status = 'doing'"))
    change_permit(session, permit, permit.row_version, replace(draft, conditions={"limit_dba": 70}))
    waiting = """select j.args ->> 'revision_id', p.quarter_id from procrastinate_jobs j
                 join job_progress p on p.job_id = j.id where j.status = 'todo'"""
    assert [tuple(row) for row in session.execute(text(waiting))] == [
        (str(found["A1"].id), world.quarter.id)
    ]


def test_night_works_are_told_on_the_page_of_today(
    session: Session, staff: Staff, works: Works
) -> None:
    world, _found = works
    hours = workdays(21, 5)
    add_phase(session, world.site, code="N1", name="Asfalto di notte",
              draft=week_draft(MONDAY + dt.timedelta(days=7), hours=hours))  # fmt: skip
    page = text_of(staff("operator").get("/oggi").text)
    assert "N1 Asfalto di notte" in page
    assert "deroga per il rumore: non registrata" in page


def test_what_is_missing_takes_two_queries(session: Session, works: Works) -> None:
    revisions = [r.id for r in works[1].values()]
    settings = works[0].quarter.settings or {}
    with asked(session) as statements:
        found = missing_permits(session, settings, revisions)
    assert len(statements) == 2, statements
    assert set(found) == set(revisions)
    assert [n.rule for n in found[works[1]["A1"].id]] == [
        "noise_hours", "traffic", "public_ground", "no_parking_signs",
    ]  # fmt: skip
    assert found[works[1]["A3"].id] == []


def test_english(staff: Staff, works: Works) -> None:
    browser = staff("operator")
    page = browser.get(f"/cantieri/{works[0].site.id}/autorizzazioni/nuova?lang=en").text
    assert "New permit" in page
    assert "noise derogation" in page
