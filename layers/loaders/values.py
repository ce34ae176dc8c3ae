"""Reading single values as people write them: numbers, whole numbers, yes and no, days."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from typing import Any

from layers.errors import Sentence

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", re.IGNORECASE)
_FEET = re.compile(
    r"^\s*(\d+(?:\.\d+)?)\s*(?:'|ft\b|feet\b)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|in\b))?\s*$"
)
_YES = {"yes", "y", "true", "t", "1", "si", "sì", "s", "vero", "v", "x", "presente", "designated"}
_NO = {"no", "n", "false", "f", "0", "falso", "assente", "none"}
_DAY_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d")
METRES_PER_FOOT = 0.3048


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN or blank text."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, str):
        return not value.strip()
    return type(value).__name__ == "NaTType"


def clean_text(value: Any) -> tuple[str, bool]:
    """One line of text without control characters, and whether such characters were removed.

    Whole numbers that a spreadsheet keeps as 12.0 become "12". Markup stays as it is: it is
    made harmless where it is shown, not where it is stored.
    """
    if is_missing(value):
        return "", False
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", errors="replace")
    text = str(value)
    cleaned = _CONTROL.sub("", text)
    return unicodedata.normalize("NFC", _SPACES.sub(" ", cleaned)).strip(), cleaned != text


def parse_number(value: Any) -> float:
    """The number in a cell: "12,5", "12.5 m", "1.234,5", "~9", "3.5;4" (the largest), "40'".

    A single point is a decimal sign. Feet become metres. Raises ValueError when the cell holds
    no number or more than a number with its unit.
    """
    if isinstance(value, bool):
        raise ValueError(Sentence("yes/no where a number belongs"))
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError(Sentence("not a finite number"))
        return float(value)
    text = str(value).strip()
    feet = _FEET.match(text)
    if feet:
        return (float(feet.group(1)) + float(feet.group(2) or 0) / 12) * METRES_PER_FOOT
    parts = [part for part in re.split(r"[;|]|(?<=\d)\s*[-–/]\s*(?=\d)", text) if part.strip()]
    numbers = [_single_number(part) for part in parts]
    if not numbers:
        raise ValueError(Sentence("%(text)r is not a number", text=text[:40]))
    return max(numbers)


def _single_number(text: str) -> float:
    match = _NUMBER.search(text)
    if match is None:
        raise ValueError(Sentence("%(text)r is not a number", text=text.strip()[:40]))
    rest = (text[: match.start()] + text[match.end() :]).strip(" ~≈^+").lower()
    if rest not in {
        "",
        "m",
        "mt",
        "ml",
        "mq",
        "m2",
        "m²",
        "cm",
        "%",
        "piani",
        "p",
        "fl",
        "ca",
        "c.a",
    }:
        raise ValueError(Sentence("%(text)r is not a number", text=text.strip()[:40]))
    digits = match.group()
    if "," in digits and "." in digits:
        thousands = "." if digits.rfind(",") > digits.rfind(".") else ","
        digits = digits.replace(thousands, "")
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    number = float(digits.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(Sentence("not a finite number"))
    return number


def parse_whole(value: Any) -> int:
    """The whole number in a cell. Raises ValueError when there is none."""
    number = parse_number(value)
    if not float(number).is_integer():
        raise ValueError(Sentence("%(number)s is not a whole number", number=f"{number:g}"))
    return int(number)


def parse_yes_no(value: Any) -> bool:
    """Yes or no in Italian or English. Raises ValueError for anything else."""
    if isinstance(value, bool):
        return value
    word = clean_text(value)[0].lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(Sentence("%(word)r is neither yes nor no", word=word[:40]))


def parse_day(value: Any) -> dt.date:
    """The day in a cell: 2026-03-01, 01/03/2026 (day first), 1.3.2026, or a spreadsheet date.

    Raises ValueError for a day that does not exist (31 April) and for years outside 1900-2100.
    """
    if isinstance(value, dt.datetime):
        day = value.date()
    elif isinstance(value, dt.date):
        day = value
    else:
        text = clean_text(value)[0]
        short = re.split(r"[T ]", text)[0]
        for form in _DAY_FORMS:
            try:
                day = dt.datetime.strptime(short, form).date()  # noqa: DTZ007 (a day has no zone)
                break
            except ValueError:
                continue
        else:
            raise ValueError(
                Sentence(
                    "%(text)r is not a day that exists; write it as 2026-03-01 or 01/03/2026",
                    text=text[:40],
                )
            )
    if not 1900 <= day.year <= 2100:
        raise ValueError(Sentence("the year %(year)s is not between 1900 and 2100", year=day.year))
    return day


def parse_clock(value: Any) -> dt.time:
    """The time of day in a cell: 7:30, 07.30, 7, or a spreadsheet time. Raises ValueError."""
    if isinstance(value, dt.datetime):
        return value.time().replace(second=0, microsecond=0)
    if isinstance(value, dt.time):
        return value.replace(second=0, microsecond=0)
    match = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2})?", clean_text(value)[0])
    if match is None or int(match.group(1)) > 24 or int(match.group(2) or 0) > 59:
        raise ValueError(
            Sentence("%(text)r is not a time; write it as 7:30", text=clean_text(value)[0][:40])
        )
    hour = int(match.group(1)) % 24
    return dt.time(hour, int(match.group(2) or 0))


def parse_list(value: Any) -> list[str]:
    """The words of a cell such as "N,E" or "N; E", or of a list; without empty ones."""
    if is_missing(value) if not isinstance(value, list | tuple) else False:
        return []
    if isinstance(value, list | tuple):
        return [clean_text(item)[0] for item in value if not is_missing(item)]
    return [word for word in re.split(r"[\s,;|/]+", clean_text(value)[0]) if word]
