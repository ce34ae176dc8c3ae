"""Distance bands of 200 phases, 100,000 buildings and 400,000 flats beside the bare statement.

``ACCANTO_BENCH_BUILDINGS`` makes the city smaller. Aims: read within 3 times the bare
statement, written within 10 times. The rows are written into a logged table with two indexes,
checks and references, and committed; the bare statement only counts, with several processes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, text

from geo_service.database import make_engine
from layers.impacts import store
from layers.impacts.reach import EDGES_M, distance_bands
from layers.impacts.result import ImpactResult, no_zones
from layers.impacts.sql import frame
from tests.benchmarks.city import START, load_city

BUILDINGS = int(os.environ.get("ACCANTO_BENCH_BUILDINGS", "100000"))
PHASES = 200

BARE = """select phase_id, band, count(*) buildings, sum(flats) flats from (
 select p.id phase_id, n.flats,
  case when d<=20 then 0 when d<=50 then 1 when d<=100 then 2 else 3 end band
 from bare.phase p join bare.building b on st_dwithin(p.geom,b.geom,350)
 cross join lateral (select st_distance(p.geom,b.geom) d) x
 join (select building_id, count(*) flats from bare.flat group by 1) n on n.building_id=b.id
) q group by 1,2 order by 1,2"""


@pytest.fixture(scope="module")
def city(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[tuple[Engine, int]]:
    with fresh_database() as url:
        quarter = load_city(url.replace("+psycopg", ""), BUILDINGS, PHASES)
        engine = make_engine(url)
        yield engine, quarter
        engine.dispose()


def median_s(run: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        before = time.perf_counter()
        run()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def test_distance_bands_are_read_within_three_times_the_bare_statement(
    city: tuple[Engine, int], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, quarter = city
    with engine.connect() as c:
        bare = c.execute(text(BARE)).all()
        ours = distance_bands(c, quarter)
        assert [tuple(row) for row in bare] == list(
            ours[["revision_id", "band", "buildings", "flats"]].itertuples(index=False, name=None)
        )
        floor = median_s(lambda: c.execute(text(BARE)).all())
        read = median_s(lambda: distance_bands(c, quarter))
    with capsys.disabled():
        print(
            f"\ndistance bands, {BUILDINGS} buildings, {ours['buildings'].sum()} pairs, "
            f"{ours['flats'].sum()} flat rows: read {read * 1e3:.0f} ms, bare statement "
            f"{floor * 1e3:.0f} ms, ratio {read / floor:.2f}"
        )
    assert read < 3 * floor


def test_impacts_are_written_within_ten_times_the_bare_statement(
    city: tuple[Engine, int], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, quarter = city
    with engine.connect() as c:
        floor = median_s(lambda: c.execute(text(BARE)).all(), 3)
        c.rollback()
        before = time.perf_counter()
        written = _write(c, quarter)
        c.commit()
        taken = time.perf_counter() - before
        assert c.execute(text("select count(*) from impact")).scalar_one() == written
    with capsys.disabled():
        print(
            f"\nimpacts by distance written and committed: {written} rows in {taken:.2f} s, bare "
            f"statement {floor:.2f} s, ratio {taken / floor:.1f} (aim 10)"
        )
    assert taken < 10 * floor


def _write(connection: Connection, quarter: int) -> int:
    """Join flats to phases by distance and save a run for each phase, as a recompute does."""
    near = frame(
        connection,
        """select r.id, b.id, st_distance(r.footprint, b.footprint)
            from revision_in_force v join phase_revision r on r.id = v.revision_id
            join building b on b.quarter_id = v.quarter_id
                and st_dwithin(r.footprint, b.footprint, 350)
            where v.quarter_id = %(quarter)s order by 1, 2""",
        ("revision_id", "building_id", "distance_m"),
        quarter=quarter,
    )
    homes = frame(
        connection,
        """select s.building_id, f.id from flat f join stairwell s on s.id = f.stairwell_id
            order by 1, 2""",
        ("building_id", "flat_id"),
    )
    flats = near.merge(homes, on="building_id", how="left")
    band = 4 - np.searchsorted(EDGES_M, flats["distance_m"].to_numpy(dtype=float))
    impacts = pd.DataFrame(
        {
            "kind": "dust", "aspect": "distance", "part_of_day": "all",
            "building_id": flats["building_id"], "flat_id": flats["flat_id"],
            "value": flats["distance_m"].astype(float), "unit": "m", "band": band,
            "starts_on": START, "ends_on": START.replace(month=4), "weekdays": 127,
        }
    )  # fmt: skip
    methods = {"dust": {"method": "distance"}}
    results = {
        int(revision): ImpactResult("bench", no_zones(), impacts.iloc[rows], methods)
        for revision, rows in flats.groupby("revision_id").indices.items()
    }
    store.save_many(connection, results)
    return len(impacts)
