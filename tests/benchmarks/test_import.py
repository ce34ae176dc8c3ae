"""How long an import takes, beside the bare copy of the same rows, and how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import psycopg
import pytest
import shapely
from sqlalchemy.orm import Session

from geo_service.database import make_engine
from geo_service.imports.service import add_quarter, import_file

SAN_LAZZARO = "edifici-san-lazzaro/edifici_san_lazzaro_di_savena.gpkg"
ROWS = 200_000
LIMIT_MB = 1000


def floor_s(url: str, path: Path) -> float:
    """Seconds to read the file with GeoPandas and copy bare geometry to an unindexed table."""
    start = time.perf_counter()
    shapes = shapely.to_wkb(gpd.read_file(path).to_crs(32632).geometry.to_numpy(), hex=True)
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table bare (shape geometry)")
        with cursor.copy("copy bare from stdin") as copy:
            for shape in shapes:
                copy.write_row((shape,))
    return time.perf_counter() - start


def test_san_lazzaro(
    benchmark: Callable[..., object],
    fresh_database: Callable[[], contextmanager[str]],  # type: ignore[type-arg]
    shared_data: Path,
) -> None:
    path = shared_data / SAN_LAZZARO
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            quarter = add_quarter(session, "sanlazzaro", "San Lazzaro")
            session.commit()

            def first() -> None:
                import_file(session, quarter.id, "buildings", path)
                session.rollback()

            benchmark.pedantic(first, rounds=3)  # type: ignore[attr-defined]
            import_file(session, quarter.id, "buildings", path)
            start = time.perf_counter()
            again = import_file(session, quarter.id, "buildings", path)
            again_s = time.perf_counter() - start
            session.rollback()
        engine.dispose()
        floor = floor_s(url, path)
    took = benchmark.stats.stats.median  # type: ignore[attr-defined]
    print(
        f"\nSan Lazzaro, 5,396 buildings: {took:.2f} s, again {again_s:.2f} s; "
        f"bare read and copy {floor:.2f} s ({took / floor:.1f}x)"
    )
    assert again.unchanged == 5396


PEAK = """
import resource, sys
from layers.loaders.files import read_batches
from layers.loaders.report import Report
report = Report()
for batch in read_batches(sys.argv[1], report, kind="buildings"):
    pass
print(report.read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    """A file of a tenth and a whole file need about the same memory, so 3 GB fit as well."""
    peaks = {}
    for rows in (ROWS // 10, ROWS):
        path = tmp_path / f"many{rows}.{suffix}"
        _write(path, rows)
        told = subprocess.run(
            [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert int(told[0]) == rows
        peaks[rows] = int(told[1])
        size_mb = path.stat().st_size / 1e6
    print(f"\n{suffix}: {size_mb:.0f} MB read with a peak of {peaks[ROWS]} MB")
    assert peaks[ROWS] < LIMIT_MB
    assert peaks[ROWS] < 1.5 * peaks[ROWS // 10] + 150


def _write(path: Path, rows: int) -> None:
    side, note = 0.0002, "x" * 300
    corners = [(9.0 + row % 1000 * 0.0003, 45.5 + row // 1000 * 0.0003) for row in range(rows)]
    shapes = [shapely.box(x, y, x + side, y + side) for x, y in corners]
    if path.suffix == ".geojson":
        with path.open("w") as file:
            file.write('{"type": "FeatureCollection", "features": [')
            for row, shape in enumerate(shapes):
                feature = {
                    "type": "Feature",
                    "properties": {"id": f"b{row}", "note": note},
                    "geometry": shapely.geometry.mapping(shape),
                }
                file.write((", " if row else "") + json.dumps(feature))
            file.write("]}")
    elif path.suffix == ".csv":
        with path.open("w") as file:
            file.write("id;note;wkt\n")
            file.writelines(f"b{row};{note};{shape.wkt}\n" for row, shape in enumerate(shapes))
    else:
        frame = gpd.GeoDataFrame(
            {"id": [f"b{row}" for row in range(rows)], "note": note}, geometry=shapes, crs=4326
        )
        frame.to_file(path, driver="GPKG")
