"""The annex to a request for a noise derogation as a page to read and to print."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount
from geo_service.households.disclosure import Sight
from geo_service.web.pages import render
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.derogations.page import annex_context
from geo_service.works.overview import revision_of_phase

router = APIRouter()


@router.get("/fasi/{phase_id:int}/deroga")
def annex_page(
    request: Request, session: Db, today: Today, who: CurrentAccount, phase_id: int
) -> Response:
    """Who is exposed above the limit, and how often the same people were already."""
    revision = revision_of_phase(session, phase_id)
    show_quarter(request, session, revision.phase.site.quarter)
    context = annex_context(session, revision, today, Sight.of(who))
    return render(request, "works/derogation.html", section="/cantieri", **context)
