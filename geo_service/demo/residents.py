"""Households of the invented quarter, loaded as a file of households would be."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import DATERANGE
from sqlalchemy.orm import Session

from geo_service.demo.people import PeopleFrames
from geo_service.demo.quarter import building_id
from geo_service.households.importing import HouseholdLoader
from geo_service.households.models import Household, Need, Tenancy
from layers.buildings import Building, Flat, Stairwell
from layers.loaders.report import Report


def load_people(session: Session, quarter_id: int, people: PeopleFrames) -> Report:
    """Load ``people`` through the import's loader, then what no file of stays can say."""
    rows = people.stays.merge(people.households, on="code")
    rows.index += 1
    report = Report(read=len(rows))
    loader = HouseholdLoader(session, quarter_id, report, {})
    loader.add(rows)
    loader.finish()
    _keep_right_to_return(session, quarter_id)
    _write_needs(session, quarter_id, people)
    return report


def _keep_right_to_return(session: Session, quarter_id: int) -> None:
    """Who was moved out of building 7 keeps the title to the flat left behind."""
    left_behind = (
        select(Flat.id)
        .join(Stairwell, Stairwell.id == Flat.stairwell_id)
        .join(Building, Building.id == Stairwell.building_id)
        .where(Building.quarter_id == quarter_id, Building.source_id == building_id(7))
    )
    session.execute(
        update(Tenancy)
        .where(Tenancy.flat_id.in_(left_behind))
        .values(period=func.daterange(func.lower(Tenancy.period), None, type_=DATERANGE))
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _write_needs(session: Session, quarter_id: int, people: PeopleFrames) -> None:
    codes = select(Household.code, Household.id).where(Household.quarter_id == quarter_id)
    ids: dict[str, int] = dict(session.execute(codes).all())
    columns = ("kind", "note", "purpose", "legal_basis", "review_on")
    session.execute(
        insert(Need),
        [
            {"household_id": ids[row["code"]], **{name: row[name] for name in columns}}
            for row in people.needs.to_dict("records")
        ],
    )
