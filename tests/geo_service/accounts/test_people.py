"""Inviting, changing roles, disabling, forgetting; roles by quarter; who may give what."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geo_service.accounts import links
from geo_service.accounts.models import Account, AccountAssignment, AccountLink
from geo_service.accounts.service import create_account
from geo_service.database import make_engine
from geo_service.errors import NotFound
from geo_service.imports.uploads import ImportUpload
from layers.sites import Permit, PhaseRevision
from tests.geo_service.appointments.made import propose, windows_phase
from tests.geo_service.builders import World
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in
from tests.geo_service.pages import make_works
from tests.geo_service.web.test_access import _routes

Staff = Callable[[str], TestClient]
Open = Callable[[], TestClient]
ADDRESS = re.compile(r"/invito/([\w-]{43})")


def send(browser: TestClient, path: str, page: str = "/persone", **fields: str):  # type: ignore[no-untyped-def]
    return browser.post(path, data={"csrf": csrf_of(browser.get(page).text), **fields})


def invite(browser: TestClient, email: str = "nuova@example.org", ruolo: str = "operator") -> str:
    answer = send(browser, "/persone", email=email, nome="Anna Nuova", ruolo=ruolo)
    assert answer.status_code == 200, answer.text
    found = ADDRESS.search(answer.text)
    assert found
    return found.group(1)


def accept(browser: TestClient, token: str, password: str = "quattro parole a caso"):  # type: ignore[no-untyped-def]
    return send(browser, f"/invito/{token}", f"/invito/{token}", password=password)


def test_an_invited_person_chooses_a_password_and_is_in(
    staff: Staff, browser_of: Open, works: object, session: Session
) -> None:
    token = invite(staff("coordinator"))
    guest = browser_of()
    assert guest.get(f"/invito/{token}").status_code == 200
    assert guest.get(f"/invito/{token}").status_code == 200, "looking must not use the link up"
    short = accept(guest, token, "corta")
    assert short.status_code == 422
    assert "da 12 a 200 caratteri" in short.text
    answer = accept(guest, token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/oggi")
    assert guest.get("/oggi").status_code == 200
    assert browser_of().get(f"/invito/{token}").status_code == 404
    assert sign_in(browser_of(), "nuova@example.org", "quattro parole a caso").status_code == 303
    kept = session.scalars(select(AccountLink)).one()
    assert token.encode() not in kept.token_hash


def test_nobody_signs_in_before_the_invitation_is_accepted(staff: Staff, browser_of: Open) -> None:
    invite(staff("coordinator"))
    for password in ("", "None", "una-password-qualsiasi"):
        assert sign_in(browser_of(), "nuova@example.org", password).status_code == 401


def test_links_expire_and_newer_ones_end_older_ones(
    staff: Staff, browser_of: Open, session: Session
) -> None:
    browser = staff("coordinator")
    first = invite(browser)
    person = session.scalars(select(Account).where(Account.email == "nuova@example.org")).one()
    again = send(browser, f"/persone/{person.id}/collegamento", f"/persone/{person.id}")
    second = ADDRESS.search(again.text).group(1)  # type: ignore[union-attr]
    assert browser_of().get(f"/invito/{first}").status_code == 404
    assert browser_of().get(f"/invito/{second}").status_code == 200
    session.execute(update(AccountLink).values(expires_at=dt.datetime.now(dt.UTC)))
    session.commit()
    assert browser_of().get(f"/invito/{second}").status_code == 404


def test_a_link_given_before_does_not_outlive_disabling(
    staff: Staff, browser_of: Open, session: Session
) -> None:
    browser = staff("coordinator")
    token = invite(browser)
    person = session.scalars(select(Account).where(Account.email == "nuova@example.org")).one()
    for action in ("disattiva", "riattiva"):
        page = f"/persone/{person.id}"
        assert send(browser, f"{page}/{action}", page).status_code == 303
        assert browser_of().get(f"/invito/{token}").status_code == 404, action


def test_of_two_links_made_at_once_one_works(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> None:
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as first, Session(engine) as second, ThreadPoolExecutor() as pool:
            person = create_account(first, "due@example.org", "operator", PASSWORD)
            first.commit()
            number = person.id
            older, _ = links.issue(first, person)

            def issue_too() -> str:
                token, _ = links.issue(second, second.get_one(Account, number))
                second.commit()
                return token

            newer = pool.submit(issue_too)
            wait([newer], timeout=1)
            first.commit()
            assert links.find(first, newer.result(timeout=20)).account_id == number
            with pytest.raises(NotFound):
                links.find(first, older)
        engine.dispose()


def test_a_reset_link_signs_out_everywhere(
    staff: Staff, browser_of: Open, works: object, session: Session
) -> None:
    operator = staff("operator")
    assert operator.get("/oggi").status_code == 200
    person = session.scalars(select(Account).where(Account.role == "operator")).one()
    answer = send(staff("coordinator"), f"/persone/{person.id}/collegamento")
    assert operator.get("/oggi").status_code == 200, "making the link changes nothing yet"
    assert accept(browser_of(), ADDRESS.search(answer.text).group(1)).status_code == 303  # type: ignore[union-attr]
    assert operator.get("/oggi").status_code == 303
    assert sign_in(browser_of(), person.email, PASSWORD).status_code == 401


def test_a_changed_role_holds_at_once(staff: Staff, works: object, session: Session) -> None:
    operator = staff("operator")
    person = session.scalars(select(Account).where(Account.role == "operator")).one()
    answer = send(staff("coordinator"), f"/persone/{person.id}", nome="Anna", ruolo="committee")
    assert answer.status_code == 303
    assert operator.get("/oggi").status_code == 303
    sign_in(operator, person.email)
    assert operator.get("/oggi").status_code == 403
    assert operator.get("/profilo").status_code == 200


def test_a_coordinator_makes_no_administrator_and_touches_none(
    staff: Staff, session: Session
) -> None:
    coordinator = staff("coordinator")
    refused = send(coordinator, "/persone", email="x@example.org", ruolo="administrator")
    assert refused.status_code == 403
    assert session.scalar(select(Account).where(Account.email == "x@example.org")) is None
    staff("administrator")
    admin = session.scalars(select(Account).where(Account.role == "administrator")).one()
    for act in ("collegamento", "disattiva", "esci-ovunque", "togli-secondo-fattore", "svuota"):
        assert send(coordinator, f"/persone/{admin.id}/{act}").status_code == 403, act


def test_the_last_who_can_manage_stays(staff: Staff, session: Session) -> None:
    browser = staff("administrator")
    invite(browser, "altra@example.org", "coordinator")
    me = session.scalars(select(Account).where(Account.role == "administrator")).one()
    for path in (f"/persone/{me.id}/disattiva", f"/persone/{me.id}"):
        assert send(browser, path, nome="", ruolo="operator").status_code == 403
    staff("coordinator")
    coordinator = session.scalars(
        select(Account).where(Account.email == "coordinator@example.org")
    ).one()
    session.execute(update(Account).where(Account.id == me.id).values(password_hash=None))
    session.commit()
    refused = send(browser, f"/persone/{coordinator.id}/disattiva")
    assert refused.status_code == 409
    assert "ultima persona" in refused.text


def test_a_disabled_person_can_be_forgotten_and_the_history_stays(
    staff: Staff, works: object, session: Session
) -> None:
    browser = staff("coordinator")
    invite(browser, "maria.rossi@example.org")
    person = session.scalars(
        select(Account).where(Account.email == "maria.rossi@example.org")
    ).one()
    page = f"/persone/{person.id}"
    assert send(browser, f"{page}/svuota", page).status_code == 409
    assert send(browser, f"{page}/disattiva", page).status_code == 303
    assert send(browser, f"{page}/svuota", page).status_code == 303
    everything = session.execute(
        text("select account::text from account union all select history::text from history")
    ).scalars()
    assert not any("maria" in row.lower() or "Anna" in row for row in everything)
    said = browser.get("/cronologia").text
    assert f"ha svuotato nome e indirizzo di persona {person.id}" in said
    assert send(browser, f"{page}/riattiva", page).status_code == 409


def two_quarters(session: Session) -> tuple[World, World, PhaseRevision, PhaseRevision]:
    first, own = make_works(session, "prova")
    second, other = make_works(session, "zona")
    second.quarter.name = "Zona seconda"
    session.commit()
    return first, second, own["A1"], other["A1"]


@pytest.fixture
def limited(browser_of: Open, account_of: Callable[[str], Account], session: Session):  # type: ignore[no-untyped-def]
    """A coordinator in the second quarter who is an operator in none."""
    first, second, own, other = two_quarters(session)
    account = account_of("coordinator")
    account.assignments.append(AccountAssignment(quarter_id=second.quarter.id, role="coordinator"))
    session.commit()
    browser = browser_of()
    sign_in(browser, account.email)
    return browser, first, second, own, other


def test_an_account_of_one_quarter_sees_nothing_of_another(limited) -> None:  # type: ignore[no-untyped-def]
    browser, first, second, own, other = limited
    page = browser.get("/cantieri?quartiere=prova")
    assert "Zona seconda" in page.text
    assert "Quartiere di prova" not in page.text
    for path in ("", "/avvisi", "/avvisi.csv", "/simulazione", "/collegamenti"):
        assert browser.get(f"/fasi/{other.phase_id}{path}").status_code == 200, path
        assert browser.get(f"/fasi/{own.phase_id}{path}").status_code == 404, path
    assert browser.get(f"/edifici/{second.buildings[0].id}").status_code == 200
    assert browser.get(f"/edifici/{first.buildings[0].id}").status_code == 404
    assert browser.get(f"/cantieri/{first.site.id}").status_code == 404


def test_no_route_opens_a_thing_of_another_quarter(
    limited,  # type: ignore[no-untyped-def]
    app: FastAPI,
    session: Session,
) -> None:
    browser, first, _second, own, _other = limited
    permit = Permit(kind="other", site_id=first.site.id)
    upload = ImportUpload(
        quarter_id=first.quarter.id, kind="buildings", file_name="a", size_bytes=1
    )
    session.add_all([permit, upload])
    visit = propose(session, windows_phase(session, first))[0]
    session.commit()
    numbers = {
        "phase_id": own.phase_id, "site_id": first.site.id, "building_id": first.buildings[0].id,
        "flat_id": first.flats[0].id, "household_id": first.households[0].id,
        "permit_id": permit.id, "appointment_id": visit.id, "upload_id": upload.id,
    }  # fmt: skip
    tried = set()
    for method, path in _routes(app.routes):
        named = next((n for n in numbers if f"{{{n}:int}}" in path), None)
        if named is None:
            continue
        tried.add(named)
        address = re.sub(r"\{(\w+):int\}", lambda m: str(numbers.get(m[1], 1)), path)
        answer = browser.request(method, re.sub(r"\{\w+\}", "csv", address))
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"
    assert tried == set(numbers)


def test_roles_differ_by_quarter(limited, session: Session) -> None:  # type: ignore[no-untyped-def]
    browser, first, _second, own, other = limited
    account = session.scalars(select(Account)).one()
    account.assignments.append(AccountAssignment(quarter_id=first.quarter.id, role="office"))
    session.commit()
    assert browser.get(f"/fasi/{other.phase_id}/avvisi.csv").status_code == 200
    assert browser.get(f"/fasi/{own.phase_id}").status_code == 200
    assert browser.get(f"/fasi/{own.phase_id}/avvisi.csv").status_code == 403
    assert browser.get("/cronologia?quartiere=zona").status_code == 200
    assert browser.get("/cronologia?quartiere=prova").status_code == 403


def test_a_coordinator_of_one_quarter_invites_into_it_only(limited, session: Session) -> None:  # type: ignore[no-untyped-def]
    browser, first, second, _own, _other = limited
    everywhere = send(browser, "/persone", email="a@example.org", ruolo="operator")
    assert everywhere.status_code == 422
    elsewhere = {f"quartiere_{first.quarter.id}": "operator"}
    refused = send(browser, "/persone", email="a@example.org", ruolo="operator", **elsewhere)
    assert refused.status_code == 422
    here = {f"quartiere_{second.quarter.id}": "operator"}
    made = send(browser, "/persone", email="a@example.org", ruolo="operator", **here)
    assert made.status_code == 200
    assert session.scalars(select(AccountAssignment.role)).all() == ["coordinator", "operator"]


@pytest.mark.parametrize("number", ["999999", "9" * 30, "9" * 5000, "²"])
def test_a_role_in_a_quarter_that_does_not_exist_is_refused(
    staff: Staff, session: Session, number: str
) -> None:
    browser = staff("coordinator")
    wrong = {f"quartiere_{number}": "operator"}
    made = send(browser, "/persone", email="a@example.org", ruolo="operator", **wrong)
    # A number that none can have counts as no choice, as every field that the page does not have.
    assert made.status_code == (422 if number == "999999" else 200)
    assert session.scalars(select(AccountAssignment.role)).all() == []


def test_a_phase_of_another_quarter_is_no_model_for_a_new_one(limited) -> None:  # type: ignore[no-untyped-def]
    browser, _first, second, own, other = limited
    address = f"/cantieri/{second.site.id}/fasi/nuova"
    assert browser.get(f"{address}?da={other.phase_id}").status_code == 200
    assert browser.get(f"{address}?da={own.phase_id}").status_code == 404
    sent = send(browser, f"{address}/effetto", address, da=str(own.phase_id))
    assert sent.status_code == 404


def test_scripts_in_names_stay_text(staff: Staff, session: Session) -> None:
    browser = staff("coordinator")
    send(browser, "/persone", email="y@example.org", nome="<script>1</script>'\"", ruolo="operator")
    page = browser.get("/persone").text
    assert "<script>1" not in page
    assert "&lt;script&gt;1" in page
