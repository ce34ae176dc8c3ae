"""An installation of its own for each test of uploads: jobs need a database that they can see."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.accounts.service import create_account
from geo_service.app import create_app
from geo_service.database import make_engine
from geo_service.settings import get_settings
from tests.geo_service.builders import MONDAY, make_world
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in


@dataclass
class Installation:
    """The running application, its database, and the folder of what was uploaded."""

    engine: Engine
    uploads: Path

    def browser(self, role: str = "coordinator") -> TestClient:
        """A browser signed in with a role."""
        with Session(self.engine) as session:
            known = session.scalar(
                text("select id from account where email = :e"), {"e": f"{role}@x.it"}
            )
            if known is None:
                create_account(session, f"{role}@x.it", role, PASSWORD)
                session.commit()
        app = create_app(self.engine, today=lambda: MONDAY)
        browser = TestClient(app, follow_redirects=False, headers={"accept-language": "it"})
        assert sign_in(browser, f"{role}@x.it").status_code == 303
        return browser

    def work(self) -> None:
        """Work off the queue, as the worker does."""
        # A thread of its own: where a browser was tested before, this one has a running loop.
        worker = threading.Thread(
            target=jobs.run_worker, args=(self.engine,), kwargs={"wait": False}
        )
        worker.start()
        worker.join()

    def one(self, query: str, **values: object) -> object:
        """The one value of a query."""
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).scalar()

    def files(self) -> list[Path]:
        """Every uploaded file that is still kept."""
        if not self.uploads.exists():
            return []
        return sorted(path for path in self.uploads.rglob("*") if path.is_file())


@pytest.fixture
def house(
    fresh_database: Callable[[], contextmanager[str]],  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    """An installation with the small quarter of the builders."""
    uploads = tmp_path / "uploads"
    monkeypatch.setenv("ACCANTO_UPLOADS_DIR", str(uploads))
    get_settings.cache_clear()
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            make_world(session)
            session.commit()
        yield Installation(engine, uploads)
        engine.dispose()
    get_settings.cache_clear()


def send(browser: TestClient, kind: str, name: str, content: bytes, **more: str) -> Response:
    """Fill the form of a new file in and send it."""
    token = csrf_of(browser.get("/importa").text)
    return browser.post(
        "/importa", data={"csrf": token, "che": kind, **more}, files={"file": (name, content)}
    )


def press(browser: TestClient, address: str, action: str, **fields: str) -> Response:
    """Send one of the forms of an upload's page as it stands, with some fields changed."""
    page = browser.get(address).text
    number = re.search(r'name="controllo" value="(\d+)"', page)
    known = {"controllo": number.group(1)} if number else {}
    return browser.post(f"{address}/{action}", data={"csrf": csrf_of(page), **known, **fields})
