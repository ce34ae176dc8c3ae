"""The staff's map in a real browser: time, sheet, tools, selection; mouse, keyboard, phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WEEK = "/quartiere/mappa?dal=2026-03-02&periodo=settimana"
FIRST = "Object.values(accanto.maps)[0]"


def _open(page: Page, address: str, size: dict[str, int] = DESKTOP) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(address)
    expect(page.locator("#detto")).to_have_text("2 edifici disturbati")


def _no_barrier(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_time_moves_with_one_request_and_the_address_follows(
    staff_page: Page, address: str
) -> None:
    _open(staff_page, address + WEEK)
    staff_page.wait_for_load_state("networkidle")
    asked: list[str] = []
    staff_page.on("request", lambda r: asked.append(r.url))
    staff_page.locator("#corsa").focus()
    for _ in range(14):
        staff_page.keyboard.press("ArrowRight")
    expect(staff_page.locator("#detto")).to_have_text("un edificio disturbato")
    assert "dal=2026-03-16" in staff_page.url
    # Chromium asks for the icon again whenever the address changes.
    asked = [url for url in asked if "/img/accanto.svg" not in url]
    assert asked
    assert [url for url in asked if "/api/quartiere/livelli" not in url] == []
    expect(staff_page.locator(".accanto-label")).not_to_have_count(0)
    hatched = staff_page.locator(".leaflet-closures-pane path")
    expect(hatched).to_have_count(0)
    staff_page.get_by_role("link", name="Elenco").click()
    expect(staff_page.get_by_role("row", name=re.compile("Mulini 4"))).to_be_visible()
    expect(staff_page.get_by_role("row", name=re.compile("Mulini 2"))).to_have_count(0)


def test_a_link_keeps_the_place(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.evaluate(f"{FIRST}.map.setZoom(19, {{animate: false}})")
    expect(staff_page).to_have_url(re.compile(r"posto=.*19(&|$)"))
    staff_page.reload()
    assert staff_page.evaluate(f"{FIRST}.map.getZoom()") == 19


def test_kinds_are_filtered_without_another_page(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.get_by_role("checkbox", name=re.compile("Rumore")).uncheck()
    expect(staff_page.locator("#detto")).to_have_text("nessun edificio disturbato")
    expect(staff_page.locator('[data-count="noise"]')).to_have_text("2")
    assert "tipo=noise" not in staff_page.url


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_building_opens_beside_the_map_and_closes(
    staff_page: Page,
    address: str,
    size: dict[str, int],
    keep_picture: Callable[[Page, str], None],
) -> None:
    _open(staff_page, address + WEEK, size)
    path = staff_page.locator(".leaflet-buildings-pane path[tabindex='0']")
    path.focus()
    staff_page.keyboard.press("Enter")
    sheet = staff_page.get_by_role("complementary", name="Scheda dell'edificio")
    expect(sheet.get_by_role("heading", name="Via dei Mulini 2")).to_be_visible()
    expect(sheet.get_by_role("link", name=re.compile("A1 Scavo"))).to_be_visible()
    _no_barrier(staff_page)
    assert staff_page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    keep_picture(staff_page, f"sheet-{size['width']}")
    staff_page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(path).to_be_focused()


def test_an_address_is_found_on_the_map(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.get_by_label("Cerca un indirizzo sulla mappa").fill("mulini 4")
    staff_page.keyboard.press("Enter")
    choices = staff_page.locator("#trovati button")
    sheet = staff_page.locator("#scheda")
    expect(choices.first.or_(sheet).first).to_be_visible()
    if choices.first.is_visible():
        choices.filter(has_text="Mulini 4").click()
    expect(sheet.get_by_role("heading", name="Via dei Mulini 4")).to_be_visible()


def test_measuring_opens_nothing(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.get_by_role("button", name="Misura").click()
    box = staff_page.locator(".accanto-map").bounding_box()
    assert box is not None
    for step in (0.45, 0.55):
        staff_page.mouse.click(box["x"] + box["width"] * step, box["y"] + 250)
    expect(staff_page.locator("#distanza")).to_have_text(re.compile(r"^\d+ m$"))
    expect(staff_page.locator("#scheda")).to_be_hidden()
    staff_page.keyboard.press("Escape")
    expect(staff_page.locator("#distanza")).to_have_text("")


def test_buildings_are_chosen_with_the_lasso_and_become_a_page(
    staff_page: Page, address: str
) -> None:
    _open(staff_page, address + WEEK)
    staff_page.get_by_role("button", name="Scegli edifici").click()
    staff_page.get_by_label("con il laccio").check()
    box = staff_page.locator(".accanto-map").bounding_box()
    assert box is not None
    left, top = box["x"] + 200, box["y"] + 5
    right, bottom = box["x"] + box["width"] - 80, box["y"] + box["height"] - 10
    staff_page.mouse.move(left, top)
    staff_page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        staff_page.mouse.move(x, y, steps=4)
    staff_page.mouse.up()
    expect(staff_page.locator("#scelti")).to_have_text("2 edifici, 7 nuclei")
    _no_barrier(staff_page)
    staff_page.get_by_role("link", name="Apri la selezione").click()
    expect(staff_page.get_by_role("row", name=re.compile("Via dei Mulini"))).to_have_count(2)
    _no_barrier(staff_page)
    staff_page.get_by_role("link", name="Torna alla mappa").click()
    expect(staff_page.locator("#scelti")).to_have_text("2 edifici, 7 nuclei")


def test_buildings_are_chosen_one_by_one_with_the_keyboard(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.get_by_role("button", name="Scegli edifici").click()
    staff_page.locator(".leaflet-buildings-pane path[tabindex='0']").focus()
    staff_page.keyboard.press("Enter")
    expect(staff_page.locator("#scelti")).to_have_text("un edificio, 4 nuclei")
    staff_page.keyboard.press("Enter")
    expect(staff_page.locator("#scelti")).to_have_text("")


def test_a_session_that_ends_is_told_and_the_view_is_kept(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK)
    staff_page.wait_for_load_state("networkidle")
    staff_page.context.clear_cookies()
    staff_page.evaluate(f"{FIRST}.openBuilding(1)")
    expect(staff_page.locator("#detto")).to_contain_text("La sessione è finita.")
    expect(staff_page.locator("#scheda")).to_be_hidden()
    back = staff_page.locator("#detto").get_by_role("link")
    assert "dal=2026-03-02" in (back.get_attribute("href") or "")


def test_a_choice_stays_in_the_address_and_grows_from_a_sheet_by_keyboard(
    staff_page: Page, address: str
) -> None:
    _open(staff_page, address + WEEK)
    staff_page.locator(".leaflet-buildings-pane path[tabindex='0']").focus()
    staff_page.keyboard.press("Enter")
    choose = staff_page.get_by_role("button", name="Aggiungi alla selezione")
    choose.focus()
    staff_page.keyboard.press("Enter")
    expect(staff_page.locator("#scelti")).to_have_text("un edificio, 4 nuclei")
    expect(staff_page).to_have_url(re.compile(r"edifici=\d"))
    drop = staff_page.get_by_role("button", name="Togli dalla selezione")
    expect(drop).to_have_attribute("aria-pressed", "true")
    staff_page.get_by_role("link", name="Apri la selezione").click()
    expect(staff_page.get_by_role("link", name="Elenco degli avvisi per questi")).to_be_visible()
    staff_page.go_back()
    expect(staff_page.locator("#scelti")).to_have_text("un edificio, 4 nuclei")


def test_paper_says_what_the_map_shows_and_shows_all_of_it(staff_page: Page, address: str) -> None:
    _open(staff_page, address + WEEK + "&livello=1&tipo=noise&tipo=dust")
    bounds = f"(b => [b.getWest(), b.getEast()])({FIRST}.map.getBounds())"
    west, east = staff_page.evaluate(bounds)
    staff_page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    whole = f"{FIRST}.map.getBounds().contains({FIRST}.map.accanto.config.bounds)"
    assert staff_page.evaluate(whole)
    box = staff_page.locator(".map-box").bounding_box()
    # 184 mm of an A4 sheet at 96 px an inch.
    assert box is not None
    assert box["width"] == pytest.approx(695, abs=1)
    staff_page.emulate_media(media="print")
    expect(staff_page.locator("#filtri-detti")).to_have_text("Rumore, Polvere")
    expect(staff_page.get_by_role("heading", level=1)).to_contain_text("da lun 2 mar a dom 8 mar")
    expect(staff_page.locator("#attrezzi")).to_be_hidden()
    staff_page.emulate_media(media="screen")
    staff_page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert staff_page.evaluate(bounds) == pytest.approx([west, east], abs=1e-5)
