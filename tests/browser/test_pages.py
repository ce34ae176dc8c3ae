"""Every page in a real browser: no complaint, nothing from outside, no barrier, no side scroll."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PUBLIC = (
    "/", "/cerca?q=mulini", "/cerca?q=corso+Sempione", "/e/TESTP2", "/mappa",
    "/mappa?vista=elenco", "/privacy", "/accessibilita", "/note-legali", "/crediti", "/accedi",
)  # fmt: skip
STAFF = (
    "/oggi", "/quartiere/mappa?aree=noise", "/quartiere/mappa?vista=elenco", "/cantieri",
    "/cantieri/1", "/fasi/1", "/fasi/3", "/fasi/1/avvisi", "/edifici", "/edifici/1",
    "/nuclei", "/nuclei/1", "/nuclei/1/modifica", "/nuclei/1/trasferisci", "/nuclei/1/dove",
    "/nuclei/1/svuota", "/edifici/1/scale/1/chiudi", "/alloggi", "/alloggi/1",
)  # fmt: skip
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# On a phone: tables that scroll sideways, and what is too low for a thumb. Links in running text
# and what a label around it enlarges are no targets of their own.
CLUMSY = """() => {
  const seen = e => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1; };
  const inline = e => e.tagName === "A" && getComputedStyle(e).display === "inline";
  const wide = [...document.querySelectorAll(".table-wrap")]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => "wide: " + e.ariaLabel);
  const low = [...document.querySelectorAll("button, .btn, summary, select, label.check, "
    + "nav a, .site-footer a, input:not([type=hidden], [type=checkbox], [type=radio])")]
    .filter(e => seen(e) && !inline(e) && !e.closest(".visually-hidden, .leaflet-control"))
    .filter(e => e.getBoundingClientRect().height < 43.5)
    .map(e => "low: " + e.outerHTML.slice(0, 90));
  return wide.concat(low); }"""


def _look(page: Page, url: str, keep: Callable[[Page, str], None]) -> None:
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{url} is {width} px wide on {size['width']} px"
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        name = re.sub(r"\W+", "_", url.split("//", 1)[1].split("/", 1)[1]) or "home"
        keep(page, f"{name}-{size['width']}")
    assert page.evaluate(CLUMSY) == [], url
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages(
    quiet: Page, address: str, path: str, keep_picture: Callable[[Page, str], None]
) -> None:
    _look(quiet, address + path, keep_picture)


def test_staff_pages(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    for path in STAFF:
        _look(staff_page, address + path, keep_picture)


def test_a_resident_finds_the_building_with_the_keyboard_alone(quiet: Page, address: str) -> None:
    quiet.goto(address)
    quiet.keyboard.press("Tab")
    expect(quiet.get_by_role("link", name="Vai al contenuto principale")).to_be_focused()
    quiet.keyboard.press("Enter")
    quiet.keyboard.press("Tab")
    expect(quiet.get_by_role("searchbox")).to_be_focused()
    quiet.keyboard.type("via dei mullini 2")
    quiet.keyboard.press("Enter")
    quiet.wait_for_url("**/cerca?*")
    first = quiet.get_by_role("main").get_by_role("link", name="Via dei Mulini 2", exact=True)
    first.focus()
    quiet.keyboard.press("Enter")
    quiet.wait_for_url("**/e/TESTP2")
    expect(quiet.get_by_role("heading", name="Acqua chiusa 8:30–12:30")).to_be_visible()


def test_the_focus_can_be_seen(quiet: Page, address: str) -> None:
    quiet.goto(address)
    for _ in range(4):
        quiet.keyboard.press("Tab")
    style = quiet.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_public_pages_are_complete_without_a_script(browser, address: str) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    page = context.new_page()
    page.goto(f"{address}/e/TESTP2")
    expect(page.get_by_role("heading", name="Acqua chiusa 8:30–12:30")).to_be_visible()
    expect(page.get_by_text("data confermata", exact=True)).to_be_visible()
    page.goto(f"{address}/mappa")
    page.get_by_role("link", name="Elenco").first.click()
    expect(page.get_by_role("row", name=re.compile("Via dei Mulini 2"))).to_be_visible()
    context.close()


def test_map_and_list_keep_the_choice(staff_page: Page, address: str) -> None:
    staff_page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    staff_page.goto(f"{address}/quartiere/mappa")
    staff_page.get_by_label("Livello da").select_option("3")
    staff_page.get_by_role("button", name="Mostra").click()
    staff_page.wait_for_url(re.compile("livello=3"))
    staff_page.get_by_role("link", name="Elenco").first.click()
    staff_page.wait_for_url(re.compile("livello=3.*vista=elenco"))
    expect(staff_page.get_by_role("row")).to_have_count(2)
    staff_page.reload()
    expect(staff_page.get_by_role("row", name=re.compile("Via dei Mulini 2"))).to_be_visible()


def test_the_map_shows_buildings_and_leads_to_their_sheet(staff_page: Page, address: str) -> None:
    staff_page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    staff_page.goto(f"{address}/quartiere/mappa")
    shape = staff_page.locator("path.leaflet-interactive").first
    expect(shape).to_be_visible()
    box = staff_page.locator(".map-box").bounding_box()
    assert box is not None
    # The tools stand beside the map, which keeps most of a desk's screen.
    assert box["height"] > 0.7 * DESKTOP["height"]
    assert box["width"] > 0.6 * DESKTOP["width"]


def test_a_date_field_says_its_day_in_the_language_of_the_page(
    staff_page: Page, address: str
) -> None:
    said = "getComputedStyle(document.querySelector('label[for=dal]'), '::after').content"
    for language, day in (("it", "gio 5 nov 2026"), ("en", "Thu 5 Nov 2026")):
        staff_page.goto(f"{address}/quartiere/mappa?vista=elenco&dal=2026-11-05&lang={language}")
        staff_page.wait_for_function(f"{said}.includes('{day}')")
    staff_page.goto(f"{address}/cronoprogramma?lang=it")
    field = staff_page.locator("input[type=date]").first
    beside = staff_page.locator("input[type=date] + .day-said").first
    field.fill("2026-11-12")
    expect(beside).to_have_text("gio 12 nov 2026")


def test_a_wide_table_is_a_list_of_cards_on_a_phone(staff_page: Page, address: str) -> None:
    staff_page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    staff_page.goto(f"{address}/cantieri")
    # Still a table to whoever hears the page.
    row = staff_page.get_by_role("table").first.get_by_role("row").nth(1)
    expect(row.get_by_role("rowheader")).to_be_visible()
    assert row.get_by_role("cell").first.get_attribute("data-label") == "Quando"
    staff_page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    expect(staff_page.locator("table.is-stacked")).to_have_count(0)


def test_english_on_request(quiet: Page, address: str) -> None:
    quiet.goto(f"{address}/e/TESTP2")
    quiet.get_by_role("link", name="English").click()
    expect(quiet.get_by_role("heading", name="Water off 8:30–12:30")).to_be_visible()
    assert quiet.url.startswith(f"{address}/e/TESTP2")


def test_signing_out(staff_page: Page, address: str) -> None:
    staff_page.get_by_role("button", name="Esci").click()
    staff_page.wait_for_url(f"{address}/")
    staff_page.goto(f"{address}/oggi")
    assert "/accedi" in staff_page.url
