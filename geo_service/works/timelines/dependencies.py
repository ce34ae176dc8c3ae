"""Which phase waits for which (*dipendenze tra le fasi*), within a quarter, across its sites.

Owns the table of dependencies. A dependency is no part of a schedule version: residents notice
dates, and those are in the revisions.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo_service import history, i18n
from geo_service.errors import Invalid
from geo_service.i18n import N_, ngettext
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.works.revisions import inclusive
from geo_service.works.service import revisions_in_force
from geo_service.works.timelines.dependency_days import (
    Broken,
    Link,
    Span,
    broken,
    followers,
    ring_in,
)
from layers.buildings import Quarter
from layers.sites import (
    DEPENDENCY_KINDS,
    PhaseDependency,
    PhaseRevision,
    Site,
    WorkingHours,
    WorksPhase,
)

LONGEST_LAG_DAYS = 1000
KIND_WORDS = {
    "FS": N_("comincia dopo la fine di"),
    "SS": N_("comincia dopo l'inizio di"),
    "FF": N_("finisce dopo la fine di"),
    "SF": N_("finisce dopo l'inizio di"),
}


@dataclass(frozen=True, slots=True)
class Network:
    """Dependencies among the phases of a quarter that are in force, with their dates."""

    links: tuple[Link, ...]
    revisions: Mapping[int, PhaseRevision]
    spans: Mapping[int, Span]
    patron: tuple[int, int] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    # Phases that keep their dates whatever they wait for.
    fixed: frozenset[int] = frozenset()

    def with_dates(self, dates: Mapping[int, tuple[dt.date, dt.date]]) -> dict[int, Span]:
        """The spans as they would be with other dates for some phases."""
        moved = {
            p: replace(self.spans[p], first=first, last=last)
            for p, (first, last) in dates.items()
            if p in self.spans
        }
        return {**self.spans, **moved}

    def broken_by(self, dates: Mapping[int, tuple[dt.date, dt.date]]) -> list[Broken]:
        """Links of the phases in ``dates`` that these dates would not keep."""
        near = [k for k in self.links if {k.predecessor_id, k.successor_id} & dates.keys()]
        return broken(near, self.with_dates(dates), self.patron)

    def pushed_by(self, dates: Mapping[int, tuple[dt.date, dt.date]]) -> dict[int, Span]:
        """Where the followers of the phases in ``dates`` must go; see :func:`followers`."""
        return followers(self.links, self.with_dates(dates), dates.keys(), self.patron, self.fixed)

    def sentence(self, found: Broken, dates: Mapping[int, tuple[dt.date, dt.date]]) -> str:
        """A broken link in words, with the dates as they would be."""
        spans, link = self.with_dates(dates), found.link
        before, after = spans[link.predecessor_id], spans[link.successor_id]
        told = {
            "after": self.names[link.successor_id], "before": self.names[link.predecessor_id],
            "day": i18n.day(found.day),
        }  # fmt: skip
        sentences = {
            "FS": _("%(after)s comincia %(now)s, ma aspetta la fine di %(before)s (%(its)s): "
                    "può cominciare da %(day)s."),
            "SS": _("%(after)s comincia %(now)s, ma aspetta l'inizio di %(before)s (%(its)s): "
                    "può cominciare da %(day)s."),
            "FF": _("%(after)s finisce %(now)s, ma aspetta la fine di %(before)s (%(its)s): "
                    "può finire da %(day)s."),
            "SF": _("%(after)s finisce %(now)s, ma aspetta l'inizio di %(before)s (%(its)s): "
                    "può finire da %(day)s."),
        }  # fmt: skip
        its = before.last if link.kind in ("FS", "FF") else before.first
        now = after.first if link.binds_start else after.last
        return sentences[link.kind] % (told | {"now": i18n.day(now), "its": i18n.day(its)})


def network(session: Session, quarter_id: int, also: Collection[int] = ()) -> Network:
    """The dependencies of a quarter as they stand; with the dates of the phases ``also``, too.

    Phases of archived sites hold nobody and follow nobody, except those in ``also``.
    """
    links = links_of_quarter(session, quarter_id)
    touched = {p for k in links for p in (k.predecessor_id, k.successor_id)} | set(also)
    revisions = {
        r.phase_id: r for r in revisions_in_force(session, quarter_id)
        if r.phase.site.archived_on is None or r.phase_id in also
    }  # fmt: skip
    known = {p: r for p, r in revisions.items() if p in touched}
    weekdays = weekdays_of(session, [r.id for r in known.values()])
    spans = {}
    for phase_id, revision in known.items():
        first, last = inclusive(revision.period)
        own = weekdays.get(revision.id)
        span = Span(first, last or first)
        spans[phase_id] = replace(span, weekdays=own) if own else span
    return Network(
        links=tuple(k for k in links if {k.predecessor_id, k.successor_id} <= known.keys()),
        revisions=known,
        spans=spans,
        patron=get_settings().patron,
        names=_names(known),
    )


def _names(revisions: Mapping[int, PhaseRevision]) -> dict[int, str]:
    sites = {r.phase.site_id for r in revisions.values()}
    names = {}
    for phase_id, revision in revisions.items():
        phase = revision.phase
        name = f"{phase.code} {phase.name}"
        names[phase_id] = f"{name} ({phase.site.code})" if len(sites) > 1 else name
    return names


def links_of_quarter(session: Session, quarter_id: int) -> list[Link]:
    """All dependencies of a quarter, phases out of the schedule included."""
    rows = session.scalars(
        select(PhaseDependency)
        .join(WorksPhase, WorksPhase.id == PhaseDependency.successor_id)
        .join(Site, Site.id == WorksPhase.site_id)
        .where(Site.quarter_id == quarter_id)
        .order_by(PhaseDependency.successor_id, PhaseDependency.predecessor_id)
    )
    return [Link(d.predecessor_id, d.successor_id, d.kind, d.lag_days) for d in rows]


def links_into(session: Session, phase_id: int) -> list[Link]:
    """What a phase waits for."""
    rows = session.scalars(
        select(PhaseDependency)
        .where(PhaseDependency.successor_id == phase_id)
        .order_by(PhaseDependency.predecessor_id)
    )
    return [Link(d.predecessor_id, d.successor_id, d.kind, d.lag_days) for d in rows]


def set_links(session: Session, quarter_id: int, wanted: Mapping[int, Sequence[Link]]) -> bool:
    """Have each successor in ``wanted`` wait for exactly these phases; whether anything changed.

    Raises :class:`Invalid` for a kind or lag that cannot be, a phase of another quarter, and a
    ring of phases that wait for each other, which the sentence names. The history is told.
    """
    # Two people must not close a ring from its two ends.
    session.execute(select(Quarter.id).where(Quarter.id == quarter_id).with_for_update())
    before = defaultdict(list)
    for link in links_of_quarter(session, quarter_id):
        before[link.successor_id].append(link)
    after = {**before, **{p: list(links) for p, links in wanted.items()}}
    everything = [link for links in after.values() for link in links]
    phases = _phases(session, quarter_id, {p for k in everything for p in _ends(k)})
    _check(everything, phases)
    changed = False
    for successor_id, links in wanted.items():
        if set(links) == set(before.get(successor_id, ())):
            continue
        changed = True
        session.execute(delete(PhaseDependency).where(PhaseDependency.successor_id == successor_id))
        session.add_all(
            PhaseDependency(
                predecessor_id=k.predecessor_id, successor_id=successor_id, kind=k.kind,
                lag_days=k.lag_days,
            )
            for k in links
        )  # fmt: skip
        session.flush()
        _note(session, quarter_id, successor_id, before.get(successor_id, ()), links, phases)
    return changed


def _ends(link: Link) -> tuple[int, int]:
    return link.predecessor_id, link.successor_id


def _phases(session: Session, quarter_id: int, ids: Collection[int]) -> dict[int, WorksPhase]:
    rows = session.scalars(
        select(WorksPhase)
        .join(Site, Site.id == WorksPhase.site_id)
        .where(Site.quarter_id == quarter_id, WorksPhase.id.in_(ids))
    )
    return {phase.id: phase for phase in rows}


def _check(links: Iterable[Link], phases: Mapping[int, WorksPhase]) -> None:
    seen: set[tuple[int, int]] = set()
    links = list(links)
    for link in links:
        ends = _ends(link)
        if not set(ends) <= phases.keys():
            raise Invalid(_("Una fase può aspettare solo una fase dello stesso quartiere."))
        code = phases[link.predecessor_id].code
        if link.kind not in DEPENDENCY_KINDS or abs(link.lag_days) > LONGEST_LAG_DAYS:
            raise Invalid(
                _("La dipendenza da %(code)s non si può usare: controllate tipo e giorni.",
                  code=code)
            )  # fmt: skip
        if ends in seen:
            raise Invalid(_("La stessa fase %(code)s è indicata due volte.", code=code))
        if ends[0] == ends[1]:
            raise Invalid(_("La fase %(code)s non può aspettare sé stessa.", code=code))
        seen.add(ends)
    ring = ring_in(links)
    if ring:
        raise Invalid(
            _(
                "Le dipendenze girano in tondo: %(ring)s. Togliete uno di questi passaggi.",
                ring=" → ".join(phases[p].code for p in ring),
            )
        )


def _note(
    session: Session,
    quarter_id: int,
    successor_id: int,
    before: Iterable[Link],
    after: Iterable[Link],
    phases: dict[int, WorksPhase],
) -> None:
    old = list(before)
    missing = {k.predecessor_id for k in old} - phases.keys()
    phases |= _phases(session, quarter_id, missing)

    def told(links: Iterable[Link]) -> str | None:
        parts = [f"{phases[k.predecessor_id].code} {short(k)}" for k in links]
        return "; ".join(sorted(parts)) or None

    subject = history.Subject("phase", successor_id, quarter_id)
    changes = history.difference({"predecessors": told(old)}, {"predecessors": told(after)})
    history.record(session, history.actor_of(session), "phase.linked", subject, changes)


def weekdays_of(session: Session, revision_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Weekdays on which revisions with hours work, by revision."""
    rows = session.execute(
        select(WorkingHours.revision_id, WorkingHours.weekday)
        .where(WorkingHours.revision_id.in_(revision_ids))
        .distinct()
    )
    found: dict[int, set[int]] = defaultdict(set)
    for revision_id, weekday in rows:
        found[revision_id].add(weekday)
    return {revision_id: frozenset(days) for revision_id, days in found.items()}


def short(link: Link) -> str:
    """Kind and lag as planners write them: "FS", "SS+2"."""
    return f"{link.kind}{link.lag_days:+d}" if link.lag_days else link.kind


def lag_words(lag_days: int) -> str:
    """The lag in words, empty where there is none."""
    if lag_days > 0:
        return ngettext("un giorno di lavoro dopo", "%(count)s giorni di lavoro dopo", lag_days)
    if lag_days < 0:
        return ngettext(
            "al più un giorno di lavoro prima", "al più %(count)s giorni di lavoro prima",
            -lag_days,
        )  # fmt: skip
    return ""
