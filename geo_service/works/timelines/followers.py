"""Moved phases and the phases that wait for them: what breaks, what moves along, saved as one."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo_service.works.drafts import RevisionDraft
from geo_service.works.revising.saving import save_revisions
from geo_service.works.revisions import carried, draft_of
from geo_service.works.timelines.dependencies import Network, network
from geo_service.works.timelines.dependency_days import work_days
from layers.sites import PhaseRevision, Site, WorksPhase

# The answer of somebody who saves the moved phases alone.
ALONE = "no"
Edit = tuple[PhaseRevision, int, RevisionDraft]


@dataclass(frozen=True, slots=True)
class Follower:
    """A phase that must move along: its revision in force, the dates it has and would have.

    ``work_days`` are the same before and after; the days of the calendar need not be.
    """

    revision: PhaseRevision
    first: dt.date
    last: dt.date
    was_first: dt.date
    was_last: dt.date
    work_days: int

    @property
    def calendar_days(self) -> tuple[int, int]:
        """Days of the calendar that it takes now, and would take."""
        return (self.was_last - self.was_first).days + 1, (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a move breaks, in words, and what would have to follow.

    ``token`` stands for exactly these followers: who sends it back confirms them.
    """

    sentences: tuple[str, ...]
    followers: tuple[Follower, ...]
    token: str

    def open_question(self, answer: str) -> bool:
        """Whether a person still has to say if the followers move along."""
        return bool(self.sentences) and answer not in (ALONE, self.token)

    def accepted(self, answer: str) -> tuple[Follower, ...]:
        """The followers that ``answer`` confirms."""
        return self.followers if self.followers and answer == self.token else ()


NOTHING = Consequences((), (), ALONE)


def consequences(
    session: Session, quarter_id: int, dates: Mapping[int, tuple[dt.date, dt.date]]
) -> Consequences:
    """What moving the phases in ``dates`` (phase → first and last day) breaks."""
    if not dates:
        return NOTHING
    return consequences_in(network(session, quarter_id), dates)


def consequences_in(net: Network, dates: Mapping[int, tuple[dt.date, dt.date]]) -> Consequences:
    """The same on a network that is at hand."""
    found = net.broken_by(dates)
    pushed = net.pushed_by(dates)
    if not found:
        return NOTHING
    following = []
    for phase_id, span in pushed.items():
        was = net.spans[phase_id]
        days = work_days(span, net.patron)
        following.append(
            Follower(net.revisions[phase_id], span.first, span.last, was.first, was.last, days)
        )
    token = ";".join(
        f"{f.revision.phase_id}:{f.revision.number}:{f.first}:{f.last}" for f in following
    )
    sentences = tuple(net.sentence(b, dates) for b in found)
    return Consequences(sentences, tuple(following), token or ALONE)


def edit_of(session: Session, follower: Follower) -> Edit:
    """The edit that moves a follower along."""
    draft = carried(draft_of(session, follower.revision), follower.first, follower.last)
    return follower.revision, follower.revision.number, draft


def save_by_site(
    session: Session, edits: Sequence[Edit], *, author: str, reason: str
) -> list[PhaseRevision]:
    """Record edits ``(revision in force, based on number, draft)``, one version for each site.

    Raises what :func:`save_revisions` does.
    """
    by_site: dict[Site, list[tuple[WorksPhase, int, RevisionDraft]]] = defaultdict(list)
    for revision, based_on, draft in edits:
        by_site[revision.phase.site].append((revision.phase, based_on, draft))
    made: list[PhaseRevision] = []
    for site in sorted(by_site, key=lambda s: s.id):
        made += save_revisions(session, site, by_site[site], author=author, reason=reason)
    return made
