"""What cuts really did, as pages show it: on the phase, on the building's sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.i18n import N_, pairs
from geo_service.settings import get_settings
from geo_service.web import words
from geo_service.works import overview
from geo_service.works.cuts import actuals as cut_actuals
from geo_service.works.cuts.actuals import CutDay, sentence
from layers.sites import PhaseRevision, UtilityCut

# What the building's sheet still tells of days that are past.
BUILDING_DAYS = 7
SAID_WORDS = {
    "closed": N_("è stata chiusa"),
    "still_off": N_("è ancora chiusa"),
    "back": N_("è tornata"),
}


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of a cut in words; ``said_by`` are those who said it."""

    service: str
    day: str
    words: str
    said_by: str
    stairwells: tuple[str, ...]
    late: bool
    phase_id: int
    phase: str


def day_lines(session: Session, days: list[CutDay], today: dt.date) -> list[DayLine]:
    """Days in words, with the names of their stairwells in one query."""
    names = overview.stairwell_names(session, {s for d in days for s in d.stairwells})
    return [
        DayLine(
            words.service(d.service),
            i18n.day(d.day, today),
            sentence(d),
            ", ".join(dict.fromkeys(s.said_by for s in d.said if s.said_by)),
            tuple(sorted(names[s] for s in d.stairwells)),
            d.late,
            d.phase_id,
            d.phase,
        )
        for d in days
    ]


@dataclass(slots=True)
class CutForm:
    """What was typed about a cut, with what is wrong."""

    cut: str = ""
    what: str = "still_off"
    day: str = ""
    at: str = ""
    next_day: bool = False
    said_by: str = ""
    errors: dict[str, str] | None = None


def phase_cuts(
    session: Session, revision: PhaseRevision, today: dt.date, form: CutForm | None = None
) -> dict[str, Any]:
    """What ``works/cut_said.html`` needs."""
    if form is None:
        now = dt.datetime.now(get_settings().zone)
        form = CutForm(day=today.isoformat(), at=f"{now:%H:%M}")
    return {
        "cut_days": day_lines(session, cut_actuals.of_phase(session, revision.phase_id), today),
        "cut_choices": choices(session, begun(revision, today)),
        "cut_form": form,
        "cut_words": pairs(SAID_WORDS, cut_actuals.WHATS),
    }


def begun(revision: PhaseRevision, today: dt.date) -> list[UtilityCut]:
    """Cuts of a revision of which something can have happened."""
    return [c for c in revision.cuts if c.period.lower is not None and c.period.lower <= today]


def choices(session: Session, cuts: Sequence[UtilityCut]) -> list[tuple[int, str]]:
    """Cuts by their service, their window and their stairwells."""
    names = overview.stairwell_names(session, {s.id for cut in cuts for s in cut.stairwells})
    found = []
    for cut in cuts:
        said = words.service(cut.service)
        if cut.starts_at is not None and cut.ends_at is not None:
            said += f" {words.window(cut.starts_at, cut.ends_at)}"
        wells = ", ".join(sorted(names[s.id] for s in cut.stairwells))
        found.append((cut.id, f"{said}, {wells}"))
    return found


def building_cuts(session: Session, building_id: int, today: dt.date) -> dict[str, Any]:
    """What ``works/cut_building.html`` needs."""
    since = today - dt.timedelta(days=BUILDING_DAYS)
    days = cut_actuals.of_building(session, building_id, since)
    return {"cut_days": day_lines(session, days, today)}
