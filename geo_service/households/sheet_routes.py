"""The sheet of a household: facts, needs, edit, move, merge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.households import adding, editing, forms, lists, merging, moving, sheet, vocabulary
from geo_service.households.editing import ChangedMeanwhile
from geo_service.households.forms import Typed
from geo_service.households.looks import look, looks_at, show_households
from geo_service.households.models import CHANNELS, TITLES, Household
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.settings import get_settings
from geo_service.web import words
from geo_service.web.pages import render, see_other
from geo_service.web.panels import panels
from geo_service.web.quarter import Today
from geo_service.web.session import Db

router = APIRouter()
PAGE = "/nuclei/{household_id:int}"
Reader = Annotated[SignedIn, Depends(need("households"))]
NeedReader = Annotated[SignedIn, Depends(need("needs"))]
Form = Annotated[Typed, Depends(forms.read_form)]
# Field of the form → what it edits.
FIELDS = {
    "language": "lingua", "size": "persone", "channel": "canale", "name": "nome",
    "phone": "telefono", "email": "email", "protected": "protetto",
}  # fmt: skip


@router.get(PAGE)
def household_sheet(
    request: Request, session: Db, who: Reader, today: Today, household_id: int
) -> Response:
    """Who it is, where it lives, on which title, what acts on it; needs stay closed."""
    found = sheet.household(session, household_id, protected=who.can("protected"))
    if found.id != household_id:
        return see_other(f"/nuclei/{found.id}")
    return _sheet(request, session, who, found, today)


@router.post(PAGE + "/esigenze")
def open_needs(
    request: Request, session: Db, who: NeedReader, today: Today, typed: Form, household_id: int
) -> Response:
    """The sheet with its needs, once it is said what for; the look is written down."""
    found = _found(session, who, household_id)
    reason = typed.choice("motivo", vocabulary.REASON_WORDS)
    if typed.errors:
        return _sheet(request, session, who, found, today, errors=typed.errors, status=422)
    look(session, who.id, found.quarter_id, "needs", found.id, reason)
    return _sheet(request, session, who, found, today, open_needs=True)


@router.post(PAGE + "/esigenze/nuova")
def new_need(
    request: Request, session: Db, who: NeedReader, today: Today, typed: Form, household_id: int
) -> Response:
    """Record a need."""
    return _save_need(request, session, who, today, typed, household_id, None)


@router.post(PAGE + "/esigenze/{need_id:int}")
def save_need(
    request: Request, session: Db, who: NeedReader, today: Today, typed: Form,
    household_id: int, need_id: int,
) -> Response:  # fmt: skip
    """Change a need."""
    return _save_need(request, session, who, today, typed, household_id, need_id)


@router.post(PAGE + "/esigenze/{need_id:int}/togli")
def drop_need(
    session: Db, who: NeedReader, typed: Form, household_id: int, need_id: int
) -> Response:
    """Delete a need."""
    found = _found(session, who, household_id)
    editing.locked(session, found, typed.number_of("versione"))
    editing.drop_need(session, found, need_id)
    return see_other(f"/nuclei/{found.id}")


@router.get(PAGE + "/modifica")
def edit(request: Request, session: Db, who: Reader, household_id: int) -> Response:
    """The form of a household as it stands."""
    found = _found(session, who, household_id)
    return _form(request, session, who, found, editing.values_of(found), {})


@router.post(PAGE + "/modifica")
def save(request: Request, session: Db, who: Reader, typed: Form, household_id: int) -> Response:
    """Save; whoever saves over somebody else's change is told first and keeps what they typed."""
    found = _found(session, who, household_id)
    forms.read_household(typed, protected=who.can("protected"))
    shown = {**editing.values_of(found), **typed.values}
    if typed.form.get("persone") and typed.values["size"] is None:
        shown["size"] = typed.text("persone", 12)
    if typed.errors:
        return _form(request, session, who, found, shown, typed.errors, typed=typed, status=422)
    try:
        editing.change_household(session, found, typed.number_of("versione"), typed.values)
    except ChangedMeanwhile as clash:
        now = editing.values_of(found)
        others = {FIELDS[n]: (v, now[n]) for n, v in typed.values.items() if v != now[n]}
        errors = {"": str(clash)}
        return _form(request, session, who, found, shown, errors, others=others, status=409)
    return see_other(f"/nuclei/{found.id}")


@router.get(PAGE + "/trasferisci")
def move_form(
    request: Request, session: Db, who: Reader, today: Today, household_id: int
) -> Response:
    """The form of a move."""
    found = _found(session, who, household_id)
    typed = {"giorno": today.isoformat(), "scala": "", "interno": "", "titolo": "assignee"}
    return _move_form(request, session, found, typed, {})


@router.post(PAGE + "/trasferisci")
def move(request: Request, session: Db, who: Reader, typed: Form, household_id: int) -> Response:
    """Carry out a move."""
    found = _found(session, who, household_id)
    version = typed.number_of("versione")
    day, title = typed.day("giorno"), forms.read_title(typed)
    number = typed.text("interno", 30, required=True)
    flat_id = moving.find_flat(session, found.quarter_id, typed.number_of("scala"), number)
    if flat_id is None and "interno" not in typed.errors:
        typed.errors["interno"] = _("In questa scala non c'è un alloggio con questo interno.")
    sharing: list[str] = []
    if day is not None and flat_id is not None and not typed.errors:
        present = adding.who_stays(session, flat_id, day, protected=who.can("protected"))
        sharing = [code for code in present if code != found.code]
    if sharing and typed.form.get("giusto") is None:
        return _move_form(request, session, found, typed.form, {}, 422, sharing)
    if day is not None and flat_id is not None and not typed.errors:
        wanted = moving.Move(flat_id, day, title, typed.form.get("conserva") is not None)
        try:
            moving.move(session, found, version, wanted)
            return see_other(f"/nuclei/{found.id}")
        except ChangedMeanwhile as clash:
            typed.errors[""] = f"{clash} " + _("Controllate e salvate di nuovo.")
        except Invalid as refused:
            typed.errors.update(refused.fields or {"": str(refused)})
    status = 409 if "" in typed.errors else 422
    return _move_form(request, session, found, typed.form, typed.errors, status)


@router.post(PAGE + "/unisci")
def merge(
    request: Request, session: Db, who: Reader, today: Today, typed: Form, household_id: int
) -> Response:
    """First show both records side by side, then, confirmed, make them one."""
    found = _found(session, who, household_id)
    protected = who.can("protected")
    code = typed.text("codice", 60, required=True)
    other = sheet.household_by_code(session, found.quarter_id, code, protected=protected)
    if other is None or other.id == found.id:
        typed.errors["codice"] = (
            _("È questo stesso nucleo.") if other else _("Nessun nucleo con questo codice.")
        )
        return _sheet(request, session, who, found, today, errors=typed.errors, status=422)
    if typed.form.get("conferma") is None:
        return _merge_form(request, session, found, other, {})
    contact = forms.read_contact(typed)
    if typed.errors:
        return _merge_form(request, session, found, other, typed.errors, contact, 422)
    versions = typed.number_of("versione"), typed.number_of("altra_versione")
    try:
        merging.merge(session, found, versions[0], other, versions[1], contact)
        return see_other(f"/nuclei/{found.id}")
    except (Invalid, ChangedMeanwhile) as refused:
        session.refresh(found)
        session.refresh(other)
        errors = {"": str(refused)}
        return _merge_form(request, session, found, other, errors, contact, refused.status)


def _found(session: Session, who: SignedIn, household_id: int) -> Household:
    return sheet.household(session, household_id, protected=who.can("protected"))


def _save_need(
    request: Request, session: Session, who: SignedIn, today: dt.date, typed: Typed,
    household_id: int, need_id: int | None,
) -> Response:  # fmt: skip
    found = _found(session, who, household_id)
    forms.read_need(typed)
    if not typed.errors:
        try:
            editing.locked(session, found, typed.number_of("versione"))
            if need_id is None:
                editing.add_need(session, found, typed.values)
            else:
                editing.change_need(session, found, need_id, typed.values)
            return see_other(f"/nuclei/{found.id}")
        except ChangedMeanwhile as clash:
            typed.errors[""] = f"{clash} " + _("Controllate e salvate di nuovo.")
    # Shown again with what was typed: the needs beside it are a look as well.
    look(session, who.id, found.quarter_id, "needs", found.id, "review")
    status = 409 if "" in typed.errors else 422
    return _sheet(request, session, who, found, today, errors=typed.errors, open_needs=True,
                  typed_need=(need_id, typed.form), status=status)  # fmt: skip


def _sheet(
    request: Request, session: Session, who: SignedIn, found: Household, today: dt.date, *,
    errors: dict[str, str] | None = None, open_needs: bool = False,
    typed_need: tuple[int | None, Any] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    show_households(request, session, found)
    stays, titles = sheet.stays_and_titles(session, found.id)
    present = next((s for s in stays if s.at(today)), None)
    settings = get_settings()
    blank = {
        "tipo": "", "nota": "", "finalita": settings.needs_purpose,
        "base": settings.needs_legal_basis,
        "rivedere": (today + dt.timedelta(days=settings.needs_review_days)).isoformat(),
    }  # fmt: skip
    return render(
        request,
        "households/sheet.html",
        status=status,
        beside=panels(request, session, "household", found.id),
        household=found,
        present=present,
        stays=stays,
        titles=titles,
        acting=sheet.acting_on(session, present.place.flat_id, today) if present else [],
        needs=sheet.needs_of(session, found.id) if open_needs else None,
        merges=merging.merged_into(session, found.id),
        looks=looks_at(session, found.id) if who.can("protected") else [],
        errors=errors or {},
        blank=blank,
        typed_need=typed_need or (0, {}),
        say=vocabulary,
        section="/nuclei",
    )


def _form(
    request: Request, session: Session, who: SignedIn, found: Household, shown: dict[str, Any],
    errors: dict[str, str], *, typed: Typed | None = None,
    others: dict[str, tuple[Any, Any]] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    show_households(request, session, found)
    # A form with faults goes on from where it started; after a clash, from what stands now.
    version = found.row_version if typed is None else typed.number_of("versione")
    codes = {shown["language"], *words.LANGUAGE_NAMES}
    spoken = [(code, words.language_name(code)) for code in codes if code]
    labels = {
        "lingua": _("Lingua"), "persone": _("Persone"), "canale": _("Canale"), "nome": _("Nome"),
        "telefono": _("Telefono"), "email": _("E-mail"), "protetto": _("Indirizzo protetto"),
    }  # fmt: skip
    return render(
        request,
        "households/edit.html",
        status=status,
        household=found,
        shown=shown,
        version=version,
        errors=errors,
        others=others or {},
        labels=labels,
        languages_known=sorted(spoken, key=lambda one: one[1]),
        channels=pairs(vocabulary.CHANNEL_WORDS, CHANNELS),
        may_protect=who.can("protected"),
        section="/nuclei",
    )


def _move_form(
    request: Request, session: Session, found: Household, typed: Any, errors: dict[str, str],
    status: int = 200, sharing: Sequence[str] = (),
) -> Response:  # fmt: skip
    show_households(request, session, found)
    return render(
        request,
        "households/move.html",
        sharing=sharing,
        status=status,
        household=found,
        typed=typed,
        errors=errors,
        places=lists.stairwells(session, found.quarter_id),
        titles=pairs(vocabulary.TITLE_WORDS, TITLES),
        section="/nuclei",
    )


def _merge_form(
    request: Request, session: Session, found: Household, other: Household,
    errors: dict[str, str], contact: dict[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    show_households(request, session, found, other)
    both = [editing.values_of(h) for h in (found, other)]
    if contact is None:
        contact = {name: both[0][name] or both[1][name] for name in editing.CONTACT}
    return render(
        request,
        "households/merge.html",
        status=status,
        household=found,
        other=other,
        both=both,
        stays=[sheet.stays_and_titles(session, h.id)[0] for h in (found, other)],
        contact=contact,
        errors=errors,
        say=vocabulary,
        section="/nuclei",
    )
