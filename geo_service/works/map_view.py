"""The view of a map as its address tells it: period, kinds, level, site, areas, map or list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from geo_service.web.numbers import number_in
from geo_service.web.pages import parse_day
from geo_service.works.map_data import View

SPANS_DAYS = {"giorno": 1, "settimana": 7, "mese": 28}
DEFAULT_SPAN = "settimana"
MAX_PARAMETERS = 40


@dataclass(frozen=True, slots=True)
class MapChoice:
    """What the reader chose; everything else has its default, so an address never fails."""

    first: dt.date
    span: str
    kinds: tuple[str, ...]
    least_band: int
    site_id: int | None
    zone: str
    as_list: bool

    @property
    def last(self) -> dt.date:
        """Last day of the period."""
        return self.first + dt.timedelta(days=SPANS_DAYS[self.span] - 1)

    @property
    def earlier(self) -> dt.date:
        """First day of the period before."""
        return self.first - dt.timedelta(days=SPANS_DAYS[self.span])

    @property
    def later(self) -> dt.date:
        """First day of the period after."""
        return self.first + dt.timedelta(days=SPANS_DAYS[self.span])

    def view(self) -> View:
        """The view for the map's frames."""
        return View(self.first, self.last, self.kinds, self.site_id, least_band=self.least_band)


def choice_of(request: Request, today: dt.date, allowed: Sequence[str]) -> MapChoice:
    """The choice in the address of ``request``; ``allowed`` are the kinds that may be seen."""
    query = request.query_params
    asked = query.getlist("tipo")[:MAX_PARAMETERS]
    level, site, zone = query.get("livello", ""), query.get("cantiere", ""), query.get("aree", "")
    span = query.get("periodo", "")
    day = parse_day(query.get("dal"), today)
    # Dates far outside any programme would only overflow.
    if not dt.date(1990, 1, 1) <= day <= dt.date(2190, 1, 1):
        day = today
    return MapChoice(
        first=day,
        span=span if span in SPANS_DAYS else DEFAULT_SPAN,
        kinds=tuple(k for k in allowed if k in asked) or tuple(allowed),
        least_band=int(level) if level in {"1", "2", "3", "4"} else 1,
        site_id=number_in(site),
        zone=zone if zone in allowed else "",
        as_list=query.get("vista") == "elenco",
    )
