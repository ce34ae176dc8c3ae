"""What goes into a noise calculation and what comes out of it.

Coordinates are metres in one projected reference system, x and y in plan. Heights ``z`` are above
the local ground, which is flat at 0 unless the scene carries a terrain; then ``z`` is absolute.
Levels are dB; sound power is octave-band ``Lw`` in dB re 1 pW, linear, 63 Hz to 8 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely

from layers.errors import DataError
from layers.noise.absorption import REFERENCE_PRESSURE_KPA, check_air
from layers.noise.bands import N_BANDS, FloatArray, a_weighted_sum_db

IntArray = npt.NDArray[np.int64]
Method = Literal["iso9613", "cnossos"]
Edition = Literal["1996", "2024"]
GroundMethod = Literal["general", "alternative", "none"]

#: More than any machine: above it a sound power is taken for a typing error.
HIGHEST_LW_DB = 160.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Point sources (*sorgenti*).

    :ivar xyz: shape (n, 3), metres; ``z`` is the height of the acoustic centre.
    :ivar lw_db: shape (n, 8), octave-band sound power with the on-time already in it
        (:func:`layers.noise.emission.with_on_time`) and the directivity index, if any.
    :ivar group: shape (n,), an integer for the plant item or phase the source belongs to; the
        result tells the level of each group. All zero if left out.
    """

    xyz: FloatArray
    lw_db: FloatArray
    group: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        xyz = _points(self.xyz, "source")
        lw = np.atleast_2d(np.asarray(self.lw_db, dtype=float))
        if lw.size == 0:
            lw = lw.reshape(0, N_BANDS)
        n = len(xyz)
        if lw.shape != (n, N_BANDS):
            raise DataError(
                f"Sound power has shape {lw.shape} for {n} sources: give 8 octave bands "
                "(63 Hz to 8 kHz) for each source."
            )
        _refuse_power(lw)
        given = np.asarray(self.group, dtype=np.int64)
        group = given if given.size or n == 0 else np.zeros(n, dtype=np.int64)
        if group.shape != (n,):
            raise DataError(f"There are {n} sources but {group.size} group numbers: give one each.")
        object.__setattr__(self, "xyz", xyz)
        object.__setattr__(self, "lw_db", lw)
        object.__setattr__(self, "group", group)

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Receiver points (*ricettori*).

    :ivar xyz: shape (m, 3), metres.
    :ivar own_building: shape (m,), position in ``Scene.footprints`` of the building on whose
        façade the receiver stands, or -1 for a receiver in the open. The own façade never
        reflects; :attr:`NoiseOptions.facade_reflection_db` is added instead.
    """

    xyz: FloatArray
    own_building: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        xyz = _points(self.xyz, "receiver")
        m = len(xyz)
        given = np.asarray(self.own_building, dtype=np.int64)
        own = given if given.size or m == 0 else np.full(m, -1, dtype=np.int64)
        if own.shape != (m,):
            raise DataError(f"There are {m} receivers but {own.size} own buildings: give one each.")
        object.__setattr__(self, "xyz", xyz)
        object.__setattr__(self, "own_building", own)

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, slots=True)
class Barrier:
    """A thin screen (hoarding, wall): its top edge in plan and height.

    :ivar top_edge: shape (p, 3), x, y and height of the top in metres; straight between points
        and closed down to the ground (at least 10 kg/m², no gaps, or it does not screen).
    :ivar absorption: shape (8,) or a number, absorbed share of the energy that hits it; 1 (the
        default) reflects nothing.
    """

    top_edge: FloatArray
    absorption: FloatArray | float = 1.0

    def __post_init__(self) -> None:
        edge = np.atleast_2d(np.asarray(self.top_edge, dtype=float))
        if edge.shape[0] < 2 or edge.shape[1:] != (3,) or not np.isfinite(edge).all():
            raise DataError("The top edge of a barrier needs two or more points x, y, height.")
        share = np.broadcast_to(np.asarray(self.absorption, dtype=float), (N_BANDS,)).copy()
        if not np.all((share >= 0) & (share <= 1)):
            raise DataError("The absorption of a barrier is a share from 0 to 1.")
        object.__setattr__(self, "top_edge", edge)
        object.__setattr__(self, "absorption", share)


@dataclass(frozen=True, slots=True)
class GroundZone:
    """A polygon of one ground factor ``g``: 0 hard (paving, water) to 1 porous (grass, soil)."""

    polygon: shapely.Geometry
    g: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.g <= 1.0:
            raise DataError(f"Ground factor {self.g}: give a value from 0 (hard) to 1 (porous).")


@dataclass(frozen=True, slots=True)
class NoiseOptions:
    """How to compute; every value is written into the method sheet of the result.

    :ivar method: ``"iso9613"`` or ``"cnossos"`` (Directive (EU) 2015/996 as amended in 2021), which
        takes the options that are not of ISO 9613-2 alone; slower by far.
    :ivar favourable_share: of the time with favourable propagation, for CNOSSOS-EU only.
    :ivar edition: of ISO 9613-2; ``"1996"`` is read with the rules of ISO/TR 17534-3.
    :ivar ground_method: ``"general"`` (7.3.1, octave bands), ``"alternative"`` (7.3.2, A-weighted
        levels over mostly porous ground) or ``"none"`` (free field).
    :ivar default_ground_factor: outside all ground zones, 0 hard to 1 porous.
    :ivar screening: buildings and barriers attenuate over their tops.
    :ivar lateral: and round their sides.
    :ivar weak_side_db: a path round the sides of several objects is left out where at 500 Hz it
        is this much weaker than the path over the top; 99 keeps all, at three times the cost.
    :ivar reflections: first-order reflections from façades and reflecting barriers.
    :ivar facade_absorption: absorbed share of the energy that hits a façade; left out, 0.2 in
        the 1996 edition (walls with windows) and 0.1 in the 2024 edition (its default).
    :ivar facade_reflection_db: added at receivers that have an own building; 3 for levels 1 m
        in front of the façade, 0 for the incident sound.
    :ivar max_reach_m: sources farther than this in plan are left out.
    :ivar lowest_level_dba: paths that together cannot lift a receiver to this level are not
        traced (decided from divergence alone, so never too early).
    :ivar c0_db: ``C0`` of the meteorological correction; 0 leaves the downwind level.
    """

    method: Method = "iso9613"
    edition: Edition = "1996"
    temperature_c: float = 10.0
    relative_humidity_pct: float = 70.0
    pressure_kpa: float = REFERENCE_PRESSURE_KPA
    ground_method: GroundMethod = "general"
    default_ground_factor: float = 0.0
    screening: bool = True
    lateral: bool = True
    weak_side_db: float = 6.0
    reflections: bool = True
    facade_absorption: float | None = None
    facade_reflection_db: float = 0.0
    max_reach_m: float = 1000.0
    lowest_level_dba: float = 30.0
    c0_db: float = 0.0
    favourable_share: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in ("iso9613", "cnossos"):
            raise DataError(f"Method {self.method!r} of propagation: give iso9613 or cnossos.")
        if self.edition not in ("1996", "2024"):
            raise DataError(f"Edition {self.edition!r} of ISO 9613-2: give 1996 or 2024.")
        if self.ground_method not in ("general", "alternative", "none"):
            raise DataError(
                f"Ground method {self.ground_method!r}: give general, alternative or none."
            )
        check_air(self.temperature_c, self.relative_humidity_pct, self.pressure_kpa)
        for name, low, high in (
            ("default_ground_factor", 0.0, 1.0),
            ("facade_reflection_db", 0.0, 6.0),
            ("max_reach_m", 1.0, 1e5),
            ("weak_side_db", 0.0, 99.0),
            ("lowest_level_dba", -90.0, 200.0),
            ("c0_db", 0.0, 10.0),
            ("favourable_share", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise DataError(f"{name} = {value}: give a value from {low:g} to {high:g}.")
        if self.facade_absorption is not None and not 0.0 <= self.facade_absorption <= 1.0:
            raise DataError("facade_absorption is a share from 0 to 1.")

    @property
    def wall_absorption(self) -> float:
        """Absorbed share in force: the given one, else the default of the edition."""
        if self.facade_absorption is not None:
            return self.facade_absorption
        return 0.2 if self.edition == "1996" else 0.1


@dataclass(frozen=True, slots=True)
class NoiseResult:
    """Levels at the receivers.

    :ivar laeq_dba: shape (m,), energy sum of all sources; :data:`~layers.noise.bands.SILENT_DB`
        where nothing arrives. Always finite.
    :ivar by_group_dba: shape (m, n_groups), the same for each group of sources.
    :ivar groups: shape (n_groups,), the group numbers in ascending order.
    :ivar bands_db: shape (m, 8), linear octave-band levels of the energy sum.
    :ivar n_paths: pairs of source and receiver.
    :ivar n_beyond_reach: pairs farther than ``max_reach_m``.
    :ivar n_below_cut: pairs left out because they cannot reach the lowest level.
    :ivar missing: sentences on what was unknown or simplified, for the method sheet.
    """

    laeq_dba: FloatArray
    by_group_dba: FloatArray
    groups: IntArray
    bands_db: FloatArray
    options: NoiseOptions
    n_paths: int = 0
    n_beyond_reach: int = 0
    n_below_cut: int = 0
    missing: tuple[str, ...] = ()

    @property
    def n_traced(self) -> int:
        """Pairs that were computed in full."""
        return self.n_paths - self.n_beyond_reach - self.n_below_cut

    def _method(self) -> str:
        if self.options.method == "cnossos":
            return "CNOSSOS-EU, Directive (EU) 2015/996 as amended by (EU) 2021/1226"
        rules = " with ISO/TR 17534-3:2015" if self.options.edition == "1996" else ""
        return f"ISO 9613-2:{self.options.edition}{rules}"

    def _quantity(self) -> str:
        if self.options.method == "cnossos":
            return f"LAeq, long-term, {self.options.favourable_share:.0%} favourable"
        return "LAeq, long-term" if self.options.c0_db > 0 else "LAeq, downwind"

    def describe(self) -> dict[str, Any]:
        """Method sheet: method, edition, parameters, margin, path counts and what was missing."""
        parameters: Mapping[str, Any] = {
            f.name: getattr(self.options, f.name) for f in fields(self.options)
        } | {"facade_absorption": self.options.wall_absorption}
        return {
            "method": self._method(),
            "edition": "2021" if self.options.method == "cnossos" else self.options.edition,
            "parameters": dict(parameters),
            "margin_db": 3,
            "quantity": self._quantity(),
            "facade": "façade level" if self.options.facade_reflection_db > 0 else "incident sound",
            "paths": {
                "pairs": self.n_paths,
                "beyond_reach": self.n_beyond_reach,
                "below_lowest_level": self.n_below_cut,
                "traced": self.n_traced,
            },
            "missing": list(self.missing),
        }


def _points(xyz: npt.ArrayLike | Sequence[Sequence[float]], what: str) -> FloatArray:
    points = np.asarray(xyz, dtype=float)
    if points.size == 0:
        return np.zeros((0, 3))
    points = np.atleast_2d(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise DataError(f"Each {what} needs x, y and height; got an array {points.shape}.")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise DataError(f"The {what} at position {bad[0]} has a coordinate that is not a number.")
    return points


def _refuse_power(lw_db: FloatArray) -> None:
    bad = np.flatnonzero(~np.isfinite(lw_db).all(axis=1))
    if bad.size:
        raise DataError(
            f"The sound power of the source at position {bad[0]} is not a number; give -99 for a "
            "band without sound, and leave out a source that is never on."
        )
    high = np.flatnonzero((lw_db > HIGHEST_LW_DB).any(axis=1))
    if high.size:
        raise DataError(
            f"The sound power of the source at position {high[0]} is {lw_db[high[0]].max():.0f} dB"
            f" in one band, more than any machine ({HIGHEST_LW_DB:.0f}): check its unit."
        )
    low = np.flatnonzero(a_weighted_sum_db(lw_db) <= 0.0) if len(lw_db) else np.zeros(0, int)
    if low.size:
        raise DataError(
            f"The sound power of the source at position {low[0]} is not above 0 dB(A); leave out "
            "a source that makes no sound."
        )


def refuse_underground(points: FloatArray, what: str) -> None:
    """Refuse points below flat ground, naming the first."""
    low = np.flatnonzero(points[:, 2] < 0.0)
    if low.size:
        raise DataError(
            f"The {what} at position {low[0]} is {-points[low[0], 2]:.2f} m under the ground; "
            "give its height above the ground."
        )
