"""Phases of a person of the works side (*impresa, DL, CSE*): what is theirs, what is asked of them.

Nothing here tells who lives where: the works side sees its own works only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account, AccountSite
from geo_service.errors import NotFound
from geo_service.i18n import day
from geo_service.i18n import gettext as _
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import inclusive
from geo_service.works.sayings import Said, said_of
from geo_service.works.service import revisions_in_force
from layers.sites import PhaseRevision, Site

# Who is at work, or about to be, says once a week that the dates still hold.
ASK_AFTER_DAYS = 7
ASK_AHEAD_DAYS = 28
# A phase whose end nobody confirmed is asked about for as long.
ASK_BEHIND_DAYS = 60


@dataclass(frozen=True, slots=True)
class OwnPhase:
    """A phase of theirs with its days and what is asked of them about it, in words."""

    phase_id: int
    revision_id: int
    site: str
    code: str
    name: str
    starts_on: dt.date
    ends_on: dt.date
    certainty: str
    contractor: str
    asked: tuple[str, ...]
    sayings: tuple[Said, ...]


def own_phases(
    session: Session, account: Account, today: dt.date, *, quarter_ids: Collection[int] | None
) -> list[OwnPhase]:
    """Phases in force of the account's sites, those that something is asked about first.

    Who works for a firm sees the phases of that firm; the client's engineer and the safety
    coordinator, who have none, all of the site. ``quarter_ids`` are the quarters in which the
    account may work, None for all.
    """
    sites = session.scalars(
        select(Site)
        .join(AccountSite, AccountSite.site_id == Site.id)
        .where(
            AccountSite.account_id == account.id,
            Site.archived_on.is_(None),
            true() if quarter_ids is None else Site.quarter_id.in_(quarter_ids),
        )
        .order_by(Site.code)
    ).all()
    revisions = [r for site in sites for r in revisions_in_force(session, site_id=site.id)]
    own = [r for r in revisions if _is_theirs(account, r)]
    said = said_of(session, [r.id for r in own])
    rows = [_row(r, said[r.id], today) for r in own]
    return sorted(rows, key=lambda p: (not p.asked, p.ends_on < today, p.starts_on, p.code))


def own_revision(session: Session, account: Account, phase_id: int) -> PhaseRevision:
    """A phase of theirs with all that belongs to it. Raises :class:`NotFound` for any other."""
    found = session.scalar(
        select(AccountSite)
        .join(Site, Site.id == AccountSite.site_id)
        .where(AccountSite.account_id == account.id, Site.phases.any(id=phase_id))
    )
    revision = None if found is None else revision_of_phase(session, phase_id)
    if revision is None or not _is_theirs(account, revision):
        raise NotFound(_("Questa fase non è tra le vostre."))
    return revision


def asked(revision: PhaseRevision, said: list[Said], today: dt.date) -> tuple[str, ...]:
    """What is asked about a phase: whether its dates hold, or whether it is over."""
    first, last = inclusive(revision.period)
    last = last or first
    kept = [s.on for s in said if s.said != "overrun"]
    if last < today:
        over = any(s.said == "done" or (s.said == "valid" and s.on >= last) for s in said)
        if over or last < today - dt.timedelta(days=ASK_BEHIND_DAYS):
            return ()
        return (_("Doveva finire %(day)s: è finita?", day=day(last, today)),)
    if any(s.said == "done" for s in said) or first > today + dt.timedelta(days=ASK_AHEAD_DAYS):
        return ()
    newest = max(kept, default=None)
    if newest is None:
        return (_("Nessuno ha ancora detto che le date valgono."),)
    if newest < today - dt.timedelta(days=ASK_AFTER_DAYS):
        return (_("Confermata %(day)s: le date valgono ancora?", day=day(newest, today)),)
    return ()


def _is_theirs(account: Account, revision: PhaseRevision) -> bool:
    return not account.firm or _plain(account.firm) == _plain(revision.contractor)


def _plain(firm: str) -> str:
    """A firm's name as it is compared: "Impresa Rossi" is "rossi"."""
    return " ".join(firm.casefold().removeprefix("impresa ").split())


def _row(revision: PhaseRevision, said: list[Said], today: dt.date) -> OwnPhase:
    first, last = inclusive(revision.period)
    return OwnPhase(
        phase_id=revision.phase_id,
        revision_id=revision.id,
        site=revision.phase.site.name,
        code=revision.phase.code,
        name=revision.phase.name,
        starts_on=first,
        ends_on=last or first,
        certainty=revision.certainty,
        contractor=revision.contractor,
        asked=asked(revision, said, today),
        sayings=tuple(said),
    )
