"""The list of buildings, as a page and as a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

import geopandas as gpd
from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.desk import building_list
from geo_service.desk.building_list import USUAL_DAYS, Wanted
from geo_service.households import exports
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.web.numbers import number_in
from geo_service.web.pages import parse_day, render
from geo_service.web.quarter import StaffQuarter, Today
from geo_service.web.session import Db
from geo_service.works.overview import count_uncomputed
from layers.impacts.models import KINDS

router = APIRouter()
Reader = Annotated[SignedIn, Depends(need("desk"))]
BANDS = (1, 2, 3, 4)
MAX_STOREYS = 130
HEADS = {
    "code": N_("codice"),
    "address": N_("indirizzo"),
    "name": N_("nome"),
    "use": N_("uso"),
    "owner": N_("proprietà"),
    "acoustic_class": N_("classe acustica"),
    "storeys": N_("piani fuori terra"),
    "height_m": N_("altezza in metri"),
    "stairwells": N_("scale"),
    "flats": N_("alloggi"),
    "households": N_("nuclei"),
    "band": N_("disagio"),
}


@router.get("/edifici")
def buildings_page(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today
) -> Response:
    """Buildings of the quarter: search, filters, sorting, pages."""
    wanted = _wanted(request, who, today)
    fields = [(k, v) for k, v in request.query_params.multi_items() if k not in ("pagina", "lang")]
    return render(
        request,
        "desk/buildings.html",
        found=building_list.building_page(session, quarter.id, today, wanted),
        wanted=wanted,
        waiting=count_uncomputed(session, quarter.id, wanted.first, wanted.last),
        usual=(wanted.first, wanted.last) == _usual(today),
        choices=building_list.choices(session, quarter.id),
        kinds=[(code, words.kind(code)) for code in KINDS],
        bands=[(level, words.band(level)) for level in BANDS],
        formats=exports.FORMATS,
        query=urlencode(fields),
    )


@router.get("/edifici/esporta.{file_format}")
def building_file(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today,
    file_format: str,
) -> Response:  # fmt: skip
    """The filtered list as a file; gpkg with the outlines."""
    wanted = _wanted(request, who, today)
    rows = building_list.count_buildings(session, quarter.id, today, wanted)
    asked = {**asdict(wanted), "first": wanted.first.isoformat(), "last": wanted.last.isoformat()}
    return exports.answer(session, who, quarter, today, "edifici", file_format, asked, rows)


def _file(
    session: Session, quarter_id: int, day: dt.date, asked: Mapping[str, Any], coordinator: bool
) -> gpd.GeoDataFrame:
    days = {name: dt.date.fromisoformat(asked[name]) for name in ("first", "last")}
    wanted = Wanted(**{**asked, **days, "protected": coordinator})
    # Counts of flats beside those of households tell empty flats: for coordinators alone.
    frame = building_list.building_frame(session, quarter_id, day, wanted, flats=coordinator)
    frame["use"] = [words.use(code) for code in frame["use"]]
    frame["band"] = [words.band(level) for level in frame["band"]]
    return frame.rename(columns={column: _(head) for column, head in HEADS.items()})


exports.MAKERS.update(edifici=_file)


def _usual(today: dt.date) -> tuple[dt.date, dt.date]:
    return today, today + dt.timedelta(days=USUAL_DAYS - 1)


def _wanted(request: Request, who: SignedIn, today: dt.date) -> Wanted:
    """What the address asks for; what nobody understands is left out.

    An address is shared and shortened by hand, so a bad value is not worth an error page.
    """

    def asked(name: str, allowed: Any = None, limit: int = 200) -> str:
        value = request.query_params.get(name, "").replace("\x00", "").strip()[:limit]
        return value if allowed is None or value in allowed else ""

    def number(name: str, high: int) -> int | None:
        value = number_in(asked(name, limit=9))
        return value if value is not None and value <= high else None

    usual = _usual(today)
    first = parse_day(request.query_params.get("dal"), usual[0])
    last = parse_day(request.query_params.get("al"), max(usual[1], first))
    last = min(max(last, first), first + _most_days(first))
    protected, exact = who.can("protected"), who.can("households")
    # The order would tell what the numbers do not.
    hidden = ([] if protected else ["alloggi"]) + ([] if exact else ["nuclei"])
    sorts = set(building_list.SORTS).difference(hidden)
    return Wanted(
        first=first,
        last=last,
        q=asked("q", limit=building_list.LONGEST_SEARCH),
        street=asked("via"),
        kind=asked("disagio", KINDS),
        least_band=number("livello", max(BANDS)) or 0,
        use=asked("uso", limit=20),
        owner=asked("proprieta"),
        acoustic_class=asked("classe", limit=3),
        storeys=number("piani", MAX_STOREYS),
        known_flats={"si": True, "no": False}.get(asked("alloggi")),
        closed=asked("stato") == "chiusi",
        sort=asked("ordine", sorts) or "indirizzo",
        page=min(number("pagina", 999_999_999) or 1, 1_000_000),
        protected=protected,
        exact=exact,
    )


def _most_days(first: dt.date) -> dt.timedelta:
    most = dt.timedelta(days=building_list.LONGEST_DAYS)
    return min(most, dt.date.max - first)
