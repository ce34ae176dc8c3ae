"""Signing in and out, with a password, a second factor, an invitation or the Comune's identity."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service import history, mail
from geo_service.accounts import letters, links, oidc, second_factor, service, sessions
from geo_service.accounts.capabilities import home
from geo_service.accounts.models import Account
from geo_service.accounts.sealed import seal, unseal
from geo_service.errors import (
    AccantoError,
    Invalid,
    NotSignedIn,
    ServiceUnavailable,
    TooManyAttempts,
)
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.links import own_path
from geo_service.web.pages import render, see_other
from geo_service.web.security import SESSION_COOKIE, drop_cookie, read_cookie, set_cookie
from geo_service.web.session import Db

router = APIRouter()
JOURNEY_COOKIE = "accanto_viaggio"
JOURNEY_LIFETIME_S = 600

Text = Annotated[str, Form(max_length=1000)]


def enter(request: Request, token: str, address: str, *, pending: bool = False) -> Response:
    """Send the browser to ``address`` with the cookie of its new session."""
    response = see_other(address)
    lifetime = sessions.PENDING_LIFETIME if pending else sessions.LIFETIME
    set_cookie(request, response, SESSION_COOKIE, token, max_age=int(lifetime.total_seconds()))
    return response


def browser_of(request: Request) -> str:
    """How the browser describes itself."""
    return request.headers.get("user-agent", "")[:400]


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _form(request: Request, *, after: str, email: str = "", refusal: AccantoError | None = None):  # type: ignore[no-untyped-def]
    return render(
        request,
        "accounts/sign_in.html",
        status=refusal.status if refusal else 200,
        after=after,
        email=email,
        problem=str(refusal) if refusal else "",
        provider=get_settings().oidc_name if oidc.is_configured() else "",
    )


@router.get("/accedi")
def sign_in_form(request: Request, poi: str = "") -> Response:
    """The sign-in page; ``poi`` is where to go afterwards."""
    if request.state.account is not None:
        return see_other(own_path(poi, request.state.account.home))
    return _form(request, after=own_path(poi, ""))


@router.post("/accedi")
def sign_in(
    request: Request,
    session: Db,
    email: Annotated[str, Form(max_length=300)] = "",
    password: Text = "",
    poi: Text = "",
) -> Response:
    """Sign in, or show the form again with one sentence that does not tell what was wrong."""
    after = own_path(poi, "")
    try:
        signed = service.sign_in(session, email, password, _address(request), browser_of(request))
    except (NotSignedIn, TooManyAttempts) as refusal:
        # Answered, not raised: the attempt must be committed to be counted.
        return _form(request, after=after, email=email, refusal=refusal)
    if signed.pending:
        return enter(request, signed.token, _code_address(after), pending=True)
    return enter(request, signed.token, after or _home(session, signed.token))


@router.get("/accedi/codice")
def code_form(request: Request, session: Db, poi: str = "") -> Response:
    """The second step: the code of the telephone."""
    token = read_cookie(request, SESSION_COOKIE)
    if sessions.account_of(session, token, pending=True) is None:
        return see_other("/accedi")
    return render(request, "accounts/code.html", after=own_path(poi, ""), problem="")


@router.post("/accedi/codice")
def code(request: Request, session: Db, codice: Text = "", poi: Text = "") -> Response:
    """Finish signing in with a code of the telephone or a recovery code."""
    token = read_cookie(request, SESSION_COOKIE)
    after = own_path(poi, "")
    try:
        opened = second_factor.complete(
            session, token, codice, _address(request), browser_of(request)
        )
    except (NotSignedIn, TooManyAttempts) as refusal:
        if sessions.account_of(session, token, pending=True) is None:
            return _form(request, after=after, refusal=refusal)
        return render(
            request, "accounts/code.html", status=refusal.status, after=after, problem=str(refusal)
        )
    return enter(request, opened, after or _home(session, opened))


@router.get("/accedi/dimenticata")
def forgotten_form(request: Request) -> Response:
    """Where who forgot the password asks for a link, or learns whom to ask."""
    return _forgotten(request)


@router.post("/accedi/dimenticata")
def forgotten(
    request: Request, session: Db, email: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Have a link sent; the answer is the same whether or not there is such an account."""
    if not mail.is_configured():
        return _forgotten(request)
    if "@" not in email:
        return _forgotten(request, email, _("Scrivete un indirizzo e-mail."), status=422)
    try:
        letters.ask_reset(session, email, _address(request))
    except TooManyAttempts as refusal:
        return _forgotten(request, email, str(refusal), status=refusal.status)
    return _forgotten(request, asked=True)


@router.post("/esci")
def sign_out(request: Request, session: Db) -> Response:
    """End the session of this browser."""
    sessions.sign_out(session, read_cookie(request, SESSION_COOKIE))
    response = see_other("/")
    drop_cookie(request, response, SESSION_COOKIE)
    response.headers["clear-site-data"] = '"cache"'
    return response


@router.get("/invito/{token}")
def invitation(request: Request, session: Db, token: str) -> Response:
    """The page of an invitation or of a reset: a password to choose. Opening it uses nothing up."""
    link = links.find(session, token)
    return _invitation(request, link.account, link.kind)


@router.post("/invito/{token}")
def accept(request: Request, session: Db, token: str, password: Text = "") -> Response:
    """Set the password; the link is used up and the browser is signed in."""
    link = links.find(session, token)
    try:
        account = links.accept(session, token, password)
    except Invalid as refusal:
        return _invitation(request, link.account, link.kind, str(refusal))
    if account.totp_since is not None:
        # Whoever holds the link still needs the telephone.
        waiting = sessions.open_session(session, account, browser_of(request), pending=True)
        return enter(request, waiting, _code_address(""), pending=True)
    opened = sessions.open_session(session, account, browser_of(request))
    return enter(request, opened, home(account.role))


@router.get("/accedi/oidc")
def to_provider(request: Request, poi: str = "") -> Response:
    """Send the browser to the identity provider."""
    try:
        address, journey = oidc.start(own_path(poi, ""))
    except ServiceUnavailable as refusal:
        return _form(request, after=own_path(poi, ""), refusal=refusal)
    response = see_other(address)
    sealed = seal("oidc", json.dumps(asdict(journey)).encode()).decode()
    set_cookie(request, response, JOURNEY_COOKIE, sealed, max_age=JOURNEY_LIFETIME_S)
    return response


@router.get("/accedi/oidc/ritorno")
def from_provider(request: Request, session: Db, code: str = "", state: str = "") -> Response:
    """The browser comes back with a code: sign in whoever was invited."""
    carried = unseal("oidc", read_cookie(request, JOURNEY_COOKIE).encode(), JOURNEY_LIFETIME_S)
    journey = oidc.Journey(**json.loads(carried)) if carried else None
    try:
        if journey is None or not code or state != journey.state:
            raise NotSignedIn(_("L'accesso non è riuscito: ricominciate dalla pagina di accesso."))
        account = oidc.account_for(session, oidc.finish(journey, code))
    except (NotSignedIn, ServiceUnavailable) as refusal:
        response = _form(request, after=journey.after if journey else "", refusal=refusal)
    else:
        history.act_as(session, history.Actor("account", account.id))
        opened = sessions.open_session(session, account, browser_of(request))
        response = enter(request, opened, own_path(journey.after, "") or _home(session, opened))
    drop_cookie(request, response, JOURNEY_COOKIE)
    return response


def _invitation(request: Request, account: Account, kind: str, problem: str = "") -> Response:
    return render(
        request,
        "accounts/invitation.html",
        status=422 if problem else 200,
        invited=account,
        invites=kind == "invitation",
        least=service.MIN_PASSWORD_CHARS,
        problem=problem,
    )


def _forgotten(
    request: Request, email: str = "", problem: str = "", *, asked: bool = False, status: int = 200
) -> Response:
    return render(
        request,
        "accounts/forgotten.html",
        status=status,
        configured=mail.is_configured(),
        asked=asked,
        email=email,
        problem=problem,
    )


def _code_address(after: str) -> str:
    return "/accedi/codice" + (f"?poi={quote(after, safe='')}" if after else "")


def _home(session: Session, token: str) -> str:
    account = sessions.account_of(session, token)
    if account is None:
        return "/accedi"
    roles = [a.role for a in account.assignments] or [account.role]
    return home(roles[0])
