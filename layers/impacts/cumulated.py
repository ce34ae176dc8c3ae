"""Noise of all phases together (*rumore cumulato*): energy added receiver by receiver.

A cumulated level is the maximum over a building's receivers of the energy sum over phases,
never a sum of the phases' maxima: two sites on two sides do not add up at one window.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from layers.criteria import band_noise
from layers.impacts.background import reference_levels
from layers.impacts.parameters import parameters_from
from layers.impacts.sql import frame as read
from layers.impacts.sql import rows

COLUMNS = (
    "day", "part_of_day", "building_id", "level_dba", "band", "phases", "loudest_phase_id",
    "alone_dba", "upper_estimate",
)  # fmt: skip


@dataclass(frozen=True)
class _Stored:
    """Levels of one phase at one building in one part of day."""

    phase_id: int
    building_id: int
    part: str
    key: str
    level_dba: npt.NDArray[np.float64]
    first: dt.date
    after: dt.date
    hours: tuple[float, ...]
    # First and last day, limit at the façade.
    limits: tuple[tuple[dt.date, dt.date, float], ...] = ()

    def limit_dba(self, day: dt.date, municipal_dba: float) -> float:
        """The limit at the façade that holds for the phase on a day: a permit's may."""
        return next((limit for first, last, limit in self.limits if first <= day <= last),
                    municipal_dba)  # fmt: skip


def cumulated_noise(
    connection: Connection,
    quarter_id: int,
    day: dt.date,
    until: dt.date | None = None,
    *,
    skip: Collection[dt.date] = (),
) -> pd.DataFrame:
    """Level at each building of all phases active on a day, per part of day.

    Assumes the hours of each phase on that weekday; levels of the phases stand in the runs in
    force. Where the receivers of a building were laid out differently for two phases (a
    neighbour was taken down in between), the maxima of the layouts are added: an upper
    estimate, marked so.

    The limit of a day is the lowest of those that hold for the phases heard: a permit in
    derogation counts on its days, and only where every phase heard has one.

    :param until: last day of a period, inclusive; None is the one day.
    :param skip: days without works (public holidays).
    :returns: day, part_of_day, building_id, level_dba (LAeq of the part of day, highest
        receiver), band (against background or class), phases (how many are heard),
        loudest_phase_id, alone_dba (the loudest phase by itself), upper_estimate.
    """
    last = until or day
    stored, settings = _load(connection, quarter_id, day, last)
    buildings = _buildings(connection, {s.building_id for s in stored})
    municipal_dba = parameters_from(settings).rule.facade_limit_dba
    found: list[tuple[Any, ...]] = []
    for k in range((last - day).days + 1):
        today = day + dt.timedelta(days=k)
        if today in skip:
            continue
        active = [s for s in stored if s.first <= today < s.after and s.hours[today.weekday()] > 0]
        for (part, building), group in _grouped(active).items():
            limit_dba = min(s.limit_dba(today, municipal_dba) for s in group)
            together = _together(group, today.weekday())
            found.append((today, part, building, *together, limit_dba))
    frame = pd.DataFrame(
        found,
        columns=[
            "day", "part_of_day", "building_id", "level_dba", "phases", "loudest_phase_id",
            "alone_dba", "upper_estimate", "limit_dba",
        ],
    )  # fmt: skip
    frame["band"] = _bands(frame, buildings, settings)
    return frame[list(COLUMNS)].sort_values(
        ["day", "building_id", "part_of_day"], ignore_index=True
    )


def _load(
    connection: Connection, quarter_id: int, first: dt.date, last: dt.date
) -> tuple[list[_Stored], dict[str, Any]]:
    settings = rows(connection, "select settings from quarter where id = %(id)s", id=quarter_id)
    found = rows(
        connection,
        """select v.phase_id, n.building_id, n.part_of_day, n.receiver_key, n.level_dba,
                lower(p.period), upper(p.period),
                r.methods #> array['noise','parameters','hours',n.part_of_day],
                r.methods #> array['noise','parameters','limits',n.part_of_day]
            from revision_in_force v join phase_revision p on p.id = v.revision_id
            join impact_run r on r.revision_id = v.revision_id and r.in_force
            join noise_levels n on n.run_id = r.id
            where v.quarter_id = %(quarter)s
                and p.period && daterange(%(start)s::date, %(end)s::date, '[]')
            order by v.phase_id, n.building_id, n.part_of_day""",
        quarter=quarter_id,
        start=first,
        end=last,
    )
    stored = [
        _Stored(
            p,
            b,
            part,
            key,
            np.asarray(level, dtype=float),
            start,
            after,
            tuple(hours),
            _limits(limits),
        )
        for p, b, part, key, level, start, after, hours, limits in found
    ]
    return stored, settings[0][0] if settings else {}


def _limits(told: Any) -> tuple[tuple[dt.date, dt.date, float], ...]:
    """Limits by day from a method sheet; a run without them has those of the municipality."""
    day = dt.date.fromisoformat
    return tuple((day(t["from"]), day(t["to"]), float(t["limit_dba"])) for t in told or ())


def _buildings(connection: Connection, ids: set[int]) -> pd.DataFrame:
    return read(
        connection,
        """select id, acoustic_class, background_day_dba, background_evening_dba,
                background_night_dba from building where id = any(%(ids)s::bigint[])""",
        ("building_id", "acoustic_class", "background_day_dba", "background_evening_dba",
         "background_night_dba"),
        ids=sorted(ids),
    )  # fmt: skip


def _grouped(active: list[_Stored]) -> dict[tuple[str, int], list[_Stored]]:
    groups: dict[tuple[str, int], list[_Stored]] = {}
    for stored in active:
        groups.setdefault((stored.part, stored.building_id), []).append(stored)
    return groups


def _together(group: list[_Stored], weekday: int) -> tuple[float, int, int, float, bool]:
    """Level, number of phases, loudest phase, its level alone, whether an upper estimate."""
    by_layout: dict[str, npt.NDArray[np.float64]] = {}
    alone: list[tuple[float, int]] = []
    for s in group:
        # Stored is the longest day of the week: a shorter one has less energy.
        level = s.level_dba + 10.0 * np.log10(s.hours[weekday] / max(s.hours))
        energy = 10.0 ** (0.1 * level)
        by_layout[s.key] = by_layout.get(s.key, np.zeros(len(energy))) + energy
        alone.append((float(level.max()), s.phase_id))
    total = sum(float(energy.max()) for energy in by_layout.values())
    loudest = max(alone)
    return (
        round(10.0 * float(np.log10(total)), 1),
        len({s.phase_id for s in group}),
        loudest[1],
        round(loudest[0], 1),
        len(by_layout) > 1,
    )


def _bands(
    frame: pd.DataFrame, buildings: pd.DataFrame, settings: dict[str, Any]
) -> npt.NDArray[np.int64]:
    parameters = parameters_from(settings)
    bands = np.zeros(len(frame), dtype=np.int64)
    for part in frame["part_of_day"].unique():
        here = (frame["part_of_day"] == part).to_numpy()
        reference = reference_levels(
            buildings, frame.loc[here, "building_id"].to_numpy(), part,
            parameters.background_dba.get(part),
        )  # fmt: skip
        bands[here] = band_noise(
            frame.loc[here, "level_dba"].to_numpy(dtype=float),
            reference.background_dba,
            frame.loc[here, "limit_dba"].to_numpy(dtype=float), part,
            class_limit_dba=reference.class_limit_dba, bands=parameters.bands,
        )  # fmt: skip
    return bands
