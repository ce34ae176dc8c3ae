"""Declarative base and column types shared by every table."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, func
from sqlalchemy.orm import DeclarativeBase, mapped_column

from layers.crs import SRID, WEB_MERCATOR

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base: constraint names are predictable, so migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)


Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Instant = Annotated[dt.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def metric_geometry(kind: str) -> Geometry:
    """Geometry column type in the metric system; indexes are declared beside the table."""
    return Geometry(kind, srid=SRID, spatial_index=False)


def mercator_geometry(kind: str) -> Geometry:
    """Type of the stored Web Mercator copy from which vector tiles are cut."""
    return Geometry(kind, srid=WEB_MERCATOR, spatial_index=False)
