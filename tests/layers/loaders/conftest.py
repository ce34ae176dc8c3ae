"""A quarter to load into, and frames to load."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from sqlalchemy.orm import Session

from layers.buildings import Quarter
from layers.crs import SRID

# A corner of Seregno in EPSG:32632.
EAST, NORTH = 516_000.0, 5_055_000.0


@pytest.fixture
def quarter(session: Session) -> Quarter:
    made = Quarter(code="prova", name="Prova")
    session.add(made)
    session.flush()
    return made


def square(east: float, north: float, side: float = 10.0) -> shapely.Polygon:
    """A square whose lower left corner lies so many metres from the corner of the quarter."""
    return shapely.box(EAST + east, NORTH + north, EAST + east + side, NORTH + north + side)


def frame(geometries: list[object], **columns: list[object]) -> gpd.GeoDataFrame:
    """A frame whose rows are numbered from 1."""
    made = gpd.GeoDataFrame(columns, geometry=geometries, crs=SRID)
    made.index = range(1, len(made) + 1)
    return made
