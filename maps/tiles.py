"""Vector tiles (Mapbox Vector Tile 2.1) of buildings and paths, straight from PostGIS.

A tile holds geometry, id and, from zoom 14, code (paths: kind) and nothing else: what a period
does to a building comes beside it as one {building: band}, so that moving through time leaves the
tiles alone. Addresses carry the quarter's ``map_version``; a tile of one version never changes.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import psycopg

from layers.errors import DataError

# To the deepest zoom of the maps: a tile drawn larger than it is gets blurred by VectorGrid, and
# clicks on it miss.
MIN_ZOOM, MAX_ZOOM = 12, 20
# From here on outlines are whole; below, small things and small corners are left out.
FULL_DETAIL_ZOOM = 14
EXTENT = 4096
BUFFER = 64
# Half the width of the Web Mercator square, metres.
MERCATOR_HALF_M = 20_037_508.342789244

# "offset 0": else the planner writes st_asmvtgeom out twice, for the tile and for the condition.
_FULL = """
with bounds as materialized (select st_tileenvelope(%(z)s, %(x)s, %(y)s) as tile)
select (select map_version from quarter where id = %(quarter)s),
  st_asmvt(feature, %(layer)s, {extent}, 'geom')
from (
  select {columns}, st_asmvtgeom(t.geom3857, bounds.tile, {extent}, {buffer}, true) as geom
  from {table} t, bounds
  where t.quarter_id = %(quarter)s {alive}
    and t.geom3857 && st_expand(bounds.tile, %(margin_m)s)
  offset 0
) feature where geom is not null
"""

# Corners within a pixel go, and with the coarser grid whatever covers less than half a pixel.
_GENERAL = """
with bounds as materialized (select st_tileenvelope(%(z)s, %(x)s, %(y)s) as tile)
select (select map_version from quarter where id = %(quarter)s),
  st_asmvt(feature, %(layer)s, {extent}, 'geom')
from (
  select {far_columns},
    st_asmvtgeom(st_simplify(t.geom3857, %(pixel_m)s, true), bounds.tile, {extent}, {buffer}, true)
      as geom
  from {table} t, bounds
  where t.quarter_id = %(quarter)s {alive} {large}
    and t.geom3857 && st_expand(bounds.tile, %(margin_m)s)
  offset 0
) feature where geom is not null
"""

_LAYERS: dict[str, dict[str, str]] = {
    "buildings": {
        "table": "building",
        "columns": "t.id, t.code",
        # Nobody opens one building from so far away, and codes are a third of a tile.
        "far_columns": "t.id",
        "alive": "and t.closed_on is null",
        "large": "and st_area(t.geom3857) > %(pixel_m)s * %(pixel_m)s / 2",
    },
    "paths": {
        "table": "path",
        "columns": "t.kind",
        "far_columns": "t.kind",
        "alive": "",
        "large": "and (t.kind = 'street' or %(z)s >= 13)",
    },
}
LAYERS = tuple(_LAYERS)


def tile(connection: Any, quarter_id: int, layer: str, z: int, x: int, y: int) -> bytes:
    """One tile, empty (``b""``) where nothing is.

    ``connection``: a psycopg or SQLAlchemy connection; the tile is read by a prepared statement
    through a binary cursor, because text ``bytea`` costs a third of the speed. ``layer`` is one
    of :data:`LAYERS`; zoom 12 to 20, of which 12 and 13 are generalised. Raises
    :class:`DataError` for another layer or an address outside the grid.
    """
    return _read(connection, quarter_id, layer, z, x, y)[1]


def versioned_tile(
    connection: Any, quarter_id: int, layer: str, z: int, x: int, y: int
) -> tuple[int, bytes]:
    """The quarter's version and one tile that shows it, both out of one statement.

    As :func:`tile`; raises :class:`DataError` for an unknown quarter, too.
    """
    shown, content = _read(connection, quarter_id, layer, z, x, y)
    if shown is None:
        raise DataError(f"There is no quarter {quarter_id}.")
    return shown, content


def _read(
    connection: Any, quarter_id: int, layer: str, z: int, x: int, y: int
) -> tuple[int | None, bytes]:
    if layer not in _LAYERS:
        raise DataError(f"There is no tile layer {layer!r}; there are {', '.join(LAYERS)}.")
    if not MIN_ZOOM <= z <= MAX_ZOOM or not (0 <= x < 2**z and 0 <= y < 2**z):
        raise DataError(f"There is no tile {z}/{x}/{y}; zoom goes from {MIN_ZOOM} to {MAX_ZOOM}.")
    full = z >= FULL_DETAIL_ZOOM
    extent, buffer = (EXTENT, BUFFER) if full else (EXTENT // 4, BUFFER // 4)
    width_m = 2 * MERCATOR_HALF_M / 2**z
    query = (_FULL if full else _GENERAL).format(extent=extent, buffer=buffer, **_LAYERS[layer])
    values = {
        "z": z,
        "x": x,
        "y": y,
        "layer": layer,
        "quarter": quarter_id,
        "margin_m": width_m * buffer / extent,
        # One of the 256 pixels a tile is drawn with.
        "pixel_m": width_m / 256,
    }
    with _driver(connection).cursor(binary=True) as cursor:
        shown, content = cursor.execute(query, values, prepare=True).fetchone() or (None, b"")
    return shown, bytes(content or b"")


def version(connection: Any, quarter_id: int) -> int:
    """Version of what the quarter's tiles show, part of their address.

    Raises :class:`DataError` when there is no such quarter.
    """
    with _driver(connection).cursor() as cursor:
        row = cursor.execute(
            "select map_version from quarter where id = %s", (quarter_id,)
        ).fetchone()
    if row is None:
        raise DataError(f"There is no quarter {quarter_id}.")
    return int(row[0])


def etag(content: bytes) -> str:
    """Entity tag of a tile's content."""
    return f'"{hashlib.blake2s(content, digest_size=12).hexdigest()}"'


class Tile(NamedTuple):
    """Content of a tile and its entity tag."""

    content: bytes
    etag: str


def tagged(content: bytes) -> Tile:
    """A tile with its entity tag."""
    return Tile(content, etag(content))


class TileCache:
    """Tiles kept in memory, the least used ones forgotten; bounded in bytes, safe in threads.

    The key must hold the version: ``(quarter_id, version, layer, z, x, y)``.
    """

    # Python's own objects around a tile, so that many empty tiles are bounded as well.
    _OVERHEAD_BYTES = 300

    def __init__(self, max_bytes: int = 64_000_000) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._tiles: OrderedDict[tuple[Any, ...], Tile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...]) -> Tile | None:
        """The tile, or ``None`` when it is not kept."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: tuple[Any, ...], content: bytes) -> Tile:
        """Keep a tile and give it back; one larger than the whole cache is not kept."""
        made = tagged(content)
        size = len(content) + self._OVERHEAD_BYTES
        if size > self.max_bytes:
            return made
        with self._lock:
            old = self._tiles.pop(key, None)
            if old is not None:
                self.used_bytes -= len(old.content) + self._OVERHEAD_BYTES
            self._tiles[key] = made
            self.used_bytes += size
            while self.used_bytes > self.max_bytes:
                _, dropped = self._tiles.popitem(last=False)
                self.used_bytes -= len(dropped.content) + self._OVERHEAD_BYTES
        return made

    def __len__(self) -> int:
        return len(self._tiles)


def _driver(connection: Any) -> psycopg.Connection[Any]:
    """The psycopg connection itself, also out of SQLAlchemy's."""
    if isinstance(connection, psycopg.Connection):
        return connection
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(f"Tiles need psycopg, not {type(raw).__name__}.")
    return raw
