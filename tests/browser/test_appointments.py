"""Appointments in a real browser: proposed, marked, moved along, reported by the crew's phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from geo_service.accounts.service import create_account
from geo_service.appointments import service
from geo_service.database import make_engine
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from tests.browser.conftest import EMAIL, PASSWORD, served
from tests.geo_service.appointments.made import propose, windows_phase
from tests.geo_service.builders import MONDAY, make_world

pytestmark = pytest.mark.browser
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def address(fresh_database: Callable[[], Any]) -> Iterator[str]:
    """A quarter with three phases inside flats: to propose, proposed, moved by a week."""
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            world = make_world(session)
            windows_phase(session, world, "F1")
            second = propose(session, windows_phase(session, world, "F2"), crews=2)
            for one in second[:3]:
                service.change_state(session, one, "agreed", today=MONDAY)
            third = windows_phase(session, world, "F3")
            for one in propose(session, third):
                service.change_state(session, one, "agreed", today=MONDAY)
            revise_phase(session, third.phase, shifted(draft_of(session, third), 7))
            create_account(session, EMAIL, "coordinator", PASSWORD)
            session.commit()
        with served(engine) as running:
            yield running
        engine.dispose()


def _look(page: Page, url: str, keep: Callable[[Page, str], None], name: str) -> None:
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{url} is {width} px wide on {size['width']} px"
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        keep(page, f"{name}-{size['width']}")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_pages_have_no_barrier_and_no_side_scroll(
    staff_page: Page, address: str, keep_picture: Callable[[Page, str], None]
) -> None:
    pages = {
        "appointments": "/fasi/2/appuntamenti",
        "appointments-none": "/fasi/1/appuntamenti",
        "appointments-moved": "/fasi/3/appuntamenti",
        "appointments-follow": "/fasi/3/appuntamenti/segui",
        "appointments-proposal": "/fasi/1/appuntamenti/proposta",
        "appointments-day": "/fasi/2/appuntamenti/giorno",
        "appointment": "/appuntamenti/1",
        "appointment-mark": "/appuntamenti/1?segna=absent",
        "appointment-phase": "/fasi/2",
        "appointment-flat": "/alloggi/1",
        "appointment-household": "/nuclei/1",
    }
    for name, path in pages.items():
        _look(staff_page, address + path, keep_picture, name)
        _look(staff_page, f"{address}{path}{'&' if '?' in path else '?'}lang=en", keep_picture,
              f"{name}-en")  # fmt: skip
    staff_page.goto(f"{address}/oggi?lang=it")


def test_all_flats_of_a_phase_get_a_time_in_two_clicks(staff_page: Page, address: str) -> None:
    page = staff_page
    page.goto(f"{address}/fasi/1/appuntamenti")
    page.get_by_role("link", name="Proponi l'ora per 8 alloggi").click()
    page.get_by_role("button", name="Mostra la proposta").click()
    expect(page.get_by_text("8 appuntamenti, da lun 2 mar a gio 5 mar")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("piano 2"))).to_have_count(2)
    page.get_by_role("button", name="Applica: proponi 8 appuntamenti").click()
    expect(page.locator("table.stack tbody tr")).to_have_count(8)


def test_a_visit_is_marked_and_taken_back_on_a_phone(staff_page: Page, address: str) -> None:
    page = staff_page
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{address}/fasi/2/appuntamenti?stato=agreed")
    page.get_by_role("link", name=re.compile("Nessuno in casa")).first.click()
    expect(page.get_by_role("heading", name="Segnare «nessuno in casa»?")).to_be_visible()
    page.locator("#segna").get_by_label("Riferito da").select_option("crew")
    page.get_by_role("button", name="Sì, segna").click()
    page.wait_for_url("**/fasi/2/appuntamenti?stato=agreed")
    page.goto(f"{address}/fasi/2/appuntamenti?stato=absent")
    page.locator("table.stack tbody th a").click()
    expect(page.get_by_role("link", name="Diffida")).to_have_count(0)
    expect(page.get_by_text("riferito da la squadra o l'impresa")).to_be_visible()
    page.get_by_role("button", name=re.compile("Era un errore")).click()
    expect(page.get_by_text("era segnato per errore")).to_be_visible()


def test_a_moved_phase_takes_its_appointments_along(staff_page: Page, address: str) -> None:
    page = staff_page
    page.goto(f"{address}/oggi")
    page.get_by_role("link", name=re.compile("F3 .*8 appuntamenti da rivedere")).click()
    expect(page.get_by_text("La fase è stata spostata di 7 giorni in avanti")).to_be_visible()
    page.get_by_role("button", name="Applica").click()
    expect(page.get_by_role("heading", name="Chi avvisare (8)")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("lun 2 mar.*lun 9 mar"))).to_have_count(2)


def test_the_crew_reports_from_its_phone(
    staff_page: Page, address: str, browser: Browser, keep_picture: Callable[[Page, str], None]
) -> None:
    page = staff_page
    page.goto(f"{address}/fasi/2/appuntamenti/giorno")
    page.get_by_role("button", name="Crea il collegamento").click()
    found = re.search(r"/incarico/appuntamenti/\S+", page.locator("#testo").input_value())
    assert found
    phone = browser.new_context(locale="it-IT").new_page()
    _look(phone, address + found[0], keep_picture, "appointments-crew")
    before = phone.get_by_role("button", name=re.compile("^Fatto")).count()
    phone.get_by_role("button", name=re.compile("^Fatto")).first.click()
    expect(phone.get_by_role("button", name=re.compile("^Fatto"))).to_have_count(before - 1)
    main = phone.locator("main").inner_text()
    assert not re.search(r"Famiglia|N\d|rumeno|telefono", main)
    phone.context.close()


def test_paper_carries_flat_and_hour_only(staff_page: Page, address: str) -> None:
    page = staff_page
    page.goto(f"{address}/fasi/2/appuntamenti/giorno")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Crea il collegamento")).to_be_hidden()
    expect(page.get_by_role("row", name=re.compile("Via dei Mulini"))).not_to_have_count(0)
    page.goto(f"{address}/fasi/2/appuntamenti")
    expect(page.get_by_text("Filtri", exact=True)).to_be_hidden()
    expect(page.locator("table.stack tbody tr").first).to_be_visible()
