"""Recording works in a real browser: drawing, drafts that survive, bars that move."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, text

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# The first computation of a process may have to wait for the compiler.
FIRST_MS = 180_000
PAGES = {
    "edit-phase": "/fasi/1/modifica",
    "edit-new-phase": "/cantieri/1/fasi/nuova",
    "edit-several-phases": "/cantieri/1/fasi/insieme",
    "edit-site": "/cantieri/1/modifica",
    "edit-new-site": "/cantieri/nuovo",
    "edit-timeline": "/cronoprogramma",
    "edit-versions": "/cantieri/1/versioni",
}


def open_form(page: Page, address: str, path: str) -> None:
    page.goto(address + path)
    page.wait_for_function("document.readyState === 'complete'")


def draw(page: Page, row: str, corners: list[tuple[int, int]]) -> None:
    page.locator(f"{row} [data-draw]").click()
    box = page.locator("#edit-map .leaflet-container").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for east, south in corners:
        page.mouse.click(x + east, y + south)
        page.wait_for_timeout(120)
    page.get_by_role("button", name="Fine del disegno").click()


def test_a_closure_is_drawn_corrected_and_undone(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/fasi/3/modifica")
    page.locator("#chiusure > summary").click()
    shape = page.locator("[name=ch_forma]")
    page.get_by_label("Che cosa si chiude").select_option("footway")
    draw(page, "[data-rows=ch]", [(0, 0), (70, 5), (60, 50)])
    drawn = json.loads(shape.input_value())
    assert drawn["type"] == "MultiPolygon"
    assert len(drawn["coordinates"][0][0]) == 4
    expect(page.locator("[data-rows=ch] [data-shape-state]")).to_contain_text("m²")
    before = shape.input_value()
    page.locator(".edit-handle:not(.is-middle)").first.focus()
    page.keyboard.press("Shift+ArrowLeft")
    moved = shape.input_value()
    assert moved != before
    page.locator(".edit-handle.is-middle").first.focus()
    page.keyboard.press("Enter")
    assert len(json.loads(shape.input_value())["coordinates"][0][0]) == 5
    undo = page.get_by_role("button", name="Annulla l'ultima modifica")
    undo.click()
    assert shape.input_value() == moved
    undo.click()
    assert shape.input_value() == before
    page.evaluate("localStorage.clear()")


def test_a_corner_snaps_to_a_building(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/cantieri/1/modifica")
    corner = page.evaluate(
        """() => { const map = Object.values(accanto.maps)[0].map;
        const ring = Object.values(map.accanto.buildings)[0].layer.getLatLngs().flat(2);
        const p = map.latLngToContainerPoint(ring[0]);
        const box = map.getContainer().getBoundingClientRect();
        return {x: p.x + box.x, y: p.y + box.y, lng: ring[0].lng, lat: ring[0].lat}; }"""
    )
    page.locator("#edit-area [data-draw]").click()
    for east, south in ((3, 3), (80, 60), (10, 90)):
        page.mouse.click(corner["x"] + east, corner["y"] + south)
        page.wait_for_timeout(120)
    page.get_by_role("button", name="Fine del disegno").click()
    ring = json.loads(page.locator("[name=perimetro]").input_value())["coordinates"][0][0]
    assert ring[0] == pytest.approx([corner["lng"], corner["lat"]], abs=2e-7)
    page.evaluate("localStorage.clear()")


def test_what_was_typed_survives_until_it_is_saved(staff_page: Page, address: str) -> None:
    page = staff_page
    open_form(page, address, "/fasi/3/modifica")
    page.get_by_label("Impresa", exact=True).fill("Impresa ritrovata")
    page.locator("#sospensioni > summary").click()
    page.get_by_role("button", name="Aggiungi una sospensione").click()
    page.locator("[name=so_servizio]").nth(1).select_option("gas")
    page.locator("[name^=so_scale_]").nth(2).check()
    expect(page.locator("#sospensioni .fold-said")).to_contain_text("Gas, ")
    page.wait_for_timeout(500)
    page.context.clear_cookies()
    page.goto(f"{address}/fasi/3/modifica")
    page.get_by_label("Indirizzo e-mail").fill("prova@example.org")
    page.get_by_label("Password").fill("una-password-di-prova")
    page.get_by_role("button", name="Entra").click()
    page.wait_for_url("**/fasi/3/modifica")
    expect(page.locator("#edit-restored")).to_be_visible()
    expect(page.get_by_label("Impresa", exact=True)).to_have_value("Impresa ritrovata")
    expect(page.locator("[name=so_servizio]").nth(1)).to_have_value("gas")
    assert page.locator("[name^=so_scale_]:checked").count() == 1
    page.get_by_label("Motivo della modifica").fill("prova")
    page.get_by_role("button", name="Salva come nuova versione").click()
    page.wait_for_url("**/versioni/confronto*")
    expect(page.locator("main")).to_contain_text("Impresa: Impresa ritrovata")
    expect(page.locator("main")).to_contain_text("Sospensioni: Gas")
    open_form(page, address, "/fasi/3/modifica")
    expect(page.locator("#edit-restored")).to_be_hidden()


def test_the_effect_stands_beside_the_form(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/fasi/1/modifica")
    page.get_by_text("Orari per giorno").click()
    page.get_by_label("lunedì: Lavori rumorosi").fill("8:00–9:00")
    expect(page.locator("#edit-answer .sim-headline")).to_be_visible(timeout=FIRST_MS)
    expect(page.locator("#edit-answer")).to_contain_text("Orari cambiati")
    page.evaluate("localStorage.clear()")


def test_an_address_leads_to_its_place_on_the_map(staff_page: Page, address: str) -> None:
    page = staff_page
    open_form(page, address, "/cantieri/nuovo")
    search = page.get_by_label("Vai a un indirizzo o a un edificio")
    label = page.evaluate(
        "Object.values(Object.values(accanto.maps)[0].map.accanto.buildings)[1].item.label"
    )
    search.fill(label)
    search.press("Enter")
    expect(page.locator(".leaflet-tooltip", has_text=label)).to_be_visible()
    page.get_by_role("button", name="Prendi questo edificio con il suo cortile").click()
    expect(page.locator("#edit-area [data-shape-state]")).to_contain_text("m²")
    taken = json.loads(page.locator("[name=perimetro]").input_value())
    assert taken["type"] == "MultiPolygon"
    assert len(taken["coordinates"][0][0]) >= 4
    page.get_by_role("button", name="Annulla l'ultima modifica").click()
    assert page.locator("[name=perimetro]").input_value() == ""
    search.fill("via che non esiste 99")
    page.locator("#edit-search").get_by_role("button", name="Cerca").click()
    expect(page.locator("#edit-search")).to_contain_text("Nessun edificio con questo indirizzo")
    page.evaluate("localStorage.clear()")


def test_folded_parts_say_what_they_hold(staff_page: Page, address: str) -> None:
    page = staff_page
    open_form(page, address, "/fasi/1/modifica")
    expect(page.locator("#sospensioni .fold-said")).to_contain_text("Acqua, ")
    expect(page.locator("#orari .fold-said")).to_contain_text("8:00–17:00")
    page.locator("#edifici-lavori > summary").click()
    page.locator("[name=edificio]").first.check()
    expect(page.locator("#edifici-lavori .fold-said")).to_contain_text(": ")
    page.locator("[name=edificio]").first.uncheck()
    expect(page.locator("#edifici-lavori .fold-said")).to_have_text("nessuno")
    page.evaluate("localStorage.clear()")


def test_a_phase_that_waits_shows_its_effect_by_itself(
    staff_page: Page, address: str, running: tuple[str, Engine]
) -> None:
    page = staff_page
    open_form(page, address, "/fasi/3")
    expect(page.locator("[data-waits]")).to_contain_text("la pagina si aggiorna da sola")
    with running[1].begin() as connection:
        run = connection.execute(
            text(
                "insert into impact_run (revision_id, engine_version, methods, seconds, in_force)"
                " select max(id), 'prova', '{}', 0, true from phase_revision where phase_id = 3"
                " returning id"
            )
        ).scalar()
    assert run
    expect(page.locator("[data-waits]")).to_have_count(0, timeout=15_000)
    expect(page.locator("main")).to_contain_text("Nessun disagio")


def test_a_preset_fills_in_one_choice(staff_page: Page, address: str) -> None:
    page = staff_page
    open_form(page, address, "/cantieri/1/fasi/nuova")
    page.get_by_label("Codice").fill("Z1")
    with page.expect_navigation():
        page.get_by_label("Lavorazione tipo").select_option("scaffold_up")
    expect(page.get_by_label("Codice")).to_have_value("Z1")
    assert page.locator("#edit-plant .plant-row").count() == 4
    page.evaluate("localStorage.clear()")


def test_flats_of_a_stairwell_that_is_cut_off_are_proposed(staff_page: Page, address: str) -> None:
    page = staff_page
    open_form(page, address, "/cantieri/1/fasi/nuova")
    with page.expect_navigation():
        page.get_by_label("Lavorazione tipo").select_option("risers")
    stair = page.locator("[data-rows=so] [name^=so_scale_]").first
    flats = page.locator(f"[name=interni_{stair.get_attribute('value')}]")
    said = page.locator("#flats-proposed")
    stair.check()
    expect(flats).to_have_value("tutti")
    expect(flats).to_be_visible()
    expect(said).to_contain_text("proposti per intero")
    stair.uncheck()
    expect(flats).to_have_value("")
    expect(said).to_have_text("")
    flats.fill("1–2")
    stair.check()
    expect(flats).to_have_value("1–2")
    page.evaluate("localStorage.clear()")


def test_bars_move_by_mouse_and_by_keyboard(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/cantieri/1/cronoprogramma")
    first = page.locator("[name^=dal_]").nth(1)
    was = first.input_value()
    bar = page.locator("rect[data-move]").nth(1).bounding_box()
    assert bar
    page.mouse.move(bar["x"] + 2, bar["y"] + bar["height"] / 2)
    page.mouse.down()
    page.mouse.move(bar["x"] + 42, bar["y"] + 4, steps=5)
    page.mouse.up()
    assert first.input_value() > was
    page.get_by_role("button", name="A3: sposta di −7 giorni").press("Enter")
    expect(page.locator("#timeline-moved")).to_contain_text("A2, A3")
    expect(page.get_by_role("button", name="Salva le date")).to_be_enabled()
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("name", PAGES)
def test_pages_have_no_barriers_and_fit_a_phone(
    staff_page: Page, address: str, name: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        open_form(page, address, PAGES[name])
        page.wait_for_timeout(400)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["target"]) for v in found] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} px wide"
        keep_picture(page, f"{name}-{size['width']}")


def test_the_form_works_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    page = context.new_page()
    page.goto(f"{address}/accedi?poi=/fasi/3/modifica")
    page.get_by_label("Indirizzo e-mail").fill("prova@example.org")
    page.get_by_label("Password").fill("una-password-di-prova")
    page.get_by_role("button", name="Entra").click()
    page.get_by_label("Ultimo giorno").fill("2020-01-01")
    page.get_by_label("Motivo della modifica").fill("prova")
    page.get_by_role("button", name="Salva come nuova versione").click()
    expect(page.locator("#errori")).to_contain_text("L'ultimo giorno viene prima del primo.")
    expect(page.get_by_label("Motivo della modifica")).to_have_value("prova")
    context.close()
