"""What residents are told about the works at their building.

The unit is the building: nothing here carries a flat, a person, a count, a move or a vacancy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, selectinload

from geo_service.calendar import is_holiday
from geo_service.settings import get_settings
from geo_service.works.hours import daily_hours
from geo_service.works.revisions import inclusive
from layers.buildings import Building
from layers.impacts.reach import waiting_near
from layers.sites import REVISION_IN_FORCE, PhaseConfirmation, PhaseRevision, WorksPhase

# Who moves, and when, is never public.
PRIVATE_KINDS = ("relocation",)
# Kinds that stop when nobody works; a scaffold or a closed way stays on a holiday.
WORKING_KINDS = frozenset({"noise", "dust", "vibration", "inside"})
# Fewer occupied flats than this, and a stairwell is shown as its building.
MIN_OCCUPIED_FLATS = 5
WEEKEND_DAYS = 3
SOON_DAYS = 7
LATER_DAYS = 56


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that people of a building notice: kind, level, days, and hours where known."""

    kind: str
    aspect: str
    band: int
    starts_on: dt.date
    # Last day; None until told otherwise.
    ends_on: dt.date | None
    # Bit 0 = Monday.
    weekdays: int = 127
    starts_at: dt.time | None = None
    ends_at: dt.time | None = None
    # Empty: the whole building.
    stairwells: tuple[str, ...] = ()
    part_of_day: str = "all"

    def acts_on(self, day: dt.date) -> bool:
        """Whether people will notice it on ``day``."""
        if day < self.starts_on or (self.ends_on is not None and day > self.ends_on):
            return False
        holiday = day.weekday() != 6 and is_holiday(day, get_settings().patron)
        if self.kind in WORKING_KINDS and holiday:
            return False
        return bool(self.weekdays >> day.weekday() & 1)

    def acts_between(self, first: dt.date, last: dt.date) -> bool:
        """Whether it acts on any day from ``first`` to ``last``, both included."""
        day = max(first, self.starts_on)
        last = last if self.ends_on is None else min(last, self.ends_on)
        while day <= last:
            if self.acts_on(day):
                return True
            day += dt.timedelta(days=1)
        return False


@dataclass(frozen=True, slots=True)
class Work:
    """A phase as a building's people meet it."""

    name: str
    site: str
    preset: str | None
    starts_on: dt.date
    ends_on: dt.date
    certainty: str
    verified_on: dt.date
    # Daily windows: weekdays as a bit mask, first and last hour, whether noisy.
    hours: tuple[tuple[int, dt.time, dt.time, bool], ...]
    closures: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(slots=True)
class Outlook:
    """The works at a building, each fact in the first span of days in which it acts.

    ``unfinished``: a phase of the coming weeks that may concern the building is saved and still to
    be computed.
    """

    today: list[Work] = field(default_factory=list)
    soon: list[Work] = field(default_factory=list)
    later: list[Work] = field(default_factory=list)
    beyond: list[Work] = field(default_factory=list)
    unfinished: bool = False

    def __bool__(self) -> bool:
        return bool(self.today or self.soon or self.later or self.beyond)


_FACTS = text(
    """
    select r.revision_id, i.kind, i.aspect, i.part_of_day, max(i.band) as band, i.period,
           i.weekdays
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join revision_in_force f on f.revision_id = r.revision_id
    where i.building_id = :building and i.band > 0 and i.kind <> all(:private)
      and i.kind <> 'utility' and i.aspect <> 'emergency'
      and (cast(:stairwell as bigint) is null or i.flat_id is null
           or i.flat_id in (select id from flat where stairwell_id = :stairwell))
      and (upper(i.period) is null or upper(i.period) > :today)
    group by r.revision_id, i.kind, i.aspect, i.part_of_day, i.period, i.weekdays
    """
)
_CUTS = text(
    """
    select c.revision_id, c.service, c.period, c.starts_at, c.ends_at,
           array_agg(distinct w.id) as stairwell_ids
    from utility_cut c
    join revision_in_force f on f.revision_id = c.revision_id
    join utility_cut_stairwell cs on cs.cut_id = c.id
    join stairwell w on w.id = cs.stairwell_id
    where w.building_id = :building and (upper(c.period) is null or upper(c.period) > :today)
    group by c.id
    """
)
_CUT_BANDS = text(
    """
    select r.revision_id, max(i.band)
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    where i.building_id = :building and i.kind = 'utility'
    group by 1
    """
)
_OCCUPIED = text(
    """
    select fl.stairwell_id, count(distinct fl.id)
    from stay s join flat fl on fl.id = s.flat_id
    join stairwell w on w.id = fl.stairwell_id
    where w.building_id = :building and s.period @> cast(:today as date)
    group by 1
    """
)
_WORKED_ON = text(
    """
    select f.revision_id from revision_in_force f
    join revision_building rb on rb.revision_id = f.revision_id
    join phase_revision p on p.id = f.revision_id
    where rb.building_id = :building and upper(p.period) > :today
    """
)


def outlook(
    session: Session, building: Building, today: dt.date, *, stairwell_id: int | None = None
) -> Outlook:
    """The works that ``building``'s people will notice from ``today`` on.

    With ``stairwell_id`` what its own people notice. One with fewer than five occupied flats is
    told as its building.
    """
    here = {"building": building.id, "today": today}
    occupied = dict(session.execute(_OCCUPIED, here).all())
    if stairwell_id is not None and occupied.get(stairwell_id, 0) < MIN_OCCUPIED_FLATS:
        stairwell_id = None
    facts = _facts(session, building, today, occupied, stairwell_id)
    for (revision_id,) in session.execute(_WORKED_ON, {"building": building.id, "today": today}):
        facts.setdefault(revision_id, [])
    revisions = session.scalars(
        select(PhaseRevision)
        .where(PhaseRevision.id.in_(facts))
        .options(
            selectinload(PhaseRevision.phase).selectinload(WorksPhase.site),
            selectinload(PhaseRevision.hours),
            selectinload(PhaseRevision.closures),
        )
        .order_by(PhaseRevision.period, PhaseRevision.id)
    ).all()
    verified = _verified(session, [r.id for r in revisions])
    last = today + dt.timedelta(days=LATER_DAYS)
    waiting = waiting_near(session.connection(), building.quarter_id, [building.id], today, last)
    result = Outlook(unfinished=waiting > 0)
    for revision in revisions:
        spans = _by_span(facts[revision.id], revision, today)
        for span, held in spans.items():
            day = verified.get(revision.id, revision.recorded_at.date())
            getattr(result, span).append(_work(revision, held, day))
    for works in (result.today, result.soon, result.later, result.beyond):
        # What must be prepared for stands on top, then what weighs most.
        works.sort(key=lambda w: (w.facts[0].kind != "utility", -max(f.band for f in w.facts)))
    return result


def _facts(
    session: Session,
    building: Building,
    today: dt.date,
    occupied: dict[int, int],
    stairwell_id: int | None,
) -> dict[int, list[Fact]]:
    here = {"building": building.id, "today": today}
    only = {"private": list(PRIVATE_KINDS), "stairwell": stairwell_id}
    facts: dict[int, list[Fact]] = {}
    for row in session.execute(_FACTS, {**here, **only}):
        first, last = inclusive(row.period)
        facts.setdefault(row.revision_id, []).append(
            Fact(
                row.kind,
                _public_aspect(row.kind, row.aspect),
                row.band,
                first,
                last,
                row.weekdays,
                part_of_day=row.part_of_day,
            )
        )
    bands = dict(session.execute(_CUT_BANDS, {"building": building.id}).all())
    for row in session.execute(_CUTS, here):
        if stairwell_id is not None and stairwell_id not in row.stairwell_ids:
            continue
        first, last = inclusive(row.period)
        facts.setdefault(row.revision_id, []).append(
            Fact(
                "utility",
                row.service,
                bands.get(row.revision_id, 0),
                first,
                last,
                127,
                row.starts_at,
                row.ends_at,
                _stairwells_to_name(building, row.stairwell_ids, occupied),
            )
        )
    return {revision: _strongest(found) for revision, found in facts.items()}


def _stairwells_to_name(
    building: Building, served: Iterable[int], occupied: dict[int, int]
) -> tuple[str, ...]:
    """Labels of the stairwells hit, or none where the building as a whole is to be named."""
    hit = set(served)
    if hit >= {s.id for s in building.stairwells}:
        return ()
    if any(occupied.get(stairwell, 0) < MIN_OCCUPIED_FLATS for stairwell in hit):
        return ()
    return tuple(s.label for s in building.stairwells if s.id in hit)


def _public_aspect(kind: str, aspect: str) -> str:
    """What residents tell apart: of a way whether it has steps, of works inside whose flat."""
    if kind == "access":
        return "step_free" if aspect in ("step_free", "pram") else "walk"
    return aspect if kind in ("inside", "parking") else ""


def _strongest(facts: list[Fact]) -> list[Fact]:
    """Facts that people cannot tell apart put together, each at its strongest; cuts first."""
    merged: list[Fact] = []
    for fact in sorted(facts, key=lambda f: (_likeness(f), f.starts_on)):
        last = merged[-1] if merged else None
        if last is None or _likeness(last) != _likeness(fact) or not _meets(last, fact):
            merged.append(fact)
            continue
        ends = None
        if last.ends_on is not None and fact.ends_on is not None:
            ends = max(last.ends_on, fact.ends_on)
        merged[-1] = replace(
            last,
            band=max(last.band, fact.band),
            ends_on=ends,
            weekdays=last.weekdays | fact.weekdays,
        )
    return sorted(merged, key=lambda f: (f.kind != "utility", -f.band, f.starts_on, f.kind))


def _likeness(fact: Fact) -> tuple[str, ...]:
    window = f"{fact.starts_at}-{fact.ends_at}"
    return (fact.kind, fact.aspect, fact.part_of_day, window, *fact.stairwells)


def _meets(earlier: Fact, later: Fact) -> bool:
    """Whether two periods touch; a weekend between them does not part them."""
    return earlier.ends_on is None or (later.starts_on - earlier.ends_on).days <= WEEKEND_DAYS


def _by_span(
    facts: list[Fact], revision: PhaseRevision, today: dt.date
) -> dict[str, tuple[Fact, ...]]:
    spans = (
        ("today", today, today),
        ("soon", today + dt.timedelta(days=1), today + dt.timedelta(days=SOON_DAYS)),
        ("later", today + dt.timedelta(days=SOON_DAYS + 1), today + dt.timedelta(LATER_DAYS)),
        ("beyond", today + dt.timedelta(days=LATER_DAYS + 1), dt.date(9999, 1, 1)),
    )
    found: dict[str, list[Fact]] = {}
    if not facts:
        first, last = inclusive(revision.period)
        facts = [Fact("works", "", 0, first, last)]
    for fact in facts:
        for name, first, last in spans:
            if fact.acts_between(first, last):
                found.setdefault(name, []).append(fact)
                break
    return {name: tuple(held) for name, held in found.items()}


def _work(revision: PhaseRevision, facts: tuple[Fact, ...], verified_on: dt.date) -> Work:
    first, last = inclusive(revision.period)
    return Work(
        name=revision.phase.name,
        site=revision.phase.site.name,
        preset=revision.preset,
        starts_on=first,
        ends_on=last or first,
        certainty=revision.certainty,
        verified_on=verified_on,
        hours=daily_hours(revision),
        closures=tuple(c.description for c in revision.closures if c.description),
        facts=facts,
    )


def _verified(session: Session, revision_ids: list[int]) -> dict[int, dt.date]:
    rows = session.execute(
        select(PhaseConfirmation.revision_id, PhaseConfirmation.confirmed_on)
        .where(PhaseConfirmation.revision_id.in_(revision_ids), PhaseConfirmation.said == "valid")
        .order_by(PhaseConfirmation.confirmed_on)
    )
    return dict(rows.all())


def sites_at_work(session: Session, today: dt.date) -> list[PhaseRevision]:
    """Phases in force that run in the coming two weeks, in every quarter, for the public list."""
    window = Range(today, today + dt.timedelta(days=14), bounds="[)")
    return list(
        session.scalars(
            select(PhaseRevision)
            .where(
                PhaseRevision.id.in_(select(REVISION_IN_FORCE.c.revision_id)),
                PhaseRevision.period.overlaps(window),
            )
            .options(selectinload(PhaseRevision.phase).selectinload(WorksPhase.site))
            .order_by(PhaseRevision.period, PhaseRevision.id)
        )
    )
