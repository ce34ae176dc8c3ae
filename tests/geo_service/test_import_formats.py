"""Real files of the rarer formats, written here and imported: ODS, KMZ, OpenStreetMap PBF."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.imports.service import ImportOptions, add_quarter, import_file
from layers.buildings import Building, Quarter
from layers.buildings import Path as Footpath
from layers.errors import DataError
from layers.loaders.files import layer_names
from tests.layers.loaders.pbf import write_pbf

EAST, NORTH = 516_000.0, 5_055_000.0
BLOCK = shapely.box(EAST, NORTH, EAST + 20, NORTH + 10)
DEGREES = gpd.GeoSeries([BLOCK], crs=32632).to_crs(4326).iloc[0]


@pytest.fixture
def quarter(session: Session) -> Quarter:
    return add_quarter(session, "prova", "Quartiere di prova")


def test_a_spreadsheet_of_libreoffice(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    path = tmp_path / "edifici.ods"
    frame = pd.DataFrame(
        {"id": ["A", "B"], "piani": [4, 5], "altezza": [12.5, 15.0],
         "wkt": [BLOCK.wkt, shapely.affinity.translate(BLOCK, 30).wkt]}
    )  # fmt: skip
    pyogrio.write_dataframe(frame, path, driver="ODS", layer="Edifici 2026")
    assert path.read_bytes().startswith(b"PK")
    assert layer_names(path) == ["Edifici 2026"]
    report = import_file(session, quarter.id, "buildings", path, ImportOptions(crs="32632"))
    assert (report.accepted, report.refused) == (2, 0)
    stored = session.scalars(select(Building).where(Building.source_id == "A")).one()
    assert (stored.storeys, stored.height_m) == (4, 12.5)
    again = import_file(session, quarter.id, "buildings", path, ImportOptions(crs="32632"))
    assert again.unchanged == 2


def test_a_kmz_is_a_kml_in_an_archive(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    kml, kmz = tmp_path / "doc.kml", tmp_path / "edifici.kmz"
    frame = gpd.GeoDataFrame({"Name": ["Torre"]}, geometry=[DEGREES], crs=4326)
    frame.to_file(kml, driver="KML")
    with zipfile.ZipFile(kmz, "w") as archive:
        archive.write(kml, "doc.kml")
        archive.writestr("files/icon.png", b"\x89PNG")
    report = import_file(session, quarter.id, "buildings", kmz)
    assert report.accepted == 1
    stored = session.scalars(select(Building)).one()
    assert stored.name == "Torre"
    assert to_shape(stored.footprint).centroid.distance(BLOCK.centroid) < 0.1
    with zipfile.ZipFile(kmz, "w") as archive:
        archive.writestr("edifici.csv", "id;wkt\n")
    with pytest.raises(DataError, match="exactly one file"):
        import_file(session, quarter.id, "buildings", kmz)


def test_openstreetmap_in_its_packed_form(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    corners = list(DEGREES.exterior.coords)[:4]
    path = tmp_path / "quartiere.osm.pbf"
    write_pbf(
        path,
        dict(enumerate(corners, start=1)),
        {
            7: ([1, 2, 3, 4, 1], {"building": "apartments", "building:levels": "5"}),
            9: ([1, 2], {"highway": "footway", "name": "Via dei Mulini"}),
        },
    )
    report = import_file(session, quarter.id, "buildings", path)
    assert (report.accepted, report.refused) == (1, 0)
    stored = session.scalars(select(Building)).one()
    assert stored.storeys == 5
    assert to_shape(stored.footprint).centroid.distance(BLOCK.centroid) < 0.1
    report = import_file(session, quarter.id, "paths", path)
    assert report.accepted == 1
    assert session.scalars(select(Footpath)).one().name == "Via dei Mulini"
