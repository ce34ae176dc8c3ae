"""The whole application on a database of its own, shown to a real browser."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from geo_service.accounts.service import create_account
from geo_service.app import create_app
from geo_service.database import make_engine
from geo_service.web.assets import STATIC
from tests.geo_service.builders import MONDAY
from tests.geo_service.pages import make_works

EMAIL, PASSWORD = "prova@example.org", "una-password-di-prova"
START_S = 20


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The system's Chromium, quiet."""
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("chromium is not installed")
    quiet = [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--no-first-run",
    ]  # fmt: skip
    return {"executable_path": "/usr/bin/chromium", "args": quiet}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """Italian, light, as most people come."""
    return {"locale": "it-IT"}


@contextmanager
def served(engine: Engine) -> Iterator[str]:
    """Address of the application running on ``engine``, until the block ends."""
    if not (STATIC / "vendor" / "manifest.json").exists():
        pytest.skip("the front-end files are not there; ./accanto fetches them")
    config = uvicorn.Config(
        create_app(engine, today=lambda: MONDAY), host="127.0.0.1", port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + START_S
    while not server.started:
        if time.monotonic() > limit:
            pytest.fail("the application did not start")
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def running(fresh_database: Callable[[], Any]) -> Iterator[tuple[str, Engine]]:
    """The running application with one small quarter, for one file of tests, and its database."""
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            make_works(session)
            create_account(session, EMAIL, "coordinator", PASSWORD)
            session.commit()
        with served(engine) as there:
            yield there, engine
        engine.dispose()


@pytest.fixture(scope="module")
def address(running: tuple[str, Engine]) -> str:
    """Address of the running application."""
    return running[0]


@pytest.fixture(scope="module")
def engine_of_site(running: tuple[str, Engine]) -> Engine:
    """Engine on the database of the running application."""
    return running[1]


@pytest.fixture
def quiet(page: Page, address: str) -> Iterator[Page]:
    """A page that may neither complain in its console nor ask another machine for anything."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda r: (
            complaints.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    yield page
    assert complaints == []


@pytest.fixture
def staff_page(quiet: Page, address: str) -> Page:
    """The same page, signed in as coordinator."""
    quiet.goto(f"{address}/accedi")
    quiet.get_by_label("Indirizzo e-mail").fill(EMAIL)
    quiet.get_by_label("Password").fill(PASSWORD)
    quiet.get_by_role("button", name="Entra").click()
    quiet.wait_for_url("**/oggi")
    return quiet


@pytest.fixture
def keep_picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot when ACCANTO_SCREENSHOTS names a folder."""

    def keep(page: Page, name: str) -> None:
        folder = os.environ.get("ACCANTO_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return keep
