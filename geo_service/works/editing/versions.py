"""Two versions of a site's schedule compared: what changes, and for whom.

Told before are those whom a version reached that was announced; newly affected and no longer
affected are households that one version touches and the other does not; moved are those whom
both touch, on other days or at another level.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight
from geo_service.households.service import affected_households
from geo_service.i18n import gettext as _
from geo_service.works.places import building_labels
from geo_service.works.revising.changes import FieldChange, changes
from geo_service.works.revising.saving import not_computed, queued
from geo_service.works.revisions import draft_of
from layers.sites import PhaseRevision, RevisionSeal, ScheduleVersion, WorksPhase

GROUPS = ("new", "gone", "moved")


@dataclass(frozen=True, slots=True)
class PhaseDifference:
    """A phase that two versions do not have alike; ``before`` or ``after`` may be missing."""

    phase: WorksPhase
    before: PhaseRevision | None
    after: PhaseRevision | None
    changes: tuple[FieldChange, ...]
    announced: bool


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in the list: what it changed against the one before."""

    version: ScheduleVersion
    phases: tuple[PhaseDifference, ...]


@dataclass(frozen=True, slots=True)
class BuildingShift:
    """Households of a building by what happens to them; ``told``: of all these, told before.

    Counts are None where so few are not told.
    """

    building_id: int
    label: str
    counts: dict[str, int | None]
    told: int | None
    mark: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two versions as its reader may know it.

    Counts are None where so few are not told; ``buildings`` are then those of which some are.
    ``missing`` lists revisions without impacts, ``computing`` those of them that are about to have
    them.
    """

    before: ScheduleVersion
    after: ScheduleVersion
    phases: tuple[PhaseDifference, ...]
    counts: dict[str, int | None]
    told: int | None
    tell_again: int | None
    buildings: tuple[BuildingShift, ...]
    missing: tuple[int, ...]
    computing: bool


def versions_of(session: Session, site_id: int) -> list[ScheduleVersion]:
    """Versions of a site, the newest first, with their revisions."""
    return list(
        session.scalars(
            select(ScheduleVersion)
            .where(ScheduleVersion.site_id == site_id)
            .options(selectinload(ScheduleVersion.revisions).selectinload(PhaseRevision.phase))
            .order_by(ScheduleVersion.number.desc())
        )
    )


def version_lines(session: Session, versions: Sequence[ScheduleVersion]) -> list[VersionLine]:
    """Each of ``versions`` (the newest first, without a gap) with its difference in words."""
    announced = _announced(session, versions)
    lines = []
    for n, version in enumerate(versions):
        before = versions[n + 1] if n + 1 < len(versions) else None
        lines.append(VersionLine(version, _differences(session, before, version, announced)))
    return lines


def pick(
    versions: Sequence[ScheduleVersion], before: int | None, after: int | None
) -> tuple[ScheduleVersion, ScheduleVersion]:
    """The two versions of these numbers in order of time; by default the last two.

    Raises :class:`NotFound` where the site has no two versions, or not these.
    """
    by_number = {v.number: v for v in versions}
    if after is None and versions:
        after = versions[0].number
    if before is None and after is not None:
        before = after - 1
    if before not in by_number or after not in by_number or before == after:
        raise NotFound(_("Per un confronto servono due versioni del cronoprogramma."))
    first, last = sorted((by_number[before], by_number[after]), key=lambda v: v.number)
    return first, last


def compare(
    session: Session, before: ScheduleVersion, after: ScheduleVersion, sight: Sight
) -> Comparison:
    """What the step from one version to the other changes, and for whom, as ``sight`` tells it."""
    announced = _announced(session, (before, after))
    phases = _differences(session, before, after, announced)
    old = [p.before.id for p in phases if p.before is not None]
    new = [p.after.id for p in phases if p.after is not None]
    told_by = [p.before.id for p in phases if p.before is not None and p.announced]
    missing = not_computed(session, old + new)
    places = _shifts(session, old, new, told_by, protected=sight.protected)
    changed = places[places.group != "same"]
    return Comparison(
        before=before,
        after=after,
        phases=phases,
        counts={g: _told(changed[changed.group == g], sight) for g in GROUPS},
        told=_told(places[places.told], sight),
        tell_again=_told(changed[changed.told], sight),
        buildings=_by_building(session, changed, sight),
        missing=tuple(missing),
        computing=bool(queued(session, missing)),
    )


def _announced(session: Session, versions: Collection[ScheduleVersion]) -> set[int]:
    ids = {r.id for v in versions for r in v.revisions}
    query = select(RevisionSeal.revision_id).where(
        RevisionSeal.revision_id.in_(ids), RevisionSeal.reason == "announced"
    )
    return set(session.scalars(query))


def _differences(
    session: Session,
    before: ScheduleVersion | None,
    after: ScheduleVersion,
    announced: set[int],
) -> tuple[PhaseDifference, ...]:
    old = {} if before is None else {r.phase_id: r for r in before.revisions}
    new = {r.phase_id: r for r in after.revisions}
    found = []
    for phase_id in old | new:
        one, two = old.get(phase_id), new.get(phase_id)
        if one is not None and two is not None and one.id == two.id:
            continue
        told: list[FieldChange] = []
        if one is not None and two is not None:
            told = changes(draft_of(session, one), draft_of(session, two))
        phase = (two or one).phase  # type: ignore[union-attr]
        sealed = one is not None and one.id in announced
        found.append(PhaseDifference(phase, one, two, tuple(told), sealed))
    return tuple(sorted(found, key=lambda p: p.phase.code))


def _shifts(
    session: Session,
    old: Sequence[int],
    new: Sequence[int],
    told_by: Sequence[int],
    *,
    protected: bool,
) -> pd.DataFrame:
    """One row per household and flat: its group, and whether it was told before."""
    one, two, told = (_touched(session, ids, protected=protected) for ids in (old, new, told_by))
    both = one.merge(
        two, on=["flat_id", "household_id"], how="outer", suffixes=("_a", "_b"), indicator=True
    )
    both["building_id"] = both.building_id_a.fillna(both.building_id_b)
    side = both["_merge"].astype(str)
    same = (both.facts_a == both.facts_b).fillna(value=False).astype(bool)
    both["group"] = side.map({"left_only": "gone", "right_only": "new", "both": "moved"})
    both.loc[same & (side == "both"), "group"] = "same"
    keys = set(zip(told.flat_id, told.household_id, strict=True))
    told_before = [key in keys for key in zip(both.flat_id, both.household_id, strict=True)]
    # Without a row a list has no type of its own.
    both["told"] = pd.Series(told_before, index=both.index, dtype=bool)
    return both[["building_id", "flat_id", "household_id", "group", "told"]]


def _touched(session: Session, revision_ids: Sequence[int], *, protected: bool) -> pd.DataFrame:
    """Per household and flat all that acts on it, as one comparable text."""
    frame = affected_households(session, revision_ids, protected=protected)
    frame = frame[frame.band.astype("int64") > 0] if len(frame) else frame
    if not len(frame):
        return pd.DataFrame(columns=["building_id", "flat_id", "household_id", "facts"])
    facts = [
        f"{kind}|{aspect}|{band}|{period.lower}|{period.upper}|{days}"
        for kind, aspect, band, period, days in zip(
            frame.kind, frame.aspect, frame.band, frame.period, frame.weekdays, strict=True
        )
    ]
    grouped = frame.assign(facts=facts).groupby(["building_id", "flat_id", "household_id"])
    return grouped.facts.agg(lambda texts: "\n".join(sorted(set(texts)))).reset_index()


def _told(places: pd.DataFrame, sight: Sight) -> int | None:
    """Households of ``places`` as a total of the list that tells them by building."""
    parts = [int(n) for n in places.groupby("building_id").household_id.nunique()]
    return sight.told_total(int(places.household_id.nunique()), parts)


def _by_building(
    session: Session, changed: pd.DataFrame, sight: Sight
) -> tuple[BuildingShift, ...]:
    names = building_labels(session, {int(b) for b in changed.building_id})
    found = []
    for key, group in changed.groupby("building_id"):
        counts = sight.told_each(
            {g: int(group[group.group == g].household_id.nunique()) for g in GROUPS}
        )
        # The line of a building would itself tell that somebody lives there.
        if not any(counts.values()):
            continue
        mark = max(GROUPS, key=lambda g: counts[g] or 0)
        told = sight.told(int(group[group.told].household_id.nunique()))
        found.append(BuildingShift(int(key), names[int(key)], counts, told, mark))
    return tuple(sorted(found, key=lambda b: (-sum(n or 0 for n in b.counts.values()), b.label)))


def span_of(phases: Sequence[PhaseDifference]) -> tuple[dt.date, dt.date]:
    """First day, and the day after the last, on which any of ``phases`` acts in either version."""
    periods = [r.period for p in phases for r in (p.before, p.after) if r is not None]
    return min(p.lower for p in periods), max(p.upper for p in periods)  # type: ignore[type-var,return-value]
