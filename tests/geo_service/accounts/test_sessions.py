"""Sessions that end, own sessions, the second factor, task links."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from geo_service.accounts import second_factor, service, sessions, totp
from geo_service.accounts.models import Account, AccountSession, RecoveryCode, TaskLink
from geo_service.history import HistoryEntry
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from layers.sites import PhaseConfirmation, PhaseRevision
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in

Staff = Callable[[str], TestClient]
Open = Callable[[], TestClient]
Works = tuple[World, dict[str, PhaseRevision]]
FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


def send(browser: TestClient, path: str, page: str = "/profilo", **fields: str):  # type: ignore[no-untyped-def]
    return browser.post(path, data={"csrf": csrf_of(browser.get(page).text), **fields})


def test_an_idle_session_ends_and_a_used_one_goes_on(
    staff: Staff, session: Session, works: Works
) -> None:
    browser = staff("coordinator")
    nearly = dt.datetime.now(dt.UTC) - sessions.IDLE + dt.timedelta(minutes=1)
    session.execute(update(AccountSession).values(last_seen_at=nearly))
    session.commit()
    assert browser.get("/oggi").status_code == 200
    session.expire_all()
    seen = session.scalars(select(AccountSession)).one().last_seen_at
    assert dt.datetime.now(dt.UTC) - seen < dt.timedelta(minutes=1)
    session.execute(update(AccountSession).values(last_seen_at=seen - sessions.IDLE))
    session.commit()
    assert browser.get("/oggi").status_code == 303


def test_a_session_ends_after_the_working_day_however_used(
    session: Session, account_of: Callable[[str], Account]
) -> None:
    token = sessions.open_session(session, account_of("operator"))
    kept = session.scalars(select(AccountSession)).one()
    assert kept.expires_at - kept.last_seen_at == sessions.LIFETIME
    session.execute(update(AccountSession).values(expires_at=dt.datetime.now(dt.UTC)))
    assert sessions.account_of(session, token) is None


def test_own_sessions_are_listed_and_closed(
    browser_of: Open, account_of: Callable[[str], Account], works: Works
) -> None:
    email = account_of("operator").email
    desk, phone, other = browser_of(), browser_of(), browser_of()
    phone.headers["user-agent"] = FIREFOX
    for browser in (desk, phone, other):
        assert sign_in(browser, email).status_code == 303
    page = desk.get("/profilo").text
    assert "Firefox, Android" in page
    code = re.search(r'name="sessione" value="(\w+)".*?Firefox, Android', page, flags=re.S)
    assert code
    send(desk, "/profilo/sessioni/chiudi", sessione="0" * 16)
    assert phone.get("/oggi").status_code == 200
    send(desk, "/profilo/sessioni/chiudi-tutte")
    assert phone.get("/oggi").status_code == 303
    assert other.get("/oggi").status_code == 303
    assert desk.get("/oggi").status_code == 200


def test_changing_the_password_asks_for_the_old_one(
    staff: Staff, browser_of: Open, works: Works
) -> None:
    browser, other = staff("operator"), browser_of()
    sign_in(other, "operator@example.org")
    wrong = send(browser, "/profilo/password", attuale="sbagliata-sbagliata", nuova="x" * 12)
    assert wrong.status_code == 422
    assert "attuale non è quella giusta" in wrong.text
    assert send(browser, "/profilo/password", attuale=PASSWORD, nuova="corta").status_code == 422
    right = send(browser, "/profilo/password", attuale=PASSWORD, nuova="quattro parole a caso")
    assert right.status_code == 303
    assert browser.get("/oggi").status_code == 200
    assert other.get("/oggi").status_code == 303


def enrol(browser: TestClient, session: Session) -> tuple[bytes, list[str]]:
    """Turn the second factor on through the page; its secret and the recovery codes."""
    assert send(browser, "/profilo/secondo-fattore", attuale=PASSWORD).status_code == 303
    session.expire_all()
    secret = second_factor.secret_of(session.scalars(select(Account)).one())
    assert secret is not None
    page = browser.get("/profilo").text
    assert totp.base32(secret) in page
    assert "data:image/svg+xml" in page
    wrong = send(browser, "/profilo/secondo-fattore/attiva", codice="000000x")
    assert wrong.status_code == 422
    # This step's: the check may fall into the next one, which still takes it.
    code = totp.code_at(secret, totp.step_at())
    answer = send(browser, "/profilo/secondo-fattore/attiva", codice=code)
    assert answer.status_code == 200, answer.text
    return secret, re.findall(r"<code>([\w-]{11})</code>", answer.text)


def test_with_the_second_factor_a_password_is_not_enough(
    staff: Staff, browser_of: Open, works: Works, session: Session
) -> None:
    secret, codes = enrol(staff("operator"), session)
    assert len(codes) == second_factor.RECOVERY_CODES
    browser = browser_of()
    first = sign_in(browser, "operator@example.org", poi="/cantieri")
    assert first.headers["location"] == "/accedi/codice?poi=%2Fcantieri"
    assert browser.get("/cantieri").status_code == 303, "the password alone opens nothing"
    half = browser.cookies["accanto_session"]
    page = first.headers["location"]
    wrong = send(browser, "/accedi/codice", page, codice="123")
    assert wrong.status_code == 401
    # The next step's: the one that turned the factor on is used up.
    code = totp.code_at(secret, totp.step_at() + 1)
    done = send(browser, "/accedi/codice", page, codice=code, poi="/cantieri")
    assert (done.status_code, done.headers["location"]) == (303, "/cantieri")
    assert browser.get("/cantieri").status_code == 200
    assert browser.cookies["accanto_session"] != half
    second = browser_of()
    sign_in(second, "operator@example.org")
    again = send(second, "/accedi/codice", "/accedi/codice", codice=code)
    assert again.status_code == 401, "a code works once"


def test_a_second_factor_that_is_on_is_not_turned_on_again(
    staff: Staff, works: Works, session: Session
) -> None:
    browser = staff("operator")
    secret, codes = enrol(browser, session)
    right = totp.code_at(secret, totp.step_at() + 1)
    again = send(browser, "/profilo/secondo-fattore/attiva", codice=right)
    assert again.status_code == 422, "an open browser is no way to new recovery codes"
    kept = session.scalars(select(RecoveryCode.code_hash)).all()
    assert second_factor._code_hash(codes[0]) in kept
    assert send(browser, "/profilo/secondo-fattore", attuale=PASSWORD).status_code == 422


def test_a_recovery_code_works_once(
    staff: Staff, browser_of: Open, works: Works, session: Session
) -> None:
    _secret, codes = enrol(staff("operator"), session)
    for expected in (303, 401):
        browser = browser_of()
        sign_in(browser, "operator@example.org")
        spoken = codes[0].upper().replace("-", " ")
        answer = send(browser, "/accedi/codice", "/accedi/codice", codice=spoken)
        assert answer.status_code == expected
    kept = session.scalars(select(RecoveryCode)).all()
    assert sum(code.used_at is not None for code in kept) == 1
    assert not any(codes[1].encode() in code.code_hash for code in kept)


def test_guessing_codes_is_stopped(
    staff: Staff, browser_of: Open, works: Works, session: Session
) -> None:
    secret, _codes = enrol(staff("operator"), session)
    browser = browser_of()
    sign_in(browser, "operator@example.org")
    for _n in range(service.LIMITS[0][1]):
        assert send(browser, "/accedi/codice", "/accedi/codice", codice="1").status_code == 401
    right = totp.code_at(secret, totp.step_at() + 1)
    refused = send(browser, "/accedi/codice", "/accedi/codice", codice=right)
    assert refused.status_code == 429


def test_the_secret_is_not_readable_in_the_database(
    staff: Staff, works: Works, session: Session
) -> None:
    secret, _codes = enrol(staff("operator"), session)
    kept = session.scalars(select(Account)).one().totp_secret
    assert kept is not None
    assert secret not in kept


# Task links: the works side confirms a phase without an account.


@pytest.fixture
def task(staff: Staff, works: Works) -> tuple[TestClient, str, str]:
    """A coordinator's browser, the page of links of phase A1 and the token of a new link."""
    browser = staff("coordinator")
    page = f"/fasi/{works[1]['A1'].phase_id}/collegamenti"
    assert "Impresa Esempio" in browser.get(page).text
    answer = send(browser, page, page, per="impresa Rossi", giorni="7")
    found = re.search(r"/incarico/([\w-]{43})", answer.text)
    assert found, answer.text
    return browser, page, found.group(1)


def test_a_task_link_does_one_thing_once(
    task: tuple[TestClient, str, str], browser_of: Open, works: Works, session: Session
) -> None:
    browser, page, token = task
    firm = browser_of()
    for _n in range(2):
        asked = firm.get(f"/incarico/{token}")
        assert asked.status_code == 200
        assert "A1 Scavo" in asked.text
    assert session.scalars(select(PhaseConfirmation)).all() == []
    done = send(firm, f"/incarico/{token}", f"/incarico/{token}")
    assert "Grazie" in done.text
    kept = session.scalars(select(PhaseConfirmation)).one()
    assert (kept.author, kept.confirmed_on) == ("impresa Rossi", MONDAY)
    assert kept.revision_id == works[1]["A1"].id
    assert firm.get(f"/incarico/{token}").status_code == 404
    assert firm.get("/oggi").status_code == 303, "the link signs nobody in"
    link = session.scalars(select(TaskLink)).one()
    entry = session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "phase.confirmed")
    ).one()
    assert (entry.actor, entry.actor_id) == ("task_link", link.id)
    assert "impresa Rossi, con un collegamento" in browser.get("/cronologia").text
    assert "usato" in browser.get(page).text


def test_a_withdrawn_or_expired_link_is_dead(
    task: tuple[TestClient, str, str], browser_of: Open, session: Session
) -> None:
    browser, page, token = task
    link = session.scalars(select(TaskLink)).one()
    session.execute(update(TaskLink).values(expires_at=dt.datetime.now(dt.UTC)))
    session.commit()
    assert browser_of().get(f"/incarico/{token}").status_code == 404
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    session.execute(update(TaskLink).values(expires_at=later))
    session.commit()
    assert browser_of().get(f"/incarico/{token}").status_code == 200
    assert send(browser, f"{page}/{link.id}/ritira", page).status_code == 303
    assert browser_of().get(f"/incarico/{token}").status_code == 404


def test_dates_that_moved_are_not_confirmed(
    task: tuple[TestClient, str, str], browser_of: Open, works: Works, session: Session
) -> None:
    _browser, _page, token = task
    revision = works[1]["A1"]
    revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    session.commit()
    answer = browser_of().get(f"/incarico/{token}")
    assert answer.status_code == 409
    assert "le date della fase sono cambiate" in answer.text


@pytest.mark.parametrize(("per", "giorni"), [("", "7"), ("impresa Rossi", "400"), ("x", "sette")])
def test_links_that_cannot_be(
    staff: Staff, works: Works, session: Session, per: str, giorni: str
) -> None:
    page = f"/fasi/{works[1]['A1'].phase_id}/collegamenti"
    answer = send(staff("operator"), page, page, per=per, giorni=giorni)
    assert answer.status_code == 422
    assert session.scalars(select(TaskLink)).all() == []


@pytest.mark.parametrize("token", ["x", "è", "%00", "A" * 43])
def test_tokens_that_never_were(anonymous: TestClient, token: str) -> None:
    assert anonymous.get(f"/incarico/{token}").status_code == 404
    assert anonymous.get(f"/invito/{token}").status_code == 404


def test_the_log_does_not_hold_the_token(anonymous: TestClient) -> None:
    with capture_logs() as told:
        anonymous.get("/incarico/parola-segreta")
        anonymous.get("/invito/parola-segreta")
    assert [line["path"] for line in told] == ["/incarico/…", "/invito/…"]
    assert "parola-segreta" not in repr(told)


def test_the_log_of_a_database_that_does_not_answer_does_not_hold_it_either(
    app: FastAPI, anonymous: TestClient
) -> None:
    def silent() -> Session:
        raise OperationalError("select", {}, Exception("no answer"))

    app.state.session_factory = silent
    with capture_logs() as told:
        assert anonymous.get("/invito/parola-segreta").status_code == 503
    assert told[0]["event"] == "database does not answer"
    assert "parola-segreta" not in repr(told)
