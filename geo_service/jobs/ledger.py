"""What is told of jobs: progress, state, files that they made; stopping and trying again."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from geo_service.jobs.models import JobFile

# Progress is written at most so often; the last step always.
TELL_EVERY_S = 0.5
KEEP_FILE_DAYS = 3
KEEP_DAYS = 30

_told_at: dict[int, float] = {}


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as people are told of it.

    ``state`` is waiting, again (it failed and will be tried once more), running, stopping, done,
    failed or cancelled; ``done`` and ``total`` are None where the job does not count its steps.
    """

    job_id: int
    task: str
    args: dict[str, Any]
    account_id: int | None
    quarter_id: int | None
    asked_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    attempts: int
    done: int | None
    total: int | None
    text: str
    error: str
    has_file: bool
    state: str

    @property
    def open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "again", "running", "stopping")


def progress(
    where: Engine | Connection | Session, job_id: int, done: int, total: int | None,
    words: str = "", point: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Say that ``done`` of ``total`` steps are done.

    On an engine: in a short transaction of its own, seen by all at once, at most twice a second.
    On a connection or session: as part of its transaction. ``words`` is an Italian sentence that
    stands in the catalogue of translations; ``point`` is where to go on after a kill, best
    written in the transaction of the work itself.
    """
    if isinstance(where, Engine):
        now = time.monotonic()
        if done != total and now - _told_at.get(job_id, -TELL_EVERY_S) < TELL_EVERY_S:
            return
        _told_at[job_id] = now
        with where.begin() as connection:
            progress(connection, job_id, done, total, words, point)
        return
    values = {
        "id": job_id,
        "done": done,
        "total": total,
        "text": words[:500] or None,
        "point": None if point is None else json.dumps(point),
    }
    where.execute(
        text(
            """update job_progress set done = :done, total = :total,
                      text = coalesce(cast(:text as text), text),
                      point = coalesce(cast(:point as jsonb), point)
               where job_id = :id"""
        ),
        values,
    )


def point_of(where: Connection | Session, job_id: int) -> dict[str, Any]:
    """Where the job goes on, as :func:`progress` kept it; empty at the first attempt."""
    query = text("select point from job_progress where job_id = :id")
    found: dict[str, Any] | None = where.execute(query, {"id": job_id}).scalar()
    return found or {}


_STATE = """
select p.job_id, p.task, p.args, p.account_id, p.quarter_id, p.asked_at, p.started_at, p.ended_at,
       p.attempts, p.done, p.total, p.text, p.error,
       exists (select from job_file f where f.job_id = p.job_id and f.expires_at > now()),
       case when p.ended_at is not null then 'done'
            when q.status = 'todo' then case when p.attempts > 0 then 'again' else 'waiting' end
            when q.status = 'doing' then case when q.abort_requested then 'stopping'
                                              else 'running' end
            when q.status in ('cancelled', 'aborted') then 'cancelled'
            else 'failed' end as state
from job_progress p left join procrastinate_jobs q on q.id = p.job_id
"""


def state(session: Session, job_id: int) -> JobState | None:
    """A job's state; None where there is no such job or it ended more than a month ago."""
    row = session.execute(text(f"{_STATE} where p.job_id = :id"), {"id": job_id}).one_or_none()
    return None if row is None else JobState(*row)


def jobs_of(
    session: Session, quarter_ids: Collection[int] | None, *, asked_by: int | None = None,
    limit: int = 50,
) -> list[JobState]:  # fmt: skip
    """Jobs of some quarters, or with None of all: those that wait or run first, then the newest.

    ``asked_by`` leaves those that one account asked for.
    """
    query = text(
        f"""select * from ({_STATE}) s
            where (cast(:quarters as bigint[]) is null or quarter_id = any(:quarters))
              and (cast(:account as bigint) is null or account_id = :account)
            order by state in ('waiting', 'again', 'running', 'stopping') desc, job_id desc
            limit :limit"""  # noqa: S608  (no value is part of the text)
    )
    wanted = None if quarter_ids is None else sorted(quarter_ids)
    rows = session.execute(query, {"quarters": wanted, "account": asked_by, "limit": limit})
    return [JobState(*row) for row in rows]


def cancel(session: Session, job_id: int) -> bool:
    """Take a job off the queue, or ask it to stop at its next step; False where it is over."""
    query = text("select procrastinate_cancel_job_v1(:id, true, false)")
    return session.scalar(query, {"id": job_id}) is not None


def retry(session: Session, job_id: int) -> bool:
    """Queue a failed or cancelled job again, from where it stopped; False for any other."""
    query = text(
        """update procrastinate_jobs set status = 'todo', attempts = 0, scheduled_at = now(),
                  abort_requested = false, worker_id = null
           where id = :id and status in ('failed', 'cancelled', 'aborted') returning id"""
    )
    if session.scalar(query, {"id": job_id}) is None:
        return False
    session.execute(
        text("update job_progress set attempts = 0, error = '' where job_id = :id"), {"id": job_id}
    )
    return True


def keep_file(session: Session, job_id: int, name: str, media_type: str, content: bytes) -> None:
    """Keep a file that the job made, for a few days, for the one who asked."""
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(days=KEEP_FILE_DAYS)
    session.merge(
        JobFile(
            job_id=job_id, name=name, media_type=media_type, content=content, expires_at=expires_at
        )
    )


def file_of(session: Session, job_id: int, account_id: int) -> JobFile | None:
    """The file of a job for the account that asked; None for another one, or after its day."""
    found = session.get(JobFile, job_id)
    told = state(session, job_id)
    if found is None or told is None or told.account_id != account_id or not told.has_file:
        return None
    return found


def begun(engine: Engine, job_id: int) -> None:
    """Note that an attempt begins; what runs by the clock alone has no row and gets none."""
    query = text(
        """update job_progress set started_at = coalesce(started_at, now()),
                  attempts = attempts + 1 where job_id = :id"""
    )
    with engine.begin() as connection:
        connection.execute(query, {"id": job_id})


def ended(engine: Engine, job_id: int, error: str = "") -> None:
    """Note that an attempt ended, well where there is no ``error``."""
    _told_at.pop(job_id, None)
    query = text(
        """update job_progress set error = cast(:error as text),
                  ended_at = case when cast(:error as text) = '' then now() end
           where job_id = :id"""
    )
    with engine.begin() as connection:
        connection.execute(query, {"id": job_id, "error": error[:1000]})


def tidy(engine: Engine) -> None:
    """Delete files past their day, and jobs that ended more than a month ago."""
    with engine.begin() as connection:
        connection.execute(text("delete from job_file where expires_at <= now()"))
        old = text(
            """delete from job_progress p
               where p.asked_at < now() - make_interval(days => :days) and not exists (
                   select from procrastinate_jobs q
                   where q.id = p.job_id and q.status in ('todo', 'doing'))"""
        )
        connection.execute(old, {"days": KEEP_DAYS})
