"""Permits as pages show them: in a list, on a card beside what a phase lacks, one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.documents import Document, documents_of
from geo_service.works.permits.form import past_midnight
from geo_service.works.permits.rules import Need, day_of
from geo_service.works.permits.service import missing_permits, permits_of_phase, permits_of_site
from geo_service.works.revisions import inclusive
from layers.sites import Permit, PhaseRevision, Site

TAGS = {"granted": "confirmed", "refused": "late", "revoked": "late", "expired": "late"}


@dataclass(frozen=True, slots=True)
class PermitLine:
    """A permit as people read it."""

    id: int
    kind: str
    state: str
    tag: str
    issuer: str
    number: str
    when: str
    hours: str
    limit_dba: float | None
    sent_on: dt.date | None
    signs_on: dt.date | None
    note: str
    # Codes and names of the phases; none means the whole site.
    phases: tuple[tuple[int, str], ...]
    documents: tuple[Document, ...]


def line(permit: Permit, documents: Sequence[Document] = ()) -> PermitLine:
    """``permit`` in words."""
    told = permit.conditions
    limit = told.get("limit_dba")
    return PermitLine(
        permit.id,
        permit_states.kind(permit.kind),
        permit_states.state(permit.state),
        TAGS.get(permit.state, "estimated"),
        permit.issuer,
        permit.number,
        "" if permit.period is None else i18n.period(*inclusive(permit.period)),
        _hours(told),
        float(limit) if isinstance(limit, int | float) else None,
        day_of(told, "sent_on"),
        day_of(told, "signs_on"),
        str(told.get("note", "")),
        tuple((p.id, f"{p.code} {p.name}") for p in permit.phases),
        tuple(documents),
    )


def _hours(told: dict[str, Any]) -> str:
    start, end = told.get("from"), told.get("until")
    if not isinstance(end, str):
        return ""
    said = i18n.clock(dt.time.fromisoformat(end))
    if not isinstance(start, str):
        return _("fino alle %(end)s", end=said)
    said = f"{i18n.clock(dt.time.fromisoformat(start))}–{said}"
    return _("%(hours)s del giorno dopo", hours=said) if past_midnight(told) else said


def lines(session: Session, permits: Sequence[Permit]) -> list[PermitLine]:
    """Permits in words with their documents, in two queries."""
    documents = documents_of(session, [p.id for p in permits]) if permits else {}
    return [line(p, documents.get(p.id, ())) for p in permits]


def phase_permits(session: Session, revision: PhaseRevision) -> dict[str, Any]:
    """What ``works/permit_card.html`` needs on the page of a phase."""
    settings = revision.phase.site.quarter.settings
    needs = missing_permits(session, settings, [revision.id])[revision.id]
    return {
        "permits": lines(session, permits_of_phase(session, revision.phase_id)),
        "permit_needs": [told(need) for need in needs],
    }


def site_permits(session: Session, site: Site) -> dict[str, Any]:
    """What ``works/permit_card.html`` needs on the page of a site."""
    return {"permits": lines(session, permits_of_site(session, site.id)), "permit_needs": []}


@dataclass(frozen=True, slots=True)
class ToldNeed:
    """What a phase needs, in words; ``tag`` is met, missing or to be verified."""

    kind: str
    why: str
    problems: str
    source: str
    tag: str
    word: str
    permit_id: int | None


def told(need: Need) -> ToldNeed:
    """``need`` in words."""
    if need.met:
        tag, word = "confirmed", _("a posto")
    elif need.permit is not None and need.permit.state in ("pending", "in_progress"):
        tag, word = "estimated", _("in attesa")
    elif need.sure:
        tag, word = "late", _("manca")
    else:
        tag, word = "estimated", _("da verificare")
    return ToldNeed(
        permit_states.kind(need.kind), need.why, "; ".join(need.problems), need.source, tag, word,
        None if need.permit is None else need.permit.id,
    )  # fmt: skip
