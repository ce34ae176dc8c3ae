"""Simple formulas for screening and cross-checks: BS 5228-1 Annex F, FTA and FHWA RCNM.

One machine, one distance, no octave bands. The levels that residents are shown come from
:mod:`layers.noise.iso9613`; these serve to check them and where only a level at a distance is
known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from layers.errors import DataError
from layers.noise.bands import energy_sum_db
from layers.noise.emission import POWER_FROM_LEVEL_AT_10_M_DB

Surface = Literal["hard", "soft"]
Screening = Literal["none", "partial", "full"]

#: BS 5228-1 Annex F: top of the plant just visible over the screen, and fully hidden.
BS5228_SCREENING_DB: dict[str, float] = {"none": 0.0, "partial": 5.0, "full": 10.0}
FACADE_DB = 3.0
FTA_REFERENCE_FT = 50.0
SOFT_GROUND_FROM_M = 25.0


def bs5228_level_dba(
    *,
    distance_m: float,
    lwa_dba: float | None = None,
    laeq_10m_dba: float | None = None,
    surface: Surface = "hard",
    screening: Screening = "none",
    facade: bool = False,
    on_time_fraction: float = 1.0,
) -> float:
    """Level of one machine by BS 5228-1 Annex F.

    :param distance_m: plan distance in metres, more than 0.
    :param lwa_dba: A-weighted sound power, or instead
    :param laeq_10m_dba: the activity level at 10 m.
    :param surface: ``"soft"`` for grassland and the like; counts from 25 m on.
    :param screening: ``"partial"`` top of the plant just visible over the screen, ``"full"``
        hidden.
    :param facade: level 1 m in front of a façade (+3 dB).
    :param on_time_fraction: share of the period in which the machine works.
    :returns: LAeq of the period in dB(A).
    :raises DataError: both or neither of the two levels, or a distance or share out of range.
    """
    if (lwa_dba is None) == (laeq_10m_dba is None):
        raise DataError("Give either the sound power or the level at 10 m, not both.")
    _check_distance(distance_m)
    if not 0.0 < on_time_fraction <= 1.0:
        raise DataError(f"On-time {on_time_fraction}: give a share above 0 up to 1.")
    if screening not in BS5228_SCREENING_DB:
        raise DataError(f"Screening {screening!r}: give none, partial or full.")
    power = lwa_dba if lwa_dba is not None else (laeq_10m_dba or 0.0) + POWER_FROM_LEVEL_AT_10_M_DB
    if surface == "soft" and distance_m >= SOFT_GROUND_FROM_M:
        loss = 25.0 * math.log10(distance_m) + 1.0
    elif surface in ("hard", "soft"):
        loss = 20.0 * math.log10(distance_m) + 8.0
    else:
        raise DataError(f"Surface {surface!r}: give hard or soft.")
    level = power - loss - BS5228_SCREENING_DB[screening] + 10.0 * math.log10(on_time_fraction)
    return level + (FACADE_DB if facade else 0.0)


def bs5228_haul_road_dba(
    *,
    lwa_dba: float,
    passages_per_hour: float,
    speed_km_h: float,
    distance_m: float,
    angle_of_view_deg: float = 180.0,
) -> float:
    """Level of vehicles on a haul road, ``LWA - 33 + 10 lg(Q a / (V d 180))`` (BS 5228-1 F.2.5)."""
    _check_distance(distance_m)
    if not (passages_per_hour > 0 and speed_km_h > 0 and 0 < angle_of_view_deg <= 180):
        raise DataError("Passages, speed and angle of view must be above 0 (angle up to 180).")
    return (
        lwa_dba
        - 33.0
        + 10.0
        * math.log10(passages_per_hour / (speed_km_h * distance_m) * angle_of_view_deg / 180.0)
    )


def fta_ground_factor(effective_height_ft: float, *, soft: bool = True) -> float:
    """``G`` of the FTA formula from the effective path height in feet."""
    if not soft:
        return 0.0
    if effective_height_ft < 5.0:
        return 0.66
    return max(0.0, 0.75 * (1.0 - effective_height_ft / 42.0))


def fta_level_dba(
    emission_50ft_dba: Sequence[float],
    distance_ft: float,
    *,
    usage: float | Sequence[float] = 1.0,
    ground_factor: float = 0.0,
) -> float:
    """Construction level by the FTA formula, energy sum over machines.

    :param emission_50ft_dba: emission level of each machine at 50 ft.
    :param distance_ft: from the site centre (general assessment) or machine, in feet.
    :param usage: usage factor, one for all or one each; 1 in the general assessment.
    :param ground_factor: ``G``, see :func:`fta_ground_factor`.
    :returns: ``Leq`` in dB(A).

    Source: FTA, Transit Noise and Vibration Impact Assessment, chapter 12. The general
    assessment takes the two loudest machines.
    """
    _check_distance(distance_ft)
    factors = [usage] * len(emission_50ft_dba) if isinstance(usage, int | float) else list(usage)
    if not emission_50ft_dba or len(factors) != len(emission_50ft_dba):
        raise DataError("Give one or more emission levels, and one usage factor for each.")
    if any(not 0.0 < f <= 1.0 for f in factors):
        raise DataError("A usage factor is a share above 0 up to 1.")
    far = (20.0 + 10.0 * ground_factor) * math.log10(distance_ft / FTA_REFERENCE_FT)
    pairs = zip(emission_50ft_dba, factors, strict=True)
    return float(energy_sum_db([e + 10.0 * math.log10(f) - far for e, f in pairs]))


def rcnm_level_dba(
    lmax_50ft_dba: float, distance_ft: float, *, usage_pct: float, shielding_db: float = 0.0
) -> tuple[float, float]:
    """``Lmax`` and ``Leq`` of one machine, FHWA Roadway Construction Noise Model."""
    _check_distance(distance_ft)
    if not 0.0 < usage_pct <= 100.0:
        raise DataError("The usage factor is a percentage above 0 up to 100.")
    lmax = lmax_50ft_dba - 20.0 * math.log10(distance_ft / FTA_REFERENCE_FT) - shielding_db
    return lmax, lmax + 10.0 * math.log10(usage_pct / 100.0)


def _check_distance(distance: float) -> None:
    if not (math.isfinite(distance) and distance > 0):
        raise DataError(f"Distance {distance}: give a number above 0.")
