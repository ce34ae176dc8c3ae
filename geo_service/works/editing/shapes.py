"""Shapes of a form: areas and lines drawn on its map, as the form carries them (GeoJSON)."""

from __future__ import annotations

import shapely
from shapely.geometry import LineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo_service.i18n import gettext as _
from layers.errors import DataError
from layers.loaders.drawn import metric_of_geojson
from maps.base.frames import to_wgs84

MIN_AREA_M2 = 1.0
MAX_AREA_M2 = 4_000_000.0
MAX_LINE_M = 2_000.0
MAX_ROUTE_M = 5_000.0
MAX_CHARS = 120_000


class Unreadable(ValueError):
    """A drawn shape that cannot be used; the message stands beside its field."""


def shape_text(shape: BaseGeometry | None) -> str:
    """``shape`` (metric) as GeoJSON text in WGS 84; empty without one."""
    if shape is None:
        return ""
    return str(shapely.to_geojson(to_wgs84([shape])[0]))


def read_area(text: str) -> MultiPolygon:
    """The area of a drawn text in the metric system. Raises :class:`Unreadable`."""
    shape = _read(text)
    if shape.geom_type == "Polygon":
        shape = MultiPolygon([shape])
    if not isinstance(shape, MultiPolygon):
        raise Unreadable(_("Serve un'area chiusa: disegnate almeno tre vertici."))
    if not shape.is_valid:
        raise Unreadable(
            _("Il contorno si incrocia: spostate i vertici, o toglietene uno, e riprovate.")
        )
    if shape.area < MIN_AREA_M2:
        raise Unreadable(_("L'area è più piccola di un metro quadrato: disegnatela di nuovo."))
    if shape.area > MAX_AREA_M2:
        raise Unreadable(_("L'area supera i 4 km²: controllate i vertici."))
    return shape


def read_line(text: str) -> LineString:
    """The line of a drawn text in the metric system. Raises :class:`Unreadable`."""
    shape = _read(text)
    if not isinstance(shape, LineString) or not 1 <= shape.length <= MAX_LINE_M:
        raise Unreadable(_("La barriera è lunga da 1 a 2000 metri: disegnatela di nuovo."))
    return shape


def read_route(text: str) -> LineString:
    """The way of lorries of a drawn text, metric. Raises :class:`Unreadable`."""
    shape = _read(text)
    if not isinstance(shape, LineString) or not 1 <= shape.length <= MAX_ROUTE_M:
        raise Unreadable(
            _("Il percorso degli autocarri è lungo da 1 metro a 5 km: disegnatelo di nuovo.")
        )
    return shape


def _read(text: str) -> BaseGeometry:
    if len(text) > MAX_CHARS:
        raise Unreadable(_("Il disegno ha troppi vertici: semplificatelo."))
    try:
        return metric_of_geojson(text)
    except DataError as error:
        raise Unreadable(
            _("Il disegno non si può leggere: ricaricate la pagina e disegnate di nuovo.")
        ) from error
