"""Italian national noise limits: acoustic classes, zones without zoning, the differential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from layers.criteria.periods import PartOfDay, part_of_day
from layers.criteria.tables import table
from layers.errors import DataError

LimitKind = Literal["emission", "immission", "quality", "attention_1h", "attention"]

_ARABIC = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V", "6": "VI"}


def acoustic_class(value: str | int) -> str:
    """A class I–VI as written in the tables; Arabic figures and lower case are understood.

    Raises
    ------
    DataError
        The class does not exist.
    """
    text = str(value).strip().upper()
    text = _ARABIC.get(text, text)
    if text not in table("italy")["dpcm_1997"]["classes"]:
        raise DataError(f"Acoustic class “{value}” does not exist; classes run from I to VI.")
    return text


def _column(part: PartOfDay) -> int:
    return 1 if part == "night" else 0


def class_limit_dba(klass: str | int, part: PartOfDay, kind: LimitKind = "immission") -> float:
    """The limit of an acoustic class.

    Parameters
    ----------
    klass
        Acoustic class I–VI of the municipal zoning.
    part
        Part of the day; the evening counts as day.
    kind
        ``emission``, ``immission``, ``quality``; ``attention_1h`` (immission + 10 by day and
        + 5 by night, over one hour) or ``attention`` (over the whole period: the immission
        limit).

    Returns
    -------
    LAeq, dB(A).

    Source: DPCM 14/11/1997 tables A–D and article 6. In works permitted in derogation
    (L. 447/1995 art. 6(1)(h)) the permit's limits take the place of these.

    >>> class_limit_dba("III", "night")
    50.0
    """
    data = table("italy")["dpcm_1997"]
    row = data["classes"][acoustic_class(klass)]
    column = _column(part)
    if kind == "attention":
        return float(row["immission"][column])
    if kind == "attention_1h":
        return float(row["immission"][column] + data["attention_over_immission_1h_db"][column])
    if kind not in ("emission", "immission", "quality"):
        raise DataError(
            f"Kind of limit “{kind}” is unknown; known are emission, immission, quality, "
            "attention and attention_1h."
        )
    return float(row[kind][column])


def zone_limit_dba(zone: str, part: PartOfDay) -> float:
    """The limit where the municipality has no acoustic zoning, LAeq in dB(A).

    ``zone`` is ``national``, ``A``, ``B`` or ``industrial``.

    Source: DPCM 1/3/1991 article 6.
    """
    zones: dict[str, Any] = table("italy")["dpcm_1991"]["zones"]
    if zone not in zones:
        raise DataError(f"Zone “{zone}” is unknown; known are {', '.join(zones)}.")
    return float(zones[zone]["limit"][_column(part)])


def limit_at_hour_dba(klass: str | int, hour: float, kind: LimitKind = "immission") -> float:
    """The limit of a class at an hour of the local clock, LAeq in dB(A)."""
    return class_limit_dba(klass, part_of_day(hour), kind)


@dataclass(frozen=True, slots=True)
class Differential:
    """Whether the differential criterion applies, its difference and whether it is exceeded."""

    applicable: bool
    difference_db: float
    limit_db: float
    exceeded: bool
    reason: str


def differential(
    ambient_open_dba: float | None,
    residual_open_dba: float | None,
    part: PartOfDay,
    *,
    klass: str | int | None = None,
    ambient_closed_dba: float | None = None,
    residual_closed_dba: float | None = None,
    excluded_source: bool = False,
) -> Differential:
    """Judge the differential criterion inside a dwelling.

    Ambient minus residual level is compared with 5 dB by day and 3 dB by night. The criterion
    does not apply in class VI, to sources the decree leaves out (roads, railways, airports …),
    and where the effect is negligible: ambient below 50 day / 40 night with open windows and
    below 35 / 25 with closed ones. Where only one state of the windows is known, that state
    decides.

    Parameters
    ----------
    ambient_open_dba, residual_open_dba, ambient_closed_dba, residual_closed_dba
        Levels inside, dB(A), with and without the source.
    part
        Part of the day.
    klass
        Acoustic class, None where unknown.
    excluded_source
        True for sources to which the decree does not apply it.

    Raises
    ------
    DataError
        No pair of ambient and residual level is complete.

    Source: DPCM 14/11/1997 article 4. Municipal rules for sites usually set it aside.

    >>> differential(56, 50, "day", klass="III").exceeded
    True
    """
    data = table("italy")["differential"]
    column = _column(part)
    limit_db = float(data["limit_db"][column])
    states = {
        "open": (ambient_open_dba, residual_open_dba),
        "closed": (ambient_closed_dba, residual_closed_dba),
    }
    known = {k: (a, r) for k, (a, r) in states.items() if a is not None and r is not None}
    if not known:
        raise DataError(
            "Differential criterion: ambient and residual level are both needed, with open or "
            "with closed windows."
        )
    difference_db = max(float(a) - float(r) for a, r in known.values())
    negligible = all(
        a < data["negligible_below_dba"][state][column] for state, (a, _) in known.items()
    )
    reason = ""
    if excluded_source:
        reason = "the decree leaves this kind of source out"
    elif klass is not None and acoustic_class(klass) in data["not_in_classes"]:
        reason = "not applied in class VI"
    elif negligible:
        reason = "the effect is negligible at this ambient level"
    applicable = not reason
    return Differential(
        applicable, difference_db, limit_db, applicable and difference_db > limit_db, reason
    )
