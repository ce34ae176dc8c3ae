"""Pages on which a phase is taken out of the schedule, and brought back."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service import i18n
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Conflict
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.panels import panels
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.editing.removal import bring_back, hanging_on, take_out
from geo_service.works.form_text import typed_text
from geo_service.works.overview import revision_of_phase
from geo_service.works.removed import Removed, removed_phase
from geo_service.works.revising.saving import ChangedMeanwhile
from geo_service.works.revisions import inclusive
from layers.sites import PhaseRevision

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=20)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get("/fasi/{phase_id:int}/togli")
def ask(request: Request, session: Db, who: Editor, today: Today, phase_id: int) -> Response:
    """What would follow from taking the phase out, and the question whether to."""
    return _page(request, session, who, today, revision_of_phase(session, phase_id), {})


@router.post("/fasi/{phase_id:int}/togli")
def remove(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, phase_id: int
) -> Response:
    """Take the phase out, or say what is missing."""
    address = f"/fasi/{phase_id}"
    done = once.done(session, _key(request, submitted, who))
    if done:
        return see_other(done)
    revision = revision_of_phase(session, phase_id)
    errors: dict[str, str] = {}
    reason = typed_text(submitted, "motivo", 1000, errors)
    if not reason:
        errors["motivo"] = _("Scrivete in poche parole perché la fase esce dal cronoprogramma.")
    if submitted.get("sicuro") is None:
        errors["sicuro"] = _("Segnate che avete letto che cosa ne segue.")
    if errors:
        return _page(request, session, who, today, revision, errors, reason, status=422)
    based_on = number_in(submitted.get("revisione")) or 0

    def act() -> None:
        take_out(session, phase_id, based_on, author=who.called, reason=reason)

    try:
        return see_other(_once(request, session, submitted, who, address, act))
    except ChangedMeanwhile as change:
        errors[""] = _(
            "%(who)s ha cambiato questa fase mentre guardavate: ora è %(period)s. Rileggete che "
            "cosa ne segue e confermate di nuovo.",
            who=change.current.author or _("Qualcun altro"),
            period=i18n.period(*inclusive(change.current.period)),
        )
        return _page(request, session, who, today, change.current, errors, reason, status=409)


@router.post("/fasi/{phase_id:int}/rimetti")
def put_back(
    request: Request, session: Db, who: Editor, submitted: Submitted, phase_id: int
) -> Response:
    """Bring the phase back as it was."""
    gone = removed_phase(session, phase_id)
    errors: dict[str, str] = {}
    reason = typed_text(submitted, "motivo", 1000, errors)
    if gone is not None and not reason:
        errors["motivo"] = _("Scrivete in poche parole perché la fase torna nel cronoprogramma.")
        return removed_page(request, session, gone, errors)

    def act() -> None:
        bring_back(session, phase_id, author=who.called, reason=reason)

    address = f"/fasi/{phase_id}"
    try:
        return see_other(_once(request, session, submitted, who, address, act))
    except Conflict:
        # Somebody else was quicker: the phase stands there, as was wanted.
        return see_other(address)


def removed_page(
    request: Request, session: Session, gone: Removed, errors: dict[str, str] | None = None
) -> Response:
    """The page of a phase that is out of the schedule."""
    show_quarter(request, session, gone.phase.site.quarter)
    return render(
        request,
        "works/phase_removed.html",
        status=422 if errors else 200,
        section="/cantieri",
        gone=gone,
        phase=gone.phase,
        site=gone.phase.site,
        beside=panels(request, session, "removed_phase", gone.phase.id),
        errors=errors or {},
        key=secrets.token_hex(16),
    )


def _key(request: Request, submitted: FormData, who: SignedIn) -> bytes:
    items = [(k, str(v)) for k, v in submitted.multi_items() if k != "csrf"]
    return once.key_of(who.id, request.url.path, items)


def _once(
    request: Request,
    session: Session,
    submitted: FormData,
    who: SignedIn,
    address: str,
    act: Callable[[], None],
) -> str:
    """Do it, unless this very form was carried out before; where to go then."""
    key = _key(request, submitted, who)
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or address
        act()
        once.end(session, key, address)
    return address


def _page(
    request: Request,
    session: Session,
    who: SignedIn,
    today: dt.date,
    revision: PhaseRevision,
    errors: dict[str, str],
    reason: str = "",
    *,
    status: int = 200,
) -> Response:
    site = revision.phase.site
    show_quarter(request, session, site.quarter)
    return render(
        request,
        "works/remove_phase.html",
        status=status,
        section="/cantieri",
        site=site,
        phase=revision.phase,
        revision=revision,
        hanging=hanging_on(session, revision, Sight.of(who), today),
        beside=panels(request, session, "leaving_phase", revision.phase_id),
        errors=errors,
        reason=reason,
        key=secrets.token_hex(16),
    )
