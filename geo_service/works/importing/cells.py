"""Cells of a table of phases that say more than one thing: working hours, cuts of services."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from layers.errors import Sentence
from layers.loaders import values
from layers.sites import SERVICES

_DAYS = {
    "lun": 0, "mar": 1, "mer": 2, "gio": 3, "ven": 4, "sab": 5, "dom": 6,
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip
_ALL_DAYS = ("tutti i giorni", "ogni giorno", "every day", "daily")
_CLOCK = r"\d{1,2}(?:[:.h]\d{2})?"
_HOURS_PART = re.compile(
    rf"\s*(?:(?P<first>{_CLOCK})\s*[-–]\s*(?P<last>{_CLOCK})"
    r"|(?P<from>[a-zà-ù]{3,10})\.?(?:\s*[-–]\s*(?P<to>[a-zà-ù]{3,10})\.?)?)\s*(?:[,;/&+]|\be\b|\band\b)?"
)
_SERVICES = {
    "acqua": "water", "acqua calda": "hot_water", "luce": "power", "elettricità": "power",
    "corrente": "power", "riscaldamento": "heating", "ascensore": "lift", "internet": "data",
    "telefono": "data", "dati": "data",
}  # fmt: skip
_DAY = r"\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{4}"
_CUT = re.compile(
    rf"(?P<service>[a-zà-ù_ ]+?)\s+(?:dal\s+|from\s+)?(?P<first>{_DAY})"
    rf"(?:\s*(?:\.\.|[-–]|\bal\b|\bto\b)\s*(?P<last>{_DAY}))?"
    rf"(?:\s+(?:dalle\s+)?(?P<starts>{_CLOCK})\s*(?:[-–]|\balle\b)\s*(?P<ends>{_CLOCK}))?"
    r"(?:\s+(?:scal[ae]|stairwells?)\s+(?P<stairwells>.+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ToldCut:
    """A cut as a cell tells it; ``stairwells`` are labels or BUILDING/LABEL, none means all."""

    service: str
    first: dt.date
    last: dt.date
    starts_at: dt.time | None
    ends_at: dt.time | None
    stairwells: tuple[str, ...]


def parse_hours(value: Any) -> list[tuple[int, dt.time, dt.time]]:
    """Working hours of a cell such as "lun-ven 7:30-12, 13-17:30; sab 8-12".

    Returns (weekday from 0 = Monday, start, end) in local wall time. Raises ValueError.

    >>> [(day, str(start)) for day, start, _ in parse_hours("lun, mer 7.30-17")]
    [(0, '07:30:00'), (2, '07:30:00')]
    """
    told = values.clean_text(value)[0]
    fault = Sentence(
        "%(text)r are no working hours; write them as lun-ven 7:30-17:30", text=told[:60]
    )
    text = told.lower()
    for words in _ALL_DAYS:
        text = text.replace(words, "lun-dom")
    found: list[tuple[int, dt.time, dt.time]] = []
    days: list[int] = []
    timed, place = False, 0
    while place < len(text.rstrip()):
        part = _HOURS_PART.match(text, place)
        if part is None or part.end() == place:
            raise ValueError(fault)
        place = part.end()
        if part["first"] is None:
            days = [] if timed else days
            timed = False
            days += _weekdays(part["from"], part["to"], fault)
            continue
        if not days:
            raise ValueError(fault)
        timed = True
        first, last = values.parse_clock(part["first"]), values.parse_clock(part["last"])
        if first == last:
            raise ValueError(fault)
        found += [(day, first, last) for day in days]
    if not found or not timed:
        raise ValueError(fault)
    return sorted(set(found))


def _weekdays(first: str, last: str | None, fault: Sentence) -> list[int]:
    start, end = _DAYS.get(first[:3]), _DAYS.get((last or first)[:3])
    if start is None or end is None or end < start:
        raise ValueError(fault)
    return list(range(start, end + 1))


def parse_cuts(value: Any) -> list[ToldCut]:
    """Cuts of a cell, one after the other with ";".

    Each is a service, a day or a period (last day included), and optionally a daily window and
    the stairwells: "acqua 2026-03-02..2026-03-06 8:30-12:30 scala A, B". Raises ValueError.
    """
    cuts = []
    for part in values.clean_text(value)[0].split(";"):
        if not part.strip():
            continue
        match = _CUT.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                Sentence(
                    "%(text)r is no cut of a service; write it as acqua 2026-03-02..2026-03-06 "
                    "8:30-12:30 scala A",
                    text=part.strip()[:80],
                )
            )
        word = " ".join(match["service"].lower().split())
        service = _SERVICES.get(word, word.replace(" ", "_"))
        if service not in SERVICES:
            raise ValueError(
                Sentence(
                    "%(told)r is no service; one of %(names)s", told=word, names=", ".join(SERVICES)
                )
            )
        first = values.parse_day(match["first"])
        clocks = [match["starts"] and values.parse_clock(match[n]) for n in ("starts", "ends")]
        labels = re.split(r"\s*(?:,|\be\b|\band\b)\s*", match["stairwells"] or "")
        cuts.append(
            ToldCut(
                service, first, values.parse_day(match["last"]) if match["last"] else first,
                clocks[0] or None, clocks[1] or None, tuple(name for name in labels if name),
            )
        )  # fmt: skip
    return cuts
