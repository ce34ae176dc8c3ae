"""Headers, forms from other sites, size limits, languages, errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session, sessionmaker

from geo_service.accounts.models import Account
from geo_service.accounts.service import LIMITS
from geo_service.app import create_app
from geo_service.settings import get_settings
from geo_service.web.limits import MAX_BODY_BYTES
from geo_service.web.links import own_path
from geo_service.web.session import Db
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in

PUBLIC_PAGES = ("/", "/cerca?q=mulini", "/accedi", "/privacy", "/crediti", "/nessuna-pagina")


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_every_answer_carries_a_strict_policy(anonymous: TestClient, path: str) -> None:
    answer = anonymous.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [*PUBLIC_PAGES, "/mappa", "/e/TESTP2"])
def test_pages_have_no_inline_style_or_handler(
    anonymous: TestClient, works: object, path: str
) -> None:
    text = anonymous.get(path).text
    nonce = re.search(r"script-src 'nonce-([^']+)'", anonymous.get(path).headers[
        "content-security-policy"])  # fmt: skip
    assert nonce
    assert not re.search(r"<[^>]+\sstyle=", text)
    assert not re.search(r"<[^>]+\son\w+=", text)
    for script in re.findall(r"<script(?![^>]*application/json)[^>]*>", text):
        assert "nonce=" in script


def test_a_nonce_is_used_once(anonymous: TestClient) -> None:
    first, second = (anonymous.get("/").headers["content-security-policy"] for _ in range(2))
    assert first != second


def test_a_form_without_its_token_is_refused(anonymous: TestClient) -> None:
    answer = anonymous.post("/accedi", data={"email": "a@b.it", "password": "x"})
    assert answer.status_code == 403
    assert "modulo è scaduto" in answer.text


def test_a_token_of_another_browser_is_refused(
    anonymous: TestClient, browser_of: Callable[[], TestClient]
) -> None:
    stolen = csrf_of(browser_of().get("/accedi").text)
    anonymous.get("/accedi")
    answer = anonymous.post("/accedi", data={"csrf": stolen, "email": "a@b.it", "password": "x"})
    assert answer.status_code == 403


def test_a_form_from_another_site_is_refused(anonymous: TestClient) -> None:
    token = csrf_of(anonymous.get("/accedi").text)
    answer = anonymous.post(
        "/accedi", data={"csrf": token}, headers={"origin": "https://altro.example"}
    )
    assert answer.status_code == 403
    assert "altro sito" in answer.text


def test_cookies_cannot_be_read_by_scripts(
    anonymous: TestClient, account_of: Callable[[str], Account]
) -> None:
    answer = sign_in(anonymous, account_of("coordinator").email)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_over_https_cookies_are_secure_and_bound_to_the_host(
    anonymous: TestClient, account_of: Callable[[str], Account]
) -> None:
    anonymous.base_url = "https://testserver"  # type: ignore[assignment]
    answer = sign_in(anonymous, account_of("coordinator").email)
    assert answer.status_code == 303
    assert answer.headers["set-cookie"].startswith("__Host-")
    assert "secure" in answer.headers["set-cookie"].lower()


def test_over_https_the_language_travels_over_https_only(anonymous: TestClient) -> None:
    asked = "/?lang=en"
    assert "secure" not in anonymous.get(asked).headers["set-cookie"].lower()
    anonymous.base_url = "https://testserver"  # type: ignore[assignment]
    assert "; secure" in anonymous.get(asked).headers["set-cookie"].lower()


@pytest.mark.parametrize("path", ["/fasi/{}", "/tiles/public/{}/1/buildings/1/1/1.mvt", "/e/{}"])
def test_an_address_longer_than_any_of_ours_is_not_found(anonymous: TestClient, path: str) -> None:
    # Python reads no number of more than 4300 digits.
    answer = anonymous.get(path.format("9" * 4301))
    assert answer.status_code == 404
    assert "Pagina non trovata" in answer.text


def test_a_request_over_the_limit_is_refused_in_a_sentence(anonymous: TestClient) -> None:
    answer = anonymous.post("/accedi", content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert "supera il limite" in answer.text


def test_a_request_that_hides_its_size_is_refused_too(anonymous: TestClient) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        for _ in range(MAX_BODY_BYTES // 100_000 + 2):
            yield b"x" * 100_000

    answer = anonymous.post(
        "/accedi",
        content=pieces(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "hostile", ["https://male.example", "//male.example", "/\\male.example", "male", "/a\nb"]
)
def test_a_redirect_stays_on_this_site(hostile: str) -> None:
    assert own_path(hostile, "/oggi") == "/oggi"


def test_after_signing_in_one_returns_to_the_page_asked_for(
    anonymous: TestClient, account_of: Callable[[str], Account], works: object
) -> None:
    account = account_of("coordinator")
    asked = anonymous.get("/edifici?q=mulini")
    assert asked.headers["location"] == "/accedi?poi=%2Fedifici%3Fq%3Dmulini"
    answer = sign_in(anonymous, account.email, PASSWORD, poi="/edifici?q=mulini")
    assert answer.headers["location"] == "/edifici?q=mulini"


def test_a_page_asked_for_may_hold_any_letter(
    anonymous: TestClient, account_of: Callable[[str], Account], works: object
) -> None:
    answer = sign_in(anonymous, account_of("coordinator").email, PASSWORD, poi="/edifici?q=Łódź")
    assert answer.headers["location"] == "/edifici?q=%C5%81%C3%B3d%C5%BA"
    again = anonymous.get("/accedi?poi=%2Fedifici%3Fq%3D%25C5%2581")
    assert again.headers["location"] == "/edifici?q=%C5%81", "what is written so already stays"


def test_errors_are_sentences_on_pages_and_problem_documents_in_the_api(
    anonymous: TestClient,
) -> None:
    page = anonymous.get("/nessuna-pagina")
    assert page.status_code == 404
    assert "Pagina non trovata" in page.text
    problem = anonymous.get("/api/v1/nulla")
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 404


def test_a_field_that_cannot_be_is_told_in_the_readers_language(anonymous: TestClient) -> None:
    token = csrf_of(anonymous.get("/accedi").text)
    answer = anonymous.post("/accedi", data={"csrf": token, "email": "a" * 400})
    assert answer.status_code == 422
    assert "<strong>email</strong>: Più di 300 caratteri." in answer.text


def test_what_two_people_do_at_the_same_instant_is_told_to_the_second(
    app: FastAPI, anonymous: TestClient, session: Session
) -> None:
    def twice(request: Request, session: Db) -> None:
        for _n in range(2):
            session.execute(text("insert into quarter (code, name) values ('doppio', 'x')"))

    def nothing(request: Request, session: Db) -> None:
        session.execute(text("insert into quarter (code) values (null)"))

    app.add_api_route("/open/due", twice)
    app.add_api_route("/open/niente", nothing)
    answer = anonymous.get("/open/due")
    assert answer.status_code == 409
    assert "ricaricate la pagina e riprovate" in answer.text
    assert anonymous.get("/open/niente").status_code == 500, "that is a fault of ours"


def test_an_unforeseen_error_is_a_sentence_without_its_cause(app, anonymous: TestClient) -> None:  # type: ignore[no-untyped-def]
    def broken() -> None:
        raise RuntimeError("segreto")

    app.state.today = broken
    answer = anonymous.get("/")
    assert answer.status_code == 500
    assert "errore nostro" in answer.text
    assert "segreto" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_head_answers_like_get_without_a_body(anonymous: TestClient) -> None:
    answer = anonymous.head("/")
    assert answer.status_code == 200
    assert answer.content == b""


def test_language_by_header_then_address_then_cookie(anonymous: TestClient) -> None:
    assert '<html lang="it">' in anonymous.get("/").text
    english = anonymous.get("/", headers={"accept-language": "de, en;q=0.8, it;q=0.5"})
    assert '<html lang="en">' in english.text
    assert "Find your building" in anonymous.get("/?lang=en").text
    assert '<html lang="en">' in anonymous.get("/").text
    assert '<html lang="it">' in anonymous.get("/?lang=it").text


def test_the_language_switch_keeps_the_page(anonymous: TestClient, works: object) -> None:
    text = anonymous.get("/cerca?q=mulini&lang=it").text
    assert 'href="/cerca?q=mulini&amp;lang=en"' in text


def test_public_pages_are_compressed_and_pages_with_a_secret_are_not(
    anonymous: TestClient, staff: Callable[[str], TestClient], works: object
) -> None:
    packed = {"accept-encoding": "gzip"}
    assert anonymous.get("/e/TESTP2", headers=packed).headers["content-encoding"] == "gzip"
    assert (
        "content-encoding"
        not in anonymous.get("/e/TESTP2", headers={"accept-encoding": "identity"}).headers
    )
    assert "content-encoding" not in anonymous.get("/accedi", headers=packed).headers
    assert "content-encoding" not in staff("coordinator").get("/oggi", headers=packed).headers


@pytest.mark.parametrize("trusted", [None, "testclient"])
def test_guesses_are_counted_by_the_browsers_address_behind_a_proxy_that_is_known(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, trusted: str | None
) -> None:
    if trusted:
        monkeypatch.setenv("ACCANTO_TRUSTED_PROXIES", trusted)
    get_settings.cache_clear()
    app = create_app(connection.engine)
    app.state.session_factory = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    get_settings.cache_clear()
    browser = TestClient(app, follow_redirects=False)
    token = csrf_of(browser.get("/accedi").text)
    refused = {}
    for stranger in ("203.0.113.7", "203.0.113.8"):
        for _n in range(LIMITS[0][1] + 1):
            answer = browser.post(
                "/accedi",
                data={"csrf": token, "email": "nessuno@example.org", "password": "x"},
                headers={"x-forwarded-for": f"198.51.100.{_n}, {stranger}"},
            )
            refused.setdefault(stranger, []).append(answer.status_code)
    first, second = refused.values()
    assert first == [401] * LIMITS[0][1] + [429], "what the browser itself says is not believed"
    assert second[0] == (401 if trusted else 429)
