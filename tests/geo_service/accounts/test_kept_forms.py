"""The session is gone in the middle of a long form: what was typed survives, nothing is doubled."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from geo_service.accounts import links
from geo_service.accounts.models import Account, AccountSession, KeptForm
from geo_service.web.security import SESSION_COOKIE
from layers.sites import PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.conftest import csrf_of, sign_in

Staff = Callable[[str], TestClient]
Works = tuple[World, dict[str, PhaseRevision]]
HOST = "http://testserver"


def fields(page: str, **more: str) -> dict[str, str]:
    return {
        "csrf": csrf_of(page), "dal": "2026-03-23", "al": "2026-04-10", "certezza": "confirmed",
        "motivo": "pioggia & \"gelo\" <b>", "revisione": "1", "chiave": "una", **more,
    }  # fmt: skip


def end_sessions(session: Session) -> None:
    session.execute(delete(AccountSession))
    session.commit()


def send(browser: TestClient, path: str, data: dict[str, str], **headers: str):  # type: ignore[no-untyped-def]
    return browser.post(path, data=data, headers={"referer": HOST + path, **headers})


def revisions(session: Session, phase_id: int) -> int:
    query = select(PhaseRevision).where(PhaseRevision.phase_id == phase_id)
    return len(session.scalars(query).all())


@pytest.mark.parametrize("way", ["expired", "idle", "cookie gone"])
def test_the_form_waits_behind_the_sign_in(
    way: str, staff: Staff, works: Works, session: Session
) -> None:
    phase = works[1]["A2"].phase_id
    path = f"/fasi/{phase}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    if way == "expired":
        end_sessions(session)
    elif way == "idle":
        session.execute(
            update(AccountSession).values(last_seen_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        )
        session.commit()
    else:
        browser.cookies.delete(SESSION_COOKIE)
    answer = send(browser, path, data)
    assert answer.status_code == 303
    after = unquote(answer.headers["location"]).removeprefix("/accedi?poi=")
    assert re.fullmatch(path + r"\?ripresa=\d+", after)
    assert "mentre scrivevate" in browser.get(answer.headers["location"]).text
    assert revisions(session, phase) == 1, "nothing was carried out"
    back = sign_in(browser, "coordinator@example.org", poi=after)
    assert back.headers["location"] == after
    page = browser.get(after)
    assert "niente è perso" in page.text
    assert "pioggia &amp;" in page.text or "pioggia \\u0026" in page.text
    assert send(browser, path, {**data, "csrf": csrf_of(page.text)}).status_code == 303
    assert revisions(session, phase) == 2
    assert session.scalars(select(KeptForm)).all() == [], "sent, so no longer kept"


def test_it_can_be_read_and_sent_without_a_script(
    staff: Staff, works: Works, session: Session
) -> None:
    phase = works[1]["A2"].phase_id
    path = f"/fasi/{phase}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    end_sessions(session)
    # Without a referer there is no page to go back to.
    answer = browser.post(path, data=data)
    after = unquote(answer.headers["location"]).removeprefix("/accedi?poi=")
    assert after.startswith("/ripresa/")
    sign_in(browser, "coordinator@example.org")
    page = browser.get(after).text
    assert "pioggia &amp; &#34;gelo&#34; &lt;b&gt;" in page
    kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.split(path)[1]))
    assert kept["dal"] == "2026-03-23"
    assert send(browser, path, {**data, "csrf": csrf_of(page)}).status_code == 303
    again = send(browser, path, {**data, "csrf": csrf_of(page)})
    assert again.status_code == 303
    assert revisions(session, phase) == 2, "sent twice, done once"


def test_only_its_author_sees_it(
    staff: Staff, browser_of: Callable[[], TestClient], works: Works, session: Session
) -> None:
    path = f"/fasi/{works[1]['A2'].phase_id}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    staff("operator")
    end_sessions(session)
    after = unquote(send(browser, path, data).headers["location"]).removeprefix("/accedi?poi=")
    sign_in(browser, "operator@example.org")
    assert "niente è perso" not in browser.get(after).text
    number = after.split("=")[1]
    assert browser.get(f"/ripresa/{number}").status_code == 404
    assert browser.get("/ripresa/x").status_code == 404
    row = session.scalars(select(KeptForm)).one()
    assert b"pioggia" not in row.content


def test_a_form_of_the_session_before_comes_back_to_look_at(
    staff: Staff, works: Works, session: Session
) -> None:
    """Two tabs: signed out and in again in one, sent from the other."""
    phase = works[1]["A2"].phase_id
    path = f"/fasi/{phase}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    token = csrf_of(browser.get("/profilo").text)
    browser.post("/esci", data={"csrf": token})
    sign_in(browser, "coordinator@example.org")
    answer = send(browser, path, data)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(path + "?ripresa=")
    assert "niente è perso" in browser.get(answer.headers["location"]).text
    assert revisions(session, phase) == 1


def test_a_form_of_somebody_else_is_refused(staff: Staff, works: Works, session: Session) -> None:
    path = f"/fasi/{works[1]['A2'].phase_id}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    staff("operator")
    browser.post("/esci", data={"csrf": csrf_of(browser.get("/profilo").text)})
    sign_in(browser, "operator@example.org")
    assert send(browser, path, data).status_code == 403
    assert session.scalars(select(KeptForm)).all() == []


def test_what_is_not_ours_is_not_kept(staff: Staff, works: Works, session: Session) -> None:
    path = f"/fasi/{works[1]['A2'].phase_id}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    end_sessions(session)
    for odd in (
        {"data": {**data, "csrf": "0" * 64}},
        {"data": {**data, "csrf": data["csrf"][:-1] + "g"}},
        {"data": data, "headers": {"origin": "https://elsewhere.example"}},
        {"data": data, "headers": {"sec-fetch-mode": "cors"}},
        {"data": {**data, "descrizione": "x" * 400_000}},
    ):
        answer = browser.post(path, **odd)
        assert answer.headers.get("location", "") in ("", "/accedi")
    browser.cookies.clear()
    browser.post(path, data=data)
    assert session.scalars(select(KeptForm)).all() == []


def test_a_large_file_is_not_read_for_nobody(staff: Staff, works: Works, session: Session) -> None:
    browser = staff("coordinator")
    data = {"csrf": csrf_of(browser.get("/importa").text), "che": "buildings"}
    end_sessions(session)
    for size, kept in ((2_100_000, 0), (2_000, 1)):
        file = {"file": ("edifici.csv", b"x" * size)}
        answer = browser.post("/importa", data=data, files=file)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/accedi")
        assert len(session.scalars(select(KeptForm)).all()) == kept, size


def test_an_address_that_is_a_secret_is_not_written_down(
    staff: Staff, works: Works, session: Session
) -> None:
    browser = staff("coordinator")
    person = session.scalars(select(Account).where(Account.role == "coordinator")).one()
    token, _link = links.issue(session, person)
    session.commit()
    path = f"/invito/{token}"
    data = {"csrf": csrf_of(browser.get(path).text), "password": "quattro parole a caso"}
    # Signed in anew in another tab: the form is of the session before.
    browser.post("/esci", data={"csrf": csrf_of(browser.get("/profilo").text)})
    sign_in(browser, "coordinator@example.org")
    assert send(browser, path, data).status_code == 403
    assert session.scalars(select(KeptForm)).all() == []


def test_passwords_are_not_kept_and_leaving_needs_no_form(
    staff: Staff, works: object, session: Session
) -> None:
    browser = staff("operator")
    token = csrf_of(browser.get("/profilo").text)
    end_sessions(session)
    secret = {"csrf": token, "attuale": "vecchia-password", "nuova": "nuova-password-lunga"}
    after = unquote(send(browser, "/profilo/password", secret).headers["location"])
    sign_in(browser, "operator@example.org")
    page = browser.get(after.removeprefix("/accedi?poi="))
    assert "vecchia-password" not in page.text
    assert "nuova-password" not in page.text
    end_sessions(session)
    assert browser.post("/esci", data={"csrf": token}).headers["location"] == "/accedi"


def test_what_is_kept_goes_after_a_day_or_when_thrown_away(
    staff: Staff, works: Works, session: Session
) -> None:
    path = f"/fasi/{works[1]['A2'].phase_id}/modifica"
    browser = staff("coordinator")
    data = fields(browser.get(path).text)
    end_sessions(session)
    send(browser, path, data)
    send(browser, path, data)
    older, newer = [row.id for row in session.scalars(select(KeptForm).order_by(KeptForm.id))]
    sign_in(browser, "coordinator@example.org")
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)
    session.execute(update(KeptForm).where(KeptForm.id == older).values(kept_at=yesterday))
    session.commit()
    assert browser.get(f"/ripresa/{older}").status_code == 404
    page = browser.get(f"/ripresa/{newer}").text
    answer = browser.post(f"/ripresa/{newer}/butta", data={"csrf": csrf_of(page)})
    assert answer.status_code == 303
    assert browser.get(f"/ripresa/{newer}").status_code == 404
