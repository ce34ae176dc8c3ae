"""Mending geometry: what can be repaired is repaired and counted, the rest is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.errors import Sentence
from layers.loaders.report import Report

Geometries = NDArray[Any]

MIN_AREA_M2 = 0.5
MENDED_GRID_M = 1e-4
MAX_BUILDING_SPAN_M = 2_000.0
MAX_SITE_SPAN_M = 10_000.0
MAX_PATH_SPAN_M = 50_000.0
_KIND_WORDS = {
    0: Sentence("a point"),
    1: Sentence("a line"),
    2: Sentence("a ring"),
    3: Sentence("an area"),
    4: Sentence("points"),
    5: Sentence("lines"),
    6: Sentence("an area"),
}


def polygons(
    geometries: Geometries, rows: NDArray[Any], report: Report, *, span_m: float, field: str
) -> Geometries:
    """Valid two-dimensional multipolygons, outer rings counter-clockwise, or None where refused.

    Mended and counted: Z and M dropped, closed lines taken as rings, self-crossing rings made
    valid, polygons taken out of collections, repeated vertices dropped. Refused by row: no
    geometry, points and open lines, area under 0.5 m², wider than ``span_m`` metres. Turning
    rings round and wrapping a polygon as a multipolygon is not counted: both are only notation.

    Parameters
    ----------
    geometries
        Array of shapely geometries in the metric system; None counts as no geometry.
    rows
        Row numbers for the report, as long as ``geometries``.
    """
    made = _flat_and_finite(geometries, rows, report, field)
    made = _rings_from_lines(made, rows, report)
    kinds = shapely.get_type_id(made)
    for position in np.flatnonzero((kinds >= 0) & ~np.isin(kinds, (3, 6, 7))):
        word = _KIND_WORDS[int(kinds[position])]
        report.refuse(
            int(rows[position]),
            field,
            Sentence("is %(word)s where an area (polygon) belongs", word=word),
        )
        made[position] = None
    invalid = ~shapely.is_valid(made) & ~shapely.is_missing(made)
    if invalid.any():
        valid = shapely.make_valid(made[invalid], method="structure", keep_collapsed=False)
        # Slivers thinner than a tenth of a millimetre, and common edges, go with the rounding.
        rounded = shapely.set_precision(valid, MENDED_GRID_M)
        made[invalid] = shapely.set_precision(rounded, 0.0)
    for position in np.flatnonzero(invalid):
        report.repair(int(rows[position]), Sentence("self-crossing rings made valid"))
    made = _only_polygons(made, rows, report)
    # After the mending: a ring whose vertices are all the same cannot be thinned.
    made = _dropped_repeats(made, rows, report)
    area = shapely.area(made)
    bounds = shapely.bounds(made)
    span = np.fmax(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    present = ~shapely.is_missing(made)
    for position in np.flatnonzero(present & (area < MIN_AREA_M2)):
        report.refuse(
            int(rows[position]),
            field,
            Sentence("has an area of %(area)s m², that is nothing", area=f"{area[position]:.2f}"),
        )
    for position in np.flatnonzero(present & (span > span_m)):
        report.refuse(
            int(rows[position]),
            field,
            Sentence(
                "is %(span)s km across; more than %(span_m)s km is absurd",
                span=f"{span[position] / 1000:,.1f}",
                span_m=f"{span_m / 1000:g}",
            ),
        )
    made[present & ((area < MIN_AREA_M2) | (span > span_m))] = None
    return _as_multi(shapely.orient_polygons(made))


def points(geometries: Geometries, rows: NDArray[Any], report: Report, *, field: str) -> Geometries:
    """Two-dimensional points, or None where refused; a single-point multipoint is taken apart."""
    made = _flat_and_finite(geometries, rows, report, field)
    kinds = shapely.get_type_id(made)
    single = (kinds == 4) & (shapely.get_num_geometries(made) == 1)
    made[single] = shapely.get_geometry(made[single], 0)
    for position in np.flatnonzero((kinds >= 0) & (kinds != 0) & ~single):
        word = _KIND_WORDS.get(int(kinds[position]), Sentence("a collection"))
        report.refuse(
            int(rows[position]), field, Sentence("is %(word)s where a point belongs", word=word)
        )
        made[position] = None
    return made


def lines(geometries: Geometries, rows: NDArray[Any], report: Report, *, field: str) -> Geometries:
    """Two-dimensional lines of more than 0.1 m, or None where refused.

    Parts of a multiline that touch end to end are joined and counted; one that stays in pieces
    is refused, because a path that jumps would join places that are not joined.
    """
    made = _flat_and_finite(geometries, rows, report, field)
    made = _dropped_repeats(made, rows, report)
    kinds = shapely.get_type_id(made)
    multi = kinds == 5
    made[multi] = shapely.line_merge(made[multi])
    merged = shapely.get_type_id(made)
    for position in np.flatnonzero(multi & (merged == 1)):
        if shapely.get_num_geometries(geometries[position]) > 1:
            report.repair(int(rows[position]), Sentence("line pieces joined"))
    for position in np.flatnonzero((merged >= 0) & (merged != 1)):
        word = Sentence("in several pieces" if merged[position] == 5 else "not a line")
        report.refuse(
            int(rows[position]), field, Sentence("is %(word)s; one line a row is needed", word=word)
        )
        made[position] = None
    length = shapely.length(made)
    present = ~shapely.is_missing(made)
    bad = present & ((length < 0.1) | (length > MAX_PATH_SPAN_M))
    for position in np.flatnonzero(bad):
        report.refuse(
            int(rows[position]),
            field,
            Sentence("is %(length)s m long", length=f"{length[position]:,.2f}"),
        )
    made[bad] = None
    return made


def _flat_and_finite(
    geometries: Geometries, rows: NDArray[Any], report: Report, field: str
) -> Geometries:
    made = np.array(geometries, dtype=object)
    empty = shapely.is_missing(made) | shapely.is_empty(made)
    for position in np.flatnonzero(empty):
        report.refuse(int(rows[position]), field, Sentence("is empty: the row has no geometry"))
    made[empty] = None
    raised = (shapely.has_z(made) | shapely.has_m(made)) & ~empty
    for position in np.flatnonzero(raised):
        report.repair(int(rows[position]), Sentence("Z or M dropped"))
    made[raised] = shapely.force_2d(made[raised])
    bounds = shapely.bounds(made)
    endless = ~np.isfinite(bounds).all(axis=1) & ~empty
    coordinates, owner = shapely.get_coordinates(made, return_index=True)
    endless[np.unique(owner[~np.isfinite(coordinates).all(axis=1)])] = True
    for position in np.flatnonzero(endless):
        report.refuse(
            int(rows[position]), field, Sentence("has coordinates that are not finite numbers")
        )
    made[endless] = None
    return made


def _rings_from_lines(made: Geometries, rows: NDArray[Any], report: Report) -> Geometries:
    """Closed lines (drawings know no areas) become polygons."""
    kinds = shapely.get_type_id(made)
    lined = np.isin(kinds, (1, 2))
    closed = lined & shapely.is_closed(made) & (shapely.get_num_points(made) >= 4)
    for position in np.flatnonzero(closed):
        made[position] = shapely.Polygon(shapely.get_coordinates(made[position]))
        report.repair(int(rows[position]), Sentence("closed line taken as an area"))
    return made


def _dropped_repeats(made: Geometries, rows: NDArray[Any], report: Report) -> Geometries:
    before = shapely.get_num_coordinates(made)
    thinned = shapely.remove_repeated_points(made, 0.0)
    for position in np.flatnonzero(shapely.get_num_coordinates(thinned) != before):
        report.repair(int(rows[position]), Sentence("repeated vertices dropped"))
    return np.asarray(thinned)


def _only_polygons(made: Geometries, rows: NDArray[Any], report: Report) -> Geometries:
    for position in np.flatnonzero(shapely.get_type_id(made) == 7):
        parts = _polygon_parts(made[position])
        report.repair(int(rows[position]), Sentence("areas taken out of a collection"))
        made[position] = shapely.union_all(parts) if parts else shapely.Polygon()
    return made


def _polygon_parts(geometry: Any) -> list[Any]:
    if shapely.get_type_id(geometry) in (4, 5, 6, 7):
        return [found for part in geometry.geoms for found in _polygon_parts(part)]
    return [geometry] if shapely.get_type_id(geometry) == 3 and not geometry.is_empty else []


def _as_multi(made: Geometries) -> Geometries:
    for position in np.flatnonzero(shapely.get_type_id(made) == 3):
        made[position] = shapely.MultiPolygon([made[position]])
    return made
