"""New flats and households, and the end of a flat; each form is done once."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.desk import building_forms, service
from geo_service.desk.building_edit import compute_again
from geo_service.desk.building_edit_routes import form_key
from geo_service.errors import Conflict, Invalid
from geo_service.households import adding, forms, lists, moving, sheet, vocabulary
from geo_service.households.adding import Arrival
from geo_service.households.forms import Typed
from geo_service.households.models import CHANNELS, TITLES
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web import words
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import StaffQuarter, Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.places import building_label
from layers.buildings import Building, Flat, Quarter

router = APIRouter()
NEW_FLAT = "/edifici/{building_id:int}/alloggi/nuovo"
CLOSE_FLAT = "/alloggi/{flat_id:int}/chiudi"
NEW_HOUSEHOLD = "/nuclei/nuovo"
# A new flat is an empty one, and a closed one was: both are for those who may see empty flats.
Coordinator = Annotated[SignedIn, Depends(need("protected"))]
Writer = Annotated[SignedIn, Depends(need("households"))]
Form = Annotated[Typed, Depends(forms.read_form)]


@router.get(NEW_FLAT)
def new_flat(request: Request, session: Db, who: Coordinator, building_id: int) -> Response:
    """The form of a new flat."""
    building = service.building(session, building_id)
    return _flat_form(request, session, building, FormData(), {})


@router.post(NEW_FLAT)
def add_flat(
    request: Request, session: Db, who: Coordinator, typed: Form, building_id: int
) -> Response:
    """Record a new flat."""
    building = service.building(session, building_id)
    if building.closed_on is not None:
        raise Conflict(_("Questo edificio è chiuso: non si cambia più."))
    key = form_key(request, who, typed)
    before = once.done(session, key)
    if before:
        return see_other(before)
    forms.read_flat(typed)
    if not typed.errors:
        try:
            with session.begin_nested():
                known = once.begin(session, key, who.id)
                if known is not None:
                    return see_other(known or f"/edifici/{building.id}")
                stairwell_id = typed.number_of("scala")
                flat = adding.add_flat(session, building, stairwell_id, typed.values)
                compute_again(session, building)
                address = f"/alloggi/{flat.id}"
                once.end(session, key, address)
            return see_other(address)
        except Invalid as refused:
            typed.errors.update(refused.fields or {"": str(refused)})
        except IntegrityError:
            # Somebody added the same flat at the same instant.
            typed.errors["interno"] = _("In questa scala c'è già un alloggio con questo interno.")
    return _flat_form(request, session, building, typed.form, typed.errors, status=422)


@router.get(CLOSE_FLAT)
def flat_end(
    request: Request, session: Db, who: Coordinator, today: Today, flat_id: int
) -> Response:
    """The form that ends a flat."""
    flat = sheet.flat(session, flat_id, today, protected=True)
    return _flat_end(request, session, flat, {"giorno": today.isoformat()}, {})


@router.post(CLOSE_FLAT)
def close_flat(
    request: Request, session: Db, who: Coordinator, today: Today, typed: Form, flat_id: int
) -> Response:
    """End a flat, once it is confirmed; it is never deleted."""
    flat = sheet.flat(session, flat_id, today, protected=True)
    day = typed.day("giorno")
    if day is not None and day > today:
        typed.errors["giorno"] = building_forms.still_to_come()
    if typed.form.get("conferma") is None:
        typed.errors["conferma"] = _("Segnate la casella per confermare.")
    if day is not None and not typed.errors:
        session.refresh(flat, with_for_update={"of": Flat})
        try:
            adding.close_flat(session, flat, day)
            compute_again(session, flat.stairwell.building)
            return see_other(f"/alloggi/{flat.id}")
        except Invalid as refused:
            typed.errors.update(refused.fields or {"": str(refused)})
    return _flat_end(request, session, flat, typed.form, typed.errors, status=422)


@router.get(NEW_HOUSEHOLD)
def new_household(
    request: Request, session: Db, who: Writer, quarter: StaffQuarter, today: Today,
    alloggio: str = "",
) -> Response:  # fmt: skip
    """The form of a new household, perhaps in a flat that is known already."""
    typed: dict[str, Any] = {
        "codice": adding.next_code(session, quarter.id), "giorno": today.isoformat(),
        "lingua": "it", "canale": "letter", "titolo": "assignee",
    }  # fmt: skip
    flat_id = number_in(alloggio)
    if flat_id is not None:
        flat = session.get(Flat, flat_id)
        if flat is not None and flat.stairwell.building.quarter_id == quarter.id:
            seen = who.can("protected") or bool(
                sheet.people_in(session, flat.id, today, protected=False)
            )
            if seen:
                typed |= {"scala": flat.stairwell_id, "interno": flat.number}
    return _household_form(request, session, who, quarter, typed, {}, [])


@router.post(NEW_HOUSEHOLD)
def add_household(
    request: Request, session: Db, who: Writer, quarter: StaffQuarter, typed: Form
) -> Response:
    """Record a new household; a full flat and a namesake ask for a second look first."""
    key = form_key(request, who, typed)
    before = once.done(session, key)
    if before:
        return see_other(before)
    code = typed.text("codice", 60, required=True)
    forms.read_household(typed, protected=who.can("protected"))
    arrival = _arrival(session, quarter, typed)
    doubts = [] if typed.errors else _doubts(session, who, quarter, typed, arrival)
    if not typed.errors and (not doubts or typed.form.get("giusto") is not None):
        try:
            with session.begin_nested():
                known = once.begin(session, key, who.id)
                if known is not None:
                    return see_other(known or "/nuclei")
                made = adding.add_household(session, quarter.id, code, typed.values, arrival)
                address = f"/nuclei/{made.id}"
                once.end(session, key, address)
            return see_other(address)
        except Invalid as refused:
            typed.errors.update(refused.fields or {"": str(refused)})
        except IntegrityError:
            typed.errors["codice"] = _("C'è già un nucleo con questo codice.")
    return _household_form(
        request, session, who, quarter, typed.form, typed.errors, doubts, status=422
    )


def _arrival(session: Session, quarter: Quarter, typed: Typed) -> Arrival | None:
    """Where the household stays; nowhere where neither stairwell nor flat is told."""
    number = typed.text("interno", 30)
    stairwell_id = typed.number_of("scala")
    if not number and stairwell_id < 0:
        return None
    title, day = forms.read_title(typed), typed.day("giorno")
    flat_id = moving.find_flat(session, quarter.id, stairwell_id, number)
    if flat_id is None:
        typed.errors["interno"] = _("In questa scala non c'è un alloggio con questo interno.")
    if flat_id is None or day is None:
        return None
    return Arrival(flat_id, day, title)


def _doubts(
    session: Session, who: SignedIn, quarter: Quarter, typed: Typed, arrival: Arrival | None
) -> list[tuple[str, str]]:
    """What looks like a slip, as (sentence, address of a page that helps)."""
    protected = who.can("protected")
    found = []
    if arrival is not None:
        for code in adding.who_stays(session, arrival.flat_id, arrival.day, protected=protected):
            found.append((_("In questo alloggio risulta già il nucleo %(code)s.", code=code), ""))
    for number, code, since in adding.namesakes(
        session, quarter.id, typed.values, protected=protected
    ):
        if since:
            sentence = _(
                "C'è già il nucleo %(code)s con lo stesso nome o telefono, che abita nel quartiere "
                "dal %(day)s. Se è lo stesso, un nucleo abita in un posto alla volta: registrate "
                "il suo cambio di alloggio.",
                code=code, day=since,
            )  # fmt: skip
            found.append((sentence, f"/nuclei/{number}/trasferisci"))
        else:
            sentence = _("C'è già il nucleo %(code)s con lo stesso nome o telefono.", code=code)
            found.append((sentence, f"/nuclei/{number}"))
    return found


def _flat_form(
    request: Request, session: Session, building: Building, typed: Any, errors: dict[str, str], *,
    status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, building.quarter)
    stairs = sorted(building.stairwells, key=lambda w: (len(w.label), w.label))
    return render(
        request,
        "desk/new_flat.html",
        status=status,
        building=building,
        address=building_label(building),
        stairs=[(w.id, w.label) for w in stairs],
        typed=typed,
        chosen_sides=typed.getlist("affacci"),
        errors=errors,
        sides=vocabulary.SIDE_WORDS,
        uses=pairs(vocabulary.FLAT_USE_WORDS),
        key=typed.get("chiave") or secrets.token_urlsafe(12),
        section="/edifici",
    )


def _flat_end(
    request: Request, session: Session, flat: Flat, typed: Any, errors: dict[str, str], *,
    status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, flat.stairwell.building.quarter)
    return render(
        request,
        "desk/close_flat.html",
        status=status,
        flat=flat,
        place=sheet.places_of(session, [flat.id])[flat.id],
        typed=typed,
        errors=errors,
        section="/nuclei",
    )


def _household_form(
    request: Request, session: Session, who: SignedIn, quarter: Quarter, typed: Any,
    errors: dict[str, str], doubts: list[tuple[str, str]], *, status: int = 200,
) -> Response:  # fmt: skip
    spoken = [(words.language_name(code), code) for code in words.LANGUAGE_NAMES]
    return render(
        request,
        "desk/new_household.html",
        status=status,
        typed=typed,
        errors=errors,
        doubts=doubts,
        places=lists.stairwells(session, quarter.id),
        languages_known=[(code, word) for word, code in sorted(spoken)],
        channels=pairs(vocabulary.CHANNEL_WORDS, CHANNELS),
        titles=pairs(vocabulary.TITLE_WORDS, TITLES),
        may_protect=who.can("protected"),
        key=typed.get("chiave") or secrets.token_urlsafe(12),
        section="/nuclei",
    )
