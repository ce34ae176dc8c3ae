"""Background work in Procrastinate: jobs live in PostgreSQL beside the data that they change.

A job is deferred in the transaction of the change that needs it, so that a rollback takes the
job along.
"""

from __future__ import annotations

from typing import Any

import procrastinate
from procrastinate.tasks import Task
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

app = procrastinate.App(connector=procrastinate.PsycopgConnector())
RETRY = procrastinate.RetryStrategy(max_attempts=4, exponential_wait=3)

_engine: Engine | None = None


def engine() -> Engine:
    """The engine that tasks of this worker process work on."""
    if _engine is None:
        raise RuntimeError("tasks run in a worker: jobs.run_worker(engine)")
    return _engine


def defer(session: Session, task: Task[Any, Any, Any], **arguments: Any) -> int:
    """Queue ``task`` in the transaction of ``session``; returns the job's id.

    The job appears to workers when the session commits, and never if it does not.
    """
    with session.begin_nested():
        driver = session.connection().connection.driver_connection
        return task.configure(connection=driver).defer(**arguments)


@app.periodic(cron="* * * * *")
@app.task(name="retry_stalled_jobs", queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
    """Queue again the jobs whose worker died: each minute, as long as any worker is up."""
    del timestamp
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


def conninfo(engine: Engine) -> str:
    """``engine``'s address as libpq writes it, for the worker's own connections."""
    url = make_url(str(engine.url.render_as_string(hide_password=False)))
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run_worker(engine: Engine, *, wait: bool = True, concurrency: int = 1) -> None:
    """Work off the queue until stopped, or until it is empty where ``wait`` is false.

    A job whose worker was killed is found by its silent heartbeat and queued again.
    """
    global _engine
    _engine = engine
    connector = procrastinate.PsycopgConnector(conninfo=conninfo(engine))
    with app.replace_connector(connector) as running:
        running.run_worker(
            wait=wait,
            concurrency=concurrency,
            install_signal_handlers=wait,
            delete_jobs="successful",
        )
