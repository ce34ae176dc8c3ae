"""The notice list as a file: csv, json, xlsx or gpkg."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from geo_service.files import MEDIA_TYPES, table_file
from geo_service.notices.service import NoticeList, as_document, as_frame, as_geoframe

FORMATS = {name: MEDIA_TYPES[name] for name in ("csv", "json", "xlsx", "gpkg")}


def export(session: Session, notices: NoticeList, file_format: str) -> bytes:
    """``notices`` in one of :data:`FORMATS`, as :func:`geo_service.files.table_file` writes it."""
    if file_format == "json":
        return json.dumps(as_document(notices), ensure_ascii=False, indent=1).encode()
    frame = as_geoframe(session, notices) if file_format == "gpkg" else as_frame(notices)
    return table_file(frame, file_format, "avvisi")
