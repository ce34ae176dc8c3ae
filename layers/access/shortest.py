"""Points of frames, and shortest lengths over usable edges."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.access.noding import Edges, FloatArray, Geometries, IntArray
from layers.access.rules import BoolArray
from layers.errors import DataError


def checked_points(frame: Any, what: str) -> tuple[pd.Index, Geometries]:
    """Index and points of a frame; areas stand for a point inside them.

    Raises
    ------
    DataError
        It is no frame of geometries, or in degrees.
    """
    if isinstance(frame, gpd.GeoDataFrame):
        frame = frame.geometry
    if not isinstance(frame, gpd.GeoSeries):
        raise DataError(f"{what}: a GeoDataFrame or GeoSeries of points is needed.")
    if frame.crs is not None and frame.crs.is_geographic:
        raise DataError(f"{what}: the frame is in degrees; bring it to the metric CRS.")
    shapes = np.asarray(frame.values, dtype=object)
    there = ~shapely.is_missing(shapes)
    # a school or a flat drawn as an area is reached at a point inside it
    shapes[there] = np.where(
        shapely.get_type_id(shapes[there]) == 0,
        shapes[there],
        shapely.point_on_surface(shapes[there]),
    )
    return frame.index, shapes


class UsableGraph:
    """The edges that a user can take, ready for shortest lengths to several goals."""

    def __init__(self, edges: Edges, usable: BoolArray) -> None:
        """Build the sparse graph; of parallel edges the shortest counts."""
        self.n_nodes = edges.n_nodes
        self.usable = usable
        start, end = edges.start[usable], edges.end[usable]
        low, high = np.minimum(start, end), np.maximum(start, end)
        # a sparse matrix adds parallel edges up: keep the shortest of each pair of nodes
        order = np.lexsort((edges.length_m[usable], high, low))
        low, high, length_m = low[order], high[order], edges.length_m[usable][order]
        first = np.ones(low.size, dtype=bool)
        first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        self._graph = csr_array(
            (length_m[first], (low[first], high[first])), shape=(self.n_nodes, self.n_nodes)
        )

    def lengths_m(self, goals: IntArray) -> FloatArray:
        """Shortest length from every node to the nearest goal, m; infinite where none is."""
        if not goals.size:
            return np.full(self.n_nodes, np.inf)
        found = dijkstra(self._graph, directed=False, indices=np.unique(goals), min_only=True)
        lengths: FloatArray = np.asarray(found, dtype=np.float64)
        return lengths
