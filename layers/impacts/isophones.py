"""Noise contours for the map (*isofoniche*), computed on a grid with the receivers' method."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import contourpy
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from layers.criteria.periods import PartOfDay
from layers.impacts.noise_sources import SiteSources, levels_at
from layers.impacts.parameters import Parameters
from layers.impacts.result import zone_frame
from layers.noise import iso9613
from layers.noise.bands import A_WEIGHTING_DB

FloatArray = npt.NDArray[np.float64]

METHOD = "isophones"
#: Grid cells over the footprint, and how fast they grow outside it.
CELLS_OVER_SITE = 8
GROWTH = 1.25
LEAST_CELL_M = 3.0


def isophones(
    site: SiteSources,
    scene: iso9613.Scene,
    options: iso9613.NoiseOptions,
    parameters: Parameters,
    thresholds: Mapping[PartOfDay, tuple[float, FloatArray]],
    *,
    reach_m: float,
    footprint: shapely.Geometry,
) -> gpd.GeoDataFrame:
    """Zones of the noise bands at ``parameters.isophone_height_m`` above the ground.

    The level at each grid point is the one a façade there would have (with the façade's 3 dB),
    so that a façade whose receivers reach a band touches its zone. Cells are fine over the
    site and grow outwards: zones are a picture, the receivers decide. Classes of single
    buildings are not in it.

    :param thresholds: {part of day: (offset, levels while the machines are on of bands 1-4)}.
    :returns: zones, disjoint within a part of day.
    """
    lowest = min(float(steps[0]) for _, steps in thresholds.values())
    extent_m = min(reach_m, _farthest_m(site, lowest - options.facade_reflection_db))
    x0, y0, x1, y1 = footprint.bounds
    xs, ys = _axis(x0, x1, extent_m), _axis(y0, y1, extent_m)
    gx, gy = np.meshgrid(xs, ys)
    points = np.column_stack([gx.ravel(), gy.ravel(), np.full(gx.size, 1.0)])
    points[:, 2] = parameters.isophone_height_m
    level = levels_at(
        site, iso9613.Receivers(points), scene, options, max_parts=(parameters.noise_parts + 1) // 2
    ).laeq_dba
    level = (level + options.facade_reflection_db).reshape(gx.shape)
    level = _over_buildings(level, gx, gy, scene)
    generator = contourpy.contour_generator(xs, ys, level, fill_type="OuterOffset")
    within = shapely.buffer(footprint, reach_m)
    rows = []
    for part, (_, steps) in thresholds.items():
        edges = [*steps, 1e3]
        for band in (1, 2, 3, 4):
            if edges[band] > edges[band - 1]:
                shape = _filled(generator, edges[band - 1], edges[band])
                shape = shapely.intersection(shapely.make_valid(shape), within)
                rows.append(("noise", "facade", str(part), band, METHOD, shape))
    return zone_frame(rows)


def _axis(low: float, high: float, extent_m: float) -> FloatArray:
    """Even over the site, growing outside it up to ``extent_m``."""
    step = max(LEAST_CELL_M, (high - low) / CELLS_OVER_SITE)
    inside = np.linspace(low, high, max(3, int(np.ceil((high - low) / step)) + 1))
    outside = []
    distance, cell = 0.0, step
    while distance < extent_m:
        distance += cell
        cell *= GROWTH
        outside.append(distance)
    far = np.array(outside)
    return np.concatenate([low - far[::-1], inside, high + far])


def _farthest_m(site: SiteSources, level_dba: float) -> float:
    """Where divergence alone, over hard ground, brings all sources together to a level."""
    power = 10.0 * np.log10((10.0 ** (0.1 * (site.lw_db + A_WEIGHTING_DB))).sum())
    return float(max(5.0, 10.0 ** ((power + 4.5 - 11.0 - level_dba) / 20.0)))


def _over_buildings(
    level: FloatArray, gx: FloatArray, gy: FloatArray, scene: iso9613.Scene
) -> FloatArray:
    """Over a building take the loudest neighbour outside: there is no level inside a wall."""
    shapes = np.asarray(scene.footprints, dtype=object)
    if not len(shapes):
        return level
    tree = shapely.STRtree(shapes)
    inside = np.zeros(level.size, dtype=bool)
    inside[tree.query(shapely.points(gx.ravel(), gy.ravel()), predicate="intersects")[0]] = True
    filled = np.where(inside.reshape(level.shape), -np.inf, level)
    for _ in range(max(level.shape)):
        hole = np.isneginf(filled)
        if not hole.any() or hole.all():
            break
        wide = np.pad(filled, 1, constant_values=-np.inf)
        around = np.max(
            [wide[1 + i : wide.shape[0] - 1 + i, 1 + j : wide.shape[1] - 1 + j]
             for i in (-1, 0, 1) for j in (-1, 0, 1)],
            axis=0,
        )  # fmt: skip
        filled = np.where(hole, around, filled)
    return np.where(np.isneginf(filled), level, filled)


def _filled(generator: contourpy.ContourGenerator, low: float, high: float) -> shapely.Geometry:
    polygons, offsets = generator.filled(low, high)[:2]
    shapes = []
    for points, starts in zip(polygons, offsets, strict=True):
        if points is None or starts is None:
            continue
        rings = [points[a:b] for a, b in pairwise(starts)]
        rings = [ring for ring in rings if len(ring) >= 4]
        if rings:
            shapes.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.union_all(shapely.make_valid(shapes)) if shapes else shapely.MultiPolygon()
