"""Documents that nothing refers to go, in their time; all others stay whatever happens."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.database import make_engine
from geo_service.files import tidying
from geo_service.files.store import path_of
from geo_service.upkeep.tasks import tidy_documents
from geo_service.works.permits.documents import PermitFile
from layers.sites import Permit
from tests.geo_service.builders import make_world
from tests.geo_service.files.test_store import PDF, own_folder, stored

__all__ = ["own_folder"]

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass
class Archive:
    """A database of its own and its folder."""

    engine: Engine

    def store(self, content: bytes, at: dt.datetime = NOW) -> str:
        """A document that came ``at`` that time."""
        with Session(self.engine) as session:
            kept = stored(session, content)
            kept.uploaded_at = at
            sha256 = kept.sha256
            session.commit()
        os.utime(path_of(sha256), (at.timestamp(), at.timestamp()))
        return sha256

    def attach(self, sha256: str) -> None:
        """Refer to a document from a permit."""
        with Session(self.engine) as session:
            world = make_world(session)
            assert world.site
            permit = Permit(kind="other", site_id=world.site.id)
            session.add(permit)
            session.flush()
            session.add(PermitFile(permit_id=permit.id, sha256=sha256, name="atto.pdf"))
            session.commit()

    def tidy(self, at: dt.datetime) -> tuple[int, int]:
        """Rows and files that went."""
        done = tidying.tidy(self.engine, at)
        return done.rows, done.files


@pytest.fixture
def archive(fresh_database: Callable[[], contextmanager[str]]) -> Iterator[Archive]:  # type: ignore[type-arg]
    with fresh_database() as url:
        engine = make_engine(url)
        yield Archive(engine)
        engine.dispose()


def test_an_unreferred_document_goes_after_weeks(archive: Archive) -> None:
    sha256 = archive.store(PDF)
    assert archive.tidy(NOW + DAY / 2) == (0, 0), "whoever sent it may still attach it"
    taken_off = NOW + 2 * DAY
    assert archive.tidy(taken_off) == (1, 0)
    assert archive.tidy(taken_off + 29 * DAY) == (0, 0)
    assert path_of(sha256).read_bytes() == PDF
    assert archive.tidy(taken_off + 31 * DAY) == (0, 1)
    assert not path_of(sha256).exists()


def test_what_a_permit_refers_to_stays_for_good(archive: Archive) -> None:
    sha256 = archive.store(PDF)
    archive.attach(sha256)
    assert archive.tidy(NOW + 1000 * DAY) == (0, 0)
    assert path_of(sha256).read_bytes() == PDF


def test_a_document_that_comes_again_stays(archive: Archive) -> None:
    sha256 = archive.store(PDF)
    archive.tidy(NOW + 2 * DAY)
    assert archive.store(PDF, at=NOW + 20 * DAY) == sha256
    archive.attach(sha256)
    assert archive.tidy(NOW + 400 * DAY) == (0, 0)


def test_a_document_that_is_being_stored_is_left_alone(archive: Archive) -> None:
    sha256 = archive.store(PDF)
    later = NOW + 60 * DAY
    with Session(archive.engine) as session:
        stored(session, PDF)
        assert archive.tidy(later) == (0, 0), "its row is wanted"
        session.commit()
    assert archive.tidy(later) == (1, 0)
    with Session(archive.engine) as session:
        stored(session, PDF)
        assert archive.tidy(later + 31 * DAY) == (0, 0), "its bytes are wanted"
        session.commit()
    assert path_of(sha256).exists()


def test_bytes_whose_row_was_rolled_back_go_too(archive: Archive, own_folder: Path) -> None:
    with Session(archive.engine) as session:
        sha256 = stored(session, PDF).sha256
        session.rollback()
    left = own_folder / ".new.123.abc"
    left.write_bytes(b"half")
    now = dt.datetime.now(dt.UTC)
    assert archive.tidy(now) == (0, 0)
    assert archive.tidy(now + 2 * DAY) == (0, 1)
    assert not left.exists()
    assert archive.tidy(now + 31 * DAY) == (0, 1)
    assert not path_of(sha256).exists()


def test_files_that_are_no_documents_are_not_touched(archive: Archive, own_folder: Path) -> None:
    (own_folder / "ab").mkdir(parents=True)
    others = [own_folder / "LEGGIMI.txt", own_folder / "ab" / "note.txt"]
    for path in others:
        path.write_text("x")
        os.utime(path, (0, 0))
    assert archive.tidy(NOW) == (0, 0)
    assert all(path.exists() for path in others)


def test_documents_without_their_bytes_are_told(archive: Archive) -> None:
    kept, gone = archive.store(PDF), archive.store(PDF + b"%")
    path_of(gone).unlink()
    with archive.engine.connect() as connection:
        found = tidying.standing(connection)
    assert (found.documents, found.missing) == (2, [gone])
    assert kept != gone


def test_every_reference_is_registered(session: Session) -> None:
    keys = """
        select c.conrelid::regclass::text, a.attname from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey)
        where c.contype = 'f' and c.confrelid = 'stored_file'::regclass"""
    alike = """
        select table_name, column_name from information_schema.columns
        where table_schema = 'public' and column_name ~ 'sha256|stored_file'
          and table_name <> 'stored_file'"""
    registered = set(tidying.REFERENCES)
    assert {tuple(row) for row in session.execute(text(keys))} == registered, "the database guards"
    assert {tuple(row) for row in session.execute(text(alike))} == registered


def test_the_worker_tidies(archive: Archive) -> None:
    sha256 = archive.store(PDF, at=NOW - 400 * DAY)
    with Session(archive.engine) as session:
        jobs.defer(session, tidy_documents, timestamp=0)
        session.commit()
    jobs.run_worker(archive.engine, wait=False)
    with archive.engine.connect() as connection:
        assert tidying.standing(connection).documents == 0
    assert path_of(sha256).exists(), "its weeks begin when its row goes"
