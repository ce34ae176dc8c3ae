"""Tables as files to download: csv, xlsx, gpkg."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo_service.i18n import gettext as _

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
}
# A cell that begins so is run as a formula by spreadsheet programs, with signs of full width too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Signs that no spreadsheet can hold (XML 1.0 section 2.2): pasted along, nobody sees them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _disarm(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub("", value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _spelled(value: object) -> object:
    if isinstance(value, bool):
        return _("sì") if value else _("no")
    return value


def table_file(frame: pd.DataFrame, file_format: str, name: str) -> bytes:
    """``frame`` as csv, xlsx or gpkg; ``name`` is that of the sheet or layer.

    The csv has a byte-order mark, semicolons and decimal commas, so that an Italian spreadsheet
    program opens it at a double click and takes 2,8 for a number, not for a day; yes and no are
    words there. Whole numbers stay whole beside empty cells. Texts that a spreadsheet would run
    as formulas are disarmed by an apostrophe in csv and xlsx. For gpkg the frame must be a
    GeoDataFrame; its geometry is left out of csv and xlsx. Raises :class:`ValueError` for another
    format.
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
    safe = frame.astype(object).map(_disarm, na_action="ignore").convert_dtypes()
    if file_format == "csv":
        flags = safe.select_dtypes("boolean").columns
        safe[flags] = safe[flags].astype(object).map(_spelled, na_action="ignore")
        return safe.to_csv(index=False, sep=";", decimal=",").encode("utf-8-sig")
    if file_format == "xlsx":
        buffer = io.BytesIO()
        with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
            safe.to_excel(writer, sheet_name=name[:31].title(), index=False, freeze_panes=(1, 0))
        return buffer.getvalue()
    raise ValueError(f"unknown format {file_format!r}; one of csv, xlsx, gpkg")
