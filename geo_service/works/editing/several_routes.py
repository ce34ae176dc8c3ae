"""Several new phases typed in one table, recorded as one version."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service import i18n
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.editing.proposals import contractors, next_phase_code, propose_firm
from geo_service.works.editing.several import (
    MORE_ROWS,
    MOST_ROWS,
    NewPhase,
    PhaseRow,
    SeveralValues,
    read_several,
    save_several,
)
from geo_service.works.overview import site_of
from geo_service.works.presets import PRESETS
from layers.sites import Site

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=1, max_fields=10 * MOST_ROWS)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get("/cantieri/{site_id:int}/fasi/insieme")
def new(request: Request, session: Db, who: Editor, site_id: int) -> Response:
    """An empty table, with the firm of the phase recorded last."""
    site = site_of(session, site_id)
    values = SeveralValues()
    propose_firm(session, site, values)
    return _page(request, session, site, values)


@router.post("/cantieri/{site_id:int}/fasi/insieme")
def create(
    request: Request, session: Db, who: Editor, submitted: Submitted, site_id: int
) -> Response:
    """Record the rows, or show them again with what is wrong beside each."""
    site = site_of(session, site_id)
    values, phases = read_several(session, site, submitted)
    key = str(submitted.get("chiave") or "")[:80]
    if submitted.get("compila") is not None:
        values.errors.clear()
        more = min(MORE_ROWS, MOST_ROWS - len(values.rows))
        values.rows += [PhaseRow() for _n in range(more)]
        return _page(request, session, site, values, key=key)
    items = [(k, str(v)) for k, v in submitted.multi_items() if k != "csrf"]
    once_key = once.key_of(who.id, request.url.path, items)
    before = once.done(session, once_key)
    if before:
        return see_other(before)
    if values.errors:
        return _page(request, session, site, values, status=422, key=key)
    try:
        return see_other(_once(session, once_key, site, phases, values.reason, who))
    except Invalid as refused:
        values.errors[""] = (
            _("Qualcun altro ha appena usato uno di questi codici: cambiatelo e salvate di nuovo.")
            if "code" in refused.fields
            else str(refused)
        )
        return _page(request, session, site, values, status=422, key=key)


def _once(
    session: Session, key: bytes, site: Site, phases: list[NewPhase], reason: str, who: SignedIn
) -> str:
    address = f"/cantieri/{site.id}?salvata=1"
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or address
        save_several(session, site, phases, author=who.called, reason=reason)
        once.end(session, key, address)
    return address


def _page(
    request: Request,
    session: Session,
    site: Site,
    values: SeveralValues,
    *,
    status: int = 200,
    key: str = "",
) -> Response:
    show_quarter(request, session, site.quarter)
    language = i18n.current_language()
    return render(
        request,
        "works/edit_several.html",
        status=status,
        section="/cantieri",
        site=site,
        form=values,
        errors=values.errors,
        next_code=next_phase_code(session, site),
        presets=sorted(((c, p.name(language)) for c, p in PRESETS.items()), key=lambda one: one[1]),
        contractors=contractors(session, site.quarter_id),
        most=MOST_ROWS,
        key=key or secrets.token_hex(16),
    )
