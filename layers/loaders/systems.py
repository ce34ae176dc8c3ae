"""From any coordinate system to the one metric system, never by a silent guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]

from layers.crs import SRID, WGS84
from layers.errors import DataError, Sentence
from layers.loaders.place import REACH_M, Place
from layers.loaders.report import Report

# Lengths may be wrong by half a percent at most where the metric system is used off its zone.
MAX_SCALE_ERROR = 0.005
NOTED_SCALE_ERROR = 0.001
# Systems in use in Italy and its neighbours, tried only to name them in a sentence.
_USUAL = (4326, 32632, 32633, 3003, 3004, 25832, 25833, 6707, 6708, 6875, 7791, 7792, 7794, 23032,
          23033, 2056, 31254, 2154)  # fmt: skip
_NEAR_M = 5_000.0
# So many rows are looked at one by one where the middle of all does not fit.
_TRIED_ROWS = 100

set_network_enabled(False)


class Converter:
    """Brings the geometries of one file to the metric system.

    Built on the first rows: the system is decided and checked there once. Raises
    :class:`DataError` when the file declares no system and none is given, when its axes are
    exchanged, or when its coordinates cannot belong to the system or to the quarter.

    Parameters
    ----------
    declared
        What the file says, None where it says nothing.
    asked
        What the person says (``--crs``), which wins.
    swap
        Exchange x and y before anything else (``--swap-axes``).
    """

    def __init__(
        self,
        declared: CRS | None,
        asked: str | None,
        place: Place,
        sample: NDArray[Any],
        report: Report,
        *,
        swap: bool = False,
    ) -> None:
        self.place = place
        self.swap = swap
        self.asked = None if asked is None else _named(asked)
        corners = _corners(sample)
        if swap:
            corners = corners[:, ::-1]
        x, y = _middle(corners)
        system = self.asked or declared
        if system is None and not np.isfinite(x):
            system = CRS.from_epsg(SRID)  # nothing to convert; every row is refused anyway
        elif system is None:
            system = self._undeclared(corners, report)
        elif self.asked and declared and not self.asked.equals(declared, ignore_axis_order=True):
            report.note(
                Sentence(
                    "The file says %(text)s; read as %(text2)s as asked.",
                    text=_name(declared),
                    text2=_name(self.asked),
                )
            )
        self.system: CRS = system
        self._to_metric = _transformer(system)
        if np.isfinite(x):
            if not self._plausible(x, y):
                # In a file of few rows a single one far out pulls the middle along: where the
                # others fit, they tell the system and that one is refused by its row.
                x, y = _middle(_most(corners, self._plausible)) if len(corners) > 1 else (x, y)
            self._check(x, y, report)

    def convert(
        self, geometries: NDArray[Any], rows: NDArray[Any], report: Report, field: str
    ) -> NDArray[Any]:
        """Geometries in metres; rows farther than 50 km from the quarter are refused."""
        made = np.array(geometries, dtype=object)
        made = np.asarray(shapely.transform(made, self._moved, include_z=False))
        present = ~shapely.is_missing(made) & ~shapely.is_empty(made)
        bounds = shapely.bounds(made)
        sound = np.isfinite(bounds).all(axis=1)
        for position in np.flatnonzero(present & ~sound):
            report.refuse(
                int(rows[position]),
                field,
                Sentence(
                    "has coordinates that are not finite, or outside what its coordinate "
                    "system covers"
                ),
            )
        made[present & ~sound] = None
        far_m = np.nan_to_num(self.place.distance_m(made))
        if self.place.known is None and (present & sound).any():
            middle = np.nanmedian(bounds[present & sound], axis=0)
            far_m = np.hypot(bounds[:, 0] - middle[0], bounds[:, 1] - middle[1])
        for position in np.flatnonzero(present & sound & (far_m > REACH_M)):
            report.refuse(
                int(rows[position]),
                field,
                Sentence(
                    "lies %(far_m)s km away from the quarter",
                    far_m=f"{far_m[position] / 1000:,.0f}",
                ),
            )
        made[present & sound & (far_m > REACH_M)] = None
        return made

    def _moved(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = coordinates[:, 0], coordinates[:, 1]
        if self.swap:
            x, y = y, x
        return np.column_stack(self._to_metric.transform(x, y))

    def _undeclared(self, corners: NDArray[np.float64], report: Report) -> CRS:
        degrees = _transformer(WGS84)
        x, y = _middle(_most(corners, lambda x, y: self._lands(degrees, x, y, _NEAR_M)))
        fitting = [code for code in _USUAL if self._lands(_transformer(code), x, y, _NEAR_M)]
        if self.place.known is None:
            fitting = []
        if WGS84 in fitting:
            report.note(
                Sentence(
                    "No coordinate system is declared; the coordinates are degrees (WGS "
                    "84) inside the quarter and were taken as such."
                )
            )
            return CRS.from_epsg(WGS84)
        hint = (
            Sentence(" In the quarter they would lie as EPSG:%(code)s.", code=fitting[0])
            if fitting
            else ""
        )
        raise DataError(
            Sentence(
                "The file does not say in which coordinate system its coordinates are "
                "(for example %(x)s, %(y)s).%(hint)s Name it: --crs %(value)s.",
                x=f"{x:.6g}",
                y=f"{y:.6g}",
                hint=hint,
                value=fitting[0] if fitting else WGS84 if max(abs(x), abs(y)) <= 180 else 32632,
            )
        )

    def _check(self, x: float, y: float, report: Report) -> None:
        if self._plausible(x, y):
            error = _scale_error(*_lon_lat(self._to_metric, x, y))
            if error > NOTED_SCALE_ERROR:
                report.note(
                    Sentence(
                        "The place lies at the edge of EPSG:%(srid)s: lengths are %(error)s "
                        "too long; set ACCANTO_SRID to the zone of the place before anything "
                        "is imported.",
                        srid=SRID,
                        error=f"{error:.2%}",
                    )
                )
            return
        here = self._described(x, y)
        if self._plausible(y, x):
            raise DataError(
                Sentence(
                    "East and north are exchanged: read as %(text)s, the coordinates "
                    "(%(x)s, %(y)s) land %(here)s, but exchanged they fit. Import it with "
                    "--swap-axes, or export it with x (longitude) first.",
                    text=_name(self.system),
                    x=f"{x:.6g}",
                    y=f"{y:.6g}",
                    here=here,
                )
            )
        fitting = [code for code in _USUAL if self._lands(_transformer(code), x, y, _NEAR_M)]
        hint = (
            Sentence(" They would fit EPSG:%(code)s.", code=fitting[0])
            if fitting and self.place.known
            else ""
        )
        raise DataError(
            Sentence(
                "The coordinate system is wrong, or the file is of another place: read as "
                "%(text)s, the coordinates (%(x)s, %(y)s) land %(here)s.%(hint)s Name the right "
                "system with --crs, or take the file of the quarter.",
                text=_name(self.system),
                x=f"{x:.6g}",
                y=f"{y:.6g}",
                here=here,
                hint=hint,
            )
        )

    def _plausible(self, x: float, y: float) -> bool:
        if self.place.known is not None:
            return self._lands(self._to_metric, x, y, REACH_M)
        if not np.isfinite(self._to_metric.transform(x, y)).all():
            return False
        lon, lat = _lon_lat(self._to_metric, x, y)
        if _scale_error(lon, lat) > MAX_SCALE_ERROR:
            return False
        # Who names the system answers for it: some use one zone for a whole country.
        area = self.system.area_of_use
        return (
            self.asked is not None
            or area is None
            or (
                area.west - 0.25 <= lon <= area.east + 0.25
                and area.south - 0.25 <= lat <= area.north + 0.25
            )
        )

    def _lands(self, transformer: Transformer, x: float, y: float, within_m: float) -> bool:
        try:
            east, north = transformer.transform(x, y)
        except ProjError:
            return False
        if not (np.isfinite(east) and np.isfinite(north)):
            return False
        return bool(self.place.distance_m(np.array([shapely.Point(east, north)]))[0] <= within_m)

    def _described(self, x: float, y: float) -> Sentence:
        lon, lat = _lon_lat(self._to_metric, x, y)
        if not (np.isfinite(lon) and np.isfinite(lat)):
            return Sentence("nowhere on Earth")
        where = Sentence("at %(lon)s°E %(lat)s°N", lon=f"{lon:.3f}", lat=f"{lat:.3f}")
        if self.place.known is None:
            return Sentence(
                "%(where)s, outside what that system or EPSG:%(srid)s covers",
                where=where, srid=SRID,
            )  # fmt: skip
        metric = shapely.Point(*self._to_metric.transform(x, y))
        far_m = float(self.place.distance_m(np.array([metric]))[0])
        return Sentence(
            "%(where)s, %(far)s km away from the quarter", where=where, far=f"{far_m / 1000:,.0f}"
        )


def _named(asked: str) -> CRS:
    try:
        return CRS.from_user_input(int(asked) if str(asked).isdigit() else asked)
    except (CRSError, ValueError) as error:
        raise DataError(
            Sentence("--crs %(asked)s is not a known coordinate system; write 32632.", asked=asked)
        ) from error


def _name(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.name


def _transformer(crs: CRS | int) -> Transformer:
    try:
        return Transformer.from_crs(crs, SRID, always_xy=True)
    except ProjError as error:
        raise DataError(
            Sentence(
                "%(crs)s cannot be converted to EPSG:%(srid)s: %(error)s.",
                crs=crs,
                srid=SRID,
                error=error,
            )
        ) from error


def _lon_lat(to_metric: Transformer, x: float, y: float) -> tuple[float, float]:
    east, north = to_metric.transform(x, y)
    back = Transformer.from_crs(SRID, WGS84, always_xy=True)
    lon, lat = back.transform(east, north)
    return float(lon), float(lat)


def _scale_error(lon: float, lat: float) -> float:
    """By how much lengths in the metric system differ from lengths on the ground there."""
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return float("inf")
    factors = Proj(CRS.from_epsg(SRID)).get_factors(lon, lat)
    scale = float(factors.meridional_scale)
    return abs(scale - 1.0) if np.isfinite(scale) else float("inf")


def _corners(sample: NDArray[Any]) -> NDArray[np.float64]:
    """Lower left corners of the shapes that have one."""
    bounds = shapely.bounds(sample)
    return np.asarray(bounds[np.isfinite(bounds).all(axis=1)][:, :2], dtype=np.float64)


def _most(
    corners: NDArray[np.float64], fits: Callable[[float, float], bool]
) -> NDArray[np.float64]:
    """Those of the first corners that fit where they are at least half of them, else all."""
    few = corners[:_TRIED_ROWS]
    fitting = np.array([fits(float(x), float(y)) for x, y in few], dtype=bool)
    return few[fitting] if fitting.any() and 2 * fitting.sum() >= len(few) else corners


def _middle(corners: NDArray[np.float64]) -> tuple[float, float]:
    if len(corners) == 0:
        return float("nan"), float("nan")
    x, y = np.median(corners, axis=0)
    return float(x), float(y)
