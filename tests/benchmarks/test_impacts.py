"""One phase recomputed, in the demonstration and in a large city, and 200 phases in a row.

Each figure stands beside its floor of the same run: the noise paths alone for what is computed,
one plain distance query for what is read. ``ACCANTO_BENCH_BUILDINGS`` makes the city smaller.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from geo_service.database import make_engine
from geo_service.demo.service import load_demo
from layers.impacts import store
from layers.impacts.compute import compute
from layers.impacts.noise_sources import site_sources
from layers.impacts.parameters import Parameters, parameters_from
from layers.noise import iso9613
from layers.receivers import ReceiverOptions
from tests.benchmarks.city import load_city

BUILDINGS = int(os.environ.get("ACCANTO_BENCH_BUILDINGS", "100000"))
PHASES = 200
#: One receiver a side and storey of a stairwell, no contours: the setting of large batches.
COARSE = replace(
    Parameters(),
    receivers=ReceiverOptions(spacing_m=np.inf),
    noise=replace(Parameters().noise, reflections=False),
    isophones=False,
    noise_parts=8,
)
Fresh = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def demo(fresh_database: Fresh) -> Iterator[Engine]:
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            load_demo(session, dt.date(2026, 11, 23), compute=False)
            session.commit()
        iso9613.warm_up()
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def city(fresh_database: Fresh) -> Iterator[tuple[Engine, int]]:
    with fresh_database() as url:
        quarter = load_city(url.replace("+psycopg", ""), BUILDINGS, PHASES)
        engine = make_engine(url)
        iso9613.warm_up()
        yield engine, quarter
        engine.dispose()


def median_s(run: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        before = time.perf_counter()
        run()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def paths_alone_s(connection: Connection, revision_id: int, parameters: Parameters) -> float:
    """The floor of a computation: as many noise paths, in the open, and nothing else."""
    scene = store.load(connection, revision_id, parameters)
    result = compute(scene, ["noise"], parameters)
    paths = result.methods["noise"]["parameters"]["paths"]["traced"]
    sources = site_sources(scene).parts(1e6, 1)
    n = max(1, paths // len(sources))
    x, y = scene.works.footprint.centroid.coords[0]
    ring = np.linspace(0.0, 2.0 * np.pi, n)
    points = np.column_stack([x + 100 * np.cos(ring), y + 100 * np.sin(ring), np.full(n, 4.0)])
    receivers = iso9613.Receivers(points)
    options = replace(parameters.noise, screening=False, lateral=False, reflections=False)
    return median_s(lambda: iso9613.propagate(sources, receivers, options=options))


def revisions(connection: Connection) -> dict[str, int]:
    found = connection.execute(
        text(
            "select s.code || '/' || p.code, v.revision_id from revision_in_force v"
            " join works_phase p on p.id = v.phase_id join site s on s.id = v.site_id"
            " order by v.revision_id"
        )
    )
    return {row[0]: row[1] for row in found}


def test_one_phase_of_the_demonstration_is_recomputed_in_300_ms(
    demo: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with demo.connect() as c:
        known = revisions(c)
        taken: dict[str, float] = {}
        for name, revision_id in known.items():
            store.recompute(c, revision_id)
            taken[name] = median_s(lambda r=revision_id: store.recompute(c, r), 3)
        slowest = max(taken, key=lambda name: taken[name])
        parameters = parameters_from({})
        floor = paths_alone_s(c, known[slowest], parameters)
        scene = store.load(c, known[slowest])
        loaded = median_s(lambda: store.load(c, known[slowest]), 3)
        result = compute(scene)
        saved = median_s(lambda: store.save(c, known[slowest], result), 3)
        c.rollback()
    middle = statistics.median(taken.values())
    kinds = {kind: f"{s * 1e3:.0f}" for kind, s in result.seconds_by_kind.items()}
    with capsys.disabled():
        print(
            f"\ndemonstration, {len(taken)} phases: median {middle * 1e3:.0f} ms, slowest "
            f"{slowest} {taken[slowest] * 1e3:.0f} ms (load {loaded * 1e3:.0f}, save "
            f"{saved * 1e3:.0f}, computed by kind {kinds} ms); as many paths in the open "
            f"{floor * 1e3:.0f} ms"
        )
    assert middle < 0.3


def test_one_phase_does_not_cost_more_in_a_large_city(
    city: tuple[Engine, int], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, _ = city
    with engine.connect() as c:
        first = next(iter(revisions(c).values()))
        store.recompute(c, first)
        taken = median_s(lambda: store.recompute(c, first))
        floor = median_s(
            lambda: c.execute(
                text(
                    "select b.id, st_distance(r.footprint, b.footprint) from phase_revision r"
                    " join building b on st_dwithin(r.footprint, b.footprint, 350)"
                    " where r.id = :id"
                ),
                {"id": first},
            ).all()
        )
        found = c.execute(text("select count(*) from impact")).scalar_one()
        c.rollback()
    with capsys.disabled():
        print(
            f"\none phase in a city of {BUILDINGS} buildings: {taken * 1e3:.0f} ms, {found} "
            f"impacts; plain distance query {floor * 1e3:.1f} ms"
        )
    assert taken < 1.0


def test_200_phases_of_a_large_city(
    city: tuple[Engine, int], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, quarter = city
    moments: list[float] = []
    with engine.connect() as c:
        ids = list(revisions(c).values())
        floor = statistics.mean(paths_alone_s(c, r, COARSE) for r in ids[:8]) * len(ids)
        began = time.perf_counter()
        summaries = store.recompute_all(
            c, quarter, lambda *_: moments.append(time.perf_counter()), COARSE
        )
        c.commit()
        taken = time.perf_counter() - began
        paths = c.execute(
            text("select sum((methods #>> '{noise,parameters,paths,traced}')::bigint)"
                 " from impact_run")
        ).scalar_one()  # fmt: skip
        rows = c.execute(text("select count(*) from impact")).scalar_one()
    each = np.diff([began, *moments])
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    with capsys.disabled():
        print(
            f"\n{len(summaries)} phases, {BUILDINGS} buildings: {taken:.1f} s, {rows} impacts "
            f"written, {paths} paths traced, {memory_gb:.2f} GB; first 20 phases "
            f"{np.median(each[:20]) * 1e3:.0f} ms each, last 20 {np.median(each[-20:]) * 1e3:.0f}"
            f" ms; as many paths in the open {floor:.1f} s"
        )
    assert taken < 180
    assert memory_gb < 3
    assert np.median(each[-20:]) < 1.5 * np.median(each[:20])
