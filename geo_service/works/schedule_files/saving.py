"""A schedule from a file carried out: one version, its dependencies, nothing half-written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from geo_service.works.revising.saving import ChangedMeanwhile, compute_later, new_map
from geo_service.works.schedule import change_schedule
from geo_service.works.schedule_files.difference import Difference, draft_for
from geo_service.works.timelines.dependencies import set_links
from geo_service.works.timelines.dependency_days import Link
from geo_service.works.timelines.followers import Follower, edit_of, save_by_site
from layers.sites import PhaseRevision, Site


def carry_out(
    session: Session,
    site: Site,
    found: Difference,
    based_on: Mapping[int, int],
    *,
    following: Sequence[Follower] = (),
    author: str,
    reason: str,
) -> list[PhaseRevision]:
    """Record ``found``, worked out after ``site`` was locked, as one version of its schedule.

    ``based_on`` holds the revision that the person saw of each phase, ``following`` phases that
    move along: those of the same site in that version, others in one of their own site. Raises
    :class:`ChangedMeanwhile` where another revision is in force now. The impacts are computed by
    the worker.
    """
    for line in found.lines:
        if line.known is not None and line.kind in ("moved", "back"):
            seen = based_on.get(line.known.phase.id, line.known.revision.number)
            if seen != line.known.revision.number:
                raise ChangedMeanwhile(line.known.revision)
    fresh = found.of("new")
    changed = [line for line in found.of("moved", "back") if line.known is not None]
    edits = [edit_of(session, follower) for follower in following]
    own = [(r.phase, draft) for r, _number, draft in edits if r.phase.site_id == site.id]
    made: list[PhaseRevision] = []
    if fresh or changed or found.dropped or own:
        made = change_schedule(
            session,
            site,
            fresh=[(line.code, line.row.name, draft_for(session, line)) for line in fresh],
            changed=[
                (line.known.phase, draft_for(session, line))
                for line in changed if line.known is not None
            ] + own,
            dropped=[known.phase for known in found.dropped],
            author=author,
            reason=reason,
        )  # fmt: skip
    # New phases have their ids now.
    ids = {line.place: made[n].phase_id for n, line in enumerate(fresh)}

    def placed(link: Link) -> Link:
        ends = (link.predecessor_id, link.successor_id)
        return Link(*(ids.get(p, p) for p in ends), link.kind, link.lag_days)

    if found.links:
        wanted = {ids.get(p, p): [placed(k) for k in links] for p, links in found.links.items()}
        set_links(session, site.quarter_id, wanted)
    elsewhere = [edit for edit in edits if edit[0].phase.site_id != site.id]
    save_by_site(session, elsewhere, author=author, reason=reason)
    new_map(session, site.quarter_id)
    compute_later(session, site.quarter_id, [revision.id for revision in made])
    return made
