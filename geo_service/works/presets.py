"""Activity presets (*lavorazioni tipo*): plant, hours, kinds of impact, words for residents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from geo_service.errors import Invalid
from geo_service.works.drafts import HoursDraft, PlantDraft, RevisionDraft
from layers.plant.catalogue import catalogue

_FILE = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True, slots=True)
class ActivityPreset:
    """A *lavorazione tipo*: a proposal for a phase that the person recording it corrects.

    ``hours`` are all working hours, ``noisy_hours`` those of noisy machines; ``prepare`` says
    what residents must do, ``notice`` how they notice the works, ``text`` what is done.
    """

    code: str
    name_it: str
    name_en: str
    plant: tuple[PlantDraft, ...]
    hours: tuple[HoursDraft, ...]
    noisy_hours: tuple[HoursDraft, ...]
    kinds: tuple[str, ...]
    dust_activities: tuple[str, ...]
    indoor: bool
    prepare_it: str
    prepare_en: str
    notice_it: str
    notice_en: str
    text_it: str
    text_en: str

    def name(self, language: str) -> str:
        """Name in Italian, or in English for every other language of the pages."""
        return self.name_it if language == "it" else self.name_en


def _plant(rows: list[list[Any]]) -> tuple[PlantDraft, ...]:
    items = []
    for code, count, *more in rows:
        on_time = more[0] if more else catalogue()[code].on_time
        power_kw = more[1] if len(more) > 1 else None
        items.append(PlantDraft(code, count, on_time, power_kw=power_kw))
    return tuple(items)


def _clock(value: str) -> dt.time:
    hour, minute = value.split(":")
    return dt.time(int(hour), int(minute))


def _hours(spans: list[str], weekdays: list[int], *, noisy: bool) -> tuple[HoursDraft, ...]:
    clocks = [span.split("-") for span in spans]
    return tuple(
        HoursDraft(weekday, _clock(start), _clock(end), noisy)
        for weekday in weekdays
        for start, end in clocks
    )


def _preset(code: str, entry: dict[str, Any], hours: dict[str, Any]) -> ActivityPreset:
    week = hours[entry.get("hours", "day")]
    return ActivityPreset(
        code=code,
        name_it=entry["name"]["it"],
        name_en=entry["name"]["en"],
        plant=_plant(entry["plant"]),
        hours=_hours(week["works"], week["weekdays"], noisy=False),
        noisy_hours=_hours(week["noisy"], week["weekdays"], noisy=True),
        kinds=tuple(entry["kinds"]),
        dust_activities=tuple(entry.get("dust", ())),
        indoor=entry.get("indoor", False),
        prepare_it=entry["prepare"]["it"],
        prepare_en=entry["prepare"]["en"],
        notice_it=entry["notice"]["it"],
        notice_en=entry["notice"]["en"],
        text_it=entry["text"]["it"],
        text_en=entry["text"]["en"],
    )


def _load() -> dict[str, ActivityPreset]:
    document = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        code: _preset(code, entry, document["hours"]) for code, entry in document["presets"].items()
    }


PRESETS: dict[str, ActivityPreset] = _load()


def draft_from_preset(
    code: str, *, starts_on: dt.date, ends_on: dt.date, **overrides: Any
) -> RevisionDraft:
    """A draft of a phase with plant, hours and dust of the preset ``code``.

    ``overrides`` are fields of :class:`RevisionDraft` that replace what the preset proposes.
    Raises :class:`Invalid` for an unknown code.
    """
    preset = PRESETS.get(code)
    if preset is None:
        raise Invalid(
            f"There is no activity preset {code!r}; known are {', '.join(sorted(PRESETS))}.",
            {"preset": "unknown"},
        )
    proposed: dict[str, Any] = {
        "preset": code,
        "description": preset.text_it,
        "hours": preset.hours + preset.noisy_hours,
        "plant": preset.plant,
        "dust_activities": preset.dust_activities,
        "indoor": preset.indoor,
    }
    return RevisionDraft(starts_on=starts_on, ends_on=ends_on, **(proposed | overrides))
