"""Buildings that somebody chose on the map or in the list, and what is known of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from geo_service.errors import Invalid
from geo_service.files.tables import table_file
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.web.chosen import MAX_BUILDINGS, too_many
from geo_service.works.map_data import View, building_levels, buildings_in_zones
from geo_service.works.overview import PhaseRow, phase_rows
from geo_service.works.places import ADDRESSES
from layers.crs import SRID
from layers.sites import PhaseRevision, WorksPhase

MAX_CORNERS = 200


@dataclass(frozen=True, slots=True)
class ChosenBuilding:
    """A building of a selection; counts are of the day, the band of the period.

    ``households`` is None where so few are not told, or where the flats are not known.
    """

    building_id: int
    code: str
    label: str
    stairwells: int
    flats: int
    households: int | None
    band: int
    kinds: dict[str, int]

    @property
    def flats_known(self) -> bool:
        """Whether anything is recorded inside: without it nobody could be counted."""
        return bool(self.stairwells or self.flats)


@dataclass(frozen=True, slots=True)
class ActingOnChosen:
    """A phase that disturbs chosen buildings in the period, and how many of them."""

    phase: PhaseRow
    buildings: int


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
        raise Invalid(too_many())
    return list(found)


def touched_by(session: Session, quarter_id: int, view: View, kind: str) -> list[int]:
    """Buildings in the zones of ``kind`` that ``view`` draws; Invalid above the limit."""
    found = buildings_in_zones(
        session.connection(), quarter_id, replace(view, kinds=(kind,)), MAX_BUILDINGS + 1
    )
    if len(found) > MAX_BUILDINGS:
        raise Invalid(too_many())
    return found


def count_chosen(
    session: Session, quarter_id: int, ids: Collection[int], today: dt.date, sight: Sight
) -> tuple[list[int], int | None, int]:
    """Ids that are buildings of the quarter, the households that live there ``today``, and of how
    many of the buildings the flats are not known.

    Households are told as :meth:`Sight.told_together` tells what a person chooses at will.
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
    inside = session.scalar(
        text("select count(distinct building_id) from stairwell where building_id = any(:ids)"),
        {"ids": list(known)},
    )
    return list(known), sight.told_together(counts), len(known) - (inside or 0)


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


_PHASES = """
    select r.revision_id, count(distinct i.building_id)
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join revision_in_force f on f.revision_id = r.revision_id
    where f.quarter_id = :quarter and i.building_id = any(:ids) and i.band >= :least
      and i.kind = any(:kinds) and i.period && daterange(:first, :after)
      and i.weekdays & :weekdays <> 0
    group by 1
"""


def phases_on(
    session: Session, quarter_id: int, ids: Collection[int], view: View
) -> list[ActingOnChosen]:
    """Phases that disturb any of ``ids`` in ``view``, by start: from here notices and tasks go."""
    values = {
        "quarter": quarter_id, "ids": list(ids), "least": view.least_band,
        "kinds": list(view.kinds), "first": view.first, "weekdays": view.weekdays,
        "after": view.last + dt.timedelta(days=1),
    }  # fmt: skip
    hit = dict(session.execute(text(_PHASES), values).all())
    revisions = session.scalars(
        select(PhaseRevision)
        .where(PhaseRevision.id.in_(hit))
        .options(selectinload(PhaseRevision.phase).selectinload(WorksPhase.site))
        .order_by(PhaseRevision.period, PhaseRevision.id)
    ).all()
    return [ActingOnChosen(row, hit[row.revision_id]) for row in phase_rows(session, revisions)]


def as_csv(buildings: Iterable[ChosenBuilding], *, flats: bool, kinds: Collection[str]) -> bytes:
    """The selection for a spreadsheet; flats only for those who may tell which are empty."""
    found = list(buildings)
    columns: dict[str, Any] = {
        _("codice"): [b.code for b in found],
        _("indirizzo"): [b.label for b in found],
        _("scale"): _where_known(found, [b.stairwells for b in found]),
        **({_("alloggi"): _where_known(found, [b.flats for b in found])} if flats else {}),
        _("nuclei"): pd.array([b.households for b in found], dtype="Int64"),
        _("disagio"): [words.band(b.band) for b in found],
        **{words.kind(k): [words.band(b.kinds.get(k, 0)) for b in found] for k in kinds},
    }
    return table_file(pd.DataFrame(columns), "csv", "selezione")


def _where_known(found: list[ChosenBuilding], counts: list[int]) -> Any:
    told = [n if b.flats_known else None for b, n in zip(found, counts, strict=True)]
    return pd.array(told, dtype="Int64")
