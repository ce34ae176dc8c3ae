"""Relief for the reference method: ground height along a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layers.errors import DataError
from layers.noise.bands import FloatArray


@dataclass(frozen=True)
class Terrain:
    """Relief along one source-receiver line.

    :ivar profile: shape (p, 2), distance from the source in plan and absolute ground height in
        metres, ascending; straight between points, constant beyond the ends.
    """

    profile: FloatArray | Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        points = np.atleast_2d(np.asarray(self.profile, dtype=float))
        if points.shape[0] < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise DataError("A terrain profile needs two or more pairs of distance and height.")
        if np.any(np.diff(points[:, 0]) < 0):
            raise DataError("The distances of a terrain profile must ascend.")
        object.__setattr__(self, "profile", points)
