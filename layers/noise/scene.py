"""The surroundings of a noise calculation: buildings, barriers, ground and terrain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from layers.errors import DataError
from layers.noise.bands import FloatArray
from layers.noise.model import Barrier, GroundZone
from layers.noise.packing import Grid, Rings, Zones, pack_grid, pack_rings, pack_zones
from layers.noise.terrain import Terrain


@dataclass(frozen=True)
class Scene:
    """Buildings and ground between sources and receivers, in one metric reference system.

    :ivar footprints: ``k`` polygons or multipolygons; courtyards are holes. They may touch or
        overlap. Those that cross themselves
        are mended; an empty or missing one neither screens nor reflects.
    :ivar heights_m: shape (k,), height of the flat roof: above the ground, or absolute where the
        scene has a terrain. A building of unknown height (NaN, or not above 0 on flat ground)
        neither screens nor reflects, which errs on the loud side; the result says how many.
    :ivar barriers: thin screens such as hoardings.
    :ivar ground: zones of a ground factor; where they overlap the first in the list counts,
        outside all of them ``NoiseOptions.default_ground_factor``.
    :ivar terrain: the relief, or ``None`` for flat ground at height 0. With a relief the slower
        reference method computes; heights of sources, receivers, roofs and barriers are absolute.
    """

    footprints: npt.NDArray[np.object_] | Sequence[shapely.Geometry] = ()
    heights_m: FloatArray | Sequence[float] = ()
    barriers: Sequence[Barrier] = ()
    ground: Sequence[GroundZone] = ()
    terrain: Terrain | None = None
    n_unknown_height: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        shapes = np.array(list(self.footprints), dtype=object)
        heights = np.asarray(self.heights_m, dtype=float).reshape(-1)
        if len(shapes) != len(heights):
            raise DataError(
                f"There are {len(shapes)} footprints but {len(heights)} heights: give one each, "
                "NaN where the height is unknown."
            )
        _check_shapes(shapes)
        if np.isinf(heights).any():
            raise DataError("The height of a building is infinite; give NaN where it is unknown.")
        unknown = ~np.isfinite(heights)
        if self.terrain is None:
            unknown |= ~(heights > 0)
        object.__setattr__(self, "footprints", _repaired(shapes))
        object.__setattr__(self, "heights_m", np.where(unknown, np.nan, heights))
        object.__setattr__(self, "barriers", tuple(self.barriers))
        object.__setattr__(self, "ground", tuple(self.ground))
        object.__setattr__(self, "n_unknown_height", int(unknown.sum()))

    @cached_property
    def origin(self) -> FloatArray:
        """Point (x, y) that packed coordinates count from: near numbers keep their digits."""
        box = shapely.total_bounds(self.footprints) if len(self.footprints) else np.full(4, np.nan)
        if np.isfinite(box).all():
            return np.asarray(np.round(0.5 * (box[:2] + box[2:])), dtype=float)
        if self.barriers:
            return np.asarray(np.round(np.asarray(self.barriers[0].top_edge)[0, :2]), dtype=float)
        return np.zeros(2)

    @cached_property
    def rings(self) -> Rings:
        """Walls as arrays relative to :attr:`origin`."""
        shapes, roofs = np.asarray(self.footprints, dtype=object), np.asarray(self.heights_m)
        return pack_rings(shapes, roofs, self.barriers, self.origin)

    @cached_property
    def grid(self) -> Grid:
        """Grid over the walls."""
        return pack_grid(self.rings)

    @cached_property
    def zones(self) -> Zones:
        """Ground zones as arrays relative to :attr:`origin`."""
        return pack_zones(self.ground, self.origin)

    @cached_property
    def tree(self) -> shapely.STRtree | None:
        """Index of the footprints."""
        return shapely.STRtree(self.footprints) if len(self.footprints) else None

    def missing_notes(self, n_sources_inside: int, n_receivers_inside: int) -> tuple[str, ...]:
        """Sentences on what was unknown or set aside, for the method sheet."""
        notes = []
        if self.n_unknown_height:
            notes.append(
                f"{self.n_unknown_height} buildings of unknown height neither screen nor reflect."
            )
        if n_sources_inside:
            notes.append(
                f"{n_sources_inside} sources lie inside a building, which is taken as absent "
                "for them."
            )
        if n_receivers_inside:
            notes.append(
                f"{n_receivers_inside} receivers lie inside a building, which is taken as absent "
                "for them."
            )
        return tuple(notes)


def _repaired(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Mend footprints that cross themselves; what has no area left becomes none."""
    if not len(shapes):
        return shapes
    mended = shapes.copy()
    bad = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
    for k in bad:
        parts = shapely.get_parts(shapely.make_valid(shapes[k]))
        flat = [p for p in shapely.get_parts(parts) if p.geom_type == "Polygon" and p.area > 0]
        mended[k] = shapely.union_all(flat) if flat else None
    mended[shapely.is_empty(mended)] = None
    return mended


def _check_shapes(shapes: npt.NDArray[np.object_]) -> None:
    known = ~np.array([s is None for s in shapes], dtype=bool)
    if not known.any():
        return
    types = shapely.get_type_id(shapes[known])
    if not np.isin(types, (3, 6)).all():
        place = np.flatnonzero(known)[~np.isin(types, (3, 6))][0]
        raise DataError(f"Footprint {place} is not a polygon: {shapes[place].geom_type}.")
    box = shapely.bounds(shapes[known])
    if np.isinf(box).any():
        raise DataError("A footprint has a coordinate that is not a number.")
