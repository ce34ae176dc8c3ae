"""Air absorption of sound, ISO 9613-1:1993."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layers.errors import DataError
from layers.noise.bands import EXACT_MIDBANDS_HZ, FloatArray

REFERENCE_PRESSURE_KPA = 101.325
_REFERENCE_TEMPERATURE_K = 293.15
_TRIPLE_POINT_K = 273.16


def water_vapour_pct(
    temperature_c: float, relative_humidity_pct: float, pressure_kpa: float
) -> float:
    """Molar concentration of water vapour in air, in percent (ISO 9613-1, annex B)."""
    kelvin = temperature_c + 273.15
    saturation: float = 10.0 ** (-6.8346 * (_TRIPLE_POINT_K / kelvin) ** 1.261 + 4.6151)
    return relative_humidity_pct * saturation / (pressure_kpa / REFERENCE_PRESSURE_KPA)


def absorption_db_per_km(
    frequency_hz: npt.ArrayLike,
    temperature_c: float = 10.0,
    relative_humidity_pct: float = 70.0,
    pressure_kpa: float = REFERENCE_PRESSURE_KPA,
) -> FloatArray:
    """Attenuation of a pure tone by still, uniform air.

    :param frequency_hz: frequencies in Hz, any shape. For octave bands give the exact midbands:
        with the nominal 8000 Hz a path of 200 m is 0.2 dB wrong.
    :param temperature_c: air temperature, from -50 to +60 degrees Celsius.
    :param relative_humidity_pct: relative humidity, above 0 up to 100 percent.
    :param pressure_kpa: air pressure, from 20 to 200 kPa.
    :returns: attenuation in dB per kilometre, the shape of ``frequency_hz``.
    :raises DataError: air outside those ranges, or a frequency that is not positive.

    Formulas (2) to (6) of ISO 9613-1:1993; its accuracy is 10 percent for 0.05 to 5 percent of
    water vapour.

    >>> absorption_db_per_km([1000.0], 10, 70).round(2).tolist()
    [3.66]
    """
    check_air(temperature_c, relative_humidity_pct, pressure_kpa)
    f = np.asarray(frequency_hz, dtype=float)
    if not np.all(np.isfinite(f)) or np.any(f <= 0):
        raise DataError("A frequency is not a positive number of hertz.")
    kelvin = temperature_c + 273.15
    ratio = kelvin / _REFERENCE_TEMPERATURE_K
    p = pressure_kpa / REFERENCE_PRESSURE_KPA
    h = water_vapour_pct(temperature_c, relative_humidity_pct, pressure_kpa)
    f_oxygen = p * (24.0 + 4.04e4 * h * (0.02 + h) / (0.391 + h))
    f_nitrogen = p * ratio**-0.5 * (9.0 + 280.0 * h * np.exp(-4.170 * (ratio ** (-1 / 3) - 1.0)))
    classical = 1.84e-11 / p * ratio**0.5
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (f_oxygen + f**2 / f_oxygen)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (f_nitrogen + f**2 / f_nitrogen)
    per_metre = 8.686 * f**2 * (classical + ratio**-2.5 * (oxygen + nitrogen))
    return np.asarray(1000.0 * per_metre, dtype=float)


def octave_absorption_db_per_km(
    temperature_c: float = 10.0,
    relative_humidity_pct: float = 70.0,
    pressure_kpa: float = REFERENCE_PRESSURE_KPA,
) -> FloatArray:
    """Attenuation in dB/km of the eight octave bands, at their exact midbands; shape (8,)."""
    return absorption_db_per_km(
        EXACT_MIDBANDS_HZ, temperature_c, relative_humidity_pct, pressure_kpa
    )


def check_air(temperature_c: float, relative_humidity_pct: float, pressure_kpa: float) -> None:
    """Refuse air for which the formulas have no meaning, saying which value and its range."""
    if not -50.0 <= temperature_c <= 60.0:
        raise DataError(f"Air temperature {temperature_c} C: give a value from -50 to 60.")
    if not 0.0 < relative_humidity_pct <= 100.0:
        raise DataError(
            f"Relative humidity {relative_humidity_pct} %: give a value above 0 up to 100."
        )
    if not 20.0 <= pressure_kpa <= 200.0:
        raise DataError(f"Air pressure {pressure_kpa} kPa: give a value from 20 to 200.")
