"""Sites, phases and schedule versions: every write of the works goes through here.

Services never commit; the caller does, once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, joinedload

from geo_service import history
from geo_service.errors import Invalid, NotFound
from geo_service.i18n import gettext as _
from geo_service.works.drafts import RevisionDraft
from geo_service.works.facts import area_words
from geo_service.works.revisions import multipolygon
from geo_service.works.schedule import change_schedule
from geo_service.works.validation import check_identifiers
from layers.buildings import Quarter
from layers.crs import SRID
from layers.sites import (
    REVISION_IN_FORCE,
    PhaseConfirmation,
    PhaseRevision,
    RevisionSeal,
    Site,
    WorksPhase,
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
        raise NotFound(_("Il quartiere non esiste."))
    _check_inside(quarter, area, code)
    taken = select(exists().where(Site.quarter_id == quarter_id, Site.code == code))
    if session.scalar(taken):
        raise Invalid(_("Il cantiere %(code)s esiste già.", code=code), {"code": _("già usato")})
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
    subject = history.Subject("site", site.id, quarter_id)
    _note(session, "site.created", subject, {}, _site_facts(site))
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
    return change_schedule(
        session, site, fresh=phases, author=author, reason=reason, recorded_at=recorded_at
    )


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
    return revise_phases(
        session, site, [(phase, draft)], author=author, reason=reason, recorded_at=recorded_at
    )[0]


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
    return change_schedule(
        session, site, changed=changes, author=author, reason=reason, recorded_at=recorded_at
    )


def confirm(session: Session, revision: PhaseRevision, on: dt.date, author: str = "") -> None:
    """Note that the dates of ``revision`` still hold on the day ``on`` (*ancora valida*)."""
    session.add(PhaseConfirmation(revision_id=revision.id, confirmed_on=on, author=author))
    session.flush()
    quarter_id = session.scalar(
        select(Site.quarter_id).join(WorksPhase).where(WorksPhase.id == revision.phase_id)
    )
    subject = history.Subject("phase", revision.phase_id, quarter_id)
    _note(session, "phase.confirmed", subject, {}, {"confirmed_on": on})


def seal(session: Session, revision: PhaseRevision, reason: str) -> None:
    """Protect the impacts of ``revision``: somebody was told (``announced``) or it is ``past``."""
    if session.get(RevisionSeal, revision.id) is None:
        session.add(RevisionSeal(revision_id=revision.id, reason=reason))
        session.flush()


def is_announced(session: Session, revision_id: int) -> bool:
    """Whether somebody was told of a revision."""
    found = session.get(RevisionSeal, revision_id)
    return found is not None and found.reason == "announced"


def _site_facts(site: Site) -> dict[str, object]:
    told = {"code": site.code, "name": site.name, "client": site.client or None,
            "cup": site.cup, "cig": site.cig,
            "footprint": area_words(to_shape(site.footprint))}  # fmt: skip
    return {field: value for field, value in told.items() if value is not None}


def _note(
    session: Session,
    action: str,
    subject: history.Subject,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    changes = history.difference(before, after)
    history.record(session, history.actor_of(session), action, subject, changes)


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


def change_site(
    session: Session,
    site: Site,
    *,
    code: str,
    name: str,
    footprint: BaseGeometry,
    client: str = "",
    cup: str | None = None,
    cig: str | None = None,
) -> None:
    """Correct a site; its phases keep the areas that were recorded with them."""
    check_identifiers(cup, cig)
    area = multipolygon(footprint, f"cantiere {code}")
    _check_inside(site.quarter, area, code)
    taken = select(exists().where(
        Site.quarter_id == site.quarter_id, Site.code == code, Site.id != site.id
    ))  # fmt: skip
    if session.scalar(taken):
        raise Invalid(_("Il cantiere %(code)s esiste già.", code=code), {"code": _("già usato")})
    before = _site_facts(site)
    site.code, site.name, site.client, site.cup, site.cig = code, name, client, cup, cig
    site.footprint = from_shape(area, srid=SRID)
    session.flush()
    subject = history.Subject("site", site.id, site.quarter_id)
    _note(session, "site.changed", subject, before, _site_facts(site))


def archive_site(session: Session, site: Site, on: dt.date | None) -> None:
    """Archive ``site`` on a day: lists leave it out; None brings it back."""
    before = {"archived_on": site.archived_on}
    site.archived_on = on
    session.flush()
    subject = history.Subject("site", site.id, site.quarter_id)
    _note(session, "site.archived", subject, before, {"archived_on": on})


def _check_inside(quarter: Quarter, area: BaseGeometry, code: str) -> None:
    if quarter.boundary is not None and not to_shape(quarter.boundary).intersects(area):
        raise Invalid(
            _(
                "Cantiere %(code)s: l'area sta fuori dal quartiere %(quarter)s; controllate le "
                "coordinate e il loro sistema di riferimento.",
                code=code,
                quarter=quarter.name,
            ),
            {"footprint": _("fuori dal quartiere")},
        )
