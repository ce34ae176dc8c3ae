"""Which receivers are a flat's own: levels per side and floor from levels at façades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.errors import DataError
from layers.receivers import OCTANTS, FacadeReceivers

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FlatLevels:
    """Levels of flats from the levels at receivers.

    :ivar highest: shape (f,), on the loudest of the flat's sides; ``-inf`` without receivers.
    :ivar quietest: shape (f,), on the quietest of its sides (its loudest point there).
    :ivar sides_known: shape (f,), false where all sides of the stairwell were taken.
    :ivar floor_known: shape (f,), false where all floors were taken.
    """

    highest: FloatArray
    quietest: FloatArray
    sides_known: npt.NDArray[np.bool_]
    floor_known: npt.NDArray[np.bool_]


def levels_of_flats(
    receivers: FacadeReceivers, level: FloatArray, flats: pd.DataFrame
) -> FlatLevels:
    """Highest and quietest level of each flat on its own side and floor.

    :param receivers: the layout that ``level`` (shape (m,), dB(A) or any other quantity where
        more is worse) refers to.
    :param flats: columns building_id, stairwell_id, storey (missing: not known), exposures
        (sequence of :data:`OCTANTS`, or None: not known).
    :returns: in the order of ``flats``.

    A flat takes the receivers of its stairwell (of its building where no entrance is known), of
    its storey (of all where not known) and of its sides (of all where not known); a side told as
    N where the façade looks NE counts as that façade.
    """
    if level.shape != (len(receivers),):
        raise DataError(f"{level.shape} levels for {len(receivers)} receivers: give one each.")
    table, first, size, whole, own = _table(receivers, level, flats)
    storey = pd.to_numeric(flats["storey"], errors="coerce").to_numpy(dtype=float)
    sides = _sides(flats["exposures"])

    floor_known = np.isfinite(storey) & (size[own] > 1)
    step = np.clip(np.nan_to_num(storey), 0, np.maximum(size[own] - 1, 0)).astype(np.int64)
    rows = table[first[own] + np.where(floor_known | (size[own] == 1), step, size[own])]
    for fallback in (first[own] + size[own], first[whole] + size[whole]):
        empty = _nothing(rows)
        floor_known &= ~empty
        rows = np.where(empty[:, None], table[fallback], rows)
    # A façade one octant off the told side is that side: plans are seldom told to 45 degrees.
    beside = np.maximum(np.roll(rows, 1, axis=1), np.roll(rows, -1, axis=1))
    near = np.where(rows == -np.inf, beside, rows)
    own_sides = np.where(sides, near, -np.inf)
    sides_known = ~_nothing(own_sides)
    chosen = np.where(sides_known[:, None], own_sides, rows)
    highest = chosen.max(axis=1, initial=-np.inf)
    quietest = np.where(chosen == -np.inf, np.inf, chosen).min(axis=1, initial=np.inf)
    return FlatLevels(
        highest=highest,
        quietest=np.where(highest == -np.inf, -np.inf, quietest),
        sides_known=sides_known,
        floor_known=floor_known,
    )


def _nothing(rows: FloatArray) -> npt.NDArray[np.bool_]:
    """Rows without any receiver."""
    return np.asarray((rows == -np.inf).all(axis=1))


def _table(
    receivers: FacadeReceivers, level: FloatArray, flats: pd.DataFrame
) -> tuple[FloatArray, IntArray, IntArray, IntArray, IntArray]:
    """Highest level per share of façade, storey and octant.

    Returns the table (rows, 8), first row and number of storeys of each share, and for each flat
    its building's share and its own. Each share has one row more, for all storeys together.
    """
    n = len(receivers.building_ids)
    # Shares 0 to n - 1 are whole buildings, n is nothing at all, then the stairwells.
    stairs, of_stair = np.unique(receivers.stairwell_id, return_inverse=True)
    n_shares = n + 1 + len(stairs)
    storey = np.maximum(receivers.storey, 0)
    size = np.zeros(n_shares, dtype=np.int64)
    pairs = ((receivers.building, storey), (n + 1 + of_stair, storey))
    for share, floor in pairs:
        np.maximum.at(size, share, floor + 1)
    first = np.concatenate([[0], np.cumsum(size + 1)])[:-1]
    table = np.full((int((size + 1).sum()), 8), -np.inf)
    octant = receivers.octant
    for share, floor in pairs:
        np.maximum.at(table, (first[share] + floor, octant), level)
        np.maximum.at(table, (first[share] + size[share], octant), level)
    building = pd.Index(receivers.building_ids).get_indexer(
        flats["building_id"].to_numpy(dtype=np.int64)
    )
    whole = np.where(building >= 0, building, n)
    wanted = flats["stairwell_id"].to_numpy(dtype=np.int64)
    at = np.searchsorted(stairs, wanted)
    found = (at < len(stairs)) & (wanted != 0)
    found[found] = stairs[at[found]] == wanted[found]
    return table, first, size, whole, np.where(found, n + 1 + at, whole)


def _sides(exposures: pd.Series) -> npt.NDArray[np.bool_]:
    number = {name: k for k, name in enumerate(OCTANTS)}
    sides = np.zeros((len(exposures), 8), dtype=bool)
    for i, told in enumerate(exposures):
        if isinstance(told, str) or not hasattr(told, "__iter__"):
            continue
        for name in told:
            if name not in number:
                raise DataError(f"Exposure {name!r}: give one of {', '.join(OCTANTS)}.")
            sides[i, number[name]] = True
    return sides
