"""Background work of the works: impacts are computed again after a change."""

from __future__ import annotations

from procrastinate import JobContext
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from geo_service import history, jobs
from geo_service.i18n import N_
from layers.impacts.scene import CLOSURE_REACH_M, REACH_M
from layers.impacts.store import recompute

COMPUTED = N_("fasi calcolate")


@jobs.app.task(name="recompute_impacts", retry=jobs.RETRY, queue="impacts")
def recompute_impacts(revision_id: int) -> None:
    """Compute zones and impacts of one revision; run twice it gives the same rows."""
    with jobs.engine().begin() as connection:
        recompute(connection, revision_id)


@jobs.app.task(name="recompute_many", retry=jobs.RETRY, queue="impacts", pass_context=True)
def recompute_many(
    context: JobContext, quarter_id: int, site_id: int | None = None,
    building_id: int | None = None,
) -> None:  # fmt: skip
    """Compute the phases in force of a quarter, of a site, or those that reach a building.

    Each phase is one transaction that also notes how far the job is: after a kill the next
    attempt goes on with the first phase that is not done.
    """
    job_id = context.job.id or 0
    engine = jobs.engine()
    with engine.connect() as connection:
        point = jobs.point_of(connection, job_id)
        ids = point.get("ids")
        if ids is None:
            ids = wanted_revisions(connection, quarter_id, site_id, building_id)
    done = int(point.get("done", 0))
    jobs.progress(engine, job_id, done, len(ids), COMPUTED, {"ids": ids, "done": done})
    while done < len(ids):
        jobs.check_stop(context)
        with engine.begin() as connection:
            if _still_in_force(connection, ids[done]):
                recompute(connection, ids[done])
            done += 1
            point = {"ids": ids, "done": done}
            jobs.progress(connection, job_id, done, len(ids), COMPUTED, point)


def recompute_later(
    session: Session, quarter_id: int, *, site_id: int | None = None,
    building_id: int | None = None,
) -> int:  # fmt: skip
    """Queue :func:`recompute_many` in the transaction of ``session``; returns the job's id.

    Who asks for the same while it still waits gets the same job, except for a building: there a
    new change needs a new computation.
    """
    place = f"site:{site_id}" if site_id else "all"
    once = None if building_id else f"recompute:{quarter_id}:{place}"
    return jobs.defer(
        session, recompute_many, asked_by=history.actor_of(session).id, in_quarter=quarter_id,
        once=once, quarter_id=quarter_id, site_id=site_id, building_id=building_id,
    )  # fmt: skip


def wanted_revisions(
    where: Connection | Session, quarter_id: int, site_id: int | None = None,
    building_id: int | None = None,
) -> list[int]:  # fmt: skip
    """Revisions in force to compute, oldest first; with a building only the unsealed ones.

    A building matters to the phases whose impacts reach it and to those that it may come to be
    hit by: whose area or closures lie within the distance that any method looks at, and whose cuts
    serve one of its stairwells, however far it stands.
    """
    query = text(
        """select v.revision_id from revision_in_force v
           join phase_revision r on r.id = v.revision_id
           join works_phase p on p.id = r.phase_id
           join site s on s.id = p.site_id
           where v.quarter_id = :quarter and s.archived_on is null
             and (cast(:site as bigint) is null or s.id = :site)
             and (cast(:building as bigint) is null or (
                 not exists (select from revision_seal l where l.revision_id = r.id)
                 and (exists (select from building b where b.id = :building
                              and st_dwithin(b.footprint, r.footprint, :reach_m))
                      or exists (select from closure c join building b on b.id = :building
                                 where c.revision_id = r.id
                                   and st_dwithin(b.footprint, c.geom, :closure_reach_m))
                      or exists (select from utility_cut u
                                 join utility_cut_stairwell x on x.cut_id = u.id
                                 join stairwell w on w.id = x.stairwell_id
                                 where u.revision_id = r.id and w.building_id = :building))))
           order by 1"""
    )
    values = {
        "quarter": quarter_id, "site": site_id, "building": building_id, "reach_m": REACH_M,
        "closure_reach_m": CLOSURE_REACH_M,
    }  # fmt: skip
    return [row[0] for row in where.execute(query, values)]


def _still_in_force(connection: Connection, revision_id: int) -> bool:
    query = text("select exists (select from revision_in_force where revision_id = :id)")
    return bool(connection.execute(query, {"id": revision_id}).scalar())
