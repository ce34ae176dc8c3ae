"""Fixtures shared by all tests: a real PostGIS built by the migrations.

A server of the tests' own is started once (or the one of ``ACCANTO_TEST_DATABASE_URL`` is used);
the schema is built once in a template; every test that writes is rolled back.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from geo_service.cluster import Cluster
from geo_service.database import make_engine, migrate

TEMPLATE = "accanto_test_template"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a database server on which tests may create and drop databases."""
    given = os.environ.get("ACCANTO_TEST_DATABASE_URL")
    if given:
        yield given
        return
    cluster = Cluster(Path(tmp_path_factory.mktemp("cluster")), durable=False)
    cluster.ensure_running()
    try:
        yield cluster.url("postgres")
    finally:
        cluster.stop()
        cluster.destroy()


def _address(server_url: str, database: str) -> str:
    url = make_url(server_url).set(database=database, drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _administer(server_url: str, statement: str) -> None:
    engine = make_engine(_address(server_url, "postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """Name of a database that holds the migrated schema and no rows."""
    name = f"{TEMPLATE}_{uuid.uuid4().hex[:8]}"
    _administer(server_url, f'create database "{name}"')
    engine = make_engine(_address(server_url, name))
    migrate(engine)
    engine.dispose()
    yield name
    _administer(server_url, f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def fresh_database(server_url: str, template_database: str) -> Callable[[], contextmanager[str]]:  # type: ignore[type-arg]
    """A function that gives the address of a new migrated database, dropped afterwards."""

    @contextmanager
    def make() -> Iterator[str]:
        name = f"accanto_test_{uuid.uuid4().hex[:12]}"
        _administer(server_url, f'create database "{name}" template "{template_database}"')
        try:
            yield _address(server_url, name)
        finally:
            _administer(server_url, f'drop database "{name}" with (force)')

    return make


@pytest.fixture(scope="session")
def engine(fresh_database: Callable[[], contextmanager[str]]) -> Iterator[Engine]:  # type: ignore[type-arg]
    """Engine on a database whose tests are all rolled back: it stays empty."""
    with fresh_database() as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    """A session on ``connection``; even a commit inside it is rolled back after the test."""
    with Session(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    ) as session:
        yield session


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets kept outside the project; tests that need it skip without it."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ACCANTO_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("the real data sets are not on this machine (ACCANTO_SHARED_DATA)")
    return folder
