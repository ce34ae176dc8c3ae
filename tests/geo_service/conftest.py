"""Fixtures for pages: the application on the test database, an anonymous and a staff browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, sessionmaker

from geo_service.accounts.models import Account
from geo_service.accounts.service import create_account
from geo_service.app import create_app
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.pages import make_works

PASSWORD = "una-password-di-prova"


@pytest.fixture
def app(connection: Connection) -> FastAPI:
    """The application; its requests share the test's transaction, which is rolled back."""
    application = create_app(connection.engine, today=lambda: MONDAY)
    application.state.session_factory = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    return application


@pytest.fixture
def browser_of(app: FastAPI) -> Callable[[], TestClient]:
    """A function that opens a new browser that does not follow redirects by itself."""

    def open_browser() -> TestClient:
        return TestClient(app, follow_redirects=False, headers={"accept-language": "it"})

    return open_browser


@pytest.fixture
def anonymous(browser_of: Callable[[], TestClient]) -> TestClient:
    """A browser that is not signed in."""
    return browser_of()


@pytest.fixture
def works(session: Session) -> tuple[World, dict[str, PhaseRevision]]:
    """A quarter with works, written down."""
    made = make_works(session)
    session.commit()
    return made


def csrf_of(page: str) -> str:
    """The form token that stands in a page."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, "the page has no form token"
    return found.group(1)


def text_of(page: str) -> str:
    """What stands between the tags of a page, white space as one blank; entities stay."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


@contextmanager
def asked(session: Session) -> Iterator[list[str]]:
    """What the database is asked inside the block, savepoints left out."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(statement)

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def sign_in(browser: TestClient, email: str, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    """Fill in the sign-in form and send it."""
    token = csrf_of(browser.get("/accedi").text)
    return browser.post(
        "/accedi", data={"csrf": token, "email": email, "password": password, **more}
    )


@pytest.fixture
def account_of(session: Session) -> Callable[[str], Account]:
    """A function that makes an account with a role."""

    def make(role: str) -> Account:
        account = create_account(session, f"{role}@example.org", role, PASSWORD)
        session.commit()
        return account

    return make


@pytest.fixture
def staff(
    browser_of: Callable[[], TestClient], account_of: Callable[[str], Account]
) -> Callable[[str], TestClient]:
    """A function that opens a browser signed in with a role."""

    def signed_in(role: str = "coordinator") -> TestClient:
        browser = browser_of()
        answer = sign_in(browser, account_of(role).email)
        assert answer.status_code == 303, answer.text
        return browser

    return signed_in
