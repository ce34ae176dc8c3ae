"""Installations of their own for backups: a database and a folder of documents each."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from geo_service.database import make_engine, migrate
from geo_service.files.store import StoredFile, store_document
from geo_service.settings import get_settings

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
SECRET = "a secret key of the tests alone, long enough"


@dataclass
class Place:
    """One installation: its database's address and its folder of documents."""

    url: str
    documents: Path
    set_variable: Callable[[str, str], None]

    def enter(self) -> Place:
        """From now on the settings are this installation's."""
        self.set_variable("ACCANTO_DATABASE_URL", self.url)
        self.set_variable("ACCANTO_FILES_DIR", str(self.documents))
        get_settings.cache_clear()
        return self

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session whose work is committed, and no connection left behind."""
        engine = make_engine(self.url)
        with Session(engine, expire_on_commit=False) as session:
            yield session
            session.commit()
        engine.dispose()

    def one(self, query: str) -> object:
        """The one value of a query."""
        with self.session() as session:
            return session.scalar(text(query))

    def attach(self, content: bytes = PDF) -> StoredFile:
        """A document that nothing refers to yet."""
        self.enter()
        with self.session() as session:
            return store_document(session, io.BytesIO(content), "atto.pdf", uploaded_by=None)[0]


@pytest.fixture
def older_place(
    server_url: str, new_place: Callable[[], Place], tmp_path: Path
) -> Iterator[Callable[[str], Place]]:
    """A function that makes an installation of an earlier version; of none with an empty word."""
    server = make_url(server_url).set(drivername="postgresql")
    address = server.render_as_string(hide_password=False)
    made: list[str] = []

    def make(revision: str) -> Place:
        name = f"accanto_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        made.append(name)
        url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
        if revision:
            engine = make_engine(url)
            migrate(engine, revision)
            engine.dispose()
        return replace(new_place(), url=url, documents=tmp_path / name).enter()

    yield make
    with psycopg.connect(address, autocommit=True) as connection:
        for name in made:
            drop = sql.SQL("drop database {} with (force)")
            connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture
def new_place(
    fresh_database: Callable[[], contextmanager[str]],  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], Place]]:
    """A function that makes an installation without rows."""
    monkeypatch.setenv("ACCANTO_SECRET_KEY", SECRET)
    monkeypatch.setenv("ACCANTO_LANGUAGE", "it")
    with ExitStack() as stack:
        made: list[Place] = []

        def make() -> Place:
            url = stack.enter_context(fresh_database())
            made.append(Place(url, tmp_path / f"documents-{len(made)}", monkeypatch.setenv))
            return made[-1].enter()

        yield make
        get_settings.cache_clear()
