"""The outermost layer of the application: language, nonce, headers, size limit, last resort."""

from __future__ import annotations

import secrets
import time
from http.cookies import CookieError, SimpleCookie

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_service.i18n import LANGUAGES, best_language, use_language
from geo_service.settings import get_settings
from geo_service.web.limits import MAX_DRAINED_BYTES, body_limit, takes_files
from geo_service.web.logs import logged_path
from geo_service.web.problems import answer, too_large, unexpected
from geo_service.web.security import SESSION_COOKIE, is_https, read_cookie, security_headers

LANGUAGE_COOKIE = "accanto_lingua"
LANGUAGE_COOKIE_S = 365 * 86_400
# No address of ours is so long, and a number of thousands of digits could not even be read.
LONGEST_PATH = 1_000

log = structlog.get_logger("accanto.web")


class BodyTooLarge(HTTPException):
    """The request says or sends more than the limit.

    An HTTP exception, because the framework takes any other one for a form it cannot read.
    """

    def __init__(self) -> None:
        super().__init__(413)


def chosen_language(scope: Scope) -> tuple[str, bool]:
    """Language of a request and whether it was asked for in the address (``?lang=``)."""
    request = Request(scope)
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked, True
    headers = Headers(scope=scope)
    try:
        kept = SimpleCookie(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    except CookieError:
        kept = None
    if kept is not None and kept.value in LANGUAGES:
        return kept.value, False
    return best_language(headers.get("accept-language", ""), get_settings().language), False


class Shell:
    """Wraps the application: every answer, also an error's, leaves with the same headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        language, asked = chosen_language(scope)
        scope.setdefault("state", {}).update(nonce=nonce, language=language)
        started = time.perf_counter()
        status = 0
        # A page answers HEAD as it would GET, without its body.
        bodiless = scope["method"] == "HEAD"
        if bodiless:
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(nonce).items():
                    headers.setdefault(name, value)
                headers.setdefault("content-language", language)
                if asked:
                    headers.append(
                        "set-cookie",
                        f"{LANGUAGE_COOKIE}={language}; Path=/; Max-Age={LANGUAGE_COOKIE_S}; "
                        f"HttpOnly; SameSite=Lax{'; Secure' if is_https(Request(scope)) else ''}",
                    )
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        with use_language(language):
            try:
                if len(scope["path"]) > LONGEST_PATH:
                    raise HTTPException(404)
                signed_in = bool(read_cookie(Request(scope), SESSION_COOKIE))
                most = body_limit(scope, signed_in)
                if _declares_more_than(most, scope):
                    if signed_in and takes_files(scope):
                        await _drain(receive)
                    raise BodyTooLarge
                await self.app(scope, _bounded(receive, most), send_with_headers)
            except HTTPException as refused:
                if not status:
                    page = _refusal(Request(scope), refused)
                    await page(scope, receive, send_with_headers)
            except ClientDisconnect:
                # Whoever asked went away in the middle: there is nobody to answer.
                log.info(
                    "request given up", method=scope["method"], path=logged_path(scope["path"])
                )
            except Exception:
                log.exception(
                    "request failed", method=scope["method"], path=logged_path(scope["path"])
                )
                if status:
                    raise
                await unexpected(Request(scope))(scope, receive, send_with_headers)
        if not scope["path"].startswith("/static/"):
            log.info(
                "request",
                method=scope["method"],
                path=logged_path(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - started) * 1000),
            )


def _refusal(request: Request, refused: HTTPException) -> Response:
    if isinstance(refused, BodyTooLarge):
        return too_large(request)
    return answer(request, refused.status_code)


def _declares_more_than(most: int, scope: Scope) -> bool:
    declared = Headers(scope=scope).get("content-length", "0")
    return not declared.isdigit() or int(declared) > most


async def _drain(receive: Receive) -> None:
    """Read and forget what a browser still sends, so that it will show the answer."""
    read, more = 0, True
    while more and read <= MAX_DRAINED_BYTES:
        message = await receive()
        read += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


def _bounded(receive: Receive, most: int) -> Receive:
    read = 0

    async def receive_bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise BodyTooLarge
        return message

    return receive_bounded
