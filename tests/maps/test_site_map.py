"""What maps show and what they never show, without a browser."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from layers.crs import SRID
from layers.errors import DataError
from maps import style
from maps.base import TileSource, feature_collection, render_page, render_parts, to_wgs84
from maps.base.frames import script_json
from maps.building_map import building_map
from maps.site_map import as_rows, phase_map, quarter_map


def blocks_of(html: str) -> list[dict]:
    """All data blocks of a page."""
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    return [json.loads(text) for text in found]


def features_with(html: str, name: str) -> list[dict]:
    """Properties of the features that have the property ``name``."""
    return [
        feature["properties"]
        for block in blocks_of(html)
        for feature in block.get("features", [])
        if name in feature["properties"]
    ]


def test_only_allowed_columns_leave(sample):
    data = sample()
    data.buildings["tenant"] = "Rossi Maria"
    data.buildings["vacant"] = 3
    data.sites["cup"] = "A00B00000000000"
    html = render_page(quarter_map(data), nonce="n")
    assert "Rossi" not in html
    assert "vacant" not in html
    assert "A00B0" not in html
    assert len(features_with(html, "flats")) == 12


def test_map_without_flats_tells_no_count(sample):
    data = sample()
    public = sample(buildings=data.buildings.drop(columns="flats"))
    assert features_with(render_page(quarter_map(public), nonce="n"), "flats") == []


def test_resident_map_carries_neither_bands_nor_counts(sample):
    html = render_page(building_map(sample(), 5), nonce="n")
    labels = features_with(html, "label")
    assert {"Via dei Mulini 5"} <= {p["label"] for p in labels}
    for name in ("band", "kinds", "flats"):
        assert features_with(html, name) == []


def test_resident_map_needs_its_building(sample):
    with pytest.raises(DataError, match="Building 999"):
        building_map(sample(), 999)


def test_resident_map_holds_what_is_near(sample):
    html = render_page(building_map(sample(400), 1, reach_m=120), nonce="n")
    assert 1 < len(features_with(html, "label")) < 30


def test_every_script_and_style_carries_the_nonce(sample):
    html = render_page(phase_map(sample()), nonce="abc123")
    opening = re.findall(r"<(?:script|style|link)\b[^>]*>", html)
    assert len(opening) > 8
    for tag in opening:
        assert 'nonce="abc123"' in tag or 'type="application/json"' in tag, tag
    assert re.search(r"<[^>]+\sstyle=", html) is None
    assert re.search(r"<[^>]+\son\w+=", html.split("<script nonce")[0]) is None
    assert "https://" not in re.sub(r"<script nonce.*?</script>", "", html, flags=re.DOTALL)


def test_a_name_is_never_a_template(sample):
    data = sample()
    data.buildings["label"] = "{{ 7*191 }}{% if %}"
    html = render_page(quarter_map(data), nonce="n")
    assert "1337" not in html
    assert {p["label"] for p in features_with(html, "label")} >= {"{{ 7*191 }}{% if %}"}


def test_phase_map_shows_the_first_kind(sample):
    html = render_page(phase_map(sample()), nonce="n")
    shown = re.findall(r"(geo_json_\w+)\.addTo", html)
    zones = re.findall(r"var (geo_json_\w+) = accanto\.layers\.zones", html)
    assert [name in shown for name in zones] == [True, False]


def test_tiles_take_over_above_the_limit(sample):
    source = TileSource(url="/tiles/7/buildings/{z}/{x}/{y}.mvt", bands={3: 4, 5: 0})
    small = quarter_map(sample(12, tiles=source))
    large = quarter_map(sample(2001, tiles=source, zones=None))
    assert not small.uses_tiles
    assert large.uses_tiles
    html = render_page(large, nonce="n", own="/static/maps")
    assert len(html) < 20_000
    assert blocks_of(html)[0]["tile_bands"] == {"3": 4}
    assert "Leaflet.VectorGrid" in html
    assert "Leaflet.VectorGrid" not in render_page(small, nonce="n", own="/static/maps")


def test_parts_fit_into_another_page(sample):
    parts = render_parts(quarter_map(sample()), nonce="n")
    assert "<html" not in parts.head + parts.body + parts.scripts
    assert 'class="folium-map accanto-map"' in parts.body
    assert "<script" not in parts.head
    assert "<h1" not in parts.body
    assert parts.scripts.count("</script>") == 3


def test_english_page(sample):
    html = render_page(quarter_map(sample(language="en")), nonce="n")
    assert '<html lang="en">' in html
    assert "Legend" in html
    assert "very strong" in html
    assert "Test data" in html


def test_real_data_wears_no_ribbon(sample):
    assert "accanto-ribbon" not in render_page(
        quarter_map(sample(synthetic=False)), nonce="n", own="/m"
    )


def test_rows_say_what_the_map_says(sample):
    rows = as_rows(sample())
    buildings = [row for row in rows if row.what == "building"]
    assert len(buildings) == 12
    assert [row.band for row in buildings] == sorted((r.band for r in buildings), reverse=True)
    first = buildings[0]
    assert first.band_label == "molto forte"
    assert first.kind_labels.startswith("Rumore: molto forte, Polvere: forte")
    assert first.href == f"/edifici/{int(first.code[1:]) + 1}"
    assert [(r.code, r.label) for r in rows if r.what == "site"] == [
        ("A", "Torri di via dei Mulini")
    ]
    assert next(r.label for r in rows if r.what == "closure") == (
        "Marciapiede o vialetto chiuso: Passaggio sul lato opposto, 3–14 marzo"
    )


def test_the_way_of_lorries_is_told_in_the_list_and_the_legend(sample):
    data = sample()
    way = data.paths.geometry.iloc[:1]
    routes = gpd.GeoDataFrame(
        {"kind": ["lorry_route"], "phase": ["B2"]}, geometry=list(way), crs=data.paths.crs
    )
    shown = sample(closures=routes)
    row = next(r for r in as_rows(shown) if r.what == "closure")
    assert (row.code, row.label) == ("B2", "Percorso degli autocarri")
    page = render_page(quarter_map(shown), nonce="n")
    assert "Percorso degli autocarri" in page
    # Nothing is closed, so the legend has no entry for that.
    assert "Chiusure</" not in page
    assert "Chiusure</" in render_page(quarter_map(data), nonce="n")


def test_rows_of_a_building_not_computed(sample):
    data = sample()
    data.buildings["band"] = [None, *data.buildings["band"][1:]]
    last = [row for row in as_rows(data) if row.what == "building"][-1]
    assert (last.band, last.band_label) == (None, "non calcolato")


def test_empty_map_opens(sample):
    html = render_page(
        quarter_map(sample(buildings=None, zones=None, sites=None, closures=None, paths=None)),
        nonce="n",
    )
    assert "accanto.open" in html


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.drop(columns="id"), "lack the column id"),
        (lambda f: f.to_crs(4326), "coordinate system EPSG:4326"),
        (lambda f: f.set_crs(None, allow_override=True), "coordinate system none"),
        (lambda f: f.assign(band=7), "bands go from 0"),
    ],
)
def test_unfit_frames_are_refused_in_words(sample, change, sentence):
    with pytest.raises(DataError, match=sentence):
        quarter_map(sample(buildings=change(sample().buildings)))


def test_rows_without_geometry_are_left_out(sample):
    buildings = sample().buildings
    buildings.loc[0, "geometry"] = Polygon()
    buildings.loc[1, "geometry"] = None
    html = render_page(quarter_map(sample(buildings=buildings)), nonce="n")
    assert len(features_with(html, "flats")) == 10


@given(st.text(), st.text())
def test_json_in_a_script_is_the_same_json(key, value):
    text = script_json(json.dumps({key: value}, ensure_ascii=False))
    assert json.loads(text) == {key: value}
    assert not set("<>&`'\u2028\u2029") & set(text)


@given(
    st.floats(400_000, 600_000),
    st.floats(4_900_000, 5_200_000),
    st.floats(5, 200),
    st.floats(5, 99),
)
def test_conversion_keeps_place_within_20_cm_and_winds_rings(x, y, width, depth):
    shape = box(x, y, x + width, y + depth)
    out = to_wgs84([shape.reverse()])[0]
    assert out.exterior.is_ccw
    back = gpd.GeoSeries([out], crs=4326).to_crs(SRID)[0]
    assert back.hausdorff_distance(shape) < 0.2


def test_geojson_is_longitude_then_latitude():
    frame = gpd.GeoDataFrame({"id": [1]}, geometry=[Point(515_600, 5_055_200)], crs=SRID)
    lon, lat = json.loads(feature_collection(frame))["features"][0]["geometry"]["coordinates"]
    assert 9.1 < lon < 9.3
    assert 45.6 < lat < 45.7


def test_bands_differ_without_colour():
    greys = [int(grey[1:3], 16) for grey in style.BAND_GREYS]
    assert greys == sorted(greys, reverse=True)
    assert min(a - b for a, b in pairwise(greys)) > 20
    assert set(style.BAND_HATCHES) == {3, 4}


@pytest.mark.parametrize("language", style.LANGUAGES)
def test_every_kind_has_word_and_sign(language):
    assert set(style.kind_labels(language)) == set(style.KIND_ICONS)
    assert set(style.texts(language)) == set(style.TEXTS["it"])
    assert len(style.band_labels(language)) == len(style.BAND_COLOURS)


def test_kinds_are_the_engines():
    # The model's own list, read where it is defined.
    from layers.impacts.models import KINDS
    from layers.sites import CLOSURE_KINDS

    assert style.KINDS == KINDS
    # The way of the lorries is drawn with the closures, and is none.
    assert set(style.CLOSURE_LABELS["it"]) == {*CLOSURE_KINDS, "lorry_route"}
