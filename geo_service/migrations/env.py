"""Alembic environment: runs on the engine it is given, one process at a time."""

from __future__ import annotations

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import text

from geo_service import history
from geo_service.accounts import models as accounts
from geo_service.appointments import models as appointments
from geo_service.files import store
from geo_service.households import models as households
from geo_service.imports import uploads
from geo_service.jobs import models as jobs
from geo_service.works import once
from geo_service.works.cuts import actuals as cut_actuals
from geo_service.works.permits import documents as permit_documents
from layers import sites
from layers.db import Base
from layers.impacts import models as impacts

# Importing a module declares its tables; a domain with tables must be named here.
DECLARED = (
    sites, impacts, appointments, households, accounts, history, jobs, once, store,
    permit_documents, cut_actuals, uploads,
)  # fmt: skip

# Tables of the job queue: their schema is the library's, not ours.
FOREIGN = ("procrastinate_",)
# Any number will do; it only has to be the same in every process.
LOCK = 0x4143_4341


def include_object(obj, name, type_, reflected, compare_to):  # type: ignore[no-untyped-def]
    """Leave PostGIS's and the job queue's own tables out of comparisons."""
    if type_ == "table" and name.startswith(FOREIGN):
        return False
    return alembic_helpers.include_object(obj, name, type_, reflected, compare_to)


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    connection.execute(text("set lock_timeout = '20s'"))
    connection.execute(text(f"select pg_advisory_lock({LOCK})"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            render_item=alembic_helpers.render_item,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text(f"select pg_advisory_unlock({LOCK})"))
        connection.commit()
