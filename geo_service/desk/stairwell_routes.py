"""The form that ends a stairwell, or takes out one that was a slip; done once."""

from __future__ import annotations

import datetime as dt
import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.desk import building_edit, building_forms, service, stairwell_end
from geo_service.desk.building_edit_routes import end_once, form_key
from geo_service.errors import NotFound
from geo_service.households.forms import Typed
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.places import building_label
from geo_service.works.tasks import wanted_revisions
from layers.buildings import Building, Stairwell

router = APIRouter()
PAGE = "/edifici/{building_id:int}/scale/{stairwell_id:int}/chiudi"
WAYS = {
    "ended": N_("non c'è più: si chiude con i suoi alloggi"),
    "slip": N_("non c'è mai stata: registrata per errore, si toglie"),
}
# It ends flats as well, and where that goes through nobody lives: only for who may know.
Coordinator = Annotated[SignedIn, Depends(need("protected"))]
Form = Annotated[Typed, Depends(building_forms.read_form)]


@router.get(PAGE)
def form(
    request: Request, session: Db, who: Coordinator, today: Today, building_id: int,
    stairwell_id: int,
) -> Response:  # fmt: skip
    """How a stairwell ended, or that it never was."""
    building, stairwell = _found(session, building_id, stairwell_id)
    return _form(request, session, building, stairwell, today)


@router.post(PAGE)
def close(
    request: Request, session: Db, who: Coordinator, today: Today, typed: Form,
    building_id: int, stairwell_id: int,
) -> Response:  # fmt: skip
    """End a stairwell or take it out, once it is confirmed."""
    key = form_key(request, who, typed)
    before = once.done(session, key)
    if before:
        return see_other(before)
    building, stairwell = _found(session, building_id, stairwell_id)
    way = typed.choice("modo", WAYS)
    day = typed.day("giorno") if way == "ended" else today
    if day is not None and day > today:
        typed.errors["giorno"] = building_forms.still_to_come()
    if typed.form.get("conferma") is None:
        typed.errors["conferma"] = _("Segnate la casella per confermare.")
    if day is not None and not typed.errors:
        ending = partial(stairwell_end.end_stairwell, session, building, stairwell, day)
        removing = partial(stairwell_end.remove_stairwell, session, building, stairwell)
        act = removing if way == "slip" else ending
        answer = end_once(session, who, building, typed, key, act)
        if answer is not None:
            return answer
    return _form(request, session, building, stairwell, today, typed, status=422)


def _found(session: Session, building_id: int, stairwell_id: int) -> tuple[Building, Stairwell]:
    building = service.building(session, building_id)
    stairwell = next((w for w in building.stairwells if w.id == stairwell_id), None)
    if building.closed_on is not None or stairwell is None:
        raise NotFound(_("Questa scala non c'è, o non c'è più."))
    return building, stairwell


def _form(
    request: Request, session: Session, building: Building, stairwell: Stairwell, today: dt.date,
    typed: Typed | None = None, *, status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, building.quarter)
    hanging = stairwell_end.what_hangs_on(session, stairwell)
    usual = {"giorno": today.isoformat(), "modo": "ended" if hanging else ""}
    return render(
        request,
        "desk/stairwell_close.html",
        status=status,
        building=building,
        stairwell=stairwell,
        address=building_label(building),
        hanging=hanging,
        typed=typed.form if typed is not None else usual,
        errors=typed.errors if typed is not None else {},
        before=building_edit.state_of(building),
        key=secrets.token_urlsafe(12),
        ways=[(code, _(word)) for code, word in WAYS.items() if code != "slip" or not hanging],
        touched=len(wanted_revisions(session, building.quarter_id, building_id=building.id)),
        section="/edifici",
    )
