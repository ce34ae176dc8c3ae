"""What is said of a phase: its dates hold, its work is done, it runs over what was announced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.errors import Invalid
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.works import reported
from layers.sites import SAYINGS, PhaseConfirmation, PhaseRevision, Site, WorksPhase

WORDS = {
    "valid": N_("le date valgono ancora"),
    "done": N_("il lavoro è finito"),
    "overrun": N_("si va oltre quanto annunciato"),
}
ACTIONS = {"valid": "phase.confirmed", "done": "phase.done", "overrun": "phase.overrun"}
LONGEST_NOTE = 500
NO_REPORT = reported.Reported("", "phone", "", {})


@dataclass(frozen=True, slots=True)
class Said:
    """Something said, as a page lists it; ``reported_by`` is empty where the author said it."""

    on: dt.date
    said: str
    author: str
    reported_by: str
    note: str


def say(
    session: Session,
    revision: PhaseRevision,
    today: dt.date,
    *,
    author: str,
    said: str = "valid",
    by: reported.Reported = NO_REPORT,
    note: str = "",
) -> None:
    """Write down what was said of ``revision``; ``author`` wrote it, ``by`` tells who said it.

    It counts from the day on which it was said. Raises :class:`Invalid` for an unknown saying, a
    faulty report, and an overrun of which nobody says what runs over.
    """
    if said not in SAYINGS:
        raise Invalid(_("Scegliete che cosa è stato detto."), {"detto": said})
    if by.errors:
        raise Invalid(" ".join(by.errors.values()), dict(by.errors))
    note = " ".join(note.split())[:LONGEST_NOTE]
    if said == "overrun" and not note:
        raise Invalid(
            _("Scrivete che cosa va oltre: per esempio «acqua ancora chiusa alle 17:40»."),
            {"nota": ""},
        )
    on = dt.date.fromisoformat(by.on) if by.who else today
    session.add(
        PhaseConfirmation(
            revision_id=revision.id, confirmed_on=on, author=author, said=said,
            reported_by=by.stored, note=note,
        )
    )  # fmt: skip
    session.flush()
    quarter_id = session.scalar(
        select(Site.quarter_id).join(WorksPhase).where(WorksPhase.id == revision.phase_id)
    )
    told = {"confirmed_on": on, "reported_by": by.stored or None, "what_runs_over": note or None}
    history.record(
        session,
        history.actor_of(session),
        ACTIONS[said],
        history.Subject("phase", revision.phase_id, quarter_id),
        {field: (None, value) for field, value in told.items() if value is not None},
    )


def said_of(session: Session, revision_ids: Sequence[int]) -> dict[int, list[Said]]:
    """What was said of revisions, the newest first."""
    found: dict[int, list[Said]] = {r: [] for r in revision_ids}
    for c in session.scalars(
        select(PhaseConfirmation)
        .where(PhaseConfirmation.revision_id.in_(revision_ids))
        .order_by(PhaseConfirmation.confirmed_on.desc(), PhaseConfirmation.id.desc())
    ):
        found[c.revision_id].append(Said(c.confirmed_on, c.said, c.author, c.reported_by, c.note))
    return found
