"""Pages of the appointments of a phase: the list, and what to do when the phase moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.standing import SignedIn
from geo_service.appointments import following, forms, homes, lists, service, vocabulary
from geo_service.appointments.forms import Form, Keeper
from geo_service.appointments.lists import Row, Wanted
from geo_service.appointments.states import OUTCOMES, STATES, permitted
from geo_service.errors import Conflict, Invalid
from geo_service.households.forms import Typed
from geo_service.households.looks import look
from geo_service.households.vocabulary import CHANNEL_WORDS
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.overview import revision_of_phase
from layers.sites import PhaseRevision

router = APIRouter()
PAGE = "/fasi/{phase_id:int}/appuntamenti"
ONLY = ("preparazione", "conflitti", "esito")


@dataclass(slots=True)
class Phase:
    """A phase in force with its appointments as the account may see them."""

    revision: PhaseRevision
    rows: list[Row]
    places: list[homes.Place]

    @property
    def address(self) -> str:
        """The list of the phase."""
        return f"/fasi/{self.revision.phase_id}/appuntamenti"


def opened(
    request: Request, session: Session, who: SignedIn, today: dt.date, phase_id: int
) -> Phase:
    """The phase with its appointments and flats; a look at empty or protected ones is recorded."""
    revision = revision_of_phase(session, phase_id)
    protected = who.can("protected")
    show_quarter(request, session, revision.phase.site.quarter)
    listed = lists.of_phase(session, phase_id, today, protected=protected)
    places = homes.places(session, phase_id, revision.id, today)
    rows = lists.with_conflicts(listed, lists.days_of(revision), [p.flat_id for p in places])
    look_at(session, who, revision.phase.site.quarter_id, rows)
    shown = [p for p in places if protected or p.open]
    return Phase(revision, rows, shown)


def look_at(session: Session, who: SignedIn, quarter_id: int, rows: list[Row]) -> None:
    """Write down that an account sees empty flats or protected households on a list."""
    if any(not row.households for row in rows):
        look(session, who.id, quarter_id, "empty_flats")
    if any(h.protected for row in rows for h in row.households):
        look(session, who.id, quarter_id, "protected")


@router.get(PAGE)
def listing(request: Request, session: Db, who: Keeper, today: Today, phase_id: int) -> Response:
    """Appointments of a phase: filters, sorting, pages, what does not fit."""
    return _list(request, session, opened(request, session, who, today, phase_id), today)


@router.post(PAGE)
def add(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, phase_id: int
) -> Response:
    """One more appointment, for a flat that has none."""
    before = forms.sent_before(request, session, who, typed)
    if before:
        return see_other(before)
    found = opened(request, session, who, today, phase_id)
    slot = forms.read_slot(typed)
    flat_id = typed.number_of("alloggio")
    free = {p.flat_id for p in found.places if not p.state}
    if flat_id not in free:
        typed.errors["alloggio"] = _("Scegliete un alloggio della fase che non ne ha ancora uno.")
    if slot is not None:
        others = [r.slot for r in found.rows if r.open]
        said = forms.check_slot(typed, slot, lists.days_of(found.revision), today, others)
        if said and typed.form.get("comunque") is None:
            typed.errors["comunque"] = " ".join(said)
    if typed.errors or slot is None:
        return _list(request, session, found, today, typed, status=422)

    def act() -> str:
        made = service.add(session, found.revision, flat_id, slot)
        return f"/appuntamenti/{made.id}"

    try:
        return forms.done_once(request, session, who, typed, act)
    except Invalid as refused:
        typed.errors |= refused.fields or {"": str(refused)}
        return _list(request, session, found, today, typed, status=422)


def _list(
    request: Request, session: Session, found: Phase, today: dt.date,
    typed: Typed | None = None, *, status: int = 200,
) -> Response:  # fmt: skip
    wanted = _wanted(request)
    moved = following.following(session, found.revision, found.rows, today)
    return render(
        request,
        "appointments/list.html",
        status=status,
        **frame(found.revision),
        found=lists.chosen(found.rows, wanted, today),
        wanted=wanted,
        counts=lists.counts(found.rows),
        stairwells=sorted(
            {(r.stairwell_id, f"{r.address}, {r.stairwell}") for r in found.rows},
            key=lambda s: s[1],
        ),
        conflicts=sum(bool(r.conflicts) for r in found.rows),
        late=sum(bool(r.late) for r in found.rows),
        moved=moved,
        free=[p for p in found.places if not p.state],
        typed=typed.form if typed else {},
        errors=typed.errors if typed else {},
        here=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
    )


def frame(revision: PhaseRevision) -> dict[str, Any]:
    """What every page about the appointments of a phase needs."""
    days = lists.days_of(revision)
    return {
        "phase": revision.phase,
        "site": revision.phase.site,
        "revision": revision,
        "days": days,
        "say": vocabulary,
        "states": STATES,
        "channels": {code: _(word) for code, word in CHANNEL_WORDS.items()},
        "next_states": _next_states,
        "section": "/cantieri",
    }


def _next_states(row: Row, today: dt.date) -> list[str]:
    """States that may be marked today from the list; an outcome not before its day."""
    return [
        to
        for to in permitted(row.state, row.attempts)
        if to not in OUTCOMES or row.slot.day <= today
    ]


def _wanted(request: Request) -> Wanted:
    """What the address asks for; what nobody understands is left out, as on every list."""
    asked = request.query_params
    try:
        day = dt.date.fromisoformat(asked.get("giorno", ""))
    except ValueError:
        day = None

    def number(name: str) -> int | None:
        value = asked.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None

    return Wanted(
        state=asked.get("stato", "") if asked.get("stato", "") in STATES else "",
        stairwell_id=number("scala"),
        day=day,
        only=asked.get("solo", "") if asked.get("solo", "") in ONLY else "",
        sort=asked.get("ordine", "") if asked.get("ordine", "") in lists.SORTS else "quando",
        page=number("pagina") or 1,
    )


@router.get(PAGE + "/segui")
def follow_page(
    request: Request, session: Db, who: Keeper, today: Today, phase_id: int
) -> Response:
    """What becomes of the appointments of a phase that moved, and whom to tell."""
    found = opened(request, session, who, today, phase_id)
    return _follow_page(request, session, found, today, {})


@router.post(PAGE + "/segui")
def follow(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, phase_id: int
) -> Response:
    """Let the appointments follow, as it was shown."""
    found = opened(request, session, who, today, phase_id)
    everyone = lists.of_phase(session, phase_id, today, protected=True)
    moved = following.following(session, found.revision, everyone, today)

    def act() -> str:
        following.apply(session, moved, typed.text("mostrato", 40))
        return f"{found.address}/segui"

    try:
        return forms.done_once(request, session, who, typed, act)
    except Conflict as clash:
        return _follow_page(request, session, found, today, {"": str(clash)}, status=409)


def _follow_page(
    request: Request, session: Session, found: Phase, today: dt.date, errors: dict[str, str],
    *, status: int = 200,
) -> Response:  # fmt: skip
    everyone = lists.of_phase(session, found.revision.phase_id, today, protected=True)
    moved = following.following(session, found.revision, everyone, today)
    visible = {row.id: row for row in found.rows}
    shifts = [s for s in moved.shifts if s.row.id in visible]
    tell = [r for r in found.rows if r.state == "moved"]
    return render(
        request,
        "appointments/follow.html",
        status=status,
        **frame(found.revision),
        moved=moved,
        shifts=shifts,
        rows=visible,
        number={what: sum(s.step.what == what for s in shifts)
                for what in ("moved", "kept", "stuck")},
        tell=sorted(tell, key=lambda r: r.walk),
        former=following.former_slots(session, [r.id for r in tell]),
        errors=errors,
    )  # fmt: skip
