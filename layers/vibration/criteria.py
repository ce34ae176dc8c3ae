"""What a vibration means: for people, for buildings, and how far machines must stay away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import DataError
from layers.vibration.tables import MM_PER_IN, FloatArray, chosen, positive, table


def human_response(ppv_mm_s: ArrayLike) -> NDArray[np.int8]:
    """The class of human response, 0 (not perceptible) to 4 (intolerable).

    Steps 0.14, 0.3, 1.0 and 10 mm/s, each included in the upper class.

    Source: BS 5228-2:2009+A1:2014 Table B.1.
    """
    ppv = np.asarray(ppv_mm_s, dtype=np.float64)
    if np.isnan(ppv).any() or (ppv < 0).any():
        raise DataError("Vibration: PPV must be a number from 0 up, in mm/s.")
    found: NDArray[np.int8] = np.searchsorted(
        table("human_response")["from_mm_s"], ppv, side="right"
    ).astype(np.int8)
    return found


def human_response_words(ppv_mm_s: float) -> str:
    """The band of human response in words, with its range in mm/s.

    >>> human_response_words(0.5)
    '0.3-1.0: might just be perceptible in residential environments'
    """
    data = table("human_response")
    index = int(human_response(ppv_mm_s))
    steps = [f"{v:.2f}".rstrip("0") for v in data["from_mm_s"]]
    steps = [s + "0" if s.endswith(".") else s for s in steps]
    steps[-1] = "10"
    if index == 0:
        span = f"below {steps[0]}"
    elif index == len(steps):
        span = f"above {steps[-1]}"
    else:
        span = f"{steps[index - 1]}-{steps[index]}"
    return f"{span}: {data['words'][index]}"


def din4150_limit_mm_s(
    line: str,
    frequency_hz: ArrayLike | None = None,
    *,
    place: Literal["foundation", "top_floor", "floor_vertical"] = "foundation",
    long_term: bool = False,
) -> FloatArray:
    """Guideline value of DIN 4150-3 (UNI 9916), mm/s.

    Parameters
    ----------
    line
        ``industrial``, ``residential`` or ``sensitive`` (listed).
    frequency_hz
        Dominant frequency, needed at the foundation; linear between 10, 50 and 100 Hz, the
        values at the ends outside 1–100 Hz.
    place
        ``foundation``, ``top_floor`` (horizontal) or ``floor_vertical``.
    long_term
        Long-term (continuous) vibration instead of short-term.

    Raises
    ------
    DataError
        Unknown line or place, frequency missing, or a value the standard does not give.
    """
    data = table("din4150")
    row = data["lines"][chosen("line", line, data["lines"])]
    if place == "foundation" and not long_term:
        if frequency_hz is None:
            raise DataError("DIN 4150-3: the foundation value needs the frequency in Hz.")
        corners = np.array(row["foundation"], dtype=np.float64)
        found: FloatArray = np.interp(
            positive("frequency", frequency_hz), corners[:, 0], corners[:, 1]
        )
        return found
    if place == "top_floor":
        return np.asarray(float(row["long_term" if long_term else "top_floor"]))
    if place == "floor_vertical" and "floor_vertical" in row:
        value = data["floor_vertical_long_term"] if long_term else row["floor_vertical"]
        return np.asarray(float(value))
    raise DataError(
        f"DIN 4150-3 gives no {'long-term' if long_term else 'short-term'} value for "
        f"{line}, {place}; long-term values are read at the top floor."
    )


def din4150_pipe_limit_mm_s(material: str) -> float:
    """Guideline value for buried pipes by material, short-term, mm/s (DIN 4150-3 Table 3)."""
    rows = table("din4150")["pipes"]
    return float(rows[chosen("pipe material", material, rows)])


def bs7385_limit_mm_s(
    frequency_hz: ArrayLike, *, reinforced: bool = False, continuous: bool = False
) -> FloatArray:
    """Threshold of cosmetic damage of BS 7385-2, mm/s.

    Unreinforced or light-framed: 15 at 4 Hz rising to 20 at 15 Hz and 50 from 40 Hz on;
    reinforced or framed: 50. Continuous vibration halves it.
    """
    data = table("bs7385")
    corners = np.array(data["unreinforced_hz_mm_s"], dtype=np.float64)
    frequency = positive("frequency", frequency_hz)
    found: FloatArray = (
        np.full(frequency.shape, float(data["reinforced_mm_s"]))
        if reinforced
        else np.interp(frequency, corners[:, 0], corners[:, 1])
    )
    return found * float(data["continuous_factor"]) if continuous else found


def bs5228_cosmetic_limit_mm_s(building: str, *, continuous: bool = False) -> float:
    """Screening value of BS 5228-2 for ``residential`` or ``heavy`` buildings, mm/s."""
    rows = table("bs5228_screening")["mm_s"]
    row = rows[chosen("building", building, rows)]
    return float(row["continuous" if continuous else "intermittent"])


def fta_damage_limit_mm_s(category: str) -> float:
    """Damage criterion of the FTA by building category I–IV, mm/s."""
    rows = table("fta")["damage_in_s"]
    return float(rows[chosen("building category", category, rows)][0]) * MM_PER_IN


def fta_annoyance_limit_vdb(
    use: str, events: Literal["frequent", "occasional", "infrequent"] = "frequent"
) -> float:
    """Annoyance criterion of the FTA, VdB, by use and number of events."""
    rows = table("fta")["annoyance_vdb"]
    order = ("frequent", "occasional", "infrequent")
    index = order.index(chosen("events", events, order))
    return float(rows[chosen("use", use, rows)][index])


def caltrans_damage_limit_mm_s(structure: str, *, continuous: bool = False) -> float:
    """Potential damage threshold of Caltrans by structure, mm/s."""
    rows = table("caltrans")["damage_in_s"]
    return float(rows[chosen("structure", structure, rows)][int(continuous)]) * MM_PER_IN


def caltrans_annoyance(ppv_mm_s: float, *, continuous: bool = False) -> str:
    """The highest annoyance class of Caltrans reached by a PPV, or ``imperceptible``."""
    rows = table("caltrans")["annoyance_in_s"]
    reached = [n for n, row in rows.items() if ppv_mm_s >= row[int(continuous)] * MM_PER_IN]
    return reached[-1] if reached else "imperceptible"


def uni9614_limit_mm_s2(
    use: str, part: Literal["day", "night"] = "day", *, holiday: bool = False
) -> float:
    """Limit of the maximum weighted acceleration of UNI 9614:2017, mm/s².

    It cannot be compared with a PPV without a spectrum (see ``acceleration_mm_s2``).
    """
    rows = table("uni9614")["mm_s2"]
    row = rows[chosen("use", use, rows)]
    chosen("part of day", part, ("day", "night"))
    return float(row["holiday" if holiday and part == "day" else part])


@dataclass(frozen=True, slots=True)
class WorkingDistance:
    """Least working distances of a machine, m; None where the source gives none."""

    plant: str
    cosmetic_m: float
    heritage_m: float | None
    human_response_m: tuple[float, float] | None


def _plain(text: str) -> str:
    """A machine's name with signs and units in one spelling, for the word search."""
    text = text.lower().replace("≤", "<=").replace("–", "-").replace("_", " ")
    text = re.sub(r"\b(under|less than)\s*(?=\d)", "<", text)
    text = re.sub(r"\b(over|more than)\s*(?=\d)", ">", text)
    return re.sub(r"([<>])\s+", r"\1", text)


def working_distance(plant: str) -> WorkingDistance:
    """Minimum working distances by machine and size, e.g. ``vibratory roller <50 kN``.

    Source: TfNSW EMF-NV-TT-0067. Cosmetic damage of light frames (BS 7385), heritage
    (DIN 4150) and human response.

    Raises
    ------
    DataError
        No row, or more than one size, fits the name.
    """
    rows = table("working_distances")["plant"]
    if plant in rows:
        key = plant
    else:
        tokens = re.findall(r"[<>]?=?\d+(?:-\d+)?|[a-z]+", _plain(plant))
        fits = [
            k for k, row in rows.items()
            if any(
                all(w in tokens for w in re.findall(r"[<>]?\d+(?:-\d+)?|[a-z]+", words))
                for words in row["words"]
            )
        ]  # fmt: skip
        if "vibratory_roller_over_18t" in fits:
            fits = [k for k in fits if k != "vibratory_roller_over_300kn"]
        if len(fits) != 1:
            raise DataError(
                f"Working distance of “{plant}”: {'no row fits' if not fits else 'say the size'}; "
                f"known are {', '.join(rows)}."
            )
        key = fits[0]
    row = rows[key]
    human = row.get("human")
    return WorkingDistance(
        key, float(row["cosmetic"]), row.get("heritage"), tuple(human) if human else None
    )
