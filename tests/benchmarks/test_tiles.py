"""Vector tiles a second beside pgbench running the same statement, and beside ``tipg``.

Served as ``accanto serve`` serves them: one process, from a city of 100,000 buildings
(``ACCANTO_BENCH_BUILDINGS``), eight connections asking for tiles at random. Everything shares the
machine's processors. Needs ``wrk`` and ``pgbench``; ``tipg`` is asked only where
``ACCANTO_TIPG_PYTHON`` names a Python that has it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from pyproj import Transformer
from sqlalchemy.engine import make_url

from layers.crs import SRID, WEB_MERCATOR
from maps import tiles
from tests.benchmarks.city import load_city

BUILDINGS = int(os.environ.get("ACCANTO_BENCH_BUILDINGS", "100000"))
SECONDS = int(os.environ.get("ACCANTO_BENCH_SECONDS", "4"))
CONNECTIONS = 8
AIMS = {14: 0.9, 15: 0.9, 16: 0.7}
CACHED_AIM = 5_000
PAGE_AIM_KB = 20
SERVE = """
import sys, uvicorn
from geo_service.app import create_app
from geo_service.database import make_engine
uvicorn.run(create_app(make_engine(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]),
            log_level="warning", access_log=False, server_header=False)
"""
TIPG = """
import sys, uvicorn
from tipg.main import app
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
#: Asks for tiles at random; each thread has a seed of its own.
ASK = """
local n = 0
function setup(t) n = n + 1; t:set("seed", n) end
function init() math.randomseed(seed) end
request = function()
  return wrk.format("GET", string.format("%s", math.random(%d, %d), math.random(%d, %d)))
end
"""


@dataclass(frozen=True)
class Place:
    """The city in its database, and its extent in Web Mercator (x0, y0, x1, y1)."""

    url: str
    quarter: int
    extent: tuple[float, float, float, float]

    def range(self, zoom: int) -> tuple[int, int, int, int]:
        """First and last column, first and last row of the tiles wholly inside the city."""
        width = 2 * tiles.MERCATOR_HALF_M / 2**zoom
        x0, y0, x1, y1 = self.extent
        column = [int((x + tiles.MERCATOR_HALF_M) / width) for x in (x0, x1)]
        row = [int((tiles.MERCATOR_HALF_M - y) / width) for y in (y1, y0)]
        inner = (column[0] + 1, column[1] - 1, row[0] + 1, row[1] - 1)
        return inner if inner[0] <= inner[1] and inner[2] <= inner[3] else (*column, *row)


@pytest.fixture(scope="module")
def city(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Place]:
    for tool in ("wrk", "pgbench"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    with fresh_database() as url:
        plain = url.replace("+psycopg", "")
        quarter = load_city(plain, BUILDINGS, 4)
        with psycopg.connect(plain) as connection:
            extent = connection.execute(
                "select st_xmin(e), st_ymin(e), st_xmax(e), st_ymax(e)"
                " from (select st_extent(footprint) e from building) b"
            ).fetchone()
        assert extent is not None
        to_web = Transformer.from_crs(SRID, WEB_MERCATOR, always_xy=True)
        yield Place(plain, quarter, to_web.transform_bounds(*extent))


def median(run: Callable[[], float], times: int = 3) -> float:
    return statistics.median(run() for _ in range(times))


def pgbench(place: Place, zoom: int, folder: Path) -> float:
    """Statements a second: the product's own statement with its values written in."""
    seen: list[tuple[str, dict[str, object]]] = []
    x0, x1, y0, y1 = place.range(zoom)
    with _watched(place.url, seen) as connection:
        tiles.tile(connection, place.quarter, "buildings", zoom, x0, y0)
    query, values = seen[0]
    written = {"x": ":x", "y": ":y", "layer": "'buildings'"}
    for name, value in values.items():
        query = query.replace(f"%({name})s", written.get(name, str(value)))
    script = folder / f"{zoom}.sql"
    script.write_text(
        f"\\set x random({x0}, {x1})\n\\set y random({y0}, {y1})\n"
        + " ".join(query.split()) + ";\n"
    )  # fmt: skip
    told = subprocess.run(
        ["pgbench", "-n", "-c", str(CONNECTIONS), "-j", "2", "-M", "prepared", "-T", str(SECONDS),
         "-f", str(script), *_server(place.url)],
        capture_output=True, text=True, check=True, env={**os.environ, "PGOPTIONS": "-c jit=off"},
    ).stdout  # fmt: skip
    return float(re.search(r"tps = ([\d.]+)", told)[1])  # type: ignore[index]


@contextmanager
def _watched(
    url: str, seen: list[tuple[str, dict[str, object]]]
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection that notes what is asked."""

    class Noting(psycopg.Cursor[tuple[object, ...]]):
        def execute(self, query, params=None, **more):  # type: ignore[no-untyped-def, override]
            seen.append((query, dict(params or {})))
            return super().execute(query, params, **more)

    with psycopg.connect(url, cursor_factory=Noting) as connection:
        yield connection


def _server(url: str) -> list[str]:
    address = make_url(url)
    host = address.host or str(address.query.get("host", ""))
    port = address.port or address.query.get("port")
    named = [("-h", host), ("-p", str(port or "")), ("-U", address.username or "")]
    return [*(word for pair in named if pair[1] for word in pair), str(address.database)]


def _with_host(url: str) -> str:
    """The address with its socket folder where ``tipg`` looks for the host."""
    address = make_url(url)
    if address.host or "host" not in address.query:
        return url
    port = address.query.get("port")
    host = quote(str(address.query["host"]), safe="") + (f":{port}" if port else "")
    return f"postgresql://{address.username}@{host}/{address.database}"


def wrk(base: str, path: str, ranges: tuple[int, int, int, int], folder: Path) -> float:
    """Answers a second; every one of them must be a tile."""
    script = folder / "ask.lua"
    script.write_text(ASK % (path, *ranges))
    told = subprocess.run(
        ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), base],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Non-2xx" not in told, told
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]


@contextmanager
def serving(command: list[str], probe: str, env: dict[str, str]) -> Iterator[str]:
    """A server process on a free port; ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, str(port)], env={**os.environ, **env})
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(base + probe, timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.2)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def _path(place: Place, zoom: int, version: int) -> str:
    return f"/tiles/public/{place.quarter}/{version}/buildings/{zoom}/%d/%d.mvt"


@pytest.fixture(scope="module")
def product(city: Place) -> Iterator[str]:
    x0, _, y0, _ = city.range(16)
    probe = _path(city, 16, 1) % (x0, y0)
    with serving([sys.executable, "-c", SERVE, city.url], probe, {}) as base:
        yield base


@pytest.mark.parametrize("zoom", sorted(AIMS))
def test_uncached_beside_the_statement_alone(
    city: Place, product: str, zoom: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A version that is not the quarter's is shown but never kept: every tile is cut anew.
    path = _path(city, zoom, 999)
    ratios, floors, ours = [], [], []
    for _ in range(3):
        floors.append(pgbench(city, zoom, tmp_path))
        ours.append(wrk(product, path, city.range(zoom), tmp_path))
        ratios.append(ours[-1] / floors[-1])
    ratio = statistics.median(ratios)
    x0, _, y0, _ = city.range(zoom)
    with urllib.request.urlopen(product + path % (x0, y0)) as answer:
        size = len(answer.read())
    with capsys.disabled():
        print(
            f"\nz{zoom}, {size / 1e3:.0f} kB: {statistics.median(ours):.0f} tiles/s, pgbench "
            f"{statistics.median(floors):.0f}, ratio {ratio:.2f} (aim {AIMS[zoom]})"
        )
    assert ratio >= AIMS[zoom]


@pytest.mark.parametrize("zoom", [15, 16])
def test_kept_tiles(
    city: Place, product: str, zoom: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x0, x1, y0, y1 = city.range(zoom)
    few = (x0, min(x0 + 9, x1), y0, min(y0 + 9, y1))
    path = _path(city, zoom, 1)
    for x in range(few[0], few[1] + 1):
        for y in range(few[2], few[3] + 1):
            urllib.request.urlopen(product + path % (x, y)).read()
    rate = median(lambda: wrk(product, path, few, tmp_path))
    with capsys.disabled():
        print(f"\nz{zoom} kept in memory: {rate:.0f} tiles/s (aim {CACHED_AIM})")
    assert rate >= CACHED_AIM


def test_the_map_page_is_small(product: str, capsys: pytest.CaptureFixture[str]) -> None:
    with urllib.request.urlopen(product + "/mappa") as answer:
        page = answer.read()
    assert b"/tiles/public/" in page
    with capsys.disabled():
        print(f"\nmap page of {BUILDINGS} buildings: {len(page) / 1e3:.1f} kB (aim {PAGE_AIM_KB})")
    assert len(page) < PAGE_AIM_KB * 1000


@pytest.mark.parametrize("zoom", sorted(AIMS))
def test_beside_tipg(
    city: Place, product: str, zoom: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = os.environ.get("ACCANTO_TIPG_PYTHON", "")
    if not python:
        pytest.skip("tipg: ACCANTO_TIPG_PYTHON names no Python that has it")
    settings = {
        "DATABASE_URL": _with_host(city.url),
        "TIPG_TILE_BUFFER": str(tiles.BUFFER),
        "TIPG_TABLE_CONFIG__public_building__geomcol": "geom3857",
        "TIPG_TABLE_CONFIG__public_building__properties": json.dumps(["id", "code"]),
        "DB_MAX_CONN_SIZE": "4",
    }
    template = (
        f"/collections/public.building/tiles/WebMercatorQuad/{zoom}/%d/%d?geom-column=geom3857"
    )
    ranges = city.range(zoom)
    # Column and row stand in the same order in both addresses. Asked by turns, so that whatever
    # else the machine does meets both.
    ours, theirs = [], []
    with serving([python, "-c", TIPG], template % (ranges[0], ranges[2]), settings) as base:
        for _ in range(3):
            theirs.append(wrk(base, template, ranges, tmp_path))
            ours.append(wrk(product, _path(city, zoom, 999), ranges, tmp_path))
    ratio = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
    with capsys.disabled():
        print(
            f"\nz{zoom}: {statistics.median(ours):.0f} tiles/s, "
            f"tipg {statistics.median(theirs):.0f}, {ratio:.2f} times"
        )
    assert ratio > 1
