"""One household or one flat as its sheet shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from geo_service.errors import NotFound
from geo_service.households.addresses import ADDRESSES
from geo_service.households.models import (
    CondominiumAdministrator,
    FlatOwner,
    Household,
    Need,
    Stay,
    Tenancy,
)
from geo_service.i18n import gettext as _
from layers.buildings import Building, Flat, Stairwell


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flat is, in words."""

    flat_id: int
    building_id: int
    address: str
    stairwell: str
    number: str
    storey: int | None


@dataclass(frozen=True, slots=True)
class Lived:
    """A stay or a title with its place; the last day is inclusive, None where it is open."""

    place: Place
    first: dt.date | None
    last: dt.date | None
    title: str = ""

    def at(self, day: dt.date) -> bool:
        """Whether it holds on ``day``."""
        begun = self.first is None or self.first <= day
        return begun and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Acting:
    """What a phase does to a flat: strongest band per kind, with the days."""

    phase_id: int
    code: str
    name: str
    certainty: str
    first: dt.date
    last: dt.date
    bands: dict[str, int]


def household(session: Session, household_id: int, *, protected: bool) -> Household:
    """The household, or the one into which it was merged.

    Raises :class:`NotFound`, for a protected address without ``protected`` too: nobody learns
    from the answer that it exists.
    """
    found = session.get(Household, household_id, options=[joinedload(Household.contact)])
    if found is not None and found.merged_into_id is not None:
        return household(session, found.merged_into_id, protected=protected)
    if found is None or (found.protected and not protected):
        raise NotFound(_("Questo nucleo non c'è, oppure non è più in elenco."))
    return found


def household_by_code(
    session: Session, quarter_id: int, code: str, *, protected: bool
) -> Household | None:
    """The household with ``code``; None where there is none that may be seen."""
    query = select(Household).where(
        Household.quarter_id == quarter_id,
        Household.code == code.strip(),
        Household.merged_into_id.is_(None),
    )
    found = session.scalar(query)
    return None if found is None or (found.protected and not protected) else found


def flat(session: Session, flat_id: int, today: dt.date, *, protected: bool) -> Flat:
    """A flat. Without ``protected`` only one where a household at an open address stays.

    Raises :class:`NotFound`.
    """
    found = session.get(
        Flat,
        flat_id,
        options=[
            joinedload(Flat.stairwell).joinedload(Stairwell.building).joinedload(Building.quarter)
        ],
    )
    if found is None or not (protected or people_in(session, flat_id, today, protected=False)):
        raise NotFound(_("Questo alloggio non c'è, oppure non è più in elenco."))
    return found


def people_in(
    session: Session, flat_id: int, today: dt.date, *, protected: bool
) -> list[tuple[int, str]]:
    """(id, code) of the households that stay in a flat ``today``."""
    query = (
        select(Household.id, Household.code)
        .join(Stay, Stay.household_id == Household.id)
        .where(Stay.flat_id == flat_id, Stay.period.contains(today))
        .order_by(Household.code)
    )
    if not protected:
        query = query.where(Household.protected.is_(False))
    return [(row.id, row.code) for row in session.execute(query)]


def stays_and_titles(session: Session, household_id: int) -> tuple[list[Lived], list[Lived]]:
    """Stays and titles of a household, the latest first."""
    stays = session.execute(
        select(Stay.flat_id, Stay.period).where(Stay.household_id == household_id)
    ).all()
    titles = session.execute(
        select(Tenancy.flat_id, Tenancy.period, Tenancy.title).where(
            Tenancy.household_id == household_id
        )
    ).all()
    places = places_of(session, [row.flat_id for row in (*stays, *titles)])
    return (
        _latest_first([_lived(places[s.flat_id], s.period) for s in stays]),
        _latest_first([_lived(places[t.flat_id], t.period, t.title) for t in titles]),
    )


def places_of(session: Session, flat_ids: list[int]) -> dict[int, Place]:
    """Where flats are."""
    query = text(
        f"""select f.id as flat_id, b.id as building_id,
               coalesce(a.address, nullif(b.name, ''), b.code) as address,
               w.label as stairwell, f.number, f.storey
        from flat f join stairwell w on w.id = f.stairwell_id
        join building b on b.id = w.building_id left join {ADDRESSES} a on true
        where f.id = any(:ids)"""  # noqa: S608
    )
    return {row.flat_id: Place(*row) for row in session.execute(query, {"ids": list(flat_ids)})}


def needs_of(session: Session, household_id: int) -> list[Need]:
    """Practical needs of a household; who reads them must have said why."""
    query = select(Need).where(Need.household_id == household_id).order_by(Need.id)
    return list(session.scalars(query))


def owners_of(session: Session, flat_id: int) -> list[FlatOwner]:
    """Owners of a sold flat."""
    query = select(FlatOwner).where(FlatOwner.flat_id == flat_id).order_by(FlatOwner.id)
    return list(session.scalars(query))


def administrators_of(session: Session, building_id: int) -> list[CondominiumAdministrator]:
    """Who administers a building."""
    query = select(CondominiumAdministrator).where(
        CondominiumAdministrator.building_id == building_id
    )
    return list(session.scalars(query.order_by(CondominiumAdministrator.id)))


def acting_on(session: Session, flat_id: int, today: dt.date) -> list[Acting]:
    """Phases that act on a flat from ``today`` on, by start."""
    query = text(
        """
        select p.id, p.code, p.name, v.certainty,
               min(lower(i.period)) over (partition by p.id) as first,
               max(upper(i.period) - 1) over (partition by p.id) as last, i.kind, i.band
        from impact i
        join impact_run r on r.id = i.run_id and r.in_force
        join revision_in_force f on f.revision_id = r.revision_id
        join phase_revision v on v.id = r.revision_id
        join works_phase p on p.id = v.phase_id
        join site s on s.id = p.site_id
        where i.flat_id = :flat and i.band > 0 and upper(i.period) > cast(:today as date)
        order by first, p.id
        """
    )
    found: dict[int, Acting] = {}
    for row in session.execute(query, {"flat": flat_id, "today": today}):
        acting = found.setdefault(
            row.id,
            Acting(row.id, row.code, row.name, row.certainty, row.first, row.last, {}),
        )
        acting.bands[row.kind] = max(row.band, acting.bands.get(row.kind, 0))
    return list(found.values())


def _lived(place: Place, period: Any, title: str = "") -> Lived:
    last = None if period.upper is None else period.upper - dt.timedelta(days=1)
    return Lived(place, period.lower, last, title)


def _latest_first(lived: list[Lived]) -> list[Lived]:
    return sorted(lived, key=lambda one: one.first or dt.date.min, reverse=True)
