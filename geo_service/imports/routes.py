"""Pages on which files are imported: upload, look, choose columns, apply, read what happened."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from geo_service import jobs
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Forbidden, Invalid, NotFound
from geo_service.files import MEDIA_TYPES, table_file
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs, said
from geo_service.imports import page, tasks, uploads, vocabulary
from geo_service.imports.uploads import ImportUpload
from geo_service.settings import get_settings
from geo_service.web.numbers import number_in
from geo_service.web.pages import file_response, render, see_other
from geo_service.web.quarter import StaffQuarter, show_quarter
from geo_service.web.session import Db
from layers.buildings import Quarter
from layers.errors import DataError
from layers.loaders import drivers

FORMATS = ("csv", "json")

router = APIRouter()
Importer = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=2, max_fields=200)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get("/importa")
def start(request: Request, session: Db, who: Importer, quarter: StaffQuarter) -> Response:
    """The form for a new file, and what was imported before."""
    return _start_page(request, session, who, quarter, {}, {})


@router.post("/importa")
def upload(
    request: Request, session: Db, who: Importer, quarter: StaffQuarter, submitted: Submitted
) -> Response:
    """Take a file in, or say at once why it cannot be one that is imported."""
    kind = str(submitted.get("che") or "")
    sent = submitted.get("file")
    errors: dict[str, str] = {}
    if kind not in vocabulary.KIND_WORDS:
        errors["che"] = _("Scegliete che cosa contiene il file.")
    elif kind not in page.kinds_for(who):
        raise Forbidden(_("Il vostro ruolo non permette di importare questi dati."))
    if not isinstance(sent, UploadFile) or not sent.filename:
        errors["file"] = _("Scegliete un file.")
    if errors or not isinstance(sent, UploadFile):
        return _start_page(request, session, who, quarter, dict(submitted), errors)
    try:
        options = page.read_options(submitted, kind)
        made = uploads.receive(
            session, quarter.id, who.id, kind, sent.filename or "", sent.file, options
        )
    except Invalid as fault:
        errors = fault.fields or {"file": str(fault)}
        return _start_page(request, session, who, quarter, dict(submitted), errors)
    fault_text = _not_what_it_says(made)
    if fault_text:
        uploads.discard(session, made)
        return _start_page(request, session, who, quarter, dict(submitted), {"file": fault_text})
    _check_later(session, made, who)
    return see_other(f"/importa/{made.id}")


@router.get("/importa/{upload_id:int}")
def look(request: Request, session: Db, who: Importer, upload_id: int) -> Response:
    """An upload as it stands: being checked, what was seen in it, what it brought."""
    return _upload_page(request, session, who, _of(session, who, upload_id))


@router.get("/importa/{upload_id:int}/stato")
def state(session: Db, who: Importer, upload_id: int) -> Response:
    """How far the upload is, for the script of the page."""
    standing = page.standing_of(session, _of(session, who, upload_id))
    return JSONResponse(
        {"state": standing.state, "done": standing.done, "total": standing.total,
         "waits": standing.waits}
    )  # fmt: skip


@router.post("/importa/{upload_id:int}/controlla")
def check(
    request: Request, session: Db, who: Importer, submitted: Submitted, upload_id: int
) -> Response:
    """Have the file looked at again with other columns or another coordinate system."""
    found = _of(session, who, upload_id)
    seen = uploads.seen_of(found)
    try:
        options = page.read_options(submitted, found.kind, found.options, seen.get("columns", []))
    except Invalid as fault:
        return _upload_page(request, session, who, found, fault.fields, 422)
    if uploads.check_again(session, found, options):
        _check_later(session, found, who)
    return see_other(f"/importa/{found.id}")


@router.post("/importa/{upload_id:int}/applica")
def apply(
    request: Request, session: Db, who: Importer, submitted: Submitted, upload_id: int
) -> Response:
    """Import what was looked at; a second time does nothing."""
    found = _of(session, who, upload_id)
    if submitted.get("conferma") is None and found.state == "checked":
        wrong = {"conferma": _("Segnate la casella per confermare.")}
        return _upload_page(request, session, who, found, wrong, 422)
    number = number_in(submitted.get("controllo"))
    if uploads.start_applying(session, found, number or 0):
        found.job_id = jobs.defer(
            session, tasks.apply_import, asked_by=who.id, in_quarter=found.quarter_id,
            upload_id=found.id,
        )  # fmt: skip
    return see_other(f"/importa/{found.id}")


@router.post("/importa/{upload_id:int}/scarta")
def discard(request: Request, session: Db, who: Importer, upload_id: int) -> Response:
    """Give an upload up; its file is deleted."""
    found = _of(session, who, upload_id)
    if not uploads.discard(session, found):
        return see_other(f"/importa/{found.id}")
    return see_other("/importa?scartato=1")


@router.get("/importa/{upload_id:int}/rapporto.{file_format}")
def report(session: Db, who: Importer, upload_id: int, file_format: str) -> Response:
    """The report as a file: refused rows as csv, all of it as json."""
    found = _of(session, who, upload_id)
    told = page.report_of(found, uploads.seen_of(found))
    if told is None or file_format not in FORMATS:
        raise NotFound(_("Il rapporto si scarica come csv o json, dopo il controllo."))
    name = f"importazione-{found.id}.{file_format}"
    if file_format == "json":
        content = json.dumps(told, ensure_ascii=False, indent=1).encode()
        return file_response(content, MEDIA_TYPES["json"], name)
    heads = {"row": _("riga"), "field": _("colonna"), "reason": _("motivo")}
    frame = pd.DataFrame(told["rows"], columns=list(heads)).rename(columns=heads)
    return file_response(table_file(frame, "csv", "righe"), MEDIA_TYPES["csv"], name)


def _of(session: Session, who: SignedIn, upload_id: int) -> ImportUpload:
    return uploads.upload_of(session, upload_id, page.kinds_for(who))


def _not_what_it_says(made: ImportUpload) -> str:
    """Why the file is refused before anything else is tried; archives are opened by the job."""
    path = uploads.file_of(made)
    if path.suffix.lower() in drivers.ARCHIVES:
        return ""
    try:
        with drivers.opened(path):
            return ""
    except DataError as error:
        return said(error)


def _check_later(session: Session, found: ImportUpload, who: SignedIn) -> None:
    found.job_id = jobs.defer(
        session, tasks.check_import, asked_by=who.id, in_quarter=found.quarter_id,
        upload_id=found.id, check_number=found.check_number,
    )  # fmt: skip


def _start_page(
    request: Request, session: Session, who: SignedIn, quarter: Quarter, typed: dict[str, Any],
    errors: dict[str, str],
) -> Response:  # fmt: skip
    kinds = page.kinds_for(who)
    found = uploads.recent(session, quarter.id, kinds)
    return render(
        request,
        "imports/start.html",
        status=422 if errors else 200,
        kinds=pairs(vocabulary.KIND_WORDS, kinds),
        profiles=pairs(vocabulary.PROFILE_WORDS),
        typed=typed,
        errors=errors,
        found=[(one, page.standing_of(session, one)) for one in found],
        say=vocabulary,
        most_mb=get_settings().max_upload_mb,
        endings=sorted(drivers.ENDINGS),
        discarded=request.query_params.get("scartato") is not None,
        section="/importa",
    )


def _upload_page(
    request: Request, session: Session, who: SignedIn, found: ImportUpload,
    errors: dict[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    quarter = show_quarter(request, session, session.get_one(Quarter, found.quarter_id))
    seen = uploads.seen_of(found)
    standing = page.standing_of(session, found)
    told = page.report_of(found, seen)
    return render(
        request,
        "imports/upload.html",
        status=status,
        upload=found,
        standing=standing,
        seen=seen,
        report=told,
        shown_rows=page.SHOWN_ROWS,
        failure=page.failure_of(found, standing) if standing.state == "failed" else "",
        fields=page.fields_of(found.kind, seen),
        columns=seen.get("columns", []),
        layers=[(name, name) for name in seen.get("layers", [])],
        profiles=pairs(vocabulary.PROFILE_WORDS),
        errors=errors or {},
        map=None if standing.waits or found.state == "applied"
        else page.map_of(request, session, quarter, seen),
        say=vocabulary,
        section="/importa",
    )  # fmt: skip
