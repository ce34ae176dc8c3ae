"""Shapes drawn on a map of a page: GeoJSON geometry in, metric system out."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.crs import SRID, WGS84
from layers.errors import UNREADABLE, DataError

MAX_VERTICES = 2_000


def metric_of_geojson(text: str) -> BaseGeometry:
    """The geometry of a GeoJSON text (RFC 7946: WGS 84, longitude first) in the metric system.

    Z values are dropped. Raises :class:`DataError` when the text is no geometry, has no or too
    many points, or coordinates off the globe.
    """
    try:
        document = json.loads(text)
        shape = shapely.from_geojson(json.dumps(document))
    except (*UNREADABLE, shapely.errors.ShapelyError) as error:
        raise DataError("A drawn shape is not GeoJSON; draw it again.") from error
    if shape is None or shape.is_empty or shapely.get_num_coordinates(shape) > MAX_VERTICES:
        raise DataError(f"A drawn shape has no points, or more than {MAX_VERTICES}.")
    degrees = shapely.get_coordinates(shape)
    inside = np.isfinite(degrees).all() and (np.abs(degrees) <= [180.0, 90.0]).all()
    if not inside:
        raise DataError("A drawn shape has coordinates that are no longitude and latitude.")
    metric = gpd.GeoSeries([shapely.force_2d(shape)], crs=WGS84).to_crs(SRID).iloc[0]
    if not np.isfinite(shapely.get_coordinates(metric)).all():
        raise DataError("A drawn shape lies where the metric system does not reach.")
    return metric
