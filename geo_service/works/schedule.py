"""Versions of a site's schedule: new, changed and dropped phases recorded as one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.works.drafts import RevisionDraft
from geo_service.works.facts import facts_of
from geo_service.works.revisions import draft_of, record
from layers.sites import (
    PhaseRevision,
    ScheduleVersion,
    Site,
    WorksPhase,
    schedule_version_revision,
)


def change_schedule(
    session: Session,
    site: Site,
    *,
    fresh: Sequence[tuple[str, str, RevisionDraft]] = (),
    changed: Sequence[tuple[WorksPhase, RevisionDraft]] = (),
    dropped: Collection[WorksPhase] = (),
    returned: Sequence[PhaseRevision] = (),
    author: str = "",
    reason: str = "",
    recorded_at: dt.datetime | None = None,
) -> list[PhaseRevision]:
    """Record new phases ``(code, name, draft)``, revisions and dropped phases in one version.

    A dropped phase keeps its revisions and is no longer in force; ``returned`` are revisions of
    such phases that are in force again, as they were. Returns the new revisions, the fresh ones
    first. Raises :class:`Invalid` for a code that the site has already.
    """
    revisions = []
    for code, name, draft in fresh:
        _refuse_taken(session, site, code)
        phase = WorksPhase(site_id=site.id, code=code, name=name)
        session.add(phase)
        session.flush()
        revisions.append(record(session, site, phase, draft, author, reason, recorded_at))
        named = replace(draft, name=draft.name or name)
        _note(session, site, "phase.added", phase, {}, facts_of(named, reason))
    for phase, draft in changed:
        revisions.append(_revised(session, site, phase, draft, author, reason, recorded_at))
    why = {"reason": reason} if reason else {}
    for phase in dropped:
        _note(session, site, "phase.dropped", phase, {}, why)
    for revision in returned:
        _note(session, site, "phase.returned", revision.phase, {}, why)
    in_force = [*revisions, *returned]
    _new_version(session, site.id, in_force, dropped, author, reason, recorded_at)
    return revisions


def _refuse_taken(session: Session, site: Site, code: str) -> None:
    taken = exists().where(WorksPhase.site_id == site.id, WorksPhase.code == code)
    if session.scalar(select(taken)):
        raise Invalid(
            _("La fase %(code)s esiste già nel cantiere %(site)s.", code=code, site=site.code),
            {"code": _("già usato")},
        )


def _revised(
    session: Session,
    site: Site,
    phase: WorksPhase,
    draft: RevisionDraft,
    author: str,
    reason: str,
    recorded_at: dt.datetime | None,
) -> PhaseRevision:
    """Record a revision, and in the history what differs from the one before."""
    former = _newest_revision(session, phase.id)
    before = {} if former is None else facts_of(draft_of(session, former))
    revision = record(session, site, phase, draft, author, reason, recorded_at)
    # Read back, so that what the draft left to the site is told as it was recorded.
    after = facts_of(draft_of(session, revision), reason)
    _note(session, site, "phase.revised", phase, before, after)
    return revision


def _newest_revision(session: Session, phase_id: int) -> PhaseRevision | None:
    # In force or not: a phase that was taken out may come back.
    return session.scalar(
        select(PhaseRevision)
        .where(PhaseRevision.phase_id == phase_id)
        .order_by(PhaseRevision.number.desc())
        .limit(1)
    )


def _note(
    session: Session,
    site: Site,
    action: str,
    phase: WorksPhase,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    subject = history.Subject("phase", phase.id, site.quarter_id)
    changes = history.difference(before, after)
    history.record(session, history.actor_of(session), action, subject, changes)


def _new_version(
    session: Session,
    site_id: int,
    changed: Sequence[PhaseRevision],
    dropped: Collection[WorksPhase],
    author: str,
    reason: str,
    recorded_at: dt.datetime | None,
) -> ScheduleVersion:
    # Two people saving at once must not both make version n + 1.
    session.execute(select(Site.id).where(Site.id == site_id).with_for_update())
    newest = session.scalar(
        select(ScheduleVersion)
        .where(ScheduleVersion.site_id == site_id)
        .order_by(ScheduleVersion.number.desc())
        .limit(1)
    )
    kept: list[int] = []
    if newest is not None:
        touched = {r.phase_id for r in changed} | {p.id for p in dropped}
        kept = list(
            session.scalars(
                select(PhaseRevision.id)
                .join(schedule_version_revision)
                .where(
                    schedule_version_revision.c.version_id == newest.id,
                    PhaseRevision.phase_id.not_in(touched),
                )
            )
        )
    version = ScheduleVersion(
        site_id=site_id,
        number=1 if newest is None else newest.number + 1,
        author=author,
        reason=reason,
        **({} if recorded_at is None else {"recorded_at": recorded_at}),
    )
    session.add(version)
    session.flush()
    in_force = [*kept, *(c.id for c in changed)]
    if in_force:
        session.execute(
            insert(schedule_version_revision),
            [{"version_id": version.id, "revision_id": r} for r in in_force],
        )
    return version
