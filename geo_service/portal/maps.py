"""Public maps, tiles and open data: geometry, code, address, level of a building; nothing else."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Request
from geoalchemy2.shape import to_shape
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.errors import NotFound
from geo_service.i18n import gettext as _
from geo_service.portal import buildings
from geo_service.web import words
from geo_service.web.embed import embed, without_heading
from geo_service.web.links import address_with
from geo_service.web.pages import compress, render
from geo_service.web.quarter import Today
from geo_service.web.quick_tiles import tile_headers
from geo_service.web.session import Db
from geo_service.works.map_data import (
    PUBLIC_KINDS,
    View,
    building_levels,
    level_lines,
    map_data,
    quarter_bounds,
)
from geo_service.works.map_view import choice_of
from geo_service.works.overview import count_uncomputed
from geo_service.works.places import ADDRESSES
from layers.buildings import Building, Quarter
from maps import tiles
from maps.base import AccantoMap
from maps.building_map import building_map
from maps.site_map import quarter_map

router = APIRouter()

MAX_LIST_ROWS = 2_000
AHEAD_DAYS = 56


def _chosen_quarter(request: Request, quarters: list[Quarter]) -> Quarter:
    asked = request.query_params.get("quartiere")
    if not quarters:
        raise NotFound(_("Non c'è ancora nessun quartiere: tornate tra qualche giorno."))
    return next((q for q in quarters if q.code == asked), quarters[0])


@router.get("/mappa")
def public_map(request: Request, session: Db, today: Today) -> Response:
    """Buildings by level and sites of a period, as a map or as a list."""
    quarters = buildings.quarters(session)
    quarter = _chosen_quarter(request, quarters)
    request.state.synthetic = quarter.synthetic
    choice = choice_of(request, today, PUBLIC_KINDS)
    context = {
        "choice": choice,
        "all_kinds": PUBLIC_KINDS,
        "action": "/mappa",
        "all_quarters": quarters,
        "shown": quarter,
        "uncomputed": words.uncomputed(
            count_uncomputed(session, quarter.id, choice.first, choice.last)
        ),
    }
    if choice.as_list:
        levels = building_levels(session.connection(), quarter.id, choice.view())
        lines = level_lines(session, levels)
        return render(
            request,
            "portal/map_list.html",
            lines=lines[:MAX_LIST_ROWS],
            total=len(lines),
            **context,
        )
    data = map_data(
        session,
        quarter,
        choice.view(),
        title=quarter.name,
        list_href=address_with(request, vista="elenco"),
        public=True,
    )
    map_ = quarter_map(without_heading(data))
    if data.tiles is not None:
        map_.config["bounds"] = quarter_bounds(session.connection(), quarter.id)
    return render(request, "portal/map.html", map=embed(request, map_), **context)


def resident_map(session: Session, building: Building, today: dt.date) -> AccantoMap:
    """The surroundings of a building: sites and closed ways of the coming weeks, no levels."""
    view = View(today, today + dt.timedelta(days=AHEAD_DAYS), PUBLIC_KINDS)
    data = map_data(
        session,
        building.quarter,
        view,
        title="",
        list_href="#span-today",
        public=True,
        around=to_shape(building.footprint),
    )
    return building_map(without_heading(data), building.id)


@router.get("/tiles/public/{quarter_id:int}/{version:int}/{layer}/{z:int}/{x:int}/{y:int}.mvt")
def public_tile(
    session: Db, quarter_id: int, version: int, layer: str, z: int, x: int, y: int
) -> Response:
    """A vector tile of buildings (id, code) or ways; its address changes with what it shows.

    Most are answered before they come here (``web.quick_tiles``).
    """
    shown, content = tiles.versioned_tile(session.connection(), quarter_id, layer, z, x, y)
    found = tiles.tagged(content)
    headers = tile_headers(found.etag, shared=True, current=shown == version)
    return Response(found.content, headers=headers)


_OPEN = text(
    f"""
    select cast(json_build_object(
        'type', 'FeatureCollection',
        'name', 'buildings',
        'features', coalesce(json_agg(json_build_object(
            'type', 'Feature',
            'id', b.code,
            'geometry', cast(ST_AsGeoJSON(
                ST_ForcePolygonCCW(ST_Transform(b.footprint, 4326)), 6) as json),
            'properties', json_build_object(
                'code', b.code,
                'address', coalesce(nullif(a.address, ''), nullif(b.name, ''), b.code),
                'name', b.name,
                'use', b.use, 'quarter', q.code, 'synthetic', q.synthetic)
        ) order by q.code, b.code), cast('[]' as json))) as text)
    from building b
    join quarter q on q.id = b.quarter_id
    left join {ADDRESSES} a on true
    where b.closed_on is null and (cast(:quarter as text) is null or q.code = :quarter)
    """  # noqa: S608  (no value is part of the text)
)


@router.get("/open/buildings.geojson")
def open_buildings(request: Request, session: Db, quartiere: str | None = None) -> Response:
    """Every public building with code and address, in WGS 84 (RFC 7946)."""
    document = session.execute(_OPEN, {"quarter": quartiere}).scalar_one()
    answer = Response(
        document,
        media_type="application/geo+json",
        headers={"cache-control": "public, max-age=300", "access-control-allow-origin": "*",
                 "cross-origin-resource-policy": "cross-origin"},
    )  # fmt: skip
    return compress(request, answer)
