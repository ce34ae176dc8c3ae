"""The form of a phase as text, and back: what was typed survives whatever happens to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from geo_service.i18n import current_language
from geo_service.web.numbers import number_in
from geo_service.works.drafts import CutDraft, RevisionDraft
from geo_service.works.editing.form_places import Place, Stair
from geo_service.works.editing.shapes import shape_text
from geo_service.works.presets import PRESETS, ActivityPreset
from geo_service.works.simulation.form import FormValues, values_of

# Hours and plant of a preset hold on any day.
_ANY_DAY = dt.date(2000, 1, 3)
# How people write that there is work in every flat of a stairwell.
WHOLE_STAIR = "tutti"


@dataclass(slots=True)
class ClosureRow:
    """A closure as typed; ``shape`` is GeoJSON, empty means the whole ground of the phase."""

    kind: str = ""
    shape: str = ""
    description: str = ""
    starts_on: str = ""
    ends_on: str = ""
    stalls: str = ""
    disabled: str = ""


@dataclass(slots=True)
class CutRow:
    """A cut as typed; ``token`` ties the chosen stairwells to their row.

    Without days it lasts as long as the phase, with the first alone until told otherwise.
    """

    token: str
    service: str = ""
    starts_on: str = ""
    ends_on: str = ""
    starts_at: str = ""
    ends_at: str = ""
    cut_by: str = "contractor"
    note: str = ""
    stairwells: set[int] = field(default_factory=set)


@dataclass(slots=True)
class BarrierRow:
    """A barrier as typed; ``shape`` is GeoJSON of a line."""

    shape: str
    height_m: str


@dataclass(slots=True)
class PhaseValues:
    """Everything the form shows. ``times`` holds dates, hours and plant, as the what-if has them.

    ``based_on`` is the number of the revision that the form was filled from, 0 for a new phase.
    """

    times: FormValues
    code: str = ""
    name: str = ""
    preset: str = ""
    plant_preset: str = ""
    description: str = ""
    contractor: str = ""
    certainty: str = "estimated"
    indoor: bool = False
    dust: set[str] = field(default_factory=set)
    volume_m3: str = ""
    trucks: str = ""
    # GeoJSON of a line.
    lorry_route: str = ""
    area: str = ""
    closures: list[ClosureRow] = field(default_factory=list)
    cuts: list[CutRow] = field(default_factory=list)
    barriers: list[BarrierRow] = field(default_factory=list)
    roles: set[tuple[int, str]] = field(default_factory=set)
    flats: dict[int, str] = field(default_factory=dict)
    reason: str = ""
    # Who said so, by which way, on which day, where the author only writes it down.
    reported: tuple[str, str, str] = ("", "phone", "")
    based_on: int = 0
    errors: dict[str, str] = field(default_factory=dict)


def phase_values(draft: RevisionDraft, places: Sequence[Place], based_on: int = 0) -> PhaseValues:
    """The form as ``draft`` stands; ``places`` are the buildings that the form offers."""
    inside = set(draft.inside_flat_ids)
    return PhaseValues(
        times=values_of(draft),
        name=draft.name,
        preset=draft.preset or "",
        description=draft.description,
        contractor=draft.contractor,
        certainty=draft.certainty,
        indoor=draft.indoor,
        dust=set(draft.dust_activities),
        area=shape_text(draft.footprint),
        volume_m3="" if draft.volume_m3 is None else f"{draft.volume_m3:g}",
        lorry_route=shape_text(draft.lorry_route),
        trucks="" if draft.trucks_per_day is None else str(draft.trucks_per_day),
        closures=[
            ClosureRow(
                c.kind, shape_text(c.geometry), c.description, _iso(c.starts_on), _iso(c.ends_on),
                str(c.stalls or ""), str(c.disabled_stalls or ""),
            )
            for c in draft.closures
        ],
        cuts=[
            CutRow(
                str(n), c.service, *_cut_days(c, draft), _clock(c.starts_at), _clock(c.ends_at),
                c.cut_by, c.note, set(c.stairwell_ids),
            )
            for n, c in enumerate(draft.cuts)
        ],
        barriers=[BarrierRow(shape_text(b.geometry), f"{b.height_m:g}") for b in draft.barriers],
        roles=set(draft.buildings),
        flats={
            stair.id: flats_text(stair, inside) for place in places for stair in place.stairs
            if inside & set(stair.flats.values())
        },
        based_on=based_on,
    )  # fmt: skip


def apply_preset(values: PhaseValues, code: str, own_plant: int) -> None:
    """Fill plant, hours, kinds and text from the preset ``code``, in place of what stood there.

    The name too, unless a person has written one.

    ``own_plant`` is the number of machines of the recorded phase: rows of the preset count on
    from there.
    """
    preset = PRESETS[code]
    proposed_names = {name for p in PRESETS.values() for name in (p.name_it, p.name_en)}
    if not values.name or values.name in proposed_names:
        values.name = preset.name(current_language())
    values.preset = values.plant_preset = code
    values.description = preset.text_it
    values.indoor = preset.indoor
    values.dust = set(preset.dust_activities)
    proposed = RevisionDraft(
        starts_on=_ANY_DAY, ends_on=_ANY_DAY, hours=preset.hours + preset.noisy_hours,
        plant=preset.plant,
    )  # fmt: skip
    filled = values_of(proposed)
    values.times.hours, values.times.noisy = filled.hours, filled.noisy
    values.times.plant = [
        replace(row, item=str(own_plant + n)) for n, row in enumerate(filled.plant)
    ]


def with_preset_plant(base: RevisionDraft, code: str) -> RevisionDraft:
    """``base`` with the machines of a preset after its own, for reading their form rows."""
    preset: ActivityPreset | None = PRESETS.get(code)
    return base if preset is None else replace(base, plant=base.plant + preset.plant)


def flats_text(stair: Stair, inside: set[int]) -> str:
    """Flats of a stairwell as people write them: "tutti", "1–6, 9"."""
    chosen = [number for number, flat in stair.flats.items() if flat in inside]
    if len(chosen) == len(stair.flats):
        return WHOLE_STAIR
    figures = sorted(f for n in chosen if (f := number_in(n)) is not None)
    spans: list[list[int]] = []
    for n in figures:
        if spans and n == spans[-1][1] + 1:
            spans[-1][1] = n
        else:
            spans.append([n, n])
    words = [str(a) if a == b else f"{a}–{b}" for a, b in spans]
    return ", ".join(words + sorted(n for n in chosen if number_in(n) is None))


def spare_cut(cuts: Iterable[CutRow]) -> str:
    """A token that no row has."""
    taken = [n for c in cuts if (n := number_in(c.token)) is not None]
    return str(max(taken, default=-1) + 1)


def stairs_of(places: Sequence[Place]) -> Mapping[int, Stair]:
    """Stairwells of ``places`` by id."""
    return {stair.id: stair for place in places for stair in place.stairs}


def _cut_days(cut: CutDraft, draft: RevisionDraft) -> tuple[str, str]:
    """Days of a cut as text; none for one of the whole phase, so that it goes where that goes."""
    if (cut.starts_on, cut.ends_on) == (draft.starts_on, draft.ends_on):
        return "", ""
    return _iso(cut.starts_on), _iso(cut.ends_on)


def _iso(day: dt.date | None) -> str:
    return "" if day is None else day.isoformat()


def _clock(time: dt.time | None) -> str:
    return "" if time is None else f"{time:%H:%M}"
