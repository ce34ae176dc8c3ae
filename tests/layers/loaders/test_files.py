"""Only allowed files are opened, and only when they are what their name says."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from layers.errors import DataError
from layers.loaders import drivers
from layers.loaders.files import read_batches, read_source
from layers.loaders.report import Report

SQUARES = gpd.GeoDataFrame(
    {"id": ["a", "b"], "piani": [3, 4]},
    geometry=[shapely.box(9.2, 45.6, 9.201, 45.601), shapely.box(9.21, 45.6, 9.211, 45.601)],
    crs=4326,
)
WRITERS = {
    "gpkg": "GPKG", "geojson": "GeoJSON", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf",
    "gml": "GML", "kml": "KML",
}  # fmt: skip


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"squares.{suffix}"
    SQUARES.to_file(path, driver=WRITERS[suffix])
    return path


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_spatial_format_is_read(tmp_path: Path, suffix: str) -> None:
    frame = read_source(written(tmp_path, suffix))
    assert len(frame) == 2
    assert list(frame.index) == [1, 2]
    assert frame.crs.to_epsg() == 4326
    areas = shapely.area(frame.geometry.to_numpy())
    assert areas == pytest.approx([1e-6, 1e-6], rel=1e-6)


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    for suffix in ("gml", "gpkg", "shp"):
        folder = tmp_path / suffix
        folder.mkdir()
        path = written(folder, suffix)
        for extra in folder.glob("*.gfs"):
            extra.unlink()
        before = sorted(folder.iterdir())
        read_source(path)
        assert sorted(folder.iterdir()) == before


def test_osm_and_dxf(tmp_path: Path) -> None:
    osm = tmp_path / "town.osm"
    nodes = "".join(
        f'<node id="{n}" version="1" lat="{lat}" lon="{lon}"/>'
        for n, (lat, lon) in enumerate([(45.6, 9.2), (45.6, 9.3), (45.7, 9.3)], start=1)
    )
    osm.write_text(
        f'<?xml version="1.0"?><osm version="0.6">{nodes}<way id="7" version="1">'
        '<nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="apartments"/>'
        '<tag k="building:levels" v="5"/><tag k="height" v="15"/></way></osm>'
    )
    (batch,) = read_batches(osm, Report(), kind="buildings")
    assert batch.frame["building:levels"].tolist() == ["5"]
    assert batch.frame["osm_way_id"].tolist() == ["7"]
    assert batch.crs is not None
    assert batch.crs.to_epsg() == 4326
    dxf = tmp_path / "drawing.dxf"
    gpd.GeoSeries([shapely.LineString([(0, 0), (9, 0), (9, 9), (0, 0)])]).to_file(dxf, driver="DXF")
    (batch,) = read_batches(dxf, Report(), kind="buildings")
    assert batch.crs is None
    assert batch.frame["geometry"].iloc[0].is_closed


def test_a_zipped_shapefile(tmp_path: Path) -> None:
    written(tmp_path, "shp")
    archive = tmp_path / "squares.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in tmp_path.glob("squares.*"):
            if part.suffix != ".zip":
                packed.write(part, f"../../folder/{part.name}")
    assert len(read_source(archive)) == 2
    assert not (tmp_path.parent.parent / "folder").exists()


def refused(path: Path, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_source(path)


SQLITE = b"SQLite format 3\x00"
VRT = """<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{}</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize(
    "name", ["x.gpkg", "x.geojson", "x.shp", "x.csv", "x.gml", "x.kml", "x.osm", "x.fgb", "x.dxf"]
)
def test_a_virtual_data_set_is_refused_under_any_name(tmp_path: Path, name: str) -> None:
    secret = written(tmp_path, "geojson")
    path = tmp_path / name
    path.write_text("\n<!-- " + "x" * 2000 + " -->" + VRT.format(secret))
    refused(path, r"virtual data set|is named like")


def test_a_virtual_data_set_cannot_be_opened_at_all(tmp_path: Path) -> None:
    refused(tmp_path / "x.vrt", "cannot be opened")
    (tmp_path / "x.vrt").write_text(VRT.format("y.gpkg"))
    refused(tmp_path / "x.vrt", "are not read")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.gpkg", b"", "is empty"),
        ("x.gpkg", b"\x00\x01\x02" * 100, "binary data"),
        ("x.gpkg", SQLITE + b"\x00" * 52 + b"GPKG" + b"\xff" * 4000, "cannot be read"),
        ("x.csv", bytes(range(256)) * 20, "binary data"),
        ("x.csv", b"PK\x03\x04" + b"x" * 50, "ZIP archive"),
        ("x.xlsx", b"PK\x03\x04" + b"x" * 50, "damaged"),
        ("x.xlsx", b"id;name\n", "named like a spreadsheet"),
        ("x.geojson", b'{"type": "Topology", "objects": {}}', "TopoJSON"),
        ("x.geojson", b"<html><body>Not found</body></html>", "web page"),
        ("x.geojson", b'{"type": "FeatureCollection", "features": [{"type"', "cannot be read"),
        ("x.gml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]>'
                  b"<FeatureCollection>&x;</FeatureCollection>", "document type"),
        ("x.zip", b"PK\x05\x06" + b"\x00" * 18, "exactly one"),
        ("x.pbf", b"\x00\x00\x00\x0d\x0a\x09rubbish", "named like"),
    ],
)  # fmt: skip
def test_rubbish_gets_a_sentence(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, why)


@pytest.mark.parametrize(
    "address", ["/vsicurl/http://127.0.0.1:9/x.gpkg", "https://example.org/x.gpkg", "/dev/zero"]
)
def test_addresses_and_devices_are_refused(address: str) -> None:
    with pytest.raises(DataError, match=r"address|not a file"):
        read_source(address)


def test_a_geopackage_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "gpkg")
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("create view v as select ogr_geocode('x') as x")
    connection.commit()
    connection.close()
    refused(path, "reach outside")


def test_archives_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x.csv", b"0" * 50_000_000)
    refused(bomb, "unpacks to")
    monkeypatch.setattr(drivers, "MAX_ARCHIVE_FILES", 3)
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as packed:
        for number in range(5):
            packed.writestr(f"{number}.csv", b"id\n")
    refused(many, "holds 5 files")


def test_a_file_beside_is_never_followed(tmp_path: Path) -> None:
    """A schema that lies beside a GML file could name any file; it is not even seen."""
    path = written(tmp_path, "gml")
    for extra in tmp_path.glob("*.xsd"):
        extra.write_text("<nonsense")
    path.with_suffix(".gfs").write_text("<GMLFeatureClassList><nonsense")
    assert len(read_source(path)) == 2


def test_a_shapefile_without_its_table(tmp_path: Path) -> None:
    path = written(tmp_path, "shp")
    lonely = tmp_path / "lonely"
    lonely.mkdir()
    shutil.copy(path, lonely)
    refused(lonely / path.name, r"no squares\.dbf")


def test_several_layers_must_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    SQUARES.to_file(path, layer="uno", driver="GPKG")
    SQUARES.to_file(path, layer="due", driver="GPKG")
    refused(path, "2 layers")
    assert len(read_source(path, layer="due")) == 2
    with pytest.raises(DataError, match="no layer 'tre'"):
        read_source(path, layer="tre")
    SQUARES.to_file(path, layer="edifici", driver="GPKG")
    (batch,) = read_batches(path, Report(), kind="buildings")
    assert len(batch.frame) == 2
