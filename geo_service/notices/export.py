"""The notice list as a file: csv, json, xlsx or gpkg."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import pandas as pd
from sqlalchemy.orm import Session

from geo_service.notices.service import NoticeList, as_document, as_frame, as_geoframe

FORMATS = {
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


def export(session: Session, notices: NoticeList, file_format: str) -> bytes:
    """``notices`` in one of :data:`FORMATS`.

    The csv has a byte-order mark and semicolons, so that an Italian spreadsheet program opens it
    at a double click. Texts that a spreadsheet would run as formulas are disarmed by an
    apostrophe in csv and xlsx.
    """
    if file_format == "json":
        return json.dumps(as_document(notices), ensure_ascii=False, indent=1).encode()
    if file_format == "gpkg":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "avvisi.gpkg"
            as_geoframe(session, notices).to_file(path, layer="avvisi", driver="GPKG")
            return path.read_bytes()
    frame = as_frame(notices).map(_disarm)
    if file_format == "csv":
        return frame.to_csv(index=False, sep=";").encode("utf-8-sig")
    if file_format == "xlsx":
        buffer = io.BytesIO()
        with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
            frame.to_excel(writer, sheet_name="Avvisi", index=False, freeze_panes=(1, 0))
        return buffer.getvalue()
    raise ValueError(f"unknown format {file_format!r}; one of {', '.join(FORMATS)}")
