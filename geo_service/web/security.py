"""Tokens against forged requests, the content security policy, and cookies."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from geo_service.errors import Forbidden, StaleForm
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings

CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
CSRF_COOKIE = "accanto_form"
SESSION_COOKIE = "accanto_session"
# Digits of a form's token: the session it was shown in, the account and what vouches for it.
_SESSION_DIGITS, _OWNER_DIGITS, _TOKEN_DIGITS = 40, 16, 64
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def content_security_policy(nonce: str) -> str:
    """Policy of every page: nothing from outside, no inline script or style without the nonce."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def security_headers(nonce: str) -> dict[str, str]:
    """Headers that every answer carries unless it sets its own."""
    return {
        "content-security-policy": content_security_policy(nonce),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }


def is_https(request: Request) -> bool:
    """Whether people reach this installation over https."""
    return request.url.scheme == "https" or get_settings().base_url.startswith("https://")


def cookie_name(request: Request, name: str) -> str:
    """Name of a cookie; over https it is bound to the host by its prefix."""
    return f"__Host-{name}" if is_https(request) else name


def set_cookie(request: Request, response: Response, name: str, value: str, **more: Any) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send with a form."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        httponly=True,
        samesite="lax",
        secure=is_https(request),
        path="/",
        **more,
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Delete a cookie set by :func:`set_cookie`."""
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )


def read_cookie(request: Request, name: str) -> str:
    """Value of a cookie set by :func:`set_cookie`, or an empty string."""
    return request.cookies.get(cookie_name(request, name), "")


def form_key(request: Request) -> str:
    """The browser's own random key, made when it first sees a form.

    The page that shows the form sets it as a cookie (see ``web.pages.render``).
    """
    known = getattr(request.state, "form_key", None) or read_cookie(request, CSRF_COOKIE)
    if len(known) < 20:
        known = secrets.token_urlsafe(24)
    request.state.form_key = known
    return known


def csrf_token(request: Request) -> str:
    """Token for the forms of a page, bound to the browser and to the signed-in session.

    Its last 24 digits name the account that is shown the form, and vouch for it: when the session
    is over by the time the form is sent, what was typed can be kept for that account alone.
    """
    account = getattr(request.state, "account", None)
    key = form_key(request)
    return _session_part(request, key) + _owner_part(key, 0 if account is None else account.id)


def form_owner(request: Request, token: str) -> int | None:
    """Account to which this browser's form with ``token`` was shown; None where none was."""
    key = read_cookie(request, CSRF_COOKIE)
    digits = token[_SESSION_DIGITS : _SESSION_DIGITS + 8]
    if not key or len(token) != _TOKEN_DIGITS or not re.fullmatch("[0-9a-f]{8}", digits):
        return None
    owner = int(digits, 16)
    mark = _owner_part(key, owner)
    genuine = hmac.compare_digest(token[_SESSION_DIGITS:].encode(), mark.encode())
    return owner if owner and genuine else None


def is_own_origin(request: Request) -> bool:
    """Whether the request comes from one of our own pages, as far as the browser says."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _session_part(request: Request, key: str) -> str:
    return _digits(f"{key}\x1f{read_cookie(request, SESSION_COOKIE)}")[:_SESSION_DIGITS]


def _owner_part(key: str, account_id: int) -> str:
    return f"{account_id:08x}" + _digits(f"owner\x1f{key}\x1f{account_id}")[:_OWNER_DIGITS]


def _digits(text: str) -> str:
    return hmac.new(get_settings().secret().encode(), text.encode(), hashlib.sha256).hexdigest()


async def check_csrf(request: Request) -> None:
    """Refuse an unsafe request that did not start from one of our own pages.

    Raises :class:`Forbidden`, and :class:`StaleForm` where only the session has changed. The token
    comes in the form field ``csrf`` or, from scripts, in the header ``X-CSRF-Token``.
    """
    if request.method in SAFE_METHODS:
        return
    if not is_own_origin(request):
        raise Forbidden(_("La richiesta viene da un altro sito e non è stata eseguita."))
    sent = request.headers.get(CSRF_HEADER)
    if sent is None:
        form = await request.form(max_files=20, max_fields=2000)
        field = form.get(CSRF_FIELD)
        sent = field if isinstance(field, str) else ""
    key = read_cookie(request, CSRF_COOKIE)
    genuine = hmac.compare_digest(
        sent[:_SESSION_DIGITS].encode(), _session_part(request, key).encode()
    )
    if not key or len(sent) != _TOKEN_DIGITS or not genuine:
        raise StaleForm(
            _("Il modulo è scaduto: tornate alla pagina, ricaricatela e inviate di nuovo.")
        )
