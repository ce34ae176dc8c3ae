"""Which works make a flat unfit to sleep in: activities and cuts, from a table with its reasons."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from layers.criteria.tables import table
from layers.errors import DataError


@dataclass(frozen=True, slots=True)
class Unfit:
    """What an activity does to homes.

    ``out`` is *building* where every flat of the buildings worked on must be empty, *flats*
    where only the flats worked in are out of use, each for ``days_each`` days of the phase
    (None: for all of it).
    """

    out: Literal["building", "flats"]
    days_each: int | None
    basis: str


def unfit_by(activity: str | None) -> Unfit | None:
    """What an activity does to homes by its code; None where people stay at home.

    >>> unfit_by("risers").days_each
    2
    """
    row = table("relocation")["activities"].get(activity)
    return None if row is None else Unfit(row["out"], row.get("days_each"), row["basis"])


def night_without(service: str, starts_at: dt.time | None, ends_at: dt.time | None) -> bool:
    """Whether a daily cut of a service leaves people without a toilet all night.

    No window is round the clock; a window that ends before it starts passes midnight.

    >>> night_without("water", dt.time(21), dt.time(7)), night_without("water", None, None)
    (True, True)
    """
    rule = table("relocation")["night_cut"]
    if service not in rule["services"]:
        return False
    if (starts_at is None) != (ends_at is None):
        raise DataError("A daily window of a cut has a start and an end, or neither.")
    if starts_at is None or ends_at is None:
        return True
    return ends_at <= starts_at <= dt.time(rule["from_h"]) and ends_at >= dt.time(rule["until_h"])


def nights_before_moving() -> int:
    """Nights without water from which on people are counted as having to sleep elsewhere."""
    return int(table("relocation")["night_cut"]["nights"])
