"""Writing zones and impacts: the only place that does (*salvataggio dei disagi*).

What nobody was told yet is replaced; a sealed revision (announced or past) keeps its rows, and
a newer method writes beside them, not in force.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from layers.impacts import bulk
from layers.impacts.compute import compute, refuse_unbounded
from layers.impacts.parameters import Parameters, parameters_from
from layers.impacts.result import ImpactResult
from layers.impacts.scene import Scene, load_surroundings, load_works
from layers.impacts.sql import driver, ewkb, rows


@dataclass(frozen=True)
class RunSummary:
    """What one computation of a revision came to.

    :ivar kept: nothing was written, because the revision is sealed and holds this version.
    :ivar in_force: whether the run is the one that counts.
    :ivar by_kind: {kind: {"buildings": n, "flats": n}}.
    """

    revision_id: int
    run_id: int
    kept: bool
    in_force: bool
    buildings: int
    flats: int
    by_kind: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0
    missing: dict[str, list[str]] = field(default_factory=dict)


def save(connection: Connection, revision_id: int, result: ImpactResult) -> RunSummary:
    """Write a result as the run of a revision, all or nothing, in the caller's transaction.

    Two computations of one revision wait for each other. An unsealed revision's earlier runs are
    replaced. A sealed one keeps its rows: the same engine version changes nothing, another one
    is written beside, not in force. Never commits; a failure leaves the earlier rows as they
    were even if the caller goes on.
    """
    return save_many(connection, {revision_id: result})[0]


def save_many(connection: Connection, results: Mapping[int, ImpactResult]) -> list[RunSummary]:
    """Write the results of several revisions as :func:`save` does, all or nothing together."""
    for result in results.values():
        refuse_unbounded(result.impacts)
    raw = driver(connection)
    summaries: list[RunSummary] = []
    new: list[tuple[int, ImpactResult]] = []
    with connection.begin_nested():
        lock(connection, results)
        sealed, present = _runs(connection, results)
        same = {
            (revision, version): (run, in_force) for revision, run, version, in_force in present
        }
        in_force_sealed = {r for r, _, _, in_force in present if in_force and r in sealed}
        replaced = sorted({revision for revision, *_ in present} - sealed)
        if replaced:
            raw.execute("delete from impact_run where revision_id = any(%s::bigint[])", [replaced])
        written = [
            r for r in sorted(results)
            if r not in sealed or (r, results[r].engine_version) not in same
        ]  # fmt: skip
        made = _new_runs(connection, {r: results[r] for r in written}, in_force_sealed)
        for revision_id in sorted(results):
            result = results[revision_id]
            kept = revision_id not in made
            run_id, in_force = (
                same[revision_id, result.engine_version]
                if kept
                else (made[revision_id], revision_id not in in_force_sealed)
            )
            summaries.append(_summary(revision_id, run_id, result, kept=kept, in_force=in_force))
            if not kept:
                new.append((run_id, result))
        copy_impacts(connection, [(run_id, result.impacts) for run_id, result in new])
        _copy_zones(connection, new)
        _copy_levels(connection, new)
    return summaries


def _new_runs(
    connection: Connection, results: Mapping[int, ImpactResult], beside: Collection[int]
) -> dict[int, int]:
    """Write a run for each revision, not in force for those ``beside``; {revision: run}."""
    if not results:
        return {}
    found = rows(
        connection,
        """insert into impact_run (revision_id, engine_version, in_force, methods, seconds)
            select r, v, f, m::jsonb, s from unnest(%(ids)s::bigint[], %(versions)s::text[],
                %(forces)s::bool[], %(methods)s::text[], %(seconds)s::float8[]) t(r, v, f, m, s)
            returning revision_id, id""",
        ids=list(results),
        versions=[result.engine_version for result in results.values()],
        forces=[revision not in beside for revision in results],
        methods=[json.dumps(result.methods, allow_nan=False) for result in results.values()],
        seconds=[float(result.seconds) for result in results.values()],
    )
    return dict(found)


def recompute(
    connection: Connection, revision_id: int, parameters: Parameters | None = None
) -> RunSummary:
    """Load, compute and save one revision."""
    lock(connection, [revision_id])
    scene = load(connection, revision_id, parameters)
    return save(connection, revision_id, compute(scene, parameters=parameters))


def load(connection: Connection, revision_id: int, parameters: Parameters | None = None) -> Scene:
    """The scene of a recorded revision, as far as its parameters reach."""
    works = load_works(connection, revision_id)
    chosen = parameters or parameters_from(works.settings)
    return Scene(works, load_surroundings(connection, works, reach_m=chosen.reach_m))


def recompute_all(
    connection: Connection,
    quarter_id: int,
    progress: Callable[[int, int], Any] | None = None,
    parameters: Parameters | None = None,
) -> list[RunSummary]:
    """Recompute every revision in force of a quarter; ``progress(done, of)`` after each."""
    ids = [
        row[0]
        for row in rows(
            connection,
            "select revision_id from revision_in_force where quarter_id = %(id)s order by 1",
            id=quarter_id,
        )
    ]
    summaries = []
    for number, revision_id in enumerate(ids, start=1):
        summaries.append(recompute(connection, revision_id, parameters))
        if progress is not None:
            progress(number, len(ids))
    return summaries


def lock(connection: Connection, revision_ids: Collection[int]) -> None:
    """Wait for any other computation of the revisions; held until the transaction ends.

    Always taken in ascending order, so that two of them never wait for each other in a ring.
    """
    rows(
        connection,
        """select pg_advisory_xact_lock(hashtextextended('impact_run', id))::text
            from (select id from unnest(%(ids)s::bigint[]) id order by id) ordered""",
        ids=sorted(revision_ids),
    )


def _runs(
    connection: Connection, revision_ids: Collection[int]
) -> tuple[set[int], list[tuple[int, int, str, bool]]]:
    """Which revisions are sealed, and all runs: revision, id, version, in force."""
    ids = sorted(revision_ids)
    sealed = rows(
        connection,
        "select revision_id from revision_seal where revision_id = any(%(ids)s::bigint[])",
        ids=ids,
    )
    present = rows(
        connection,
        """select revision_id, id, engine_version, in_force from impact_run
            where revision_id = any(%(ids)s::bigint[]) order by id""",
        ids=ids,
    )
    return {row[0] for row in sealed}, [(r[0], r[1], r[2], r[3]) for r in present]


def copy_impacts(connection: Connection, parts: Sequence[tuple[int, pd.DataFrame]]) -> int:
    """COPY rows of ``IMPACT_COLUMNS`` of several runs into the table; returns how many."""
    count = sum(len(impacts) for _, impacts in parts)
    if count:
        statement = f"copy impact ({', '.join(bulk.COLUMNS)}) from stdin (format binary)"
        with driver(connection).cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(bulk.HEADER)
            for run_id, impacts in parts:
                for block in bulk.impact_blocks(run_id, impacts):
                    copy.write(block)
            copy.write(bulk.TRAILER)
    return count


def _copy_zones(connection: Connection, new: Sequence[tuple[int, ImpactResult]]) -> None:
    lines = [
        f"{run_id}\t{z.kind}\t{z.aspect}\t{z.part_of_day}\t{z.band}\t{z.method}\t{shape.hex()}"
        for run_id, result in new
        for z, shape in zip(
            result.zones.itertuples(), ewkb(result.zones.geometry.values), strict=True
        )
    ]
    if lines:
        _copy(
            connection,
            "copy impact_zone (run_id, kind, aspect, part_of_day, band, method, geom) from stdin",
            lines,
        )


def _copy_levels(connection: Connection, new: Sequence[tuple[int, ImpactResult]]) -> None:
    lines = [
        f"{run_id}\t{level.building_id}\t{level.part_of_day}\t{level.receiver_key}\t"
        + "{" + ",".join(map(str, np.round(level.level_dba, 2).tolist())) + "}"
        for run_id, result in new
        for level in result.levels
    ]  # fmt: skip
    if lines:
        _copy(
            connection,
            "copy noise_levels (run_id, building_id, part_of_day, receiver_key, level_dba)"
            " from stdin",
            lines,
        )


def _copy(connection: Connection, statement: str, lines: list[str]) -> None:
    with driver(connection).cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for start in range(0, len(lines), 20_000):
            copy.write("\n".join(lines[start : start + 20_000]) + "\n")


def _summary(
    revision_id: int, run_id: int, result: ImpactResult, *, kept: bool, in_force: bool
) -> RunSummary:
    impacts = result.impacts
    by_kind = {
        str(kind): {
            "buildings": int(group["building_id"].nunique()),
            "flats": int(group["flat_id"].nunique()),
        }
        for kind, group in impacts.groupby("kind")
    }
    return RunSummary(
        revision_id=revision_id,
        run_id=run_id,
        kept=kept,
        in_force=in_force,
        buildings=int(impacts["building_id"].nunique()),
        flats=int(impacts["flat_id"].nunique()),
        by_kind=by_kind,
        seconds=result.seconds,
        missing={k: list(m.get("missing", ())) for k, m in result.methods.items()},
    )
