"""Pages of appointments: proposal, list, one appointment, a moved phase, the crew's day."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account, AccountSite, TaskLink
from geo_service.appointments import service
from geo_service.appointments.models import Appointment
from geo_service.households.models import LookLog
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from layers.sites import PhaseRevision
from tests.geo_service.appointments.made import propose, windows_phase
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import csrf_of

DAY = dt.timedelta(days=1)
Staff = Callable[..., TestClient]
Works = tuple[World, dict[str, PhaseRevision]]
# What no crew may read: names, languages, needs, codes of households.
PRIVATE = ("Famiglia", "N0", "N1", "rumeno", "protett", "vuoto")


@pytest.fixture
def world(works: Works) -> World:
    return works[0]


@pytest.fixture
def revision(session: Session, world: World) -> PhaseRevision:
    revision = windows_phase(session, world)
    session.commit()
    return revision


@pytest.fixture
def made(session: Session, revision: PhaseRevision) -> list[Appointment]:
    made = propose(session, revision)
    session.commit()
    return made


@pytest.fixture
def address(revision: PhaseRevision) -> str:
    return f"/fasi/{revision.phase_id}/appuntamenti"


def send(browser: TestClient, to: str, start: str = "/oggi", **fields: object):  # type: ignore[no-untyped-def]
    token = csrf_of(browser.get(start).text)
    return browser.post(to, data={"csrf": token, **fields})


def agree(session: Session, *found: Appointment) -> None:
    for one in found:
        service.change_state(session, one, "agreed", today=MONDAY)
    session.commit()


RULES = {
    "dal": MONDAY.isoformat(), "durata": 240, "squadre": 1, "ordine": "scendere",
    "pausa_dalle": "12:00", "pausa_alle": "13:00",
}  # fmt: skip


def test_a_proposal_is_shown_before_it_is_applied(
    staff: Staff, session: Session, address: str
) -> None:
    browser = staff()
    assert "Proponi l'ora per 8 alloggi" in browser.get(address).text.replace("&#39;", "'")
    shown = send(browser, f"{address}/proposta", **RULES)
    assert shown.status_code == 200
    assert session.query(Appointment).count() == 0
    assert shown.text.count("8:00–12:00") == 4
    mark = re.search(r'name="mostrato" value="(\w+)"', shown.text)
    assert mark
    fields = {**RULES, "applica": 1, "mostrato": mark[1]}
    stale = send(browser, f"{address}/proposta", **{**fields, "mostrato": "0"})
    assert stale.status_code == 409
    assert "Nel frattempo" in stale.text
    applied = send(browser, f"{address}/proposta", **fields)
    assert applied.headers["location"] == f"{address}?stato=proposed"
    assert session.query(Appointment).count() == 8
    # The same form again: done once.
    again = send(browser, f"{address}/proposta", **fields)
    assert again.headers["location"] == f"{address}?stato=proposed"
    assert session.query(Appointment).count() == 8


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"durata": 5}, "da 15 a 600"),
        ({"durata": ""}, "Non può restare vuoto"),
        ({"squadre": "molte"}, "da 1 a 20"),
        ({"dal": "2026-02-30"}, "Serve una data"),
        ({"dal": "2026-02-27"}, "già passato"),
        ({"dal": "2027-03-01"}, "fuori dal periodo"),
        ({"pausa_alle": ""}, "inizio e fine"),
        ({"pausa_alle": "11:00"}, "prima dell'inizio"),
        ({"ordine": "a caso"}, "voce dell'elenco"),
    ],
)
def test_a_proposal_that_cannot_be(
    staff: Staff, session: Session, address: str, changed: dict[str, object], told: str
) -> None:
    answer = send(staff(), f"{address}/proposta", **{**RULES, **changed})
    assert answer.status_code == 422
    assert told in answer.text.replace("&#39;", "'")


def test_the_list_is_filtered_and_sorted(
    staff: Staff, session: Session, address: str, made: list[Appointment]
) -> None:
    agree(session, made[0])
    browser = staff()

    def rows(query: str) -> int:
        return browser.get(f"{address}?{query}").text.count('<th scope="row">')

    assert rows("") == 8
    assert rows("stato=agreed") == 1
    assert rows(f"giorno={MONDAY}") == 2
    assert rows(f"scala={made[0].flat.stairwell_id}") == 4
    assert rows("solo=preparazione") == 4
    assert rows("solo=conflitti") == 0
    assert rows("stato=qualunque&giorno=2026-02-30&pagina=99&ordine=x") == 8
    by_place = browser.get(f"{address}?ordine=dove").text
    assert 'aria-sort="ascending"' in by_place


def test_operators_see_neither_empty_flats_nor_protected_households(
    staff: Staff, session: Session, address: str, made: list[Appointment], world: World
) -> None:
    hidden = [a for a in made if a.flat_id in (world.flats[1].id, world.flats[7].id)]
    operator = staff("operator")
    text = operator.get(address).text
    assert text.count('<th scope="row">') == 6
    for one in hidden:
        assert f"/appuntamenti/{one.id}" not in text
        assert operator.get(f"/appuntamenti/{one.id}").status_code == 404
        answer = send(operator, f"/appuntamenti/{one.id}/stato", stato="agreed", versione=1)
        assert answer.status_code == 404
    session.query(LookLog).delete()
    coordinator = staff()
    assert coordinator.get(address).text.count('<th scope="row">') == 8
    assert {look.what for look in session.query(LookLog)} == {"empty_flats", "protected"}


def test_a_state_is_marked_with_one_click_and_a_confirmation(
    staff: Staff, session: Session, address: str, made: list[Appointment]
) -> None:
    browser, first = staff(), made[0]
    assert f"/appuntamenti/{first.id}?segna=agreed" in browser.get(address).text
    asked = browser.get(f"/appuntamenti/{first.id}?segna=agreed&torna={address}").text
    assert "Segnare «concordato»?" in asked
    fields = {"stato": "agreed", "versione": first.row_version, "torna": address,
              "motivo": "contact", "riferito": "household"}  # fmt: skip
    answer = send(browser, f"/appuntamenti/{first.id}/stato", **fields)
    assert answer.headers["location"] == address
    session.refresh(first)
    assert first.state == "agreed"
    # Sent twice: done once. In another tab, with another wish: told first.
    assert send(browser, f"/appuntamenti/{first.id}/stato", **fields).status_code == 303
    clash = send(browser, f"/appuntamenti/{first.id}/stato", **{**fields, "stato": "dropped"})
    assert clash.status_code == 409
    assert "Qualcun altro ha cambiato" in clash.text
    sheet = browser.get(f"/appuntamenti/{first.id}").text
    assert "proposto → concordato" in sheet
    assert "riferito da la famiglia" in sheet
    elsewhere = {**fields, "versione": first.row_version, "stato": "absent",
                 "torna": "https://example.org/"}  # fmt: skip
    away = send(browser, f"/appuntamenti/{first.id}/stato", **elsewhere)
    assert away.headers["location"] == f"/appuntamenti/{first.id}"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"alle": "07:00"}, "prima dell'inizio"),
        ({"alle": "25:00"}, "Serve un'ora"),
        ({"giorno": "2026-02-30"}, "Serve una data"),
        ({"giorno": "2026-03-31"}, "fuori dal periodo"),
        ({"giorno": "2026-03-08"}, "festivo"),
        ({"alle": "18:00"}, "fuori dall'orario"),
        ({"giorno": "2026-03-03"}, "ha già un altro alloggio"),
        ({"squadra": 99}, "da 1 a 20"),
    ],
)
def test_a_slot_that_cannot_be(
    staff: Staff, made: list[Appointment], changed: dict[str, object], told: str
) -> None:
    first = made[0]
    fields = {"versione": first.row_version, "giorno": "2026-03-13", "dalle": "08:00",
              "alle": "12:00", "squadra": 1, **changed}  # fmt: skip
    answer = send(staff(), f"/appuntamenti/{first.id}/sposta", **fields)
    assert answer.status_code == 422
    assert told in answer.text.replace("&#39;", "'")
    # What was typed is still there.
    assert f'value="{fields["giorno"]}"' in answer.text


def test_what_speaks_against_a_slot_can_be_overruled(
    staff: Staff, session: Session, made: list[Appointment]
) -> None:
    first = made[0]
    fields = {"versione": first.row_version, "giorno": "2026-03-07", "dalle": "08:00",
              "alle": "12:00", "squadra": 1, "comunque": 1, "concordato": 1}  # fmt: skip
    answer = send(staff(), f"/appuntamenti/{first.id}/sposta", **fields)
    assert answer.status_code == 303
    session.refresh(first)
    assert (first.on_day, first.state) == (dt.date(2026, 3, 7), "agreed")


def test_who_opens_and_what_is_prepared(
    staff: Staff, session: Session, made: list[Appointment]
) -> None:
    browser, first = staff("operator"), made[0]
    sheet = f"/appuntamenti/{first.id}"
    entry = {"versione": first.row_version, "apre": "keys", "chiavi": "in portineria",
             "richiesta": "citofono rotto", "non_prima": "9.00", "non_dopo": ""}  # fmt: skip
    wrong = send(browser, f"{sheet}/accesso", **{**entry, "non_dopo": "8:00"})
    assert wrong.status_code == 422
    assert send(browser, f"{sheet}/accesso", **entry).status_code == 303
    session.refresh(first)
    assert (first.access, first.not_before) == ("keys", dt.time(9))
    ready = {"versione": first.row_version, "serve_aerial": 1, "entro_aerial": "2026-03-01",
             "serve_windows": 1, "entro_windows": "2026-02-27", "pronto_windows": 1}  # fmt: skip
    assert send(browser, f"{sheet}/preparazione", **ready).status_code == 303
    session.expire_all()
    kept = {p.item: p.done_on for p in first.preparation}
    assert kept == {"aerial": None, "windows": MONDAY}
    text = browser.get(sheet).text
    assert "in ritardo" in text
    late = send(browser, f"{sheet}/preparazione", **ready)
    assert late.status_code == 303  # the same form again is done once
    stale = send(browser, f"{sheet}/preparazione", **{**ready, "serve_cellar": 1,
                 "entro_cellar": "2026-03-01"})  # fmt: skip
    assert stale.status_code == 409


def test_a_single_appointment_is_for_a_flat_of_the_phase(
    staff: Staff, session: Session, address: str, world: World
) -> None:
    browser = staff()
    fields = {"giorno": "2026-03-04", "dalle": "08:00", "alle": "12:00", "squadra": 1}
    for flat in (999_999, "", "x"):
        answer = send(browser, address, alloggio=flat, **fields)
        assert answer.status_code == 422
        assert "Scegliete un alloggio della fase" in answer.text
    answer = send(browser, address, alloggio=world.flats[0].id, **fields)
    assert answer.status_code == 303
    made = session.query(Appointment).one()
    assert answer.headers["location"] == f"/appuntamenti/{made.id}"
    assert send(browser, address, alloggio=world.flats[0].id, **fields).status_code == 303
    other = send(browser, address, alloggio=world.flats[0].id, **{**fields, "squadra": 2})
    assert other.status_code == 422


def test_a_moved_phase_says_so_and_takes_its_appointments_along(
    staff: Staff, session: Session, address: str, made: list[Appointment], revision: PhaseRevision
) -> None:
    agree(session, made[0])
    revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    session.commit()
    browser = staff()
    today = browser.get("/oggi").text
    assert "è cambiata: 8 appuntamenti da rivedere" in today
    assert f"{address}/segui" in today
    assert "La fase è stata spostata di 7 giorni" in browser.get(address).text
    shown = browser.get(f"{address}/segui").text
    mark = re.search(r'name="mostrato" value="(\w+)"', shown)
    assert mark
    assert send(browser, f"{address}/segui", mostrato="0").status_code == 409
    assert send(browser, f"{address}/segui", mostrato=mark[1]).status_code == 303
    session.refresh(made[0])
    assert (made[0].on_day, made[0].state) == (MONDAY + 7 * DAY, "moved")
    told = browser.get(f"{address}/segui").text
    assert "Chi avvisare (1)" in told
    assert "lettera" in told
    assert "lun 2 mar" in told


def test_an_operator_is_told_only_of_flats_they_may_see(
    staff: Staff, session: Session, address: str, made: list[Appointment], revision: PhaseRevision
) -> None:
    revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    session.commit()
    operator = staff("operator")
    assert "è cambiata: 6 appuntamenti da rivedere" in operator.get("/oggi").text
    shown = operator.get(f"{address}/segui").text
    assert "6 appuntamenti da spostare" in shown
    mark = re.search(r'name="mostrato" value="(\w+)"', shown)
    assert mark
    assert send(operator, f"{address}/segui", mostrato=mark[1]).status_code == 303
    session.expire_all()
    assert {a.revision_id for a in made} != {revision.id}
    assert all(a.on_day >= MONDAY + 7 * DAY for a in made)


def test_the_crew_reads_flat_and_hour_only(
    staff: Staff, session: Session, address: str, made: list[Appointment], world: World
) -> None:
    agree(session, *made[:-1])
    browser = staff()
    day = browser.get(f"{address}/giorno").text
    main = day.split("<main")[1].split("</main>")[0]
    assert "8:00–12:00" in main
    assert "Via dei Mulini" in main
    files = {f: browser.get(f"{address}/giorno.{f}") for f in ("csv", "xlsx")}
    csv = files["csv"].content.decode("utf-8-sig")
    assert csv.splitlines()[0] == "giorno;dalle;alle;squadra;indirizzo;scala;piano;interno"
    assert len(csv.splitlines()) == 8  # the one that nobody agreed to is missing
    sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"].content)).active
    assert sheet is not None
    assert sheet.max_row == 8
    for word in PRIVATE:
        assert word not in main, word
        assert word not in csv, word
    assert browser.get(f"{address}/giorno?data=2026-02-30").status_code == 422
    assert browser.get(f"{address}/giorno.pdf").status_code == 404
    assert "fuori dal periodo" in browser.get(f"{address}/giorno?data=2026-05-05").text


def link_of(browser: TestClient, address: str, day: dt.date = MONDAY) -> str:
    answer = send(
        browser, f"{address}/collegamento", data=day.isoformat(), per="impresa Rossi", giorni=3
    )
    found = re.search(r"/incarico/appuntamenti/([\w-]+)", answer.text)
    assert found, answer.text
    return f"/incarico/appuntamenti/{found[1]}"


def test_a_link_changes_no_visit_that_it_does_not_show(
    staff: Staff, anonymous: TestClient, session: Session, address: str, made: list[Appointment]
) -> None:
    agree(session, made[0])
    task = link_of(staff(), address)
    proposed = made[1]
    assert proposed.on_day == made[0].on_day
    assert anonymous.get(task).text.count('name="appuntamento"') == 1
    answer = send(anonymous, task, task, appuntamento=proposed.id, esito="done")
    assert answer.status_code == 404
    session.refresh(proposed)
    assert proposed.state == "proposed"


def test_the_crew_says_how_it_went_with_its_link(
    staff: Staff, anonymous: TestClient, session: Session, address: str, made: list[Appointment]
) -> None:
    agree(session, *made[:3])
    task = link_of(staff(), address)
    shown = anonymous.get(task)
    assert shown.status_code == 200
    assert shown.text.count('name="appuntamento"') == 2
    for word in PRIVATE:
        assert word not in shown.text, word
    for found, outcome in ((made[0], "done"), (made[1], "absent"), (made[1], "absent")):
        answer = send(anonymous, task, task, appuntamento=found.id, esito=outcome)
        assert answer.status_code == 303
        session.refresh(found)
        assert found.state == outcome
    assert made[1].attempts == 1
    last = service.events_of(session, made[0].id)[0]
    assert (last.actor, last.reported_by) == ("task_link", "crew")
    assert (
        "impresa Rossi, con un collegamento"
        in staff("operator").get(f"/appuntamenti/{made[0].id}").text
    )
    # Neither another day's visit nor another outcome, and nothing once the day is over.
    assert send(anonymous, task, task, appuntamento=made[2].id, esito="done").status_code == 404
    assert send(anonymous, task, task, appuntamento=made[0].id, esito="warned").status_code == 422
    assert "Grazie" in send(anonymous, task, task, finito=1).text
    assert anonymous.get(task).status_code == 404
    assert session.query(TaskLink).one().used_at is not None


def test_a_link_does_one_task_only(
    staff: Staff, anonymous: TestClient, session: Session, address: str, made: list[Appointment],
    revision: PhaseRevision,
) -> None:  # fmt: skip
    agree(session, *made)
    browser = staff()
    task = link_of(browser, address)
    # Neither as the link that confirms a phase, nor the other way round.
    assert anonymous.get(task.replace("/appuntamenti", "")).status_code == 404
    answer = send(browser, f"/fasi/{revision.phase_id}/collegamenti", per="DL", giorni=7)
    confirm = re.search(r"/incarico/([\w-]+)", answer.text)
    assert confirm
    assert anonymous.get(f"/incarico/appuntamenti/{confirm[1]}").status_code == 404
    # Before its day it shows the list and takes no outcome.
    tomorrow = link_of(browser, address, MONDAY + DAY)
    shown = anonymous.get(tomorrow).text
    assert "dal giorno stesso" in shown
    assert 'name="appuntamento"' not in shown
    listed = browser.get(f"{address}/giorno?data={MONDAY}").text
    revoke = re.search(rf"{address}/collegamento/(\d+)/ritira", listed)
    assert revoke
    send(browser, revoke[0], data=MONDAY.isoformat())
    assert anonymous.get(task).status_code == 404
    nobody = send(browser, f"{address}/collegamento", data="2026-03-08", per="DL", giorni=3)
    assert nobody.status_code == 422


def test_other_pages_show_the_appointments(
    staff: Staff, session: Session, address: str, made: list[Appointment],
    revision: PhaseRevision, world: World,
) -> None:  # fmt: skip
    agree(session, made[0])
    coordinator, operator, office = staff(), staff("operator"), staff("office")
    phase = f"/fasi/{revision.phase_id}"
    assert "Appuntamenti in casa" in coordinator.get(phase).text
    assert re.search(r"<strong>7</strong> <a [^>]*>proposti", coordinator.get(phase).text)
    assert re.search(r"<strong>[56]</strong> <a [^>]*>proposti", operator.get(phase).text)
    # How many there are, by state, is for those who may know each household.
    seen = office.get(phase)
    assert seen.status_code == 200
    assert "Appuntamenti in casa" not in seen.text
    flat = world.flats[0].id
    found = next(a for a in made if a.flat_id == flat)
    for place in (f"/alloggi/{flat}", f"/nuclei/{world.households[0].id}"):
        assert f"/appuntamenti/{found.id}" in operator.get(place).text, place
    none = f"/fasi/{next(r for r in session.query(PhaseRevision) if r.id != revision.id).phase_id}"
    assert "Appuntamenti in casa" not in coordinator.get(none).text


def test_the_works_side_sees_flat_and_hour_of_what_is_agreed(
    staff: Staff, session: Session, made: list[Appointment], revision: PhaseRevision, world: World
) -> None:
    agree(session, made[0])
    browser = staff("works")
    own = session.query(Account).filter(Account.role == "works").one()
    page = f"/mie-fasi/{revision.phase_id}"
    assert browser.get(page).status_code in (403, 404)
    own.sites.append(AccountSite(site_id=world.site.id))
    session.commit()
    text = browser.get(page).text
    table = text.split('id="appuntamenti"')[1].split("</section>")[0]
    assert table.count('<th scope="row">') == 1
    assert "8:00–12:00" in table
    for word in PRIVATE:
        assert word not in text, word


def test_the_list_asks_few_questions(
    staff: Staff, session: Session, address: str, made: list[Appointment]
) -> None:
    browser = staff()
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *a: asked.append(a[2]))
    browser.get(address)
    reads = [s for s in asked if s.lstrip().lower().startswith(("select", "with"))]
    about_appointments = [s for s in reads if "appointment" in s]
    assert len(about_appointments) <= 3


def test_pages_speak_english(staff: Staff, address: str, made: list[Appointment]) -> None:
    browser = staff()
    assert "Appointments in flats" in browser.get(f"{address}?lang=en").text
    assert "What to prepare" in browser.get(f"/appuntamenti/{made[0].id}?lang=en").text


def test_the_history_tells_of_appointments(
    staff: Staff, session: Session, made: list[Appointment]
) -> None:
    browser, first = staff(), made[0]
    fields = {"stato": "agreed", "versione": first.row_version}
    send(browser, f"/appuntamenti/{first.id}/stato", **fields)
    text = browser.get("/cronologia").text.replace("&#39;", "'")
    assert "ha cambiato l'appuntamento F1, A int." in text
    assert "concordato" in text
