"""Buildings, stairwells and flats that a form offers: those near the site."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.works.places import building_labels
from layers.crs import SRID

REACH_M = 120.0
MOST_BUILDINGS = 60


@dataclass(slots=True)
class Stair:
    """A stairwell with its flats: number to id."""

    id: int
    label: str
    flats: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Place:
    """A building near the site."""

    id: int
    label: str
    stairs: list[Stair] = field(default_factory=list)


def places_near(
    session: Session,
    quarter_id: int,
    ground: BaseGeometry,
    *,
    building_ids: Collection[int] = (),
    stairwell_ids: Collection[int] = (),
) -> list[Place]:
    """Buildings within :data:`REACH_M` metres of ``ground`` (metric), the nearest first.

    Those of ``building_ids`` and of ``stairwell_ids`` are always among them, however far. At
    most :data:`MOST_BUILDINGS` of the others.
    """
    query = text(
        """
        with ground as (select cast(:ground as geometry) as g), chosen as (
            select b.id, st_distance(b.footprint, g) as far_m,
                   b.id = any(:buildings) or exists (select from stairwell w
                       where w.building_id = b.id and w.id = any(:stairwells)) as kept
            from building b, ground
            where b.quarter_id = :quarter and b.closed_on is null
              and (st_dwithin(b.footprint, g, :reach) or b.id = any(:buildings)
                   or b.id in (select building_id from stairwell where id = any(:stairwells)))
            order by kept desc, far_m, b.id limit :most)
        select c.id, w.id, w.label, f.number, f.id
        from chosen c left join stairwell w on w.building_id = c.id
            and (w.closed_on is null or w.id = any(:stairwells))
        left join flat f on f.stairwell_id = w.id and f.closed_on is null
        order by c.kept desc, c.far_m, c.id, w.label, w.id, f.storey, f.number
        """
    )
    ewkb = shapely.to_wkb(shapely.set_srid(ground, SRID), include_srid=True, hex=True)
    values = {
        "ground": ewkb, "quarter": quarter_id, "reach": REACH_M,
        "most": MOST_BUILDINGS + len(building_ids) + len(stairwell_ids),
        "buildings": list(building_ids), "stairwells": list(stairwell_ids),
    }  # fmt: skip
    places: dict[int, Place] = {}
    stairs: dict[int, Stair] = {}
    for building_id, stair_id, label, number, flat_id in session.execute(query, values):
        place = places.setdefault(building_id, Place(building_id, ""))
        if stair_id is None:
            continue
        if stair_id not in stairs:
            stairs[stair_id] = Stair(stair_id, label)
            place.stairs.append(stairs[stair_id])
        if flat_id is not None:
            stairs[stair_id].flats[number] = flat_id
    names = building_labels(session, places)
    for place in places.values():
        place.label = names[place.id]
    return list(places.values())
