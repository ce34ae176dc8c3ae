"""Quarters, buildings, stairwells, flats (*quartieri, edifici, scale, alloggi*) and paths.

The public unit is the building; a flat is private. Nothing here knows who lives in a flat or
whether it is empty.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.crs import WEB_MERCATOR
from layers.db import Base, Id, Instant, mercator_geometry, metric_geometry

USES = (
    "residential", "mixed", "commercial", "school", "health", "worship", "office",
    "industrial", "garage", "shed", "public", "other", "unknown",
)  # fmt: skip
PATH_KINDS = ("footway", "crossing", "steps", "ramp", "street", "cycleway", "courtyard")
EXPOSURES = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

# Neither 0/O nor 1/I/L: a code is read aloud on the telephone and typed on old phones.
_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def public_code(quarter_code: str, source_id: str, attempt: int = 0) -> str:
    """Six-character public code of a building, the same at every import.

    ``attempt`` is raised by the caller when the code is already taken. The code is public (it
    stands on posters), so it need not be unguessable, only stable and easy to read.
    """
    digest = hashlib.blake2s(f"{quarter_code}\x1f{source_id}\x1f{attempt}".encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    letters = []
    for _ in range(6):
        number, rest = divmod(number, len(_CODE_ALPHABET))
        letters.append(_CODE_ALPHABET[rest])
    return "".join(letters)


def _mercator(column: str) -> Computed:
    return Computed(f"ST_Transform({column}, {WEB_MERCATOR})", persisted=True)


def _row_version() -> Mapped[int]:
    """Raised by the database with each change of the row, whoever writes it."""
    return mapped_column(
        Integer, server_default=text("1"), server_onupdate=FetchedValue(), nullable=False
    )


# Key of a quarter's settings: whose data were imported, as their licences want it said.
DATA_SOURCES = "data_sources"


class Quarter(Base):
    """A quarter (*quartiere*) under works, with the settings its municipality decided."""

    __tablename__ = "quarter"
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9-]{1,40}$'", name="code_form"),)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    municipality: Mapped[str] = mapped_column(String(200), server_default="")
    boundary: Mapped[WKBElement | None] = mapped_column(metric_geometry("MULTIPOLYGON"))
    synthetic: Mapped[bool] = mapped_column(server_default=text("false"))
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    # Part of every tile's address: raised by each change of what tiles show.
    map_version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[Instant]


class Building(Base):
    """A building (*edificio*): footprint, height, storeys, use, public code."""

    __tablename__ = "building"
    __table_args__ = (
        UniqueConstraint("quarter_id", "source_id"),
        Index("ix_building_footprint", "footprint", postgresql_using="gist"),
        Index("ix_building_geom3857", "geom3857", postgresql_using="gist"),
        CheckConstraint("height_m > 0 and height_m <= 400", name="height_m"),
        CheckConstraint("storeys between 1 and 130", name="storeys"),
        CheckConstraint("acoustic_class in ('I','II','III','IV','V','VI')", name="acoustic_class"),
        CheckConstraint("closed_on is null or closed_on >= opened_on", name="lifetime"),
        *(
            CheckConstraint(
                f"background_{part}_dba between 10 and 100", name=f"background_{part}_dba"
            )
            for part in ("day", "evening", "night")
        ),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(String(200))
    code: Mapped[str] = mapped_column(String(12), unique=True)
    name: Mapped[str] = mapped_column(String(200), server_default="")
    footprint: Mapped[WKBElement] = mapped_column(metric_geometry("MULTIPOLYGON"))
    geom3857: Mapped[WKBElement] = mapped_column(
        mercator_geometry("MULTIPOLYGON"), _mercator("footprint")
    )
    height_m: Mapped[float | None] = mapped_column()
    # Storeys above ground, the ground floor included.
    storeys: Mapped[int | None] = mapped_column(SmallInteger)
    use: Mapped[str] = mapped_column(String(20), server_default="unknown")
    owner: Mapped[str] = mapped_column(String(200), server_default="")
    acoustic_class: Mapped[str | None] = mapped_column(String(3))
    # Measured level without the works at the façade, LAeq of the part of day; null: not measured.
    background_day_dba: Mapped[float | None] = mapped_column()
    background_evening_dba: Mapped[float | None] = mapped_column()
    background_night_dba: Mapped[float | None] = mapped_column()
    # Number of flats told by the source where the flats themselves are not known.
    flats_declared: Mapped[int | None] = mapped_column(Integer)
    opened_on: Mapped[dt.date] = mapped_column(Date, server_default=text("'1900-01-01'"))
    closed_on: Mapped[dt.date | None] = mapped_column(Date)
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"), index=True)
    row_version: Mapped[int] = _row_version()

    quarter: Mapped[Quarter] = relationship()
    # Those that stand; one that ended keeps its row for what is told of it.
    stairwells: Mapped[list[Stairwell]] = relationship(
        back_populates="building",
        order_by="Stairwell.label",
        primaryjoin="and_(Building.id == Stairwell.building_id, Stairwell.closed_on.is_(None))",
    )
    addresses: Mapped[list[AddressPoint]] = relationship(
        back_populates="building", order_by="AddressPoint.id"
    )


class AddressPoint(Base):
    """A house number (*numero civico*) with its point; ``building_id`` is null where none fits."""

    __tablename__ = "address_point"
    __table_args__ = (
        UniqueConstraint("quarter_id", "source_id"),
        Index("ix_address_point_point", "point", postgresql_using="gist"),
        Index(
            "ix_address_point_search_key",
            "search_key",
            postgresql_using="gin",
            postgresql_ops={"search_key": "gin_trgm_ops"},
        ),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    building_id: Mapped[int | None] = mapped_column(
        ForeignKey("building.id", ondelete="CASCADE"), index=True
    )
    source_id: Mapped[str] = mapped_column(String(200))
    street: Mapped[str] = mapped_column(String(200))
    house_number: Mapped[str] = mapped_column(String(30), server_default="")
    postcode: Mapped[str] = mapped_column(String(10), server_default="")
    city: Mapped[str] = mapped_column(String(100), server_default="")
    point: Mapped[WKBElement] = mapped_column(metric_geometry("POINT"))
    # Street and number in the normal form of layers.loaders.addresses: lower case, no accents,
    # abbreviations written out; compared by trigrams so that typing errors are forgiven.
    search_key: Mapped[str] = mapped_column(String(300))
    row_version: Mapped[int] = _row_version()

    building: Mapped[Building | None] = relationship(back_populates="addresses")


class Stairwell(Base):
    """A stairwell (*scala*) of a building with its entrance and lift."""

    __tablename__ = "stairwell"
    __table_args__ = (
        UniqueConstraint("building_id", "label"),
        Index("ix_stairwell_entrance", "entrance", postgresql_using="gist"),
    )

    id: Mapped[Id]
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id", ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(30))
    entrance: Mapped[WKBElement | None] = mapped_column(metric_geometry("POINT"))
    lift: Mapped[bool | None] = mapped_column()
    step_free: Mapped[bool | None] = mapped_column()
    address_point_id: Mapped[int | None] = mapped_column(
        ForeignKey("address_point.id", ondelete="SET NULL"), index=True
    )
    # First day on which it is not there any more; its label is not given again.
    closed_on: Mapped[dt.date | None] = mapped_column(Date)
    row_version: Mapped[int] = _row_version()

    building: Mapped[Building] = relationship(back_populates="stairwells")
    flats: Mapped[list[Flat]] = relationship(
        back_populates="stairwell", order_by="Flat.storey, Flat.number"
    )


class Flat(Base):
    """A flat (*alloggio*): storey (0 = ground floor), number, rooms, area, sides it looks to."""

    __tablename__ = "flat"
    __table_args__ = (
        UniqueConstraint("stairwell_id", "number"),
        CheckConstraint("storey between -3 and 130", name="storey"),
        CheckConstraint("area_m2 > 0", name="area_m2"),
        CheckConstraint("rooms between 1 and 30", name="rooms"),
        CheckConstraint(
            "exposures is null or (cardinality(exposures) between 1 and 8 and "
            "exposures <@ ARRAY['N','NE','E','SE','S','SW','W','NW']::varchar[])",
            name="exposures",
        ),
        CheckConstraint("use in ('dwelling','shop','office','association','other')", name="use"),
    )

    id: Mapped[Id]
    stairwell_id: Mapped[int] = mapped_column(ForeignKey("stairwell.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(30))
    storey: Mapped[int | None] = mapped_column(SmallInteger)
    rooms: Mapped[int | None] = mapped_column(SmallInteger)
    area_m2: Mapped[float | None] = mapped_column(Numeric(8, 2, asdecimal=False))
    step_free: Mapped[bool | None] = mapped_column()
    # Compass sides of the flat's own windows (*esposizione*); null where not known.
    exposures: Mapped[list[str] | None] = mapped_column(ARRAY(String(2)))
    use: Mapped[str] = mapped_column(String(20), server_default="dwelling")
    sold: Mapped[bool] = mapped_column(server_default=text("false"))
    opened_on: Mapped[dt.date] = mapped_column(Date, server_default=text("'1900-01-01'"))
    closed_on: Mapped[dt.date | None] = mapped_column(Date)
    row_version: Mapped[int] = _row_version()

    stairwell: Mapped[Stairwell] = relationship(back_populates="flats")


class Path(Base):
    """A stretch of street or footpath (*percorso*) with what decides who can use it."""

    __tablename__ = "path"
    __table_args__ = (
        UniqueConstraint("quarter_id", "source_id"),
        Index("ix_path_geom", "geom", postgresql_using="gist"),
        Index("ix_path_geom3857", "geom3857", postgresql_using="gist"),
        CheckConstraint("width_m > 0 and width_m < 100", name="width_m"),
        CheckConstraint("steps >= 0", name="steps"),
        CheckConstraint(f"kind in {PATH_KINDS!r}", name="kind"),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200), server_default="")
    geom: Mapped[WKBElement] = mapped_column(metric_geometry("LINESTRING"))
    geom3857: Mapped[WKBElement] = mapped_column(mercator_geometry("LINESTRING"), _mercator("geom"))
    width_m: Mapped[float | None] = mapped_column()
    slope_pct: Mapped[float | None] = mapped_column()
    cross_slope_pct: Mapped[float | None] = mapped_column()
    steps: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    kerb_cm: Mapped[float | None] = mapped_column()
    headroom_m: Mapped[float | None] = mapped_column()
