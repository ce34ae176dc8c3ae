"""Lists of households and flats, as pages and as files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

import geopandas as gpd
from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.households import exports, lists, vocabulary
from geo_service.households.lists import Page, Wanted
from geo_service.households.looks import look
from geo_service.households.models import CHANNELS, TITLES
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.web import words
from geo_service.web.numbers import number_in
from geo_service.web.pages import render
from geo_service.web.quarter import StaffQuarter, Today
from geo_service.web.session import Db
from layers.buildings import Quarter

router = APIRouter()
Reader = Annotated[SignedIn, Depends(need("households"))]


@router.get("/nuclei")
def household_page(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today
) -> Response:
    """Households: search by code or address, filters, sorting, pages."""
    return _households(request, session, who, quarter, today, _wanted(request, who))


@router.post("/nuclei")
def household_by_name(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today,
    nome: Annotated[str, Form(max_length=200)] = "",
) -> Response:  # fmt: skip
    """Households by name; sent as a form, because a name must not stand in an address."""
    wanted = Wanted(name=" ".join(nome.replace("\x00", "").split()), state="tutti")
    return _households(request, session, who, quarter, today, wanted)


@router.get("/nuclei/esporta.{file_format}")
def household_file(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today,
    file_format: str,
) -> Response:  # fmt: skip
    """The filtered list as a file, without names and contacts."""
    wanted = _wanted(request, who)
    protected = who.can("protected")
    _look_at_needs(session, who, quarter, wanted)
    if protected:
        look(session, who.id, quarter.id, "protected")
    found = lists.households(session, quarter.id, today, wanted, protected=protected)
    asked = asdict(wanted)
    return exports.answer(session, who, quarter, today, "nuclei", file_format, asked, found.total)


@router.get("/alloggi")
def flat_page(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today
) -> Response:
    """Flats: search, filters, sorting, pages; empty ones for who may see them."""
    wanted = _wanted(request, who)
    protected = who.can("protected")
    found = lists.flats(session, quarter.id, today, wanted, protected=protected)
    if any(row.codes is None for row in found.rows):
        look(session, who.id, quarter.id, "empty_flats")
    if any(row.protected for row in found.rows):
        look(session, who.id, quarter.id, "protected")
    return render(
        request,
        "households/flats.html",
        **_common(request, session, quarter, found, wanted),
        uses=_words(vocabulary.FLAT_USE_WORDS),
        sees_protected=protected,
        section="/nuclei",
    )


@router.get("/alloggi/esporta.{file_format}")
def flat_file(
    request: Request, session: Db, who: Reader, quarter: StaffQuarter, today: Today,
    file_format: str,
) -> Response:  # fmt: skip
    """The filtered list of flats as a file."""
    wanted = _wanted(request, who)
    protected = who.can("protected")
    if protected:
        look(session, who.id, quarter.id, "empty_flats")
    found = lists.flats(session, quarter.id, today, wanted, protected=protected)
    asked = asdict(wanted)
    return exports.answer(session, who, quarter, today, "alloggi", file_format, asked, found.total)


def _households(
    request: Request,
    session: Session,
    who: SignedIn,
    quarter: Quarter,
    today: dt.date,
    wanted: Wanted,
) -> Response:
    protected = who.can("protected")
    _look_at_needs(session, who, quarter, wanted)
    found = lists.households(session, quarter.id, today, wanted, protected=protected)
    if any(row.protected for row in found.rows):
        look(session, who.id, quarter.id, "protected")
    languages = lists.languages_spoken(session, quarter.id)
    return render(
        request,
        "households/list.html",
        **_common(request, session, quarter, found, wanted),
        spoken=[(code, words.language_name(code)) for code in languages],
        channels=pairs(vocabulary.CHANNEL_WORDS, CHANNELS),
        titles=pairs(vocabulary.TITLE_WORDS, TITLES),
        needs=[(lists.NEED_DUE, _("da rivedere")), *_words(vocabulary.NEED_WORDS)]
        if protected
        else [],
        section="/nuclei",
    )


def _look_at_needs(session: Session, who: SignedIn, quarter: Quarter, wanted: Wanted) -> None:
    if wanted.need:
        look(session, who.id, quarter.id, "needs_list", reason=wanted.need)


def _common(
    request: Request, session: Session, quarter: Quarter, found: Page, wanted: Wanted
) -> dict[str, Any]:
    fields = [(k, v) for k, v in request.query_params.multi_items() if k not in ("pagina", "lang")]
    return {
        "found": found,
        "wanted": wanted,
        "places": lists.buildings_with_stairwells(session, quarter.id),
        "formats": exports.FORMATS if request.method == "GET" else (),
        "query": urlencode(fields),
        "say": vocabulary,
    }


def _wanted(request: Request, who: SignedIn) -> Wanted:
    """What the address asks for; what this role may not ask, or nobody understands, is left out.

    An address is shared and shortened by hand, so a bad value is not worth an error page.
    """

    def asked(name: str, allowed: Any = None, limit: int = 40) -> str:
        value = request.query_params.get(name, "").replace("\x00", "").strip()[:limit]
        return value if allowed is None or value in allowed else ""

    def number(name: str) -> int | None:
        return number_in(asked(name, limit=12))

    protected = who.can("protected")
    sorts = lists.FLAT_SORTS if request.url.path.startswith("/alloggi") else lists.HOUSEHOLD_SORTS
    return Wanted(
        q=asked("q", limit=lists.LONGEST_SEARCH),
        building_id=number("edificio"),
        stairwell=asked("scala"),
        language=asked("lingua"),
        channel=asked("canale", CHANNELS),
        title=asked("titolo", TITLES),
        # A list by need tells many needs at once.
        need=asked("esigenza", {*vocabulary.NEED_WORDS, lists.NEED_DUE}) if protected else "",
        use=asked("uso", vocabulary.FLAT_USE_WORDS),
        sold={"si": True, "no": False}.get(asked("venduto")),
        state=asked("stato", lists.STATES) or "presenti",
        occupancy=asked("occupazione", lists.OCCUPANCIES) if protected else "",
        sort=asked("ordine", sorts) or "indirizzo",
        page=min(number("pagina") or 1, 1_000_000),
    )


def _words(table: dict[str, str]) -> list[tuple[str, str]]:
    return pairs(table)


def _household_file(
    session: Session, quarter_id: int, day: dt.date, asked: Mapping[str, Any], protected: bool
) -> gpd.GeoDataFrame:
    frame = lists.household_frame(session, quarter_id, day, Wanted(**asked), protected=protected)
    return _spoken(frame)


def _flat_file(
    session: Session, quarter_id: int, day: dt.date, asked: Mapping[str, Any], protected: bool
) -> gpd.GeoDataFrame:
    frame = lists.flat_frame(session, quarter_id, day, Wanted(**asked), protected=protected)
    return _spoken(frame)


def _spoken(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """``frame`` with heads and codes in the current language."""
    spoken = {
        "title": vocabulary.TITLE_WORDS,
        "channel": vocabulary.CHANNEL_WORDS,
        "use": vocabulary.FLAT_USE_WORDS,
    }
    for column, table in spoken.items():
        if column in frame:
            frame[column] = [_(table[v]) if v in table else "" for v in frame[column]]
    return frame.rename(columns={c: _(head) for c, head in vocabulary.FILE_HEADS.items()})


exports.MAKERS.update(nuclei=_household_file, alloggi=_flat_file)
