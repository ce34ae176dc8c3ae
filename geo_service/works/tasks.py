"""Background work of the works: impacts are computed again after a change."""

from __future__ import annotations

from geo_service import jobs
from layers.impacts.store import recompute


@jobs.app.task(name="recompute_impacts", retry=jobs.RETRY, queue="impacts")
def recompute_impacts(revision_id: int) -> None:
    """Compute zones and impacts of one revision; run twice it gives the same rows."""
    with jobs.engine().begin() as connection:
        recompute(connection, revision_id)
