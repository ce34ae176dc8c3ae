"""What a map shows (:class:`MapData`), checked, and its way out to WGS 84 GeoJSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import SRID, WGS84
from layers.errors import DataError

# Above this many buildings a page draws vector tiles (or, in one file, simplified outlines).
GEOJSON_LIMIT = 2_000
# 1e-6 degrees is 11 cm or less, finer than any footprint is surveyed.
COORDINATE_DIGITS = 6
SIMPLIFY_M = 0.8

# What may leave through a map, per frame. Anything else a frame carries stays behind, so that a
# map cannot show a name it was handed by mistake. True: the column must be there.
COLUMNS: dict[str, dict[str, bool]] = {
    "buildings": {
        "id": True,
        "code": False,
        "label": False,
        "band": False,
        "kinds": False,
        "flats": False,
        "href": False,
    },
    "zones": {
        "kind": True,
        "aspect": False,
        "part_of_day": False,
        "band": True,
        "phase": False,
        "label": False,
    },
    "sites": {"code": True, "name": False, "href": False},
    "closures": {"kind": True, "phase": False, "description": False, "when": False},
    "paths": {"kind": False, "name": False, "width_m": False},
}


@dataclass(frozen=True, slots=True)
class TileSource:
    """Where the buildings' vector tiles come from when they are too many for one page.

    ``url`` has ``{z}``, ``{x}``, ``{y}`` and carries the version of the geometry; ``bands`` is
    {building id: band} of the chosen period, in the page or at ``bands_url``; ``href`` with
    ``{id}`` and ``{code}`` is a building's page, ``details_url`` with ``{id}`` answers the JSON
    of one popup ({"label", "code", "band", "kinds", "flats", "href"}).
    """

    url: str
    bands: Mapping[int, int] = field(default_factory=dict)
    bands_url: str = ""
    href: str = ""
    details_url: str = ""
    paths_url: str = ""
    min_zoom: int = 12
    max_zoom: int = 20


@dataclass(frozen=True, slots=True)
class MapData:
    """Frames of one map, all in the installation's metric system; absent frames are ``None``.

    buildings: id, geometry; optional code, label, band (0 to 4, null: not computed), kinds
    ({kind: band}), flats (count shown in the popup; leave out in public), href.
    zones: kind, band, geometry; optional aspect, part_of_day, phase, label.
    sites: code, geometry; optional name, href. closures: kind, geometry (an area; a line
    where the kind is lorry_route); optional phase, description, when. paths: geometry (lines);
    optional kind, name, width_m.
    ``title`` and ``period_label`` head the page; ``list_href`` is the equivalent list.
    No frame may tell of a person or of an empty flat; columns not named here are dropped.
    """

    buildings: gpd.GeoDataFrame | None = None
    zones: gpd.GeoDataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    closures: gpd.GeoDataFrame | None = None
    paths: gpd.GeoDataFrame | None = None
    language: str = "it"
    synthetic: bool = False
    title: str = ""
    period_label: str = ""
    attribution: str = ""
    list_href: str = ""
    tiles: TileSource | None = None

    def frame(self, name: str) -> gpd.GeoDataFrame | None:
        """Checked frame with the columns a map may show, or ``None`` when empty or absent."""
        frame = getattr(self, name)
        if frame is None or len(frame) == 0:
            return None
        return checked(frame, name)

    def frames(self) -> Iterable[gpd.GeoDataFrame]:
        """Every frame that is there."""
        for name in COLUMNS:
            frame = self.frame(name)
            if frame is not None:
                yield frame


def checked(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """The frame with its allowed columns only; rows without geometry are left out.

    Raises :class:`DataError` when a needed column is missing, when the coordinate system is
    another than the installation's, or when a band is not one of 0 to 4.
    """
    missing = [c for c, needed in COLUMNS[name].items() if needed and c not in frame.columns]
    if missing:
        raise DataError(f"The map's {name} lack the column {', '.join(missing)}.")
    if frame.crs is None or frame.crs.to_epsg() != SRID:
        found = "none" if frame.crs is None else frame.crs.to_string()
        raise DataError(
            f"The map's {name} are in the coordinate system {found}, not in EPSG:{SRID}; "
            f"convert them with to_crs({SRID})."
        )
    geometry = frame.geometry
    kept = ~(geometry.is_empty | geometry.isna())
    columns = [c for c in COLUMNS[name] if c in frame.columns]
    result = gpd.GeoDataFrame(
        frame.loc[kept, columns], geometry=geometry[kept], crs=frame.crs
    ).reset_index(drop=True)
    if "band" in result:
        bands = pd.to_numeric(result["band"], errors="coerce")
        wrong = bands.notna() & ~bands.isin(range(5))
        if wrong.any():
            raise DataError(
                f"The map's {name} hold the band {result.loc[wrong, 'band'].iloc[0]!r}; "
                "bands go from 0 (none) to 4 (very strong)."
            )
    return result


def to_wgs84(geometry: Sequence[Any], *, simplify_m: float = 0.0) -> np.ndarray:
    """Geometries of the metric system in longitude and latitude, rounded to 11 cm.

    ``simplify_m`` (metres) thins outlines before the conversion. Returns an object array of
    shapely geometries with rings wound as RFC 7946 asks. Not for measuring: rounding may let
    neighbours overlap by centimetres.
    """
    series = gpd.GeoSeries(geometry, crs=SRID)
    if simplify_m > 0:
        series = series.simplify(simplify_m, preserve_topology=True)
    degrees = np.asarray(series.to_crs(WGS84).array, dtype=object)
    degrees = shapely.orient_polygons(shapely.force_2d(degrees), exterior_cw=False)
    rounded: np.ndarray = shapely.transform(degrees, lambda xy: np.round(xy, COORDINATE_DIGITS))
    return rounded


def feature_collection(frame: gpd.GeoDataFrame, *, simplify_m: float = 0.0) -> str:
    """GeoJSON text (WGS 84) of a frame in the metric system, ready for :func:`script_json`.

    Null values are left out. Geometry is written by GEOS and properties by ``json``: some
    fifteen times faster than by way of dictionaries.
    """
    geometry = shapely.to_geojson(to_wgs84(frame.geometry, simplify_m=simplify_m))
    columns = [c for c in frame.columns if c != frame.geometry.name]
    records = zip(*(frame[c].tolist() for c in columns), strict=True) if columns else None
    parts = []
    for index, shape in enumerate(geometry):
        values = next(records) if records is not None else ()
        properties = {
            column: _plain(value)
            for column, value in zip(columns, values, strict=True)
            if not _is_null(value)
        }
        parts.append(
            f'{{"type":"Feature","id":{index},"geometry":{shape},'
            f'"properties":{json.dumps(properties, separators=(",", ":"))}}}'
        )
    return '{"type":"FeatureCollection","features":[' + ",".join(parts) + "]}"


def bounds_wgs84(frames: Iterable[gpd.GeoDataFrame]) -> list[list[float]] | None:
    """[[south, west], [north, east]] around all frames, or ``None`` when there is nothing."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return None
    west, south, east, north = to_wgs84([shapely.box(*bounds_metric(filled))])[0].bounds
    return [[south, west], [north, east]]


def bounds_metric(frames: Iterable[gpd.GeoDataFrame]) -> tuple[float, float, float, float]:
    """West, south, east, north (metres) around all frames.

    Raises :class:`DataError` when there is nothing to go around.
    """
    boxes = [frame.total_bounds for frame in frames if len(frame)]
    if not boxes:
        raise DataError("The map has nothing to draw: neither buildings nor sites.")
    corners = np.array(boxes)
    west, south = corners[:, :2].min(axis=0)
    east, north = corners[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def script_json(text: str) -> str:
    """JSON text that is safe inside a ``<script>`` element, still the same JSON.

    The characters stand only inside strings, where the escape means the same character.
    """
    for character, escape in _SCRIPT_ESCAPES.items():
        if character in text:
            text = text.replace(character, escape)
    return text


_SCRIPT_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "'": "\\u0027",
    "`": "\\u0060",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """A JSON value; whole floats become integers (pandas makes floats of nullable counts)."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if not _is_null(item)}
    if isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
