"""The stairwells of an area that somebody draws or uploads while filling in a form."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.i18n import gettext as _
from geo_service.i18n import ngettext
from geo_service.web.session import Db
from geo_service.works.cuts.served_area import stairwells_in
from geo_service.works.editing.shapes import Unreadable, read_area, shape_text
from geo_service.works.editing.site_form import area_of_upload
from geo_service.works.overview import site_of

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=1, max_fields=5, max_part_size=2_000_000)


@router.post("/cantieri/{site_id:int}/area-servita")
def served(
    session: Db, who: Editor, site_id: int, submitted: Annotated[FormData, Depends(_submitted)]
) -> Response:
    """Stairwells of an area as JSON, or the sentence that says why it cannot be used.

    Nothing is recorded: the form ticks the stairwells, and a person corrects them.
    """
    site = site_of(session, site_id)
    upload = submitted.get("file")
    try:
        if isinstance(upload, UploadFile) and upload.filename:
            area = area_of_upload(upload, session, site.quarter_id)
        else:
            area = read_area(str(submitted.get("area") or ""))
    except Unreadable as fault:
        return JSONResponse({"problem": str(fault)}, status_code=422)
    found = stairwells_in(session, site.quarter_id, area)
    said = ngettext(
        "Segnata una scala: controllatela.", "Segnate %(count)s scale: controllatele.", len(found)
    )
    if not found:
        said = _("Nessun ingresso di scala in quest'area.")
    guessed = sum(s.by_building for s in found)
    if guessed:
        said += " " + ngettext(
            "Di una l'ingresso non è noto: vale il suo edificio.",
            "Di %(count)s l'ingresso non è noto: vale il loro edificio.",
            guessed,
        )
    return JSONResponse(
        {
            "area": shape_text(area),
            "words": said,
            "stairwells": [{"id": s.id, "label": s.label, "building": s.building} for s in found],
        }
    )
