"""Peak particle velocity with distance: FTA, Caltrans, TRL 429 and site laws.

All functions are vectorised over distance. Sites nearer than ``NEAREST_M`` are taken at that
distance: no formula holds closer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from layers.errors import DataError
from layers.vibration.tables import MM_PER_IN, FloatArray, chosen, positive, table

#: The nearest distance at which a propagation formula is evaluated, m (TRL 429: 1–100 m).
NEAREST_M = 1.0

#: The reference distance of American tables, 25 ft, in m.
REFERENCE_25FT_M = 7.62


def _distances(distance_m: ArrayLike) -> FloatArray:
    array = np.asarray(distance_m, dtype=np.float64)
    if np.isnan(array).any() or (array < 0).any():
        raise DataError("Vibration: distances must be numbers from 0 up, in m.")
    return np.maximum(array, NEAREST_M)


def ppv_from_reference_mm_s(
    reference_ppv_mm_s: ArrayLike,
    distance_m: ArrayLike,
    *,
    exponent: float = 1.5,
    reference_m: float = REFERENCE_25FT_M,
) -> FloatArray:
    """PPV at a distance from a value at a reference distance.

    ``PPV = PPVref · (Dref / D)^n``, FTA with n = 1.5 and 25 ft, Caltrans with n by soil.

    Parameters
    ----------
    reference_ppv_mm_s
        PPV at the reference distance, mm/s.
    distance_m
        Distance from the source, m, broadcast against the reference.
    exponent
        Exponent n of the attenuation.
    reference_m
        Reference distance, m.

    Returns
    -------
    PPV, mm/s.

    Source: FTA (2006) equation 12-2; Caltrans (2013) equation 12. Free ground; coupling and
    amplification of the building are not in it.

    >>> round(float(ppv_from_reference_mm_s(0.21 * 25.4, 10.0)), 3)
    3.548
    """
    reference = positive("reference PPV", reference_ppv_mm_s)
    ratio = positive("reference distance", reference_m) / _distances(distance_m)
    found: FloatArray = reference * ratio**exponent
    return found


def level_from_reference_vdb(
    reference_vdb: ArrayLike, distance_m: ArrayLike, *, reference_m: float = REFERENCE_25FT_M
) -> FloatArray:
    """Vibration velocity level with distance, ``Lv − 30 lg(D / Dref)`` (FTA 2006), VdB."""
    ratio = _distances(distance_m) / positive("reference distance", reference_m)
    found: FloatArray = np.asarray(reference_vdb, dtype=np.float64) - 30.0 * np.log10(ratio)
    return found


def distance_for_ppv_m(
    reference_ppv: ArrayLike,
    limit_ppv: ArrayLike,
    *,
    exponent: float = 1.5,
    reference_m: float = REFERENCE_25FT_M,
) -> FloatArray:
    """The distance at which PPV falls to a limit, m (both PPV in the same unit)."""
    ratio = positive("reference PPV", reference_ppv) / positive("limit", limit_ppv)
    found: FloatArray = reference_m * ratio ** (1.0 / exponent)
    return found


def distance_for_level_m(
    reference_vdb: ArrayLike, limit_vdb: ArrayLike, *, reference_m: float = REFERENCE_25FT_M
) -> FloatArray:
    """The distance at which a velocity level falls to a limit, m (FTA, 30 lg)."""
    over = np.asarray(reference_vdb, dtype=np.float64) - np.asarray(limit_vdb, dtype=np.float64)
    found: FloatArray = reference_m * 10.0 ** (over / 30.0)
    return found


def caltrans_exponent(soil_class: str) -> float:
    """Exponent n of a Caltrans soil class: I soft 1.4, II 1.3, III 1.1, IV rock 1.0."""
    rows = table("caltrans")["soil_exponent"]
    return float(rows[chosen("soil class", soil_class, rows)])


def ppv_caltrans_mm_s(
    reference_ppv_mm_s: ArrayLike,
    distance_m: ArrayLike,
    *,
    exponent: float = 1.1,
    energy: float | None = None,
    reference_energy: float | None = None,
) -> FloatArray:
    """PPV by Caltrans (2013), scaled by the square root of the hammer energy where given.

    ``PPV = PPVref · (25/D)^n · √(E / Eref)``; both energies in the same unit.

    Raises
    ------
    DataError
        Only one of the two energies is given, or a value is not above 0.
    """
    if (energy is None) != (reference_energy is None):
        raise DataError("Caltrans: give the hammer energy and the reference energy, or neither.")
    factor = 1.0
    if energy is not None and reference_energy is not None:
        factor = float(
            np.sqrt(positive("energy", energy) / positive("reference energy", reference_energy))
        )
    return factor * ppv_from_reference_mm_s(reference_ppv_mm_s, distance_m, exponent=exponent)


def ppv_vibratory_piling_mm_s(
    distance_m: ArrayLike, *, exceedance_percent: float = 5.0, operation: str = "all"
) -> FloatArray:
    """PPV of vibratory piling, ``kv · x^(−δ)``.

    Parameters
    ----------
    distance_m
        Distance along the ground, m (formula valid from 1 to 100 m).
    exceedance_percent
        Probability of exceedance: 50, 33.3 or 5 per cent.
    operation
        ``steady``, ``all`` or ``start_up`` (and run-down).

    Source: BS 5228-2:2009+A1:2014 Annex E, after TRL 429.
    """
    data = table("trl429")
    kv = {float(k): float(v) for k, v in data["vibratory_kv"].items()}
    if exceedance_percent not in kv:
        raise DataError("TRL 429: probabilities of exceedance are 50, 33.3 and 5 per cent.")
    exponents = data["vibratory_exponent"]
    delta = float(exponents[chosen("operation", operation, exponents)])
    return site_law_mm_s(kv[exceedance_percent], delta, distance_m)


def ppv_percussive_piling_mm_s(
    distance_m: ArrayLike, energy_j: ArrayLike, *, driving: str | float = "hard"
) -> FloatArray:
    """PPV of percussive piling, ``kp · √W / r^1.3``.

    Parameters
    ----------
    distance_m
        Slope distance from the pile toe, m.
    energy_j
        Hammer energy per blow, J.
    driving
        ``refusal`` (kp 5), ``hard`` (3), ``firm`` (1.5), ``soft`` (1), or the value of kp.

    Source: BS 5228-2:2009+A1:2014 Annex E, after TRL 429.
    """
    rows = table("trl429")["percussive_kp"]
    kp = float(rows[chosen("driving", driving, rows)]) if isinstance(driving, str) else driving
    root = np.sqrt(positive("hammer energy", energy_j))
    found: FloatArray = positive("kp", kp) * root / _distances(distance_m) ** 1.3
    return found


def site_law_mm_s(k: ArrayLike, n: ArrayLike, distance_m: ArrayLike) -> FloatArray:
    """PPV by a measured site law ``k · x^(−n)``, mm/s with x in m."""
    exponent = np.asarray(n, dtype=np.float64)
    found: FloatArray = positive("k", k) * _distances(distance_m) ** (-exponent)
    return found


def acceleration_mm_s2(ppv_mm_s: ArrayLike, frequency_hz: ArrayLike) -> FloatArray:
    """Acceleration of a sine of this velocity, ``2πf·v``, mm/s²; PPV alone has no frequency."""
    frequency = positive("frequency", frequency_hz)
    found: FloatArray = 2.0 * np.pi * frequency * np.asarray(ppv_mm_s, dtype=np.float64)
    return found


@dataclass(frozen=True, slots=True)
class VibrationSource:
    """A machine's reference: PPV at a distance, exponent, and where it is published."""

    key: str
    reference_ppv_mm_s: float
    exponent: float
    source: str
    confidence: str

    def ppv_mm_s(self, distance_m: ArrayLike) -> FloatArray:
        """PPV at distances in m, mm/s."""
        return ppv_from_reference_mm_s(self.reference_ppv_mm_s, distance_m, exponent=self.exponent)

    def reach_m(self, limit_mm_s: float) -> float:
        """The distance beyond which PPV is below a limit, m; a bound for searches."""
        found = distance_for_ppv_m(self.reference_ppv_mm_s, limit_mm_s, exponent=self.exponent)
        return float(found)


def vibration_source(key: str, *, soil_class: str = "III") -> VibrationSource:
    """The reference of a machine by its key in the catalogue, e.g. ``fta:vibratory_roller``.

    Caltrans entries take the exponent of the soil class; pile energies at their reference.

    Raises
    ------
    DataError
        The key names no published reference.

    >>> round(float(vibration_source("fta:jackhammer").ppv_mm_s(7.62)), 2)
    0.89
    """
    origin, _, name = key.partition(":")
    chosen("reference", origin, ("fta", "caltrans"))
    data = table(origin)
    ppv_in_s = float(data["equipment"][chosen("reference", name, data["equipment"])][0])
    exponent = float(data["exponent"]) if origin == "fta" else caltrans_exponent(soil_class)
    return VibrationSource(key, ppv_in_s * MM_PER_IN, exponent, data["source"], data["confidence"])
