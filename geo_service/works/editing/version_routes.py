"""Pages of the versions of a schedule: what each changed, and two of them compared."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated

import shapely
from fastapi import APIRouter, Depends, Query, Request
from geoalchemy2.shape import to_shape
from markupsafe import Markup
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount, need
from geo_service.accounts.standing import SignedIn
from geo_service.households.disclosure import Sight
from geo_service.web.embed import embed, without_heading
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import show_quarter
from geo_service.web.session import Db
from geo_service.works import overview
from geo_service.works.editing.version_links import links_changed
from geo_service.works.editing.versions import compare, pick, span_of, version_lines, versions_of
from geo_service.works.map_data import View, map_data
from geo_service.works.revising.saving import compute_later
from maps.base.frames import script_json
from maps.site_map import phase_map

PAGE_SIZE = 20
# Beyond the works: far enough to see who is newly hit.
MAP_REACH_M = 350.0

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]
Number = Annotated[int | None, Query(ge=1, lt=2**31)]


@router.get("/cantieri/{site_id:int}/versioni")
def versions(
    request: Request, session: Db, site_id: int, pagina: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> Response:
    """All versions with author, reason and difference, the newest first."""
    site = overview.site_of(session, site_id)
    show_quarter(request, session, site.quarter)
    everything = versions_of(session, site_id)
    start = (pagina - 1) * PAGE_SIZE
    # One more than shown: the last on the page is told against the one before it.
    lines = version_lines(session, everything[start : start + PAGE_SIZE + 1])[:PAGE_SIZE]
    return render(
        request,
        "works/edit_versions.html",
        section="/cantieri",
        site=site,
        lines=lines,
        numbers=[v.number for v in everything],
        page=pagina,
        more=len(everything) > start + PAGE_SIZE,
    )


@router.post("/cantieri/{site_id:int}/versioni/confronto")
def compute(
    session: Db, who: Editor, site_id: int, da: Number = None, a: Number = None
) -> Response:
    """Queue the impacts that the comparison lacks."""
    site = overview.site_of(session, site_id)
    before, after = pick(versions_of(session, site_id), da, a)
    missing = compare(session, before, after, Sight.of(who)).missing
    compute_later(session, site.quarter_id, missing)
    return see_other(f"/cantieri/{site_id}/versioni/confronto?da={before.number}&a={after.number}")


@router.get("/cantieri/{site_id:int}/versioni/confronto")
def comparison(
    request: Request, session: Db, who: CurrentAccount, site_id: int, da: Number = None,
    a: Number = None,
) -> Response:  # fmt: skip
    """Two versions compared in words, in a table and on the map; by default the last two."""
    site = overview.site_of(session, site_id)
    show_quarter(request, session, site.quarter)
    everything = versions_of(session, site_id)
    found = compare(session, *pick(everything, da, a), Sight.of(who))
    grounds = [
        to_shape(r.footprint) for p in found.phases for r in (p.before, p.after) if r is not None
    ]
    around = shapely.union_all(grounds or [to_shape(site.footprint)]).buffer(MAP_REACH_M)
    day = dt.date(2000, 1, 1)
    first, after = span_of(found.phases) if found.phases else (day, day + dt.timedelta(days=1))
    view = View(first, after - dt.timedelta(days=1), site_id=site.id, revision_id=0)
    data = map_data(
        session, site.quarter, view, title=site.name, list_href="#edifici",
        around=around,
    )  # fmt: skip
    newest = found.after.number == everything[0].number
    links = links_changed(session, site, found.before, found.after, newest=newest)
    marks = {} if found.missing else {b.building_id: b.mark for b in found.buildings}
    return render(
        request,
        "works/edit_comparison.html",
        section="/cantieri",
        site=site,
        numbers=[v.number for v in everything],
        found=found,
        links=links,
        marks=Markup(script_json(json.dumps(marks))),  # noqa: S704
        map=embed(request, phase_map(without_heading(data))),
    )
