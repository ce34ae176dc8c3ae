"""A file goes from the disk of a person into the quarter, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from geo_service import jobs
from geo_service.settings import get_settings

pytestmark = pytest.mark.browser

SOUND = "POLYGON ((515200 5055200, 515212 5055200, 515212 5055210, 515200 5055210, 515200 5055200))"


@pytest.fixture
def work(engine_of_site: Engine) -> Callable[[], None]:
    """Works the queue off once, as the worker beside the service does."""

    def run() -> None:
        # The browser's own loop runs in this thread.
        worker = threading.Thread(
            target=jobs.run_worker, args=(engine_of_site,), kwargs={"wait": False}
        )
        worker.start()
        worker.join(timeout=60)

    return run


@pytest.fixture
def own_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("ACCANTO_UPLOADS_DIR", str(tmp_path / "uploads"))
    get_settings.cache_clear()
    yield tmp_path / "uploads"
    get_settings.cache_clear()


def _sound(page: Page) -> None:
    """No barrier, and no scrolling sideways on a phone."""
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


def test_upload_look_choose_apply(
    staff_page: Page, address: str, work: Callable[[], None], own_uploads: Path, tmp_path: Path
) -> None:
    page = staff_page
    page.set_viewport_size({"width": 1280, "height": 900})
    file = tmp_path / "edifici nuovi.csv"
    file.write_text(f"id;livelli_totali;wkt\nW1;4;{SOUND}\nW2;3;POINT (515000 5055000)\n")
    page.get_by_role("link", name="Importa", exact=True).click()
    _sound(page)
    page.get_by_label("Che cosa contiene il file").select_option("buildings")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_text("Se serve: origine").click()
    page.get_by_label("Sistema di coordinate, se il file non lo dice").fill("32632")
    page.get_by_role("button", name="Carica e controlla").click()
    expect(page.get_by_role("status")).to_contain_text("Controllo del file")
    expect(page.get_by_role("progressbar")).to_be_visible()
    _sound(page)
    work()
    # The page changes by itself once the job is done.
    expect(page.get_by_role("heading", name="Righe rifiutate")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("row", name="2 forma è un punto dove ci vuole un'area")).to_be_visible()
    expect(page.locator(".import-map canvas").first).to_be_visible()
    _sound(page)
    page.get_by_label("Piani storeys").select_option("livelli_totali")
    page.get_by_role("button", name="Controlla di nuovo").click()
    work()
    expect(page.get_by_label("Piani storeys")).to_have_value("livelli_totali", timeout=15_000)
    page.get_by_label("Sì, importa 1 riga").check()
    page.get_by_role("button", name="Importa", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Importazione in corso")
    work()
    expect(page.get_by_text("Importazione finita")).to_be_visible(timeout=15_000)
    _sound(page)
    assert not [path for path in own_uploads.rglob("*") if path.is_file()]
    page.get_by_role("link", name="Importa dati").click()
    expect(page.get_by_role("row", name="edifici_nuovi.csv")).to_contain_text("importato")
    page.goto(f"{address}/edifici?q=W1")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_without_a_script_a_reload_shows_the_progress(
    staff_page: Page, address: str, work: Callable[[], None], own_uploads: Path, tmp_path: Path,
    browser,  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    file = tmp_path / "percorsi.csv"
    file.write_text("id;wkt\nP1;LINESTRING (515000 5055000, 515040 5055000)\n")
    context = browser.new_context(
        java_script_enabled=False, locale="it-IT", storage_state=staff_page.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"{address}/importa")
    page.get_by_label("Che cosa contiene il file").select_option("paths")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_text("Se serve: origine").click()
    page.get_by_label("Sistema di coordinate, se il file non lo dice").fill("32632")
    page.get_by_role("button", name="Carica e controlla").click()
    work()
    expect(page.get_by_text("Sì, importa 1 riga")).to_be_visible(timeout=15_000)
    context.close()


def test_a_file_that_is_too_large_is_told_before_and_after_it_is_sent(
    staff_page: Page, address: str, own_uploads: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, browser,  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    monkeypatch.setenv("ACCANTO_MAX_UPLOAD_MB", "3")
    get_settings.cache_clear()
    # A page of its own: the browser notes the refusal in its console.
    context = browser.new_context(locale="it-IT", storage_state=staff_page.context.storage_state())
    page = context.new_page()
    file = tmp_path / "grande.csv"
    file.write_bytes(b"id;wkt\n" * 3_000_000)
    page.goto(f"{address}/importa")
    page.get_by_label("Che cosa contiene il file").select_option("buildings")
    page.get_by_label("File", exact=True).set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("supera il limite di 3 MB")
    page.get_by_role("button", name="Carica e controlla").click()
    assert page.url.endswith("/importa")
    # A browser that runs no script sends all of it and still gets a page with the sentence.
    page.evaluate("document.getElementById('import-form').submit()")
    expect(page.get_by_text("Quello che avete inviato supera il limite di 3 MB")).to_be_visible(
        timeout=20_000
    )
    context.close()


def test_sending_shows_how_far_it_is_and_what_is_refused_keeps_the_form(
    staff_page: Page, address: str, own_uploads: Path, tmp_path: Path, browser: Browser
) -> None:
    # A page of its own: the browser notes refusals in its console.
    context = browser.new_context(locale="it-IT", storage_state=staff_page.context.storage_state())
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")

    def at_most(bytes_per_s: int, offline: bool = False) -> None:
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 0, "downloadThroughput": -1,
             "uploadThroughput": bytes_per_s},
        )  # fmt: skip

    file = tmp_path / "edifici.gpkg"
    file.write_bytes(b"not what the name says " * 200_000)
    page.goto(f"{address}/importa")
    page.get_by_label("Che cosa contiene il file").select_option("buildings")
    page.get_by_label("File", exact=True).set_input_files(file)
    send = page.get_by_role("button", name="Carica e controlla")
    bar = page.get_by_role("progressbar", name="Invio del file")

    at_most(400_000)
    send.click()
    expect(page.get_by_role("status")).to_contain_text("Invio del file: tenete aperta")
    expect(bar).to_be_visible()
    expect(page.locator("#sent-mb")).not_to_have_text("0")
    expect(page.locator("#sending")).to_contain_text("di 4,6 MB")
    expect(send).to_be_disabled()
    page.get_by_role("button", name="Interrompi l'invio").click()
    expect(bar).to_be_hidden()
    expect(send).to_be_enabled()

    at_most(-1, offline=True)
    send.click()
    expect(page.get_by_role("alert").filter(has_text="L'invio si è interrotto")).to_be_focused()
    assert not [path for path in own_uploads.rglob("*") if path.is_file()]

    at_most(-1)
    send.click()
    refusal = page.locator("#err-file")
    expect(refusal).to_contain_text("si chiama come un file GeoPackage ma contiene altro testo")
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    expect(page.get_by_label("File", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Che cosa contiene il file")).to_have_value("buildings")
    assert page.evaluate("document.getElementById('file').files.length") == 1
    _sound(page)
    assert not [path for path in own_uploads.rglob("*") if path.is_file()]
    context.close()
