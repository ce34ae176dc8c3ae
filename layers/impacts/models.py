"""Tables of computed zones and impacts.

Rows belong to an :class:`ImpactRun` of one revision. Of the runs of a revision one is in force;
older ones remain only where somebody was told (see ``layers.impacts.store``).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, REAL, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, Id, Instant, metric_geometry

KINDS = (
    "noise", "dust", "vibration", "access", "utility", "parking", "scaffold", "inside",
    "relocation",
)  # fmt: skip
PARTS_OF_DAY = ("all", "day", "evening", "night")
UNITS = ("dB(A)", "mm/s", "risk", "h/day", "day", "m", "ratio", "stalls", "class")
BANDS = ("none", "slight", "medium", "strong", "very_strong")


def _coded() -> tuple[CheckConstraint, ...]:
    """The codes that zones and impacts share; a constraint belongs to one table only."""
    return (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint("band between 0 and 4", name="band"),
        CheckConstraint(f"part_of_day in {PARTS_OF_DAY!r}", name="part_of_day"),
    )


class ImpactRun(Base):
    """One computation of one revision: method, edition, parameters, what was missing."""

    __tablename__ = "impact_run"
    __table_args__ = (
        Index(
            "uq_impact_run_in_force",
            "revision_id",
            unique=True,
            postgresql_where=text("in_force"),
        ),
        Index("ix_impact_run_revision_id", "revision_id"),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(ForeignKey("phase_revision.id", ondelete="CASCADE"))
    # Version of the computation as a whole; a newer one may stand beside a sealed revision's.
    engine_version: Mapped[str] = mapped_column(String(40))
    computed_at: Mapped[Instant]
    in_force: Mapped[bool] = mapped_column(server_default=text("true"))
    # {kind: {method, edition, parameters, margin, missing}}: the method sheet of the result.
    methods: Mapped[dict[str, Any]] = mapped_column(JSONB)
    seconds: Mapped[float] = mapped_column()


class ImpactZone(Base):
    """Where a band of a kind reaches (*area di disagio*)."""

    __tablename__ = "impact_zone"
    __table_args__ = (
        Index("ix_impact_zone_geom", "geom", postgresql_using="gist"),
        *_coded(),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("impact_run.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    aspect: Mapped[str] = mapped_column(String(30), server_default="")
    part_of_day: Mapped[str] = mapped_column(String(10), server_default="all")
    band: Mapped[int] = mapped_column(SmallInteger)
    method: Mapped[str] = mapped_column(String(60))
    geom: Mapped[WKBElement] = mapped_column(metric_geometry("MULTIPOLYGON"))


class Impact(Base):
    """One kind of impact on one flat, or on a building whose flats are not known (null flat).

    ``value`` is in ``unit``; an impact known only as a band has neither. ``period`` and
    ``weekdays`` (bit 0 = Monday) tell on which days it acts.

    There is no key of its own: what is unique is what it says, and every index more is paid for
    by each of the hundreds of thousands of rows that a computation writes.
    """

    __tablename__ = "impact"
    __table_args__ = (
        Index(
            "uq_impact",
            # Numbers first: they tell rows apart sooner than words, and compare faster.
            "run_id",
            "building_id",
            "flat_id",
            "kind",
            "aspect",
            "part_of_day",
            "period",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_impact_building_id_flat_id", "building_id", "flat_id"),
        *_coded(),
        CheckConstraint("(value is null) = (unit is null)", name="value_has_unit"),
        CheckConstraint(f"unit in {UNITS!r}", name="unit"),
        CheckConstraint("value is null or value between -1e6 and 1e6", name="value_finite"),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
        CheckConstraint("weekdays between 1 and 127", name="weekdays"),
    )

    # Run, building and flat are checked by a trigger once a statement: row-by-row foreign keys
    # were most of a recompute's writing time. Deleting one deletes its impacts by triggers, too.
    run_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    aspect: Mapped[str] = mapped_column(String(30), server_default="")
    part_of_day: Mapped[str] = mapped_column(String(10), server_default="all")
    building_id: Mapped[int] = mapped_column(BigInteger)
    flat_id: Mapped[int | None] = mapped_column(BigInteger)
    value: Mapped[float | None] = mapped_column()
    unit: Mapped[str | None] = mapped_column(String(10))
    band: Mapped[int] = mapped_column(SmallInteger)
    period: Mapped[Range[dt.date]] = mapped_column(DATERANGE)
    weekdays: Mapped[int] = mapped_column(SmallInteger, server_default=text("127"))

    __mapper_args__ = {  # noqa: RUF012
        "primary_key": [run_id, kind, aspect, part_of_day, building_id, flat_id, period]
    }


class NoiseLevels(Base):
    """Levels of one run at all receivers of a building, in the building's fixed receiver order.

    Kept per receiver because a cumulated level is the maximum over receivers of the energy sum,
    never a sum of flat maxima. ``receiver_key`` tells which receiver layout the order refers to.
    """

    __tablename__ = "noise_levels"
    __table_args__ = (
        CheckConstraint("part_of_day in ('day','evening','night')", name="part_of_day"),
    )

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("impact_run.id", ondelete="CASCADE"), primary_key=True
    )
    building_id: Mapped[int] = mapped_column(
        ForeignKey("building.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    part_of_day: Mapped[str] = mapped_column(String(10), primary_key=True)
    receiver_key: Mapped[str] = mapped_column(String(32))
    level_dba: Mapped[list[float]] = mapped_column(ARRAY(REAL))
