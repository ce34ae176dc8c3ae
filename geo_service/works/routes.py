"""Pages of sites and phases (*cantieri e fasi*)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount
from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight
from geo_service.web.pages import render
from geo_service.web.quarter import StaffQuarter, Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import overview
from geo_service.works.editing.removal_routes import removed_page
from geo_service.works.permits.page import site_permits
from geo_service.works.phase_page import phase_context
from geo_service.works.removed import removed_phase, removed_phases

router = APIRouter()


@router.get("/cantieri")
def sites(
    request: Request, session: Db, who: CurrentAccount, quarter: StaffQuarter, today: Today
) -> Response:
    """Sites of the quarter with their phases."""
    rows = overview.site_rows(session, quarter.id, Sight.of(who))
    return render(request, "works/sites.html", sites=rows, today=today)


@router.get("/cantieri/{site_id:int}")
def site(
    request: Request, session: Db, who: CurrentAccount, today: Today, site_id: int
) -> Response:
    """One site: its phases in time, its schedule versions."""
    row = overview.site_row(session, site_id, Sight.of(who))
    show_quarter(request, session, row.site.quarter)
    return render(
        request,
        "works/site.html",
        row=row,
        site=row.site,
        versions=overview.schedule_versions(session, site_id),
        removed=removed_phases(session, site_id),
        today=today,
        **site_permits(session, row.site),
    )


@router.get("/fasi/{phase_id:int}")
def phase(request: Request, session: Db, today: Today, phase_id: int) -> Response:
    """One phase: who is hit by what and how hard, and what it is made of.

    One that was taken out of the schedule says so, and how it comes back.
    """
    try:
        revision = overview.revision_of_phase(session, phase_id)
    except NotFound:
        gone = removed_phase(session, phase_id)
        if gone is None:
            raise
        return removed_page(request, session, gone)
    show_quarter(request, session, revision.phase.site.quarter)
    return render(
        request,
        "works/phase.html",
        **phase_context(request, session, revision),
        today=today,
    )
