"""Receiver points on façades (*ricettori in facciata*), and which of them are a flat's own.

Receivers stand one metre off the façade at the height of the windows of each storey, where
Italian rules measure (D.M. 16/3/1998, annex B). Façades are shared among the stairwells of a
building, so that a flat gets the level of its own side and floor.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

OCTANTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

#: Changes when the layout rule changes: levels of different rules are never added point by point.
LAYOUT_VERSION = "1"

#: Storeys higher or lower than this are an error of height or number, not a building.
PLAUSIBLE_STOREY_M = (2.2, 5.0)

#: Share of a path outside the footprint counts this much when stairwells share the façades.
OUTSIDE_WEIGHT = 4.0


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """How receivers are laid out.

    :ivar spacing_m: largest distance between two receivers of one façade in plan; ``inf`` gives
        one per side, storey and stairwell.
    :ivar offset_m: distance from the wall.
    :ivar window_height_m: receiver above the floor of its storey.
    :ivar storey_height_m: where height and number of storeys do not tell it.
    :ivar shortest_side_m: shorter sides get no receiver (unless the building has no longer one).
    :ivar unknown_height_m: the only receiver height where neither storeys nor height are known
        (4 m, as in Directive 2002/49/EC annex I).
    """

    spacing_m: float = 8.0
    offset_m: float = 1.0
    window_height_m: float = 1.5
    storey_height_m: float = 3.0
    shortest_side_m: float = 1.5
    unknown_height_m: float = 4.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise DataError(f"{name} = {getattr(self, name)}: give a number of metres above 0.")


@dataclass(frozen=True)
class FacadeReceivers:
    """Receivers in their fixed order: building, ring, side, place along it, storey.

    :ivar xyz: shape (m, 3), metres, z above the local ground.
    :ivar building: shape (m,), position in the frame of buildings that was given.
    :ivar stairwell_id: shape (m,), 0 where the façade is shared by the whole building.
    :ivar storey: shape (m,), 0 is the ground floor, -1 where storeys are not known.
    :ivar azimuth_deg: shape (m,), where the façade looks to, degrees from grid north.
    :ivar starts: shape (n + 1,), receivers of building ``i`` are ``starts[i]:starts[i + 1]``.
    :ivar building_ids: shape (n,).
    :ivar keys: one per building; equal keys mean the same points in the same order.
    :ivar notes: {sentence: number of buildings} on what was not known.
    """

    xyz: FloatArray
    building: IntArray
    stairwell_id: IntArray
    storey: IntArray
    azimuth_deg: FloatArray
    starts: IntArray
    building_ids: IntArray
    keys: tuple[str, ...]
    notes: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def octant(self) -> IntArray:
        """Position in :data:`OCTANTS` of the side each receiver looks to; shape (m,)."""
        return octant_of(self.azimuth_deg)


def octant_of(azimuth_deg: npt.ArrayLike) -> IntArray:
    """Compass octant (0 = N, clockwise) of directions in degrees; north is -22.5 to 22.5."""
    return (np.floor(np.asarray(azimuth_deg, float) / 45.0 + 0.5).astype(np.int64)) % 8


def facade_receivers(
    buildings: gpd.GeoDataFrame,
    stairwells: pd.DataFrame | None = None,
    *,
    neighbours: tuple[Shapes, FloatArray] | None = None,
    options: ReceiverOptions | None = None,
) -> FacadeReceivers:
    """Lay out receivers on the façades of buildings, courtyards included.

    A wall against another building gets receivers only above that building's roof. Each place on
    a façade belongs to the stairwell whose entrance is nearest along the footprint: straight
    distance, with stretches outside the footprint counted :data:`OUTSIDE_WEIGHT` times, so that
    a wing across the courtyard is not near. Where no entrance is known the façades are shared.

    :param buildings: columns building_id, height_m, storeys (either may be missing), geometry
        (Polygon or MultiPolygon) in the metric system; optionally spacing_m, in place of the
        options' where a building needs finer or coarser receivers.
    :param stairwells: columns stairwell_id, building_id, geometry (entrance Point or None).
    :param neighbours: footprints and heights (NaN unknown) of further buildings that may touch.
    :param options: see :class:`ReceiverOptions`.
    :returns: receivers in a fixed order; the same input gives the same points and keys.
    :raises DataError: a building without a footprint, or one listed twice.

    Limits: the place of a flat along its façade is not known; grid north stands for true north
    (under 3 degrees apart within a UTM zone).
    """
    opts = options or ReceiverOptions()
    ids = buildings["building_id"].to_numpy(dtype=np.int64)
    shapes = np.asarray(buildings.geometry.values, dtype=object)
    if len(np.unique(ids)) != len(ids):
        raise DataError("A building is listed twice; give each building once.")
    if len(ids) and (shapely.is_missing(shapes) | shapely.is_empty(shapes)).any():
        bad = ids[shapely.is_missing(shapes) | shapely.is_empty(shapes)][0]
        raise DataError(f"Building {bad} has no footprint; give it a polygon.")
    heights, n_storeys, storey_m, notes = _storeys(buildings, opts)
    spacing = np.full(len(ids), opts.spacing_m)
    if "spacing_m" in buildings:
        spacing = buildings["spacing_m"].to_numpy(dtype=float)
    xy, azimuth, own, wall = _places(shapes, spacing, opts)
    roof_m, blocked = _blocked_to(xy, own, shapes, heights, neighbours)
    entrance = _share(wall, own, shapes, ids, stairwells)

    count = n_storeys[own]
    place = np.repeat(np.arange(len(xy)), count)
    storey = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    known = storey_m[own[place]] > 0
    z = np.where(
        known,
        opts.window_height_m + storey * np.where(known, storey_m[own[place]], 0.0),
        opts.unknown_height_m,
    )
    free = ~blocked[place] & (z > roof_m[place])
    shut = np.bincount(own[place], weights=free, minlength=len(ids)) == 0
    if shut.any():
        notes["All façades touch other buildings or overlap them: none was left out."] = int(
            shut.sum()
        )
    kept = free | shut[own[place]]
    place, storey, z, known = place[kept], storey[kept], z[kept], known[kept]
    building = own[place]
    xyz = np.column_stack([xy[place], z]) if len(place) else np.zeros((0, 3))
    starts = np.searchsorted(building, np.arange(len(ids) + 1)).astype(np.int64)
    return FacadeReceivers(
        xyz=xyz,
        building=building,
        stairwell_id=entrance[place],
        storey=np.where(known, storey, -1),
        azimuth_deg=azimuth[place],
        starts=starts,
        building_ids=ids,
        keys=_keys(xyz, starts),
        notes={text: n for text, n in notes.items() if n},
    )


def _storeys(
    buildings: gpd.GeoDataFrame, opts: ReceiverOptions
) -> tuple[FloatArray, IntArray, FloatArray, dict[str, int]]:
    """Heights (NaN unknown), numbers of storeys, storey heights (0 unknown) and notes."""
    height = pd.to_numeric(buildings["height_m"], errors="coerce").to_numpy(dtype=float)
    told = pd.to_numeric(buildings["storeys"], errors="coerce").to_numpy(dtype=float)
    low, high = PLAUSIBLE_STOREY_M
    from_height = np.maximum(1.0, np.round(height / opts.storey_height_m))
    count = np.where(np.isfinite(told), told, from_height)
    unknown = ~np.isfinite(count)
    with np.errstate(invalid="ignore"):
        derived = height / np.where(unknown, 1.0, count)
        odd = np.isfinite(told) & np.isfinite(height) & ~((derived >= low) & (derived <= high))
    storey_m = np.where(np.isfinite(derived) & ~odd, derived, opts.storey_height_m)
    notes = {
        "Number of storeys derived from the height.": int((~np.isfinite(told) & ~unknown).sum()),
        "Neither storeys nor height known: one level for all floors.": int(unknown.sum()),
        "Height and storeys do not agree: 3 m a storey.": int(odd.sum()),
    }
    # A single low storey puts the window under its roof, not at the top of it.
    storey_m = np.where(unknown, 0.0, storey_m)
    return height, np.where(unknown, 1, count).astype(np.int64), storey_m, notes


def _places(
    shapes: Shapes, spacing_m: FloatArray, opts: ReceiverOptions
) -> tuple[FloatArray, FloatArray, IntArray, FloatArray]:
    """Places in plan: points off the wall, azimuths, building positions, points on the wall."""
    if not len(shapes):
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 2))
    parts, of_building = shapely.get_parts(shapely.normalize(shapes), return_index=True)
    rings, of_part = shapely.get_rings(
        shapely.orient_polygons(parts, exterior_cw=False), return_index=True
    )
    # Small steps and the chords of round walls make no façade of their own.
    slim = shapely.simplify(rings, 0.3)
    rings = np.where(shapely.is_empty(slim), rings, slim)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    start, end, ring = points[:-1][inner], points[1:][inner], ring[:-1][inner]
    owner = of_building[of_part[ring]].astype(np.int64)
    length = np.hypot(*(end - start).T)
    longest = np.zeros(len(shapes))
    np.maximum.at(longest, owner, length)
    side = (length >= opts.shortest_side_m) | (length >= longest[owner]) & (length > 0)
    start, end, owner, length = start[side], end[side], owner[side], length[side]

    count = np.maximum(1, np.ceil(length / spacing_m[owner] - 1e-6)).astype(np.int64)
    which = np.repeat(np.arange(len(count)), count)
    rank = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    share = (rank + 0.5) / count[which]
    along = (end - start)[which]
    wall = start[which] + share[:, None] * along
    outward = np.column_stack([along[:, 1], -along[:, 0]]) / length[which][:, None]
    azimuth = np.degrees(np.arctan2(outward[:, 0], outward[:, 1])) % 360.0
    # Part order inside a building is kept; buildings are already in the order of the frame.
    order = np.argsort(owner[which], kind="stable")
    xy = wall + opts.offset_m * outward
    return xy[order], azimuth[order], owner[which][order], wall[order]


def _blocked_to(
    xy: FloatArray,
    own: IntArray,
    shapes: Shapes,
    heights: FloatArray,
    neighbours: tuple[Shapes, FloatArray] | None,
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Height up to which another building covers each place, and places inside their own."""
    roof = np.zeros(len(xy))
    inside_own = np.zeros(len(xy), dtype=bool)
    if not len(xy):
        return roof, inside_own
    others, tops = shapes, heights
    if neighbours is not None:
        others = np.concatenate([shapes, np.asarray(neighbours[0], dtype=object)])
        tops = np.concatenate([heights, np.asarray(neighbours[1], dtype=float)])
    tree = shapely.STRtree(others)
    place, other = tree.query(shapely.points(xy), predicate="intersects")
    is_own = other == own[place]
    inside_own[place[is_own]] = True
    place, other = place[~is_own], other[~is_own]
    # An unknown height covers the whole wall.
    np.maximum.at(roof, place, np.where(np.isfinite(tops[other]), tops[other], np.inf))
    return roof, inside_own


def _share(
    wall: FloatArray,
    own: IntArray,
    shapes: Shapes,
    ids: IntArray,
    stairwells: pd.DataFrame | None,
) -> IntArray:
    """Stairwell of each place: the nearest entrance along the footprint, 0 where not known."""
    result = np.zeros(len(wall), dtype=np.int64)
    if stairwells is None or not len(stairwells):
        return result
    entrance = np.asarray(stairwells["geometry"], dtype=object)
    stairwell_id = stairwells["stairwell_id"].to_numpy(dtype=np.int64)
    position = pd.Index(ids).get_indexer(stairwells["building_id"].to_numpy(dtype=np.int64))
    usable = (position >= 0) & ~(shapely.is_missing(entrance) | shapely.is_empty(entrance))
    order = np.lexsort((stairwell_id, position))
    order = order[usable[order]]
    position, stairwell_id = position[order], stairwell_id[order]
    doors = shapely.get_coordinates(entrance[order])
    first = np.searchsorted(position, np.arange(len(ids)))
    number = np.searchsorted(position, np.arange(len(ids)), side="right") - first
    single = number[own] == 1
    result[single] = stairwell_id[first[own[single]]]
    for b in np.flatnonzero(number > 1):
        mine = slice(*np.searchsorted(own, [b, b + 1]))
        choice = slice(first[b], first[b] + number[b])
        distance = _along_footprint_m(wall[mine], doors[choice], shapes[b])
        result[mine] = stairwell_id[choice][distance.argmin(axis=1)]
    return result


def _along_footprint_m(wall: FloatArray, doors: FloatArray, shape: shapely.Geometry) -> FloatArray:
    """Distances (places, doors) in metres, with stretches outside the footprint made longer."""
    straight = np.hypot(*(wall[:, None, :] - doors[None, :, :]).transpose(2, 0, 1))
    if shape.area >= 0.98 * shape.convex_hull.area:
        return np.asarray(straight)
    ends = np.stack(np.broadcast_arrays(wall[:, None, :], doors[None, :, :]), axis=2)
    lines = shapely.linestrings(ends)
    # The wall itself counts as inside, and so does a door drawn a step in front of it.
    room = shapely.buffer(shape, 0.5, join_style="mitre")
    shapely.prepare(room)
    outside = np.zeros(straight.shape)
    leaves = ~shapely.contains(room, lines)
    outside[leaves] = shapely.length(shapely.difference(lines[leaves], room))
    return np.asarray(straight + (OUTSIDE_WEIGHT - 1.0) * outside)


def _keys(xyz: FloatArray, starts: IntArray) -> tuple[str, ...]:
    """Digest of each building's points to the centimetre."""
    rounded = np.ascontiguousarray(np.round(xyz * 100.0).astype("<i8"))
    return tuple(
        hashlib.blake2s(
            LAYOUT_VERSION.encode() + rounded[a:b].tobytes(), digest_size=12
        ).hexdigest()
        for a, b in pairwise(starts)
    )
