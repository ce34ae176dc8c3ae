"""Dust (*polvere*) from demolition and construction by the method of the IAQM.

Screening, magnitude of each activity, sensitivity of the area with counted receptors, and the
risk without mitigation, in the editions of 2014 (v1.1) and 2024 (v2.2). No database; the tables
lie beside in ``dust.yaml``.

Limits of use: a risk class chooses measures, it is not a concentration. Dwellings are counted
as units; distances are from the dust source or, for trackout, from the edge of the route.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from layers.errors import DataError

Edition = Literal["2014", "2024"]
Activity = Literal["demolition", "earthworks", "construction", "trackout"]
Effect = Literal["soiling", "health", "ecological"]

#: Classes of risk and of sensitivity, in rising order; arrays hold the index.
RISKS: tuple[str, ...] = ("Negligible", "Low", "Medium", "High")
#: Classes of magnitude in rising order.
MAGNITUDES: tuple[str, ...] = ("Small", "Medium", "Large")
#: Annual limit of PM10 the health table stands for, µg/m³ (D.Lgs. 155/2010).
PM10_LIMIT_UG_M3 = 40.0

_EDITION_NAMES = {
    "2014": "2014",
    "2016": "2014",
    "2023": "2024",
    "2023/24": "2024",
    "2024": "2024",
}


@cache
def _tables() -> dict[str, Any]:
    path = Path(__file__).with_suffix(".yaml")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _edition(edition: str) -> str:
    name = _EDITION_NAMES.get(str(edition))
    if name is None:
        raise DataError(f"IAQM edition “{edition}” is unknown; known are 2014 and 2024.")
    return name


def _choice(what: str, value: str, known: Any) -> str:
    if value not in known:
        raise DataError(f"{what} “{value}” is unknown; known are {', '.join(known)}.")
    return value


def _number(name: str, value: float) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise DataError(f"Dust, {name}: {value} cannot be right; give a value from 0 up.")
    return number


def assessment_required(
    human_boundary_m: float | None = None,
    *,
    human_route_m: float | None = None,
    ecological_boundary_m: float | None = None,
    ecological_route_m: float | None = None,
    from_exit_m: float = 0.0,
    edition: str = "2024",
) -> bool:
    """Whether receptors are near enough for an assessment (step 1).

    Parameters
    ----------
    human_boundary_m, ecological_boundary_m
        Distance of the nearest receptor from the site boundary, m; None where there is none.
    human_route_m, ecological_route_m
        Distance of the nearest receptor from the route of site vehicles, m.
    from_exit_m
        Length along the route from the site exit to that place, m.
    edition
        ``2014`` or ``2024``.
    """
    reach = _tables()["editions"][_edition(edition)]["screening_m"]
    on_route = _number("from exit", from_exit_m) <= reach["route_from_exit"]

    def near(distance_m: float | None, reach_m: float) -> bool:
        return distance_m is not None and _number("distance", distance_m) <= reach_m

    return (
        near(human_boundary_m, reach["human_boundary"])
        or near(ecological_boundary_m, reach["ecological_boundary"])
        or (on_route and near(human_route_m, reach["route"]))
        or (on_route and near(ecological_route_m, reach["route"]))
    )


def magnitude(
    activity: Activity,
    *,
    edition: str = "2024",
    crushing_or_blasting: bool = False,
    **criteria: float | None,
) -> str:
    """The dust emission magnitude of an activity (step 2A).

    Any one criterion may set the class, so the highest counts; criteria that are None are left
    out. On-site crushing, batching or sandblasting is Large.

    Parameters
    ----------
    activity
        ``demolition`` (``building_volume_m3``, ``height_m``), ``earthworks``
        (``site_area_m2``, ``earth_moving_vehicles``, ``bund_height_m``), ``construction``
        (``building_volume_m3``) or ``trackout`` (``hdv_outward_per_day``, ``unpaved_road_m``).
    edition
        ``2014`` or ``2024``.
    crushing_or_blasting
        Crushing, concrete batching or sandblasting on site.
    criteria
        The values named above.

    Returns
    -------
    ``Small``, ``Medium`` or ``Large``.

    Raises
    ------
    DataError
        Unknown activity, edition or criterion, no criterion at all, or an impossible value.

    >>> magnitude("demolition", edition="2014", building_volume_m3=60_000)
    'Large'
    """
    year = _edition(edition)
    rows = _tables()["magnitude"][_choice("Activity", activity, _tables()["magnitude"])]
    found = [2] if crushing_or_blasting else []
    for name, value in criteria.items():
        _choice(f"Criterion for {activity}:", name, rows)
        if value is not None:
            medium_from, large_above = rows[name][year]
            number = _number(name, value)
            found.append(2 if number > large_above else 1 if number >= medium_from else 0)
    if not found:
        raise DataError(f"Dust, {activity}: give at least one of {', '.join(rows)}.")
    return MAGNITUDES[max(found)]


def _rows_for(effect: str, receptor: str, pm10_ug_m3: float | None) -> list[dict[str, Any]]:
    """The rows of the sensitivity table that hold at this annual mean of PM10."""
    _choice("Effect", effect, ("soiling", "health", "ecological"))
    rows: list[dict[str, Any]] = _tables()[effect][
        _choice("Receptor sensitivity", receptor, _tables()[effect])
    ]
    if effect != "health":
        return rows
    if pm10_ug_m3 is None:
        raise DataError("Dust, human health: the annual mean of PM10 in µg/m³ is needed.")
    pm10 = _number("annual mean of PM10", pm10_ug_m3)
    held = [r for r in rows if pm10 > r.get("pm10_above", -1.0) and pm10 >= r.get("pm10_from", 0.0)]
    key = (held[0].get("pm10_above"), held[0].get("pm10_from"))
    return [r for r in held if (r.get("pm10_above"), r.get("pm10_from")) == key]


def _class_of(rows: list[dict[str, Any]], number: float, column: int) -> int:
    for row in rows:
        if number > row.get("above", -1.0) and number >= row.get("at_least", 0.0):
            return RISKS.index(row["classes"][column])
    return 0


def area_sensitivity(
    effect: Effect,
    receptor: str,
    distances_m: ArrayLike,
    numbers: ArrayLike = 1.0,
    *,
    pm10_ug_m3: float | None = None,
    edition: str = "2024",
) -> str:
    """The sensitivity of the area to an effect (step 2B).

    Receptors are counted cumulatively: the column “< 50 m” counts everything nearer than
    50 m. The highest class over the columns counts.

    Parameters
    ----------
    effect
        ``soiling``, ``health`` or ``ecological``.
    receptor
        Sensitivity of the receptors: ``High`` (dwellings, schools, hospitals), ``Medium``
        (parks, workplaces) or ``Low`` (footpaths, short stay).
    distances_m
        Distances of the receptors from the source, m, any shape.
    numbers
        How many receptors stand at each distance (a building of 40 flats is 40).
    pm10_ug_m3
        Annual mean of PM10, needed for ``health``.
    edition
        ``2014`` or ``2024``.

    Returns
    -------
    ``High``, ``Medium``, ``Low``, or ``Negligible`` where no receptor is within reach.

    >>> area_sensitivity("soiling", "High", [15], [150], edition="2014")
    'High'
    """
    return RISKS[
        int(
            receptor_sensitivity(
                effect, receptor, distances_m, numbers, pm10_ug_m3=pm10_ug_m3, edition=edition
            ).max(initial=0)
        )
    ]


def receptor_sensitivity(
    effect: Effect,
    receptor: str,
    distances_m: ArrayLike,
    numbers: ArrayLike = 1.0,
    *,
    pm10_ug_m3: float | None = None,
    edition: str = "2024",
) -> NDArray[np.int8]:
    """The class of the area at each receptor: its own column with all the receptors in it.

    Parameters as in ``area_sensitivity``, whose class is the highest of these.

    Returns
    -------
    Index into ``RISKS`` for each receptor, shape of the broadcast inputs; 0 out of reach.
    """
    distances, counts = np.broadcast_arrays(
        np.atleast_1d(np.asarray(distances_m, dtype=np.float64)),
        np.asarray(numbers, dtype=np.float64),
    )
    if not (np.isfinite(distances).all() and (distances >= 0).all()):
        raise DataError("Dust: distances of receptors must be numbers from 0 up, in m.")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise DataError("Dust: numbers of receptors must be from 0 up.")
    columns_m = _tables()["editions"][_edition(edition)]["columns_m"][effect] if effect in (
        "soiling", "health", "ecological"
    ) else []  # fmt: skip
    rows = _rows_for(effect, receptor, pm10_ug_m3)
    classes = np.array(
        [
            _class_of(rows, float(counts[distances < edge_m].sum()), column)
            for column, edge_m in enumerate(columns_m)
        ]
        + [0],
        dtype=np.int8,
    )
    # A column of a farther edge can only lower the class of the table, but with counts it may
    # raise it: who is near belongs to every column that encloses him.
    enclosing = np.maximum.accumulate(classes[::-1])[::-1]
    found: NDArray[np.int8] = enclosing[np.searchsorted(columns_m, distances, side="right")]
    return np.where(counts > 0, found, 0).astype(np.int8)


def risk_classes(
    activity: Activity, sensitivity: ArrayLike, magnitude_class: str
) -> NDArray[np.int8]:
    """The risk of an activity for sensitivities given as indices into ``RISKS`` (step 2C).

    Returns
    -------
    Index into ``RISKS``, shape of ``sensitivity``; Negligible where nothing is in reach.
    """
    rows = _tables()["risk"][_choice("Activity", activity, _tables()["risk"])]
    _choice("Magnitude", magnitude_class, MAGNITUDES)
    column = 2 - MAGNITUDES.index(magnitude_class)
    by_class = [0] + [RISKS.index(rows[name][column]) for name in RISKS[1:]]
    indices = np.asarray(sensitivity, dtype=np.int64)
    if ((indices < 0) | (indices >= len(RISKS))).any():
        raise DataError("Dust: a class of sensitivity is not one of the table.")
    found: NDArray[np.int8] = np.array(by_class, dtype=np.int8)[indices]
    return found


def risk(activity: Activity, sensitivity: str, magnitude_class: str) -> str:
    """The risk of dust from one activity without mitigation (step 2C).

    >>> risk("demolition", "High", "Large")
    'High'
    """
    index = RISKS.index(_choice("Area sensitivity", sensitivity, RISKS))
    return RISKS[int(risk_classes(activity, index, magnitude_class))]
