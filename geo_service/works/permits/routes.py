"""Pages of permits (*autorizzazioni*): recorded, changed, with their documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.files.kinds import ACCEPT, ACCEPTED_WORDS
from geo_service.files.store import document_response
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.overview import site_of
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.documents import attach, detach, document
from geo_service.works.permits.form import PermitValues, beside_fields, permit_values, read_permit
from geo_service.works.permits.page import lines
from geo_service.works.permits.service import (
    ChangedMeanwhile,
    PermitDraft,
    change_permit,
    create_permit,
    draft_of,
    permit_of,
    remove_permit,
)
from layers.sites import Permit, Site

MAX_UPLOADS = 5
PAGE = "/autorizzazioni/{permit_id:int}"
NEW = "/cantieri/{site_id:int}/autorizzazioni/nuova"

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=MAX_UPLOADS, max_fields=500)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get(PAGE)
def permit_page(request: Request, session: Db, permit_id: int) -> Response:
    """One permit with its documents."""
    return _one(request, session, permit_of(session, permit_id))


@router.get(NEW)
def new(
    request: Request, session: Db, who: Editor, site_id: int,
    fase: Annotated[int, Query(ge=0, lt=2**62)] = 0, tipo: str = "",
) -> Response:  # fmt: skip
    """An empty form, for one phase where it is opened from there."""
    site = site_of(session, site_id)
    values = PermitValues(phases={fase} & {p.id for p in site.phases})
    if tipo in permit_states.KIND_WORDS:
        values.kind = tipo
    return _form(request, session, site, None, values)


@router.post(NEW)
def create(
    request: Request, session: Db, who: Editor, submitted: Submitted, site_id: int
) -> Response:
    """Record a new permit with its documents, or show the form again with what is wrong."""
    site = site_of(session, site_id)
    values, draft = read_permit(submitted, None, [p.id for p in site.phases])
    if draft is not None:
        try:
            return see_other(_created(request, session, site, draft, submitted, who))
        except _Unusable as refused:
            values.errors = {"documenti": str(refused)}
        except Invalid as refused:
            values.errors = beside_fields(refused)
    return _form(request, session, site, None, values, status=422)


@router.get(PAGE + "/modifica")
def edit(request: Request, session: Db, who: Editor, permit_id: int) -> Response:
    """The form of a permit as it stands."""
    permit = permit_of(session, permit_id)
    return _form(request, session, permit.site, permit, permit_values(draft_of(permit)))


@router.post(PAGE + "/modifica")
def save(
    request: Request, session: Db, who: Editor, submitted: Submitted, permit_id: int
) -> Response:
    """Record the changed permit; who comes second is told and loses nothing."""
    permit = permit_of(session, permit_id)
    values, draft = read_permit(submitted, draft_of(permit), [p.id for p in permit.site.phases])
    key = _key(request, submitted, who)
    before = once.done(session, key)
    if before:
        return see_other(before)
    version = _version(submitted)
    if version != permit.row_version:
        return _clash(request, session, permit, values)
    if draft is None:
        return _form(request, session, permit.site, permit, values, status=422)
    try:
        with session.begin_nested():
            address = once.begin(session, key, who.id)
            if address is None:
                change_permit(session, permit, version, draft)
                address = f"/autorizzazioni/{permit.id}?salvata=1"
                once.end(session, key, address)
        return see_other(address or f"/autorizzazioni/{permit.id}")
    except ChangedMeanwhile as change:
        return _clash(request, session, change.current, values)
    except Invalid as refused:
        values.errors = beside_fields(refused)
    return _form(request, session, permit.site, permit, values, status=422)


@router.post(PAGE + "/togli")
def remove(
    request: Request, session: Db, who: Editor, submitted: Submitted, permit_id: int
) -> Response:
    """Take a permit out once that is confirmed."""
    permit = permit_of(session, permit_id)
    if submitted.get("conferma") is None:
        return _one(request, session, permit, remove_error=_("Segnate la casella per confermare."))
    try:
        site_id = permit.site_id
        remove_permit(session, permit, _version(submitted))
    except ChangedMeanwhile as change:
        return _one(request, session, change.current, remove_error=str(change), status=409)
    return see_other(f"/cantieri/{site_id}#autorizzazioni")


@router.post(PAGE + "/documenti")
def add_documents(
    request: Request, session: Db, who: Editor, submitted: Submitted, permit_id: int
) -> Response:
    """Attach documents; all of them or none."""
    permit = permit_of(session, permit_id)
    uploads = _uploads(submitted)
    if not uploads:
        return _one(request, session, permit, file_error=_("Scegliete prima un file."))
    try:
        _attach(session, permit, uploads, who)
    except _Unusable as refused:
        return _one(request, session, permit, file_error=str(refused))
    return see_other(f"/autorizzazioni/{permit.id}#documenti")


@router.get(PAGE + "/documenti/{document_id:int}")
def download(session: Db, permit_id: int, document_id: int) -> Response:
    """A document, as a download."""
    found = document(session, permit_id, document_id)
    return document_response(found.file, found.name)


@router.post(PAGE + "/documenti/{document_id:int}/togli")
def remove_document(
    request: Request, session: Db, who: Editor, submitted: Submitted, permit_id: int,
    document_id: int,
) -> Response:  # fmt: skip
    """Take a document off once that is confirmed."""
    permit = permit_of(session, permit_id)
    if submitted.get("conferma") is None:
        found = document(session, permit.id, document_id)
        problem = _("«%(name)s»: segnate la casella per confermare.", name=found.name)
        return _one(request, session, permit, file_error=problem)
    detach(session, permit, document_id)
    return see_other(f"/autorizzazioni/{permit.id}#documenti")


class _Unusable(Exception):
    """An uploaded file was refused; the message names it."""


def _created(
    request: Request, session: Session, site: Site, draft: PermitDraft, submitted: FormData,
    who: SignedIn,
) -> str:  # fmt: skip
    key = _key(request, submitted, who)
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or f"/cantieri/{site.id}"
        permit = create_permit(session, site, draft)
        _attach(session, permit, _uploads(submitted), who)
        address = f"/autorizzazioni/{permit.id}?salvata=1"
        once.end(session, key, address)
    return address


def _attach(session: Session, permit: Permit, uploads: Sequence[UploadFile], who: SignedIn) -> None:
    """All of ``uploads`` or none. Raises :class:`_Unusable`."""
    with session.begin_nested():
        for upload in uploads:
            try:
                attach(session, permit, upload.file, upload.filename, account_id=who.id)
            except Invalid as refused:
                raise _Unusable(f"{(upload.filename or '')[:80]}: {refused}") from refused


def _uploads(submitted: FormData) -> list[UploadFile]:
    return [f for f in submitted.getlist("documenti") if isinstance(f, UploadFile) and f.filename]


def _key(request: Request, submitted: FormData, who: SignedIn) -> bytes:
    items = [
        (name, value if isinstance(value, str) else f"{value.filename}\x1f{value.size}")
        for name, value in submitted.multi_items()
        if name != "csrf"
    ]
    return once.key_of(who.id, request.url.path, items)


def _version(submitted: FormData) -> int:
    return number_in(submitted.get("versione")) or 0


def _one(
    request: Request,
    session: Session,
    permit: Permit,
    *,
    file_error: str = "",
    remove_error: str = "",
    status: int = 0,
) -> Response:
    show_quarter(request, session, permit.site.quarter)
    return render(
        request, "works/permit.html", status=status or (422 if file_error or remove_error else 200),
        section="/cantieri", site=permit.site, permit=lines(session, [permit])[0],
        version=permit.row_version, file_error=file_error, remove_error=remove_error,
        **_file_words(),
    )  # fmt: skip


def _clash(request: Request, session: Session, permit: Permit, values: PermitValues) -> Response:
    """The form with what was typed, above it what stands there now."""
    now = lines(session, [permit])[0]
    return _form(request, session, permit.site, permit, values, status=409, now=now)


def _form(
    request: Request,
    session: Session,
    site: Site,
    permit: Permit | None,
    values: PermitValues,
    *,
    status: int = 200,
    now: object = None,
) -> Response:
    show_quarter(request, session, site.quarter)
    before = None if permit is None else permit.state
    states = permit_states.states(before)
    if values.state in permit_states.STATE_WORDS and values.state not in dict(states):
        # What was typed stays, with the reason why it does not go beside it.
        states.append((values.state, permit_states.state(values.state)))
    return render(
        request, "works/permit_edit.html", status=status, section="/cantieri", site=site,
        permit=permit, form=values,
        errors=values.errors, kinds=permit_states.kinds(), states=states, now=now,
        address=f"/cantieri/{site.id}/autorizzazioni/nuova" if permit is None
        else f"/autorizzazioni/{permit.id}/modifica", **_file_words(),
    )  # fmt: skip


def _file_words() -> dict[str, object]:
    return {
        "accept": ACCEPT, "accepted_words": _(ACCEPTED_WORDS),
        "most_mb": get_settings().max_document_mb,
    }  # fmt: skip
