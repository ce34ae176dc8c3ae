"""Where the quarter lies, as far as its boundary, buildings and sites tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.crs import SRID
from layers.errors import DataError, Sentence

# Farther than this from the quarter, a file is about another place or in another system.
REACH_M = 50_000.0
# A site belongs to the quarter's programme when it is this near to its boundary or buildings.
SITE_REACH_M = 1_000.0

_QUARTER = text("""
    select q.code, st_asbinary(q.boundary) as boundary,
           (select st_asbinary(st_setsrid(st_extent(b.footprint)::geometry, :srid))
              from building b where b.quarter_id = q.id) as built
      from quarter q where q.id = :quarter
""")


@dataclass(frozen=True, slots=True)
class Place:
    """A quarter's code and extent; ``boundary`` and ``built`` are geometries in SRID or None."""

    quarter_id: int
    code: str
    boundary: Any
    built: Any

    @property
    def known(self) -> Any:
        """Boundary, else the box round the buildings, else None."""
        return self.boundary if self.boundary is not None else self.built

    def distance_m(self, geometries: NDArray[Any]) -> NDArray[np.float64]:
        """Metres from the quarter (0 inside); 0 everywhere while nothing is known of it."""
        if self.known is None:
            return np.zeros(len(geometries))
        return np.asarray(shapely.distance(geometries, self.known), dtype=np.float64)


def place_of(session: Session, quarter_id: int) -> Place:
    """Read the place of a quarter. Raises :class:`DataError` when there is no such quarter."""
    row = session.execute(_QUARTER, {"quarter": quarter_id, "srid": SRID}).one_or_none()
    if row is None:
        raise DataError(
            Sentence("There is no quarter with the number %(quarter_id)s.", quarter_id=quarter_id)
        )
    boundary = None if row.boundary is None else shapely.from_wkb(bytes(row.boundary))
    built = None if row.built is None else shapely.from_wkb(bytes(row.built))
    return Place(quarter_id, row.code, boundary, built)
