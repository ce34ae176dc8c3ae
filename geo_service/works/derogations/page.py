"""What the page of the derogation annex shows: limits, table, map, earlier exposure."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from geo_service.households.disclosure import Sight
from geo_service.works import overview
from geo_service.works.derogations.service import MARGIN_DB, Annex, annex, limits_of
from geo_service.works.hours import daily_hours
from geo_service.works.map_data import map_data, phase_view
from geo_service.works.methods import method_sheets
from geo_service.works.phase_page import plant_line, preset_name
from geo_service.works.revisions import inclusive
from layers.sites import PhaseRevision
from maps.print_map import Sheet, print_map

# Levels of the map's own scale that stand for the two classes of the annex.
BEYOND_BAND, VERIFY_BAND = 4, 2
MAP_MARGIN_M = 40.0
REACH_M = 400.0


def annex_context(
    session: Session, revision: PhaseRevision, today: dt.date, sight: Sight
) -> dict[str, Any]:
    """Everything ``works/derogation.html`` needs, households as ``sight`` tells them."""
    limits = limits_of(session, revision)
    first, last = inclusive(revision.period)
    run = overview.run_in_force(session, revision.id)
    methods = {} if run is None else {k: v for k, v in run.methods.items() if k == "noise"}
    noise = next(iter(method_sheets(methods)), None)
    computed = noise is not None and bool(noise.parameters)
    found = annex(session, revision, limits.municipal_dba, today, sight)
    under_permit = None
    if limits.permit_dba is not None and limits.permit_dba != limits.municipal_dba:
        under_permit = annex(session, revision, limits.permit_dba, today, sight)
    return {
        "revision": revision,
        "phase": revision.phase,
        "site": revision.phase.site,
        "first": first,
        "last": last or first,
        "limits": limits,
        "margin_db": MARGIN_DB,
        "annex": found,
        "under_permit": under_permit,
        "run": run,
        "noise": noise,
        "computed": computed,
        # Only what counts everybody may be handed to the Comune as the annex.
        "complete": sight.protected and sight.exact,
        "unknown": [b for b in found.buildings if not b.flats_known],
        "plant": [plant_line(item) for item in revision.plant],
        "hours": daily_hours(revision),
        "preset": preset_name(revision.preset),
        "drawing": _drawing(session, revision, found),
    }


def _drawing(session: Session, revision: PhaseRevision, found: Annex) -> Markup:
    """The map as SVG: the same on the screen and on paper."""
    ground = to_shape(revision.footprint)
    data = map_data(
        session,
        revision.phase.site.quarter,
        phase_view(revision.period, revision.id),
        title=f"{revision.phase.code} {revision.phase.name}",
        list_href="",
        around=ground.buffer(REACH_M),
    )
    classes = {
        b.building_id: BEYOND_BAND if b.level_dba > found.limit_dba + MARGIN_DB else VERIFY_BAND
        for b in found.buildings
    }
    buildings, sites = data.buildings, data.sites
    if buildings is None or sites is None:
        return Markup("")
    buildings = buildings.assign(band=[classes.get(int(b), 0) for b in buildings["id"]])
    view = _view(ground, list(buildings.geometry[buildings["band"] > 0]))
    drawn = replace(
        data,
        buildings=buildings[buildings.geometry.intersects(view)].reset_index(drop=True),
        sites=sites[sites["id"] == revision.phase.site_id].reset_index(drop=True),
        closures=None,
    )
    # Colours, hatches and texts come from the map's own tables; names are escaped there.
    return Markup(print_map(drawn, sheet=Sheet(legend=False), prefix="deroga"))  # noqa: S704


def _view(ground: BaseGeometry, hit: list[BaseGeometry]) -> BaseGeometry:
    return shapely.box(*shapely.union_all([ground, *hit]).buffer(MAP_MARGIN_M).bounds)
