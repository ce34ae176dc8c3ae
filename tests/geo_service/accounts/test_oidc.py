"""Signing in through a real OpenID provider on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account
from geo_service.accounts.service import create_account
from geo_service.settings import get_settings
from tests.geo_service.accounts.provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, running

Open = Callable[[], TestClient]
RETURN = "/accedi/oidc/ritorno"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenIdProvider]:
    """A running provider that this installation is configured for."""
    with running(get_settings().base_url + RETURN, tmp_path) as started:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(started.certificate))
        monkeypatch.setenv("ACCANTO_OIDC_ISSUER", started.issuer)
        monkeypatch.setenv("ACCANTO_OIDC_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("ACCANTO_OIDC_CLIENT_SECRET", CLIENT_SECRET)
        monkeypatch.setenv("ACCANTO_OIDC_NAME", "Identità di prova")
        get_settings.cache_clear()
        yield started
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def anna(session: Session) -> Account:
    """Who was invited by address and has no password."""
    account = create_account(session, "anna@comune.example", "operator", None, "Anna")
    session.commit()
    return account


def return_address(browser: TestClient, after: str = "") -> str:
    """Leave for the provider, be recognised there; the address it sends the browser back to."""
    leaving = browser.get("/accedi/oidc", params={"poi": after})
    assert leaving.status_code == 303
    coming = requests.get(leaving.headers["location"], allow_redirects=False, timeout=10)
    assert coming.status_code == 303, coming.text
    parts = urlsplit(coming.headers["location"])
    return f"{parts.path}?{parts.query}"


def test_an_invited_person_signs_in(
    provider: OpenIdProvider, anonymous: TestClient, anna: Account, works: object, session: Session
) -> None:
    assert "Entra con Identità di prova" in anonymous.get("/accedi").text
    back = anonymous.get(return_address(anonymous, "/cantieri"))
    assert (back.status_code, back.headers["location"]) == (303, "/cantieri")
    assert anonymous.get("/cantieri").status_code == 200
    session.refresh(anna)
    assert anna.oidc_issuer == provider.issuer
    assert anna.oidc_subject


def test_afterwards_the_identity_counts_and_not_the_address(
    provider: OpenIdProvider, browser_of: Open, anna: Account, works: object, session: Session
) -> None:
    first = browser_of()
    assert first.get(return_address(first)).status_code == 303
    provider.person["email"] = "anna.bianchi@comune.example"
    again = browser_of()
    assert again.get(return_address(again)).status_code == 303
    provider.provider.userinfo._db["2"].update(
        {"email": "anna@comune.example", "email_verified": True}
    )
    provider.user_id = "2"
    other = browser_of()
    refused = other.get(return_address(other))
    assert refused.status_code == 401
    assert other.get("/cantieri").status_code == 303


def test_who_was_not_invited_stays_out(
    provider: OpenIdProvider, anonymous: TestClient, session: Session
) -> None:
    back = anonymous.get(return_address(anonymous))
    assert back.status_code == 401
    assert "non ha un accesso qui" in back.text
    assert session.scalars(select(Account)).all() == []


def test_an_unverified_address_opens_nothing(
    provider: OpenIdProvider, anonymous: TestClient, anna: Account
) -> None:
    provider.person["email_verified"] = False
    assert anonymous.get(return_address(anonymous)).status_code == 401


def test_a_disabled_account_stays_out(
    provider: OpenIdProvider, browser_of: Open, anna: Account, session: Session
) -> None:
    browser = browser_of()
    assert browser.get(return_address(browser)).status_code == 303
    anna.disabled = True
    session.commit()
    assert browser.get(return_address(browser)).status_code == 401


def test_another_browsers_return_is_refused(
    provider: OpenIdProvider, browser_of: Open, anna: Account
) -> None:
    back = return_address(browser_of())
    assert browser_of().get(back).status_code == 401
    started = browser_of()
    return_address(started)
    assert started.get(back).status_code == 401, "the state of another sign-in"


def test_a_code_works_once(provider: OpenIdProvider, browser_of: Open, anna: Account) -> None:
    browser = browser_of()
    back = return_address(browser)
    journey = browser.cookies["accanto_viaggio"]
    assert browser.get(back).status_code == 303
    replayed = browser_of()
    replayed.cookies.set("accanto_viaggio", journey)
    assert replayed.get(back).status_code == 401


def test_a_token_made_for_another_sign_in_is_refused(
    provider: OpenIdProvider, anonymous: TestClient, anna: Account
) -> None:
    """The nonce binds the token to the browser that left; PKCE binds the code."""
    leaving = anonymous.get("/accedi/oidc").headers["location"]
    asked = parse_qs(urlsplit(leaving).query)
    assert asked["code_challenge_method"] == ["S256"]
    forged = leaving.replace(asked["nonce"][0], "un-altro-nonce")
    coming = requests.get(forged, allow_redirects=False, timeout=10).headers["location"]
    parts = urlsplit(coming)
    assert anonymous.get(f"{parts.path}?{parts.query}").status_code == 401


def test_a_silent_provider_is_said_in_words(
    anonymous: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCANTO_OIDC_ISSUER", "http://127.0.0.1:9")
    monkeypatch.setenv("ACCANTO_OIDC_CLIENT_ID", CLIENT_ID)
    get_settings.cache_clear()
    try:
        answer = anonymous.get("/accedi/oidc")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert answer.status_code == 503
    assert "non risponde" in answer.text


def test_without_configuration_there_is_no_such_way(anonymous: TestClient) -> None:
    assert anonymous.get("/accedi/oidc").status_code == 404
    assert "/accedi/oidc" not in anonymous.get("/accedi").text
