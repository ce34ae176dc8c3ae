"""What differs between two drafts of a phase, in words, and how two people's edits join."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from shapely.geometry.base import BaseGeometry

from geo_service import i18n
from geo_service.i18n import N_, ngettext
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works.drafts import ClosureDraft, CutDraft, HoursDraft, PlantDraft, RevisionDraft
from geo_service.works.presets import PRESETS
from geo_service.works.simulation.form import machine_name

DUST_WORDS = {
    "demolition": N_("demolizione"),
    "earthworks": N_("scavi e movimenti di terra"),
    "construction": N_("costruzione"),
    "trackout": N_("fango e polvere sulle strade"),
}
# Shapes nearer than this are the same: a drawing is not more exact.
SAME_SHAPE_M = 0.2


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs: its name in the draft, its label and both values in words."""

    name: str
    label: str
    before: str
    after: str


def normal(draft: RevisionDraft) -> RevisionDraft:
    """``draft`` with its lists in a fixed order, so that equal drafts compare as equal."""
    return replace(
        draft,
        hours=tuple(sorted(draft.hours, key=lambda h: (h.weekday, h.starts_at, h.noisy))),
        cuts=tuple(
            sorted(
                (replace(c, stairwell_ids=tuple(sorted(c.stairwell_ids))) for c in draft.cuts),
                key=lambda c: (c.starts_on, c.service, c.stairwell_ids),
            )
        ),
        dust_activities=tuple(sorted(draft.dust_activities)),
        buildings=tuple(sorted(draft.buildings)),
        inside_flat_ids=tuple(sorted(draft.inside_flat_ids)),
    )


def changed_fields(old: RevisionDraft, new: RevisionDraft) -> list[str]:
    """Names of the fields in which two drafts differ."""
    one, two = normal(old), normal(new)
    if not (one.name and two.name):
        # A draft without a name leaves the phase's.
        one, two = replace(one, name=""), replace(two, name="")
    return [
        f.name for f in fields(RevisionDraft)
        if not _same(getattr(one, f.name), getattr(two, f.name))
    ]  # fmt: skip


def changes(old: RevisionDraft, new: RevisionDraft) -> list[FieldChange]:
    """What differs, field by field; the two dates are told as one period."""
    names = changed_fields(old, new)
    if "starts_on" in names and "ends_on" in names:
        names.remove("ends_on")
    told = []
    for name in names:
        label, tell = _TELL[name]
        told.append(FieldChange(name, _(label), tell(old), tell(new)))
    return told


@dataclass(frozen=True, slots=True)
class Merge:
    """Two edits of one revision joined.

    ``draft`` holds the fields of both; where both changed the same one, mine. ``theirs`` and
    ``mine`` tell what each changed; ``clashes`` the fields that both changed differently, with
    their value as ``before`` and mine as ``after``.
    """

    draft: RevisionDraft
    theirs: list[FieldChange]
    mine: list[FieldChange]
    clashes: list[FieldChange]


def merged(base: RevisionDraft, theirs: RevisionDraft, mine: RevisionDraft) -> Merge:
    """My edit of ``base`` on top of theirs, which was recorded meanwhile."""
    touched = set(changed_fields(base, mine))
    # A period is one thing: my first day with their last day would be nobody's.
    if touched & {"starts_on", "ends_on"}:
        touched |= {"starts_on", "ends_on"}
    draft = replace(theirs, **{name: getattr(mine, name) for name in touched})
    both = touched & set(changed_fields(base, theirs))
    clashes = [c for c in changes(theirs, draft) if c.name in both]
    return Merge(draft, changes(base, theirs), changes(base, mine), clashes)


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, BaseGeometry) and isinstance(two, BaseGeometry):
        return one.equals(two) or one.hausdorff_distance(two) < SAME_SHAPE_M
    if isinstance(one, tuple) and isinstance(two, tuple) and one and two:
        if len(one) != len(two):
            return False
        return all(_same_item(a, b) for a, b in zip(one, two, strict=True))
    return bool(one == two)


def _same_item(one: Any, two: Any) -> bool:
    shape, other = getattr(one, "geometry", None), getattr(two, "geometry", None)
    if shape is None or other is None:
        return bool(one == two)
    return _same(shape, other) and bool(replace(one, geometry=other) == two)


def _period(draft: RevisionDraft) -> str:
    return i18n.period(draft.starts_on, draft.ends_on)


def _hours(draft: RevisionDraft) -> str:
    parts = []
    for noisy, label in ((False, _("lavoro")), (True, _("lavori rumorosi"))):
        lines = words.hours_lines(_masks(draft.hours), noisy)
        if lines:
            parts.append(f"{label}: {'; '.join(lines)}")
    return ". ".join(parts) or _("nessun orario indicato")


def _masks(hours: tuple[HoursDraft, ...]) -> list[tuple[int, Any, Any, bool]]:
    masks: dict[tuple[Any, Any, bool], int] = {}
    for h in hours:
        key = (h.starts_at, h.ends_at, h.noisy)
        masks[key] = masks.get(key, 0) | 1 << h.weekday
    return [(mask, *key) for key, mask in masks.items()]


def _plant(draft: RevisionDraft) -> str:
    return "; ".join(_machine(p) for p in draft.plant) or _("nessuna macchina")


def _machine(item: PlantDraft) -> str:
    level = "" if item.lwa_declared_db is None else f", LWA {item.lwa_declared_db:g} dB"
    return f"{item.count} × {machine_name(item.machine)}, {item.on_time * 100:.0f} %{level}"


def _cut(cut: CutDraft) -> str:
    window = _("tutto il giorno")
    if cut.starts_at is not None and cut.ends_at is not None:
        window = words.window(cut.starts_at, cut.ends_at)
    stairs = ngettext("una scala", "%(count)s scale", len(cut.stairwell_ids))
    days = i18n.period(cut.starts_on, cut.ends_on)
    return f"{words.service(cut.service)} {days} {window}, {stairs}"


def _closure(closure: ClosureDraft) -> str:
    text = words.closure(closure.kind)
    text += f" {i18n.number(closure.geometry.area)} m²"
    if closure.starts_on is not None:
        text += f", {i18n.period(closure.starts_on, closure.ends_on)}"
    if closure.stalls:
        text += ", " + ngettext("un posto auto", "%(count)s posti auto", closure.stalls)
    return f"{text} ({closure.description})" if closure.description else text


def _area(draft: RevisionDraft) -> str:
    if draft.footprint is None:
        return _("tutta l'area del cantiere")
    return f"{i18n.number(draft.footprint.area)} m²"


def _buildings(draft: RevisionDraft) -> str:
    counts: dict[str, int] = {}
    for _building, role in draft.buildings:
        counts[role] = counts.get(role, 0) + 1
    return ", ".join(f"{words.role(r)} ({n})" for r, n in counts.items()) or _("nessuno")


def _text(value: object) -> str:
    return str(value) if value not in (None, "") else "–"


def _preset(draft: RevisionDraft) -> str:
    preset = PRESETS.get(draft.preset or "")
    return "–" if preset is None else preset.name(i18n.current_language())


def _listed(tell: Callable[[Any], str], name: str) -> Callable[[RevisionDraft], str]:
    return lambda draft: "; ".join(tell(item) for item in getattr(draft, name)) or _("nessuna")


_TELL: dict[str, tuple[str, Callable[[RevisionDraft], str]]] = {
    "starts_on": (N_("Date"), _period),
    "ends_on": (N_("Date"), _period),
    "name": (N_("Nome"), lambda d: f"«{d.name}»"),
    "preset": (N_("Lavorazione tipo"), _preset),
    "description": (N_("Testo"), lambda d: _text(d.description)),
    "contractor": (N_("Impresa"), lambda d: _text(d.contractor)),
    "certainty": (N_("Certezza"), lambda d: words.certainty(d.certainty)),
    "footprint": (N_("Area"), _area),
    "indoor": (
        N_("Lavori all'interno"),
        lambda d: _("dentro l'edificio") if d.indoor else _("all'aperto"),
    ),
    "dust_activities": (
        N_("Lavori che fanno polvere"),
        lambda d: ", ".join(_(DUST_WORDS[a]) for a in d.dust_activities) or _("nessuno"),
    ),
    "volume_m3": (
        N_("Volume"),
        lambda d: "–" if d.volume_m3 is None else f"{i18n.number(d.volume_m3)} m³",
    ),
    "trucks_per_day": (N_("Autocarri al giorno"), lambda d: _text(d.trucks_per_day)),
    "lorry_route": (
        N_("Percorso degli autocarri"),
        lambda d: "–" if d.lorry_route is None else f"{i18n.number(d.lorry_route.length)} m",
    ),
    "hours": (N_("Orari"), _hours),
    "plant": (N_("Macchine"), _plant),
    "closures": (N_("Chiusure e sosta"), _listed(_closure, "closures")),
    "barriers": (
        N_("Barriere"),
        lambda d: "; ".join(
            f"{i18n.number(b.geometry.length)} m × {i18n.number(b.height_m, 1)} m"
            for b in d.barriers
        ) or _("nessuna"),
    ),
    "cuts": (N_("Sospensioni"), _listed(_cut, "cuts")),
    "buildings": (N_("Edifici dei lavori"), _buildings),
    "inside_flat_ids": (
        N_("Alloggi in cui si lavora"),
        lambda d: i18n.number(len(d.inside_flat_ids)),
    ),
}  # fmt: skip
