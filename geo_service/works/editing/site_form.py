"""The form of a site (*cantiere*): what was typed, what is wrong with it, the area of a file."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from geo_service.i18n import gettext as _
from geo_service.i18n import said
from geo_service.works.editing.shapes import MAX_AREA_M2, Unreadable, read_area, shape_text
from geo_service.works.form_text import typed_text
from layers.errors import DataError
from layers.loaders import geometry
from layers.loaders.files import read_batches
from layers.loaders.place import place_of
from layers.loaders.report import Report
from layers.loaders.systems import Converter
from layers.sites import Site

MAX_FILE_AREAS = 200


@dataclass(slots=True)
class SiteValues:
    """The form as text; ``area`` is GeoJSON."""

    code: str = ""
    name: str = ""
    client: str = ""
    cup: str = ""
    cig: str = ""
    area: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def site_values(site: Site) -> SiteValues:
    """The form of a recorded site."""
    return SiteValues(
        site.code, site.name, site.client, site.cup or "", site.cig or "",
        shape_text(to_shape(site.footprint)),
    )  # fmt: skip


def read_site(
    form: FormData, site: Site | None, session: Session, quarter_id: int
) -> tuple[SiteValues, BaseGeometry | None]:
    """What was typed, with the area drawn or uploaded (metric); faults stand in ``errors``."""

    def text(name: str, limit: int) -> str:
        return typed_text(form, name, limit, errors)

    errors: dict[str, str] = {}
    values = SiteValues(
        text("codice", 20),
        text("nome", 200),
        text("committente", 200),
        text("cup", 40).upper().replace(" ", "").replace("-", ""),
        text("cig", 40).upper().replace(" ", "").replace("-", ""),
        str(form.get("perimetro") or ""),
        errors,
    )
    for name, found in (("codice", values.code), ("nome", values.name)):
        if not found:
            errors[name] = _("Non può restare vuoto.")
    _check_codes(values)
    return values, _area(form, values, site, session, quarter_id)


def _check_codes(values: SiteValues) -> None:
    for name, code, length in (("cup", values.cup, 15), ("cig", values.cig, 10)):
        if not code:
            continue
        if len(code) != length:
            values.errors[name] = _(
                "Il %(what)s ha %(length)s lettere e cifre; qui sono %(found)s.",
                what=name.upper(), length=length, found=len(code),
            )  # fmt: skip
        elif not (code.isascii() and code.isalnum()):
            values.errors[name] = _(
                "Il %(what)s ha solo lettere e cifre, senza accenti né segni.", what=name.upper()
            )


def _area(
    form: FormData, values: SiteValues, site: Site | None, session: Session, quarter_id: int
) -> BaseGeometry | None:
    upload = form.get("file")
    try:
        if isinstance(upload, UploadFile) and upload.filename:
            area = area_of_upload(upload, session, quarter_id)
            # Shown on the map when another field is wrong: the file need not be sent again.
            values.area = shape_text(area)
            return area
        if site is not None and values.area == shape_text(to_shape(site.footprint)):
            return to_shape(site.footprint)
        if values.area:
            return read_area(values.area)
        values.errors["perimetro"] = _("Disegnate l'area sulla mappa, o caricate un file.")
    except Unreadable as fault:
        values.errors["perimetro"] = str(fault)
    return None


def area_of_upload(upload: UploadFile, session: Session, quarter_id: int) -> BaseGeometry:
    """The areas of an uploaded file put together, in the metric system.

    Any vector file that the imports read, in any declared system. Raises :class:`Unreadable`.
    """
    suffix = PurePath(upload.filename or "").suffix[:12]
    handle, path = tempfile.mkstemp(suffix=suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            while chunk := upload.file.read(1 << 16):
                file.write(chunk)
        return _areas_in(path, session, quarter_id)
    except DataError as error:
        raise Unreadable(
            _("Il file non si può usare: %(reason)s", reason=said(error).replace(path, "file"))
        ) from error
    finally:
        os.unlink(path)


def _areas_in(path: str, session: Session, quarter_id: int) -> BaseGeometry:
    report = Report()
    place = place_of(session, quarter_id)
    parts: list[BaseGeometry] = []
    for batch in read_batches(path, report):
        if "geometry" not in batch.frame:
            break
        shapes = batch.frame["geometry"].to_numpy(dtype=object)
        rows = batch.frame.index.to_numpy()
        metric = Converter(batch.crs, None, place, shapes, report).convert(
            shapes, rows, report, "geometry"
        )
        whole = geometry.polygons(
            metric, rows, report, span_m=geometry.MAX_SITE_SPAN_M, field="geometry"
        )
        parts.extend(shape for shape in whole if shape is not None)
        if len(parts) > MAX_FILE_AREAS:
            raise Unreadable(
                _("Il file ha più di %(most)s aree: caricatene uno con il solo cantiere.",
                  most=MAX_FILE_AREAS)
            )  # fmt: skip
    if not parts:
        reason = said(report.rows[0].reason) if report.rows else _("non contiene aree")
        raise Unreadable(_("Il file non si può usare: %(reason)s", reason=reason))
    joined = shapely.union_all(np.array(parts, dtype=object))
    areas = [p for p in shapely.get_parts(joined) if p.geom_type == "Polygon"]
    area = shapely.MultiPolygon(areas)
    if area.area > MAX_AREA_M2:
        raise Unreadable(_("L'area supera i 4 km²: controllate i vertici."))
    return area
