"""Buildings that somebody chose on the map or in the list, and what is known of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.files.tables import table_file
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works.map_data import View, building_levels, buildings_in_zones
from geo_service.works.places import ADDRESSES
from layers.crs import SRID

# An address that names more than these would be too long for the machines on its way.
MAX_BUILDINGS = 1_000
MAX_CORNERS = 200
_PART = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")


@dataclass(frozen=True, slots=True)
class ChosenBuilding:
    """A building of a selection; counts are of the day, the band of the period.

    ``households`` is None where so few are not told.
    """

    building_id: int
    code: str
    label: str
    stairwells: int
    flats: int
    households: int | None
    band: int
    kinds: dict[str, int]


def read_ids(parts: Iterable[str]) -> list[int]:
    """Ids out of an address ("3,7-9"), sorted, each once.

    Raises :class:`Invalid` for anything else, and for more than ``MAX_BUILDINGS``.
    """
    found: set[int] = set()
    for part in ",".join(parts).split(","):
        if not part.strip():
            continue
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise Invalid(_("L'indirizzo della selezione non è leggibile: sceglietela di nuovo."))
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= MAX_BUILDINGS:
            raise Invalid(_too_many())
        found.update(range(first, last + 1))
        if len(found) > MAX_BUILDINGS:
            raise Invalid(_too_many())
    return sorted(found)


def _too_many() -> str:
    return _("Una selezione tiene al massimo %(n)s edifici: restringetela.", n=MAX_BUILDINGS)


def written_ids(ids: Collection[int]) -> str:
    """Ids as :func:`read_ids` reads them, runs of numbers in short: "3,7-9"."""
    runs: list[list[int]] = []
    for number in sorted(set(ids)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def read_area(text_: str) -> shapely.Polygon:
    """A drawn area, "lon,lat lon,lat …" in WGS 84; a line that crosses itself is made valid.

    Raises :class:`Invalid` when it is not three corners or more on the earth.
    """
    try:
        corners = [tuple(float(n) for n in pair.split(",")) for pair in text_.split()]
        on_earth = all(len(c) == 2 and abs(c[0]) <= 180 and abs(c[1]) <= 85 for c in corners)
    except ValueError:
        on_earth = False
        corners = []
    if not on_earth or not 3 <= len(corners) <= MAX_CORNERS:
        raise Invalid(_("L'area disegnata non è leggibile: disegnatela di nuovo."))
    return shapely.Polygon(corners)


def buildings_in(session: Session, quarter_id: int, area: shapely.Polygon) -> list[int]:
    """Buildings of a quarter whose middle lies in ``area`` (WGS 84); Invalid above the limit."""
    found = session.scalars(
        text(
            f"""
            with drawn as (select st_transform(
                st_buffer(st_makevalid(st_geomfromtext(:area, 4326)), 0), {SRID}) as shape)
            select b.id from building b, drawn
            where b.quarter_id = :quarter and b.closed_on is null
              and b.footprint && drawn.shape
              and st_intersects(st_pointonsurface(b.footprint), drawn.shape)
            order by b.id limit :most
            """  # noqa: S608  (a number of the installation)
        ),
        {"area": area.wkt, "quarter": quarter_id, "most": MAX_BUILDINGS + 1},
    ).all()
    if len(found) > MAX_BUILDINGS:
        raise Invalid(_too_many())
    return list(found)


def touched_by(session: Session, quarter_id: int, view: View, kind: str) -> list[int]:
    """Buildings in the zones of ``kind`` that ``view`` draws; Invalid above the limit."""
    found = buildings_in_zones(
        session.connection(), quarter_id, replace(view, kinds=(kind,)), MAX_BUILDINGS + 1
    )
    if len(found) > MAX_BUILDINGS:
        raise Invalid(_too_many())
    return found


def count_chosen(
    session: Session, quarter_id: int, ids: Collection[int], today: dt.date, sight: Sight
) -> tuple[list[int], int | None]:
    """Ids that are buildings of the quarter, and the households that live there ``today``.

    They are told as :meth:`Sight.told_together` tells what a person chooses at will.
    """
    known = session.scalars(
        text(
            "select id from building where quarter_id = :quarter and id = any(:ids) "
            "and closed_on is null order by id"
        ),
        {"quarter": quarter_id, "ids": list(ids)},
    ).all()
    counts = session.scalars(
        text(
            """
            select count(distinct h.id)
            from stairwell w join flat f on f.stairwell_id = w.id
            join stay s on s.flat_id = f.id and s.period @> cast(:today as date)
            join household h on h.id = s.household_id and (:protected or not h.protected)
            where w.building_id = any(:ids)
            group by w.building_id
            """
        ),
        {"ids": list(known), "today": today, "protected": sight.protected},
    )
    return list(known), sight.told_together(counts)


def chosen_buildings(
    session: Session, quarter_id: int, ids: Collection[int], view: View, today: dt.date, *,
    protected: bool,
) -> list[ChosenBuilding]:  # fmt: skip
    """Buildings of a selection, those hit hardest in ``view`` first.

    ``protected`` counts households at a protected address too.
    """
    levels = building_levels(session.connection(), quarter_id, view)
    rows = session.execute(
        text(
            f"""
            select b.id, b.code, coalesce(a.address, nullif(b.name, ''), b.code),
                   count(distinct w.id), count(distinct f.id), count(distinct h.id)
            from building b
            left join {ADDRESSES} a on true
            left join stairwell w on w.building_id = b.id and w.closed_on is null
            left join flat f on f.stairwell_id = w.id and f.closed_on is null
            left join stay s on s.flat_id = f.id and s.period @> cast(:today as date)
            left join household h on h.id = s.household_id and (:protected or not h.protected)
            where b.quarter_id = :quarter and b.id = any(:ids) and b.closed_on is null
            group by b.id, a.address
            """  # noqa: S608
        ),
        {"quarter": quarter_id, "ids": list(ids), "today": today, "protected": protected},
    )
    found = []
    for row in rows:
        level = levels.get(row[0])
        band, kinds = (level.band, level.kinds) if level else (0, {})
        found.append(ChosenBuilding(*row, band=band, kinds=kinds))
    return sorted(found, key=lambda b: (-b.band, -sum(b.kinds.values()), b.label, b.code))


def as_csv(buildings: Iterable[ChosenBuilding], *, flats: bool, kinds: Collection[str]) -> bytes:
    """The selection for a spreadsheet; flats only for those who may tell which are empty."""
    found = list(buildings)
    columns: dict[str, Any] = {
        _("codice"): [b.code for b in found],
        _("indirizzo"): [b.label for b in found],
        _("scale"): [b.stairwells for b in found],
        **({_("alloggi"): [b.flats for b in found]} if flats else {}),
        _("nuclei"): pd.array([b.households for b in found], dtype="Int64"),
        _("disagio"): [words.band(b.band) for b in found],
        **{words.kind(k): [words.band(b.kinds.get(k, 0)) for b in found] for k in kinds},
    }
    return table_file(pd.DataFrame(columns), "csv", "selezione")
