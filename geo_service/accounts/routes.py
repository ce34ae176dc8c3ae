"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from geo_service.accounts import service
from geo_service.errors import NotSignedIn, TooManyAttempts
from geo_service.web.links import own_path
from geo_service.web.pages import render, see_other
from geo_service.web.security import SESSION_COOKIE, drop_cookie, read_cookie, set_cookie
from geo_service.web.session import Db

router = APIRouter()
HOME = "/oggi"


@router.get("/accedi")
def sign_in_form(request: Request, poi: str = "") -> Response:
    """The sign-in page; ``poi`` is where to go afterwards."""
    if request.state.account is not None:
        return see_other(own_path(poi, HOME))
    return render(request, "accounts/sign_in.html", after=own_path(poi, ""), email="", problem="")


@router.post("/accedi")
def sign_in(
    request: Request,
    session: Db,
    email: Annotated[str, Form(max_length=300)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    poi: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Sign in, or show the form again with one sentence that does not tell what was wrong."""
    address = request.client.host if request.client else ""
    try:
        token = service.sign_in(session, email, password, address)
    except (NotSignedIn, TooManyAttempts) as refusal:
        # Answered, not raised: the attempt must be committed to be counted.
        return render(
            request,
            "accounts/sign_in.html",
            status=refusal.status,
            after=own_path(poi, ""),
            email=email,
            problem=str(refusal),
        )
    response = see_other(own_path(poi, HOME))
    lifetime_s = int(service.SESSION_LIFETIME.total_seconds())
    set_cookie(request, response, SESSION_COOKIE, token, max_age=lifetime_s)
    return response


@router.post("/esci")
def sign_out(request: Request, session: Db) -> Response:
    """End the session of this browser."""
    service.sign_out(session, read_cookie(request, SESSION_COOKIE))
    response = see_other("/")
    drop_cookie(request, response, SESSION_COOKIE)
    response.headers["clear-site-data"] = '"cache"'
    return response
