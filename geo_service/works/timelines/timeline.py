"""The schedule as bars in time (*cronoprogramma*): what the page draws and what it was moved to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from geo_service import i18n
from geo_service.calendar import monday_of
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.works.revisions import draft_of, inclusive, moved_to
from geo_service.works.timelines.dependencies import Network
from geo_service.works.timelines.dependency_days import broken
from geo_service.works.timelines.followers import Edit
from geo_service.works.validation import LONGEST_DAYS, YEARS
from layers.sites import PhaseRevision

# Width of the drawing; the page scales it.
WIDTH = 1000.0
MIN_SPAN_DAYS = 28


@dataclass(slots=True)
class Bar:
    """One phase: as recorded, and as typed in the form."""

    revision: PhaseRevision
    first: dt.date
    last: dt.date
    typed_first: str
    typed_last: str
    based_on: int
    x: float = 0.0
    width: float = 0.0
    error: str = ""

    @property
    def moved(self) -> bool:
        """Whether other dates are typed than recorded."""
        return (self.typed_first, self.typed_last) != (
            self.first.isoformat(),
            self.last.isoformat(),
        )


@dataclass(slots=True)
class Timeline:
    """All bars, the days that the drawing spans, and where months begin on it."""

    bars: list[Bar]
    first: dt.date
    days: int
    today_x: float | None
    months: list[tuple[float, str]]
    reason: str = ""
    # Who said so, by which way, on which day, where the author only writes it down.
    reported: tuple[str, str, str] = ("", "phone", "")
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> float:
        """Width of one day in the drawing."""
        return WIDTH / self.days


def timeline_of(revisions: Sequence[PhaseRevision], today: dt.date) -> Timeline:
    """The drawing of ``revisions`` as they are recorded."""
    bars = []
    for revision in revisions:
        first, last = inclusive(revision.period)
        last = last or first
        bars.append(
            Bar(revision, first, last, first.isoformat(), last.isoformat(), revision.number)
        )
    start = monday_of(min((b.first for b in bars), default=today)) - dt.timedelta(days=14)
    end = max((b.last for b in bars), default=today) + dt.timedelta(days=28)
    days = max((end - start).days, MIN_SPAN_DAYS)
    unit = WIDTH / days
    for bar in bars:
        bar.x = (bar.first - start).days * unit
        bar.width = ((bar.last - bar.first).days + 1) * unit
    inside = start <= today <= end
    return Timeline(
        bars, start, days, (today - start).days * unit if inside else None,
        _months(start, days, unit),
    )  # fmt: skip


def _months(start: dt.date, days: int, unit: float) -> list[tuple[float, str]]:
    """First days of months with their names; fewer names where they would touch."""
    firsts = []
    for offset in range(days):
        day = start + dt.timedelta(days=offset)
        if day.day == 1:
            firsts.append((offset * unit, day))
    step = max(1, round(len(firsts) / 5))
    return [(x, i18n.day(day).split(" ", 2)[2]) for x, day in firsts[::step]]


def read_moves(form: FormData, timeline: Timeline) -> list[Bar]:
    """Put what was typed into ``timeline``, faults in its ``errors``; the bars that moved."""
    moved: list[Bar] = []
    for bar in timeline.bars:
        key = bar.revision.phase_id
        for name in ("dal", "al"):
            text = form.get(f"{name}_{key}")
            if isinstance(text, str):
                setattr(bar, "typed_first" if name == "dal" else "typed_last", text.strip()[:20])
        number = number_in(form.get(f"revisione_{key}"))
        bar.based_on = bar.based_on if number is None else number
        if bar.moved:
            moved.append(bar)
    timeline.reason = str(form.get("motivo") or "").replace("\x00", "").strip()[:1000]
    if moved and not timeline.reason:
        timeline.errors["motivo"] = _("Scrivete in poche parole perché le date cambiano.")
    for bar in moved:
        bar.error = _fault(bar)
        if bar.error:
            timeline.errors[f"dal_{bar.revision.phase_id}"] = (
                f"{bar.revision.phase.code}: {bar.error}"
            )
    return moved


def _fault(bar: Bar) -> str:
    try:
        first = dt.date.fromisoformat(bar.typed_first)
        last = dt.date.fromisoformat(bar.typed_last)
    except ValueError:
        return _("Serve una data.")
    if first.year not in YEARS or last.year not in YEARS:
        return _("Controllate l'anno.")
    if last < first:
        return _("L'ultimo giorno viene prima del primo.")
    if (last - first).days > LONGEST_DAYS:
        return _("Più di dieci anni: controllate l'anno.")
    return ""


def typed_dates(bars: Sequence[Bar]) -> dict[int, tuple[dt.date, dt.date]]:
    """Dates of moved bars that are sound, by phase."""
    return {
        bar.revision.phase_id: (
            dt.date.fromisoformat(bar.typed_first), dt.date.fromisoformat(bar.typed_last)
        )
        for bar in bars if not bar.error
    }  # fmt: skip


def link_lines(net: Network, timeline: Timeline) -> list[dict[str, object]]:
    """The dependencies between bars, for the script that draws them."""
    shown = {bar.revision.phase_id for bar in timeline.bars}
    typed = typed_dates([bar for bar in timeline.bars if bar.moved])
    torn = {b.link for b in broken(net.links, net.with_dates(typed), net.patron)}
    return [
        {"from": k.predecessor_id, "to": k.successor_id, "kind": k.kind, "broken": k in torn}
        for k in net.links
        if {k.predecessor_id, k.successor_id} <= shown
    ]


def edits_of(session: Session, moved: Sequence[Bar]) -> list[Edit]:
    """Moved bars as edits of their phases."""
    dates = typed_dates(moved)
    return [
        (
            bar.revision, bar.based_on,
            moved_to(draft_of(session, bar.revision), *dates[bar.revision.phase_id]),
        )
        for bar in moved
    ]  # fmt: skip
