"""Forms that were sent when their session was over: what was typed waits for its author.

The answer to such a form is the sign-in page; behind it the form opens again with what was typed.
Nothing is carried out meanwhile, so that nothing is done twice.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import structlog
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from geo_service.accounts.models import Account, KeptForm
from geo_service.accounts.sealed import seal, unseal
from geo_service.errors import NotSignedIn, StaleForm
from geo_service.web import problems
from geo_service.web.limits import MAX_BODY_BYTES, takes_files
from geo_service.web.logs import logged_path
from geo_service.web.numbers import number_in
from geo_service.web.pages import see_other
from geo_service.web.security import (
    CSRF_FIELD,
    CSRF_HEADER,
    SAFE_METHODS,
    form_owner,
    is_own_origin,
)

LIFETIME = dt.timedelta(hours=24)
MOST_CHARS = 300_000
MOST_PER_ACCOUNT = 20
FIELD = "ripresa"
# What nobody wants kept, sealed or not.
SECRET = re.compile(r"password|attuale|nuova$|codice$|^csrf$")
# Signing out needs no form again, and addresses that are secrets themselves are not written down.
NOT_KEPT = ("/esci", "/invito/", "/incarico/")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

log = structlog.get_logger("accanto.accounts")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept form: where it is sent, the page it stands on, its fields in their order."""

    id: int
    path: str
    page: str
    fields: list[tuple[str, str]]
    had_files: bool
    kept_at: dt.datetime

    @property
    def address(self) -> str:
        """Where the form opens again with what was typed."""
        return with_kept(self.page, self.id)


def find(session: Session, account_id: int, number: str) -> Kept | None:
    """The kept form ``number`` while it is there and the account's own, else None."""
    kept_id = number_in(number)
    if kept_id is None:
        return None
    row = session.scalar(
        select(KeptForm).where(
            KeptForm.id == kept_id,
            KeptForm.account_id == account_id,
            KeptForm.kept_at > dt.datetime.now(dt.UTC) - LIFETIME,
        )
    )
    content = None if row is None else unseal("kept form", row.content)
    if row is None or content is None:
        return None
    told = json.loads(content)
    fields = [(str(name), str(value)) for name, value in told["fields"]]
    return Kept(row.id, row.path, row.page, fields, bool(told["files"]), row.kept_at)


def drop(session: Session, account_id: int, path: str) -> None:
    """Throw away what the account had typed into the form sent to ``path``: it sends it anew."""
    session.execute(
        delete(KeptForm).where(KeptForm.account_id == account_id, KeptForm.path == path)
    )


def with_kept(page: str, number: int) -> str:
    """Address that shows the kept form ``number``: its page, or one that only lists it."""
    if not page:
        return f"/{FIELD}/{number}"
    parts = urlsplit(page)
    query = [(k, v) for k, v in parse_qsl(parts.query) if k != FIELD]
    return f"{parts.path}?{urlencode([*query, (FIELD, str(number))])}"


def install(app: FastAPI) -> None:
    """Let ``app`` answer forms of an ended session with sign-in and the way back."""

    async def not_signed_in(request: Request, error: Exception) -> Response:
        address = await _kept(request)
        if address:
            return see_other(f"/accedi?poi={quote(address, safe='')}")
        return problems.to_sign_in(request)

    async def stale(request: Request, error: Exception) -> Response:
        account = getattr(request.state, "account", None)
        address = await _kept(request, account.id) if account else ""
        return see_other(address) if address else problems.answer(request, 403, str(error))

    app.add_exception_handler(NotSignedIn, not_signed_in)
    app.add_exception_handler(StaleForm, stale)


async def _kept(request: Request, only: int | None = None) -> str:
    """Keep the form of ``request``; where it opens again, or nothing where it is not to be kept.

    Kept are forms that this browser was shown by us for an account (``only`` that one), sent by a
    person and not by a script.
    """
    kind = request.headers.get("content-type", "").split(";")[0]
    if (
        request.method in SAFE_METHODS
        or kind not in FORMS
        or CSRF_HEADER in request.headers
        or request.headers.get("sec-fetch-mode", "navigate") != "navigate"
        or not is_own_origin(request)
        or request.url.path.startswith(NOT_KEPT)
    ):
        return ""
    if only is None and takes_files(request.scope) and not _declares_little(request):
        # Nobody is signed in, so nothing large is read into a form. It is read and forgotten,
        # because a browser shows an answer only once it has sent everything.
        async for _piece in request.stream():
            pass
        return ""
    try:
        form = await request.form(max_files=20, max_fields=2000)
    except HTTPException as error:
        # What cannot be read cannot be kept; the sign-in page is answer enough.
        log.info("form not kept", path=logged_path(request.url.path), status=error.status_code)
        return ""
    token = form.get(CSRF_FIELD)
    owner = form_owner(request, token if isinstance(token, str) else "")
    if owner is None or (only is not None and owner != only):
        return ""
    fields = [(k, v) for k, v in form.multi_items() if isinstance(v, str) and not SECRET.search(k)]
    files = any(isinstance(v, UploadFile) and v.filename for _k, v in form.multi_items())
    if sum(len(k) + len(v) for k, v in fields) > MOST_CHARS:
        return ""
    return await run_in_threadpool(_store, request, owner, fields, files)


def _declares_little(request: Request) -> bool:
    declared = request.headers.get("content-length", "")
    return declared.isdigit() and int(declared) <= MAX_BODY_BYTES


def _store(request: Request, account_id: int, fields: list[tuple[str, str]], files: bool) -> str:
    page = _page_of(request)
    content = json.dumps({"fields": fields, "files": files}).encode()
    with request.app.state.session_factory() as session:
        account = session.get(Account, account_id)
        if account is None or account.disabled:
            return ""
        session.execute(
            delete(KeptForm).where(KeptForm.kept_at < dt.datetime.now(dt.UTC) - LIFETIME)
        )
        row = KeptForm(
            account_id=account_id, path=request.url.path[:500], page=page,
            content=seal("kept form", content),
        )  # fmt: skip
        session.add(row)
        session.flush()
        newest = (
            select(KeptForm.id)
            .where(KeptForm.account_id == account_id)
            .order_by(KeptForm.id.desc())
            .limit(MOST_PER_ACCOUNT)
        )
        session.execute(
            delete(KeptForm).where(
                KeptForm.account_id == account_id, KeptForm.id.not_in(newest.scalar_subquery())
            )
        )
        session.commit()
        return with_kept(page, row.id)


def _page_of(request: Request) -> str:
    """The page of ours on which the form stood, where it can be opened again; else nothing."""
    parts = urlsplit(request.headers.get("referer", ""))
    page = parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.netloc != request.headers.get("host") or len(page) > 900:
        return ""
    scope = {"type": "http", "method": "GET", "path": parts.path, "headers": [], "root_path": ""}
    opens = any(route.matches(scope)[0] == Match.FULL for route in request.app.router.routes)
    return page if opens else ""
