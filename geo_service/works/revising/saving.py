"""Saving what a form made: told once, checked against others' edits, impacts computed after."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.errors import Conflict, NotFound
from geo_service.history import actor_of
from geo_service.i18n import gettext as _
from geo_service.works.drafts import RevisionDraft
from geo_service.works.overview import revision_of_phase
from geo_service.works.revising.changes import changed_fields
from geo_service.works.revisions import draft_of
from geo_service.works.service import add_phase, revise_phases
from geo_service.works.tasks import recompute_impacts
from layers.buildings import Building, Quarter
from layers.errors import DataError
from layers.impacts.models import ImpactRun
from layers.impacts.store import recompute
from layers.sites import PhaseRevision, Site, WorksPhase

# What took less the last time is computed before the answer; the rest by the worker.
INLINE_SECONDS = 0.6
# A new phase has no last time: the size of its quarter tells.
INLINE_BUILDINGS = 40
# More phases at once all go to the worker.
INLINE_PHASES = 3

log = structlog.get_logger("accanto.works")


class ChangedMeanwhile(Conflict):
    """Somebody else recorded a revision since the form was filled; ``current`` is theirs."""

    def __init__(self, current: PhaseRevision) -> None:
        super().__init__(_("Qualcun altro ha salvato questa fase nel frattempo."))
        self.current = current


def revision_number(session: Session, phase_id: int, number: int) -> PhaseRevision:
    """The revision ``number`` of a phase. Raises :class:`NotFound`."""
    found = session.scalar(
        select(PhaseRevision).where(
            PhaseRevision.phase_id == phase_id, PhaseRevision.number == number
        )
    )
    if found is None:
        raise NotFound(_("Questa versione della fase non esiste."))
    return found


def save_revisions(
    session: Session,
    site: Site,
    edits: list[tuple[WorksPhase, int, RevisionDraft]],
    *,
    author: str,
    reason: str,
) -> list[PhaseRevision]:
    """Record edits ``(phase, based on revision, draft)`` of one site in one version.

    Edits that change nothing are left out. Raises :class:`ChangedMeanwhile`.
    """
    lock_site(session, site)
    wanted: list[tuple[WorksPhase, RevisionDraft]] = []
    before: dict[int, PhaseRevision] = {}
    for phase, based_on, draft in edits:
        current = revision_of_phase(session, phase.id)
        if current.number != based_on:
            raise ChangedMeanwhile(current)
        if changed_fields(draft_of(session, current), draft):
            wanted.append((phase, draft))
            before[phase.id] = current
    if not wanted:
        return []
    made = revise_phases(session, site, wanted, author=author, reason=reason)
    if len(made) > INLINE_PHASES:
        new_map(session, site.quarter_id)
        compute_later(session, site.quarter_id, [r.id for r in made])
        return made
    for revision in made:
        refresh(session, site, revision, before[revision.phase_id])
    return made


def save_new_phase(
    session: Session, site: Site, code: str, name: str, draft: RevisionDraft, *, author: str,
    reason: str,
) -> PhaseRevision:  # fmt: skip
    """Record a new phase of ``site``."""
    lock_site(session, site)
    revision = add_phase(
        session, site, code=code, name=name, draft=draft, author=author, reason=reason
    )
    refresh(session, site, revision, None)
    return revision


def refresh(
    session: Session, site: Site, revision: PhaseRevision, before: PhaseRevision | None
) -> None:
    """Have the impacts of ``revision`` computed, at once where that is quick; new maps."""
    new_map(session, site.quarter_id)
    if _quick(session, site, before):
        try:
            with session.begin_nested():
                recompute(session.connection(), revision.id)
            return
        except DataError as error:
            log.warning("impacts not computed at once", revision=revision.id, error=str(error))
    _defer(session, site.quarter_id, revision.id)


def new_map(session: Session, quarter_id: int) -> None:
    """Give the maps of a quarter new addresses, so that no browser shows an old one."""
    session.execute(
        update(Quarter).where(Quarter.id == quarter_id).values(map_version=Quarter.map_version + 1)
    )


def compute_later(session: Session, quarter_id: int, revision_ids: Sequence[int]) -> None:
    """Have those of ``revision_ids`` computed that are neither computed nor queued."""
    missing = not_computed(session, revision_ids)
    waiting = queued(session, missing)
    for revision_id in missing:
        if revision_id not in waiting:
            _defer(session, quarter_id, revision_id)


def _defer(session: Session, quarter_id: int, revision_id: int) -> None:
    jobs.defer(
        session, recompute_impacts, asked_by=actor_of(session).id, in_quarter=quarter_id,
        revision_id=revision_id,
    )  # fmt: skip


def queued(session: Session, revision_ids: Sequence[int]) -> set[int]:
    """Those of ``revision_ids`` whose computation stands in the queue or runs."""
    query = text(
        """select cast(args ->> 'revision_id' as bigint) from procrastinate_jobs
           where task_name = 'recompute_impacts' and status in ('todo', 'doing')
             and cast(args ->> 'revision_id' as bigint) = any(:ids)"""
    )
    return set(session.scalars(query, {"ids": list(revision_ids)}))


def not_computed(session: Session, revision_ids: Sequence[int]) -> list[int]:
    """Those of ``revision_ids`` whose impacts are not computed yet."""
    done = set(
        session.scalars(select(ImpactRun.revision_id).where(
            ImpactRun.revision_id.in_(revision_ids), ImpactRun.in_force
        ))
    )  # fmt: skip
    return [r for r in revision_ids if r not in done]


def _quick(session: Session, site: Site, before: PhaseRevision | None) -> bool:
    if before is None:
        here = select(Building.id).where(
            Building.quarter_id == site.quarter_id, Building.closed_on.is_(None)
        )
        return len(session.scalars(here.limit(INLINE_BUILDINGS + 1)).all()) <= INLINE_BUILDINGS
    seconds = session.scalar(
        select(ImpactRun.seconds).where(ImpactRun.revision_id == before.id, ImpactRun.in_force)
    )
    return seconds is not None and seconds < INLINE_SECONDS


def lock_site(session: Session, site: Site) -> None:
    """Let nobody else record anything of ``site`` until the end of the transaction."""
    # The number is compared and the next one written without anybody between.
    session.execute(select(Site.id).where(Site.id == site.id).with_for_update())
