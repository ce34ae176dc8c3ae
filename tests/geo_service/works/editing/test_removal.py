"""A phase is taken out of the schedule after a look at what follows, and comes back as it was."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.appointments import service as appointments
from geo_service.appointments.models import Appointment
from geo_service.appointments.planning import Slot
from geo_service.errors import NotFound
from geo_service.history import HistoryEntry
from geo_service.works.overview import revision_of_phase
from geo_service.works.permits.service import PermitDraft, create_permit
from geo_service.works.revisions import draft_of
from geo_service.works.service import revise_phase, seal
from geo_service.works.timelines.dependencies import links_of_quarter
from layers.sites import PhaseRevision, ScheduleVersion
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import csrf_of, text_of

Works = tuple[World, dict[str, PhaseRevision]]


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the one form on a page that is not the frame's."""
    found = dict(re.findall(r'name="(chiave|revisione)" value="([^"]*)"', page))
    return found | {"csrf": csrf_of(page)}


def take_out(browser: TestClient, phase_id: int, **more: str):  # type: ignore[no-untyped-def]
    fields = fields_of(browser.get(f"/fasi/{phase_id}/togli").text)
    told = {"motivo": "non si fa più", "sicuro": "1"} | more
    return browser.post(f"/fasi/{phase_id}/togli", data=fields | told)


def put_back(browser: TestClient, phase_id: int, **more: str):  # type: ignore[no-untyped-def]
    fields = fields_of(browser.get(f"/fasi/{phase_id}").text)
    return browser.post(f"/fasi/{phase_id}/rimetti", data=fields | {"motivo": "errore"} | more)


def versions(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ScheduleVersion)) or 0


def test_taken_out_and_back_again_as_it_was(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, a1, a2 = waiting
    before = revision_of_phase(session, a1)
    assert f"/fasi/{a1}/togli" in editor.get(f"/fasi/{a1}").text
    assert take_out(editor, a1).status_code == 303
    session.expire_all()
    with pytest.raises(NotFound):
        revision_of_phase(session, a1)
    page = editor.get(f"/fasi/{a1}")
    assert page.status_code == 200
    assert "fuori dal cronoprogramma" in page.text
    assert "non si fa più" in page.text
    site = editor.get(f"/cantieri/{world.site.id}").text
    assert "Una fase tolta dal cronoprogramma" in site
    compared = editor.get(f"/cantieri/{world.site.id}/versioni/confronto").text
    assert "non è più nel cronoprogramma" in compared
    # Nobody can wait for it now, but that it waited is not forgotten.
    assert "A1" not in text_of(editor.get(f"/fasi/{a2}").text).split("Simulazione")[0]
    assert len(links_of_quarter(session, world.quarter.id)) == 1

    assert put_back(editor, a1).status_code == 303
    session.expire_all()
    # The very revision, so that what was announced and agreed for it holds again.
    assert revision_of_phase(session, a1).id == before.id
    assert versions(session) == 3
    assert "tolta dal cronoprogramma" not in editor.get(f"/cantieri/{world.site.id}").text
    done = session.scalars(select(HistoryEntry.action).where(HistoryEntry.subject_id == a1)).all()
    assert {"phase.dropped", "phase.returned"} <= set(done)


def test_what_follows_is_told_before(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, a1, a2 = waiting
    first = revision_of_phase(session, a1)
    create_permit(
        session, world.site, PermitDraft("traffic_order", number="7/26", phase_ids=frozenset({a1}))
    )
    create_permit(session, world.site, PermitDraft("public_ground", number="8/26"))
    session.commit()
    page = text_of(editor.get(f"/fasi/{a1}/togli").text)
    assert "nessuno ne è stato avvisato" in page
    assert "È in corso." in page
    assert "La aspettano: A2 Demolizione" in page
    assert "vale solo per questa fase" in page
    assert "7/26" in page
    assert "8/26" not in page
    seal(session, first, "announced")
    session.commit()
    page = text_of(editor.get(f"/fasi/{a1}/togli").text)
    assert "7 nuclei ne sono stati avvisati e la aspettano ancora" in page
    other = text_of(editor.get(f"/fasi/{a2}/togli").text)
    assert "È in corso." not in other
    assert "La aspettano" not in other


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"motivo": " ", "sicuro": "1"}, "perché la fase esce"),
        ({"motivo": "scritto a lungo"}, "avete letto che cosa ne segue"),
    ],
)
def test_without_reason_or_confirmation_nothing_goes(
    session: Session, editor: TestClient, works: Works, typed: dict[str, str], said: str
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = fields_of(editor.get(f"/fasi/{phase_id}/togli").text)
    answer = editor.post(f"/fasi/{phase_id}/togli", data=fields | typed)
    assert answer.status_code == 422
    assert said in answer.text
    # What was typed stays.
    assert f'value="{typed["motivo"].strip()}"' in answer.text
    session.expire_all()
    assert revision_of_phase(session, phase_id)


def test_sent_twice_it_goes_once(session: Session, editor: TestClient, works: Works) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = fields_of(editor.get(f"/fasi/{phase_id}/togli").text)
    told = fields | {"motivo": "doppio", "sicuro": "1"}
    answers = [editor.post(f"/fasi/{phase_id}/togli", data=told) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert versions(session) == 2
    back = fields_of(editor.get(f"/fasi/{phase_id}").text) | {"motivo": "di nuovo"}
    answers = [editor.post(f"/fasi/{phase_id}/rimetti", data=back) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    # Somebody else presses it in a page that is still open.
    late = editor.post(f"/fasi/{phase_id}/rimetti", data=back | {"chiave": "un'altra"})
    assert late.headers["location"] == f"/fasi/{phase_id}"
    assert versions(session) == 3


def test_a_phase_changed_meanwhile_is_looked_at_again(
    session: Session, editor: TestClient, works: Works
) -> None:
    revision = works[1]["A1"]
    fields = fields_of(editor.get(f"/fasi/{revision.phase_id}/togli").text)
    draft = replace(draft_of(session, revision), ends_on=dt.date(2026, 4, 30))
    revise_phase(session, revision.phase, draft, author="Ada", reason="pioggia")
    session.commit()
    told = {"motivo": "non si fa più", "sicuro": "1"}
    answer = editor.post(f"/fasi/{revision.phase_id}/togli", data=fields | told)
    assert answer.status_code == 409
    assert "Ada ha cambiato questa fase mentre guardavate" in answer.text
    assert 'value="non si fa più"' in answer.text
    again = editor.post(f"/fasi/{revision.phase_id}/togli", data=fields_of(answer.text) | told)
    assert again.status_code == 303


def test_who_waits_for_the_crew_is_not_forgotten(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    phase_id, flat = found["A1"].phase_id, world.flats[0]
    draft = replace(draft_of(session, found["A1"]), inside_flat_ids=(flat.id,))
    inside = revise_phase(session, found["A1"].phase, draft, reason="in casa")
    day = MONDAY + dt.timedelta(days=2)
    made = appointments.add(session, inside, flat.id, Slot(day, dt.time(9), dt.time(10), 1))
    appointments.change_state(session, made, "agreed", today=MONDAY)
    session.commit()
    page = text_of(editor.get(f"/fasi/{phase_id}/togli").text)
    assert "Un appuntamento ancora aperto , uno concordato: qualcuno aspetta" in page
    assert take_out(editor, phase_id).status_code == 303
    assert f"/appuntamenti/{made.id}" in editor.get(f"/fasi/{phase_id}").text
    assert "un appuntamento da disdire" in text_of(editor.get("/oggi").text)
    sheet = editor.get(f"/appuntamenti/{made.id}")
    assert sheet.status_code == 200
    assert "La fase è fuori dal cronoprogramma: avvisate chi aspetta" in sheet.text
    session.expire_all()
    made = session.get_one(Appointment, made.id)
    appointments.change_state(session, made, "dropped", today=MONDAY)
    session.commit()
    assert "da disdire" not in text_of(editor.get("/oggi").text)


def test_only_editors_take_out(staff: Callable[[str], TestClient], works: Works) -> None:
    phase_id = works[1]["A1"].phase_id
    browser = staff("office")
    assert browser.get(f"/fasi/{phase_id}/togli").status_code == 403
    assert f"/fasi/{phase_id}/togli" not in browser.get(f"/fasi/{phase_id}").text
