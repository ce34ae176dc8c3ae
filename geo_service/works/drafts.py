"""What a phase is to be, before it is recorded as a revision."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class HoursDraft:
    """Hours of one weekday (0 = Monday), local wall time; an end before the start is next day."""

    weekday: int
    starts_at: dt.time
    ends_at: dt.time
    noisy: bool = False


@dataclass(frozen=True, slots=True)
class PlantDraft:
    """A machine: catalogue code, number, share of the noisy hours it runs (0–1]."""

    machine: str
    count: int = 1
    on_time: float = 1.0
    lwa_declared_db: float | None = None
    power_kw: float | None = None
    mass_kg: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class ClosureDraft:
    """Ground closed to people or vehicles; no dates means the whole phase, last day included."""

    kind: str
    geometry: BaseGeometry
    description: str = ""
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    stalls: int = 0
    disabled_stalls: int = 0


@dataclass(frozen=True, slots=True)
class CutDraft:
    """A cut of a service with its daily window; no ``ends_on`` means until told otherwise."""

    service: str
    starts_on: dt.date
    ends_on: dt.date | None
    stairwell_ids: tuple[int, ...]
    starts_at: dt.time | None = None
    ends_at: dt.time | None = None
    cut_by: str = "contractor"
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarrierDraft:
    """A noise barrier: a line on the ground (metric system) and its height."""

    geometry: BaseGeometry
    height_m: float


@dataclass(frozen=True, slots=True)
class RevisionDraft:
    """A phase as somebody wants it recorded. ``ends_on`` is the last day of works."""

    starts_on: dt.date
    ends_on: dt.date
    # Empty: the name that the phase has.
    name: str = ""
    preset: str | None = None
    description: str = ""
    contractor: str = ""
    certainty: str = "estimated"
    # None: the footprint of the site.
    footprint: BaseGeometry | None = None
    indoor: bool = False
    dust_activities: tuple[str, ...] = ()
    volume_m3: float | None = None
    trucks_per_day: int | None = None
    # The way that lorries take, a line on the ground (metric system).
    lorry_route: BaseGeometry | None = None
    hours: tuple[HoursDraft, ...] = ()
    plant: tuple[PlantDraft, ...] = ()
    closures: tuple[ClosureDraft, ...] = ()
    barriers: tuple[BarrierDraft, ...] = ()
    cuts: tuple[CutDraft, ...] = ()
    # Pairs of building id and role ('works', 'scaffold', 'demolition').
    buildings: tuple[tuple[int, str], ...] = ()
    inside_flat_ids: tuple[int, ...] = field(default=())
