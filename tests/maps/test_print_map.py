"""Maps on paper: well-formed, escaped, readable without colour, public where they must be."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pytest

from layers.errors import DataError
from maps.print_map import Sheet, print_map

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """Every text of the drawing."""
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_sheet_has_its_size_scale_north_legend_and_label(sample):
    root = ET.fromstring(print_map(sample(), sheet=Sheet(width_mm=90, height_mm=60)))
    assert (root.get("width"), root.get("height")) == ("90mm", "60mm")
    found = texts(print_map(sample()))
    assert {"N", "molto forte", "Cantieri", "Chiusure", "Dati di prova"} <= set(found)
    assert "Cantiere A" in found
    assert any(re.fullmatch(r"\d+ m", text) for text in found)


def test_scale_bar_is_as_long_as_it_says(sample):
    svg = print_map(sample(), sheet=Sheet(margin_m=0))
    metres = int(next(t for t in texts(svg) if re.fullmatch(r"\d+ m", t)).split()[0])
    bar = float(re.search(r"v?V[\d.]+h([\d.]+)v-120", svg).group(1))
    # A slab of the sample is 55 m long; the widest thing of the sheet fixes the scale.
    west, south, east, north = sample().buildings.total_bounds
    per_metre = min(17_000 / (east - west), 12_000 / (north - south))
    assert bar / per_metre == pytest.approx(metres, rel=0.1)


def test_public_sheet_shows_no_bands(sample):
    svg = print_map(sample(), building_id=5)
    assert "molto forte" not in svg
    assert "-hatch-4)" not in svg
    assert "Via dei Mulini 5" in texts(svg)
    assert "Via dei Mulini 9" not in texts(svg)


@pytest.mark.parametrize(
    "text", ["</svg><script>x</script>", "`${1}`\u2028", "a\x00\x0b<!--", "\"&'"]
)
def test_labels_are_escaped(sample, text):
    data = sample()
    data.buildings["label"] = text
    data.sites["code"] = text
    svg = print_map(sample(buildings=data.buildings, sites=data.sites, title=text), building_id=5)
    root = ET.fromstring(svg)
    assert [e.tag for e in root.iter() if "script" in e.tag] == []
    shown = "".join(c for c in text if c >= " ")
    assert shown in texts(svg)


def test_grey_sheet_has_no_colour(sample):
    svg = print_map(sample(), sheet=Sheet(colour=False), zone_kind="noise")
    colours = set(re.findall(r"#[0-9a-f]{6}", svg)) - {"#4a3b2c"}
    assert all(c[1:3] == c[3:5] == c[5:7] for c in colours)


def test_areas_of_one_kind_on_demand(sample):
    plain, noise = print_map(sample()), print_map(sample(), zone_kind="noise")
    assert len(noise) > len(plain)
    assert print_map(sample(), zone_kind="parking").count("<path") == noise.count("<path")


def test_no_style_script_or_outside_file(sample):
    svg = print_map(sample())
    assert re.search(r"<(style|script|image|foreignObject)|\sstyle=|href=", svg) is None


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"buildings": None, "sites": None}, {}, "nothing to draw"),
        ({}, {"building_id": 999}, "Building 999"),
        ({}, {"prefix": "x y"}, "plain name"),
    ],
)
def test_refusals_in_words(sample, changes, options, sentence):
    with pytest.raises(DataError, match=sentence):
        print_map(sample(**changes), **options)


def test_the_way_of_lorries_is_a_line_and_closes_nothing(sample):
    data = sample()
    way = data.paths.geometry.iloc[:1]
    routes = gpd.GeoDataFrame({"kind": ["lorry_route"]}, geometry=list(way), crs=data.paths.crs)
    svg = print_map(sample(closures=routes))
    found = texts(svg)
    assert "Percorso degli autocarri" in found
    assert "Chiusure" not in found
    assert svg.count('stroke-dasharray="20 170"') == 2
    assert "-closure)" not in svg
    both = pd.concat([data.closures, routes], ignore_index=True)
    assert {"Percorso degli autocarri", "Chiusure"} <= set(texts(print_map(sample(closures=both))))
