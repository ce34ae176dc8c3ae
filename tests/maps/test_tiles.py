"""Vector tiles out of a real PostGIS: what is in them, what is not, and the cache."""

from __future__ import annotations

import datetime as dt
import math
import os
from pathlib import Path

import geopandas as gpd
import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import LineString, MultiPolygon, box

from layers.buildings import Building, Quarter
from layers.buildings import Path as Stretch
from layers.crs import SRID
from layers.errors import DataError
from maps import tiles
from maps.base import TileSource, to_wgs84
from maps.base.frames import bounds_wgs84
from maps.site_map import quarter_map

X, Y = 515_600.0, 5_055_200.0


def tile_of(x_m: float, y_m: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile around a point of the metric system."""
    point = gpd.GeoSeries.from_xy([x_m], [y_m], crs=SRID).to_crs(4326)[0]
    n = 2**zoom
    lat = math.radians(point.y)
    return int((point.x + 180) / 360 * n), int((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * n)


@pytest.fixture
def quarter(session) -> Quarter:
    quarter = Quarter(code="tiles", name="Prova")
    session.add(quarter)
    session.flush()
    for number in range(30):
        row, column = divmod(number, 6)
        side = 4 if number == 0 else 45
        shape = box(X + column * 60, Y + row * 60, X + column * 60 + side, Y + row * 60 + side)
        session.add(
            Building(
                quarter_id=quarter.id,
                source_id=str(number),
                code=f"T{number}",
                name="`${x}`",
                owner="Comune",
                footprint=from_shape(MultiPolygon([shape]), srid=SRID),
                closed_on=dt.date(2020, 1, 1) if number == 29 else None,
            )
        )
    for kind, y in (("street", Y - 10), ("footway", Y + 30)):
        line = from_shape(LineString([(X, y), (X + 240, y)]), srid=SRID)
        session.add(Stretch(quarter_id=quarter.id, source_id=kind, kind=kind, geom=line))
    session.flush()
    return quarter


def read(content: bytes, folder: Path, zoom: int, layer: str) -> gpd.GeoDataFrame:
    """The features of a tile by GDAL, in Web Mercator."""
    x, y = tile_of(X, Y, zoom)
    path = folder / f"{zoom}-{x}-{y}.mvt"
    path.write_bytes(content)
    return gpd.read_file(path, layer=layer, X=x, Y=y, Z=zoom, METADATA_FILE="")


@pytest.mark.parametrize("zoom", [12, 13, 14, 16])
def test_tile_holds_geometry_id_and_code_only(connection, quarter, tmp_path, zoom):
    content = tiles.tile(connection, quarter.id, "buildings", zoom, *tile_of(X, Y, zoom))
    frame = read(content, tmp_path, zoom, "buildings")
    assert set(frame.columns) <= {"id", "code", "mvt_id", "geometry"}
    assert b"Comune" not in content
    assert b"${x}" not in content
    if zoom >= 14:
        assert {"T0", "T1"} <= set(frame["code"])
    else:
        # Less than half a pixel: left out.
        assert len(frame) == 28
        assert "code" not in frame
    # The closed one never shows.
    assert len(frame) <= 29
    assert b"T29" not in content


def test_outlines_lie_where_the_buildings_are(connection, quarter, tmp_path):
    content = tiles.tile(connection, quarter.id, "buildings", 16, *tile_of(X, Y, 16))
    frame = read(content, tmp_path, 16, "buildings").set_crs(3857, allow_override=True)
    areas = []
    for code, shape in zip(frame["code"], frame.to_crs(SRID).geometry, strict=True):
        row, column = divmod(int(code[1:]), 6)
        x, y, side = X + column * 60, Y + row * 60, 4 if code == "T0" else 45
        # A tile cuts what goes over its edge; what is left lies where it belongs, within 30 cm.
        assert shape.difference(box(x, y, x + side, y + side).buffer(0.3)).area < 0.01
        areas.append(shape.area)
    assert max(areas) == pytest.approx(45 * 45, rel=0.01)


def test_paths_are_thinned_below_zoom_13(connection, quarter, tmp_path):
    def kinds(zoom: int) -> set[str]:
        content = tiles.tile(connection, quarter.id, "paths", zoom, *tile_of(X, Y, zoom))
        return set(read(content, tmp_path, zoom, "paths")["kind"])

    assert kinds(14) == {"street", "footway"}
    assert kinds(12) == {"street"}


def test_another_quarter_and_open_country_are_empty(connection, quarter):
    x, y = tile_of(X, Y, 15)
    assert tiles.tile(connection, quarter.id + 1, "buildings", 15, x, y) == b""
    assert tiles.tile(connection, quarter.id, "buildings", 15, x + 50, y) == b""


@pytest.mark.parametrize(
    ("layer", "z", "x", "y"),
    [("households", 15, 0, 0), ("buildings", 30, 0, 0), ("buildings", 9, 0, 0),
     ("buildings", 14, 2**14, 0), ("buildings", 14, -1, 0)],
)  # fmt: skip
def test_addresses_outside_the_grid_are_refused(connection, quarter, layer, z, x, y):
    with pytest.raises(DataError, match="There is no tile"):
        tiles.tile(connection, quarter.id, layer, z, x, y)


def test_version_belongs_to_the_quarter(connection, quarter):
    assert tiles.version(connection, quarter.id) == 1
    with pytest.raises(DataError, match="no quarter"):
        tiles.version(connection, -1)


def test_cache_forgets_the_least_used_and_stays_within_its_bytes():
    cache = tiles.TileCache(max_bytes=4000)
    for number in range(3):
        cache.put((1, 1, "buildings", 15, number, 0), bytes(1000))
    assert cache.get((1, 1, "buildings", 15, 0, 0)) is not None
    cache.put((1, 1, "buildings", 15, 3, 0), bytes(1000))
    assert cache.get((1, 1, "buildings", 15, 1, 0)) is None
    assert cache.get((1, 1, "buildings", 15, 0, 0)) is not None
    assert cache.used_bytes <= 4000
    cache.put((1, 2, "buildings", 15, 0, 0), bytes(10_000))
    assert len(cache) == 3


def test_entity_tag_follows_the_content():
    assert tiles.etag(b"a") != tiles.etag(b"b")
    assert tiles.etag(b"a") == tiles.etag(b"a")


@pytest.mark.browser
def test_browser_draws_tiles_and_opens_a_building(page, shown, connection, session, sample):
    quarter = Quarter(code="grid", name="Prova")
    session.add(quarter)
    session.flush()
    data = sample(400)
    ids = []
    for code, shape in zip(data.buildings["code"], data.buildings.geometry, strict=True):
        building = Building(
            quarter_id=quarter.id,
            source_id=code,
            code=code,
            footprint=from_shape(MultiPolygon([shape]), srid=SRID),
        )
        session.add(building)
        ids.append(building)
    session.flush()
    bands = {b.id: (n * 7) % 5 for n, b in enumerate(ids)}
    source = TileSource(
        url=shown.address + "/tiles/1/buildings/{z}/{x}/{y}.mvt",
        bands=bands,
        href="/edifici/{id}",
        details_url="/edifici/{id}.json",
    )
    asked: list[str] = []

    def serve(route):
        asked.append(route.request.url)
        z, x, y = route.request.url.removesuffix(".mvt").split("/")[-3:]
        content = tiles.tile(connection, quarter.id, "buildings", int(z), int(x), int(y))
        route.fulfill(status=200, body=content, content_type="application/vnd.mapbox-vector-tile")

    map_ = quarter_map(sample(400, buildings=None, tiles=source), show_zones=["noise"])
    map_.config["bounds"] = bounds_wgs84([data.buildings.iloc[:60]])
    shown.watch(page)
    page.route("**/tiles/**", serve)
    page.route(
        "**/edifici/*.json",
        lambda route: route.fulfill(json={"label": "Via dei Mulini <b>", "flats": 12}),
    )
    shown.open(page, map_)
    page.wait_for_timeout(1500)
    folder = os.environ.get("ACCANTO_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/tiles-1280.png")
    assert len(asked) >= 2
    middle = data.buildings.geometry.iloc[3].centroid
    point = to_wgs84([middle])[0]
    api = "Object.values(accanto.maps)[0].map"
    # As far in as one can go, too.
    for zoom in (16, 20):
        page.evaluate(f"{api}.setView([{point.y}, {point.x}], {zoom}, {{animate: false}})")
        page.wait_for_timeout(800)
        at = page.evaluate(
            f"(() => {{ const p = {api}.latLngToContainerPoint([{point.y}, {point.x}]);"
            " return [p.x, p.y]; })()"
        )
        page.mouse.click(*at)
        page.locator(".accanto-popup h2").wait_for(timeout=5000)
        if zoom == 16:
            page.evaluate(f"{api}.closePopup()")
            page.wait_for_timeout(400)
    popup = page.locator(".accanto-popup")
    assert popup.locator("h2").text_content() == "Via dei Mulini <b>"
    assert popup.locator("a").get_attribute("href") == f"/edifici/{ids[3].id}"
    assert "Alloggi interessati: 12" in popup.text_content()
    before = len(asked)
    page.evaluate(f"{api}.closePopup()")
    page.wait_for_timeout(400)
    clip = {"x": at[0] - 8, "y": at[1] - 4, "width": 16, "height": 8}
    coloured = page.screenshot(clip=clip)
    page.evaluate("Object.values(accanto.maps)[0].setBands({})")
    page.wait_for_timeout(300)
    # Another period colours anew and leaves the tiles alone.
    assert page.screenshot(clip=clip) != coloured
    assert len(asked) == before
    assert shown.errors == []
    assert shown.outside == []
