"""The schema: models and migrations agree, and the database refuses what must not be stored."""

from __future__ import annotations

import datetime as dt

import pytest
from alembic import command
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Point, box
from sqlalchemy import Engine, inspect, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from geo_service.database import alembic_config, migrate
from geo_service.households.models import Household, Stay
from geo_service.works.drafts import RevisionDraft
from geo_service.works.service import add_phase, create_site
from layers.buildings import Building, Flat, Quarter, Stairwell
from layers.crs import SRID
from layers.db import Base
from layers.impacts.models import Impact, ImpactRun
from layers.sites import PhaseRevision

DAY = dt.date(2026, 3, 2)


def square(x: float = 515_000.0, y: float = 5_055_000.0, side: float = 20.0) -> MultiPolygon:
    return MultiPolygon([box(x, y, x + side, y + side)])


@pytest.fixture
def flat(session: Session) -> Flat:
    quarter = Quarter(code="q", name="Quartiere di prova")
    session.add(quarter)
    session.flush()
    building = Building(
        quarter_id=quarter.id,
        source_id="1",
        code="ABC234",
        footprint=from_shape(square(), srid=SRID),
    )
    session.add(building)
    session.flush()
    stairwell = Stairwell(building_id=building.id, label="A")
    session.add(stairwell)
    session.flush()
    flat = Flat(stairwell_id=stairwell.id, number="1", storey=0)
    session.add(flat)
    session.flush()
    return flat


@pytest.fixture
def revision(session: Session, flat: Flat) -> PhaseRevision:
    quarter_id = flat.stairwell.building.quarter_id
    site = create_site(session, quarter_id, code="A", name="Prova", footprint=square(side=50))
    draft = RevisionDraft(starts_on=DAY, ends_on=DAY)
    return add_phase(session, site, code="A1", name="Ponteggio", draft=draft)


def test_models_and_database_agree(engine: Engine) -> None:
    command.check(alembic_config(engine))


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    command.check(alembic_config(engine))


def test_every_geometry_has_a_gist_index(engine: Engine) -> None:
    inspector = inspect(engine)
    for table in Base.metadata.tables.values():
        indexed = {
            column
            for index in inspector.get_indexes(table.name)
            if index.get("dialect_options", {}).get("postgresql_using") == "gist"
            for column in index["column_names"]
        }
        geometries = {c.name for c in table.columns if type(c.type).__name__ == "Geometry"}
        # A quarter's boundary is read by its key only.
        assert geometries - indexed <= ({"boundary"} if table.name == "quarter" else set())


def test_every_foreign_key_is_indexed(engine: Engine) -> None:
    inspector = inspect(engine)
    missing = []
    for table in Base.metadata.tables.values():
        leading = {i["column_names"][0] for i in inspector.get_indexes(table.name)}
        leading |= set(inspector.get_pk_constraint(table.name)["constrained_columns"][:1])
        leading |= {u["column_names"][0] for u in inspector.get_unique_constraints(table.name)}
        for key in inspector.get_foreign_keys(table.name):
            column = key["constrained_columns"][0]
            if column not in leading:
                missing.append(f"{table.name}.{column}")
    assert missing == []


def test_web_mercator_copy_follows_the_footprint(session: Session, flat: Flat) -> None:
    shift = "select ST_Distance(ST_Transform(footprint, 3857), geom3857) from building"
    session.execute(text("update building set footprint = ST_Translate(footprint, 1000, 0)"))
    assert session.scalar(text(shift)) == 0


def test_a_revision_is_never_changed(session: Session, revision: PhaseRevision) -> None:
    with pytest.raises(IntegrityError, match="never changed"):
        session.execute(update(PhaseRevision).values(contractor="another"))


def test_a_household_sleeps_in_one_place(session: Session, flat: Flat) -> None:
    household = Household(quarter_id=flat.stairwell.building.quarter_id, code="H1")
    session.add(household)
    session.flush()
    session.add(Stay(household_id=household.id, flat_id=flat.id, period=Range(DAY, None)))
    session.flush()
    later = Range(DAY + dt.timedelta(days=30), None)
    session.add(Stay(household_id=household.id, flat_id=flat.id, period=later))
    with pytest.raises(IntegrityError, match="one_place_at_a_time"):
        session.flush()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", 71.5),  # a level without its unit
        ("unit", "dB(A)"),  # a unit without a level
        ("band", 5),
        ("kind", "smell"),
        ("weekdays", 0),
    ],
)
def test_an_impact_is_complete(
    session: Session, flat: Flat, revision: PhaseRevision, column: str, value: object
) -> None:
    run = ImpactRun(revision_id=revision.id, engine_version="t", methods={}, seconds=0)
    session.add(run)
    session.flush()
    fields: dict[str, object] = {
        "run_id": run.id,
        "kind": "noise",
        "building_id": flat.stairwell.building_id,
        "flat_id": flat.id,
        "band": 1,
        "period": Range(DAY, DAY + dt.timedelta(days=1)),
    }
    session.add(Impact(**(fields | {column: value})))
    with pytest.raises(IntegrityError):
        session.flush()


def test_neither_nan_nor_infinity_is_a_level(
    session: Session, flat: Flat, revision: PhaseRevision
) -> None:
    run = ImpactRun(revision_id=revision.id, engine_version="t", methods={}, seconds=0)
    session.add(run)
    session.flush()
    for bad in (float("nan"), float("inf")):
        impact = Impact(
            run_id=run.id,
            kind="noise",
            building_id=flat.stairwell.building_id,
            value=bad,
            unit="dB(A)",
            band=1,
            period=Range(DAY, DAY + dt.timedelta(days=1)),
        )
        savepoint = session.begin_nested()
        session.add(impact)
        with pytest.raises(IntegrityError):
            session.flush()
        savepoint.rollback()


def test_an_empty_period_is_refused(session: Session, flat: Flat) -> None:
    household = Household(quarter_id=flat.stairwell.building.quarter_id, code="H2")
    session.add(household)
    session.flush()
    session.add(Stay(household_id=household.id, flat_id=flat.id, period=Range(DAY, DAY)))
    with pytest.raises(DBAPIError):
        session.flush()


def test_a_point_is_no_footprint(session: Session, flat: Flat) -> None:
    building = flat.stairwell.building
    building.footprint = from_shape(Point(515_000, 5_055_000), srid=SRID)
    with pytest.raises(DBAPIError, match="Point"):
        session.flush()
