"""What changed in the schedules of a quarter since somebody last came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.sites import PhaseRevision, ScheduleVersion, Site, WorksPhase, schedule_version_revision

MOST = 20


@dataclass(frozen=True, slots=True)
class ChangedSchedule:
    """A version of a site's schedule; ``phases`` are the codes of those that it records anew."""

    site_id: int
    site: str
    number: int
    recorded_at: dt.datetime
    author: str
    reason: str
    phases: tuple[str, ...]
    reported_by: str


def versions_since(
    session: Session, quarter_id: int, since: dt.datetime | None, most: int = MOST
) -> list[ChangedSchedule]:
    """Versions recorded after ``since``, the newest first; without ``since`` the newest of all.

    At most ``most``.
    """
    query = (
        select(ScheduleVersion, Site)
        .join(Site, Site.id == ScheduleVersion.site_id)
        .where(Site.quarter_id == quarter_id, Site.archived_on.is_(None))
        .order_by(ScheduleVersion.recorded_at.desc(), ScheduleVersion.id.desc())
        .limit(most)
    )
    if since is not None:
        query = query.where(ScheduleVersion.recorded_at > since)
    found = session.execute(query).all()
    new = _new_phases(session, [version.id for version, _site in found])
    return [
        ChangedSchedule(
            site.id, f"{site.code} {site.name}", version.number, version.recorded_at,
            version.author, version.reason,
            tuple(sorted({code for code, _who in new.get(version.id, ())})),
            "; ".join(sorted({who for _code, who in new.get(version.id, ()) if who})),
        )
        for version, site in found
    ]  # fmt: skip


def _new_phases(session: Session, version_ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Phases that each version is the first to hold in their revision, and who reported them."""
    held = schedule_version_revision
    first = (
        select(held.c.revision_id, func.min(held.c.version_id).label("version_id"))
        .group_by(held.c.revision_id)
        .subquery()
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for version_id, code, reported_by in session.execute(
        select(first.c.version_id, WorksPhase.code, PhaseRevision.reported_by)
        .join(PhaseRevision, PhaseRevision.id == first.c.revision_id)
        .join(WorksPhase, WorksPhase.id == PhaseRevision.phase_id)
        .where(first.c.version_id.in_(version_ids))
    ):
        found.setdefault(version_id, []).append((code, reported_by))
    return found
