"""Two people, two tabs, the way back and a session that ends: nobody loses what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from geo_service.accounts.service import create_account
from geo_service.web.security import SESSION_COOKIE
from tests.browser.conftest import EMAIL, PASSWORD

pytestmark = pytest.mark.browser

FORM = "/fasi/3/modifica"
SAVE = "Salva come nuova versione"


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Indirizzo e-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Entra").click()


@pytest.fixture
def come(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """A function that opens a browser of its own and signs in.

    An answer that refuses is an error to the console of the browser, and meant here.
    """
    opened = []

    def signed_in(email: str = EMAIL, width: int = 1280) -> Page:
        context = browser.new_context(locale="it-IT", viewport={"width": width, "height": 900})
        opened.append(context)
        page = context.new_page()
        page.goto(f"{address}/accedi")
        sign_in(page, email)
        page.wait_for_url("**/oggi")
        return page

    yield signed_in
    for context in opened:
        context.close()


def open_form(page: Page, address: str) -> None:
    page.goto(address + FORM)
    page.wait_for_function("document.readyState === 'complete'")


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"#edit-form [name={name}]").fill(value)


def save(page: Page) -> None:
    page.get_by_role("button", name=SAVE).click()


def compared(page: Page) -> str:
    page.wait_for_url("**/versioni/confronto*")
    return page.locator("main").inner_text()


def test_the_second_of_two_people_is_told_and_loses_nothing(
    come: Callable[..., Page], address: str, engine_of_site: Engine
) -> None:
    with Session(engine_of_site) as session:
        create_account(session, "luca@example.org", "operator", PASSWORD, "Luca Verdi")
        session.commit()
    first, second = come(), come("luca@example.org", width=390)
    open_form(first, address)
    open_form(second, address)
    fill(second, nome="Asfalto della via", impresa="Impresa di Luca", motivo="subentro")
    fill(first, impresa="Impresa di prima", descrizione="Si asfalta di notte", motivo="testo")
    save(first)
    assert "Si asfalta di notte" in compared(first)
    save(second)
    told = second.locator("#conflitto")
    expect(told).to_be_focused()
    expect(told).to_contain_text("Nulla è andato perso")
    expect(told).to_contain_text("salvato Impresa di prima, voi Impresa di Luca")
    expect(second.locator("[name=descrizione]")).to_have_value("Si asfalta di notte")
    expect(second.locator("[name=nome]")).to_have_value("Asfalto della via")
    expect(second.locator("[name=motivo]")).to_have_value("subentro")
    save(second)
    last = compared(second)
    assert "Asfalto della via" in last
    assert "Si asfalta di notte" not in last


def test_two_tabs_and_the_way_back(come: Callable[..., Page], address: str) -> None:
    one = come()
    two = one.context.new_page()
    open_form(one, address)
    open_form(two, address)
    fill(one, descrizione="Dalla prima scheda", motivo="uno")
    fill(two, impresa="Dalla seconda", motivo="due")
    save(two)
    compared(two)
    save(one)
    expect(one.locator("#conflitto")).to_contain_text("Nulla è andato perso")
    expect(one.locator("[name=impresa]")).to_have_value("Dalla seconda")
    save(one)
    assert "Dalla prima scheda" in compared(one)
    two.close()
    # Back to a saved form, another word in it: a further version, not taken for the first.
    open_form(one, address)
    fill(one, descrizione="Pensato", motivo="due e mezzo")
    save(one)
    assert "Pensato" in compared(one)
    one.go_back()
    one.wait_for_url(f"**{FORM}*")
    fill(one, descrizione="Ripensato", motivo="tre")
    save(one)
    if one.locator("#conflitto").count():
        save(one)
    assert "Ripensato" in compared(one)
    open_form(one, address)
    expect(one.locator("#edit-restored")).to_be_hidden()


def test_a_session_that_ends_before_saving(come: Callable[..., Page], address: str) -> None:
    page = come()
    open_form(page, address)
    fill(page, descrizione='Scritto <b>"prima"</b>', motivo="sessione")
    page.context.clear_cookies(name=SESSION_COOKIE)
    save(page)
    page.wait_for_url("**/accedi*")
    expect(page.locator("main")).to_contain_text("Quello che avevate scritto è conservato")
    sign_in(page, EMAIL)
    page.wait_for_url(f"**{FORM}*")
    expect(page.locator("[name=descrizione]")).to_have_value('Scritto <b>"prima"</b>')
    expect(page.locator("[name=motivo]")).to_have_value("sessione")
    save(page)
    assert 'Scritto <b>"prima"</b>' in compared(page)


def test_a_phase_is_taken_out_and_put_back(come: Callable[..., Page], address: str) -> None:
    page = come()
    page.goto(f"{address}/fasi/2")
    page.get_by_role("link", name="Togli dal cronoprogramma").click()
    page.get_by_label("Motivo").fill("rinviata")
    page.get_by_role("button", name="Togli dal cronoprogramma").click()
    # Without the tick the page says what is missing and keeps the reason.
    expect(page.locator("#err-sicuro")).to_contain_text("avete letto")
    expect(page.get_by_label("Motivo")).to_have_value("rinviata")
    assert Axe().run(page).violations_count == 0
    page.get_by_label("Ho letto che cosa ne segue").check()
    page.get_by_role("button", name="Togli dal cronoprogramma").click()
    page.wait_for_url("**/fasi/2")
    expect(page.locator("main")).to_contain_text("Questa fase è fuori dal cronoprogramma.")
    assert Axe().run(page).violations_count == 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Motivo").fill("si fa")
    page.get_by_role("button", name="Rimetti nel cronoprogramma").click()
    expect(page.get_by_role("link", name="Elenco degli avvisi")).to_be_visible()


def test_the_way_of_lorries_is_drawn_and_shown(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size({"width": 1280, "height": 900})
    open_form(page, address)
    page.locator("#macchine > summary").click()
    page.locator(".shape-tools:has([name=percorso]) [data-draw]").click()
    box = page.locator("#edit-map .leaflet-container").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for east, south in ((-120, 50), (0, 50), (0, 0)):
        page.mouse.click(x + east, y + south)
        page.wait_for_timeout(120)
    page.get_by_role("button", name="Fine del disegno").click()
    fill(page, motivo="strada")
    save(page)
    assert "Percorso degli autocarri" in compared(page)
    page.goto(f"{address}/fasi/3")
    expect(page.locator(".map-box path[stroke-dasharray='2 9']")).to_have_count(1)
