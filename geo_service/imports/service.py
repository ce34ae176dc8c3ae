"""From a file to stored rows: read, converted, mapped, loaded, and told row by row.

Services never commit; the caller does, so that an import is whole or never was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.database import refresh_statistics
from geo_service.errors import Conflict
from geo_service.households.importing import HouseholdLoader
from geo_service.imports.seeing import Nobody, Watcher
from geo_service.works.importing.phases import PhaseLoader
from layers.buildings import DATA_SOURCES, Quarter
from layers.crs import SRID
from layers.errors import DataError, Sentence
from layers.impacts.sql import geo_frame
from layers.loaders import geometry
from layers.loaders.buildings import BuildingLoader
from layers.loaders.entrances import EntranceLoader
from layers.loaders.files import Batch, layer_names, parsed_shapes, read_batches
from layers.loaders.flats import FlatLoader
from layers.loaders.paths import PathLoader
from layers.loaders.place import Place, place_of
from layers.loaders.profiles import CIRCLES, ColumnMapping, column_mapping
from layers.loaders.report import Report
from layers.loaders.sites import SiteLoader
from layers.loaders.systems import Converter

# What its licence (ODbL 1.0) wants to be said wherever the data are shown.
OSM_CREDIT = "© OpenStreetMap contributors (ODbL)"
MAX_BOUNDARY_SPAN_M = 30_000.0
# What is drawn under the preview of a file.
GROUND_BUILDINGS = 1_500
_NEAR_M = 150.0
_GROUND = """
select id, st_asbinary(footprint) from building
 where quarter_id = %(quarter)s and closed_on is null
   and footprint && st_makeenvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s)
 limit %(most)s
"""


@dataclass(frozen=True)
class ImportOptions:
    """What the person says beside the file; see ``accanto import --help``."""

    profile: str | None = None
    maps: Sequence[str] = ()
    layer: str | None = None
    crs: str | None = None
    swap_axes: bool = False
    join_within_m: float = 0.0
    source: str | None = None


class Loader(Protocol):
    """What loads one kind of row: batches first, then everything at once."""

    def add(self, frame: pd.DataFrame) -> None:
        """Take one batch under our column names, geometry in the metric system."""

    def finish(self) -> None:
        """Write what was taken; counts go to the report."""


def _entrances(
    session: Session, quarter_id: int, report: Report, names: Mapping[str, str], how: ImportOptions
) -> Loader:
    return EntranceLoader(session, quarter_id, report, names, join_within_m=how.join_within_m)


def _sites(
    session: Session, quarter_id: int, report: Report, names: Mapping[str, str], how: ImportOptions
) -> Loader:
    circles = how.profile == CIRCLES
    return SiteLoader(session, quarter_id, report, names, circles=circles)


def _plainly(make: Callable[[Session, int, Report, Mapping[str, str]], Loader]) -> Make:
    """A loader that needs nothing of what the person said beside the file."""
    return lambda session, quarter_id, report, names, _how: make(session, quarter_id, report, names)


Make = Callable[[Session, int, Report, Mapping[str, str], ImportOptions], Loader]
LOADERS: dict[str, Make] = {
    "buildings": _plainly(BuildingLoader),
    "entrances": _entrances,
    "paths": _plainly(PathLoader),
    "flats": _plainly(FlatLoader),
    "households": _plainly(HouseholdLoader),
    "sites": _sites,
    "phases": _plainly(PhaseLoader),
}
# A file of phases may tell closures as a column of WKT, or in a layer of one of these names.
SECOND_SHAPE = "closures"
SECOND_LAYER = ("chiusure", "closures")
# Without a shape these rows are nothing; the other kinds name places that are there already.
NEED_GEOMETRY = {"buildings", "entrances", "paths"}


def import_file(
    session: Session,
    quarter_id: int,
    kind: str,
    path: str | os.PathLike[str],
    options: ImportOptions | None = None,
    *,
    advance: Callable[[int], None] = lambda rows: None,
    watcher: Watcher | None = None,
) -> Report:
    """Import one file into a quarter.

    Parameters
    ----------
    kind
        A key of :data:`LOADERS`: "buildings", "entrances", "paths", "flats", "households",
        "sites" or "phases".
    path
        A file on this disk, of a kind that :mod:`layers.loaders.drivers` allows.
    advance
        Called with the number of rows after each batch, for a progress bar.
    watcher
        Is shown each batch as the file tells it and as it is understood, for a preview.

    Returns
    -------
    Report
        Every refused row with its reason; all other rows are stored (or were there already).

    Raises
    ------
    DataError
        When the file as a whole cannot be used; nothing must be committed then.
    """
    options = options or ImportOptions()
    report = Report()
    watcher = watcher or Nobody()
    place = place_of(session, quarter_id)
    loader: Loader | None = None
    mapping: ColumnMapping | None = None
    converter: Converter | None = None
    for batch in read_batches(path, report, kind=kind, layer=options.layer):
        if mapping is None or loader is None:
            watcher.columns(batch.frame, None)
            mapping = column_mapping(
                [str(name) for name in batch.frame.columns if name != "geometry"], kind,
                profile=options.profile, maps=options.maps,
            )  # fmt: skip
            watcher.columns(batch.frame, mapping)
            _check_usable(kind, batch, mapping)
            loader = LOADERS[kind](session, quarter_id, report, mapping.theirs, options)
            if batch.crs_note and options.crs is None:
                report.note(batch.crs_note)
        frame = mapping.apply(batch.frame)
        if SECOND_SHAPE in frame:
            named = mapping.theirs[SECOND_SHAPE]
            frame[SECOND_SHAPE] = parsed_shapes(frame[SECOND_SHAPE].rename(named), report)
        for column in (SECOND_SHAPE, "geometry"):
            if column not in frame or frame[column].isna().all():
                continue
            shapes = frame[column].to_numpy(dtype=object)
            if converter is None:
                converter = _converter(batch, options, place, shapes, report)
            frame[column] = converter.convert(
                shapes, frame.index.to_numpy(), report, mapping.theirs.get(column, column)
            )
        watcher.shapes(frame)
        loader.add(frame)
        advance(len(frame))
    if isinstance(loader, PhaseLoader):
        _second_layer(loader, path, options, place, report)
    if loader is None:
        raise DataError(
            Sentence(
                "%(file)s holds no rows that could be %(kind)s.",
                file=os.path.basename(path),
                kind=Sentence(kind),
            )
        )
    loader.finish()
    if report.accepted:
        _credit(session, quarter_id, options)
    refresh_statistics(session)
    told = {"kind": kind, "file": os.path.basename(path), "accepted": report.accepted,
            "unchanged": report.unchanged, "refused": report.refused}  # fmt: skip
    history.record(
        session, history.actor_of(session), "import.done",
        history.Subject("import", None, quarter_id), history.difference({}, told),
    )  # fmt: skip
    return report


def _credit(session: Session, quarter_id: int, options: ImportOptions) -> None:
    """Write down whose data these are; maps say it below, the page of licences too."""
    source = (options.source or (OSM_CREDIT if options.profile == "osm" else "")).strip()
    quarter = session.get_one(Quarter, quarter_id)
    known = quarter.settings.get(DATA_SOURCES, [])
    if source and source not in known:
        quarter.settings = {**quarter.settings, DATA_SOURCES: [*known, source]}


def _second_layer(
    loader: PhaseLoader, path: str | os.PathLike[str], options: ImportOptions, place: Place,
    report: Report,
) -> None:  # fmt: skip
    """Closures that a file of phases keeps in a layer or sheet of their own."""
    layer = next((n for n in layer_names(path) if n.lower() in SECOND_LAYER), None)
    if layer is None or layer == options.layer:
        return
    own, converter = Report(), None
    for batch in read_batches(path, own, kind="closures", layer=layer):
        columns = [str(name) for name in batch.frame.columns if name != "geometry"]
        frame = column_mapping(columns, "closures").apply(batch.frame)
        if "geometry" not in frame:
            raise DataError(Sentence("The layer %(layer)r has no shapes.", layer=layer))
        shapes = frame["geometry"].to_numpy(dtype=object)
        if converter is None:
            converter = _converter(batch, options, place, shapes, report)
        frame["geometry"] = converter.convert(shapes, frame.index.to_numpy(), own, "geometry")
        loader.add_closures(frame, own)


def _converter(
    batch: Batch, options: ImportOptions, place: Place, shapes: np.ndarray, report: Report
) -> Converter:
    return Converter(batch.crs, options.crs, place, shapes, report, swap=options.swap_axes)


def _check_usable(kind: str, batch: Batch, mapping: ColumnMapping) -> None:
    if kind in NEED_GEOMETRY and "geometry" not in batch.frame:
        raise DataError(
            Sentence(
                "The file has no geometry, so it cannot hold %(kind)s: there is "
                "neither a column with WKT nor columns with coordinates (longitude and "
                "latitude, or x and y). It has %(names)s.",
                kind=Sentence(kind),
                names=", ".join(map(str, list(batch.frame.columns)[:20])),
            )
        )


def buildings_near(session: Session, quarter_id: int, bounds: Sequence[float]) -> gpd.GeoDataFrame:
    """Footprints within 150 m of ``bounds`` (west, south, east, north in metres), 1,500 at most."""
    west, south, east, north = (float(edge) for edge in bounds)
    return geo_frame(
        session.connection(), _GROUND, ("id",), quarter=quarter_id, srid=SRID,
        west=west - _NEAR_M, south=south - _NEAR_M, east=east + _NEAR_M, north=north + _NEAR_M,
        most=GROUND_BUILDINGS,
    )  # fmt: skip


def add_quarter(session: Session, code: str, name: str, municipality: str = "") -> Quarter:
    """Record a quarter. Raises :class:`Conflict` when its code is taken."""
    if session.scalar(select(Quarter).where(Quarter.code == code)) is not None:
        raise Conflict(f"There is a quarter {code!r} already.")
    quarter = Quarter(code=code, name=name, municipality=municipality)
    session.add(quarter)
    session.flush()
    return quarter


def set_boundary(
    session: Session, quarter: Quarter, path: str | os.PathLike[str], crs: str | None = None
) -> Report:
    """Take the areas of a file, put together, as the boundary of a quarter.

    Raises :class:`DataError` when the file holds no area that can be used.
    """
    report = Report()
    parts: list[object] = []
    nowhere = Place(quarter.id, quarter.code, None, None)
    for batch in read_batches(path, report):
        if "geometry" not in batch.frame:
            break
        shapes = batch.frame["geometry"].to_numpy(dtype=object)
        rows = batch.frame.index.to_numpy()
        metric = Converter(batch.crs, crs, nowhere, shapes, report).convert(
            shapes, rows, report, "geometry"
        )
        whole = geometry.polygons(
            metric, rows, report, span_m=MAX_BOUNDARY_SPAN_M, field="geometry"
        )
        parts.extend(shape for shape in whole if shape is not None)
    if not parts:
        reason = Sentence(" (%(why)s)", why=report.rows[0].reason) if report.rows else ""
        raise DataError(
            Sentence(
                "%(file)s holds no area to be a boundary%(reason)s.",
                file=os.path.basename(path),
                reason=reason,
            )
        )
    merged = shapely.union_all(np.array(parts, dtype=object))
    areas = [part for part in getattr(merged, "geoms", [merged]) if part.geom_type == "Polygon"]
    quarter.boundary = from_shape(shapely.MultiPolygon(areas), srid=SRID)
    session.flush()
    return report
