"""Lead times (*preavvisi*): how long before an interruption or a closure people are told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from layers.criteria.tables import table
from layers.errors import DataError


@dataclass(frozen=True, slots=True)
class LeadTime:
    """The notice one service asks for; exactly one of the three lengths is set.

    ``who`` gives the notice: distributor, contractor or owner. ``longest_hours`` is the longest
    interruption the rule allows, None where it says nothing.
    """

    service: str
    notice_working_days: int | None
    notice_hours: float | None
    notice_days: int | None
    longest_hours: float | None
    who: str
    source: str
    confidence: str


@cache
def _names() -> dict[str, str]:
    rows: dict[str, dict[str, Any]] = table("notices")["services"]
    return {name.casefold(): key for key, row in rows.items() for name in (key, *row["names"])}


def lead_time(
    service: str, *, after_fault: bool = False, municipality: str | None = None
) -> LeadTime:
    """The lead time of a service named in English or Italian.

    ``after_fault``: a repair after a fault or in an emergency, where the rule has a shorter
    notice. ``municipality``: its own longer notice where the table knows one.

    Raises
    ------
    DataError
        The service is unknown.

    >>> lead_time("acqua").notice_hours
    48.0
    """
    key = _names().get(service.strip().casefold())
    if key is None:
        raise DataError(
            f"No lead time is known for “{service}”; known are "
            f"{', '.join(table('notices')['services'])}."
        )
    row: dict[str, Any] = table("notices")["services"][key]
    working_days, hours, days = (
        row.get(f"notice_{unit}") for unit in ("working_days", "hours", "days")
    )
    if after_fault and "after_fault_hours" in row:
        working_days, hours, days = None, row["after_fault_hours"], None
    local = row.get("by_municipality", {}).get((municipality or "").strip().casefold())
    if local is not None:
        hours, days = (local, None) if hours is not None else (None, local)
    return LeadTime(
        key, working_days, None if hours is None else float(hours), days,
        row.get("longest_hours"), row["who"], row["source"], row["confidence"],
    )  # fmt: skip


def notice_is_enough(
    rule: LeadTime,
    *,
    working_days: float | None = None,
    hours: float | None = None,
    days: float | None = None,
    duration_hours: float | None = None,
) -> bool:
    """Whether a notice given so long before meets the rule.

    The notice must come in the unit of the rule, or in working days or days where the rule
    counts hours (each then stands for at least 24 h). A duration longer than the rule allows
    fails it.

    Raises
    ------
    DataError
        The notice is negative, or given in a unit that cannot be compared with the rule.
    """
    if any(v is not None and v < 0 for v in (working_days, hours, days, duration_hours)):
        raise DataError("A notice or a duration cannot be negative.")
    if rule.longest_hours is not None and (duration_hours or 0) > rule.longest_hours:
        return False
    if rule.notice_working_days is not None and working_days is not None:
        return working_days >= rule.notice_working_days
    if rule.notice_days is not None and days is not None:
        return days >= rule.notice_days
    if rule.notice_hours is not None:
        given = hours if hours is not None else max(
            (24.0 * v for v in (working_days, days) if v is not None), default=None
        )  # fmt: skip
        if given is not None:
            return given >= rule.notice_hours
    unit = "working days" if rule.notice_working_days is not None else (
        "days" if rule.notice_days is not None else "hours"
    )  # fmt: skip
    raise DataError(f"{rule.service}: the rule counts {unit}; give the notice in {unit}.")
