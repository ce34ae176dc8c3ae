"""The driver's own cursor inside a SQLAlchemy transaction, for binary reads and COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
import shapely
from psycopg.rows import tuple_row
from sqlalchemy import Connection

from layers.crs import SRID


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under ``connection``, in the same transaction."""
    # What the driver alone begins, SQLAlchemy would not commit.
    if not connection.in_transaction():
        connection.begin()
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(f"Expected a psycopg connection, got {type(raw).__name__}.")
    return raw


def rows(connection: Connection, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query with ``%(name)s`` parameters, sent in binary form."""
    with driver(connection).cursor(binary=True, row_factory=tuple_row) as cursor:
        return cursor.execute(query, parameters or None).fetchall()


def frame(
    connection: Connection, query: str, columns: Sequence[str], **parameters: Any
) -> pd.DataFrame:
    """Rows of a query as a frame with ``columns``."""
    found = rows(connection, query, **parameters)
    return pd.DataFrame(
        {name: column(found, k) for k, name in enumerate(columns)}, columns=list(columns)
    )


def geo_frame(
    connection: Connection, query: str, columns: Sequence[str], **parameters: Any
) -> gpd.GeoDataFrame:
    """Rows whose last column is ``st_asbinary(...)``, as a frame in the metric system."""
    found = rows(connection, query, **parameters)
    data = {name: column(found, k) for k, name in enumerate(columns)}
    geometry = shapely.from_wkb([row[-1] for row in found])
    return gpd.GeoDataFrame(data, geometry=geometry, crs=SRID, columns=[*columns, "geometry"])


def column(found: Sequence[tuple[Any, ...]], k: int) -> npt.NDArray[Any] | list[Any]:
    """One column; whole numbers without gaps become an integer array."""
    values = [row[k] for row in found]
    if values and all(type(v) is int for v in values):
        return np.array(values, dtype=np.int64)
    return values


def ewkb(shapes: Any) -> npt.NDArray[np.object_]:
    """Well-known binary with the metric system's number, as COPY and parameters take it."""
    marked = shapely.set_srid(np.asarray(shapes, dtype=object), SRID)
    return np.asarray(shapely.to_wkb(marked, include_srid=True), dtype=object)
