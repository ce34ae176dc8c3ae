"""Background work in Procrastinate: jobs live in PostgreSQL beside the data that they change.

A job is deferred in the transaction of the change that needs it, so that a rollback takes the
job along. Beside each job stands a row that says who asked, how far it is and what went wrong: it
stays when the queue has forgotten the job.
"""

from geo_service.jobs.ledger import (
    JobState,
    cancel,
    file_of,
    jobs_of,
    keep_file,
    point_of,
    progress,
    retry,
    state,
)
from geo_service.jobs.models import JobFile, JobProgress
from geo_service.jobs.queue import RETRY, app, check_stop, defer, engine, run_worker

__all__ = [
    "RETRY",
    "JobFile",
    "JobProgress",
    "JobState",
    "app",
    "cancel",
    "check_stop",
    "defer",
    "engine",
    "file_of",
    "jobs_of",
    "keep_file",
    "point_of",
    "progress",
    "retry",
    "run_worker",
    "state",
]
