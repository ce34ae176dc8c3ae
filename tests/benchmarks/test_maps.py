"""Time and size of a map page, beside bare Folium drawing the same buildings in the same run.

Run: ``pytest tests/benchmarks/test_maps.py -s --override-ini addopts=``
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import folium
import geopandas as gpd
import pytest
from shapely.geometry import box

from layers.crs import SRID
from maps.base import MapData, TileSource, render_page, single_file
from maps.base.assets import DEFAULT_ROOT
from maps.print_map import print_map
from maps.site_map import quarter_map

TILES = TileSource(url="/tiles/1/buildings/{z}/{x}/{y}.mvt", href="/edifici/{id}")
COLOURS = ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404")


def buildings(count: int) -> gpd.GeoDataFrame:
    """L-shaped buildings on a grid."""
    columns = max(1, round(count**0.5))
    rows = []
    for i in range(count):
        x, y = 515_000 + (i % columns) * 40.37, 5_055_000 + (i // columns) * 40.91
        shape = box(x, y, x + 24.3, y + 11.7).union(box(x, y, x + 9.1, y + 25.3))
        rows.append(
            {
                "id": i + 1,
                "code": f"B{i:05d}",
                "label": f"Via dei Mulini {i}",
                "band": i % 5,
                "kinds": {"noise": i % 5},
                "flats": i % 30,
                "href": f"/edifici/{i + 1}",
                "geometry": shape,
            }
        )
    return gpd.GeoDataFrame(rows, crs=SRID)


def bare_folium(frame: gpd.GeoDataFrame) -> str:
    """What Folium does by itself: style function, tooltip, whole page."""
    map_ = folium.Map(location=[45.65, 9.2], zoom_start=16, tiles=None)
    folium.GeoJson(
        frame[["id", "code", "label", "band", "flats", "geometry"]].to_crs(4326),
        style_function=lambda f: {"fillColor": COLOURS[f["properties"]["band"]]},
        tooltip=folium.GeoJsonTooltip(["label", "code"]),
    ).add_to(map_)
    folium.LayerControl().add_to(map_)
    return map_.get_root().render()


def measured(make: Callable[[], str], times: int = 3) -> tuple[float, int]:
    """Median milliseconds and size in bytes."""
    seconds, text = [], ""
    for _ in range(times):
        start = time.perf_counter()
        text = make()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000, len(text.encode())


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_page_beside_bare_folium(count, capsys):
    frame = buildings(count)
    data = MapData(buildings=frame, title="Prova")
    bare_folium(frame.head(5))
    floor_ms, floor_bytes = measured(lambda: bare_folium(frame))
    page_ms, page_bytes = measured(
        lambda: render_page(quarter_map(data), nonce="n", own="/static/maps")
    )
    with capsys.disabled():
        print(
            f"\n{count:6d} buildings: page {page_ms:8.1f} ms {page_bytes / 1e6:6.3f} MB; "
            f"bare folium {floor_ms:8.1f} ms {floor_bytes / 1e6:6.3f} MB; "
            f"ratio {page_ms / floor_ms:.2f}"
        )
    # Small pages pay for legend, popups and policy; large ones must not cost more than bare.
    assert page_ms < floor_ms * (3 if count == 100 else 1)


@pytest.mark.parametrize("count", [100, 10_000, 100_000])
def test_page_with_tiles(count, capsys):
    bands = {i: 1 + i % 4 for i in range(1, count // 50)}
    data = MapData(tiles=TileSource(url=TILES.url, href=TILES.href, bands=bands))
    remote = MapData(tiles=TileSource(url=TILES.url, href=TILES.href, bands_url="/bands.json"))
    page_ms, page_bytes = measured(lambda: render_page(quarter_map(data), nonce="n", own="/m"), 5)
    _, remote_bytes = measured(lambda: render_page(quarter_map(remote), nonce="n", own="/m"))
    with capsys.disabled():
        print(
            f"\ntiles, {count} buildings of which {len(bands)} hit: {page_ms:.1f} ms, "
            f"{page_bytes / 1e3:.1f} kB; bands fetched apart: {remote_bytes / 1e3:.1f} kB"
        )
    assert remote_bytes < 20_000


@pytest.mark.parametrize("count", [12, 1_659, 10_000])
def test_single_file(count, capsys):
    if not (DEFAULT_ROOT / "leaflet" / "leaflet.js").is_file():
        pytest.skip("front-end files are not fetched: run ./accanto once")
    data = MapData(buildings=buildings(count), tiles=TILES)
    file_ms, file_bytes = measured(lambda: single_file(quarter_map(data)))
    with capsys.disabled():
        print(f"\none file, {count} buildings: {file_ms:.0f} ms, {file_bytes / 1e6:.2f} MB")
    assert file_ms < 10_000


def test_paper(capsys):
    data = MapData(buildings=buildings(1_000))
    svg_ms, svg_bytes = measured(lambda: print_map(data), 5)
    with capsys.disabled():
        print(f"\nSVG, 1000 buildings: {svg_ms:.0f} ms, {svg_bytes / 1e3:.0f} kB")
    assert svg_ms < 5_000
