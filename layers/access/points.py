"""Joining entrances and places to the nearest way."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.access.noding import (
    MEASURES,
    Edges,
    Geometries,
    IntArray,
    cut_line,
)

#: Length given to a connector of no length, so that it stays in the sparse graph, m.
SHORTEST_CONNECTOR_M = 1e-6


def nearest_edges(edges: Edges, points: Geometries, reach_m: float) -> IntArray:
    """The edge nearest to each point, -1 where none is within reach or the point is missing."""
    found = np.full(points.size, -1, dtype=np.int64)
    there = np.flatnonzero(~(shapely.is_missing(points) | shapely.is_empty(points)))
    if edges.geometry.size and there.size:
        tree = shapely.STRtree(edges.geometry)
        which, edge = tree.query_nearest(points[there], max_distance=reach_m, all_matches=False)
        found[there[which]] = edge
    return found


def with_points(edges: Edges, points: Geometries, *, reach_m: float) -> tuple[Edges, IntArray]:
    """The graph with a node for each point, joined at right angles to its nearest way.

    Parameters
    ----------
    edges
        The graph of the ways.
    points
        Points, or None where unknown.
    reach_m
        A point farther than this from every way is not joined, m.

    Returns
    -------
    The larger graph and the node of each point, -1 where it is not joined. Connectors have
    the kind ``connector`` and no measures.
    """
    edge_of = nearest_edges(edges, points, reach_m)
    joined = np.flatnonzero(edge_of >= 0)
    along = np.zeros(points.size)
    along[joined] = shapely.line_locate_point(edges.geometry[edge_of[joined]], points[joined])
    foot = np.full(points.size, None, dtype=object)
    foot[joined] = shapely.line_interpolate_point(edges.geometry[edge_of[joined]], along[joined])

    cut = np.unique(edge_of[joined])
    untouched = np.ones(edges.start.size, dtype=bool)
    untouched[cut] = False
    starts, ends = [edges.start[untouched]], [edges.end[untouched]]
    shapes: list[Any] = [edges.geometry[untouched]]
    parents = [np.flatnonzero(untouched)]
    n_nodes = edges.n_nodes
    new_xy: list[NDArray[np.float64]] = []
    foot_node = np.full(points.size, -1, dtype=np.int64)

    for edge in cut:
        mine = joined[edge_of[joined] == edge]
        pieces = cut_line(edges.geometry[edge], along[mine].tolist())
        inner = np.arange(n_nodes, n_nodes + len(pieces) - 1)
        n_nodes += inner.size
        nodes = np.concatenate([[edges.start[edge]], inner, [edges.end[edge]]]).astype(np.int64)
        starts.append(nodes[:-1])
        ends.append(nodes[1:])
        shapes.append(np.array(pieces, dtype=object))
        parents.append(np.full(len(pieces), edge))
        borders = np.concatenate([[0.0], np.cumsum(shapely.length(shapes[-1]))])
        new_xy += [np.array(p.coords[-1][:2]) for p in pieces[:-1]]
        foot_node[mine] = nodes[np.abs(borders[None, :] - along[mine][:, None]).argmin(axis=1)]

    own_node = np.full(points.size, -1, dtype=np.int64)
    own_node[joined] = np.arange(n_nodes, n_nodes + joined.size)
    starts.append(own_node[joined])
    ends.append(foot_node[joined])
    ends_xy = shapely.get_coordinates(foot[joined])
    points_xy = shapely.get_coordinates(points[joined])
    shapes.append(shapely.linestrings(np.stack([points_xy, ends_xy], axis=1)))
    parent = np.concatenate(parents).astype(np.int64)
    n_connectors = joined.size
    geometry = np.concatenate(shapes)
    length_m = np.maximum(shapely.length(geometry), SHORTEST_CONNECTOR_M)
    node_xy = np.vstack([edges.node_xy, *(xy[None] for xy in new_xy), points_xy])
    larger = Edges(
        start=np.concatenate(starts), end=np.concatenate(ends), geometry=geometry,
        length_m=length_m,
        path=np.concatenate([edges.path[parent], np.full(n_connectors, -1)]),
        ways={
            name: np.concatenate([values[parent], _connector(name, n_connectors)])
            for name, values in edges.ways.items()
        },
        node_xy=node_xy,
    )  # fmt: skip
    return larger, own_node


def _connector(name: str, n: int) -> NDArray[Any]:
    if name in MEASURES:
        return np.full(n, np.nan)
    return np.full(n, "connector", dtype=object)
