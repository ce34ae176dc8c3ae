"""A small quarter in the database: three slabs, a tower, a garage, a school, footpaths."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.buildings import Building, Flat, Path, Quarter, Stairwell
from layers.crs import SRID
from layers.sites import (
    PhaseRevision,
    PlantItem,
    ScheduleVersion,
    Site,
    WorkingHours,
    WorksPhase,
)

X0, Y0 = 515_000.0, 5_055_000.0
MONDAY = dt.date(2026, 3, 2)


def box(x: float, y: float, width: float, depth: float) -> shapely.Polygon:
    return shapely.box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + depth)


def multi(shape: shapely.Geometry) -> object:
    parts = [shape] if shape.geom_type == "Polygon" else list(shape.geoms)
    return from_shape(shapely.MultiPolygon(parts), srid=SRID)


@dataclass
class SmallQuarter:
    """Ids of what the tests speak of."""

    session: Session
    quarter_id: int
    buildings: dict[str, int]
    stairwells: dict[str, int]
    site_id: int
    phases: int = 0

    def flat_ids(self, stairwell: str) -> list[int]:
        rows = self.session.query(Flat).filter_by(stairwell_id=self.stairwells[stairwell])
        return [flat.id for flat in rows.order_by(Flat.storey, Flat.number)]

    def phase(
        self,
        footprint: shapely.Geometry,
        *,
        starts_on: dt.date = MONDAY,
        days: int = 14,
        plant: tuple[dict[str, object], ...] = ({"machine": "it-escavatore-25-t"},),
        hours: tuple[tuple[int, str, str, bool], ...] | None = None,
        **fields: object,
    ) -> PhaseRevision:
        """A new phase in force with one revision."""
        self.phases += 1
        phase = WorksPhase(site_id=self.site_id, code=f"P{self.phases}", name="Fase")
        self.session.add(phase)
        self.session.flush()
        revision = PhaseRevision(
            phase_id=phase.id,
            number=1,
            period=Range(starts_on, starts_on + dt.timedelta(days=days), bounds="[)"),
            footprint=multi(footprint),
            **fields,
        )
        self.session.add(revision)
        self.session.flush()
        if hours is None:
            hours = tuple(
                (day, start, end, True)
                for day in range(5)
                for start, end in (("08:00", "12:00"), ("14:00", "17:30"))
            )
        for day, start, end, noisy in hours:
            self.session.add(
                WorkingHours(
                    revision_id=revision.id,
                    weekday=day,
                    starts_at=dt.time.fromisoformat(start),
                    ends_at=dt.time.fromisoformat(end),
                    noisy=noisy,
                )
            )
        for item in plant:
            self.session.add(PlantItem(revision_id=revision.id, **item))
        last = (
            self.session.query(ScheduleVersion)
            .filter_by(site_id=self.site_id)
            .order_by(ScheduleVersion.number.desc())
            .first()
        )
        version = ScheduleVersion(
            site_id=self.site_id,
            number=last.number + 1 if last else 1,
            revisions=[*(last.revisions if last else []), revision],
        )
        self.session.add(version)
        self.session.flush()
        return revision


@pytest.fixture
def small(session: Session) -> SmallQuarter:
    return make_small_quarter(session)


def make_small_quarter(session: Session) -> SmallQuarter:
    quarter = Quarter(code="prova", name="Prova")
    session.add(quarter)
    session.flush()
    buildings: dict[str, int] = {}
    stairwells: dict[str, int] = {}
    specs = {
        # name: footprint, height, storeys, use, entrances of stairwells
        "slab_near": (box(0, 20, 60, 12), 18.0, 6, "residential", {"1A": (10, 20), "1B": (50, 20)}),
        "slab_far": (box(0, 120, 60, 12), 18.0, 6, "residential", {"2A": (30, 120)}),
        "tower": (box(200, 0, 20, 20), 30.0, 10, "residential", {"3A": (200, 10)}),
        "bare": (box(-60, 20, 20, 12), 9.0, 3, "residential", {}),
        "garage": (box(70, 20, 10, 5), 3.0, 1, "garage", {}),
        "school": (box(100, -60, 40, 20), 8.0, 2, "school", {}),
        "away": (box(2000, 0, 20, 20), 12.0, 4, "residential", {}),
    }
    for number, (name, (shape, height, storeys, use, doors)) in enumerate(specs.items()):
        building = Building(
            quarter_id=quarter.id, source_id=name, code=f"CODE{number:02d}",
            footprint=multi(shape), height_m=height, storeys=storeys, use=use,
        )  # fmt: skip
        session.add(building)
        session.flush()
        buildings[name] = building.id
        for label, (x, y) in doors.items():
            stairwell = Stairwell(
                building_id=building.id, label=label, lift=True, step_free=True,
                entrance=from_shape(shapely.Point(X0 + x, Y0 + y), srid=SRID),
            )  # fmt: skip
            session.add(stairwell)
            session.flush()
            stairwells[label] = stairwell.id
            for storey in range(storeys):
                for side, exposure in (("1", ["S"]), ("2", ["N"])):
                    session.add(
                        Flat(
                            stairwell_id=stairwell.id, number=f"{storey}{side}", storey=storey,
                            exposures=exposure,
                        )
                    )  # fmt: skip
    session.add(
        Path(
            quarter_id=quarter.id, source_id="way", kind="footway", width_m=2.0,
            geom=from_shape(
                shapely.LineString([(X0 - 100, Y0 + 15), (X0 + 300, Y0 + 15)]), srid=SRID
            ),
        )
    )  # fmt: skip
    site = Site(
        quarter_id=quarter.id, code="A", name="Cantiere A", footprint=multi(box(0, -20, 60, 30))
    )
    session.add(site)
    session.flush()
    return SmallQuarter(session, quarter.id, buildings, stairwells, site.id)
