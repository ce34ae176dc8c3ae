"""Tables of households: who holds a title to a flat and who sleeps where."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.buildings import Building, Flat
from layers.db import Base, Id, Instant

TITLES = ("assignee", "owner", "private_tenant", "business", "untitled", "guest")
CHANNELS = ("letter", "phone", "sms", "email", "visit")
LOOKS = ("needs", "needs_list", "protected", "empty_flats")


class Household(Base):
    """A household (*nucleo familiare*). Names and contacts stand in :class:`HouseholdContact`."""

    __tablename__ = "household"
    __table_args__ = (
        UniqueConstraint("quarter_id", "code"),
        CheckConstraint("language ~ '^[a-z]{2,3}$'", name="language"),
        CheckConstraint("size between 1 and 30", name="size"),
        CheckConstraint(f"channel in {CHANNELS!r}", name="channel"),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(60))
    # ISO 639 code of the language in which the household wants to be written to.
    language: Mapped[str] = mapped_column(String(3), server_default="it")
    size: Mapped[int | None] = mapped_column(SmallInteger)
    channel: Mapped[str] = mapped_column(String(20), server_default="letter")
    # A protected address is seen by coordinators only and counted nowhere it could be told apart.
    protected: Mapped[bool] = mapped_column(server_default="false")
    row_version: Mapped[int] = mapped_column(server_default="1")
    # A duplicate that was merged keeps its row and its contacts; nothing else hangs on it.
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("household.id", ondelete="CASCADE"), index=True
    )

    contact: Mapped[HouseholdContact | None] = relationship(back_populates="household")
    stays: Mapped[list[Stay]] = relationship(back_populates="household")
    tenancies: Mapped[list[Tenancy]] = relationship(back_populates="household")
    needs: Mapped[list[Need]] = relationship(back_populates="household")

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class HouseholdContact(Base):
    """Names and contacts, in a row of their own so that they can be emptied."""

    __tablename__ = "household_contact"

    household_id: Mapped[int] = mapped_column(
        ForeignKey("household.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(200), server_default="")
    phone: Mapped[str] = mapped_column(String(40), server_default="")
    email: Mapped[str] = mapped_column(String(200), server_default="")

    household: Mapped[Household] = relationship(back_populates="contact")


class HouseholdMerge(Base):
    """Two records that were made one: how both were before, so that it can be taken back.

    The contacts of the kept one before, and the mark of those after, are emptied with it.
    """

    __tablename__ = "household_merge"

    id: Mapped[Id]
    kept_id: Mapped[int] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"), index=True)
    other_id: Mapped[int] = mapped_column(
        ForeignKey("household.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[Instant]
    undone_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    # Stays, titles, needs by number, size and protection; no names.
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    name: Mapped[str] = mapped_column(String(200), server_default="")
    phone: Mapped[str] = mapped_column(String(40), server_default="")
    email: Mapped[str] = mapped_column(String(200), server_default="")
    contact_after: Mapped[str] = mapped_column(String(24), server_default="")


class Tenancy(Base):
    """The title on which a household holds a flat; periods may overlap."""

    __tablename__ = "tenancy"
    __table_args__ = (
        UniqueConstraint("household_id", "flat_id", "title", "period"),
        CheckConstraint(f"title in {TITLES!r}", name="title"),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
    )

    id: Mapped[Id]
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    flat_id: Mapped[int] = mapped_column(ForeignKey("flat.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(20))
    period: Mapped[Range[dt.date]] = mapped_column(DATERANGE)

    household: Mapped[Household] = relationship(back_populates="tenancies")
    flat: Mapped[Flat] = relationship()


class Stay(Base):
    """Who sleeps where, from when to when; a household stays in one place at a time."""

    __tablename__ = "stay"
    __table_args__ = (
        ExcludeConstraint(
            ("household_id", "="),
            ("period", "&&"),
            name="ex_stay_one_place_at_a_time",
            using="gist",
        ),
        CheckConstraint("not isempty(period)", name="period_not_empty"),
    )

    id: Mapped[Id]
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    flat_id: Mapped[int] = mapped_column(ForeignKey("flat.id", ondelete="CASCADE"), index=True)
    period: Mapped[Range[dt.date]] = mapped_column(DATERANGE)

    household: Mapped[Household] = relationship(back_populates="stays")
    flat: Mapped[Flat] = relationship()


class Need(Base):
    """A practical need (*esigenza*), never a diagnosis, with purpose, legal basis, review date."""

    __tablename__ = "need"

    id: Mapped[Id]
    household_id: Mapped[int] = mapped_column(
        ForeignKey("household.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, server_default="")
    purpose: Mapped[str] = mapped_column(String(200))
    legal_basis: Mapped[str] = mapped_column(String(200))
    review_on: Mapped[dt.date] = mapped_column(Date)

    household: Mapped[Household] = relationship(back_populates="needs")


class FlatOwner(Base):
    """An owner of a sold flat (*proprietario*); may live elsewhere."""

    __tablename__ = "flat_owner"

    id: Mapped[Id]
    flat_id: Mapped[int] = mapped_column(ForeignKey("flat.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40), server_default="")
    email: Mapped[str] = mapped_column(String(200), server_default="")
    address: Mapped[str] = mapped_column(String(300), server_default="")
    row_version: Mapped[int] = mapped_column(server_default="1")

    flat: Mapped[Flat] = relationship()

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class CondominiumAdministrator(Base):
    """Who administers a building with sold flats (*amministratore di condominio*)."""

    __tablename__ = "condominium_administrator"

    id: Mapped[Id]
    building_id: Mapped[int] = mapped_column(
        ForeignKey("building.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40), server_default="")
    email: Mapped[str] = mapped_column(String(200), server_default="")
    address: Mapped[str] = mapped_column(String(300), server_default="")
    row_version: Mapped[int] = mapped_column(server_default="1")

    building: Mapped[Building] = relationship()

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class LookLog(Base):
    """A look at what few may see: who, when, at what, what for.

    There are no foreign keys: the entry outlives account and household.
    """

    __tablename__ = "look_log"
    __table_args__ = (
        CheckConstraint(f"what in {LOOKS!r}", name="what"),
        Index("ix_look_log_household_id_at", "household_id", "at"),
        Index("ix_look_log_quarter_id_at", "quarter_id", "at"),
    )

    id: Mapped[Id]
    at: Mapped[Instant]
    account_id: Mapped[int] = mapped_column(BigInteger)
    quarter_id: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(20))
    # None: a list, not one household.
    household_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(200), server_default="")
