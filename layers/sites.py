"""Sites, phases and their schedule (*cantieri, fasi di lavoro, cronoprogramma*).

The schedule is a history: a change makes a new immutable :class:`PhaseRevision` and with it a new
:class:`ScheduleVersion` of the site. Zones and impacts belong to a revision.
Periods are half-open date ranges.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.buildings import Flat, Quarter, Stairwell
from layers.db import Base, Id, Instant, metric_geometry

SERVICES = ("water", "hot_water", "gas", "power", "heating", "lift", "data")
CLOSURE_KINDS = ("footway", "carriageway", "courtyard", "entrance", "parking")
CERTAINTIES = ("estimated", "confirmed")
DUST_ACTIVITIES = ("demolition", "earthworks", "construction", "trackout")
PERMIT_KINDS = ("noise_derogation", "traffic_order", "public_ground", "asbestos_plan", "other")
PERMIT_STATES = (
    "to_request", "pending", "in_progress", "granted", "refused", "expired", "revoked",
)  # fmt: skip
SAYINGS = ("valid", "done", "overrun")
BUILDING_ROLES = ("works", "scaffold", "demolition")
# Finish to start, start to start, finish to finish, start to finish.
DEPENDENCY_KINDS = ("FS", "SS", "FF", "SF")


class Site(Base):
    """A building site (*cantiere*) with its footprint, client, CUP and CIG."""

    __tablename__ = "site"
    __table_args__ = (
        UniqueConstraint("quarter_id", "code"),
        Index("ix_site_footprint", "footprint", postgresql_using="gist"),
        CheckConstraint("cup ~ '^[A-Z0-9]{15}$'", name="cup"),
        CheckConstraint("cig ~ '^[A-Z0-9]{10}$'", name="cig"),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    client: Mapped[str] = mapped_column(String(200), server_default="")
    cup: Mapped[str | None] = mapped_column(String(15))
    cig: Mapped[str | None] = mapped_column(String(10))
    footprint: Mapped[WKBElement] = mapped_column(metric_geometry("MULTIPOLYGON"))
    archived_on: Mapped[dt.date | None] = mapped_column(Date)

    quarter: Mapped[Quarter] = relationship()
    phases: Mapped[list[WorksPhase]] = relationship(
        back_populates="site", order_by="WorksPhase.code"
    )


class WorksPhase(Base):
    """A phase (*fase di lavoro*); everything that can change stands in its revisions."""

    __tablename__ = "works_phase"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))

    site: Mapped[Site] = relationship(back_populates="phases")
    revisions: Mapped[list[PhaseRevision]] = relationship(
        back_populates="phase", order_by="PhaseRevision.number"
    )


schedule_version_revision = Table(
    "schedule_version_revision",
    Base.metadata,
    Column("version_id", ForeignKey("schedule_version.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "revision_id",
        ForeignKey("phase_revision.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


class ScheduleVersion(Base):
    """Revisions in force on a site from ``recorded_at`` on (*versione del cronoprogramma*)."""

    __tablename__ = "schedule_version"
    __table_args__ = (UniqueConstraint("site_id", "number"),)

    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[Instant]
    author: Mapped[str] = mapped_column(String(200), server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")

    revisions: Mapped[list[PhaseRevision]] = relationship(secondary=schedule_version_revision)


class PhaseRevision(Base):
    """What a phase is, from one version of the schedule on; never changed (a trigger refuses)."""

    __tablename__ = "phase_revision"
    __table_args__ = (
        UniqueConstraint("phase_id", "number"),
        Index("ix_phase_revision_footprint", "footprint", postgresql_using="gist"),
        Index("ix_phase_revision_lorry_route", "lorry_route", postgresql_using="gist"),
        Index("ix_phase_revision_period", "period", postgresql_using="gist"),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
        CheckConstraint(
            "lower(period) is not null and upper(period) is not null", name="period_bounded"
        ),
        CheckConstraint(f"certainty in {CERTAINTIES!r}", name="certainty"),
        CheckConstraint("volume_m3 > 0", name="volume_m3"),
        CheckConstraint("trucks_per_day >= 0", name="trucks_per_day"),
        CheckConstraint(
            "dust_activities <@ "
            "ARRAY['demolition','earthworks','construction','trackout']::varchar[]",
            name="dust_activities",
        ),
    )

    id: Mapped[Id]
    phase_id: Mapped[int] = mapped_column(ForeignKey("works_phase.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    # What residents read; the phase itself bears the name of its newest revision.
    name: Mapped[str] = mapped_column(String(200), server_default="")
    preset: Mapped[str | None] = mapped_column(String(60))
    description: Mapped[str] = mapped_column(Text, server_default="")
    contractor: Mapped[str] = mapped_column(String(200), server_default="")
    period: Mapped[Range[dt.date]] = mapped_column(DATERANGE)
    certainty: Mapped[str] = mapped_column(String(20), server_default="estimated")
    footprint: Mapped[WKBElement] = mapped_column(metric_geometry("MULTIPOLYGON"))
    # Indoor works act on the building by structure and are never given a level in dB.
    indoor: Mapped[bool] = mapped_column(server_default=text("false"))
    dust_activities: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)), server_default=text("'{}'")
    )
    volume_m3: Mapped[float | None] = mapped_column()
    trucks_per_day: Mapped[int | None] = mapped_column(Integer)
    # The way that lorries take to the site and from it (*percorso degli autocarri*).
    lorry_route: Mapped[WKBElement | None] = mapped_column(metric_geometry("LINESTRING"))
    recorded_at: Mapped[Instant]
    author: Mapped[str] = mapped_column(String(200), server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    # Who said so, where the author only wrote it down (*riferito da*).
    reported_by: Mapped[str] = mapped_column(String(300), server_default="")

    phase: Mapped[WorksPhase] = relationship(back_populates="revisions")
    hours: Mapped[list[WorkingHours]] = relationship(
        order_by="WorkingHours.weekday, WorkingHours.starts_at"
    )
    plant: Mapped[list[PlantItem]] = relationship(order_by="PlantItem.id")
    closures: Mapped[list[Closure]] = relationship(order_by="Closure.id")
    barriers: Mapped[list[Barrier]] = relationship(order_by="Barrier.id")
    cuts: Mapped[list[UtilityCut]] = relationship(order_by="UtilityCut.id")
    buildings: Mapped[list[RevisionBuilding]] = relationship()
    inside_flats: Mapped[list[Flat]] = relationship(secondary="revision_flat")


class RevisionSeal(Base):
    """Marks a revision whose impacts somebody was told, or whose period is past.

    A sealed revision's impacts are never replaced; a newer method writes beside them.
    """

    __tablename__ = "revision_seal"
    __table_args__ = (CheckConstraint("reason in ('announced','past')", name="reason"),)

    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), primary_key=True
    )
    reason: Mapped[str] = mapped_column(String(20))
    sealed_at: Mapped[Instant]


class PhaseConfirmation(Base):
    """What somebody said of a revision on a day: its dates still hold (*verificato il*, ``valid``),
    its work is done (``done``), or it runs over what was announced (``overrun``).
    """

    __tablename__ = "phase_confirmation"
    __table_args__ = (CheckConstraint(f"said in {SAYINGS!r}", name="said"),)

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    confirmed_on: Mapped[dt.date] = mapped_column(Date)
    author: Mapped[str] = mapped_column(String(200), server_default="")
    said: Mapped[str] = mapped_column(String(20), server_default="valid")
    reported_by: Mapped[str] = mapped_column(String(300), server_default="")
    note: Mapped[str] = mapped_column(Text, server_default="")


class PhaseDependency(Base):
    """A phase that waits for another (*dipendenza*): ``kind`` says end of which for end of which.

    ``lag_days`` counts days of work, negative where the successor may overlap.
    """

    __tablename__ = "phase_dependency"
    __table_args__ = (
        CheckConstraint(f"kind in {DEPENDENCY_KINDS!r}", name="kind"),
        CheckConstraint("predecessor_id <> successor_id", name="two_phases"),
        CheckConstraint("lag_days between -1000 and 1000", name="lag_days"),
        Index("ix_phase_dependency_successor_id", "successor_id"),
    )

    predecessor_id: Mapped[int] = mapped_column(
        ForeignKey("works_phase.id", ondelete="CASCADE"), primary_key=True
    )
    successor_id: Mapped[int] = mapped_column(
        ForeignKey("works_phase.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(2), server_default="FS")
    lag_days: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class WorkingHours(Base):
    """Hours of one weekday in local wall time; ``noisy`` hours are those of noisy machines."""

    __tablename__ = "working_hours"
    __table_args__ = (
        CheckConstraint("weekday between 0 and 6", name="weekday"),
        CheckConstraint("starts_at <> ends_at", name="not_empty"),
        UniqueConstraint("revision_id", "weekday", "starts_at", "noisy"),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(ForeignKey("phase_revision.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts_at: Mapped[dt.time] = mapped_column(Time)
    # An end not after the start means past midnight.
    ends_at: Mapped[dt.time] = mapped_column(Time)
    noisy: Mapped[bool] = mapped_column(server_default=text("false"))


class PlantItem(Base):
    """A machine of a revision: catalogue code, number, share of the hours it runs."""

    __tablename__ = "plant_item"
    __table_args__ = (
        CheckConstraint("count between 1 and 100", name="count"),
        CheckConstraint("on_time > 0 and on_time <= 1", name="on_time"),
        CheckConstraint("lwa_declared_db between 30 and 150", name="lwa_declared_db"),
        CheckConstraint("power_kw > 0 and power_kw <= 5000", name="power_kw"),
        CheckConstraint("height_m between 0 and 200", name="height_m"),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    machine: Mapped[str] = mapped_column(String(60))
    count: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    on_time: Mapped[float] = mapped_column(server_default=text("1"))
    lwa_declared_db: Mapped[float | None] = mapped_column()
    power_kw: Mapped[float | None] = mapped_column()
    mass_kg: Mapped[float | None] = mapped_column()
    height_m: Mapped[float | None] = mapped_column()


class Closure(Base):
    """Ground closed to people or vehicles during a revision, with the parking it takes."""

    __tablename__ = "closure"
    __table_args__ = (
        Index("ix_closure_geom", "geom", postgresql_using="gist"),
        CheckConstraint(f"kind in {CLOSURE_KINDS!r}", name="kind"),
        CheckConstraint("stalls >= 0", name="stalls"),
        CheckConstraint(
            "disabled_stalls >= 0 and disabled_stalls <= stalls", name="disabled_stalls"
        ),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(Text, server_default="")
    geom: Mapped[WKBElement] = mapped_column(metric_geometry("MULTIPOLYGON"))
    # Null: the whole period of the revision.
    period: Mapped[Range[dt.date] | None] = mapped_column(DATERANGE)
    stalls: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    disabled_stalls: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class Barrier(Base):
    """A noise barrier or hoarding put up for a revision: its line on the ground and its height."""

    __tablename__ = "barrier"
    __table_args__ = (
        Index("ix_barrier_geom", "geom", postgresql_using="gist"),
        CheckConstraint("height_m > 0 and height_m <= 30", name="height_m"),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    geom: Mapped[WKBElement] = mapped_column(metric_geometry("LINESTRING"))
    height_m: Mapped[float] = mapped_column()


class UtilityCut(Base):
    """A cut of a service (*sospensione*; lift: *fermo ascensore*) with its daily window."""

    __tablename__ = "utility_cut"
    __table_args__ = (
        CheckConstraint(f"service in {SERVICES!r}", name="service"),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
        CheckConstraint(
            "(starts_at is null) = (ends_at is null) and starts_at <> ends_at", name="window"
        ),
    )

    id: Mapped[Id]
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    service: Mapped[str] = mapped_column(String(20))
    # Half-open; an open upper end means until tested (lift) or until told otherwise.
    period: Mapped[Range[dt.date]] = mapped_column(DATERANGE)
    # Local wall time of each day; null means round the clock.
    starts_at: Mapped[dt.time | None] = mapped_column(Time)
    ends_at: Mapped[dt.time | None] = mapped_column(Time)
    cut_by: Mapped[str] = mapped_column(String(20), server_default="contractor")
    note: Mapped[str] = mapped_column(Text, server_default="")

    stairwells: Mapped[list[Stairwell]] = relationship(secondary="utility_cut_stairwell")


utility_cut_stairwell = Table(
    "utility_cut_stairwell",
    Base.metadata,
    Column("cut_id", ForeignKey("utility_cut.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "stairwell_id",
        ForeignKey("stairwell.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)

revision_flat = Table(
    "revision_flat",
    Base.metadata,
    Column("revision_id", ForeignKey("phase_revision.id", ondelete="CASCADE"), primary_key=True),
    Column("flat_id", ForeignKey("flat.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class RevisionBuilding(Base):
    """A building worked on, scaffolded or demolished by a revision."""

    __tablename__ = "revision_building"
    __table_args__ = (CheckConstraint(f"role in {BUILDING_ROLES!r}", name="role"),)

    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), primary_key=True
    )
    building_id: Mapped[int] = mapped_column(
        ForeignKey("building.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(20), primary_key=True)


permit_phase = Table(
    "permit_phase",
    Base.metadata,
    Column("permit_id", ForeignKey("permit.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "phase_id", ForeignKey("works_phase.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)


class Permit(Base):
    """A permit (*autorizzazione*): noise derogation, traffic order, public ground, asbestos.

    It covers the phases it names, or its whole site where it names none; readers take that from
    the view :data:`PERMIT_OF_PHASE`.
    """

    __tablename__ = "permit"
    __table_args__ = (
        CheckConstraint(f"kind in {PERMIT_KINDS!r}", name="kind"),
        CheckConstraint(f"state in {PERMIT_STATES!r}", name="state"),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
    )

    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    issuer: Mapped[str] = mapped_column(String(200), server_default="")
    number: Mapped[str] = mapped_column(String(100), server_default="")
    period: Mapped[Range[dt.date] | None] = mapped_column(DATERANGE)
    state: Mapped[str] = mapped_column(String(20), server_default="to_request")
    # Hours and limits that the permit sets, for example {"limit_dba": 75, "until": "22:00"}.
    conditions: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    row_version: Mapped[int] = mapped_column(Integer, server_default=text("1"))

    site: Mapped[Site] = relationship()
    phases: Mapped[list[WorksPhase]] = relationship(
        secondary=permit_phase, order_by="WorksPhase.code"
    )


# Which permit covers which phase: the phases it names, else all of its site.
PERMIT_OF_PHASE = table(
    "permit_of_phase", column("permit_id", BigInteger), column("phase_id", BigInteger)
)
# The view of the migrations that names the revisions of each site's newest schedule version.
REVISION_IN_FORCE = table(
    "revision_in_force",
    column("revision_id", BigInteger),
    column("phase_id", BigInteger),
    column("site_id", BigInteger),
    column("quarter_id", BigInteger),
    column("version_id", BigInteger),
)
