"""Lists, buildings, flats and households in a real browser: filters, forms, paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import EMAIL, PASSWORD

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGES = (
    "/edifici?livello=1&proprieta=", "/edifici?q=corso+Sempione", "/edifici/1/modifica",
    "/edifici/2/chiudi", "/edifici/1/alloggi/nuovo", "/alloggi/8/chiudi", "/nuclei/nuovo",
)  # fmt: skip
PAPER = ("/oggi", "/edifici", "/edifici/1", "/nuclei", "/nuclei/1", "/alloggi/1", "/cantieri/1",
         "/fasi/1", "/fasi/1/avvisi", "/cantieri/1/versioni", "/cronoprogramma")  # fmt: skip


@pytest.fixture
def clerk(page: Page, address: str) -> Page:
    """Signed in; here an answer that refuses a form is no complaint of the browser's."""
    page.goto(f"{address}/accedi")
    page.get_by_label("Indirizzo e-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Entra").click()
    page.wait_for_url("**/oggi")
    return page


def test_no_barrier_and_no_side_scroll(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    for path in PAGES:
        for size in (DESKTOP, PHONE):
            staff_page.set_viewport_size(size)  # type: ignore[arg-type]
            staff_page.goto(address + path)
            width = staff_page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} is {width} px wide on {size['width']} px"
            expect(staff_page.get_by_role("heading", level=1)).to_have_count(1)
            keep_picture(staff_page, f"list{re.sub(r'[^a-z]+', '-', path)}-{size['width']}")
        found = Axe().run(staff_page).response["violations"]
        assert [(path, v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_buildings_are_filtered_with_the_keyboard_and_the_address_keeps_it(
    staff_page: Page, address: str
) -> None:
    page = staff_page
    page.goto(f"{address}/edifici")
    page.get_by_text("Filtri", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Livello da").select_option("3")
    page.get_by_role("button", name="Filtra").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("livello=3"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("row", name=re.compile("Via dei Mulini 2"))).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("link", name="csv").click()
    assert got.value.suggested_filename == "edifici-prova.csv"


def test_a_building_is_changed_and_the_fault_stands_beside_the_field(
    clerk: Page, address: str
) -> None:
    page = clerk
    page.goto(f"{address}/edifici/2/modifica")
    page.get_by_label("Altezza in metri").fill("90")
    page.get_by_role("button", name="Salva l'edificio").click()
    field = page.get_by_label("Altezza in metri")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("90")
    field.fill("9,5")
    page.get_by_label("Proprietà").fill("Comune <b>di</b> «Prova»")
    page.get_by_role("button", name="Salva l'edificio").click()
    page.wait_for_url(re.compile(r"/edifici/2\?salvato="))
    expect(page.get_by_role("status")).to_contain_text("Salvato.")
    expect(page.get_by_text("Comune <b>di</b> «Prova»")).to_be_visible()


def test_a_household_is_recorded_on_a_phone(clerk: Page, address: str) -> None:
    page = clerk
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{address}/nuclei/nuovo")
    page.get_by_label("Nome").fill("Bianchi O'Neil")
    page.get_by_label("Edificio e scala").select_option(index=2)
    page.get_by_label("Interno").fill("1")
    page.get_by_role("button", name="Aggiungi il nucleo").click()
    expect(page.get_by_role("alert")).to_contain_text("risulta già il nucleo")
    page.get_by_label("È giusto così").check()
    page.get_by_role("button", name="Aggiungi il nucleo").click()
    page.wait_for_url(re.compile(r"/nuclei/\d+$"))
    expect(page.get_by_text("Bianchi O'Neil")).to_be_visible()


def test_forms_work_without_a_script(browser: Browser, staff_page: Page, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    context.add_cookies(staff_page.context.cookies())
    page = context.new_page()
    page.goto(f"{address}/edifici/1/alloggi/nuovo")
    page.get_by_label("Scala").select_option(index=1)
    page.get_by_label("Interno").fill("20")
    page.get_by_label("sud", exact=True).check()
    page.get_by_role("button", name="Aggiungi l'alloggio").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("int. 20")
    context.close()


def test_every_page_prints_decently(staff_page: Page, address: str) -> None:
    """On paper: no menu, no button, the quarter and the day, and that the data are made up."""
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(media="print")
    for path in PAPER:
        page.goto(address + path)
        head = re.compile("^Quartiere di prova · .+ · stampato lun")
        expect(page.get_by_text(head)).to_be_visible()
        expect(page.get_by_text("Dati di prova", exact=True).first).to_be_visible()
        for hidden in (".site-nav", ".crumbs", ".btn:visible", ".pager:visible", ".no-print"):
            assert page.locator(hidden).locator("visible=true").count() == 0, f"{path}: {hidden}"
        wraps = page.locator(".table-wrap")
        for n in range(wraps.count()):
            assert wraps.nth(n).evaluate("e => getComputedStyle(e).overflowX") == "visible", path
