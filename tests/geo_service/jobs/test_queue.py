"""Jobs: told while they run, tried again within limits, gone on with after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from procrastinate import JobContext
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.database import make_engine
from geo_service.errors import Invalid
from geo_service.jobs import queue

SEEN: list[object] = []


@jobs.app.task(name="test_counts", retry=jobs.RETRY, pass_context=True)
def counts(context: JobContext, to: int) -> None:
    assert context.job.id
    for number in range(1, to + 1):
        jobs.progress(jobs.engine(), context.job.id, number, to, "fasi calcolate")
        with Session(jobs.engine()) as other:
            SEEN.append(jobs.state(other, context.job.id))


@jobs.app.task(name="test_fails", retry=jobs.RETRY)
def fails(words: str = "") -> None:
    SEEN.append(words)
    if words:
        raise Invalid(words)
    raise ZeroDivisionError("secret of the house")


@jobs.app.task(name="test_stops", pass_context=True)
def stops(context: JobContext) -> None:
    with Session(jobs.engine()) as session:
        assert jobs.cancel(session, context.job.id or 0)
        session.commit()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        jobs.check_stop(context)
        time.sleep(0.02)


@jobs.app.task(name="test_asks_for_another")
def asks_for_another() -> None:
    with Session(jobs.engine()) as session:
        SEEN.append(jobs.defer(session, counts, to=1))
        session.commit()


@pytest.fixture
def database(fresh_database: Callable[[], contextmanager[str]]) -> Iterator[Engine]:  # type: ignore[type-arg]
    SEEN.clear()
    with fresh_database() as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def queued(engine: Engine, task: object, **arguments: object) -> int:
    with Session(engine) as session:
        job_id = jobs.defer(session, task, asked_by=7, in_quarter=3, **arguments)  # type: ignore[arg-type]
        session.commit()
    return job_id


def told(engine: Engine, job_id: int) -> jobs.JobState:
    with Session(engine) as session:
        found = jobs.state(session, job_id)
    assert found is not None
    return found


def test_a_job_is_gone_with_a_rollback(database: Engine) -> None:
    with Session(database) as session:
        job_id = jobs.defer(session, counts, to=1)
        session.rollback()
        assert jobs.state(session, job_id) is None


def test_a_job_may_ask_for_another(database: Engine) -> None:
    queued(database, asks_for_another)
    jobs.run_worker(database, wait=False)
    asked_for = SEEN[0]
    assert isinstance(asked_for, int)
    assert told(database, asked_for).state == "done"


def test_progress_is_seen_while_the_job_runs(database: Engine) -> None:
    job_id = queued(database, counts, to=1)
    assert told(database, job_id).state == "waiting"
    jobs.run_worker(database, wait=False)
    (during,) = SEEN
    assert isinstance(during, jobs.JobState)
    assert (during.state, during.done, during.total) == ("running", 1, 1)
    after = told(database, job_id)
    assert (after.state, after.account_id, after.quarter_id) == ("done", 7, 3)
    assert after.ended_at is not None


def test_what_a_person_must_mend_is_not_tried_again(database: Engine) -> None:
    job_id = queued(database, fails, words="La riga 3 non va.")
    jobs.run_worker(database, wait=False)
    after = told(database, job_id)
    assert (after.state, after.attempts, after.error) == ("failed", 1, "La riga 3 non va.")


def test_attempts_are_limited_and_the_error_tells_no_secret(database: Engine) -> None:
    job_id = queued(database, fails)
    for attempt in range(1, queue.MAX_ATTEMPTS + 2):
        jobs.run_worker(database, wait=False)
        found = told(database, job_id)
        assert found.attempts == min(attempt, queue.MAX_ATTEMPTS)
        with database.begin() as connection:
            connection.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    assert found.state == "failed"
    assert found.error == queue.UNEXPECTED
    with Session(database) as session:
        assert jobs.retry(session, job_id)
        session.commit()
    assert told(database, job_id).state == "waiting"


def test_no_log_holds_what_a_failed_job_was_given(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    queued(database, fails, words="Famiglia Segreta")
    with caplog.at_level("ERROR"):
        jobs.run_worker(database, wait=False)
    assert SEEN == ["Famiglia Segreta"]
    assert "Segreta" not in caplog.text


def test_a_job_that_waits_is_cancelled_and_one_that_runs_stops(database: Engine) -> None:
    waiting = queued(database, counts, to=1)
    with Session(database) as session:
        assert jobs.cancel(session, waiting)
        session.commit()
    running = queued(database, stops)
    jobs.run_worker(database, wait=False)
    assert [told(database, job).state for job in (waiting, running)] == ["cancelled"] * 2
    assert SEEN == []
    with Session(database) as session:
        assert not jobs.cancel(session, waiting)


def test_who_asks_twice_gets_the_same_job(database: Engine) -> None:
    first = queued(database, counts, once="one", to=1)
    assert queued(database, counts, once="one", to=1) == first
    with database.begin() as connection:
        connection.execute(text("update procrastinate_jobs set status = 'doing'"))
    second = queued(database, counts, once="one", to=1)
    assert second != first, "the one that runs has read what it works on already"
    assert queued(database, counts, once="one", to=1) == second


def test_a_job_that_is_asked_for_again_does_not_begin_before_the_commit(database: Engine) -> None:
    first = queued(database, counts, once="one", to=1)
    with Session(database) as session:
        assert jobs.defer(session, counts, once="one", to=1) == first
        jobs.run_worker(database, wait=False)
        assert SEEN == [], "it would miss what this transaction writes"
        session.commit()
    jobs.run_worker(database, wait=False)
    assert len(SEEN) == 1


def test_a_job_that_loses_every_worker_fails(database: Engine) -> None:
    job_id = queued(database, counts, to=1)
    for _ in range(queue.MAX_ATTEMPTS):
        with database.begin() as connection:
            connection.execute(text("update procrastinate_jobs set status = 'doing'"))
        queue.take_up_stalled(database)
    found = told(database, job_id)
    assert (found.state, found.error) == ("failed", queue.WORKER_LOST)


def test_a_file_is_for_who_asked_and_for_some_days(database: Engine) -> None:
    job_id = queued(database, counts, to=1)
    with Session(database) as session:
        jobs.keep_file(session, job_id, "nuclei.csv", "text/csv", b"x")
        session.commit()
        assert jobs.file_of(session, job_id, 8) is None
        kept = jobs.file_of(session, job_id, 7)
        assert kept is not None
        assert kept.content == b"x"
        session.execute(text("update job_file set expires_at = now()"))
        session.commit()
        assert jobs.file_of(session, job_id, 7) is None
