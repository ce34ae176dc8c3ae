"""Sites, phases and schedule versions: every write of the works goes through here.

Services never commit; the caller does, once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import exists, func, insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, joinedload

from geo_service.errors import Invalid, NotFound
from geo_service.works.drafts import (
    RevisionDraft,
)
from geo_service.works.revisions import multipolygon, record
from geo_service.works.validation import check_identifiers
from layers.buildings import Quarter
from layers.crs import SRID
from layers.sites import (
    REVISION_IN_FORCE,
    PhaseConfirmation,
    PhaseRevision,
    RevisionSeal,
    ScheduleVersion,
    Site,
    WorksPhase,
    schedule_version_revision,
)


def create_site(
    session: Session,
    quarter_id: int,
    *,
    code: str,
    name: str,
    footprint: BaseGeometry,
    client: str = "",
    cup: str | None = None,
    cig: str | None = None,
) -> Site:
    """Record a site; its footprint (metric system) must touch the quarter, where that is known."""
    check_identifiers(cup, cig)
    area = multipolygon(footprint, f"cantiere {code}")
    quarter = session.get(Quarter, quarter_id)
    if quarter is None:
        raise NotFound("The quarter does not exist.")
    if quarter.boundary is not None and not to_shape(quarter.boundary).intersects(area):
        raise Invalid(
            f"Cantiere {code}: the footprint lies outside the quarter {quarter.name}; "
            "check its coordinates and their reference system.",
            {"footprint": "outside the quarter"},
        )
    taken = select(exists().where(Site.quarter_id == quarter_id, Site.code == code))
    if session.scalar(taken):
        raise Invalid(f"Cantiere {code} exists already.", {"code": "already used"})
    site = Site(
        quarter_id=quarter_id,
        code=code,
        name=name,
        client=client,
        cup=cup,
        cig=cig,
        footprint=from_shape(area, srid=SRID),
    )
    session.add(site)
    session.flush()
    return site


def add_phases(
    session: Session,
    site: Site,
    phases: Sequence[tuple[str, str, RevisionDraft]],
    *,
    author: str = "",
    reason: str = "",
    recorded_at: dt.datetime | None = None,
) -> list[PhaseRevision]:
    """Record new phases ``(code, name, draft)`` in one new version of the site's schedule."""
    revisions = []
    for code, name, draft in phases:
        taken = exists().where(WorksPhase.site_id == site.id, WorksPhase.code == code)
        if session.scalar(select(taken)):
            raise Invalid(
                f"Phase {code} exists already on site {site.code}.", {"code": "already used"}
            )
        phase = WorksPhase(site_id=site.id, code=code, name=name)
        session.add(phase)
        session.flush()
        revisions.append(record(session, site, phase, draft, author, reason, recorded_at))
    _new_version(session, site.id, revisions, author, reason, recorded_at)
    return revisions


def add_phase(
    session: Session,
    site: Site,
    *,
    code: str,
    name: str,
    draft: RevisionDraft,
    author: str = "",
    reason: str = "",
    recorded_at: dt.datetime | None = None,
) -> PhaseRevision:
    """Record one new phase and with it a new version of the site's schedule."""
    added = add_phases(
        session,
        site,
        [(code, name, draft)],
        author=author,
        reason=reason,
        recorded_at=recorded_at,
    )
    return added[0]


def revise_phase(
    session: Session,
    phase: WorksPhase,
    draft: RevisionDraft,
    *,
    author: str = "",
    reason: str = "",
    recorded_at: dt.datetime | None = None,
) -> PhaseRevision:
    """Record a new revision of ``phase``; the old one stays as it was, for ever."""
    site = session.get_one(Site, phase.site_id)
    revision = record(session, site, phase, draft, author, reason, recorded_at)
    _new_version(session, site.id, [revision], author, reason, recorded_at)
    return revision


def revise_phases(
    session: Session,
    site: Site,
    changes: Sequence[tuple[WorksPhase, RevisionDraft]],
    *,
    author: str = "",
    reason: str = "",
    recorded_at: dt.datetime | None = None,
) -> list[PhaseRevision]:
    """Record new revisions of several phases of ``site`` in one version of its schedule."""
    revisions = [
        record(session, site, phase, draft, author, reason, recorded_at) for phase, draft in changes
    ]
    _new_version(session, site.id, revisions, author, reason, recorded_at)
    return revisions


def confirm(session: Session, revision: PhaseRevision, on: dt.date, author: str = "") -> None:
    """Note that the dates of ``revision`` still hold on the day ``on`` (*ancora valida*)."""
    session.add(PhaseConfirmation(revision_id=revision.id, confirmed_on=on, author=author))
    session.flush()


def seal(session: Session, revision: PhaseRevision, reason: str) -> None:
    """Protect the impacts of ``revision``: somebody was told (``announced``) or it is ``past``."""
    if session.get(RevisionSeal, revision.id) is None:
        session.add(RevisionSeal(revision_id=revision.id, reason=reason))
        session.flush()


def _new_version(
    session: Session,
    site_id: int,
    changed: Sequence[PhaseRevision],
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
        touched = {r.phase_id for r in changed}
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
    session.execute(
        insert(schedule_version_revision),
        [{"version_id": version.id, "revision_id": r} for r in [*kept, *(c.id for c in changed)]],
    )
    return version


def revisions_in_force(
    session: Session,
    quarter_id: int | None = None,
    *,
    site_id: int | None = None,
    starts_on: dt.date | None = None,
    ends_on: dt.date | None = None,
) -> list[PhaseRevision]:
    """Revisions in force, by start; with dates, those that act on any day between them."""
    from_view = select(REVISION_IN_FORCE.c.revision_id)
    if quarter_id is not None:
        from_view = from_view.where(REVISION_IN_FORCE.c.quarter_id == quarter_id)
    if site_id is not None:
        from_view = from_view.where(REVISION_IN_FORCE.c.site_id == site_id)
    query = (
        select(PhaseRevision)
        .where(PhaseRevision.id.in_(from_view))
        .options(joinedload(PhaseRevision.phase).joinedload(WorksPhase.site))
        .order_by(func.lower(PhaseRevision.period), PhaseRevision.id)
    )
    if starts_on is not None or ends_on is not None:
        window = Range(
            starts_on, None if ends_on is None else ends_on + dt.timedelta(days=1), bounds="[)"
        )
        query = query.where(PhaseRevision.period.overlaps(window))
    return list(session.scalars(query))
