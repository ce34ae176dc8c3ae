"""One's own access (*il mio accesso*): devices, password, second factor."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts import second_factor, service, sessions, totp
from geo_service.accounts.capabilities import CAPABILITIES, ROLE_WORDS, TABLE
from geo_service.accounts.guards import CurrentAccount
from geo_service.accounts.models import Account
from geo_service.accounts.routes import browser_of, enter
from geo_service.errors import Invalid, TooManyAttempts
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.security import SESSION_COOKIE, read_cookie
from geo_service.web.session import Db

router = APIRouter()
PAGE = "/profilo"
Text = Annotated[str, Form(max_length=1000)]


@router.get(PAGE)
def profile(request: Request, session: Db, account: CurrentAccount) -> Response:
    """Who I am here, what I may do, where I am signed in."""
    return _page(request, session, account.id)


@router.post(PAGE + "/sessioni/chiudi")
def close(request: Request, session: Db, account: CurrentAccount, sessione: Text = "") -> Response:
    """End one of one's own sessions."""
    sessions.close_session(session, account.id, sessione)
    return see_other(PAGE + "#sessioni")


@router.post(PAGE + "/sessioni/chiudi-tutte")
def close_all(request: Request, session: Db, account: CurrentAccount) -> Response:
    """End every session but this one."""
    sessions.sign_out_everywhere(
        session, account.id, except_token=read_cookie(request, SESSION_COOKIE)
    )
    return see_other(PAGE + "#sessioni")


@router.post(PAGE + "/password")
def password(
    request: Request, session: Db, account: CurrentAccount, attuale: Text = "", nuova: Text = ""
) -> Response:
    """Change one's own password; every other browser is signed out."""
    own = session.get_one(Account, account.id)
    problem = _wrong_password(request, session, own, attuale)
    if not problem:
        try:
            service.set_password(session, own, nuova)
        except Invalid as refusal:
            problem = str(refusal)
    if problem:
        return _page(request, session, account.id, problem=problem)
    return enter(request, sessions.open_session(session, own, browser_of(request)), PAGE)


@router.post(PAGE + "/secondo-fattore")
def begin(request: Request, session: Db, account: CurrentAccount, attuale: Text = "") -> Response:
    """Make a secret and show it as a QR code."""
    own = session.get_one(Account, account.id)
    problem = _wrong_password(request, session, own, attuale)
    if problem:
        return _page(request, session, account.id, problem=problem)
    try:
        second_factor.begin(session, own)
    except Invalid as refusal:
        return _page(request, session, account.id, problem=str(refusal))
    return see_other(PAGE + "#secondo-fattore")


@router.post(PAGE + "/secondo-fattore/attiva")
def confirm(request: Request, session: Db, account: CurrentAccount, codice: Text = "") -> Response:
    """Turn the second factor on; the recovery codes are shown this once."""
    own = session.get_one(Account, account.id)
    try:
        codes = second_factor.confirm(session, own, codice)
    except Invalid as refusal:
        return _page(request, session, account.id, problem=str(refusal))
    return render(request, "accounts/recovery_codes.html", codes=codes)


@router.post(PAGE + "/secondo-fattore/togli")
def remove(request: Request, session: Db, account: CurrentAccount, attuale: Text = "") -> Response:
    """Turn the second factor off."""
    own = session.get_one(Account, account.id)
    problem = _wrong_password(request, session, own, attuale)
    if problem:
        return _page(request, session, account.id, problem=problem)
    second_factor.remove(session, own)
    return see_other(PAGE + "#secondo-fattore")


def _wrong_password(request: Request, session: Session, own: Account, typed: str) -> str:
    """A sentence when ``typed`` is not the password; guesses count as those at sign-in do."""
    if own.password_hash is None:
        return ""
    try:
        keys = service.begin_attempt(
            session, own.email, request.client.host if request.client else ""
        )
    except TooManyAttempts as refusal:
        return str(refusal)
    if service.check_password(own, typed):
        return ""
    service.refuse_attempt(session, keys)
    return _("La password attuale non è quella giusta.")


def _page(request: Request, session: Session, account_id: int, problem: str = "") -> Response:
    own = session.get_one(Account, account_id)
    uri = second_factor.pending_uri(own)
    secret = second_factor.secret_of(own) if uri else None
    token = read_cookie(request, SESSION_COOKIE)
    role = request.state.account.role
    return render(
        request,
        "accounts/profile.html",
        status=422 if problem else 200,
        own=own,
        role=_(ROLE_WORDS[role]),
        allowed=[_(word) for code, word in CAPABILITIES.items() if code in TABLE[role]],
        sessions=sessions.own_sessions(session, account_id, token),
        qr=segno.make(uri, micro=False).svg_data_uri(scale=4, light="#fff") if uri else "",
        secret=totp.base32(secret) if secret else "",
        least=service.MIN_PASSWORD_CHARS,
        problem=problem,
    )
