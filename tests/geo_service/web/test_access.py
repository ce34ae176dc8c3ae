"""Every route is closed unless it stands on the one public list."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session
from starlette.routing import BaseRoute, Mount

from geo_service.accounts.guards import DESK_ROLES
from geo_service.accounts.models import ROLES, Account
from geo_service.accounts.service import create_account
from geo_service.accounts.sessions import open_session
from geo_service.accounts.standing import QUARTER_OF
from geo_service.settings import get_settings
from geo_service.web.access import PUBLIC_PATHS, PUBLIC_PREFIXES, is_public
from geo_service.web.security import CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE


def _routes(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers too."""
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/x"
            continue
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _routes(list(inner))
            continue
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield method, route.path  # type: ignore[attr-defined]


def _address(path: str) -> str:
    filled = re.sub(r"\{\w+:int\}", "1", path)
    filled = filled.replace("{file_format}", "csv").replace("{layer}", "buildings")
    return re.sub(r"\{\w+\}", "x", filled)


def test_the_walk_sees_the_pages(app: FastAPI) -> None:
    paths = {path for _, path in _routes(app.routes)}
    assert {"/oggi", "/quartiere/mappa", "/edifici", "/cantieri", "/e/{code}"} <= paths
    assert "/fasi/{phase_id:int}/avvisi.{file_format}" in paths


def test_nothing_for_staff_is_open(app: FastAPI, anonymous: TestClient) -> None:
    closed = [(m, p) for m, p in _routes(app.routes) if not is_public(p)]
    assert len(closed) >= 9
    for method, path in closed:
        answer = anonymous.request(method, _address(path))
        redirected = answer.status_code == 303 and answer.headers["location"].startswith("/accedi")
        assert redirected or answer.status_code in (401, 403), f"{method} {path} is open"


def test_every_public_path_exists(app: FastAPI) -> None:
    paths = {path for _, path in _routes(app.routes)}
    assert paths >= PUBLIC_PATHS
    for prefix in PUBLIC_PREFIXES:
        assert any(path.startswith(prefix) for path in paths), f"{prefix} opens nothing"


# Who may open what, said here once more and by hand: the guards are held to this list. Whoever
# adds a route adds it here too. A method stands before a path where it makes a difference.
ALL = set(ROLES)
DESK = {"coordinator", "operator", "office"}
EDIT = {"coordinator", "operator"}
PEOPLE = {"coordinator", "administrator"}
ONLY = {"coordinator"}
EXPECTED: dict[str, set[str]] = {
    "/esci": ALL,
    "/profilo": ALL,
    "/profilo/password": ALL,
    "/profilo/secondo-fattore": ALL,
    "/profilo/secondo-fattore/attiva": ALL,
    "/profilo/secondo-fattore/togli": ALL,
    "/profilo/sessioni/chiudi": ALL,
    "/profilo/sessioni/chiudi-tutte": ALL,
    "/persone": PEOPLE,
    "/persone/{account_id:int}": PEOPLE,
    "/persone/{account_id:int}/collegamento": PEOPLE,
    "/persone/{account_id:int}/disattiva": PEOPLE,
    "/persone/{account_id:int}/esci-ovunque": PEOPLE,
    "/persone/{account_id:int}/riattiva": PEOPLE,
    "/persone/{account_id:int}/svuota": PEOPLE,
    "/persone/{account_id:int}/togli-secondo-fattore": PEOPLE,
    "/cronologia": ONLY,
    "/cronologia/esporta.csv": ONLY,
    "/ripresa/{number}": ALL,
    "/ripresa/{number}/butta": ALL,
    "/totali": DESK | {"committee"},
    "/comune": {"office"},
    "/mia-scala": {"delegate"},
    "/mie-fasi": {"works"},
    "/mie-fasi/{phase_id:int}": {"works"},
    "/mie-fasi/{phase_id:int}/detto": {"works"},
    "/fasi/{phase_id:int}/riferito": EDIT,
    "/oggi": DESK,
    "/quartiere/mappa": DESK,
    "/quartiere/mappa/edificio/{building_id:int}": DESK,
    "/quartiere/selezione": DESK,
    "/quartiere/selezione.csv": DESK,
    "/api/quartiere/cerca": DESK,
    "/api/quartiere/livelli": DESK,
    "/api/quartiere/scelta": DESK,
    "/tiles/{version:int}/{layer}/{z:int}/{x:int}/{y:int}.mvt": DESK,
    "/elaborazioni": DESK | {"administrator"},
    "/elaborazioni/ricalcola": PEOPLE,
    "/elaborazioni/{job_id:int}/annulla": PEOPLE,
    "/elaborazioni/{job_id:int}/file": DESK | {"administrator"},
    "/elaborazioni/{job_id:int}/riprova": PEOPLE,
    "/elaborazioni/{job_id:int}/stato": DESK | {"administrator"},
    "/edifici": DESK,
    "/edifici/esporta.{file_format}": DESK,
    "/edifici/{building_id:int}/alloggi/nuovo": ONLY,
    "/edifici/{building_id:int}/chiudi": EDIT,
    "/edifici/{building_id:int}/modifica": EDIT,
    "/edifici/{building_id:int}/scale/{stairwell_id:int}/chiudi": ONLY,
    "/edifici/{building_id:int}": DESK,
    "/alloggi": EDIT,
    "/alloggi/esporta.{file_format}": EDIT,
    "/alloggi/{flat_id:int}": EDIT,
    "/alloggi/{flat_id:int}/amministratori": EDIT,
    "/alloggi/{flat_id:int}/proprietari": EDIT,
    "/alloggi/{flat_id:int}/chiudi": ONLY,
    "/nuclei": EDIT,
    "/nuclei/nuovo": EDIT,
    "/nuclei/esporta.{file_format}": EDIT,
    "/nuclei/{household_id:int}": EDIT,
    "/nuclei/{household_id:int}/esigenze": EDIT,
    "/nuclei/{household_id:int}/esigenze/nuova": EDIT,
    "/nuclei/{household_id:int}/esigenze/{need_id:int}": EDIT,
    "/nuclei/{household_id:int}/esigenze/{need_id:int}/togli": EDIT,
    "/nuclei/{household_id:int}/modifica": EDIT,
    "/nuclei/{household_id:int}/trasferisci": EDIT,
    "/nuclei/{household_id:int}/unisci": EDIT,
    "/nuclei/{household_id:int}/unisci/{merge_id:int}/separa": EDIT,
    "/nuclei/{household_id:int}/dove": EDIT,
    "/nuclei/{household_id:int}/svuota": ONLY,
    "/importa": EDIT,
    "/importa/{upload_id:int}": EDIT,
    "/importa/{upload_id:int}/applica": EDIT,
    "/importa/{upload_id:int}/controlla": EDIT,
    "/importa/{upload_id:int}/rapporto.{file_format}": EDIT,
    "/importa/{upload_id:int}/scarta": EDIT,
    "/importa/{upload_id:int}/stato": EDIT,
    "/cantieri": DESK,
    "/cantieri/nuovo": EDIT,
    "/cantieri/{site_id:int}": DESK,
    "/cantieri/{site_id:int}/archivia": EDIT,
    "/cantieri/{site_id:int}/fasi/nuova": EDIT,
    "/cantieri/{site_id:int}/fasi/insieme": EDIT,
    "/cantieri/{site_id:int}/fasi/nuova/effetto": EDIT,
    "/cantieri/{site_id:int}/modifica": EDIT,
    "/cantieri/{site_id:int}/cronoprogramma": DESK,
    "POST /cantieri/{site_id:int}/cronoprogramma": EDIT,
    "/cantieri/{site_id:int}/cronoprogramma/effetto": EDIT,
    "/cantieri/{site_id:int}/cronoprogramma/file": EDIT,
    "/cantieri/{site_id:int}/cronoprogramma/file/applica": EDIT,
    "/cantieri/{site_id:int}/cronoprogramma/file/effetto": EDIT,
    "/cronoprogramma": DESK,
    "POST /cronoprogramma": EDIT,
    "/cronoprogramma/effetto": EDIT,
    "/cantieri/{site_id:int}/versioni": DESK,
    "/cantieri/{site_id:int}/versioni/confronto": DESK,
    "POST /cantieri/{site_id:int}/versioni/confronto": EDIT,
    "/fasi/{phase_id:int}": DESK,
    "/fasi/{phase_id:int}/ancora-valida": EDIT,
    "/appuntamenti/{appointment_id:int}": EDIT,
    "/appuntamenti/{appointment_id:int}/accesso": EDIT,
    "/appuntamenti/{appointment_id:int}/annulla": EDIT,
    "/appuntamenti/{appointment_id:int}/preparazione": EDIT,
    "/appuntamenti/{appointment_id:int}/sposta": EDIT,
    "/appuntamenti/{appointment_id:int}/stato": EDIT,
    "/fasi/{phase_id:int}/appuntamenti": EDIT,
    "/fasi/{phase_id:int}/appuntamenti/proposta": EDIT,
    "/fasi/{phase_id:int}/appuntamenti/segui": EDIT,
    "/fasi/{phase_id:int}/appuntamenti/giorno": ONLY,
    "/fasi/{phase_id:int}/appuntamenti/giorno.{file_format}": ONLY,
    "/fasi/{phase_id:int}/appuntamenti/collegamento": ONLY,
    "/fasi/{phase_id:int}/appuntamenti/collegamento/{link_id:int}/ritira": ONLY,
    "/fasi/{phase_id:int}/avvisi": DESK,
    "/fasi/{phase_id:int}/avvisi.{file_format}": ONLY,
    "/fasi/{phase_id:int}/sospensioni": EDIT,
    "/cantieri/{site_id:int}/area-servita": EDIT,
    "/cantieri/{site_id:int}/autorizzazioni/nuova": EDIT,
    "/autorizzazioni/{permit_id:int}": DESK,
    "/autorizzazioni/{permit_id:int}/modifica": EDIT,
    "/autorizzazioni/{permit_id:int}/togli": EDIT,
    "/autorizzazioni/{permit_id:int}/documenti": EDIT,
    "/autorizzazioni/{permit_id:int}/documenti/{document_id:int}": DESK,
    "/autorizzazioni/{permit_id:int}/documenti/{document_id:int}/togli": EDIT,
    "/fasi/{phase_id:int}/collegamenti": EDIT,
    "/fasi/{phase_id:int}/collegamenti/{link_id:int}/ritira": EDIT,
    "/fasi/{phase_id:int}/deroga": DESK,
    "/fasi/{phase_id:int}/modifica": EDIT,
    "/fasi/{phase_id:int}/modifica/effetto": EDIT,
    "/fasi/{phase_id:int}/togli": EDIT,
    "/fasi/{phase_id:int}/rimetti": EDIT,
    "/fasi/{phase_id:int}/simulazione": DESK,
    "/fasi/{phase_id:int}/simulazione/risultato": DESK,
}


def _expected(method: str, path: str) -> set[str] | None:
    return EXPECTED.get(f"{method} {path}", EXPECTED.get(path))


def test_every_closed_route_says_who_may_open_it(app: FastAPI) -> None:
    closed = [(m, path) for m, path in _routes(app.routes) if not is_public(path)]
    unsaid = [route for route in closed if _expected(*route) is None]
    assert unsaid == [], "say in EXPECTED which roles may open these"
    known = {path for _, path in closed} | {f"{m} {path}" for m, path in closed}
    assert set(EXPECTED) - known == set(), "these routes are gone"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_its_own_routes_and_no_other(
    role: str, app: FastAPI, session: Session, works: object
) -> None:
    account = create_account(session, f"{role}@example.org", role, None)
    wrong = []
    for method, path in _routes(app.routes):
        roles = _expected(method, path)
        if is_public(path) or roles is None:  # the test above tells which are missing
            continue
        answer = _request_as(app, session, account, method, path)
        sent_away = answer.headers.get("location", "").startswith("/accedi")
        opened = answer.status_code not in (401, 403) and not sent_away
        if opened != (role in roles):
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


def _request_as(
    app: FastAPI, session: Session, account: Account, method: str, path: str
) -> Response:
    """One request of a new browser, with a token that its forms would carry."""
    token, key = open_session(session, account), "k" * 32
    session.commit()
    bound = hmac.new(get_settings().secret().encode(), f"{key}\x1f{token}".encode(), "sha256")
    browser = TestClient(
        app, follow_redirects=False, cookies={SESSION_COOKIE: token, CSRF_COOKIE: key}
    )
    address = _address(path.replace(":int}", "}")).replace("/x", "/999999999")
    return browser.request(method, address, headers={CSRF_HEADER: bound.hexdigest()})


def test_every_form_needs_its_token(
    app: FastAPI, staff: Callable[[str], TestClient], works: object
) -> None:
    browser = staff("coordinator")
    posts = [path for method, path in _routes(app.routes) if method not in ("GET", "HEAD")]
    assert len(posts) >= 40
    for path in posts:
        for token in ({}, {"csrf": "0" * 64}):
            answer = browser.post(_address(path), data={**token, "conferma": "1"})
            assert answer.status_code == 403, path
            elsewhere = {"origin": "https://male.example", CSRF_HEADER: "0" * 64}
            answer = browser.post(_address(path), headers=elsewhere)
            assert answer.status_code == 403, path


def test_every_address_of_a_thing_tells_its_quarter(app: FastAPI) -> None:
    """Else a person of one quarter could open things of another by their number."""
    for _, path in _routes(app.routes):
        numbers = set(re.findall(r"\{(\w+):int\}", path))
        # People are of no quarter; tiles are cut from the quarter that the browser chose.
        if is_public(path) or not numbers or path.startswith(("/persone/", "/tiles/")):
            continue
        assert numbers & set(QUARTER_OF), f"{path}: say in QUARTER_OF where its quarter stands"


def test_the_desk_is_for_desk_roles() -> None:
    assert DESK_ROLES == DESK


def test_flats_beside_households_are_for_coordinators(
    staff: Callable[[str], TestClient], works: tuple[object, dict]
) -> None:  # type: ignore[type-arg]
    phase = works[1]["A1"].phase_id
    assert staff("coordinator").get(f"/fasi/{phase}/avvisi.csv").status_code == 200
    operator = staff("operator")
    assert operator.get(f"/fasi/{phase}/avvisi.csv").status_code == 403
    for page in (f"/fasi/{phase}", f"/fasi/{phase}/avvisi", "/edifici"):
        assert "Alloggi" not in _heads(operator.get(page).text), page
    for page in (f"/fasi/{phase}", "/quartiere/mappa", "/quartiere/mappa?vista=elenco"):
        text = operator.get(page).text
        assert not re.search(r'"flats": ?[0-9]', text), page
        assert "Alloggi" not in _heads(text), page


def _heads(page: str) -> list[str]:
    return [re.sub("<[^>]+>", "", head).strip() for head in re.findall(r"<th[^>]*>.*?</th>", page)]
