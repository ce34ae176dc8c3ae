"""A synthetic city in the project's own tables: blocks of lots, L-shapes, courtyards, phases."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import psycopg
import shapely
from shapely import affinity

from layers.crs import SRID

CENTRE = (515_584.0, 5_055_181.0)
FLATS_PER_BUILDING = 4
START = dt.date(2026, 3, 2)


def footprints(n: int, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Ten buildings a block, blocks of 90 by 70 m with 12 m streets between them."""
    side = int(np.ceil(np.sqrt(n / 10)))
    shapes = []
    for row in range(side):
        for column in range(side):
            x0 = CENTRE[0] + (column - side / 2) * 102.0
            y0 = CENTRE[1] + (row - side / 2) * 82.0
            for k in range(10):
                shapes.append(_building(x0 + (k % 5) * 18.0, y0 + (k // 5) * 35.0, rng))
    return shapes[:n]


def _building(x: float, y: float, rng: np.random.Generator) -> shapely.Polygon:
    width, depth, form = rng.uniform(9, 17), rng.uniform(9, 22), rng.random()
    plain = shapely.box(x, y, x + width, y + depth)
    if form < 0.35:
        wing = shapely.box(x, y, x + 0.45 * width, y + depth + rng.uniform(3, 11))
        return plain.union(wing)
    if form < 0.45 and width > 13 and depth > 15:
        return plain.difference(shapely.box(x + 4, y + 4, x + width - 4, y + depth - 4))
    if form < 0.55:
        small = shapely.box(x, y, x + 0.8 * width, y + 0.7 * depth)
        return affinity.rotate(small, rng.uniform(-12, 12))
    return plain


def phases(
    shapes: list[shapely.Polygon], n: int, rng: np.random.Generator
) -> list[shapely.Polygon]:
    """Four phases a site, side by side, turned by any angle."""
    x0, y0, x1, y1 = shapely.total_bounds(np.array(shapes, dtype=object))
    margin = min(400.0, (x1 - x0) / 4)
    result = []
    for _ in range(int(np.ceil(n / 4))):
        x, y = rng.uniform(x0 + margin, x1 - margin), rng.uniform(y0 + margin, y1 - margin)
        for k in range(4):
            plot = shapely.box(0, 0, rng.uniform(15, 60), rng.uniform(15, 60))
            result.append(
                affinity.rotate(affinity.translate(plot, x + 20 * k, y), rng.uniform(0, 90))
            )
    return result[:n]


def load_city(url: str, n_buildings: int, n_phases: int, seed: int = 7) -> int:
    """Fill a migrated database; returns the quarter's id. Also bare tables in schema ``bare``."""
    rng = np.random.default_rng(seed)
    shapes = footprints(n_buildings, rng)
    storeys = rng.choice([2, 3, 4, 5, 6, 7, 8], n_buildings)
    plots = phases(shapes, n_phases, rng)
    multi = _hex(shapely.multipolygons(np.array(shapes, dtype=object), indices=range(len(shapes))))
    with psycopg.connect(url, autocommit=False) as connection:
        quarter = connection.execute(
            "insert into quarter (code, name, synthetic) values ('citta', 'Città', true)"
            " returning id"
        ).fetchone()[0]  # type: ignore[index]
        with connection.cursor() as cursor:
            with cursor.copy(
                "copy building (quarter_id, source_id, code, footprint, height_m, storeys, use)"
                " from stdin"
            ) as copy:
                for k, (shape, floors) in enumerate(zip(multi, storeys, strict=True)):
                    copy.write_row(
                        (quarter, f"b{k}", f"C{k}", shape, 3.0 * int(floors), int(floors),
                         "residential" if k % 6 else "commercial")
                    )  # fmt: skip
            connection.execute(
                "insert into stairwell (building_id, label, entrance)"
                " select id, 'unica', st_startpoint(st_exteriorring(st_geometryn(footprint, 1)))"
                " from building"
            )
            connection.execute(
                "insert into flat (stairwell_id, number, storey) select s.id, n, n %% b.storeys"
                " from stairwell s join building b on b.id = s.building_id,"
                " generate_series(0, %s) n",
                (FLATS_PER_BUILDING - 1,),
            )
            _phases(connection, quarter, _hex(plots))
        connection.execute("create schema bare")
        connection.execute("create table bare.building as select id, st_geometryn(footprint, 1)"
                           " geom from building")  # fmt: skip
        connection.execute("create table bare.flat as select f.id, s.building_id from flat f"
                           " join stairwell s on s.id = f.stairwell_id")  # fmt: skip
        connection.execute("create table bare.phase as select id, st_geometryn(footprint, 1)"
                           " geom from phase_revision")  # fmt: skip
        connection.execute("create index on bare.building using gist (geom)")
        connection.execute("create index on bare.phase using gist (geom)")
        connection.execute("create index on bare.flat (building_id)")
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return int(quarter)


def _phases(connection: psycopg.Connection, quarter: int, plots: list[str]) -> None:
    machines = json.dumps(["it-escavatore-25-t", "it-autocarro", "it-demolitore-elettrico"])
    for k, plot in enumerate(plots):
        if k % 4 == 0:
            site = connection.execute(
                "insert into site (quarter_id, code, name, footprint) values"
                " (%s, %s, 'Cantiere', st_multi(%s::geometry)) returning id",
                (quarter, f"S{k // 4}", plot),
            ).fetchone()[0]  # type: ignore[index]
            version = connection.execute(
                "insert into schedule_version (site_id, number) values (%s, 1) returning id",
                (site,),
            ).fetchone()[0]  # type: ignore[index]
        phase = connection.execute(
            "insert into works_phase (site_id, code, name) values (%s, %s, 'Fase') returning id",
            (site, f"P{k % 4}"),
        ).fetchone()[0]  # type: ignore[index]
        revision = connection.execute(
            "insert into phase_revision (phase_id, number, period, footprint, dust_activities,"
            " trucks_per_day) values (%s, 1, daterange(%s, %s), st_multi(%s::geometry),"
            " '{earthworks,trackout}', 20) returning id",
            (phase, START, START + dt.timedelta(days=14 + k % 60), plot),
        ).fetchone()[0]  # type: ignore[index]
        connection.execute(
            "insert into working_hours (revision_id, weekday, starts_at, ends_at, noisy)"
            " select %s, d, h::time, (h::time + interval '4 hours')::time, true"
            " from generate_series(0, 4) d, unnest(array['08:00', '13:30']) h",
            (revision,),
        )
        connection.execute(
            "insert into plant_item (revision_id, machine, on_time)"
            " select %s, value, 0.5 from jsonb_array_elements_text(%s::jsonb)",
            (revision, machines),
        )
        connection.execute(
            "insert into schedule_version_revision (version_id, revision_id) values (%s, %s)",
            (version, revision),
        )


def _hex(shapes: object) -> list[str]:
    marked = shapely.set_srid(np.asarray(shapes, dtype=object), SRID)
    return list(shapely.to_wkb(marked, hex=True, include_srid=True))
