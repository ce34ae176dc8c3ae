"""Permits, served areas and what a cut really did, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from geo_service.settings import get_settings
from geo_service.works.editing.shapes import shape_text
from tests.browser.test_edit import DESKTOP, FIRST_MS, PHONE, draw, open_form
from tests.geo_service.builders import area
from tests.geo_service.files.test_store import PDF

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ACCANTO_FILES_DIR", str(tmp_path / "files"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def look(page: Page, name: str, keep: Callable[[Page, str], None]) -> None:
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} px wide on {size['width']} px"
        keep(page, f"{name}-{size['width']}")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_a_permit_from_the_phase_to_its_document(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.goto(f"{address}/fasi/1")
    expect(page.get_by_text("fuori dagli orari del Comune")).to_be_visible()
    page.get_by_role("link", name="Nuova autorizzazione").click()
    expect(page.get_by_label("Limite in facciata, dB(A)")).to_be_visible()
    expect(page.get_by_label("Piano inviato il")).to_be_hidden()
    page.get_by_label("Tipo", exact=True).select_option("asbestos_plan")
    expect(page.get_by_label("Piano inviato il")).to_be_visible()
    page.get_by_label("Tipo", exact=True).select_option("noise_derogation")
    page.get_by_label("Stato", exact=True).select_option("granted")
    page.get_by_label("Dalle", exact=True).fill("21:00")
    page.get_by_label("Alle", exact=True).fill("05:00")
    look(page, "permit-form", keep_picture)
    page.get_by_label("Numero o protocollo").fill("DR-7")
    file = {"name": "ordinanza.pdf", "mimeType": "application/pdf", "buffer": PDF}
    page.get_by_label("Allega documenti (facoltativo)").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Salva l'autorizzazione").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deroga per il rumore DR-7")
    expect(page.get_by_text("21:00–5:00 del giorno dopo")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="ordinanza.pdf").click()
    assert started.value.suggested_filename == "ordinanza.pdf"
    assert started.value.path().read_bytes() == PDF
    look(page, "permit", keep_picture)
    page.goto(f"{address}/cantieri/1")
    expect(page.get_by_role("link", name="Deroga per il rumore DR-7")).to_be_visible()
    look(page, "permit-site", keep_picture)


def test_what_is_wrong_stands_beside_its_field(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    # A page of its own: the browser's console tells that the answer was no success.
    page = staff_page.context.new_page()
    page.goto(f"{address}/cantieri/1/autorizzazioni/nuova")
    page.get_by_label("Stato", exact=True).select_option("granted")
    page.get_by_label("Alle", exact=True).fill("05:00")
    page.get_by_role("button", name="Salva l'autorizzazione").click()
    expect(page.locator("#err-numero")).to_contain_text("ha un numero")
    expect(page.get_by_label("Alle", exact=True)).to_have_value("05:00")
    look(page, "permit-wrong", keep_picture)


def test_the_second_tab_is_told(staff_page: Page, address: str) -> None:
    page = staff_page
    page.goto(f"{address}/cantieri/1/autorizzazioni/nuova")
    page.get_by_label("Ente che la rilascia").fill("Comune")
    page.get_by_role("button", name="Salva l'autorizzazione").click()
    page.get_by_role("link", name="Modifica").click()
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_label("Ente che la rilascia").fill("Polizia Locale")
    page.get_by_role("button", name="Salva l'autorizzazione").click()
    expect(page.get_by_text("Polizia Locale")).to_be_visible()
    other.get_by_label("Ente che la rilascia").fill("ATS")
    other.get_by_role("button", name="Salva l'autorizzazione").click()
    expect(other.locator("#conflitto")).to_contain_text("Polizia Locale")
    expect(other.get_by_label("Ente che la rilascia")).to_have_value("ATS")
    other.get_by_role("button", name="Salva l'autorizzazione").click()
    expect(other.get_by_text("ATS", exact=True)).to_be_visible()


def test_a_served_area_ticks_stairwells_and_is_undone(
    staff_page: Page, address: str, tmp_path: Path
) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/fasi/2/modifica")
    page.locator("#edit-live").uncheck()
    page.locator("#sospensioni > summary").click()
    row = page.locator("[data-rows=so] > li").first
    row.get_by_label("Che cosa si sospende").select_option("heating")
    row.locator("details.served > summary").click()
    chosen = row.locator("[data-chosen]")
    boxes = row.locator("input[type=checkbox]")
    for place in range(boxes.count()):
        boxes.nth(place).check()
    expect(chosen).to_have_text("2")
    draw(page, "[data-rows=so]", [(-170, -110), (170, -110), (170, 110), (-170, 110)])
    said = row.locator("[data-served-said]")
    expect(said).to_have_text("Segnata una scala: controllatela.", timeout=FIRST_MS)
    expect(chosen).to_have_text("1")
    page.get_by_role("button", name="Annulla l'ultima modifica").click()
    expect(chosen).to_have_text("2")
    for place in range(boxes.count()):
        boxes.nth(place).uncheck()
    path = tmp_path / "servita.geojson"
    path.write_text(shape_text(area(-5, -5, 90, 30)))
    row.locator("[data-served-file]").set_input_files(path)
    expect(said).to_have_text("Segnate 2 scale: controllatele.", timeout=FIRST_MS)
    expect(chosen).to_have_text("2")
    expect(row.locator("[data-served] [data-shape-state]")).to_contain_text("m²")
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == []


def test_what_a_cut_did_is_noted(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.goto(f"{address}/fasi/1")
    page.get_by_text("Annotare quando è tornata").click()
    page.get_by_label("Ora", exact=True).fill("17:40")
    page.get_by_label("Chi lo dice (vuoto: voi)").fill("DL, al telefono")
    page.get_by_role("button", name="Annota", exact=True).click()
    said = page.locator("#sospensioni")
    expect(said).to_contain_text("annunciata fino alle 12:30, ancora chiusa alle 17:40")
    page.get_by_text("Annotare quando è tornata").click()
    look(page, "cut-said", keep_picture)
    page.goto(f"{address}/edifici/1")
    expect(page.get_by_text("ancora chiusa alle 17:40")).to_be_visible()
    page.goto(f"{address}/oggi")
    expect(page.get_by_text("ancora chiusa alle 17:40")).to_be_visible()
