"""What a cut really did: said, shown beside the announced window, never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.history import HistoryEntry
from geo_service.i18n import use_language
from geo_service.works.cuts.actuals import CutActual, late, of_phase, record_actual, sentence
from geo_service.works.revisions import draft_of
from geo_service.works.service import revise_phase
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import csrf_of, text_of

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
ROME = ZoneInfo("Europe/Rome")


def say(session: Session, revision: PhaseRevision, what: str, clock: str, days: int = 0,
        **more: object) -> None:  # fmt: skip
    time = dt.time.fromisoformat(clock)
    fields = {"day": MONDAY, "said_by": "DL", **more}
    record_actual(
        session, revision, revision.cuts[0], what=what,
        at=dt.datetime.combine(MONDAY + dt.timedelta(days=days), time, ROME), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def told(session: Session, revision: PhaseRevision) -> str:
    return sentence(of_phase(session, revision.phase_id)[0])


def test_still_closed_stands_beside_the_announced_end(session: Session, works: Works) -> None:
    a1 = works[1]["A1"]
    say(session, a1, "closed", "08:25")
    say(session, a1, "still_off", "17:40")
    (day,) = of_phase(session, a1.phase_id)
    assert sentence(day) == "chiusa alle 8:25, annunciata fino alle 12:30, ancora chiusa alle 17:40"
    brief = "annunciata fino alle 12:30, ancora chiusa alle 17:40"
    assert sentence(day, brief=True) == brief
    assert (day.late, day.still_off, day.over) == (True, True, dt.timedelta(hours=5, minutes=10))
    assert [d.phase_id for d in late(session, works[0].quarter.id, MONDAY)] == [a1.phase_id]


def test_once_it_came_back_it_is_no_longer_late(session: Session, works: Works) -> None:
    a1 = works[1]["A1"]
    say(session, a1, "still_off", "17:40")
    say(session, a1, "back", "19:05")
    assert told(session, a1) == (
        "annunciata fino alle 12:30, tornata alle 19:05, 6 h 35 min più tardi dell'annunciato"
    )
    assert late(session, works[0].quarter.id, MONDAY) == []


def test_back_in_time_is_no_overrun(session: Session, works: Works) -> None:
    a1 = works[1]["A1"]
    say(session, a1, "back", "12:10")
    assert told(session, a1) == "annunciata fino alle 12:30, tornata alle 12:10"
    assert of_phase(session, a1.phase_id)[0].over is None


def test_the_history_is_kept_in_the_language_of_the_house(session: Session, works: Works) -> None:
    with use_language("en"):
        say(session, works[1]["A1"], "still_off", "17:40")
    query = select(HistoryEntry).where(HistoryEntry.action == "phase.cut_said")
    entry = session.scalars(query).one()
    assert entry.changes["cut_said"][1] == "acqua: ancora chiusa 2026-03-02 17:40"


def test_back_after_midnight_belongs_to_the_day_of_the_window(
    session: Session, works: Works
) -> None:
    a1 = works[1]["A1"]
    say(session, a1, "back", "00:30", days=1)
    assert "tornata alle 0:30 di mar 3 mar, 12 h più tardi" in told(session, a1)


def test_a_changed_phase_keeps_what_was_said(session: Session, works: Works) -> None:
    a1 = works[1]["A1"]
    say(session, a1, "still_off", "17:40")
    again = revise_phase(session, a1.phase, draft_of(session, a1), reason="pioggia")
    assert again.cuts[0].id != a1.cuts[0].id
    say(session, again, "back", "18:00")
    (day,) = of_phase(session, a1.phase_id)
    assert [s.what for s in day.said] == ["still_off", "back"]
    assert late(session, works[0].quarter.id, MONDAY) == []


def test_a_day_that_was_not_announced_is_refused(session: Session, works: Works) -> None:
    with pytest.raises(Invalid, match="non è prevista"):
        say(session, works[1]["A1"], "back", "12:00", day=MONDAY - dt.timedelta(days=1))


def test_what_was_said_is_never_changed_but_the_name_can_be_emptied(
    session: Session, works: Works
) -> None:
    say(session, works[1]["A1"], "still_off", "17:40", said_by="Sig. Bianchi")
    session.execute(update(CutActual).values(said_by=""))
    savepoint = session.begin_nested()
    with pytest.raises(IntegrityError, match="never changed"):
        session.execute(update(CutActual).values(what="back"))
    savepoint.rollback()


def send(browser: TestClient, revision: PhaseRevision, **fields: str):  # type: ignore[no-untyped-def]
    path = f"/fasi/{revision.phase_id}"
    token = csrf_of(browser.get(path).text)
    usual = {
        "csrf": token, "sospensione": str(revision.cuts[0].id), "cosa": "still_off",
        "giorno_sosp": MONDAY.isoformat(), "ora": "17:40", "detto_da": "la signora del 3° piano",
    }  # fmt: skip
    return browser.post(f"{path}/sospensioni", data={**usual, **fields})


def test_it_is_said_on_the_phase_and_seen_by_those_who_need_it(
    session: Session, staff: Staff, works: Works
) -> None:
    world, found = works
    browser = staff("operator")
    assert send(browser, found["A1"]).status_code == 303
    assert send(browser, found["A1"]).status_code == 303
    assert session.scalar(select(func.count()).select_from(CutActual)) == 1
    said = "annunciata fino alle 12:30, ancora chiusa alle 17:40"
    phase = text_of(browser.get(f"/fasi/{found['A1'].phase_id}").text)
    assert said in phase
    assert "detto da la signora del 3° piano" in phase
    assert said in text_of(browser.get(f"/edifici/{world.buildings[0].id}").text)
    assert said not in text_of(browser.get(f"/edifici/{world.buildings[1].id}").text)
    today = text_of(browser.get("/oggi").text)
    assert f"A1 Scavo acqua, lun 2 mar: {said} in ritardo" in today
    history = text_of(staff("coordinator").get("/cronologia").text)
    assert "ha annotato com&#39;è andata una sospensione della fase" in history
    assert "signora" not in history


@pytest.mark.parametrize(
    ("fields", "sentence_"),
    [
        ({"ora": "sera"}, "«sera» non è un&#39;ora: scrivete 8:30."),
        ({"giorno_sosp": "ieri"}, "«ieri» non è una data."),
        ({"giorno_sosp": "2026-03-03"}, "Questo giorno deve ancora venire."),
        ({"giorno_sosp": "2026-02-27"}, "la sospensione non è prevista"),
        ({"dopo": "1", "ora": "0:30"}, "Quest&#39;ora deve ancora venire."),
        ({"sospensione": "9999"}, "Scegliete la sospensione"),
        ({"cosa": "boh"}, "Scegliete che cosa è successo."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    session: Session, staff: Staff, works: Works, fields: dict[str, str], sentence_: str
) -> None:
    answer = send(staff("operator"), works[1]["A1"], **fields)
    assert answer.status_code == 422
    assert sentence_ in answer.text
    assert "la signora del 3° piano" in answer.text
    assert session.scalar(select(func.count()).select_from(CutActual)) == 0


def test_an_hour_later_than_now_is_still_to_come(
    session: Session, staff: Staff, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    five = dt.datetime.combine(MONDAY, dt.time(17), ROME)
    monkeypatch.setattr("geo_service.calendar.now", lambda: five)
    browser = staff("operator")
    answer = send(browser, works[1]["A1"], ora="17:40")
    assert answer.status_code == 422
    assert "Quest&#39;ora deve ancora venire." in answer.text
    assert session.scalar(select(func.count()).select_from(CutActual)) == 0
    assert send(browser, works[1]["A1"], ora="17:00").status_code == 303


def test_a_phase_without_cuts_has_no_form(staff: Staff, works: Works) -> None:
    assert "Annotare quando" not in staff("operator").get(f"/fasi/{works[1]['A2'].phase_id}").text
    assert "Annotare quando" not in staff("office").get(f"/fasi/{works[1]['A1'].phase_id}").text
