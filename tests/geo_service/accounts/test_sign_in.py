"""Accounts, sign-in, guesses, sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geo_service.accounts import service
from geo_service.accounts.models import Account, AccountSession, SignInAttempt
from geo_service.errors import Invalid
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in


def test_the_first_start_makes_one_coordinator(session: Session) -> None:
    made = service.ensure_first_account(session)
    assert made is not None
    email, password = made
    account = session.scalars(select(Account)).one()
    assert (account.email, account.role) == (email, "coordinator")
    assert password not in account.password_hash
    assert service.sign_in(session, email, password, "10.0.0.1")


def test_later_starts_make_none(session: Session) -> None:
    service.ensure_first_account(session)
    assert service.ensure_first_account(session) is None
    assert len(session.scalars(select(Account)).all()) == 1


@pytest.mark.parametrize(
    ("email", "role", "password"),
    [("nessuno", "operator", PASSWORD), ("a@b.it", "re", PASSWORD), ("a@b.it", "operator", "x")],
)
def test_accounts_that_cannot_be(session: Session, email: str, role: str, password: str) -> None:
    with pytest.raises(Invalid):
        service.create_account(session, email, role, password)


def test_an_address_is_used_once(session: Session) -> None:
    service.create_account(session, "Anna@Example.org", "operator", PASSWORD)
    with pytest.raises(Invalid, match="Esiste già"):
        service.create_account(session, "anna@example.org ", "operator", PASSWORD)


def test_signing_in_and_out(
    anonymous: TestClient, account_of: Callable[[str], Account], session: Session, works: object
) -> None:
    answer = sign_in(anonymous, account_of("coordinator").email)
    assert answer.headers["location"] == "/oggi"
    page = anonymous.get("/oggi")
    assert page.status_code == 200
    token = anonymous.cookies["accanto_session"]
    kept = session.scalars(select(AccountSession)).one()
    assert token.encode() not in kept.token_hash
    out = anonymous.post("/esci", data={"csrf": csrf_of(page.text)})
    assert out.status_code == 303
    assert session.scalars(select(AccountSession)).all() == []
    anonymous.cookies.set("accanto_session", token)
    assert anonymous.get("/oggi").headers["location"].startswith("/accedi")


def test_the_same_sentence_whatever_was_wrong(
    anonymous: TestClient, account_of: Callable[[str], Account]
) -> None:
    known = sign_in(anonymous, account_of("operator").email, "sbagliata-sbagliata")
    unknown = sign_in(anonymous, "nessuno@example.org", "sbagliata-sbagliata")
    assert known.status_code == unknown.status_code == 401
    assert "Indirizzo o password non corretti" in known.text
    assert "Indirizzo o password non corretti" in unknown.text


def test_guessing_is_stopped_and_the_right_password_too(
    anonymous: TestClient, account_of: Callable[[str], Account], session: Session
) -> None:
    email = account_of("operator").email
    for _ in range(service.LIMITS[0][1]):
        assert sign_in(anonymous, email, "sbagliata-sbagliata").status_code == 401
    refused = sign_in(anonymous, email)
    assert refused.status_code == 429
    assert "15 minuti" in refused.text
    session.execute(update(SignInAttempt).values(at=SignInAttempt.at - dt.timedelta(minutes=16)))
    session.commit()
    assert sign_in(anonymous, email).status_code == 303


def test_attempts_do_not_tell_who_tried(
    anonymous: TestClient, account_of: Callable[[str], Account], session: Session
) -> None:
    email = account_of("operator").email
    sign_in(anonymous, email, "sbagliata-sbagliata")
    kept = session.execute(text("select sign_in_attempt::text from sign_in_attempt")).scalars()
    assert kept
    assert not any("operator" in row or "testclient" in row for row in kept)


def test_an_expired_session_is_over(
    staff: Callable[[str], TestClient], session: Session, works: object
) -> None:
    browser = staff("coordinator")
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    session.execute(update(AccountSession).values(expires_at=past))
    session.commit()
    assert browser.get("/oggi").status_code == 303


def test_a_disabled_account_is_out_at_once(
    staff: Callable[[str], TestClient], session: Session, works: object
) -> None:
    browser = staff("coordinator")
    session.execute(update(Account).values(disabled=True))
    session.commit()
    assert browser.get("/oggi").status_code == 303
    assert sign_in(browser, "coordinator@example.org").status_code == 401


def test_a_new_password_signs_out_everywhere(
    staff: Callable[[str], TestClient], session: Session, works: object
) -> None:
    browser = staff("coordinator")
    service.set_password(session, session.scalars(select(Account)).one(), "un'altra-password")
    session.commit()
    assert browser.get("/oggi").status_code == 303
    assert sign_in(browser, "coordinator@example.org", "un'altra-password").status_code == 303


@pytest.mark.parametrize("nonsense", ["x" * 5000, "", "\x00", "è" * 900])
def test_strange_passwords_are_refused_calmly(
    anonymous: TestClient, account_of: Callable[[str], Account], nonsense: str
) -> None:
    account_of("operator")
    assert sign_in(anonymous, "operator@example.org", nonsense).status_code in (401, 422)
