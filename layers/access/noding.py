"""From drawn paths to edges that meet at nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from layers.errors import DataError

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Geometries = NDArray[Any]

#: Measures of a way that an edge carries; a missing column is unknown everywhere.
MEASURES = ("width_m", "slope_pct", "cross_slope_pct", "steps", "kerb_cm", "headroom_m")

#: Pieces shorter than this are not made when a line is cut, m.
SHORTEST_PIECE_M = 1e-3


@dataclass(frozen=True)
class Edges:
    """Edges of the graph: nodes, geometry, length and measures, all arrays of one length.

    ``ways`` holds ``kind`` and the ``MEASURES``; ``path`` the position of the drawn path in
    its frame (-1 for a connector); ``node_xy`` the coordinates of the nodes.
    """

    start: IntArray
    end: IntArray
    geometry: Geometries
    length_m: FloatArray
    path: IntArray
    ways: dict[str, NDArray[Any]]
    node_xy: FloatArray

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.node_xy.shape[0])


def checked_paths(paths: gpd.GeoDataFrame) -> tuple[Geometries, IntArray, dict[str, NDArray[Any]]]:
    """Single lines of a frame of paths, the row of each, and the measures by row.

    Raises
    ------
    DataError
        The frame is in degrees, a geometry is not a line, or a measure cannot be.
    """
    if paths.crs is not None and paths.crs.is_geographic:
        raise DataError(
            "Paths: the frame is in degrees; bring it to the metric CRS before the graph is built."
        )
    geometry = np.asarray(paths.geometry.values, dtype=object)
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    types = shapely.get_type_id(geometry)
    wrong = ~missing & ~np.isin(types, (1, 5))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"Paths, row {row + 1}: {geometry[row].geom_type} is not a line; draw paths as lines."
        )
    lines, rows = shapely.get_parts(geometry[~missing], return_index=True)
    rows = np.flatnonzero(~missing)[rows]
    if not shapely.is_simple(lines).all():
        # a line that crosses itself meets itself there
        lines, part = shapely.get_parts(
            np.where(shapely.is_simple(lines), lines, shapely.node(lines)), return_index=True
        )
        rows = rows[part]
    ways: dict[str, NDArray[Any]] = {
        name: (
            np.asarray(paths[name], dtype=np.float64)
            if name in paths
            else np.full(len(paths), np.nan)
        )
        for name in MEASURES
    }
    for name in ("width_m", "steps", "headroom_m"):
        bad = ways[name] < 0
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"Paths, row {row + 1}: {name} is {ways[name][row]:g}; it cannot be below 0."
            )
    kind = np.asarray(paths["kind"], dtype=object) if "kind" in paths else np.full(len(paths), "")
    ways["kind"] = np.array([str(k) for k in kind], dtype=object)
    # a flight of steps whose number nobody counted still has steps
    uncounted = (ways["kind"] == "steps") & ~(ways["steps"] > 0)
    ways["steps"] = np.where(uncounted, 1.0, ways["steps"])
    long_enough = shapely.length(lines) > SHORTEST_PIECE_M
    return lines[long_enough], rows[long_enough].astype(np.int64), ways


def _cuts_at_crossings(lines: Geometries, tree: shapely.STRtree) -> list[tuple[int, float]]:
    """Where lines cross or run together: (line, distance along it).

    Ends that touch a line are found by ``_cuts_at_ends``; leaving them out here saves most of
    the intersections of a street grid.
    """
    pairs = [tree.query(lines, predicate=how) for how in ("crosses", "overlaps")]
    first, second = np.concatenate(pairs, axis=1)
    meets = shapely.intersection(lines[first], lines[second])
    points, which = shapely.get_coordinates(meets, return_index=True)
    along = shapely.line_locate_point(lines[first[which]], shapely.points(points))
    return list(zip(first[which].tolist(), along.tolist(), strict=True))


def _cuts_at_ends(lines: Geometries, tree: shapely.STRtree, snap_m: float) -> list[
    tuple[int, float]
]:  # fmt: skip
    """Where the end of a line stops just short of another line: (line, distance along it)."""
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    own = np.tile(np.arange(lines.size), 2)
    point, line = tree.query(ends, predicate="dwithin", distance=snap_m)
    keep = own[point] != line
    along = shapely.line_locate_point(lines[line[keep]], ends[point[keep]])
    return list(zip(line[keep].tolist(), along.tolist(), strict=True))


def cut_line(line: Any, positions: list[float]) -> list[Any]:
    """Cut a line at distances along it; pieces shorter than a millimetre are not made."""
    length_m = line.length
    kept = [0.0]
    for position in sorted(positions):
        if position - kept[-1] > SHORTEST_PIECE_M and length_m - position > SHORTEST_PIECE_M:
            kept.append(position)
    if len(kept) == 1:
        return [line]
    kept.append(length_m)
    xy = shapely.get_coordinates(line)
    at_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    cuts = np.column_stack([np.interp(kept, at_m, xy[:, k]) for k in (0, 1)])
    first = np.searchsorted(at_m, kept, side="right")
    last = np.searchsorted(at_m, kept, side="left")
    return [
        shapely.linestrings(np.vstack([cuts[i], xy[first[i] : last[i + 1]], cuts[i + 1]]))
        for i in range(len(kept) - 1)
    ]


def merged_nodes(points: FloatArray, snap_m: float) -> tuple[IntArray, FloatArray]:
    """One node for points within the tolerance of each other: node of each point, node xy."""
    if points.shape[0] == 0:
        return np.empty(0, dtype=np.int64), np.empty((0, 2))
    pairs = KDTree(points).query_pairs(snap_m, output_type="ndarray")
    n = points.shape[0]
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    n_nodes, label = connected_components(graph, directed=False)
    weight = np.bincount(label, minlength=n_nodes)
    xy = np.column_stack(
        [np.bincount(label, points[:, k], minlength=n_nodes) / weight for k in (0, 1)]
    )
    return label.astype(np.int64), xy


def _halved_loops(
    pieces: Geometries, origin: IntArray, snap_m: float
) -> tuple[Geometries, IntArray]:
    """Lines that return to where they started, cut in two: an edge needs two nodes."""
    gap_m = shapely.distance(shapely.get_point(pieces, 0), shapely.get_point(pieces, -1))
    loops = np.flatnonzero((gap_m <= snap_m) & (shapely.length(pieces) > 2.0 * snap_m))
    halves = [cut_line(pieces[loop], [pieces[loop].length / 2.0]) for loop in loops]
    flat = np.array([half for pair in halves for half in pair], dtype=object)
    kept = np.delete(np.arange(pieces.size), loops)
    again = np.repeat(loops, [len(pair) for pair in halves])
    return np.concatenate([pieces[kept], flat]), origin[np.concatenate([kept, again])]


def node_paths(
    paths: gpd.GeoDataFrame, *, snap_m: float = 0.5, join_crossings: bool = True
) -> Edges:
    """Cut paths where they meet and join their ends to nodes.

    Parameters
    ----------
    paths
        Lines in a metric CRS, with any of ``kind`` and the ``MEASURES``.
    snap_m
        Ends nearer than this to each other or to a line are joined, m.
    join_crossings
        Whether lines that cross without a common vertex meet; False where the data have
        bridges and underpasses.

    Returns
    -------
    The edges; a cut piece keeps the measures of its path, steps and kerbs included, because
    nobody knows on which piece they are.
    """
    lines, rows, ways = checked_paths(paths)
    positions: dict[int, list[float]] = {}
    if lines.size:
        tree = shapely.STRtree(lines)
        cuts = _cuts_at_ends(lines, tree, snap_m)
        if join_crossings:
            cuts += _cuts_at_crossings(lines, tree)
        for line, along in cuts:
            positions.setdefault(line, []).append(along)
    pieces: list[Any] = []
    origin: list[int] = []
    for index, line in enumerate(lines):
        made = cut_line(line, positions[index]) if index in positions else [line]
        pieces += made
        origin += [index] * len(made)
    geometry, line_of = _halved_loops(
        np.array(pieces, dtype=object), np.array(origin, dtype=np.int64), snap_m
    )
    ends = np.concatenate([shapely.get_point(geometry, 0), shapely.get_point(geometry, -1)])
    node, node_xy = merged_nodes(shapely.get_coordinates(ends), snap_m)
    start, end = node[: geometry.size], node[geometry.size :]
    keep = start != end
    path = rows[line_of[keep]]
    return Edges(
        start=start[keep], end=end[keep], geometry=geometry[keep],
        length_m=shapely.length(geometry[keep]), path=path,
        ways={name: values[path] for name, values in ways.items()}, node_xy=node_xy,
    )  # fmt: skip
