"""Flats in which a phase works, with what their households asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.appointments.planning import Home
from geo_service.households.addresses import ADDRESSES


@dataclass(frozen=True, slots=True)
class Place:
    """A flat of a phase. ``state`` is that of its appointment, empty where it has none.

    ``open`` tells whether a household at an open address stays there: only such a flat may be
    shown to everybody in the laboratory.
    """

    flat_id: int
    address: str
    stairwell_id: int
    stairwell: str
    storey: int | None
    number: str
    state: str
    open: bool
    not_before: dt.time | None
    not_after: dt.time | None


# A wish follows its household: the latest one that was recorded for a flat, in whatever phase,
# as long as the same household stays there.
_PLACES = f"""
select f.id, coalesce(a.address, nullif(b.name, ''), b.code) as address, w.id as stairwell_id,
       w.label as stairwell, f.storey, f.number, coalesce(t.state, '') as state,
       exists (select from stay s join household h on h.id = s.household_id
               where s.flat_id = f.id and s.period @> cast(:day as date) and not h.protected)
           as open,
       wish.not_before, wish.not_after
from revision_flat i
join flat f on f.id = i.flat_id and f.closed_on is null
join stairwell w on w.id = f.stairwell_id
join building b on b.id = w.building_id
left join {ADDRESSES} a on true
left join appointment t on t.phase_id = :phase and t.flat_id = f.id
left join lateral (
    select o.not_before, o.not_after
    from appointment o
    join stay s on s.flat_id = o.flat_id and s.period @> o.on_day
        and s.period @> cast(:day as date)
    where o.flat_id = f.id and (o.not_before is not null or o.not_after is not null)
    order by o.on_day desc, o.id desc limit 1) wish on true
where i.revision_id = :revision
order by address, length(w.label), w.label, f.storey desc, length(f.number), f.number"""  # noqa: S608


def places(session: Session, phase_id: int, revision_id: int, day: dt.date) -> list[Place]:
    """Flats in which a revision works, as one walks; who stays there is asked for ``day``."""
    values = {"phase": phase_id, "revision": revision_id, "day": day}
    return [Place(*row) for row in session.execute(text(_PLACES), values)]


def homes(found: list[Place]) -> list[Home]:
    """``found`` as the planner takes them, stairwells numbered in walking order."""
    order: dict[Any, int] = {}
    return [
        Home(
            p.flat_id, order.setdefault(p.stairwell_id, len(order)), p.storey, p.number,
            p.not_before, p.not_after,
        )
        for p in found
    ]  # fmt: skip
