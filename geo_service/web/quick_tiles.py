"""Public tiles on the shortest way: from memory, or by one statement without a session.

A map asks for dozens of tiles at a time, and a tile is the same for everybody. So those that can
be answered are answered before the pages' shell. Whatever is unusual (an unknown quarter or layer,
a database that does not answer) goes on to the ordinary route, which says what is wrong.
"""

from __future__ import annotations

import re

import psycopg
import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from geo_service.database import reading_engine
from geo_service.web.security import security_headers
from layers.errors import DataError
from maps import tiles

YEAR_S = 31_536_000
#: Tiles cut at the same time; more of them would only wait for the processors.
AT_ONCE = 4
_ADDRESS = re.compile(
    r"/tiles/public/(\d{1,9})/(\d{1,9})/([a-z]{1,20})/(\d{1,2})/(\d{1,8})/(\d{1,8})\.mvt"
)
_PREFIX = "/tiles/public/"

log = structlog.get_logger("accanto.tiles")


def tile_headers(etag: str, *, shared: bool, current: bool = True) -> dict[str, str]:
    """Headers of a tile; ``shared``: any cache on the way may keep it, not the browser alone.

    Not ``current`` is a tile that shows another version than its address says: nobody keeps it.
    """
    kept = f"{'public' if shared else 'private'}, max-age={YEAR_S}, immutable"
    return {
        "content-type": "application/vnd.mapbox-vector-tile",
        "cache-control": kept if current else "no-store",
        "etag": etag,
    }


def _static_headers() -> list[tuple[bytes, bytes]]:
    """What every answer carries; a tile runs nothing, so its nonce opens nothing."""
    return [
        (name.encode(), value.encode())
        for name, value in security_headers("none").items()
        if name != "cache-control"
    ]


class PublicTiles:
    """Outermost layer of the application: answers public tiles, hands on everything else."""

    def __init__(self, app: ASGIApp, max_bytes: int = 64_000_000) -> None:
        self.app = app
        self.cache = tiles.TileCache(max_bytes)
        self._engine: Engine | None = None
        self._of: Engine | None = None
        self._limit: CapacityLimiter | None = None
        self._always = _static_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith(_PREFIX)
            and not scope["query_string"]
        ):
            found = await self._found(scope)
            if found is not None:
                await self._send(scope, send, *found)
                return
        await self.app(scope, receive, send)
        if scope["type"] == "lifespan" and self._engine is not None:
            self._engine.dispose()

    async def _found(self, scope: Scope) -> tuple[tiles.Tile, bool] | None:
        """The tile, and whether it shows the version that its address names."""
        address = _ADDRESS.fullmatch(scope["path"])
        if address is None:
            return None
        quarter_id, version, layer, *place = address.groups()
        key = (int(quarter_id), int(version), layer, *map(int, place))
        kept = self.cache.get(key)
        if kept is not None:
            return kept, True
        bind = scope["app"].state.session_factory.kw["bind"]
        if not isinstance(bind, Engine):
            return None
        if self._limit is None:
            self._limit = CapacityLimiter(AT_ONCE)
        return await to_thread.run_sync(self._cut, bind, key, limiter=self._limit)

    def _cut(
        self, bind: Engine, key: tuple[int, int, str, int, int, int]
    ) -> tuple[tiles.Tile, bool] | None:
        quarter_id, version, layer, z, x, y = key
        try:
            with self._engine_of(bind).connect() as connection:
                try:
                    shown, content = tiles.versioned_tile(connection, quarter_id, layer, z, x, y)
                except psycopg.OperationalError:
                    connection.invalidate()
                    raise
        except (DataError, SQLAlchemyError, psycopg.Error) as error:
            log.info("tile left to its route", reason=type(error).__name__)
            return None
        # Kept, here and by whoever asked, only under the version it really shows.
        if shown == version:
            return self.cache.put(key, content), True
        return tiles.tagged(content), False

    def _engine_of(self, bind: Engine) -> Engine:
        if self._engine is None or self._of is not bind:
            self._engine, self._of = reading_engine(bind, AT_ONCE), bind
        return self._engine

    async def _send(self, scope: Scope, send: Send, tile: tiles.Tile, current: bool) -> None:
        etag = tile.etag.encode()
        known = any(name == b"if-none-match" and etag in value for name, value in scope["headers"])
        own = tile_headers(tile.etag, shared=True, current=current)
        headers = [(name.encode(), value.encode()) for name, value in own.items()]
        body = b"" if known else tile.content
        if not known:
            headers.append((b"content-length", str(len(body)).encode()))
        await send(
            {
                "type": "http.response.start",
                "status": 304 if known else 200,
                "headers": [*headers, *self._always],
            }
        )
        await send({"type": "http.response.body", "body": body})
