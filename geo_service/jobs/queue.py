"""The queue itself: deferring in the caller's transaction, working off, taking up dead jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
import structlog
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.tasks import Task, configure_task
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from geo_service.errors import AccantoError
from geo_service.i18n import N_, said
from geo_service.jobs import ledger
from geo_service.jobs.models import JobProgress
from layers.errors import DataError

MAX_ATTEMPTS = 4
# A worker that said nothing for so long is dead, and its jobs are taken up by another.
SILENT_S = 30
UNEXPECTED = N_("Errore imprevisto del programma: il dettaglio è nel registro del servizio.")
WORKER_LOST = N_("Il processo che svolgeva il lavoro si è fermato più volte senza finire.")
STOPPED = N_("Interrotto su richiesta: quello che era finito resta.")
# What a person must mend is the same at the next attempt.
HOPELESS = (AccantoError, DataError)

log = structlog.get_logger("accanto.jobs")


class Patience(procrastinate.BaseRetryStrategy):
    """Four attempts, ever further apart; no second one where a person must mend something."""

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """When to try again, or None."""
        if isinstance(exception, HOPELESS) or job.attempts + 1 >= MAX_ATTEMPTS:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": 3 ** (job.attempts + 1)})


app = procrastinate.App(connector=procrastinate.PsycopgConnector())
RETRY = Patience()
# Jobs are asked for on the session's own connection, in pages and inside a running job alike:
# a worker's connector waits for other things in between and cannot use that connection.
_asking = JobManager(procrastinate.SyncPsycopgConnector())

_engine: Engine | None = None


def engine() -> Engine:
    """The engine that tasks of this worker process work on."""
    if _engine is None:
        raise RuntimeError("tasks run in a worker: jobs.run_worker(engine)")
    return _engine


def defer(
    session: Session, task: Task[Any, Any, Any], *, asked_by: int | None = None,
    in_quarter: int | None = None, once: str | None = None, **arguments: Any,
) -> int:  # fmt: skip
    """Queue ``task`` in the transaction of ``session``; returns the job's id.

    The job appears to workers when the session commits, and never if it does not. ``asked_by``
    is the account that asked, ``in_quarter`` the quarter in whose list the job stands. With
    ``once`` a job of that name that did not begin yet is returned in place of a new one; one that
    runs has read what it works on already, and the new one waits for its end.
    """
    with session.begin_nested():
        if once is not None:
            present = _waiting(session, once)
            if present is not None:
                return present
        driver = session.connection().connection.driver_connection
        job_id = configure_task(
            name=task.name, job_manager=_asking, queue=task.queue, priority=task.priority,
            lock=once, connection=driver,
        ).defer(**arguments)  # fmt: skip
        session.add(
            JobProgress(
                job_id=job_id,
                task=task.name,
                args=arguments,
                account_id=asked_by,
                quarter_id=in_quarter,
            )
        )
    return job_id


def _waiting(session: Session, name: str) -> int | None:
    """The job called ``name`` that did not begin; two who ask at once wait for one another.

    It is kept for this transaction: begun before the commit, it would miss what is written here.
    """
    lock = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.execute(lock, {"name": name})
    query = text(
        """select id from procrastinate_jobs
           where lock = :name and status = 'todo' and attempts = 0 and not abort_requested
           order by id limit 1 for update skip locked"""
    )
    found: int | None = session.scalar(query, {"name": name})
    return found


def check_stop(context: procrastinate.JobContext) -> None:
    """Called between two steps of a long job: ends it where somebody asked it to stop."""
    if context.should_abort():
        raise JobAborted(f"job {context.job.id} was asked to stop")


def _told(call_next: Callable[[], Any], context: procrastinate.JobContext, worker: object) -> Any:
    """Around every task: when it began, when and how it ended."""
    del worker
    job = context.job
    if job.id is None:
        raise ValueError("a job that runs has a number")
    ledger.begun(engine(), job.id)
    try:
        result = call_next()
    except JobAborted:
        ledger.ended(engine(), job.id, STOPPED)
        raise
    except HOPELESS as error:
        ledger.ended(engine(), job.id, said(error) or UNEXPECTED)
        raise
    except Exception as error:
        log.exception("job failed", job=job.id, task=job.task_name, error=type(error).__name__)
        ledger.ended(engine(), job.id, UNEXPECTED)
        raise
    ledger.ended(engine(), job.id)
    return result


def take_up_stalled(engine: Engine) -> list[int]:
    """Queue again the jobs whose worker died; returns their numbers.

    A job that loses its worker again and again counts as failed after the last attempt.
    """
    stalled = text(
        """select j.id, j.attempts from procrastinate_jobs j
           left join procrastinate_workers w on w.id = j.worker_id
           where j.status = 'doing' and (w.id is null
                 or w.last_heartbeat < now() - make_interval(secs => :silent))
           order by j.id for update of j skip locked"""
    )
    queued = []
    with engine.begin() as connection:
        for job_id, attempts in connection.execute(stalled, {"silent": SILENT_S}).all():
            if attempts + 1 < MAX_ATTEMPTS:
                again = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)")
                connection.execute(again, {"id": job_id})
                queued.append(job_id)
                continue
            finish = text("select procrastinate_finish_job_v1(:id, 'failed', false)")
            connection.execute(finish, {"id": job_id})
            lost = text("update job_progress set error = cast(:error as text) where job_id = :id")
            connection.execute(lost, {"id": job_id, "error": WORKER_LOST})
    return queued


@app.periodic(cron="* * * * *")
@app.task(name="retry_stalled_jobs", queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
    """Each minute, as long as any worker is up: dead jobs again, old files and rows away."""
    del context, timestamp
    await asyncio.to_thread(take_up_stalled, engine())
    await asyncio.to_thread(ledger.tidy, engine())


def conninfo(engine: Engine) -> str:
    """``engine``'s address as libpq writes it, for the worker's own connections."""
    url = make_url(str(engine.url.render_as_string(hide_password=False)))
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run_worker(engine: Engine, *, wait: bool = True, concurrency: int = 1) -> None:
    """Work off the queue until stopped, or until it is empty where ``wait`` is false.

    A job whose worker was killed is found by its silent heartbeat and queued again, here at the
    start and then each minute.
    """
    global _engine
    _engine = engine
    take_up_stalled(engine)
    # Its lines hold the arguments of a job; what fails unexpectedly _told logs without them.
    logging.getLogger("procrastinate.worker").setLevel(logging.CRITICAL)
    if wait:
        _work(engine, concurrency, wait=True)
    else:
        # Beside a program that runs an event loop of its own the queue is emptied in a thread.
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(_work, engine, concurrency, wait=False).result()


def _work(engine: Engine, concurrency: int, *, wait: bool) -> None:
    connector = procrastinate.PsycopgConnector(conninfo=conninfo(engine))
    with app.replace_connector(connector) as running:
        running.run_worker(
            wait=wait,
            concurrency=concurrency,
            install_signal_handlers=wait,
            delete_jobs="successful",
            task_middleware=[_told],
        )
