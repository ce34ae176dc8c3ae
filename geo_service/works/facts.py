"""A phase as plain facts that the history can keep and people can read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from shapely.geometry.base import BaseGeometry

from geo_service.works.drafts import ClosureDraft, CutDraft, HoursDraft, PlantDraft, RevisionDraft


def facts_of(draft: RevisionDraft, reason: str = "") -> dict[str, Any]:
    """Field → plain value; what is empty is left out. Areas are told by size and centre."""
    facts = {
        "name": draft.name,
        "starts_on": draft.starts_on,
        "ends_on": draft.ends_on,
        "certainty": draft.certainty,
        "preset": draft.preset,
        "contractor": draft.contractor,
        "description": draft.description,
        "indoor": draft.indoor,
        "dust_activities": sorted(draft.dust_activities),
        "volume_m3": draft.volume_m3,
        "trucks_per_day": draft.trucks_per_day,
        "lorry_route": None if draft.lorry_route is None else f"{draft.lorry_route.length:.0f} m",
        "hours": [_hours(h) for h in sorted(draft.hours, key=_hours)],
        "plant": sorted(_plant(p) for p in draft.plant),
        "closures": sorted(_closure(c) for c in draft.closures),
        "barriers": sorted(f"{b.height_m:g} m × {b.geometry.length:.0f} m" for b in draft.barriers),
        "cuts": sorted(_cut(c) for c in draft.cuts),
        "buildings": sorted(f"{role} {building_id}" for building_id, role in draft.buildings),
        "inside_flats": len(set(draft.inside_flat_ids)),
        "footprint": None if draft.footprint is None else area_words(draft.footprint),
        "reason": reason,
    }
    return {field: value for field, value in facts.items() if value not in (None, "", [], 0, False)}


def area_words(shape: BaseGeometry) -> str:
    """An area by its size and centre, in metres of the stored system."""
    centre = shape.centroid
    return f"{shape.area:.0f} m² ({centre.x:.0f}, {centre.y:.0f})"


def _hours(hours: HoursDraft) -> str:
    noisy = " !" if hours.noisy else ""
    return f"{hours.weekday + 1} {hours.starts_at:%H:%M}–{hours.ends_at:%H:%M}{noisy}"


def _plant(item: PlantDraft) -> str:
    level = "" if item.lwa_declared_db is None else f", LWA {item.lwa_declared_db:g} dB"
    return f"{item.count} × {item.machine}, {item.on_time:.0%}{level}"


def _days(first: dt.date | None, last: dt.date | None) -> str:
    if first is None:
        return ""
    return f" {first.isoformat()} – {last.isoformat() if last else ''}".rstrip()


def _closure(closure: ClosureDraft) -> str:
    stalls = f", {closure.stalls} P" if closure.stalls else ""
    said = f" {closure.description}" if closure.description else ""
    when = _days(closure.starts_on, closure.ends_on)
    return f"{closure.kind}{said}{when}{stalls}, {area_words(closure.geometry)}"


def _cut(cut: CutDraft) -> str:
    window = ""
    if cut.starts_at is not None and cut.ends_at is not None:
        window = f" {cut.starts_at:%H:%M}–{cut.ends_at:%H:%M}"
    stairwells = len(set(cut.stairwell_ids))
    return f"{cut.service}{_days(cut.starts_on, cut.ends_on)}{window} ({stairwells})"
