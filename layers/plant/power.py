"""Sound power of one machine of a plant list, in the order that prefers what is known best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from layers.errors import DataError
from layers.plant.catalogue import Machine, catalogue, resolve, sources
from layers.plant.eu_limits import checked_quantity, permissible_lwa_dba
from layers.plant.spectra import FloatArray, a_weighted_level_db, shaped_to_level_db

#: Declared sound powers outside this range are taken for slips of the pen, dB(A).
_DECLARED_RANGE_DBA = (40.0, 150.0)


class SoundPower(NamedTuple):
    """Octave-band sound power, how it was found, and a sentence about it.

    ``lw_db`` has shape (8,), unweighted, dB re 1 pW; ``basis`` is ``declared``, ``catalogue``
    or ``eu_limit``; ``note`` names the row, source and confidence.
    """

    lw_db: FloatArray
    basis: str
    note: str


@dataclass(frozen=True, slots=True)
class PlantItem:
    """One line of a plant list: a machine, how many, and what is known of it.

    ``on_time`` is the share of the working hours (0–1] in which each works, ``height_m`` the
    height of the source above ground; None takes the catalogue's typical value.
    ``declared_lwa_dba`` or ``declared_lw_db`` (eight octave bands) is the maker's or a measured
    sound power. Power, mass and width serve the limit of Directive 2000/14/EC.
    """

    machine: str
    number: int = 1
    on_time: float | None = None
    height_m: float | None = None
    declared_lwa_dba: float | None = None
    declared_lw_db: tuple[float, ...] | None = None
    power_kw: float | None = None
    electric_power_kw: float | None = None
    mass_kg: float | None = None
    cutting_width_cm: float | None = None
    stage: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be right, in words."""
        where = f"Machine “{self.machine}”"
        if isinstance(self.number, bool) or int(self.number) != self.number or self.number < 1:
            raise DataError(f"{where}: the number {self.number} must be a whole number from 1 up.")
        if self.on_time is not None and not 0 < self.on_time <= 1:
            raise DataError(
                f"{where}: on-time {self.on_time} must be a share above 0 and up to 1 "
                "(half of the working hours is 0.5)."
            )
        if self.height_m is not None and not 0 <= self.height_m <= 200:
            raise DataError(
                f"{where}: source height {self.height_m} m must lie between 0 and 200 m."
            )
        _checked_declared(where, self.declared_lwa_dba)
        if self.declared_lw_db is not None:
            if len(self.declared_lw_db) != 8 or not all(map(math.isfinite, self.declared_lw_db)):
                raise DataError(
                    f"{where}: the declared spectrum needs eight levels in dB, from 63 to 8000 Hz."
                )
            _checked_declared(where, float(a_weighted_level_db(self.declared_lw_db)))
        for name in ("power_kw", "electric_power_kw", "mass_kg", "cutting_width_cm"):
            try:
                checked_quantity(name, getattr(self, name))
            except DataError as error:
                raise DataError(f"{where}: {error}") from error

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PlantItem:
        """Read a line of a stored plant list; an unknown key is refused by name."""
        known = {f.name for f in fields(cls)}
        strange = sorted(set(values) - known)
        if strange:
            raise DataError(
                f"Plant list: unknown field {', '.join(strange)}; known are "
                f"{', '.join(sorted(known))}."
            )
        if not values.get("machine"):
            raise DataError("Plant list: a line has no machine; name one of the catalogue.")
        bands = values.get("declared_lw_db")
        return cls(**{**values, "declared_lw_db": None if bands is None else tuple(bands)})

    @property
    def entry(self) -> Machine:
        """The catalogue entry of the machine (DataError where the name is unknown)."""
        return resolve(self.machine)

    @property
    def working_on_time(self) -> float:
        """The on-time given, else the typical one of the catalogue."""
        return self.entry.on_time if self.on_time is None else self.on_time

    @property
    def source_height_m(self) -> float:
        """The source height given, else the typical one of the catalogue, m above ground."""
        return self.entry.height_m if self.height_m is None else self.height_m


def _checked_declared(where: str, level_dba: float | None) -> None:
    low, high = _DECLARED_RANGE_DBA
    if level_dba is not None and not low <= level_dba <= high:
        raise DataError(
            f"{where}: a declared sound power of {level_dba:g} dB(A) cannot be right; machines lie "
            f"between {low:g} and {high:g} dB(A). Check whether a pressure level was given."
        )


def sound_power(item: PlantItem) -> SoundPower:
    """The octave-band sound power of ONE machine of a plant-list line.

    In this order: the declared value (a spectrum, or one A-weighted figure in the shape of the
    catalogue entry); the published level of the catalogue; the limit of Directive 2000/14/EC
    from power, mass or width, in the shape of the entry. Number and on-time are not applied.

    Raises
    ------
    DataError
        The machine is unknown, or nothing is published and the ruling quantity is missing.

    Limits of use: catalogue figures describe typical British, American and Australian plant;
    a declared or measured value is always better.

    >>> sound_power(PlantItem("gru a torre", declared_lwa_dba=95.0)).basis
    'declared'
    """
    entry = item.entry
    shape = np.array(entry.lw_db if entry.lw_db is not None else catalogue()[entry.shape].lw_db)
    if item.declared_lw_db is not None:
        return SoundPower(np.array(item.declared_lw_db, dtype=np.float64), "declared",
                          "declared octave-band sound power")  # fmt: skip
    if item.declared_lwa_dba is not None:
        return SoundPower(
            shaped_to_level_db(shape, item.declared_lwa_dba), "declared",
            f"declared {item.declared_lwa_dba:g} dB(A); spectrum shaped like {entry.shape}",
        )  # fmt: skip
    if entry.lw_db is not None:
        return SoundPower(shape, "catalogue",
                          f"{entry.provenance}. {sources()[entry.source]['title']}")  # fmt: skip
    try:
        limit_dba = permissible_lwa_dba(
            entry.eu_category,
            power_kw=item.power_kw,
            electric_power_kw=item.electric_power_kw,
            mass_kg=item.mass_kg,
            cutting_width_cm=item.cutting_width_cm,
            stage=item.stage,
        )
    except DataError as error:
        raise DataError(
            f"Machine “{item.machine}”: no level is published. {error} Or give the declared "
            "sound power."
        ) from error
    return SoundPower(
        shaped_to_level_db(shape, float(limit_dba)), "eu_limit",
        f"limit of Directive 2000/14/EC stage {item.stage}: {limit_dba} dB(A); "
        f"spectrum shaped like {entry.shape}",
    )  # fmt: skip
