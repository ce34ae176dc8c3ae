"""The schedule in a real browser: effects told beforehand, followers, undo, a file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_edit import DESKTOP, FIRST_MS, PHONE, open_form
from tests.geo_service.works.schedule_files.test_reading import HEAD, sheet

pytestmark = pytest.mark.browser
TIMELINE = "/cantieri/1/cronoprogramma"


def _assert_sound(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


def _type_last(page: Page, phase: int, day: str) -> None:
    page.locator(f"[name=al_{phase}]").fill(day)
    page.locator(f"[name=al_{phase}]").dispatch_event("change")


def test_a_dependency_is_made_drawn_broken_and_followed(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, "/fasi/2/modifica")
    page.locator("#dipendenze > summary").click()
    row = page.locator("[data-rows=dip] li")
    row.get_by_label("Fase da aspettare").select_option(label="A1 Scavo")
    page.get_by_role("button", name="Aggiungi una dipendenza").click()
    expect(row).to_have_count(2)
    row.nth(1).get_by_role("button", name="Togli questa dipendenza").click()
    page.get_by_label("Motivo della modifica").fill("ordine dei lavori")
    page.locator("#edit-save").click()
    page.wait_for_url(re.compile(r"/fasi/2$"))
    expect(page.get_by_text("Comincia dopo la fine di A1 Scavo")).to_be_visible()

    open_form(page, address, TIMELINE)
    expect(page.locator(".timeline-links path.link-kept")).to_have_count(1)
    undo = page.get_by_role("button", name="Annulla l'ultima modifica")
    expect(undo).to_be_disabled()
    _type_last(page, 1, "2026-03-20")
    expect(page.locator(".timeline-links path.link-broken")).to_have_count(1)
    effect = page.locator("#timeline-effect")
    expect(effect).to_contain_text("A2 Demolizione comincia lun 16 mar 2026", timeout=FIRST_MS)
    expect(effect).to_contain_text("nuclei hanno gli stessi disagi in altri giorni")
    keep_picture(page, "schedule-timeline")
    _assert_sound(page)
    page.get_by_role("button", name="Sposta anche queste").click()
    expect(page.locator("[name=dal_2]")).to_have_value("2026-03-23")
    expect(page.locator(".timeline-links path.link-broken")).to_have_count(0)
    expect(effect.locator(".clash")).to_have_count(0)
    undo.click()
    expect(page.locator("[name=dal_2]")).to_have_value("2026-03-16")
    expect(page.locator("[name=al_1]")).to_have_value("2026-03-20")
    undo.click()
    expect(page.locator("[name=al_1]")).to_have_value("2026-03-13")
    expect(undo).to_be_disabled()
    expect(effect).to_be_empty()
    page.evaluate("localStorage.clear()")
    # The other tests of this server know nothing of it.
    open_form(page, address, "/fasi/2/modifica")
    page.locator("#dipendenze > summary").click()
    page.get_by_label("Fase da aspettare").select_option("")
    page.get_by_label("Motivo della modifica").fill("come prima")
    page.locator("#edit-save").click()
    page.wait_for_url(re.compile(r"/fasi/2$"))


def test_a_bar_is_dragged_in_one_step_of_undo(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    open_form(page, address, TIMELINE)
    bar = page.locator('tr[data-phase="3"] [data-move]').bounding_box()
    assert bar
    x, y = bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y, steps=8)
    page.mouse.up()
    expect(page.locator("[name=dal_3]")).not_to_have_value("2026-09-28")
    expect(page.locator("#timeline-effect")).to_contain_text("Nessuno", timeout=FIRST_MS)
    page.get_by_role("button", name="Annulla l'ultima modifica").click()
    expect(page.locator("[name=dal_3]")).to_have_value("2026-09-28")
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_file_shows_its_difference_before_it_is_applied(
    staff_page: Page,
    address: str,
    tmp_path: Path,
    size: dict[str, int],
    keep_picture: Callable[[Page, str], None],
) -> None:
    page = staff_page
    page.set_viewport_size(size)  # type: ignore[arg-type]
    file = tmp_path / "programma.xlsx"
    day = dt.date
    file.write_bytes(
        sheet(
            ("Impresa Esempio – cronoprogramma, rev. 2",), HEAD,
            ("A1", "Scavo", day(2026, 3, 4), day(2026, 3, 18)),
            ("A2", "Demolizione", "16/03/2026", "03/04/2026", "A1"),
            ("A7", "Ponteggio", "07/04/2026", "17/04/2026", "A2FI+1g"),
            ("A8", "Collaudo", "10/13/2026", "20/04/2026", "A7"),
        )
    )  # fmt: skip
    open_form(page, address, f"{TIMELINE}/file")
    _assert_sound(page)
    page.get_by_label("File xlsx").set_input_files(file)
    page.get_by_role("button", name="Mostra che cosa cambia").click()
    expect(page.locator("#schedule-effect")).to_contain_text("in altri giorni", timeout=FIRST_MS)
    expect(page.get_by_text("Riga 6 (A8): l'inizio ha il mese 13")).to_be_visible()
    _assert_sound(page)
    keep_picture(page, f"schedule-difference-{size['width']}")
    # Another answer makes the comparison anew.
    page.get_by_label("Riga 5: fase").select_option("fuori")
    expect(page.get_by_text("1 lasciate fuori")).to_be_visible()
