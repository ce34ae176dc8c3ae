"""The one metric coordinate reference system of an installation.

Every stored geometry and every frame inside the program is in ``SRID``; GeoJSON at the edge is
WGS 84 (RFC 7946) and web tiles are in Web Mercator.
"""

from __future__ import annotations

import os

from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.errors import DataError

WGS84 = 4326
WEB_MERCATOR = 3857


def metric_srid(value: str) -> int:
    """Read ``ACCANTO_SRID`` and insist on a projected system in metres.

    Returns the EPSG code. Raises :class:`DataError` when the code is unknown, geographic or not
    in metres: distances in degrees or feet would silently make every zone wrong. Web Mercator is
    refused too, its "metres" are stretched by 1.4 at the latitude of Milan.
    """
    try:
        code = int(value)
        crs = CRS.from_epsg(code)
    except (ValueError, CRSError) as error:
        raise DataError(
            f"ACCANTO_SRID is {value!r}, which is not an EPSG code; set for example 32632."
        ) from error
    axes = {axis.unit_name for axis in crs.axis_info}
    if not crs.is_projected or axes != {"metre"} or code == WEB_MERCATOR:
        raise DataError(
            f"ACCANTO_SRID is {code} ({crs.name}), which is not a projected system with true "
            "metres; set for example 32632 (UTM 32N) or 7791 (RDN2008 / UTM 32N)."
        )
    return code


SRID = metric_srid(os.environ.get("ACCANTO_SRID", "32632"))
