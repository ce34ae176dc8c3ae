"""Pages for residents: complete without a script, nothing about flats or persons."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import text
from starlette.responses import Response

from geo_service.errors import NotFound
from geo_service.portal import buildings, maps, service
from geo_service.portal import words as resident
from geo_service.web.assets import vendor_packages
from geo_service.web.embed import embed
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today
from geo_service.web.session import Db
from geo_service.works.places import building_label
from layers.buildings import DATA_SOURCES

router = APIRouter()
router.include_router(maps.router)


@router.get("/health")
def health(session: Db) -> dict[str, str]:
    """Whether the service and its database answer."""
    session.execute(text("select 1"))
    return {"status": "ok"}


@router.get("/")
def home(request: Request, session: Db, today: Today) -> Response:
    """Find a building; what is being built in the coming two weeks."""
    quarters = buildings.quarters(session)
    request.state.synthetic = any(q.synthetic for q in quarters)
    return render(
        request,
        "portal/home.html",
        all_quarters=quarters,
        works=service.sites_at_work(session, today),
    )


@router.get("/cerca")
def search(request: Request, session: Db, q: str = "") -> Response:
    """Buildings that the words typed may mean; a code leads straight to its page."""
    hits = buildings.search(session, q)
    if len(hits) == 1 and hits[0].score >= buildings.CERTAIN:
        return see_other(f"/e/{hits[0].code}")
    quarters = {quarter.id: quarter for quarter in buildings.quarters(session)}
    request.state.synthetic = any(q.synthetic for q in quarters.values())
    return render(
        request,
        "portal/search.html",
        query=q.strip()[: buildings.MAX_QUERY_CHARS],
        hits=hits,
        many_quarters=len(quarters) > 1,
    )


@router.get("/e/{code}")
def building_page(request: Request, session: Db, today: Today, code: str) -> Response:
    """What is being done to this building: today, this week, later."""
    try:
        building = buildings.public_building(session, code)
    except NotFound as missing:
        return render(
            request, "portal/search.html", status=404, query="", hits=[], many_quarters=False,
            problem=str(missing),
        )  # fmt: skip
    if code != building.code:
        return see_other(f"/e/{building.code}")
    request.state.synthetic = building.quarter.synthetic
    return render(
        request,
        "portal/building.html",
        map=embed(request, maps.resident_map(session, building, today)),
        building=building,
        heading=building_label(building),
        outlook=service.outlook(session, building, today),
        resident=resident,
    )


@router.get("/privacy")
def privacy(request: Request) -> Response:
    """Which data these pages use."""
    return render(request, "portal/privacy.html")


@router.get("/accessibilita")
def accessibility(request: Request) -> Response:
    """How accessible these pages are and whom to tell of a barrier."""
    return render(request, "portal/accessibility.html")


@router.get("/note-legali")
def legal_notes(request: Request) -> Response:
    """What the information on these pages is worth."""
    return render(request, "portal/legal.html")


@router.get("/crediti")
def credits(request: Request, session: Db) -> Response:
    """Whose data, fonts and programs these pages are made with."""
    sources = {
        source
        for quarter in buildings.quarters(session)
        for source in quarter.settings.get(DATA_SOURCES, [])
    }
    return render(
        request, "portal/credits.html", packages=vendor_packages(), sources=sorted(sources)
    )
