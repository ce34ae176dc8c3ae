"""Octave bands, A-weighting and energy sums.

Levels are in dB, powers in dB re 1 pW, pressures in dB re 20 uPa. Every array of bands has its
last axis of length 8: 63, 125, 250, 500, 1000, 2000, 4000 and 8000 Hz.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layers.errors import DataError

FloatArray = npt.NDArray[np.float64]

N_BANDS = 8

NOMINAL_BANDS_HZ: FloatArray = np.array([63.0, 125, 250, 500, 1000, 2000, 4000, 8000])

#: Exact base-ten midbands, IEC 61260-1: air absorption is computed at these (ISO 9613-1).
EXACT_MIDBANDS_HZ: FloatArray = np.asarray(1000.0 * 10.0 ** (0.3 * np.arange(-4, 4)), float)

#: Bands that give the wavelength in the screening formulas. The lowest is 62.5 Hz: with it the
#: cases of ISO/TR 17534-3 are met to 0.006 dB, with 63 Hz to 0.045 dB.
DIFFRACTION_BANDS_HZ: FloatArray = np.array([62.5, 125, 250, 500, 1000, 2000, 4000, 8000])

#: A-weighting as used by ISO/TR 17534-3 (IEC 61672-1, rounded to 0.1 dB).
A_WEIGHTING_DB: FloatArray = np.array([-26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1])

#: The same as shares of energy.
A_WEIGHTS: FloatArray = 10.0 ** (0.1 * A_WEIGHTING_DB)

SPEED_OF_SOUND_M_S = 340.0

#: Wavelengths in metres of the eight bands.
WAVELENGTHS_M: FloatArray = SPEED_OF_SOUND_M_S / DIFFRACTION_BANDS_HZ

#: The level that stands for "nothing arrives": finite, and without weight in any energy sum.
SILENT_DB = -99.0


def energy_sum_db(levels_db: npt.ArrayLike, axis: int | None = -1) -> FloatArray:
    """Add levels by energy, ``10 lg sum 10^(L/10)``.

    :param levels_db: levels in dB, any shape; ``-inf`` is a contribution of nothing.
    :param axis: the axis to add over; ``None`` adds everything.
    :returns: levels in dB, never below :data:`SILENT_DB` and so always finite.
    :raises DataError: a level is NaN or plus infinity.
    """
    levels = np.asarray(levels_db, dtype=float)
    if np.isnan(levels).any() or np.isposinf(levels).any():
        raise DataError("A level to be added is not a number; give each level in dB.")
    energy = np.sum(10.0 ** (0.1 * levels), axis=axis)
    return energy_to_db(energy)


def energy_to_db(energy: npt.ArrayLike) -> FloatArray:
    """Turn relative energy into dB, with :data:`SILENT_DB` where there is none."""
    values = np.asarray(energy, dtype=float)
    floor = 10.0 ** (0.1 * SILENT_DB)
    return np.asarray(10.0 * np.log10(np.maximum(values, floor)), dtype=float)


def a_weighted_sum_db(levels_db: npt.ArrayLike) -> FloatArray:
    """A-weighted total of octave-band levels.

    :param levels_db: linear levels in dB, shape (..., 8), bands 63 Hz to 8 kHz.
    :returns: totals in dB(A), shape (...).
    """
    return energy_sum_db(np.asarray(levels_db, dtype=float) + A_WEIGHTING_DB, axis=-1)
