"""Reading files of every allowed kind in batches, under a bounded memory."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import nanoarrow
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.errors import DataError, Sentence
from layers.loaders import drivers, tables
from layers.loaders.report import Report

BATCH_ROWS = 20_000
_X_NAMES = ("lon", "longitude", "lng", "long", "longitudine", "x_wgs84")
_Y_NAMES = ("lat", "latitude", "latitudine", "y_wgs84")
_EAST_NAMES = ("x", "est", "easting", "coord_x", "x_coord", "point_x", "utm_x")
_NORTH_NAMES = ("y", "nord", "northing", "coord_y", "y_coord", "point_y", "utm_y")
_SHAPE_NAMES = ("wkt", "geometry", "geom", "the_geom", "geometria", "wkt_geom", "shape", "wkb")
_LAYER_NAMES = {
    "buildings": ("edifici", "edificio", "buildings", "building", "edifc", "un_vol", "aggregati"),
    "entrances": ("civici", "civico", "numeri_civici", "entrances", "ingressi", "accessi",
                  "addresses", "indirizzi"),
    "paths": ("paths", "percorsi", "strade", "streets", "footways", "grafo"),
    "flats": ("alloggi", "flats"),
    "households": ("nuclei", "nuclei_familiari", "households"),
    "sites": ("cantieri", "sites"),
    "phases": ("fasi", "fasi_di_lavoro", "phases", "cronoprogramma"),
}  # fmt: skip
# In OpenStreetMap files the kind of row decides the layer and which of its rows are meant.
_OSM_LAYERS = {
    "buildings": ("multipolygons", "building IS NOT NULL"),
    "entrances": ("points", "other_tags LIKE '%addr:housenumber%' OR other_tags LIKE '%entrance%'"),
    "paths": ("lines", "highway IS NOT NULL"),
}
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_MAX_TAG_COLUMNS = 300
_EWKT = re.compile(r"SRID=(\d+);", re.IGNORECASE)
_HEX = re.compile(r"[0-9A-Fa-f]{18,}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a file: ``frame`` by row number, column ``geometry`` in ``crs`` (None: not told).

    ``crs_note`` tells why a system is taken that the file does not declare.
    """

    frame: pd.DataFrame
    crs: CRS | None
    crs_note: str = ""


def read_batches(
    path: str | os.PathLike[str],
    report: Report,
    *,
    kind: str = "",
    layer: str | None = None,
) -> Iterator[Batch]:
    """Rows of one layer of an allowed file, a few thousand at a time.

    Parameters
    ----------
    path
        A file on this disk.
    report
        Counts the rows read and the rings that were closed; rows whose geometry cannot even be
        parsed are refused there.
    kind
        What is imported ("buildings", ...): chooses the layer where a file has several.
    layer
        Name of the layer or sheet; needed where the kind does not tell.

    Raises
    ------
    DataError
        When the file cannot be opened or breaks off in the middle.
    """
    with drivers.opened(path) as (private, form):
        shown = Path(path).name
        if form is drivers.CSV:
            parts = tables.read_csv(private, shown)
        elif form is drivers.SHEET:
            parts = tables.read_sheet(private, shown, layer)
        else:
            yield from _spatial(private, form, shown, report, kind, layer)
            return
        for frame in parts:
            report.read += len(frame)
            yield _table_batch(frame, report)


def layer_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the layers or sheets of an allowed file; one without any name gives none.

    Raises :class:`DataError` when the file cannot be opened.
    """
    with drivers.opened(path) as (private, form):
        shown = Path(path).name
        if form is drivers.CSV:
            return []
        if form is drivers.SHEET:
            return tables.sheet_names(private, shown)
        with _explained(shown):
            return [str(name) for name, _geometry in pyogrio.list_layers(private)]


def read_source(
    path: str | os.PathLike[str], *, layer: str | None = None, crs: str | int | None = None
) -> gpd.GeoDataFrame | pd.DataFrame:
    """A whole allowed file as one frame, indexed by row number, in the file's own system.

    For files that fit in memory; :func:`read_batches` reads any size. ``crs`` names the system
    of a file that declares none. Raises :class:`DataError` as :func:`read_batches` does.
    """
    report = Report()
    batches = list(read_batches(path, report, layer=layer))
    frame = pd.concat([batch.frame for batch in batches])
    if "geometry" not in frame:
        return frame
    system = batches[0].crs or (None if crs is None else CRS.from_user_input(crs))
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=system)


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    try:
        yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise DataError(
            Sentence(
                "%(shown)s cannot be read: %(text)s.", shown=shown, text=str(error).split(";")[0]
            )
        ) from error
    except (pyogrio.errors.FeatureError, pyogrio.errors.GeometryError, OSError) as error:
        raise DataError(
            Sentence(
                "%(shown)s is damaged: %(error)s. Nothing was imported.", shown=shown, error=error
            )
        ) from error


def _choose_layer(
    private: Path, form: drivers.Format, shown: str, kind: str, layer: str | None
) -> tuple[str | None, str | None]:
    """Name of the layer and the condition that selects its rows."""
    if form is drivers.OSM:
        chosen, where = _OSM_LAYERS.get(kind, ("multipolygons", ""))
        return layer or chosen, (where or None) if layer in (None, chosen) else None
    names = [str(name) for name, _geometry in pyogrio.list_layers(private)]
    if layer is not None:
        if layer not in names:
            raise DataError(
                Sentence(
                    "%(shown)s has no layer %(layer)r; it has %(names)s.",
                    shown=shown,
                    layer=layer,
                    names=", ".join(names),
                )
            )
        return layer, None
    if len(names) == 1:
        return names[0], None
    fitting = [name for name in names if name.lower() in _LAYER_NAMES.get(kind, ())]
    if len(fitting) == 1:
        return fitting[0], None
    raise DataError(
        Sentence(
            "%(shown)s has %(count)s layers (%(names)s); say which one with --layer.",
            shown=shown,
            count=len(names),
            names=", ".join(names[:20]),
        )
    )


def _spatial(
    private: Path, form: drivers.Format, shown: str, report: Report, kind: str, layer: str | None
) -> Iterator[Batch]:
    with _explained(shown):
        name, where = _choose_layer(private, form, shown, kind, layer)
        info = pyogrio.raw.open_arrow(
            private, layer=name, where=where, batch_size=BATCH_ROWS, datetime_as_string=True,
            use_pyarrow=False, **dict(form.options),
        )  # fmt: skip
        with info as (meta, raw_stream):
            crs = _declared_crs(meta.get("crs"), form)
            note = ""
            if crs is None and form in (drivers.GEOJSON, drivers.KML, drivers.OSM):
                crs = CRS.from_epsg(4326)
                note = Sentence("%(form)s is in WGS 84 by definition.", form=form.name)
            geometry_name = meta.get("geometry_name") or "wkb_geometry"
            stream = nanoarrow.ArrayStream(raw_stream)
            names = [field.name for field in stream.schema.fields]
            first = 1
            for array in stream:
                frame = _arrow_frame(array, names, first)
                first += len(frame)
                report.read += len(frame)
                if geometry_name in frame:
                    frame["geometry"] = _parsed(frame.pop(geometry_name), report, binary=True)
                if "other_tags" in frame:
                    frame = _with_tags(frame)
                if form is drivers.OSM and "osm_way_id" in frame:
                    frame["osm_id"] = _area_keys(frame)
                yield Batch(frame, crs, note)


def _arrow_frame(array: Any, names: list[str], first: int) -> pd.DataFrame:
    with warnings.catch_warnings():
        # The geometry is told as an "unregistered extension"; its storage is what we want.
        warnings.simplefilter("ignore")
        columns = [list(child.iter_py()) for child in array.iter_children()]
    index = pd.RangeIndex(first, first + len(array))
    data = {}
    for name, column in zip(names, columns, strict=True):
        values = np.empty(len(column), dtype=object)
        values[:] = column
        data[name] = values
    return pd.DataFrame(data, index=index)


def _declared_crs(told: str | None, form: drivers.Format) -> CRS | None:
    if not told or form is drivers.DXF:
        return None
    try:
        crs = CRS.from_user_input(told)
    except CRSError as error:
        raise DataError(
            Sentence(
                "The file declares a coordinate system that is not known: %(error)s.", error=error
            )
        ) from (error)
    # "Undefined" systems of GeoPackage (-1, 0) come as engineering systems.
    return None if crs.is_engineering else crs


def _parsed(column: pd.Series, report: Report, *, binary: bool) -> Any:
    """Geometries of a column of WKB or WKT; open rings are closed and counted."""
    parse = shapely.from_wkb if binary else shapely.from_wkt
    raw = column.to_numpy(dtype=object)
    try:
        made = parse(raw, on_invalid="ignore")
    except (NotImplementedError, TypeError, shapely.errors.ShapelyError):
        made = np.array([_parsed_alone(parse, value) for value in raw], dtype=object)
    lost = shapely.is_missing(made) & np.array([value is not None for value in raw], dtype=bool)
    for position in np.flatnonzero(lost):
        row = int(column.index[position])
        try:
            made[position] = parse(raw[position], on_invalid="fix")
        except (NotImplementedError, TypeError, shapely.errors.ShapelyError):
            made[position] = None
        if made[position] is None:
            report.refuse(
                row,
                str(column.name),
                Sentence(
                    "holds no geometry that can be read (broken, or with curves: save it "
                    "with straight segments)"
                ),
            )
        else:
            report.repair(row, Sentence("open rings closed"))
    return made


def _parsed_alone(parse: Any, value: Any) -> Any:
    try:
        return parse(value, on_invalid="ignore")
    except (NotImplementedError, TypeError, shapely.errors.ShapelyError):
        return None


def _with_tags(frame: pd.DataFrame) -> pd.DataFrame:
    """OpenStreetMap tags that come packed in one column, as columns."""
    unpacked = [
        {_unescaped(key): _unescaped(value) for key, value in _TAG.findall(tags or "")}
        for tags in frame["other_tags"]
    ]
    names: dict[str, None] = {}
    for tags in unpacked:
        names.update(dict.fromkeys(tags))
    extra = {
        name: [tags.get(name) for tags in unpacked]
        for name in list(names)[:_MAX_TAG_COLUMNS]
        if name not in frame.columns
    }
    tagged = pd.DataFrame(extra, index=frame.index, dtype=object)
    return pd.concat([frame.drop(columns="other_tags"), tagged], axis=1)


def _area_keys(frame: pd.DataFrame) -> list[str | None]:
    """Keys of OpenStreetMap areas: ways and relations count on their own, so each says which."""
    pairs = zip(frame["osm_way_id"], frame["osm_id"], strict=True)
    return [
        f"way/{way}" if way else f"relation/{relation}" if relation else None
        for way, relation in pairs
    ]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _table_batch(frame: pd.DataFrame, report: Report) -> Batch:
    surplus = frame.pop("__surplus__")
    for row in surplus.index[surplus.notna()]:
        report.refuse(int(row), "", Sentence("has more cells than the heading has columns"))
    lower = {str(name).lower(): name for name in frame.columns}
    shape = next((lower[name] for name in _SHAPE_NAMES if name in lower), None)
    if shape is not None:
        column = frame.pop(shape)
        told = [None if _is_blank(value) else str(value).strip() for value in column]
        crs = _ewkt_crs(told)
        plain = [None if value is None else _EWKT.sub("", value) for value in told]
        text = pd.Series(plain, index=column.index, name=column.name, dtype=object)
        binary = all(_HEX.fullmatch(value) for value in plain if value is not None)
        frame["geometry"] = _parsed(text, report, binary=binary)
        return Batch(frame, crs)
    for names, crs in (
        ((_X_NAMES, _Y_NAMES), CRS.from_epsg(4326)),
        ((_EAST_NAMES, _NORTH_NAMES), None),
    ):
        x_name = next((lower[name] for name in names[0] if name in lower), None)
        y_name = next((lower[name] for name in names[1] if name in lower), None)
        if x_name is not None and y_name is not None:
            x, y = _coordinates(frame, x_name, report), _coordinates(frame, y_name, report)
            known = np.isfinite(x) & np.isfinite(y)
            made = np.full(len(frame), None, dtype=object)
            made[known] = shapely.points(x[known], y[known])
            frame["geometry"] = made
            note = (
                Sentence("Columns %(x)r and %(y)r are taken as WGS 84 degrees.", x=x_name, y=y_name)
                if crs
                else ""
            )
            return Batch(frame, crs, note)
    return Batch(frame, None)


def parsed_shapes(column: pd.Series, report: Report) -> NDArray[Any]:
    """Shapes of a further column of WKT, in the system of the row's own shape.

    Rows that hold no shape that can be read are refused.
    """
    told = [None if _is_blank(value) else str(value).strip() for value in column]
    plain = [None if value is None else _EWKT.sub("", value) for value in told]
    text = pd.Series(plain, index=column.index, name=column.name, dtype=object)
    return np.asarray(_parsed(text, report, binary=False))


def _ewkt_crs(told: list[str | None]) -> CRS | None:
    """The system that the first geometry names before its text (SRID=32632;POLYGON ...)."""
    first = next((value for value in told if value is not None), "")
    match = _EWKT.match(first)
    if match is None:
        return None
    try:
        return CRS.from_epsg(int(match.group(1)))
    except CRSError as error:
        raise DataError(
            Sentence("%(text)s names a coordinate system that is not known.", text=match.group())
        ) from error


def _coordinates(frame: pd.DataFrame, name: Any, report: Report) -> Any:
    made = np.full(len(frame), np.nan)
    for position, (row, value) in enumerate(frame[name].items()):
        if _is_blank(value):
            continue
        text = str(value).strip()
        try:
            made[position] = float(text.replace(",", ".") if text.count(",") == 1 else text)
        except ValueError:
            report.refuse(
                int(row), str(name), Sentence("%(text)r is not a coordinate", text=text[:40])
            )
    return made


def _is_blank(value: Any) -> bool:
    """Whether a coordinate cell is empty."""
    return value is None or (isinstance(value, str) and not value.strip())
