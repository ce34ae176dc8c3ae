"""BS 5228-1 Annex E: fixed limits, ABC method, 5 dB change, insulation and rehousing.

A foreign reference, off by default.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeVar

from layers.criteria.periods import checked_hour
from layers.criteria.tables import table
from layers.errors import DataError

T = TypeVar("T")
AbcPeriod = Literal["day", "evening_weekend", "night"]
E4Day = Literal["weekday", "saturday", "sunday"]


def _known(name: str, value: str, rows: dict[str, T]) -> T:
    if value not in rows:
        raise DataError(f"{name} “{value}” is unknown; known are {', '.join(rows)}.")
    return rows[value]


def fixed_limit_dba(area: str) -> float:
    """The fixed limit 07–19 of E.2, LAeq in dB(A): ``rural``, ``suburban`` or ``urban``."""
    return float(_known("Area", area, table("bs5228")["fixed_limits_0700_1900_dba"]))


@dataclass(frozen=True, slots=True)
class AbcThreshold:
    """Category of the receptor and its threshold, LAeq dB(A)."""

    category: str
    threshold_dba: float


def abc_threshold(period: AbcPeriod, ambient_dba: float) -> AbcThreshold:
    """The category and threshold of the ABC method (Table E.1).

    The ambient level is rounded to the nearest 5 dB (halves upwards): below the value of A it
    is category A, equal to it B, above it C.

    >>> abc_threshold("day", 63)
    AbcThreshold(category='B', threshold_dba=70.0)
    """
    values = _known("Period", period, table("bs5228")["abc"])
    rounded_dba = 5.0 * math.floor(ambient_dba / 5.0 + 0.5)
    index = 0 if rounded_dba < values[0] else 1 if rounded_dba == values[0] else 2
    return AbcThreshold("ABC"[index], float(values[index]))


def abc_significant(period: AbcPeriod, ambient_dba: float, site_dba: float) -> bool:
    """Whether the ABC method finds a potential significant effect.

    The site level is above the threshold; where the ambient is above the value of C, the total
    of ambient and site must rise by more than 3 dB instead.
    """
    data = table("bs5228")["abc"]
    if ambient_dba > data[period][2]:
        total_dba = 10.0 * math.log10(10.0 ** (ambient_dba / 10) + 10.0 ** (site_dba / 10))
        return total_dba - ambient_dba > float(data["rise_when_ambient_above_c_db"])
    return site_dba > abc_threshold(period, ambient_dba).threshold_dba


def change_significant(
    part: Literal["day", "evening", "night"], ambient_dba: float, total_dba: float, weeks: float
) -> bool:
    """The 5 dB(A) change method of E.3.3.

    Significant where the total (works included) exceeds the ambient before the works by 5 dB
    or more, is at or above 65/55/45 dB(A) by day, evening and night, and lasts a month or more.
    """
    data = table("bs5228")["change_e33"]
    floor_dba = _known("Part of day", part, data["floors_dba"])
    rises = total_dba - ambient_dba >= float(data["rise_db"])
    lasts = weeks >= float(data["shortest_weeks"])
    return rises and lasts and total_dba >= float(floor_dba)


@dataclass(frozen=True, slots=True)
class E4Result:
    """Trigger level of E.4 and whether insulation or temporary rehousing is triggered."""

    trigger_dba: float
    insulation: bool
    temporary_rehousing: bool


def e4_triggers(
    day: E4Day,
    hour: float,
    facade_dba: float,
    *,
    days_in_15: float,
    days_in_6_months: float,
    ambient_dba: float | None = None,
) -> E4Result:
    """Noise insulation and temporary rehousing of E.4.

    Parameters
    ----------
    day
        ``weekday``, ``saturday`` or ``sunday`` (public holidays too).
    hour
        Local hour, which chooses the period of the table.
    facade_dba
        Predicted or measured façade LAeq over that period, dB(A).
    days_in_15, days_in_6_months
        Days of exceedance in any 15 consecutive days and in any 6 consecutive months.
    ambient_dba
        Existing ambient; where ambient + 5 dB is above the table, it is the trigger.

    Source: BS 5228-1:2009+A1:2014 Annex E.4. The level must exceed the trigger on at least 10
    days of 15 or more than 40 days of 6 months; rehousing needs 10 dB more.
    """
    data = table("bs5228")["e4"]
    clock = checked_hour(hour)
    rows = _known("Day", day, data["triggers_dba"])
    trigger_dba = float(next(level for start, end, level in rows if start <= clock < end))
    if ambient_dba is not None:
        trigger_dba = max(trigger_dba, ambient_dba + data["rise_over_ambient_db"])
    lasts = (
        days_in_15 >= data["days_in_15"] or days_in_6_months > data["more_than_days_in_6_months"]
    )
    over_db = facade_dba - trigger_dba
    return E4Result(
        trigger_dba, lasts and over_db > 0, lasts and over_db > data["rehousing_over_trigger_db"]
    )
