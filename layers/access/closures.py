"""What works close: ways that are gone, and ways that get narrower."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.access.noding import Edges
from layers.errors import DataError

#: A way that only runs along a closed area, overlapping it by less than this, stays open, m.
TOUCH_M = 0.05

Closures: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | Iterable[Any] | None


def _as_arrays(closures: Closures) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Geometries of the closures and the clear width each leaves (0: closed)."""
    if closures is None:
        return np.empty(0, dtype=object), np.empty(0)
    left = None
    if isinstance(closures, gpd.GeoDataFrame):
        if "width_left_m" in closures:
            left = np.asarray(closures["width_left_m"], dtype=np.float64)
        shapes = np.asarray(closures.geometry.values, dtype=object)
    elif isinstance(closures, gpd.GeoSeries):
        shapes = np.asarray(closures.values, dtype=object)
    else:
        listed = list(closures)
        shapes = np.empty(len(listed), dtype=object)
        shapes[:] = listed
    if left is not None and (left < 0).any():
        raise DataError("Closures: a width that is left cannot be below 0 m.")
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    left_m = np.zeros(shapes.size) if left is None else np.nan_to_num(left)
    return shapes[there], left_m[there]


def _core(shape: Any) -> Any:
    """The shape without its rim, so that a way along the rim is not hit."""
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    if shapely.get_dimensions(shape) < 2:
        return shapely.buffer(shape, TOUCH_M)
    inner = shapely.buffer(shape, -TOUCH_M)
    return shape if inner.is_empty else inner


def apply_closures(
    edges: Edges, closures: Closures
) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any]]]:
    """Which edges stay open, and the measures of all edges with the widths that are left.

    Parameters
    ----------
    edges
        The graph.
    closures
        Polygons, lines or points in the same CRS. A frame may have a column ``width_left_m``:
        the way stays, with no more than this clear width; missing or 0 closes it.
    """
    shapes, left_m = _as_arrays(closures)
    still_open = np.ones(edges.start.size, dtype=bool)
    if not shapes.size or not edges.geometry.size:
        return still_open, edges.ways
    cores = np.array([_core(s) for s in shapes], dtype=object)
    closure, edge = shapely.STRtree(edges.geometry).query(cores, predicate="intersects")
    shut = left_m[closure] <= 0
    still_open[edge[shut]] = False
    width_m = edges.ways["width_m"].copy()
    for c, e in zip(closure[~shut], edge[~shut], strict=True):
        width_m[e] = np.fmin(width_m[e], left_m[c])
    return still_open, {**edges.ways, "width_m": width_m}
