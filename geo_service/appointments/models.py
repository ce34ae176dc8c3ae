"""Tables of appointments. Names and contacts stay in the rows of households."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Time,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from geo_service.appointments.states import STATES
from geo_service.history import ACTORS
from layers.buildings import Flat
from layers.db import Base, Id, Instant
from layers.sites import PhaseRevision, WorksPhase

ACCESS = ("household", "delegate", "custodian", "keys")
ITEMS = (
    "balcony", "cellar", "awnings", "air_conditioner", "aerial", "windows", "bathroom", "furniture",
)  # fmt: skip


class Appointment(Base):
    """The slot (*appuntamento in casa*) in which a phase is worked on inside one flat.

    The slot is local wall time. ``revision_id`` is the revision for which it was made: where
    another one is in force, the appointment has yet to follow it.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        UniqueConstraint("phase_id", "flat_id"),
        Index("ix_appointment_phase_id_on_day", "phase_id", "on_day"),
        CheckConstraint("ends_at > starts_at", name="slot"),
        CheckConstraint("crew between 1 and 20", name="crew"),
        CheckConstraint("attempts between 0 and 50", name="attempts"),
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint(f"access in {ACCESS!r}", name="access"),
        CheckConstraint("not_after > not_before", name="wish"),
    )

    id: Mapped[Id]
    phase_id: Mapped[int] = mapped_column(ForeignKey("works_phase.id", ondelete="CASCADE"))
    flat_id: Mapped[int] = mapped_column(ForeignKey("flat.id", ondelete="CASCADE"), index=True)
    revision_id: Mapped[int] = mapped_column(
        ForeignKey("phase_revision.id", ondelete="CASCADE"), index=True
    )
    on_day: Mapped[dt.date] = mapped_column(Date)
    starts_at: Mapped[dt.time] = mapped_column(Time)
    ends_at: Mapped[dt.time] = mapped_column(Time)
    crew: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    state: Mapped[str] = mapped_column(String(20), server_default="proposed")
    # Visits that found nobody at home.
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    access: Mapped[str] = mapped_column(String(20), server_default="household")
    # Where the keys are and what the household asked for; never a name, never a number.
    keys_note: Mapped[str] = mapped_column(String(200), server_default="")
    wish: Mapped[str] = mapped_column(String(200), server_default="")
    not_before: Mapped[dt.time | None] = mapped_column(Time)
    not_after: Mapped[dt.time | None] = mapped_column(Time)
    row_version: Mapped[int] = mapped_column(server_default="1")

    phase: Mapped[WorksPhase] = relationship()
    flat: Mapped[Flat] = relationship()
    revision: Mapped[PhaseRevision] = relationship()
    events: Mapped[list[AppointmentEvent]] = relationship(order_by="AppointmentEvent.id")
    preparation: Mapped[list[Preparation]] = relationship(
        order_by="Preparation.ready_by, Preparation.id", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class AppointmentEvent(Base):
    """One change of an appointment: who, when, why, from what to what; only added to.

    ``reason`` and ``reported_by`` are chosen from lists, not typed, so that no name gets in.
    """

    __tablename__ = "appointment_event"
    __table_args__ = (CheckConstraint(f"actor in {ACTORS!r}", name="actor"),)

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(
        ForeignKey("appointment.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[Instant]
    actor: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(20), server_default="")
    reported_by: Mapped[str] = mapped_column(String(20), server_default="")
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class Preparation(Base):
    """Something a household has to have ready by a day (*cosa preparare*)."""

    __tablename__ = "appointment_preparation"
    __table_args__ = (
        UniqueConstraint("appointment_id", "item"),
        CheckConstraint(f"item in {ITEMS!r}", name="item"),
    )

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id", ondelete="CASCADE"))
    item: Mapped[str] = mapped_column(String(20))
    ready_by: Mapped[dt.date] = mapped_column(Date)
    done_on: Mapped[dt.date | None] = mapped_column(Date)
