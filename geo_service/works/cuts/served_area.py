"""Which stairwells a drawn or uploaded area serves: those whose entrance lies in it."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.works.places import building_labels
from layers.crs import SRID

MOST_STAIRWELLS = 2_000


@dataclass(frozen=True, slots=True)
class ServedStair:
    """A stairwell in the area; ``by_building`` where its entrance is not known."""

    id: int
    label: str
    building_id: int
    building: str
    by_building: bool


def stairwells_in(session: Session, quarter_id: int, area: BaseGeometry) -> list[ServedStair]:
    """Stairwells of a quarter whose entrance lies in ``area`` (metric) or on its edge.

    A stairwell without a known entrance counts where its building's middle lies in the area. At
    most :data:`MOST_STAIRWELLS`.
    """
    query = text(
        """
        with ground as (select cast(:ground as geometry) as g)
        select w.id, w.label, b.id, w.entrance is null
        from stairwell w join building b on b.id = w.building_id cross join ground
        where b.quarter_id = :quarter and b.closed_on is null and w.closed_on is null
          and st_intersects(coalesce(w.entrance, st_pointonsurface(b.footprint)), g)
        order by b.id, w.label, w.id limit :most
        """
    )
    ewkb = shapely.to_wkb(shapely.set_srid(area, SRID), include_srid=True, hex=True)
    values = {"ground": ewkb, "quarter": quarter_id, "most": MOST_STAIRWELLS}
    rows = session.execute(query, values).all()
    names = building_labels(session, {row[2] for row in rows})
    return [ServedStair(i, label, b, names[b], unknown) for i, label, b, unknown in rows]
