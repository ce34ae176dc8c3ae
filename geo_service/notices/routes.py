"""The notice list of a phase as a page and as files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount, require
from geo_service.accounts.models import Account
from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.notices.export import FORMATS, export
from geo_service.notices.service import among, notice_list
from geo_service.web.chosen import read_ids, written_ids
from geo_service.web.pages import file_response, render
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.overview import revision_of_phase

router = APIRouter()
# The files hold flats beside households, which tells empty flats apart.
Coordinator = Annotated[Account, Depends(require("coordinator"))]


@router.get("/fasi/{phase_id:int}/avvisi")
def notice_page(
    request: Request, session: Db, today: Today, account: CurrentAccount, phase_id: int,
    edifici: str = "",
) -> Response:  # fmt: skip
    """Whom to tell about a phase, stairwell by stairwell; of chosen buildings alone, if any."""
    revision = revision_of_phase(session, phase_id)
    show_quarter(request, session, revision.phase.site.quarter)
    notices = notice_list(session, phase_id, today, Sight.of(account))
    chosen = read_ids([edifici])
    if chosen:
        notices = among(notices, chosen)
    languages: dict[str, int] = {}
    for row in notices.rows:
        for code, number in row.languages.items():
            languages[code] = languages.get(code, 0) + number
    return render(
        request,
        "notices/list.html",
        phase=revision.phase,
        notices=notices,
        chosen=written_ids(chosen),
        languages_needed=sorted(languages.items(), key=lambda item: -item[1]),
        formats=tuple(FORMATS) if account.role == "coordinator" else (),
        section="/cantieri",
    )


@router.get("/fasi/{phase_id:int}/avvisi.{file_format}")
def notice_file(
    session: Db, today: Today, account: Coordinator, phase_id: int, file_format: str,
    edifici: str = "",
) -> Response:  # fmt: skip
    """The notice list as csv, json, xlsx or gpkg; of chosen buildings alone, if any."""
    if file_format not in FORMATS:
        raise NotFound(_("L'elenco si scarica come %(formats)s.", formats=", ".join(FORMATS)))
    notices = notice_list(session, phase_id, today)
    if chosen := read_ids([edifici]):
        notices = among(notices, chosen)
    content = export(session, notices, file_format)
    return file_response(content, FORMATS[file_format], f"avvisi-fase-{phase_id}.{file_format}")
