"""The page that hands back what was typed into a form whose session was over."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts import kept_forms
from geo_service.accounts.guards import CurrentAccount
from geo_service.accounts.standing import SignedIn
from geo_service.errors import NotFound
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.session import Db

router = APIRouter()
PAGE = "/ripresa/{number}"


@router.get(PAGE)
def kept(request: Request, session: Db, account: CurrentAccount, number: str) -> Response:
    """What was typed, in full, with the ways to go on."""
    return render(request, "accounts/kept.html", kept=_found(session, account, number))


@router.post(PAGE + "/butta")
def discard(session: Db, account: CurrentAccount, number: str) -> Response:
    """Throw it away."""
    kept_forms.drop(session, account.id, _found(session, account, number).path)
    return see_other(account.home)


def _found(session: Session, account: SignedIn, number: str) -> kept_forms.Kept:
    found = kept_forms.find(session, account.id, number)
    if found is None:
        raise NotFound(
            _("Qui non c'è più niente: è già stato inviato, oppure è passato un giorno.")
        )
    return found
