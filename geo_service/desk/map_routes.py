"""The staff's map: its page, what it asks for while time moves, and buildings chosen on it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from geo_service import i18n
from geo_service.accounts.guards import CurrentAccount
from geo_service.accounts.standing import SignedIn
from geo_service.desk import selection, service
from geo_service.desk.finding import find_buildings
from geo_service.desk.programme import programme
from geo_service.errors import Invalid, NotFound
from geo_service.files.tables import MEDIA_TYPES
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.i18n import ngettext
from geo_service.web import words
from geo_service.web.chosen import MAX_BUILDINGS, read_ids, written_ids
from geo_service.web.embed import embed, without_heading
from geo_service.web.links import address_with
from geo_service.web.pages import compress, file_response, render, sees_flats
from geo_service.web.quarter import StaffQuarter, Today
from geo_service.web.quick_tiles import tile_headers
from geo_service.web.session import Db
from geo_service.works.map_data import (
    BuildingLevel,
    View,
    building_levels,
    closures_geojson,
    level_lines,
    map_data,
    quarter_bounds,
)
from geo_service.works.map_view import SPANS_DAYS, MapChoice, choice_of
from geo_service.works.overview import count_uncomputed, site_names
from geo_service.works.places import building_label
from layers.impacts.models import KINDS
from layers.impacts.reach import waiting_near
from maps import tiles
from maps.site_map import quarter_map

router = APIRouter()
MAX_LIST_ROWS = 2_000
_cache = tiles.TileCache()


def _levels(
    session: Session, quarter_id: int, choice: MapChoice
) -> tuple[dict[int, BuildingLevel], dict[str, int]]:
    """Levels of the chosen kinds, and how many buildings each kind hits, chosen or not."""
    everything = View(choice.first, choice.last, site_id=choice.site_id)
    counts: dict[str, int] = {}
    chosen: dict[int, BuildingLevel] = {}
    for key, level in building_levels(session.connection(), quarter_id, everything).items():
        for kind, band in level.kinds.items():
            counts[kind] = counts.get(kind, 0) + (band >= choice.least_band)
        kinds = {kind: band for kind, band in level.kinds.items() if kind in choice.kinds}
        strongest = max(kinds.values(), default=0)
        if strongest >= choice.least_band:
            chosen[key] = BuildingLevel(strongest, kinds, level.flats)
    return chosen, counts


def _uncomputed(session: Session, quarter_id: int, choice: MapChoice) -> str:
    """What the map cannot show yet, in words."""
    return words.uncomputed(
        count_uncomputed(session, quarter_id, choice.first, choice.last, choice.site_id)
    )


@router.get("/quartiere/mappa")
def quarter_map_page(
    request: Request, session: Db, quarter: StaffQuarter, today: Today
) -> Response:
    """Map or list of the buildings hit in a period; the address keeps every choice."""
    choice = choice_of(request, today, KINDS)
    levels, counts = _levels(session, quarter.id, choice)
    uncomputed = _uncomputed(session, quarter.id, choice)
    context = {
        "choice": choice,
        "counts": counts,
        "all_kinds": KINDS,
        "spans": SPANS_DAYS,
        "sites": site_names(session, quarter.id),
        "programme": programme(session, quarter.id, choice.site_id, today, choice.first),
        "action": "/quartiere/mappa",
        "said": _said(len(levels), uncomputed),
        "filtered": _filtered(session, quarter.id, choice),
        "uncomputed": uncomputed,
    }
    if choice.as_list:
        # The list counts flats hit by the chosen kinds alone.
        shown = building_levels(session.connection(), quarter.id, choice.view())
        lines = level_lines(session, shown)
        return render(
            request,
            "desk/map_list.html",
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
        # No popup opens on this map: the sheet beside it counts flats, for those who may see them.
        flats=False,
        levels=levels,
        zones_of=[choice.zone] if choice.zone else [],
    )
    map_ = quarter_map(without_heading(data), show_zones=[choice.zone] if choice.zone else [])
    map_.config["panel"] = True
    if data.tiles is not None:
        map_.config["bounds"] = quarter_bounds(session.connection(), quarter.id)
    tiled = data.tiles is not None
    return render(request, "desk/map.html", map=embed(request, map_), tiled=tiled, **context)


def _said(buildings: int, uncomputed: str) -> str:
    if not buildings and uncomputed:
        return _("per ora nessun edificio disturbato")
    if not buildings:
        return _("nessun edificio disturbato")
    return ngettext("un edificio disturbato", "%(count)s edifici disturbati", buildings)


def _filtered(session: Session, quarter_id: int, choice: MapChoice) -> str:
    """What is shown beside the period, in words: paper keeps no filters."""
    every = set(choice.kinds) >= set(KINDS)
    said = [_("tutti i disagi") if every else ", ".join(words.kind(k) for k in choice.kinds)]
    if choice.least_band > 1:
        said.append(_("livello da %(level)s", level=words.band(choice.least_band)))
    if choice.site_id is not None:
        said += [name for key, name in site_names(session, quarter_id) if key == choice.site_id]
    if choice.zone:
        said.append(_("aree: %(kind)s", kind=words.kind(choice.zone)))
    return " · ".join(said)


@router.get("/api/quartiere/livelli")
def period_levels(request: Request, session: Db, quarter: StaffQuarter, today: Today) -> Response:
    """Bands of a period as {building: band}, with counts by kind and the closures of its days."""
    choice = choice_of(request, today, KINDS)
    levels, counts = _levels(session, quarter.id, choice)
    uncomputed = _uncomputed(session, quarter.id, choice)
    told = {
        "bands": {str(key): level.band for key, level in levels.items()},
        "counts": {kind: counts.get(kind, 0) for kind in KINDS},
        "first": choice.first.isoformat(),
        "last": choice.last.isoformat(),
        "period": i18n.period(choice.first, choice.last, today),
        "said": _said(len(levels), uncomputed),
        "filtered": _filtered(session, quarter.id, choice),
        "uncomputed": uncomputed,
    }
    closures = closures_geojson(session.connection(), quarter.id, choice.view())
    body = f'{json.dumps(told, separators=(",", ":"))[:-1]},"closures":{closures}}}'
    return compress(request, Response(body, media_type="application/json"))


@router.get("/api/quartiere/cerca")
def search_on_map(session: Db, quarter: StaffQuarter, q: str = "") -> Response:
    """Buildings of the quarter that ``q`` may mean, with their place (WGS 84)."""
    found = find_buildings(session, quarter.id, q)
    return JSONResponse({"found": [asdict(building) for building in found]})


@router.get("/api/quartiere/scelta")
def choice_counts(
    request: Request,
    session: Db,
    quarter: StaffQuarter,
    today: Today,
    who: CurrentAccount,
    edifici: str = "",
    area: str = "",
    zona: str = "",
) -> Response:
    """How many are chosen: by ids, inside a drawn area, in the zones of a kind in the period."""
    ids = set(read_ids([edifici]))
    if area:
        ids |= set(selection.buildings_in(session, quarter.id, selection.read_area(area)))
    if zona:
        if zona not in KINDS:
            raise Invalid(
                _("Non c'è un'area di disagio con questo nome: %(name)s.", name=zona[:40])
            )
        view = choice_of(request, today, KINDS).view()
        ids |= set(selection.touched_by(session, quarter.id, view, zona))
    if len(ids) > MAX_BUILDINGS:
        raise Invalid(_("Troppi edifici in una selezione: restringetela."))
    known, households, dark = selection.count_chosen(session, quarter.id, ids, today, Sight.of(who))
    return JSONResponse(
        {"ids": known, "address": written_ids(known),
         "said": _chosen_words(who, len(known), households, dark)}
    )  # fmt: skip


def _chosen_words(who: SignedIn, buildings: int, households: int | None, dark: int) -> str:
    said = [ngettext("un edificio", "%(count)s edifici", buildings)]
    # Nobody counted where nothing is known inside is not nobody.
    if households is not None and dark < buildings:
        people = ngettext("un nucleo", "%(count)s nuclei", households)
        exact = Sight.of(who).exact
        said.append(people if exact else _("almeno %(count)s", count=people))
    if dark:
        said.append(
            ngettext(
                "di uno non si conoscono gli alloggi",
                "di %(count)s non si conoscono gli alloggi",
                dark,
            )
            if buildings > 1
            else _("alloggi non noti")
        )
    return ", ".join(said)


@router.get("/quartiere/mappa/edificio/{building_id:int}")
def building_panel(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, who: CurrentAccount,
    building_id: int,
) -> Response:  # fmt: skip
    """A building beside the map: stairwells in numbers, what acts now and next, where to go on."""
    building = service.building(session, building_id)
    if building.quarter_id != quarter.id:
        raise NotFound(_("Questo edificio non esiste, o non esiste più."))
    choice = choice_of(request, today, KINDS)
    view = replace(choice.view(), building_id=building_id)
    level = building_levels(session.connection(), quarter.id, view).get(building_id)
    return render(
        request,
        "desk/map_panel.html",
        building=building,
        address=building_label(building),
        stairwells=service.stairwell_lines(
            session,
            building_id,
            today,
            protected=who.can("protected"),
            exact=who.can("households"),
        ),
        acting=service.acting_phases(session, building_id, today),
        waiting=waiting_near(
            session.connection(), quarter.id, [building_id], min(today, choice.first)
        ),
        choice=choice,
        level=level,
    )


def _selection(
    request: Request, session: Session, who: SignedIn, quarter_id: int, today: dt.date
) -> dict[str, Any]:
    query = request.query_params
    parts = [*query.getlist("edifici"), *query.getlist("edificio")]
    choice = choice_of(request, today, KINDS)
    ids = read_ids(parts)
    found = selection.chosen_buildings(
        session, quarter_id, ids, choice.view(), today, protected=who.can("protected")
    )
    sight = Sight.of(who)
    households = sight.told_together(b.households or 0 for b in found)
    said = _chosen_words(who, len(found), households, sum(not b.flats_known for b in found))
    told = [
        replace(b, households=sight.told(b.households or 0) if b.flats_known else None)
        for b in found
    ]
    waiting = waiting_near(
        session.connection(), quarter_id, [b.building_id for b in found], choice.first, choice.last
    )
    return {"buildings": told, "choice": choice, "said": said, "waiting": waiting}


@router.get("/quartiere/selezione")
def selection_page(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, who: CurrentAccount
) -> Response:
    """The chosen buildings as a list to print, to hand on and to start work from."""
    context = _selection(request, session, who, quarter.id, today)
    chosen = [b.building_id for b in context["buildings"]]
    return render(
        request,
        "desk/selection.html",
        ids=written_ids(chosen),
        phases=selection.phases_on(session, quarter.id, chosen, context["choice"].view()),
        section="/quartiere/mappa",
        **context,
    )


@router.get("/quartiere/selezione.csv")
def selection_file(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, who: CurrentAccount
) -> Response:
    """The same list for a spreadsheet."""
    buildings = _selection(request, session, who, quarter.id, today)["buildings"]
    content = selection.as_csv(buildings, flats=sees_flats(request), kinds=KINDS)
    return file_response(content, MEDIA_TYPES["csv"], "selezione.csv")


@router.get("/tiles/{version:int}/{layer}/{z:int}/{x:int}/{y:int}.mvt")
def staff_tile(
    session: Db, quarter: StaffQuarter, version: int, layer: str, z: int, x: int, y: int
) -> Response:
    """A vector tile of buildings or ways; its address changes with what it shows."""
    key = (quarter.id, version, layer, z, x, y)
    found, shown = _cache.get(key), version
    if found is None:
        shown, content = tiles.versioned_tile(session.connection(), quarter.id, layer, z, x, y)
        # Kept, here and by the browser, only under the version it really shows.
        found = _cache.put(key, content) if shown == version else tiles.tagged(content)
    headers = tile_headers(found.etag, shared=False, current=shown == version)
    return Response(found.content, headers=headers)
