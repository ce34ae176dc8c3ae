"""A small invented quarter as frames, and a server that shows its maps to a real browser."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.affinity import rotate
from shapely.geometry import LineString, box

from layers.crs import SRID
from maps.base import DEFAULT_ROOT, MapData, content_policy, render_page

X, Y = 515_600.0, 5_055_200.0


def blocks(count: int) -> gpd.GeoDataFrame:
    """Slabs in rows, each with a band, kinds and a count, all from its number."""
    columns = max(1, round(count**0.5))
    rows = []
    for i in range(count):
        row, column = divmod(i, columns)
        x, y = X + column * 75, Y + row * 55
        shape = rotate(box(x, y, x + 55, y + 13 + 4 * (i % 3)), (i % 5 - 2) * 2)
        band = (i * 7 + row) % 5
        kinds = {"noise": band, "dust": max(0, band - 1), "access": band // 2}
        rows.append(
            {
                "id": i + 1,
                "code": f"R{i:05d}",
                "label": f"Via dei Mulini {i + 1}",
                "band": band,
                "kinds": {k: b for k, b in kinds.items() if b},
                "flats": 8 + i % 24,
                "href": f"/edifici/{i + 1}",
                "geometry": shape,
            }
        )
    return gpd.GeoDataFrame(rows, crs=SRID)


def _sample(count: int = 12, **changes: Any) -> MapData:
    buildings = blocks(count)
    west, south, east, north = buildings.total_bounds
    site = box(west + 60, south + 40, west + 150, south + 95)
    zones = [
        {"kind": kind, "band": band, "phase": "A3", "label": "7:00–19:00",
         "geometry": site.buffer(reach)}
        for kind, reaches in (("noise", (130, 80, 45, 20)), ("dust", (100, 50)))
        for band, reach in zip(range(1, 5), reaches, strict=False)
    ]  # fmt: skip
    closure = box(west + 20, south + 42, west + 58, south + 50)
    lines = [
        {"kind": "street", "name": "Via dei Mulini", "width_m": 9.0,
         "geometry": LineString([(west - 60, south - 12), (east + 60, south - 12)])},
        {"kind": "street", "name": "Via della Roggia", "width_m": 7.0,
         "geometry": LineString([(west - 15, south - 40), (west - 15, north + 40)])},
        {"kind": "footway", "name": None, "width_m": 2.0,
         "geometry": LineString([(west - 15, south + 46), (east + 20, south + 46)])},
    ]  # fmt: skip
    values: dict[str, Any] = {
        "buildings": buildings,
        "zones": gpd.GeoDataFrame(zones, crs=SRID),
        "sites": gpd.GeoDataFrame(
            [{"code": "A", "name": "Torri di via dei Mulini", "href": "/cantieri/1",
              "geometry": site}], crs=SRID),
        "closures": gpd.GeoDataFrame(
            [{"kind": "footway", "phase": "A3", "description": "Passaggio sul lato opposto",
              "when": "3–14 marzo", "geometry": closure}], crs=SRID),
        "paths": gpd.GeoDataFrame(lines, crs=SRID),
        "synthetic": True,
        "title": "Quartiere Roggia Nuova",
        "period_label": "lun 3 – dom 9 mar",
        "attribution": "Dati: quartiere di prova",
        "list_href": "/quartiere/elenco",
    }  # fmt: skip
    return MapData(**(values | changes))


@pytest.fixture(scope="session")
def sample() -> Callable[..., MapData]:
    """Builder of an invented quarter: ``sample(count, **changes of MapData)``."""
    return _sample


@pytest.fixture(scope="session")
def vendor() -> Path:
    """Folder of the fetched front-end files; skips by name when they were not fetched."""
    if not (DEFAULT_ROOT / "leaflet" / "leaflet.js").is_file():
        pytest.skip("front-end files are not fetched: run ./accanto once")
    return DEFAULT_ROOT


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, without the sandbox it refuses to start for root."""
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    return {"executable_path": "/usr/bin/chromium", "args": quiet}


class Shown:
    """Pages served under the strict policy, and what the browser complained of or asked for."""

    nonce = "dGVzdA"

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: dict[str, tuple[str, bytes]] = {}
        self.errors: list[str] = []
        self.outside: list[str] = []
        self._watched: list[Any] = []

    def watch(self, page: Any) -> None:
        """Record errors and every request; those to other machines are refused."""
        if page in self._watched:
            return
        self._watched.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )

        def gate(route: Any) -> None:
            url = route.request.url
            if url.startswith((self.address, "file://", "data:", "blob:")):
                route.continue_()
            else:
                self.outside.append(url)
                route.abort()

        page.route("**/*", gate)

    def open(self, page: Any, map_: Any) -> None:
        """Show a map and wait until it stands still."""
        html = render_page(map_, nonce=self.nonce)
        self.answers["/map"] = ("text/html; charset=utf-8", html.encode())
        self.watch(page)
        page.goto(self.address + "/map")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(250)


@pytest.fixture
def shown(vendor: Path) -> Iterator[Shown]:
    """A server on a free port of this machine with the map's files."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            found = self.server.shown.answers.get(path)  # type: ignore[attr-defined]
            if found is None and path.startswith("/static/vendor/"):
                self.path = path.removeprefix("/static/vendor")
                super().do_GET()
                return
            if found is None and path == "/favicon.ico":
                found = ("image/png", b"")
            self.send_response(200 if found else 404)
            content_type, body = found or ("text/plain", b"")
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", content_policy(Shown.nonce))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(vendor))
    )
    server.shown = Shown(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.shown  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def rng() -> np.random.Generator:
    """Random numbers, the same each time."""
    return np.random.default_rng(7)
