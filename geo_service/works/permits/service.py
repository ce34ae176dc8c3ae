"""Permits of sites and phases: recorded, changed, removed, and what a phase still lacks.

Services never commit; the caller does, once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from geo_service import history, jobs
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.works.permits.rules import Need, PermitFacts, needs
from geo_service.works.permits.states import may_change
from geo_service.works.permits.work_hours import ClosureFacts, PhaseFacts
from geo_service.works.revisions import half_open, inclusive
from geo_service.works.tasks import recompute_impacts
from layers.impacts.parameters import parameters_from
from layers.sites import (
    PERMIT_KINDS,
    PERMIT_OF_PHASE,
    PERMIT_STATES,
    REVISION_IN_FORCE,
    Permit,
    Site,
    WorksPhase,
)


@dataclass(frozen=True, slots=True)
class PermitDraft:
    """A permit as somebody wants it recorded; days inclusive, no phases means the whole site.

    ``conditions`` may hold ``limit_dba`` (dB(A) at the façade), ``from`` and ``until`` (local
    time, an end not after the start is on the next day), ``note``, ``sent_on`` and ``signs_on``.
    """

    kind: str
    issuer: str = ""
    number: str = ""
    state: str = "to_request"
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    phase_ids: frozenset[int] = frozenset()
    conditions: dict[str, Any] = field(default_factory=dict)


class ChangedMeanwhile(Conflict):
    """Somebody saved the same permit after the form was opened; ``current`` is theirs."""

    def __init__(self, current: Permit) -> None:
        super().__init__(_("Qualcun altro ha cambiato questa autorizzazione mentre scrivevate."))
        self.current = current


def permit_of(session: Session, permit_id: int) -> Permit:
    """The permit with its site and phases. Raises :class:`NotFound`."""
    found = session.get(Permit, permit_id)
    if found is None:
        raise NotFound(_("Questa autorizzazione non c'è, o non c'è più."))
    return found


def permits_of_site(session: Session, site_id: int) -> list[Permit]:
    """Permits of a site with their phases, by beginning; those without a period last."""
    query = (
        select(Permit)
        .where(Permit.site_id == site_id)
        .options(selectinload(Permit.phases))
        .order_by(Permit.period.is_(None), Permit.period, Permit.id)
    )
    return list(session.scalars(query))


def permits_of_phase(session: Session, phase_id: int) -> list[Permit]:
    """Permits that cover a phase, by name or with its whole site."""
    query = (
        select(Permit)
        .join(PERMIT_OF_PHASE, PERMIT_OF_PHASE.c.permit_id == Permit.id)
        .where(PERMIT_OF_PHASE.c.phase_id == phase_id)
        .options(selectinload(Permit.phases))
        .order_by(Permit.period.is_(None), Permit.period, Permit.id)
    )
    return list(session.scalars(query))


def create_permit(session: Session, site: Site, draft: PermitDraft) -> Permit:
    """Record a permit of ``site``. Raises :class:`Invalid` with a sentence for each field."""
    _check(session, site, draft)
    permit = Permit(site_id=site.id, site=site)
    _write(session, permit, draft)
    session.add(permit)
    session.flush()
    _tell(session, permit, "permit.created", {}, facts_of(permit))
    _limits_changed(session, {}, _limit_facts(permit), permit)
    return permit


def change_permit(session: Session, permit: Permit, version: int, draft: PermitDraft) -> None:
    """Write ``draft`` over ``version`` of ``permit``.

    Raises :class:`ChangedMeanwhile` when it is no longer at that version and :class:`Invalid`
    for a change of state that the table does not permit.
    """
    _lock(session, permit, version)
    if not may_change(permit.state, draft.state):
        raise Invalid(
            _("Da questo stato non si passa a quello scelto."),
            {"state": _("passaggio non previsto")},
        )
    _check(session, permit.site, draft)
    before, limits = facts_of(permit), _limit_facts(permit)
    _write(session, permit, draft)
    after = facts_of(permit)
    if after == before:
        return
    permit.row_version = version + 1
    session.flush()
    _tell(session, permit, "permit.changed", before, after)
    _limits_changed(session, limits, _limit_facts(permit), permit)


def remove_permit(session: Session, permit: Permit, version: int) -> None:
    """Take out a permit that was recorded by mistake; the history keeps what it was."""
    _lock(session, permit, version)
    _tell(session, permit, "permit.removed", facts_of(permit), {})
    _limits_changed(session, _limit_facts(permit), {}, permit)
    session.delete(permit)
    session.flush()


def missing_permits(
    session: Session, quarter_settings: dict[str, Any], revision_ids: Collection[int]
) -> dict[int, list[Need]]:
    """What each of ``revision_ids`` needs by the rules, met or not, in two queries."""
    rule = parameters_from(quarter_settings).rule
    rows = session.execute(_FACTS, {"ids": list(revision_ids)}).all()
    covering: dict[int, list[PermitFacts]] = defaultdict(list)
    query = (
        select(PERMIT_OF_PHASE.c.phase_id, Permit.id, Permit.kind, Permit.state, Permit.number,
               Permit.period, Permit.conditions)
        .join(Permit, Permit.id == PERMIT_OF_PHASE.c.permit_id)
        .where(PERMIT_OF_PHASE.c.phase_id.in_({row.phase_id for row in rows}))
    )  # fmt: skip
    for phase_id, *facts in session.execute(query):
        covering[phase_id].append(PermitFacts(*facts))
    patron = get_settings().patron
    return {row.id: needs(_phase_facts(row), covering[row.phase_id], rule, patron) for row in rows}


_FACTS = text(
    """
    select v.id, v.phase_id, coalesce(v.preset, '') as preset, lower(v.period) as starts_on,
           upper(v.period) - 1 as ends_on,
           exists (select from plant_item i where i.revision_id = v.id)
           or exists (select from working_hours h where h.revision_id = v.id and h.noisy) as loud,
           coalesce((select jsonb_agg(jsonb_build_array(
                         h.weekday, extract(epoch from h.starts_at) / 3600,
                         extract(epoch from h.ends_at) / 3600, h.noisy)
                         order by h.weekday, h.starts_at, h.noisy)
                     from working_hours h where h.revision_id = v.id), '[]') as hours,
           coalesce((select jsonb_agg(jsonb_build_array(
                         c.kind, lower(coalesce(c.period, v.period)),
                         upper(coalesce(c.period, v.period)) - 1, c.stalls) order by c.id)
                     from closure c where c.revision_id = v.id), '[]') as closures
    from phase_revision v where v.id = any(:ids)
    """
)


def _phase_facts(row: Any) -> PhaseFacts:
    day = dt.date.fromisoformat
    return PhaseFacts(
        row.preset,
        row.starts_on,
        row.ends_on,
        row.loud,
        tuple((d, float(start), float(end), noisy) for d, start, end, noisy in row.hours),
        tuple(ClosureFacts(k, day(a), day(b), n) for k, a, b, n in row.closures),
    )


def draft_of(permit: Permit) -> PermitDraft:
    """``permit`` as the draft that would record it."""
    first, last = (None, None) if permit.period is None else inclusive(permit.period)
    return PermitDraft(
        permit.kind, permit.issuer, permit.number, permit.state, first, last,
        frozenset(p.id for p in permit.phases), dict(permit.conditions),
    )  # fmt: skip


def facts_of(permit: Permit) -> dict[str, Any]:
    """A permit as plain facts that the history keeps; what is empty is left out."""
    draft = draft_of(permit)
    told = {
        "kind": draft.kind, "state": draft.state, "issuer": draft.issuer,
        "permit_number": draft.number,
        "starts_on": draft.starts_on, "ends_on": draft.ends_on,
        "phases": sorted(p.code for p in permit.phases), **draft.conditions,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _check(session: Session, site: Site, draft: PermitDraft) -> None:
    problems: dict[str, str] = {}
    if draft.kind not in PERMIT_KINDS:
        problems["kind"] = _("tipo non noto: «%(kind)s»", kind=draft.kind)
    if draft.state not in PERMIT_STATES:
        problems["state"] = _("stato non noto: «%(state)s»", state=draft.state)
    if draft.state == "granted" and not draft.number:
        problems["number"] = _("un'autorizzazione rilasciata ha un numero")
    if draft.starts_on is None and draft.ends_on is not None:
        problems["starts_on"] = _("manca il primo giorno")
    if None not in (draft.starts_on, draft.ends_on) and draft.ends_on < draft.starts_on:  # type: ignore[operator]
        problems["ends_on"] = _("finisce prima di cominciare")
    if draft.phase_ids:
        known = set(session.scalars(select(WorksPhase.id).where(WorksPhase.site_id == site.id)))
        if not draft.phase_ids <= known:
            problems["phases"] = _("una fase non è di questo cantiere")
    if problems:
        said = "; ".join(problems.values())
        raise Invalid(_("Autorizzazione: %(problems)s.", problems=said), problems)


def _write(session: Session, permit: Permit, draft: PermitDraft) -> None:
    permit.kind, permit.issuer, permit.number = draft.kind, draft.issuer, draft.number
    permit.state = draft.state
    period = None if draft.starts_on is None else half_open(draft.starts_on, draft.ends_on)
    if period != permit.period:
        permit.period = period
    if draft.conditions != permit.conditions:
        permit.conditions = dict(draft.conditions)
    phases = session.scalars(
        select(WorksPhase).where(WorksPhase.id.in_(draft.phase_ids)).order_by(WorksPhase.code)
    )
    permit.phases = list(phases)


def _lock(session: Session, permit: Permit, version: int) -> None:
    query = select(Permit.row_version).where(Permit.id == permit.id).with_for_update()
    stored = session.scalar(query)
    if stored is None:
        raise NotFound(_("Questa autorizzazione non c'è, o non c'è più."))
    session.refresh(permit)
    if stored != version:
        raise ChangedMeanwhile(permit)


def _tell(
    session: Session, permit: Permit, action: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    subject = history.Subject("permit", permit.id, permit.site.quarter_id)
    changes = history.difference(before, after)
    history.record(session, history.actor_of(session), action, subject, changes)


def _limit_facts(permit: Permit) -> dict[str, Any]:
    """What a computation of noise takes from the permit; empty where it takes nothing."""
    if permit.kind != "noise_derogation" or permit.state != "granted":
        return {}
    told = {name: permit.conditions.get(name) for name in ("limit_dba", "from", "until")}
    return {**told, "period": permit.period, "phases": frozenset(p.id for p in permit.phases)}


def _limits_changed(
    session: Session, before: dict[str, Any], after: dict[str, Any], permit: Permit
) -> None:
    """Have the noise computed again of the phases whose limit is another now."""
    if before == after:
        return
    named: Iterable[int] = before.get("phases", frozenset()) | after.get("phases", frozenset())
    whole = any(facts and not facts["phases"] for facts in (before, after))
    query = select(REVISION_IN_FORCE.c.revision_id).where(
        REVISION_IN_FORCE.c.site_id == permit.site_id
    )
    if not whole:
        query = query.where(REVISION_IN_FORCE.c.phase_id.in_(named))
    revision_ids = list(session.scalars(query))
    asked_by = history.actor_of(session).id
    for revision_id in revision_ids:
        # Also where one waits or runs: it may have read the limits before this is committed.
        jobs.defer(
            session, recompute_impacts, asked_by=asked_by, in_quarter=permit.site.quarter_id,
            revision_id=revision_id,
        )  # fmt: skip
