"""Tables in any usual dress."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
import shapely

from layers.errors import DataError
from layers.loaders.files import read_batches, read_source
from layers.loaders.report import Report


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings(tmp_path: Path, separator: str, encoding: str) -> None:
    lines = [
        ["codice", "via", "età"],
        ["A1", "Via Libertà, angolo «Corte»; lato sud", "3,5"],
        ["A2", "Viale dell'Università già Strada Provinciale è qui", "4,0"],
    ]
    text = "\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    path = tmp_path / "flats.csv"
    path.write_bytes(text.encode(encoding))
    frame = read_source(path)
    assert list(frame.columns) == ["codice", "via", "età"]
    assert frame["via"].tolist() == [line[1] for line in lines[1:]]
    assert list(frame.index) == [1, 2]


def test_wkt_and_coordinate_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id;wkt\na;"SRID=32632;POLYGON ((0 0, 9 0, 9 9, 0 0))"\nb;\nc;nonsense\n'
                    'd;"POLYGON ((0 0, 9 0, 9 9))"\n')  # fmt: skip
    report = Report()
    (batch,) = read_batches(path, report)
    assert batch.crs is not None
    assert batch.crs.to_epsg() == 32632
    assert batch.frame["geometry"].iloc[0].area == pytest.approx(40.5)
    assert batch.frame["geometry"].iloc[3].area == pytest.approx(40.5)
    assert report.repairs == {"open rings closed": 1}
    assert [(r.row, r.field) for r in report.rows] == [(3, "wkt")]
    path.write_text("id,longitude,latitude\na,9.2,45.6\nb,,\nc,nine,45\n")
    report = Report()
    (batch,) = read_batches(path, report)
    assert batch.frame["geometry"].iloc[0] == shapely.Point(9.2, 45.6)
    assert batch.crs is not None
    assert [(r.row, r.field) for r in report.rows] == [(3, "longitude")]
    path.write_text("id;x;y\na;516000,5;5055000,25\n")
    (batch,) = read_batches(path, Report())
    assert batch.crs is None
    assert batch.frame["geometry"].iloc[0] == shapely.Point(516000.5, 5055000.25)


def test_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name\na,1\n\nc,3,surplus\nd\n")
    report = Report()
    (batch,) = read_batches(path, report)
    assert list(batch.frame.index) == [1, 3, 4]
    assert report.read == 3
    assert [(r.row, "more cells" in r.reason) for r in report.rows] == [(3, True)]


def test_sheets_keep_days_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([])
    sheet.append(["codice", "dal", "piano"])
    sheet.append([12, dt.date(2026, 3, 1), 2])
    book.create_sheet("altro").append(["x"])
    path = tmp_path / "x.xlsx"
    book.save(path)
    frame = read_source(path)
    assert frame["dal"].iloc[0] == dt.date(2026, 3, 1)
    assert frame["piano"].iloc[0] == 2
    with pytest.raises(DataError, match="no sheet 'terzo'"):
        read_source(path, layer="terzo")


def test_a_table_without_heading(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n\n")
    with pytest.raises(DataError, match="no heading"):
        read_source(path)


def test_twin_columns_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,note,note\na,1,2\n")
    frame = read_source(path)
    assert list(frame.columns) == ["id", "note", "note.2"]
