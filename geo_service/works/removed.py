"""Phases that were taken out of their schedule: they keep all they had, and can come back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from geo_service.errors import NotFound
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import inclusive
from layers.sites import (
    REVISION_IN_FORCE,
    PhaseRevision,
    ScheduleVersion,
    Site,
    WorksPhase,
    schedule_version_revision,
)


@dataclass(frozen=True, slots=True)
class Removed:
    """A phase that no schedule has now: its last revision, and the version that left it out."""

    revision: PhaseRevision
    version: ScheduleVersion

    @property
    def phase(self) -> WorksPhase:
        """The phase."""
        return self.revision.phase

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """First and last day that it had."""
        first, last = inclusive(self.revision.period)
        return first, last or first


def removed_phases(session: Session, site_id: int, phase_id: int | None = None) -> list[Removed]:
    """Phases of a site that are out of its schedule, by code; or ``phase_id`` alone, if it is."""
    held = schedule_version_revision
    in_force = exists().where(REVISION_IN_FORCE.c.phase_id == PhaseRevision.phase_id)
    # The newest revision of each phase, and the last version that had any of them.
    last = (
        select(
            PhaseRevision.phase_id,
            func.max(PhaseRevision.number).label("revision"),
            func.max(ScheduleVersion.number).label("version"),
        )
        .join(held, held.c.revision_id == PhaseRevision.id)
        .join(ScheduleVersion, ScheduleVersion.id == held.c.version_id)
        .where(ScheduleVersion.site_id == site_id, ~in_force)
        .group_by(PhaseRevision.phase_id)
    )
    if phase_id is not None:
        last = last.where(PhaseRevision.phase_id == phase_id)
    gone = last.subquery()
    rows = session.execute(
        select(PhaseRevision, ScheduleVersion)
        .join(gone, gone.c.phase_id == PhaseRevision.phase_id)
        .join(WorksPhase, WorksPhase.id == PhaseRevision.phase_id)
        .join(
            ScheduleVersion,
            (ScheduleVersion.site_id == site_id)
            & (ScheduleVersion.number == gone.c.version + 1),
        )
        .where(PhaseRevision.number == gone.c.revision)
        .options(
            joinedload(PhaseRevision.phase)
            .joinedload(WorksPhase.site)
            .joinedload(Site.quarter)
        )
        .order_by(WorksPhase.code)
    )  # fmt: skip
    return [Removed(revision, version) for revision, version in rows]


def removed_phase(session: Session, phase_id: int) -> Removed | None:
    """A phase that is out of its schedule; None where it is in force, or was never."""
    site_id = session.scalar(select(WorksPhase.site_id).where(WorksPhase.id == phase_id))
    if site_id is None:
        return None
    return next(iter(removed_phases(session, site_id, phase_id)), None)


def newest_revision(session: Session, phase_id: int) -> PhaseRevision:
    """The revision in force of a phase, or the last one of a phase that was taken out.

    Raises :class:`NotFound`.
    """
    try:
        return revision_of_phase(session, phase_id)
    except NotFound:
        gone = removed_phase(session, phase_id)
        if gone is None:
            raise
        return gone.revision
