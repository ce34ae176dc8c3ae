"""Pages on which staff record sites: new, corrected, archived."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from geoalchemy2.shape import to_shape
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web.embed import embed, without_heading
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import StaffQuarter, Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.editing.phase_page import map_texts
from geo_service.works.editing.proposals import next_site_code
from geo_service.works.editing.site_form import SiteValues, read_site, site_values
from geo_service.works.map_data import View, map_data
from geo_service.works.overview import site_of
from geo_service.works.revising.saving import new_map
from geo_service.works.service import archive_site, change_site, create_site
from layers.buildings import Quarter
from layers.sites import Site
from maps.base.frames import script_json
from maps.site_map import phase_map, quarter_map

MAP_REACH_M = 250.0

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=2, max_fields=100)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get("/cantieri/nuovo")
def new(
    request: Request, session: Db, who: Editor, today: Today, quarter: StaffQuarter
) -> Response:
    """An empty form."""
    values = SiteValues(code=next_site_code(session, quarter.id))
    return _page(request, session, today, quarter, None, values)


@router.post("/cantieri/nuovo")
def create(
    request: Request, session: Db, who: Editor, today: Today, quarter: StaffQuarter,
    submitted: Submitted,
) -> Response:  # fmt: skip
    """Record a new site, or show the form again with what is wrong beside its fields."""
    return _submit(request, session, today, quarter, None, submitted, who)


@router.get("/cantieri/{site_id:int}/modifica")
def edit(request: Request, session: Db, who: Editor, today: Today, site_id: int) -> Response:
    """The form of a site as it stands."""
    site = site_of(session, site_id)
    return _page(request, session, today, site.quarter, site, site_values(site))


@router.post("/cantieri/{site_id:int}/modifica")
def save(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """Record the corrected site."""
    site = site_of(session, site_id)
    return _submit(request, session, today, site.quarter, site, submitted, who)


@router.post("/cantieri/{site_id:int}/archivia")
def archive(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """Archive a site once that is confirmed, or bring it back."""
    site = site_of(session, site_id)
    if site.archived_on is not None:
        archive_site(session, site, None)
    elif submitted.get("conferma") is None:
        values = site_values(site)
        values.errors["conferma"] = _("Segnate la casella per confermare.")
        return _page(request, session, today, site.quarter, site, values, status=422)
    else:
        archive_site(session, site, today)
    new_map(session, site.quarter_id)
    return see_other(f"/cantieri/{site.id}")


def _submit(
    request: Request,
    session: Session,
    today: Any,
    quarter: Quarter,
    site: Site | None,
    submitted: FormData,
    who: SignedIn,
) -> Response:
    values, area = read_site(submitted, site, session, quarter.id)
    items = [(k, v) for k, v in submitted.multi_items() if k != "csrf" and isinstance(v, str)]
    items.append(("area", "" if area is None else area.wkt))
    key = once.key_of(who.id, request.url.path, items)
    before = once.done(session, key)
    if before:
        return see_other(before)
    seen = str(submitted.get("prima") or "")
    if site is not None and seen and seen != _state_of(site):
        values.errors[""] = _(
            "Qualcun altro ha cambiato questo cantiere mentre scrivevate: ora è «%(code)s "
            "%(name)s», committente «%(client)s», CUP %(cup)s, CIG %(cig)s. Quello che avete "
            "scritto è qui sotto: salvate di nuovo per sostituirlo.",
            code=site.code, name=site.name, client=site.client, cup=site.cup or "–",
            cig=site.cig or "–",
        )  # fmt: skip
        return _page(request, session, today, quarter, site, values, status=409, typed=True)
    if not values.errors and area is not None:
        try:
            address = _once(session, key, quarter, site, values, area, who)
            return see_other(address)
        except Invalid as refused:
            values.errors = _beside_fields(refused)
    return _page(request, session, today, quarter, site, values, status=422, typed=True)


def _once(
    session: Session,
    key: bytes,
    quarter: Quarter,
    site: Site | None,
    values: SiteValues,
    area: BaseGeometry,
    who: SignedIn,
) -> str:
    facts: dict[str, Any] = {
        "code": values.code, "name": values.name, "client": values.client,
        "cup": values.cup or None, "cig": values.cig or None, "footprint": area,
    }  # fmt: skip
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or "/cantieri"
        if site is None:
            site = create_site(session, quarter.id, **facts)
        else:
            change_site(session, site, **facts)
        new_map(session, quarter.id)
        address = f"/cantieri/{site.id}?salvata=1"
        once.end(session, key, address)
    return address


def _beside_fields(refused: Invalid) -> dict[str, str]:
    sentences = {
        "code": ("codice", _("Questo codice c'è già: sceglietene un altro.")),
        "cup": ("cup", _("Il CUP ha 15 lettere e cifre.")),
        "cig": ("cig", _("Il CIG ha 10 lettere e cifre.")),
        "footprint": ("perimetro", _("L'area sta fuori dal quartiere: controllate dove cade.")),
    }
    found = {sentences[k][0]: sentences[k][1] for k in refused.fields if k in sentences}
    return found or {"": str(refused)}


def _state_of(site: Site) -> str:
    """What the form started from, told back when it is sent."""
    facts = (site.code, site.name, site.client, site.cup or "", site.cig or "")
    return once.key_of(
        site.id, to_shape(site.footprint).wkt, zip("abcde", facts, strict=True)
    ).hex()


def _page(
    request: Request,
    session: Session,
    today: Any,
    quarter: Quarter,
    site: Site | None,
    values: SiteValues,
    *,
    status: int = 200,
    typed: bool = False,
) -> Response:
    show_quarter(request, session, quarter)
    around = None if site is None else to_shape(site.footprint).buffer(MAP_REACH_M)
    data = map_data(
        session, quarter, View(today, today, revision_id=0), title=quarter.name,
        list_href="#dove", around=around,
    )  # fmt: skip
    if site is not None and data.sites is not None:
        # The site itself is drawn by the editor.
        data = replace(data, sites=data.sites[data.sites["id"] != site.id])
    drawn = (quarter_map if site is None else phase_map)(without_heading(data))
    config = Markup(script_json(json.dumps({"texts": map_texts()})))  # noqa: S704
    return render(
        request,
        "works/edit_site.html",
        status=status,
        section="/cantieri",
        site=site,
        form=values,
        errors=values.errors,
        before="" if site is None else _state_of(site),
        typed=typed,
        address=f"/cantieri/{site.id}/modifica" if site else "/cantieri/nuovo",
        config=config,
        map=embed(request, drawn),
    )
