"""The method sheet of the noise of a phase: parameters, and what was not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from layers.criteria.periods import PartOfDay
from layers.impacts.background import Reference
from layers.impacts.flat_levels import FlatLevels
from layers.impacts.noise_limits import LimitSpan
from layers.impacts.noise_sources import SiteLevels, SiteSources
from layers.impacts.parameters import Parameters
from layers.impacts.result import method_sheet
from layers.impacts.working_hours import PartHours


def noise_sheet(
    result: SiteLevels,
    site: SiteSources,
    clock: PartHours,
    offsets: dict[PartOfDay, float],
    parameters: Parameters,
    missing: list[str],
    limits: Mapping[PartOfDay, Sequence[LimitSpan]],
    references: Mapping[PartOfDay, Reference],
) -> dict[str, Any]:
    """The sheet of a result, with the limit of each day and what buildings are judged against."""
    told = result.method
    spans = [span for part in limits.values() for span in part]
    sources = {"permit" if span.permitted else "municipality" for span in spans}
    return method_sheet(
        str(told["method"]),
        edition=str(told["edition"]),
        margin="±3 dB",
        missing=missing,
        propagation=told["parameters"],
        convention="1 m off the façade, +3 dB for the own façade, which itself never reflects",
        quantity="LAeq of the part of day on the longest working day",
        hours={part: [round(float(h), 2) for h in clock.by_weekday[part]] for part in offsets},
        from_working_level_db={part: round(offset, 2) for part, offset in offsets.items()},
        facade_limit_dba=min(span.limit_dba for span in spans),
        limit_from=" and ".join(sorted(sources)),
        limits={part: [span.told() for span in of_part] for part, of_part in limits.items()},
        municipality=parameters.rule.title,
        background_dba=dict(parameters.background_dba),
        judged_against={part: dict(found.counts) for part, found in references.items()},
        bands=parameters.bands.version,
        reach_m=parameters.reach_m,
        spacing_m=_told(parameters.receivers.spacing_m),
        plant=list(site.sheet),
        paths=result.paths,
    )


def flat_notes(who: pd.DataFrame, flats: FlatLevels) -> list[str]:
    """Sentences on flats, sides and floors that are not known."""
    single = who["flat_id"].to_numpy() > 0
    notes = []
    if (~single).any():
        notes.append(f"Flats not known in {(~single).sum()} buildings: one level a building.")
    sides = int((single & ~flats.sides_known).sum())
    if sides:
        notes.append(f"Sides not known for {sides} flats: the loudest side of their stairwell.")
    floors = int((single & ~flats.floor_known & who["storey"].isna().to_numpy()).sum())
    if floors:
        notes.append(f"Floor not known for {floors} flats: the loudest floor.")
    return notes


def reference_note(references: Mapping[PartOfDay, Reference]) -> list[str]:
    """A sentence where neither background nor class of a building is known."""
    unknown = max(reference.counts["unknown"] for reference in references.values())
    return (
        [f"Background and class not known for {unknown} buildings: class III is used."]
        if unknown
        else []
    )


def _told(spacing_m: float) -> float | str:
    """A spacing as JSON can hold it."""
    return spacing_m if np.isfinite(spacing_m) else "one a side, storey and stairwell"
