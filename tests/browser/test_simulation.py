"""The what-if page in a real browser: drag the ground of a phase and read what changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# The first computation of a process may have to wait for the compiler.
FIRST_MS = 180_000
GROUND = "path.sim-ground"


def metres(page: Page) -> tuple[float, float]:
    return (
        float(page.get_by_label("Metri verso est").input_value()),
        float(page.get_by_label("Metri verso nord").input_value()),
    )


def open_page(page: Page, address: str) -> None:
    page.goto(f"{address}/fasi/1/simulazione")
    expect(page.locator(GROUND)).to_be_visible()


def drag(page: Page, what: str, east_px: int, north_px: int) -> None:
    box = page.locator(what).first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + east_px / 2, y - north_px / 2, steps=4)
    page.mouse.move(x + east_px, y - north_px, steps=4)
    page.mouse.up()


def test_drag_the_ground_and_read_what_changes(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_page(page, address)
    before = page.locator(GROUND).bounding_box()
    # A little, so that the ground still touches its site.
    drag(page, GROUND, 14, 10)
    east, north = metres(page)
    assert east > 1
    assert north > 1
    after = page.locator(GROUND).bounding_box()
    assert before
    assert after
    assert after["x"] - before["x"] == pytest.approx(14, abs=3)
    assert before["y"] - after["y"] == pytest.approx(10, abs=3)
    headline = page.locator(".sim-headline")
    expect(headline).to_be_visible(timeout=FIRST_MS)
    expect(page.locator("#sim-answer-box")).to_contain_text("Area spostata di")
    expect(page.locator("#sim-progress")).to_be_hidden()
    page.get_by_role("button", name="Annulla l'ultima modifica").click()
    assert metres(page) == (0, 0)
    expect(headline).to_have_text("Nessuno cambia livello.", timeout=FIRST_MS)


def test_a_vertex_by_mouse_and_the_ground_by_keyboard(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_page(page, address)
    drag(page, ".sim-handle:not(.sim-handle-middle)", -25, 0)
    assert page.locator("[name=area]").input_value().startswith("[[[[")
    expect(page.locator("#sim-answer-box")).to_contain_text("m² invece di", timeout=FIRST_MS)
    page.locator(GROUND).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    assert metres(page) == (-10, 1)
    vertex = page.locator(".sim-handle:not(.sim-handle-middle)").first
    vertex.focus()
    area = page.locator("[name=area]").input_value()
    page.keyboard.press("ArrowDown")
    assert page.locator("[name=area]").input_value() != area
    expect(page.locator(".sim-handle:focus")).to_have_count(1)


def test_a_barrier_is_drawn_on_the_map(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_page(page, address)
    page.get_by_role("button", name="Disegna sulla mappa").click()
    box = page.locator(".sim-map .accanto-map").bounding_box()
    assert box
    for x in (0.4, 0.6):
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * 0.8)
        # Two clicks close together would count as a double one.
        page.wait_for_timeout(350)
    page.get_by_role("button", name="Fine del disegno").click()
    expect(page.get_by_role("combobox", name="Dove")).to_have_value("map")
    expect(page.locator("#sim-answer-box")).to_contain_text(
        re.compile(r"Barriera di \d+ m, alta 3,0 m"), timeout=FIRST_MS
    )


def test_a_machine_is_added_and_nothing_bars_the_way(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_page(page, address)
    page.get_by_text("Macchine", exact=True).click()
    page.get_by_label("Aggiungi una macchina").fill("martello demolitore su terna")
    page.get_by_role("button", name="Aggiungi", exact=True).click()
    expect(page.locator(".sim-headline")).to_contain_text("nuclei", timeout=FIRST_MS)
    expect(page.locator(".sim-tip .sim-mark").first).to_be_visible()
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]
        keep_picture(page, f"simulation-{size['width']}")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_a_wrong_field_is_told_beside_it(staff_page: Page, address: str, browser: Browser) -> None:
    # A page of its own: the refused request is what the browser itself reports in the console.
    context = browser.new_context(storage_state=staff_page.context.storage_state(), locale="it-IT")
    page = context.new_page()
    open_page(page, address)
    page.get_by_label("Sposta di giorni").fill("99999")
    expect(page.locator("#err-sposta")).to_contain_text("Serve un numero", timeout=FIRST_MS)
    expect(page.get_by_label("Sposta di giorni")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_be_visible()
    context.close()


def test_it_works_without_a_script(staff_page: Page, address: str, browser: Browser) -> None:
    kept = staff_page.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=kept, locale="it-IT")
    page = context.new_page()
    page.goto(f"{address}/fasi/1/simulazione")
    page.get_by_label("Metri verso est").fill("-10")
    page.get_by_role("button", name="Calcola").click()
    page.wait_for_load_state(timeout=FIRST_MS)
    expect(page.get_by_text("Area spostata di 10 m")).to_be_visible(timeout=FIRST_MS)
    assert page.get_by_label("Metri verso est").input_value() == "-10"
    context.close()
