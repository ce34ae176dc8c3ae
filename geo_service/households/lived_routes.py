"""Corrections of stays and titles, a merge taken back, a household emptied of names."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.households import lived, merging, sheet, vocabulary
from geo_service.households.editing import ChangedMeanwhile
from geo_service.households.forms import Typed
from geo_service.households.lived import Corrected
from geo_service.households.looks import show_households
from geo_service.households.models import TITLES, Household
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web.pages import render, see_other
from geo_service.web.session import Db

router = APIRouter()
PAGE = "/nuclei/{household_id:int}"
MAX_FIELDS = 1_000
Reader = Annotated[SignedIn, Depends(need("households"))]
Coordinator = Annotated[SignedIn, Depends(need("protected"))]


async def read_form(request: Request) -> Typed:
    """The submitted form; a long history has many fields."""
    return Typed(await request.form(max_files=0, max_fields=MAX_FIELDS))


Form = Annotated[Typed, Depends(read_form)]


@router.get(PAGE + "/dove")
def form(request: Request, session: Db, who: Reader, household_id: int) -> Response:
    """Every stay and title with its days, to be corrected."""
    return _form(request, session, who, _found(session, who, household_id))


@router.post(PAGE + "/dove")
def save(request: Request, session: Db, who: Reader, typed: Form, household_id: int) -> Response:
    """Correct stays and titles; whoever is second is told and keeps what they typed."""
    found = _found(session, who, household_id)
    stays, titles = lived.rows_of(session, found.id)
    wanted = {f"s{row.id}": _read(typed, f"s{row.id}") for row in stays}
    wanted |= {f"t{row.id}": _read(typed, f"t{row.id}", titled=True) for row in titles}
    status = 422
    if not typed.errors:
        try:
            lived.correct(
                session, found, typed.number_of("versione"),
                {row.id: wanted[f"s{row.id}"] for row in stays},
                {row.id: wanted[f"t{row.id}"] for row in titles},
            )  # fmt: skip
            return see_other(f"/nuclei/{found.id}")
        except ChangedMeanwhile as clash:
            typed.errors[""] = f"{clash} " + _("Controllate e salvate di nuovo.")
            status = 409
        except Invalid as refused:
            typed.errors.update(refused.fields)
    return _form(request, session, who, found, typed, status)


@router.post(PAGE + "/unisci/{merge_id:int}/separa")
def separate(session: Db, who: Reader, typed: Form, household_id: int, merge_id: int) -> Response:
    """Take a merge back."""
    found = _found(session, who, household_id)
    other = merging.separate(session, found, typed.number_of("versione"), merge_id)
    return see_other(f"/nuclei/{other.id}")


@router.get(PAGE + "/svuota")
def forget_form(request: Request, session: Db, who: Coordinator, household_id: int) -> Response:
    """What is emptied, before it is."""
    return _forget_form(request, session, who, _found(session, who, household_id), {})


@router.post(PAGE + "/svuota")
def forget(
    request: Request, session: Db, who: Coordinator, typed: Form, household_id: int
) -> Response:
    """Empty names, contacts and needs, once it is confirmed."""
    found = _found(session, who, household_id)
    if typed.form.get("conferma") is None:
        errors = {"conferma": _("Segnate la casella per confermare.")}
        return _forget_form(request, session, who, found, errors, 422)
    merging.forget(session, found, typed.number_of("versione"))
    return see_other(f"/nuclei/{found.id}")


def _found(session: Session, who: SignedIn, household_id: int) -> Household:
    return sheet.household(session, household_id, protected=who.can("protected"))


def _read(typed: Typed, name: str, *, titled: bool = False) -> Corrected:
    return Corrected(
        _day(typed, f"dal-{name}"),
        _day(typed, f"al-{name}"),
        typed.choice(f"titolo-{name}", TITLES) if titled else "",
        typed.form.get(f"togli-{name}") is not None,
    )


def _day(typed: Typed, name: str) -> dt.date | None:
    return typed.day(name) if typed.text(name, 10) else None


def _shown(typed: Typed | None, name: str, one: Corrected) -> dict[str, Any]:
    if typed is not None and f"dal-{name}" in typed.form:
        return {
            "dal": typed.text(f"dal-{name}", 10), "al": typed.text(f"al-{name}", 10),
            "titolo": typed.text(f"titolo-{name}", 40), "togli": f"togli-{name}" in typed.form,
        }  # fmt: skip
    return {
        "dal": one.first.isoformat() if one.first else "",
        "al": one.last.isoformat() if one.last else "", "titolo": one.title, "togli": False,
    }  # fmt: skip


def _form(
    request: Request, session: Session, who: SignedIn, found: Household,
    typed: Typed | None = None, status: int = 200,
) -> Response:  # fmt: skip
    show_households(request, session, found)
    stays, titles = lived.rows_of(session, found.id)
    places = sheet.places_of(session, [row.flat_id for row in (*stays, *titles)])
    # A form with faults goes on from where it started; after a clash, from what stands now.
    version = typed.number_of("versione") if typed and status != 409 else found.row_version
    return render(
        request,
        "households/lived.html",
        status=status,
        household=found,
        version=version,
        errors=typed.errors if typed else {},
        stays=[(f"s{s.id}", places[s.flat_id], _shown(typed, f"s{s.id}", lived.as_it_is(s)))
               for s in stays],
        tenancies=[(f"t{t.id}", places[t.flat_id], _shown(typed, f"t{t.id}", lived.as_it_is(t)))
                   for t in titles],
        titles=pairs(vocabulary.TITLE_WORDS, TITLES),
        section="/nuclei",
    )  # fmt: skip


def _forget_form(
    request: Request, session: Session, who: SignedIn, found: Household, errors: dict[str, str],
    status: int = 200,
) -> Response:  # fmt: skip
    show_households(request, session, found)
    merged = [code for _id, code, _at in merging.merged_into(session, found.id)]
    return render(
        request, "households/forget.html", status=status, household=found, merged=merged,
        errors=errors, section="/nuclei",
    )  # fmt: skip
