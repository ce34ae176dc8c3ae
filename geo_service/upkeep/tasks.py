"""Background work that keeps an installation tidy."""

from __future__ import annotations

import datetime as dt

from geo_service import jobs
from geo_service.files import tidying


@jobs.app.periodic(cron="41 3 * * *")
@jobs.app.task(name="tidy_documents", queueing_lock="tidy_documents")
def tidy_documents(timestamp: int) -> None:
    """Remove documents that nothing refers to any more; each night."""
    del timestamp
    tidying.tidy(jobs.engine(), dt.datetime.now(dt.UTC))
