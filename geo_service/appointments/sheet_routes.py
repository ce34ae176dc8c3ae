"""One appointment: its state, its slot, who opens, what to prepare, what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.standing import SignedIn
from geo_service.appointments import event_words, forms, lists, service, vocabulary
from geo_service.appointments.forms import Form, Keeper
from geo_service.appointments.lists import Row
from geo_service.appointments.models import ACCESS, ITEMS, Appointment
from geo_service.appointments.planning import Slot
from geo_service.appointments.routes import frame
from geo_service.appointments.states import OPEN, permitted
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.households.forms import Typed
from geo_service.households.looks import look
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web.links import own_path
from geo_service.web.pages import render
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.removed import newest_revision, removed_phase
from layers.sites import PhaseRevision

router = APIRouter()
PAGE = "/appuntamenti/{appointment_id:int}"


@router.get(PAGE)
def sheet(
    request: Request, session: Db, who: Keeper, today: Today, appointment_id: int
) -> Response:
    """The appointment; with ``segna`` the change that is to be confirmed."""
    found, row = _found(session, who, today, appointment_id)
    _look(session, who, found, row)
    return _page(request, session, who, found, today)


@router.post(PAGE + "/stato")
def change_state(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, appointment_id: int
) -> Response:
    """Bring the appointment into another state."""
    found, _row = _found(session, who, today, appointment_id)
    to = typed.text("stato", 20)
    reason, reported_by = forms.read_why(typed)
    slot = _slot(session, found, typed, today) if to == "second_attempt" else None

    def act() -> None:
        service.change_state(
            session, found, to, today=today, reason=reason, reported_by=reported_by, slot=slot
        )

    return _done(request, session, who, found, today, typed, act)


@router.post(PAGE + "/annulla")
def undo(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, appointment_id: int
) -> Response:
    """Take the last state back."""
    found, _row = _found(session, who, today, appointment_id)
    act = partial(service.undo, session, found)
    return _done(request, session, who, found, today, typed, act)


@router.post(PAGE + "/sposta")
def move(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, appointment_id: int
) -> Response:
    """Another day, hour or crew."""
    found, _row = _found(session, who, today, appointment_id)
    reason, reported_by = forms.read_why(typed)
    slot = _slot(session, found, typed, today)
    agreed = typed.form.get("concordato") is not None

    def act() -> None:
        if slot is not None:
            service.move(
                session, found, slot, agreed=agreed, reason=reason, reported_by=reported_by
            )

    return _done(request, session, who, found, today, typed, act)


@router.post(PAGE + "/accesso")
def entry(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, appointment_id: int
) -> Response:
    """Who lets the crew in, where the keys are, what the household asked for."""
    found, _row = _found(session, who, today, appointment_id)
    forms.read_entry(typed)
    act = partial(service.set_entry, session, found, typed.values)
    return _done(request, session, who, found, today, typed, act)


@router.post(PAGE + "/preparazione")
def preparation(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, appointment_id: int
) -> Response:
    """What is to be prepared, by when, what is ready."""
    found, _row = _found(session, who, today, appointment_id)
    wanted = forms.read_preparation(typed)
    act = partial(service.set_preparation, session, found, wanted, today)
    return _done(request, session, who, found, today, typed, act)


def _found(
    session: Session, who: SignedIn, today: dt.date, appointment_id: int
) -> tuple[Appointment, Row]:
    """The appointment where this account may see it. Raises :class:`NotFound`."""
    found = service.appointment(session, appointment_id)
    rows = lists.rows(
        session, "t.id = :id", {"id": appointment_id}, today, protected=who.can("protected")
    )
    if not rows:
        raise NotFound(_("Questo appuntamento non c'è, oppure non è più in elenco."))
    return found, rows[0]


def _look(session: Session, who: SignedIn, found: Appointment, row: Row) -> None:
    quarter_id = found.phase.site.quarter_id
    if not row.households:
        look(session, who.id, quarter_id, "empty_flats")
    for home in row.households:
        if home.protected:
            look(session, who.id, quarter_id, "protected", home.id)


def _slot(session: Session, found: Appointment, typed: Typed, today: dt.date) -> Slot | None:
    """The slot that was typed, held against the phase and the crew's other visits."""
    slot = forms.read_slot(typed)
    if slot is None:
        return None
    revision = newest_revision(session, found.phase_id)
    days = lists.days_of(revision)
    rows = lists.of_phase(session, found.phase_id, today, protected=True)
    others = [r.slot for r in rows if r.open and r.id != found.id]
    said = forms.check_slot(typed, slot, days, today, others)
    if said and typed.form.get("comunque") is None:
        typed.errors["comunque"] = " ".join(said)
    return None if typed.errors else slot


def _done(
    request: Request, session: Session, who: SignedIn, found: Appointment, today: dt.date,
    typed: Typed, act: Callable[[], None],
) -> Response:  # fmt: skip
    """Carry the form out; what cannot be done is told above the appointment as it stands."""
    if typed.errors:
        return _page(request, session, who, found, today, typed, status=422)

    def locked() -> str:
        service.locked(session, found, typed.number_of("versione"))
        act()
        return own_path(typed.text("torna", 500), f"/appuntamenti/{found.id}")

    try:
        return forms.done_once(request, session, who, typed, locked)
    except (Invalid, Conflict) as refused:
        session.refresh(found)
        fields = refused.fields if isinstance(refused, Invalid) else {}
        typed.errors = {"": str(refused), **fields}
        return _page(request, session, who, found, today, typed, status=refused.status)


def _page(
    request: Request, session: Session, who: SignedIn, found: Appointment, today: dt.date,
    typed: Typed | None = None, *, status: int = 200,
) -> Response:  # fmt: skip
    revision = newest_revision(session, found.phase_id)
    show_quarter(request, session, revision.phase.site.quarter)
    row = _conflicts(session, who, found, revision, today)
    allowed = permitted(found.state, found.attempts)
    asked = request.query_params.get("segna", "")
    part = request.url.path.rsplit("/", 1)[-1] if typed else ""
    if typed and part == "stato":
        asked = typed.text("stato", 20)
    return render(
        request,
        "appointments/sheet.html",
        status=status,
        **frame(revision),
        row=row,
        entry=found,
        asked=asked if asked in allowed else "",
        back=own_path(_asked_back(request, typed), ""),
        can_undo=service.revocable(session, found),
        is_open=found.state in OPEN,
        behind=found.revision_id != revision.id,
        orphaned=removed_phase(session, found.phase_id) is not None,
        access=pairs(vocabulary.ACCESS_WORDS, ACCESS),
        items=ITEMS,
        prepared={p.item: p for p in found.preparation},
        events=event_words.lines(session, service.events_of(session, found.id)),
        part=part,
        typed=typed.form if typed else {},
        errors=typed.errors if typed else {},
    )


def _asked_back(request: Request, typed: Typed | None) -> str:
    return typed.text("torna", 500) if typed else request.query_params.get("torna", "")


def _conflicts(
    session: Session, who: SignedIn, found: Appointment, revision: PhaseRevision, today: dt.date
) -> Row:
    """The appointment as a row, with what stands against it."""
    rows = lists.of_phase(session, found.phase_id, today, protected=who.can("protected"))
    flats = [f.id for f in revision.inside_flats]
    told = lists.with_conflicts(rows, lists.days_of(revision), flats)
    return next(r for r in told if r.id == found.id)
