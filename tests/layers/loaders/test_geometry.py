"""Mending of shapes: repaired and counted, or refused with a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.loaders.geometry import MAX_BUILDING_SPAN_M, lines, points, polygons
from layers.loaders.report import Report


def mended(*geometries: object) -> tuple[np.ndarray, Report]:
    report = Report(read=len(geometries))
    shapes = np.array([*geometries, None], dtype=object)[:-1]
    rows = np.arange(1, len(geometries) + 1)
    made = polygons(shapes, rows, report, span_m=MAX_BUILDING_SPAN_M, field="geom")
    return made, report


SQUARE = shapely.box(0, 0, 10, 10)


def test_a_sound_polygon_stays_and_counts_no_repair() -> None:
    made, report = mended(SQUARE)
    assert made[0].geom_type == "MultiPolygon"
    assert made[0].equals(SQUARE)
    assert report.repaired == 0
    assert report.refused == 0


def test_a_bow_tie_keeps_both_wings() -> None:
    made, report = mended(shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)]))
    assert made[0].is_valid
    assert made[0].area == pytest.approx(8.0)
    assert report.repaired == 1
    assert report.repairs == {"self-crossing rings made valid": 1}


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (shapely.force_3d(SQUARE, 5.0), "Z or M dropped"),
        (shapely.from_wkt("POLYGON M ((0 0 1, 10 0 1, 10 10 1, 0 10 1, 0 0 1))"), "Z or M dropped"),
        (shapely.LineString(SQUARE.exterior.coords), "closed line taken as an area"),
        (
            shapely.Polygon([(0, 0), (10, 0), (10, 0), (10, 10), (0, 10)]),
            "repeated vertices dropped",
        ),
        (
            shapely.GeometryCollection([SQUARE, shapely.Point(3, 3)]),
            "areas taken out of a collection",
        ),
    ],
)
def test_repairs_are_counted_by_kind(shape: object, kind: str) -> None:
    made, report = mended(shape)
    assert made[0].area == pytest.approx(100.0)
    assert not made[0].has_z
    assert report.repairs == {kind: 1}


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (None, "no geometry"),
        (shapely.Polygon(), "no geometry"),
        (shapely.Point(1, 1), "is a point where an area"),
        (shapely.LineString([(0, 0), (5, 5), (9, 0)]), "is a line where an area"),
        (shapely.Polygon([(0, 0), (4, 0), (2, 0)]), "that is nothing"),
        (shapely.box(0, 0, 0.1, 0.1), "that is nothing"),
        (shapely.box(0, 0, 90_000, 10), "absurd"),
        (shapely.GeometryCollection([shapely.Point(3, 3)]), "that is nothing"),
        (shapely.Polygon([(0, 0), (math.nan, 4), (4, 4)]), "not finite"),
        (shapely.Polygon([(0, 0), (math.inf, 4), (4, 4)]), "not finite"),
    ],
)
def test_what_cannot_be_an_area_is_refused_with_its_row(shape: object, reason: str) -> None:
    made, report = mended(SQUARE, shape)
    assert made[1] is None
    (refusal,) = report.rows
    assert refusal.row == 2
    assert refusal.field == "geom"
    assert reason in refusal.reason
    assert made[0] is not None


# Whole millimetres, as surveys have them.
MILLIMETRES = st.integers(-500_000, 500_000).map(lambda number: number / 1000)


@given(st.lists(st.tuples(MILLIMETRES, MILLIMETRES), min_size=3, max_size=12))
def test_whatever_comes_in_valid_areas_or_refusals_come_out(
    corners: list[tuple[float, float]],
) -> None:
    made, report = mended(shapely.Polygon(corners))
    if made[0] is None:
        assert report.refused == 1
    else:
        assert made[0].geom_type == "MultiPolygon"
        assert made[0].is_valid
        assert made[0].area >= 0.5
        assert all(shapely.is_ccw(part.exterior) for part in made[0].geoms), made[0].wkt


def test_mending_twice_changes_nothing() -> None:
    first, _ = mended(shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)]))
    again, report = mended(first[0])
    assert again[0].equals_exact(first[0], 0)
    assert report.repaired == 0


def test_points_and_lines() -> None:
    report = Report()
    rows = np.array([1, 2, 3])
    kept = points(
        np.array([shapely.Point(1, 2, 3), shapely.MultiPoint([(1, 1)]), SQUARE], dtype=object),
        rows, report, field="geom",
    )  # fmt: skip
    assert [None if p is None else p.wkt for p in kept] == ["POINT (1 2)", "POINT (1 1)", None]
    assert [r.row for r in report.rows] == [3]
    report = Report()
    pieces = [
        shapely.MultiLineString([[(0, 0), (1, 0)], [(1, 0), (2, 0)]]),
        shapely.MultiLineString([[(0, 0), (1, 0)], [(5, 0), (6, 0)]]),
        shapely.LineString([(0, 0), (0, 0)]),
    ]
    kept = lines(np.array(pieces, dtype=object), rows, report, field="geom")
    assert kept[0].equals(shapely.LineString([(0, 0), (2, 0)]))
    assert report.repairs["line pieces joined"] == 1
    assert [r.row for r in report.rows] == [2, 3]
