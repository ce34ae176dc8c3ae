"""Shapes drawn on a page, and what is no shape."""

from __future__ import annotations

import pytest

from layers.errors import DataError
from layers.loaders.drawn import MAX_VERTICES, metric_of_geojson


def test_a_drawn_point_lies_in_the_metric_system() -> None:
    east, north = metric_of_geojson('{"type":"Point","coordinates":[9.19,45.46]}').coords[0]
    assert (round(east, -3), round(north, -3)) == (515_000, 5_034_000)


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "[" * 9_000, '{"type":"Polygon","coordinates":[]}',
        '{"type":"Point","coordinates":[1e999,45]}', '{"type":"Point","coordinates":[181,45]}',
        f'{{"type":"Point","coordinates":[{10**400},45]}}', '{"type":"\\ud800"}',
        f'{{"type":"MultiPoint","coordinates":{[[9.0, 45.0]] * (MAX_VERTICES + 1)}}}',
    ],
)  # fmt: skip
def test_what_is_no_shape_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(DataError):
        metric_of_geojson(text)
