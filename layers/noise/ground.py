"""Ground effect, ISO 9613-2 clause 7.3, on arrays of paths.

Heights are above the local ground, ``dp`` is the distance projected on the ground plane. All
arguments broadcast against each other; results carry a last axis of 8 octave bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layers.noise.bands import FloatArray


def _end_region_db(height_m: FloatArray, g: FloatArray, dp_m: FloatArray) -> FloatArray:
    """``As`` or ``Ar`` of Table 3: one end of the path, shape (..., 8)."""
    near = 1.0 - np.exp(-dp_m / 50.0)
    far = 1.0 - np.exp(-2.8e-6 * dp_m**2)
    h2 = height_m**2
    a = 1.5 + 3.0 * np.exp(-0.12 * (height_m - 5.0) ** 2) * near + 5.7 * np.exp(-0.09 * h2) * far
    b = 1.5 + 8.6 * np.exp(-0.09 * h2) * near
    c = 1.5 + 14.0 * np.exp(-0.46 * h2) * near
    d = 1.5 + 5.0 * np.exp(-0.9 * h2) * near
    high = -1.5 * (1.0 - g)
    low = np.full_like(high, -1.5)
    bands = [low, g * a - 1.5, g * b - 1.5, g * c - 1.5, g * d - 1.5, high, high, high]
    return np.stack(bands, axis=-1)


def general_ground_db(
    dp_m: npt.ArrayLike,
    hs_m: npt.ArrayLike,
    hr_m: npt.ArrayLike,
    gs: npt.ArrayLike,
    gm: npt.ArrayLike,
    gr: npt.ArrayLike,
    *,
    edition: str = "1996",
) -> FloatArray:
    """Ground attenuation ``Agr`` by the general method (7.3.1).

    :param dp_m: projected source-receiver distance in metres.
    :param hs_m: source height above local ground in metres.
    :param hr_m: receiver height above local ground in metres.
    :param gs: ground factor of the source region (first ``30 hs``), 0 hard to 1 porous.
    :param gm: ground factor of the middle region; without weight where there is none.
    :param gr: ground factor of the receiver region (last ``30 hr``).
    :param edition: ``"1996"``, or ``"2024"`` which weakens it at short distance (``Kgeo``).
    :returns: ``Agr`` in dB, shape (..., 8); negative where the ground makes it louder.

    Source: ISO 9613-2:1996 formula (9) and Table 3; 2024 formulas (11) to (13). Flat, or of
    constant slope, between source and receiver.
    """
    dp, hs, hr, s, m, r = (
        np.asarray(x, dtype=float)
        for x in np.broadcast_arrays(*map(np.asarray, (dp_m, hs_m, hr_m, gs, gm, gr)))
    )
    reach = 30.0 * (hs + hr)
    q = np.where(dp > reach, 1.0 - reach / np.maximum(dp, 1e-9), 0.0)
    middle_low = -3.0 * q
    middle = np.stack([middle_low] + [middle_low * (1.0 - m)] * 7, axis=-1)
    total = _end_region_db(hs, s, dp) + _end_region_db(hr, r, dp) + middle
    if edition == "1996":
        return np.asarray(total, dtype=float)
    k = geometry_factor(dp, hs, hr)[..., None]
    return np.asarray(-10.0 * np.log10(1.0 + (10.0 ** (-0.1 * total) - 1.0) * k), dtype=float)


def geometry_factor(dp_m: FloatArray, hs_m: FloatArray, hr_m: FloatArray) -> FloatArray:
    """``Kgeo``: squared ratio of the direct to the ground-reflected path, from 0 to 1."""
    reflected = dp_m**2 + (hs_m + hr_m) ** 2
    direct = dp_m**2 + (hs_m - hr_m) ** 2
    return np.asarray(
        np.where(reflected > 0, direct / np.maximum(reflected, 1e-12), 1.0), dtype=float
    )


def alternative_ground_db(d_m: npt.ArrayLike, mean_height_m: npt.ArrayLike) -> FloatArray:
    """Ground attenuation by the alternative method (7.3.2), the same in every band.

    :param d_m: source-receiver distance in metres.
    :param mean_height_m: mean height of the path above ground in metres (Figure 3 of the
        standard: area between path and ground, divided by ``d``).
    :returns: ``Agr`` in dB, never negative.

    Use it only for A-weighted levels, over ground that is mostly porous, and for sound that is
    not a pure tone. :func:`solid_angle_db` has to be added to the level with it.
    """
    d = np.maximum(np.asarray(d_m, dtype=float), 1.0)
    hm = np.asarray(mean_height_m, dtype=float)
    return np.asarray(np.maximum(0.0, 4.8 - (2.0 * hm / d) * (17.0 + 300.0 / d)), dtype=float)


def solid_angle_db(dp_m: npt.ArrayLike, hs_m: npt.ArrayLike, hr_m: npt.ArrayLike) -> FloatArray:
    """``D_Omega``: gain by reflection from the ground near the source, alternative method."""
    dp, hs, hr = (np.asarray(x, dtype=float) for x in (dp_m, hs_m, hr_m))
    return np.asarray(10.0 * np.log10(1.0 + geometry_factor(dp, hs, hr)), dtype=float)


def meteorological_correction_db(
    dp_m: npt.ArrayLike, hs_m: npt.ArrayLike, hr_m: npt.ArrayLike, c0_db: float
) -> FloatArray:
    """``Cmet`` (clause 8): from the downwind level to the long-term average, in dB.

    :param c0_db: ``C0`` from the local statistics of wind, usually 0 to 5 dB; 0 keeps downwind.
    :returns: dB to subtract; 0 up to ``dp = 10 (hs + hr)``.
    """
    dp, hs, hr = (np.asarray(x, dtype=float) for x in (dp_m, hs_m, hr_m))
    reach = 10.0 * (hs + hr)
    return np.where(dp > reach, c0_db * (1.0 - reach / np.maximum(dp, 1e-9)), 0.0)
