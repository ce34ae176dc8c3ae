"""Worker processes killed (``kill -9``) in the middle: another goes on, nothing is half-written.

Real processes, real silence: a killed worker is known by its last sign of life. What it is killed
in the middle of is made certain by a lock that it waits for.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.accounts.service import create_account
from geo_service.database import make_engine
from geo_service.imports import tasks, uploads
from geo_service.imports.service import ImportOptions
from geo_service.imports.uploads import ImportUpload
from geo_service.jobs.queue import SILENT_S
from geo_service.settings import get_settings
from geo_service.works.tasks import recompute_later
from tests.geo_service.builders import X0, Y0
from tests.geo_service.pages import make_works

ROWS = 400
WAIT_S = 240
RUNS = "select revision_id, id from impact_run"
IMPACTS = """
select r.revision_id, i.kind, i.aspect, i.part_of_day, i.flat_id, i.building_id, i.band, i.period
from impact i join impact_run r on r.id = i.run_id"""
IMPORTED = "select count(*) from site where code like 'K%'"


@dataclass
class Asked:
    """The two jobs, the upload and the quarter."""

    recompute: int
    apply: int
    upload: int
    quarter: int


@pytest.fixture
def database(
    fresh_database: Callable[[], contextmanager[str]],  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engine]:
    monkeypatch.setenv("ACCANTO_UPLOADS_DIR", str(tmp_path / "uploads"))
    get_settings.cache_clear()
    with fresh_database() as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()
    get_settings.cache_clear()


@pytest.fixture
def start(database: Engine) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """A function that starts a worker process; those still there at the end are killed."""
    with ExitStack() as stack:

        def worker(*options: str) -> subprocess.Popen[bytes]:
            url = database.url.render_as_string(hide_password=False)
            command = [sys.executable, "-m", "geo_service.cli", "worker", *options]
            environment = {**os.environ, "ACCANTO_DATABASE_URL": url}
            process = subprocess.Popen(command, env=environment)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield worker


def test_two_workers_are_killed_in_the_middle_and_a_third_ends_their_jobs(
    database: Engine, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    asked = _ask(database)
    with database.connect() as first_lock, database.connect() as second_lock:
        revisions = sorted(first_lock.scalars(text("select revision_id from revision_in_force")))
        # The import waits in the middle of its rows, the computation in its second phase.
        _claim_site(first_lock, asked.quarter, f"K{ROWS // 2}")
        _claim_run(second_lock, revisions[1])
        workers = [start(), start()]
        _wait_for(lambda: _told(database, asked.recompute).done == 1, workers)
        _wait_for(lambda: _waiting_for_locks(database) == 2, workers)
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        for worker in workers:
            assert worker.wait() == -signal.SIGKILL
        finished = dict(_rows(database, RUNS))
        first_lock.rollback()
        second_lock.rollback()
    _wait_for(lambda: _one(database, OTHERS) == 0)
    assert _one(database, IMPORTED) == 0, "half of the file is in the database"
    assert [_told(database, job).state for job in (asked.recompute, asked.apply)] == ["running"] * 2
    _wait_for(lambda: _one(database, HEARD) == 0)

    assert start("--once").wait(timeout=WAIT_S) == 0

    computed, applied = _told(database, asked.recompute), _told(database, asked.apply)
    assert (computed.state, computed.done, computed.total) == ("done", 3, 3)
    assert (applied.state, applied.attempts, computed.attempts) == ("done", 2, 2)
    runs = dict(_rows(database, RUNS))
    assert sorted(runs) == revisions
    assert runs[revisions[0]] == finished[revisions[0]], "the finished phase was computed twice"
    assert all(runs[one] != finished.get(one) for one in revisions[1:])
    assert _one(database, IMPORTED) == ROWS
    assert _one(database, "select count(distinct code) from site where code like 'K%'") == ROWS
    assert _one(database, "select count(*) from history where action = 'import.done'") == 1
    assert _one(database, "select state from import_upload") == "applied"
    assert list(uploads.uploads_folder().iterdir()) == []
    # What an undisturbed worker computes is the same.
    resumed = _rows(database, IMPACTS)
    with Session(database) as session:
        recompute_later(session, asked.quarter)
        session.commit()
    assert start("--once").wait(timeout=WAIT_S) == 0
    assert dict(_rows(database, RUNS))[revisions[0]] != runs[revisions[0]]
    assert sorted(map(repr, _rows(database, IMPACTS))) == sorted(map(repr, resumed))
    assert len(resumed) == len(set(map(repr, resumed))) > 0


# Workers of which something was heard that is recent enough to count as living.
HEARD = f"""select count(*) from procrastinate_workers
            where last_heartbeat > now() - make_interval(secs => {SILENT_S})"""
# Connections of killed processes that the server did not end yet.
OTHERS = """select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'accanto worker'"""


def _ask(database: Engine) -> Asked:
    """An import of sites that was looked at and confirmed, and a computation of all phases."""
    with Session(database, expire_on_commit=False) as session:
        world, _ = make_works(session)
        account = create_account(session, "a@example.org", "coordinator", "una-password-di-prova")
        upload = uploads.receive(
            session, world.quarter.id, account.id, "sites", "cantieri.csv",
            io.BytesIO(_sheet()), asdict(ImportOptions(crs="32632")),
        )  # fmt: skip
        upload.state = "applying"
        apply_job = jobs.defer(
            session, tasks.apply_import, asked_by=account.id, in_quarter=world.quarter.id,
            upload_id=upload.id,
        )  # fmt: skip
        upload.job_id = apply_job
        computation = recompute_later(session, world.quarter.id)
        session.commit()
        assert session.get(ImportUpload, upload.id) is not None
        return Asked(computation, apply_job, upload.id, world.quarter.id)


def _sheet() -> bytes:
    lines = ["codice;nome;wkt"]
    for number in range(ROWS):
        x, y = X0 + 6 * (number % 20), Y0 + 20 + 6 * (number // 20)
        ring = f"{x} {y}, {x + 5} {y}, {x + 5} {y + 5}, {x} {y + 5}, {x} {y}"
        lines.append(f"K{number};Cantiere {number};POLYGON (({ring}))")
    return "\n".join(lines).encode()


def _claim_site(connection: Connection, quarter_id: int, code: str) -> None:
    """Take the code of a site without committing: who inserts it too waits for us."""
    connection.execute(
        text("insert into site (quarter_id, code, name, footprint) select quarter_id, :code, 'x', "
             "footprint from site where quarter_id = :quarter limit 1"),
        {"code": code, "quarter": quarter_id},
    )  # fmt: skip


def _claim_run(connection: Connection, revision_id: int) -> None:
    lock = text("select pg_advisory_xact_lock(hashtextextended('impact_run', :id))")
    connection.execute(lock, {"id": revision_id})


def _waiting_for_locks(database: Engine) -> object:
    return _one(
        database,
        """select count(distinct pid) from pg_locks where not granted and pid in
           (select pid from pg_stat_activity where datname = current_database())""",
    )


def _told(database: Engine, job_id: int) -> jobs.JobState:
    with Session(database) as session:
        found = jobs.state(session, job_id)
    assert found is not None
    return found


def _one(database: Engine, query: str) -> object:
    with database.connect() as connection:
        return connection.execute(text(query)).scalar()


def _rows(database: Engine, query: str) -> list[Any]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _wait_for(
    condition: Callable[[], bool], living: Sequence[subprocess.Popen[bytes]] = ()
) -> None:
    """Until the condition holds; fails at once when a process that it needs has ended."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert all(process.poll() is None for process in living), "a worker ended by itself"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
