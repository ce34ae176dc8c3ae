"""The level that works are judged against at each building: measured, by class, by quarter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.criteria import class_limit_dba
from layers.criteria.periods import PartOfDay

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """What levels are compared with in one part of day, one value a place.

    :ivar background_dba: measured at the building, or the quarter's where neither that nor a
        class is known; NaN where the class decides.
    :ivar class_limit_dba: immission limit of the acoustic class; NaN where no class is known.
    :ivar counts: places by where the level comes from: measured, class, quarter, unknown.
    """

    background_dba: FloatArray
    class_limit_dba: FloatArray
    counts: Mapping[str, int]


def reference_levels(
    buildings: pd.DataFrame, building_ids: npt.ArrayLike, part: PartOfDay, quarter_dba: float | None
) -> Reference:
    """What the noise of works is compared with at each of ``building_ids``.

    A background measured at the building comes first, then its acoustic class (DPCM
    14/11/1997), then the background set for the quarter; with none of them class III is taken.

    :param buildings: building_id, acoustic_class, background_{day,evening,night}_dba.
    :param quarter_dba: background of the quarter in this part of day, None where not set.
    """
    table = buildings.set_index("building_id").reindex(np.asarray(building_ids, dtype=np.int64))
    measured = pd.to_numeric(table[f"background_{part}_dba"], errors="coerce").to_numpy(dtype=float)
    known = {k: class_limit_dba(k, part) for k in table["acoustic_class"].dropna().unique()}
    by_class = table["acoustic_class"].map(known).to_numpy(dtype=float)
    has_measured, has_class = np.isfinite(measured), np.isfinite(by_class)
    rest = ~has_measured & ~has_class
    background = measured.copy()
    if quarter_dba is not None:
        background[rest] = quarter_dba
    place = np.asarray(building_ids, dtype=np.int64)

    def buildings_in(these: npt.NDArray[np.bool_]) -> int:
        return len(np.unique(place[these]))

    counts = {
        "measured": buildings_in(has_measured),
        "class": buildings_in(has_class & ~has_measured),
        "quarter": buildings_in(rest) if quarter_dba is not None else 0,
        "unknown": 0 if quarter_dba is not None else buildings_in(rest),
    }
    return Reference(background, by_class, counts)
