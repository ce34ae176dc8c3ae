"""The sheet of a flat with its owners, and the administrators of its building."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.households import editing, forms, sheet, vocabulary
from geo_service.households.editing import ChangedMeanwhile, Person
from geo_service.households.forms import Typed
from geo_service.households.looks import look
from geo_service.households.models import CondominiumAdministrator, FlatOwner
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web.follow_ups import follow_up
from geo_service.web.pages import render, see_other
from geo_service.web.panels import panels
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from layers.buildings import Building, Flat

router = APIRouter()
PAGE = "/alloggi/{flat_id:int}"
Reader = Annotated[SignedIn, Depends(need("households"))]
Form = Annotated[Typed, Depends(forms.read_form)]


@router.get(PAGE)
def flat_sheet(request: Request, session: Db, who: Reader, today: Today, flat_id: int) -> Response:
    """One flat: facts, who lives there, owners, what acts on it."""
    return _sheet(request, session, who, _found(session, who, today, flat_id), today)


@router.post(PAGE)
def save(
    request: Request, session: Db, who: Reader, today: Today, typed: Form, flat_id: int
) -> Response:
    """Change the facts of a flat; a second editor is told first and keeps what they typed."""
    flat = _found(session, who, today, flat_id)
    session.refresh(flat, with_for_update={"of": Flat})
    forms.read_flat(typed)
    if not typed.errors and typed.form.get("prima") != state_of(flat):
        typed.errors[""] = _(
            "Qualcun altro ha cambiato questo alloggio mentre scrivevate. Quello che avete "
            "scritto è qui sotto: controllate e salvate di nuovo per sostituirlo."
        )
        return _sheet(request, session, who, flat, today, typed, status=409)
    if not typed.errors:
        try:
            with session.begin_nested():
                if editing.change_flat(session, flat, typed.values):
                    follow_up(request, session, "flat.changed", flat.stairwell.building)
            return see_other(f"/alloggi/{flat.id}")
        except IntegrityError:
            session.refresh(flat)
            typed.errors["interno"] = _("In questa scala c'è già un alloggio con questo interno.")
    return _sheet(request, session, who, flat, today, typed, status=422)


@router.post(PAGE + "/proprietari")
def save_owner(
    request: Request, session: Db, who: Reader, today: Today, typed: Form, flat_id: int
) -> Response:
    """Add, change or take off an owner."""
    flat = _found(session, who, today, flat_id)
    return _save_person(request, session, who, today, typed, flat, flat, FlatOwner)


@router.post(PAGE + "/amministratori")
def save_administrator(
    request: Request, session: Db, who: Reader, today: Today, typed: Form, flat_id: int
) -> Response:
    """Add, change or take off an administrator of the flat's building."""
    flat = _found(session, who, today, flat_id)
    building = flat.stairwell.building
    kind = CondominiumAdministrator
    return _save_person(request, session, who, today, typed, flat, building, kind)


def _save_person(
    request: Request, session: Session, who: SignedIn, today: dt.date, typed: Typed, flat: Flat,
    place: Flat | Building, kind: Person,
) -> Response:  # fmt: skip
    person_id, version = typed.number_of("persona"), typed.number_of("versione")
    going = typed.form.get("togli") is not None
    if not going:
        forms.read_person(typed)
    if typed.errors:
        wrong = {f"{kind.__tablename__}-{name}": text for name, text in typed.errors.items()}
        typed.errors = {"": _("La persona non è stata salvata: correggete i suoi campi."), **wrong}
        return _sheet(request, session, who, flat, today, typed, person=kind, status=422)
    try:
        if going:
            editing.drop_person(session, kind, place, person_id, version)
        else:
            known = person_id if person_id > 0 else None
            editing.save_person(session, kind, place, known, typed.values, version)
    except ChangedMeanwhile as theirs:
        typed.errors[""] = str(theirs)
        return _sheet(request, session, who, flat, today, typed, person=kind, status=409)
    return see_other(f"/alloggi/{flat.id}")


def _found(session: Session, who: SignedIn, today: dt.date, flat_id: int) -> Flat:
    return sheet.flat(session, flat_id, today, protected=who.can("protected"))


def state_of(flat: Flat) -> str:
    """The row version that the form started from, told back when it is sent."""
    return str(flat.row_version)


def _shown(flat: Flat, typed: Typed | None) -> dict[str, Any]:
    said = {True: "si", False: "no", None: ""}
    recorded = {
        "interno": flat.number, "piano": _text(flat.storey), "locali": _text(flat.rooms),
        "superficie": _text(flat.area_m2), "gradini": said[flat.step_free], "uso": flat.use,
        "venduto": flat.sold, "affacci": flat.exposures or [],
    }  # fmt: skip
    if typed is None:
        return recorded
    # A form that lost a field on its way is shown again with what is recorded there.
    return {**recorded, **{k: v for k, v in typed.form.items() if isinstance(v, str)},
            "venduto": typed.form.get("venduto") is not None,
            "affacci": typed.form.getlist("affacci")}  # fmt: skip


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _sheet(
    request: Request, session: Session, who: SignedIn, flat: Flat, today: dt.date,
    typed: Typed | None = None, *, person: Person | None = None, status: int = 200,
) -> Response:  # fmt: skip
    protected = who.can("protected")
    show_quarter(request, session, flat.stairwell.building.quarter)
    people = sheet.people_in(session, flat.id, today, protected=protected)
    if not people:
        look(session, who.id, flat.stairwell.building.quarter_id, "empty_flats")
    elif protected and len(sheet.people_in(session, flat.id, today, protected=False)) < len(people):
        look(session, who.id, flat.stairwell.building.quarter_id, "protected")
    return render(
        request,
        "households/flat.html",
        status=status,
        beside=panels(request, session, "flat", flat.id),
        flat=flat,
        place=sheet.places_of(session, [flat.id])[flat.id],
        people=people,
        acting=sheet.acting_on(session, flat.id, today),
        owners=sheet.owners_of(session, flat.id),
        administrators=sheet.administrators_of(session, flat.stairwell.building_id),
        shown=_shown(flat, typed if person is None else None),
        typed_person=(person.__tablename__, typed.form) if person and typed else ("", {}),
        state=state_of(flat),
        errors=typed.errors if typed else {},
        sides=vocabulary.SIDE_WORDS,
        uses=pairs(vocabulary.FLAT_USE_WORDS),
        section="/nuclei",
    )
