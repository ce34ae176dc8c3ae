"""Tables as files to download: csv, xlsx, gpkg."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
}
# A cell that begins so is run as a formula by spreadsheet programs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _disarm(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def table_file(frame: pd.DataFrame, file_format: str, name: str) -> bytes:
    """``frame`` as csv, xlsx or gpkg; ``name`` is that of the sheet or layer.

    The csv has a byte-order mark and semicolons, so that an Italian spreadsheet program opens it
    at a double click. Texts that a spreadsheet would run as formulas are disarmed by an
    apostrophe in csv and xlsx. For gpkg the frame must be a GeoDataFrame; its geometry is left
    out of csv and xlsx. Raises :class:`ValueError` for another format.
    """
    if file_format == "gpkg":
        if not isinstance(frame, gpd.GeoDataFrame):
            raise ValueError("a gpkg needs a GeoDataFrame")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.gpkg"
            frame.to_file(path, layer=name, driver="GPKG")
            return path.read_bytes()
    if isinstance(frame, gpd.GeoDataFrame):
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    safe = frame.map(_disarm)
    if file_format == "csv":
        return safe.to_csv(index=False, sep=";").encode("utf-8-sig")
    if file_format == "xlsx":
        buffer = io.BytesIO()
        with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
            safe.to_excel(writer, sheet_name=name[:31].title(), index=False, freeze_panes=(1, 0))
        return buffer.getvalue()
    raise ValueError(f"unknown format {file_format!r}; one of csv, xlsx, gpkg")
