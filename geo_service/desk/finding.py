"""Search on the staff's map: buildings of one quarter with their place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.addresses import like_part
from layers.loaders.addresses import normalise_address

MAX_FOUND = 8
MAX_QUERY_CHARS = 120


@dataclass(frozen=True, slots=True)
class Found:
    """A building that a search may have meant; degrees in WGS 84, inside its outline."""

    id: int
    label: str
    lat: float
    lon: float


_FIND = text(
    """
    with hit as (
        select p.building_id as id, trim(p.street || ' ' || p.house_number) as label,
               similarity(:key, p.search_key)
                 + case when p.search_key like :key_pattern then 1 else 0 end as score
        from address_point p
        where p.quarter_id = :quarter and p.building_id is not null and :key <> ''
          and (p.search_key like :key_pattern or :key <% p.search_key)
        union all
        select b.id, coalesce(nullif(b.name, ''), b.code), 2
        from building b
        where b.quarter_id = :quarter and (b.code = upper(:q) or b.name ilike :pattern)),
    best as (
        select distinct on (id) id, label, score from hit order by id, score desc, label)
    select b.id, h.label, st_y(m), st_x(m)
    from best h join building b on b.id = h.id and b.closed_on is null,
    lateral (select st_transform(st_pointonsurface(b.footprint), 4326) as m) middle
    order by h.score desc, h.label limit :most
    """
)


def find_buildings(session: Session, quarter_id: int, query: str) -> list[Found]:
    """Buildings of a quarter that ``query`` (address, name or code) may mean, likeliest first."""
    query = " ".join(query[:MAX_QUERY_CHARS].replace("\0", " ").split())
    if not query:
        return []
    key = normalise_address(query)
    rows = session.execute(
        _FIND,
        {
            "quarter": quarter_id,
            "q": query,
            "pattern": like_part(query),
            "key": key,
            "key_pattern": like_part(key),
            "most": MAX_FOUND,
        },
    )
    return [Found(*row) for row in rows]
