"""The page of background work in a real browser: it follows a job by itself, and without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.works.tasks import recompute_later

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture
def job_id(engine_of_site: Engine) -> Iterator[int]:
    """A job that a worker has begun: 3 phases of 12."""
    with Session(engine_of_site) as session:
        made = recompute_later(session, 1, building_id=1)
        session.flush()
        query = text("update procrastinate_jobs set status = 'doing' where id = :id")
        session.execute(query, {"id": made})
        jobs.progress(session, made, 3, 12, "fasi calcolate")
        session.commit()
    yield made
    with engine_of_site.begin() as connection:
        connection.execute(text("delete from procrastinate_jobs where id = :id"), {"id": made})
        connection.execute(text("delete from job_progress where job_id = :id"), {"id": made})


def test_the_page_follows_the_job_by_itself(
    staff_page: Page, address: str, engine_of_site: Engine, job_id: int
) -> None:
    page = staff_page
    page.goto(f"{address}/elaborazioni")
    expect(page.get_by_text("3 di 12 fasi calcolate")).to_be_visible()
    bar = page.get_by_role("progressbar").first
    expect(bar).to_have_attribute("value", "25")
    page.get_by_text("Ferma", exact=True).first.click()
    with engine_of_site.begin() as connection:
        jobs.progress(connection, job_id, 6, 12, "fasi calcolate")
    expect(page.get_by_text("6 di 12 fasi calcolate")).to_be_visible(timeout=10_000)
    # What somebody is about to do is not taken from under their hand.
    expect(page.get_by_role("button", name="Sì, ferma")).to_be_visible()
    with engine_of_site.begin() as connection:
        over = "update job_progress set done = 12, ended_at = now() where job_id = :id"
        connection.execute(text(over), {"id": job_id})
    expect(page.get_by_text("finito", exact=True).first).to_be_visible(timeout=10_000)


def test_no_barrier_and_no_side_scroll(staff_page: Page, address: str, job_id: int) -> None:
    for size in (DESKTOP, PHONE):
        staff_page.set_viewport_size(size)  # type: ignore[arg-type]
        staff_page.goto(f"{address}/elaborazioni")
        width = staff_page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]
        found = Axe().run(staff_page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_it_works_without_a_script(
    browser: Browser, staff_page: Page, address: str, engine_of_site: Engine, job_id: int
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    context.add_cookies(staff_page.context.cookies())
    page = context.new_page()
    page.goto(f"{address}/elaborazioni")
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(1)
    page.get_by_text("Ferma", exact=True).first.click()
    page.get_by_role("button", name="Sì, ferma").first.click()
    expect(page.get_by_text("si sta fermando").first).to_be_visible()
    context.close()
