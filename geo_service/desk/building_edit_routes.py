"""Editing a building and ending it; each form is done once."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.desk import building_edit, building_forms, service, stairwell_end
from geo_service.desk.building_edit import ChangedMeanwhile
from geo_service.errors import Conflict, Invalid
from geo_service.households.forms import Typed
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web import words
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.places import building_label
from geo_service.works.tasks import wanted_revisions
from layers.buildings import USES, Building

router = APIRouter()
PAGE = "/edifici/{building_id:int}"
Editor = Annotated[SignedIn, Depends(need("buildings.edit"))]
Form = Annotated[Typed, Depends(building_forms.read_form)]


@router.get(PAGE + "/modifica")
def edit(request: Request, session: Db, who: Editor, building_id: int) -> Response:
    """The form of a building as it stands."""
    building = _open(session, building_id)
    return _form(request, session, building)


@router.post(PAGE + "/modifica")
def save(request: Request, session: Db, who: Editor, typed: Form, building_id: int) -> Response:
    """Save; whoever saves over somebody else's change is told first and keeps what they typed."""
    building = _open(session, building_id)
    key = form_key(request, who, typed)
    before = once.done(session, key)
    if before:
        return see_other(before)
    form = building_forms.read_building(
        typed, building, stairwell_end.ended_labels(session, building.id)
    )
    status = 422
    if typed.form.get("prima") != building_edit.state_of(building):
        # Rows that somebody added meanwhile have no field in this form: no fault of the typist.
        typed.errors.clear()
    if not typed.errors:
        try:
            saving = partial(building_edit.change_building, session, building, form)
            return see_other(do_once(session, who, building, typed, key, saving))
        except ChangedMeanwhile as clash:
            session.refresh(building)
            typed.errors[""] = f"{clash} " + _(
                "Quello che avete scritto è qui sotto: salvate di nuovo per sostituirlo."
            )
            status = 409
        except Invalid as refused:
            typed.errors.update(refused.fields or {"": str(refused)})
    return _form(request, session, building, typed, clash=status == 409, status=status)


@router.get(PAGE + "/chiudi")
def close_form(
    request: Request, session: Db, who: Editor, today: Today, building_id: int
) -> Response:
    """The form that ends a building."""
    return _close_form(request, session, _open(session, building_id), today)


@router.post(PAGE + "/chiudi")
def close(
    request: Request, session: Db, who: Editor, today: Today, typed: Form, building_id: int
) -> Response:
    """End a building, once it is confirmed; it is never deleted."""
    building = service.building(session, building_id)
    key = form_key(request, who, typed)
    before = once.done(session, key)
    if before:
        return see_other(before)
    _refuse_closed(building)
    end = building_forms.read_end(typed, session, building, today)
    if end is not None:
        closing = partial(building_edit.close_building, session, building, end)
        answer = end_once(session, who, building, typed, key, closing)
        if answer is not None:
            return answer
    return _close_form(request, session, building, today, typed, status=422)


def form_key(request: Request, who: SignedIn, typed: Typed) -> bytes:
    """By what this form is known when it comes a second time."""
    items = [(k, v) for k, v in typed.form.multi_items() if k != "csrf" and isinstance(v, str)]
    return once.key_of(who.id, request.url.path, items)


def end_once(
    session: Session, who: SignedIn, building: Building, typed: Typed, key: bytes,
    act: Callable[[], int],
) -> Response | None:  # fmt: skip
    """As :func:`do_once`; None where it was refused: the faults stand in ``typed`` then."""
    try:
        return see_other(do_once(session, who, building, typed, key, act))
    except (Invalid, ChangedMeanwhile) as refused:
        session.refresh(building)
        fields = refused.fields if isinstance(refused, Invalid) else {}
        typed.errors.update(fields or {"": str(refused)})
    return None


def do_once(
    session: Session, who: SignedIn, building: Building, typed: Typed, key: bytes,
    act: Callable[[], int],
) -> str:  # fmt: skip
    """Where to go on after ``act`` on the locked building; a form sent twice is done once.

    ``act`` returns how many phases are computed again. Raises what it raises, and
    :class:`ChangedMeanwhile`; nothing is written then.
    """
    with session.begin_nested():
        done = once.begin(session, key, who.id)
        if done is not None:
            return done or f"/edifici/{building.id}"
        building_edit.lock(session, building, str(typed.form.get("prima") or ""))
        address = f"/edifici/{building.id}?salvato={act()}"
        once.end(session, key, address)
    return address


def _open(session: Session, building_id: int) -> Building:
    building = service.building(session, building_id)
    _refuse_closed(building)
    return building


def _refuse_closed(building: Building) -> None:
    if building.closed_on is not None:
        raise Conflict(_("Questo edificio è chiuso: non si cambia più."))


def _form(
    request: Request, session: Session, building: Building, typed: Typed | None = None, *,
    clash: bool = False, status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, building.quarter)
    present = building_edit.form_of(building)
    # A form with faults goes on from where it started; after a clash, from what stands now.
    fresh = typed is None or clash
    before = building_edit.state_of(building) if fresh else str(typed.form.get("prima") or "")
    return render(
        request,
        "desk/building_edit.html",
        status=status,
        building=building,
        address=building_label(building),
        present=present,
        typed=typed.form if typed is not None else None,
        errors=typed.errors if typed is not None else {},
        clash=clash,
        before=before,
        key=secrets.token_urlsafe(12) if fresh else str(typed.form.get("chiave") or ""),
        uses=[(code, words.use(code)) for code in USES],
        classes=[(code, code) for code in building_forms.CLASSES],
        new_rows=building_forms.NEW_ROWS,
        touched=len(wanted_revisions(session, building.quarter_id, building_id=building.id)),
        section="/edifici",
    )


def _close_form(
    request: Request, session: Session, building: Building, today: dt.date,
    typed: Typed | None = None, *, status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, building.quarter)
    return render(
        request,
        "desk/building_close.html",
        status=status,
        building=building,
        address=building_label(building),
        typed=typed.form if typed is not None else {"giorno": today.isoformat()},
        errors=typed.errors if typed is not None else {},
        before=building_edit.state_of(building),
        key=secrets.token_urlsafe(12),
        ways=pairs(building_forms.WAY_WORDS),
        touched=len(wanted_revisions(session, building.quarter_id, building_id=building.id)),
        section="/edifici",
    )
