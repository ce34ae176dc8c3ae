"""Octave bands, A-weighting and the shape of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import DataError

FloatArray = NDArray[np.float64]

#: Nominal midband frequencies of the eight octaves used throughout, Hz.
BANDS_HZ: FloatArray = np.array([63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0])

#: A-weighting at those bands, dB (IEC 61672-1, rounded to a tenth).
A_WEIGHTS_DB: FloatArray = np.array([-26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1])

#: Sound power over the level at 10 m of a source on hard ground, dB (BS 5228-1 Annex C, F).
LW_OVER_LP_10M_DB = 28.0

#: The same from 50 ft (15.24 m): 20 lg(15.24) + 8, dB.
LW_OVER_LP_50FT_DB = float(20.0 * np.log10(15.24) + 8.0)


def a_weighted_level_db(band_levels_db: ArrayLike) -> FloatArray:
    """Sum octave-band levels to one A-weighted level.

    Parameters
    ----------
    band_levels_db
        Unweighted levels, dB, last axis of length 8 in the order of ``BANDS_HZ``.

    Returns
    -------
    A-weighted level, dB, shape of the input without its last axis.

    Raises
    ------
    DataError
        The last axis does not hold eight finite levels.

    Source: energy sum, ISO 9613-2:1996 equation (5).

    >>> round(float(a_weighted_level_db([79, 82, 81, 82, 86, 86, 86, 85])), 2)
    92.47
    """
    levels = np.asarray(band_levels_db, dtype=np.float64)
    if levels.ndim == 0 or levels.shape[-1] != BANDS_HZ.size or not np.isfinite(levels).all():
        raise DataError(
            "Octave-band levels: eight finite values are needed, one for each band from "
            f"63 to 8000 Hz; got an array of shape {levels.shape}."
        )
    total: FloatArray = 10.0 * np.log10(np.sum(10.0 ** ((levels + A_WEIGHTS_DB) / 10.0), axis=-1))
    return total


def shaped_to_level_db(shape_db: ArrayLike, level_dba: float) -> FloatArray:
    """Shift an octave spectrum so that its A-weighted sum is the level given.

    The shape keeps the differences between its bands; only their common height changes.
    Use it for machines of which nothing but one A-weighted figure was published.
    """
    shape = np.asarray(shape_db, dtype=np.float64)
    shifted: FloatArray = shape + (level_dba - float(a_weighted_level_db(shape)))
    return shifted
