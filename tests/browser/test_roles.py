"""Each role's own pages, and a form whose session ended, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from geo_service.accounts.models import AccountSession, AccountSite
from geo_service.accounts.service import create_account
from geo_service.database import make_engine
from geo_service.web.assets import STATIC
from tests.browser.conftest import PASSWORD, served
from tests.geo_service.pages import make_works

pytestmark = pytest.mark.browser

PAGES = {
    "committee": ("/totali",),
    "office": ("/comune", "/totali"),
    "delegate": ("/mia-scala",),
    "works": ("/mie-fasi", "/mie-fasi/1"),
    "coordinator": ("/fasi/1", "/persone", "/persone/1", "/cronologia", "/nuclei?esigenza=x"),
}
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def place(fresh_database: Callable[[], Any]) -> Iterator[tuple[str, Engine]]:
    """Address and engine of an application with one account for each role."""
    if not (STATIC / "vendor" / "manifest.json").exists():
        pytest.skip("the front-end files are not there; ./accanto fetches them")
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            world, _ = make_works(session)
            for role in PAGES:
                account = create_account(session, f"{role}@example.org", role, PASSWORD)
                if role == "delegate":
                    account.stairwell_id = world.stairwells[0].id
                if role == "works":
                    account.sites.append(AccountSite(site_id=world.site.id))
            session.commit()
        with served(engine) as at:
            yield at, engine
        engine.dispose()


def sign_in(page: Page, address: str, role: str) -> None:
    page.goto(f"{address}/accedi")
    fill_in(page, role)


def fill_in(page: Page, role: str) -> None:
    page.get_by_label("Indirizzo e-mail").fill(f"{role}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Entra").click()


@pytest.mark.parametrize("role", PAGES)
def test_the_pages_of_a_role(
    role: str,
    page: Page,
    place: tuple[str, Engine],
    keep_picture: Callable[[Page, str], None],
) -> None:
    address, _ = place
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, address, role)
    for path in PAGES[role]:
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(address + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} is {width} px wide"
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            name = re.sub(r"\W+", "_", path)
            keep_picture(page, f"role{name}-{size['width']}")
        page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], path
    assert complaints == []


def end_sessions(engine: Engine) -> None:
    with Session(engine) as session:
        session.execute(delete(AccountSession))
        session.commit()


@pytest.mark.parametrize("storage", [True, False], ids=["with storage", "without storage"])
def test_a_long_form_survives_its_session(
    storage: bool, page: Page, place: tuple[str, Engine], keep_picture: Callable[[Page, str], None]
) -> None:
    address, engine = place
    if not storage:
        page.add_init_script(
            "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})"
        )
    sign_in(page, address, "coordinator")
    page.goto(f"{address}/fasi/2/modifica")
    page.get_by_label("Motivo della modifica").fill("pioggia, poi gelo")
    page.get_by_label("Impresa").first.fill("Impresa Nuova")
    end_sessions(engine)
    page.get_by_role("button", name="Salva come nuova versione").click()
    page.wait_for_url("**/accedi?*")
    expect(page.get_by_text("Quello che avevate scritto è conservato")).to_be_visible()
    fill_in(page, "coordinator")
    page.wait_for_url("**/fasi/2/modifica*")
    expect(page.get_by_text("è di nuovo nel modulo")).to_be_visible()
    expect(page.get_by_label("Motivo della modifica")).to_have_value("pioggia, poi gelo")
    expect(page.get_by_label("Impresa").first).to_have_value("Impresa Nuova")
    keep_picture(page, f"resumed-{storage}")
    page.go_back()
    page.goto(f"{address}/fasi/2")
    assert "Impresa Nuova" not in page.content(), "nothing was saved by coming back"


def test_two_tabs_and_a_small_form(page: Page, place: tuple[str, Engine]) -> None:
    address, engine = place
    sign_in(page, address, "coordinator")
    page.goto(f"{address}/nuclei/1/modifica")
    field = page.get_by_label("Nome", exact=False).first
    field.fill("Famiglia O'Brien <b>")
    end_sessions(engine)
    other = page.context.new_page()
    sign_in(other, address, "coordinator")
    other.wait_for_url("**/oggi")
    page.get_by_role("button", name=re.compile("Salva")).first.click()
    page.wait_for_url("**/nuclei/1/modifica*")
    expect(page.get_by_text("è di nuovo nel modulo")).to_be_visible()
    expect(page.get_by_label("Nome", exact=False).first).to_have_value("Famiglia O'Brien <b>")
    page.get_by_role("button", name=re.compile("Salva")).first.click()
    page.wait_for_url(re.compile(r"/nuclei/1$"))
    expect(page.get_by_text("Famiglia O'Brien <b>").first).to_be_visible()


def test_what_was_typed_can_be_read_without_a_script(browser, place: tuple[str, Engine]) -> None:  # type: ignore[no-untyped-def]
    address, engine = place
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    page = context.new_page()
    sign_in(page, address, "coordinator")
    page.goto(f"{address}/fasi/2/modifica")
    page.get_by_label("Motivo della modifica").fill("senza script")
    end_sessions(engine)
    page.get_by_role("button", name="Salva come nuova versione").click()
    fill_in(page, "coordinator")
    page.get_by_role("link", name="rivedetelo e inviatelo").click()
    expect(page.get_by_text("senza script")).to_be_visible()
    context.close()
