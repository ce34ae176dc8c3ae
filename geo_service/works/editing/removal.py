"""A phase taken out of the schedule and brought back, and what hangs on it when it goes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo_service.errors import Conflict, NotFound
from geo_service.households.disclosure import Sight
from geo_service.households.service import count_households
from geo_service.i18n import gettext as _
from geo_service.works.overview import revision_of_phase
from geo_service.works.permits.page import PermitLine, line
from geo_service.works.permits.service import permits_of_phase
from geo_service.works.removed import removed_phase
from geo_service.works.revising.saving import (
    ChangedMeanwhile,
    compute_later,
    lock_site,
    new_map,
)
from geo_service.works.revisions import inclusive
from geo_service.works.schedule import change_schedule
from geo_service.works.service import is_announced
from geo_service.works.timelines.dependencies import network
from layers.sites import PhaseRevision


@dataclass(frozen=True, slots=True)
class Hanging:
    """What hangs on a phase.

    ``told`` counts the households that were told of it, None where so few are not said.
    ``state`` is ``past``, ``running`` or ``coming``. ``awaited_by`` are the phases that wait for
    it, ``permits`` those that name it and no other phase.
    """

    announced: bool
    told: int | None
    state: str
    first: dt.date
    last: dt.date
    awaited_by: tuple[tuple[int, str], ...]
    permits: tuple[PermitLine, ...]


def hanging_on(session: Session, revision: PhaseRevision, sight: Sight, today: dt.date) -> Hanging:
    """What hangs on the phase of ``revision``, which is in force."""
    first, last = inclusive(revision.period)
    last = last or first
    announced = is_announced(session, revision.id)
    told = None
    if announced:
        count = count_households(session, [revision.id], protected=sight.protected)
        told = sight.told(count[revision.id].households)
    net = network(session, revision.phase.site.quarter_id)
    own = revision.phase_id
    return Hanging(
        announced=announced,
        told=told,
        state="past" if last < today else "running" if first <= today else "coming",
        first=first,
        last=last,
        awaited_by=tuple(
            (k.successor_id, net.names[k.successor_id])
            for k in net.links if k.predecessor_id == own
        ),
        permits=tuple(
            line(p) for p in permits_of_phase(session, own) if {q.id for q in p.phases} == {own}
        ),
    )  # fmt: skip


def take_out(
    session: Session, phase_id: int, based_on: int, *, author: str, reason: str
) -> PhaseRevision:
    """Leave a phase out of the next version of its site's schedule; the revision it had.

    What it had stays, and :func:`bring_back` undoes it. Raises :class:`NotFound` where no
    schedule has the phase, :class:`ChangedMeanwhile` where it is no longer at ``based_on``.
    """
    site = revision_of_phase(session, phase_id).phase.site
    lock_site(session, site)
    current = revision_of_phase(session, phase_id)
    if current.number != based_on:
        raise ChangedMeanwhile(current)
    change_schedule(session, site, dropped=[current.phase], author=author, reason=reason)
    new_map(session, site.quarter_id)
    return current


def bring_back(session: Session, phase_id: int, *, author: str, reason: str) -> PhaseRevision:
    """Put a phase that was taken out into its schedule again, with the revision that it had.

    Raises :class:`NotFound` for a phase that is not known, and :class:`Conflict` for one that is
    in the schedule.
    """
    gone = removed_phase(session, phase_id)
    if gone is not None:
        lock_site(session, gone.phase.site)
        gone = removed_phase(session, phase_id)
    if gone is None:
        try:
            current = revision_of_phase(session, phase_id)
        except NotFound:
            raise NotFound(_("Questa fase non esiste.")) from None
        raise Conflict(_("La fase %(code)s è già nel cronoprogramma.", code=current.phase.code))
    site = gone.phase.site
    change_schedule(session, site, returned=[gone.revision], author=author, reason=reason)
    new_map(session, site.quarter_id)
    compute_later(session, site.quarter_id, [gone.revision.id])
    return gone.revision
