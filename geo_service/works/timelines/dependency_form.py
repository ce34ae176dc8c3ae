"""What a phase waits for, on its form and its page: rows read, kept, and told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.works.drafts import RevisionDraft
from geo_service.works.service import revisions_in_force
from geo_service.works.timelines.dependencies import (
    KIND_WORDS,
    LONGEST_LAG_DAYS,
    links_into,
    network,
)
from geo_service.works.timelines.dependency_days import MONDAY_TO_FRIDAY, Link, Span, ring_in
from geo_service.works.timelines.followers import NOTHING, Consequences, consequences_in
from geo_service.works.timelines.move_words import link_words
from layers.sites import DEPENDENCY_KINDS, PhaseRevision, Site

MOST_ROWS = 50
# Stands for a phase that is not recorded yet.
UNBORN = 0


@dataclass(slots=True)
class WaitRow:
    """A row of the form as typed."""

    phase: str = ""
    kind: str = "FS"
    lag: str = ""


@dataclass(slots=True)
class Waits:
    """The part of the form: its rows, the phases it offers, what was read.

    ``links`` are None where the form does not tell them; ``before`` are those recorded.
    """

    rows: list[WaitRow]
    choices: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    before: list[Link]
    links: list[Link] | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether other links are typed than recorded."""
        return self.links is not None and set(self.links) != set(self.before)


def waits_of(session: Session, site: Site, phase_id: int = UNBORN) -> Waits:
    """The form as recorded: one row for each phase that is waited for."""
    before = links_into(session, phase_id) if phase_id else []
    revisions = sorted(
        (
            r
            for r in revisions_in_force(session, site.quarter_id)
            if r.phase.site.archived_on is None or r.phase.site_id == site.id
        ),
        key=lambda r: (r.phase.site_id != site.id, r.phase.site.code, r.phase.code),
    )
    choices = [(str(r.phase_id), _label(r, site)) for r in revisions if r.phase_id != phase_id]
    shown = {value for value, _name in choices}
    kept = [k for k in before if str(k.predecessor_id) in shown]
    return Waits(
        rows=[WaitRow(str(k.predecessor_id), k.kind, str(k.lag_days or "")) for k in kept],
        choices=choices,
        kinds=pairs(KIND_WORDS, DEPENDENCY_KINDS),
        before=before,
    )


def _label(revision: PhaseRevision, site: Site) -> str:
    phase = revision.phase
    name = f"{phase.code} {phase.name}"
    return name if phase.site_id == site.id else f"{phase.site.code}: {name}"


def read_waits(form: FormData, waits: Waits, phase_id: int = UNBORN) -> None:
    """Put what was typed into ``waits``: its rows, its links, a sentence for each faulty row."""
    if form.get("dipendenze") is None:
        return
    phases, kinds, lags = (
        [str(v).strip() for v in form.getlist(name)][:MOST_ROWS]
        for name in ("dip_fase", "dip_tipo", "dip_giorni")
    )
    waits.rows = [
        WaitRow(phase, kind, lag[:10])
        for phase, kind, lag in zip(phases, kinds, lags, strict=False) if phase
    ]  # fmt: skip
    known = {value for value, _name in waits.choices}
    links: list[Link] = []
    for place, row in enumerate(waits.rows):
        lag = _lag(row.lag)
        if row.phase not in known or row.kind not in DEPENDENCY_KINDS:
            waits.errors[f"dip_{place}"] = _("Scegliete una fase dell'elenco.")
        elif lag is None:
            waits.errors[f"dip_{place}"] = _(
                "I giorni sono un numero intero, da −%(most)s a %(most)s.", most=LONGEST_LAG_DAYS
            )
        elif any(k.predecessor_id == int(row.phase) for k in links):
            waits.errors[f"dip_{place}"] = _("La stessa fase è indicata due volte.")
        else:
            links.append(Link(int(row.phase), phase_id, row.kind, lag))
    # Links to phases that are out of the schedule are not offered, and stay.
    links += [k for k in waits.before if str(k.predecessor_id) not in known]
    waits.links = links


def _lag(text: str) -> int | None:
    plain = text.replace("−", "-").removeprefix("+")
    digits = plain.removeprefix("-")
    if not plain:
        return 0
    if not (digits.isascii() and digits.isdigit()) or abs(int(plain)) > LONGEST_LAG_DAYS:
        return None
    return int(plain)


def form_consequences(
    session: Session,
    site: Site,
    revision: PhaseRevision | None,
    draft: RevisionDraft,
    waits: Waits,
) -> Consequences:
    """What the dates and links of a form break among the phases of the quarter.

    Nothing where the links close a ring: saving refuses that.
    """
    phase_id = UNBORN if revision is None else revision.phase_id
    links = waits.before if waits.links is None else waits.links
    offered = {int(value) for value, _name in waits.choices}
    ends = {phase_id, *offered.intersection(k.predecessor_id for k in links)} - {UNBORN}
    net = network(session, site.quarter_id, also=ends)
    others = [k for k in net.links if k.successor_id != phase_id]
    known = [k for k in links if k.predecessor_id in net.spans]
    if not known and all(k.predecessor_id != phase_id for k in others):
        return NOTHING
    weekdays = frozenset(h.weekday for h in draft.hours) or MONDAY_TO_FRIDAY
    was = net.spans.get(phase_id)
    span = Span(draft.starts_on, draft.ends_on, weekdays)
    if was is not None and (was.first, was.last) == (span.first, span.last) and not waits.changed:
        return NOTHING
    names: Mapping[int, str] = net.names
    if revision is None:
        names = {**names, UNBORN: _("Questa fase")}
    if ring_in(others + known):
        # Nothing has an order in a ring: saving refuses it by name.
        return NOTHING
    typed = replace(
        net, links=tuple(others + known), spans={**net.spans, phase_id: span}, names=names
    )
    return consequences_in(typed, {phase_id: (span.first, span.last)})


def phase_links(session: Session, revision: PhaseRevision) -> dict[str, Sequence[Any]]:
    """What a phase waits for and which phases wait for it, for its page."""
    net = network(session, revision.phase.site.quarter_id)
    own = revision.phase_id
    span = net.spans.get(own)
    torn = [] if span is None else net.broken_by({own: (span.first, span.last)})
    return {
        "waits_for": [
            (k.predecessor_id, link_words(k, net.names[k.predecessor_id]))
            for k in net.links if k.successor_id == own
        ],
        "awaited_by": [
            (k.successor_id, net.names[k.successor_id])
            for k in net.links if k.predecessor_id == own
        ],
        "torn": [net.sentence(b, {}) for b in torn],
    }  # fmt: skip
