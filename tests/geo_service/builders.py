"""Small worlds for tests: a quarter of two buildings, put together by the models."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Point, box
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.households.models import Household, HouseholdContact, Stay
from geo_service.works.drafts import HoursDraft, RevisionDraft
from geo_service.works.service import create_site
from layers.buildings import AddressPoint, Building, Flat, Quarter, Stairwell
from layers.crs import SRID
from layers.sites import Site

X0, Y0 = 515_000.0, 5_055_000.0
MONDAY = dt.date(2026, 3, 2)


def area(x: float, y: float, width: float, depth: float) -> MultiPolygon:
    """A rectangle, metres east and north of the tests' origin."""
    return MultiPolygon([box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + depth)])


@dataclass
class World:
    """Two slabs 30 m apart with one site between them."""

    quarter: Quarter
    buildings: list[Building]
    stairwells: list[Stairwell]
    flats: list[Flat]
    site: Site
    households: list[Household] = field(default_factory=list)


def workdays(starts: int = 8, ends: int = 17, *, noisy: bool = True) -> tuple[HoursDraft, ...]:
    """Monday to Friday from ``starts`` to ``ends`` o'clock."""
    return tuple(HoursDraft(d, dt.time(starts), dt.time(ends), noisy) for d in range(5))


def week_draft(first: dt.date = MONDAY, weeks: int = 1, **fields: object) -> RevisionDraft:
    """A phase of whole weeks, Monday to Friday."""
    last = first + dt.timedelta(days=7 * weeks - 3)
    return RevisionDraft(starts_on=first, ends_on=last, **fields)  # type: ignore[arg-type]


def make_world(session: Session, code: str = "prova") -> World:
    """Two buildings of one stairwell and four flats, with a household in every flat but one."""
    quarter = Quarter(code=code, name="Quartiere di prova", synthetic=True)
    quarter.boundary = from_shape(area(-500, -500, 1000, 1000), srid=SRID)
    session.add(quarter)
    session.flush()
    world = World(quarter, [], [], [], None)  # type: ignore[arg-type]
    for n, x in enumerate((0.0, 50.0)):
        building = Building(
            quarter_id=quarter.id,
            source_id=str(n + 1),
            code=f"TEST{code[:1].upper()}{n + 2}",
            name=f"Edificio {n + 1}",
            footprint=from_shape(area(x, 0, 20, 12), srid=SRID),
            height_m=9,
            storeys=3,
            use="residential",
        )
        session.add(building)
        session.flush()
        session.add(
            AddressPoint(
                quarter_id=quarter.id,
                building_id=building.id,
                source_id=f"a{n}",
                street="Via dei Mulini",
                house_number=str(2 * n + 2),
                point=from_shape(Point(X0 + x + 10, Y0), srid=SRID),
                search_key=f"via dei mulini {2 * n + 2}",
            )
        )
        stairwell = Stairwell(
            building_id=building.id,
            label="A",
            entrance=from_shape(Point(X0 + x + 10, Y0), srid=SRID),
        )
        session.add(stairwell)
        session.flush()
        world.buildings.append(building)
        world.stairwells.append(stairwell)
        for number in range(4):
            flat = Flat(stairwell_id=stairwell.id, number=str(number + 1), storey=number % 3)
            session.add(flat)
            world.flats.append(flat)
    session.flush()
    for n, flat in enumerate(world.flats[:-1]):
        household = Household(
            quarter_id=quarter.id, code=f"N{n}", language="ro" if n % 4 == 0 else "it"
        )
        household.contact = HouseholdContact(name=f"Famiglia {n}")
        session.add(household)
        session.flush()
        period = Range(dt.date(2020, 1, 1), None)
        session.add(Stay(household_id=household.id, flat_id=flat.id, period=period))
        world.households.append(household)
    world.site = create_site(
        session, quarter.id, code="A", name="Cantiere", footprint=area(25, 0, 20, 12)
    )
    session.flush()
    return world


def make_far_building(session: Session, world: World) -> Building:
    """A building 600 m from the site of ``world``: out of the reach of its works."""
    building = Building(
        quarter_id=world.quarter.id,
        source_id="far",
        code="TESTP9",
        footprint=from_shape(area(450, 450, 20, 12), srid=SRID),
    )
    session.add(building)
    session.commit()
    return building
