"""Annex to a request for a noise derogation (*deroga*; L.R. Lombardia 13/2001 art. 8).

Who is exposed above the limit by a phase, and how often the same people were already, or will be,
by other phases. Everything is computed: a level never establishes that a limit is exceeded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import calendar
from geo_service.households.disclosure import Sight
from geo_service.households.service import stays_in, stays_of
from geo_service.settings import get_settings
from geo_service.works.places import building_labels
from geo_service.works.revisions import inclusive
from layers.impacts.parameters import parameters_from
from layers.impacts.sql import frame
from layers.sites import PERMIT_OF_PHASE, Permit, PhaseRevision

# Margin of the noise method; a level this near to the limit is to be verified.
MARGIN_DB = 3.0
LAST_DAYS = 365
LONGEST_PLAN_DAYS = 3660
# Classes of days: up to and including.
DAY_CLASSES = (0, 10, 30, 90)

# The level while the machines are on, which the municipal limit is compared with; what is stored
# is the level of the whole part of day.
_WORKING = """- coalesce((r.methods #> '{{noise,parameters,from_working_level_db}}'
    ->> {0}.part_of_day)::float, 0)"""
_OWN_FLATS = f"""
    select i.building_id, i.flat_id, max(i.value {_WORKING.format("i")})
    from impact i join impact_run r on r.id = i.run_id and r.in_force
    where r.revision_id = %(revision)s and i.kind = 'noise' and i.aspect = 'facade'
      and i.flat_id is not null and i.value is not null
    group by 1, 2
"""  # noqa: S608
_OWN_BUILDINGS = f"""
    select n.building_id, max(l.level {_WORKING.format("n")}), b.flats_declared,
           exists(select from flat f join stairwell w on w.id = f.stairwell_id
                  where w.building_id = b.id and f.closed_on is null)
    from noise_levels n join impact_run r on r.id = n.run_id and r.in_force
    join building b on b.id = n.building_id
    cross join lateral (select max(x) as level from unnest(n.level_dba) x) l
    where r.revision_id = %(revision)s
    group by 1, b.id
"""  # noqa: S608
_OTHERS = f"""
    select i.flat_id, v.phase_id, p.code || ' ' || p.name, lower(i.period), upper(i.period),
           i.weekdays
    from revision_in_force v join impact_run r on r.revision_id = v.revision_id and r.in_force
    join impact i on i.run_id = r.id join works_phase p on p.id = v.phase_id
    where v.quarter_id = %(quarter)s and v.phase_id <> %(phase)s and i.kind = 'noise'
      and i.aspect = 'facade' and i.flat_id = any(%(flats)s)
      and i.period && daterange(%(first)s::date, null)
      and i.value {_WORKING.format("i")} > %(limit)s
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class People:
    """Households, their persons as far as sizes are known, and households of unknown size.

    Each as the reader may know it: by fives for some, None where so few are not told.
    """

    households: int | None
    persons: int | None
    size_unknown: int | None


@dataclass(frozen=True, slots=True)
class ExposedBuilding:
    """A building whose highest façade level comes within the margin of the limit or above it.

    ``beyond`` counts flats above limit and margin, ``to_verify`` those within the margin on
    either side. ``last_days`` and ``planned_days``: the most days on which one of these
    households is above the limit by other phases, None where nobody is told of them.
    ``flats_declared`` only where flats are not known.
    """

    building_id: int
    label: str
    level_dba: float
    beyond: People
    to_verify: People
    flats_known: bool
    flats_declared: int | None
    last_days: int | None
    planned_days: int | None


@dataclass(frozen=True, slots=True)
class OtherPhase:
    """Another phase that puts some of the same people above the limit, and on how many days."""

    phase_id: int
    name: str
    people: People
    last_days: int
    planned_days: int


@dataclass(frozen=True, slots=True)
class DayShare:
    """People with ``least`` to ``most`` days above the limit by other phases (None: no end)."""

    least: int
    most: int | None
    last: People
    planned: People


@dataclass(frozen=True, slots=True)
class Annex:
    """Exposure above one limit, by building, and the earlier and planned exposure of the same."""

    limit_dba: float
    buildings: tuple[ExposedBuilding, ...]
    beyond: People
    to_verify: People
    others: tuple[OtherPhase, ...]
    shares: tuple[DayShare, ...]
    first_day: dt.date
    today: dt.date


@dataclass(frozen=True, slots=True)
class Limits:
    """The municipal limit at the façade, and the one of a permit in derogation, if it sets one."""

    municipality: str
    municipal_dba: float
    source: str
    permit: Permit | None
    permit_dba: float | None


def limits_of(session: Session, revision: PhaseRevision) -> Limits:
    """Limits at the façade that hold for a revision, LAeq in dB(A)."""
    rule = parameters_from(revision.phase.site.quarter.settings).rule
    permit = session.scalars(
        select(Permit)
        .join(PERMIT_OF_PHASE, PERMIT_OF_PHASE.c.permit_id == Permit.id)
        .where(
            PERMIT_OF_PHASE.c.phase_id == revision.phase_id,
            Permit.kind == "noise_derogation",
            Permit.state.in_(("granted", "in_progress", "pending", "to_request")),
            Permit.period.is_(None) | Permit.period.op("&&")(revision.period),
        )
        .order_by(Permit.state == "granted", Permit.id)
    ).all()
    chosen = permit[-1] if permit else None
    told = None if chosen is None else chosen.conditions.get("limit_dba")
    permit_dba = float(told) if isinstance(told, int | float) else None
    return Limits(rule.title, rule.facade_limit_dba, rule.source, chosen, permit_dba)


def annex(
    session: Session, revision: PhaseRevision, limit_dba: float, today: dt.date, sight: Sight
) -> Annex:
    """Population above ``limit_dba`` at the façade of their flats while the machines are on.

    People are the households present on a day of the phase, each counted at its highest level.
    Days of other phases count where such a household was or will be present and its flat lies
    above the same limit by that phase alone; national and local holidays are left out. Households
    are counted, and their numbers told, as ``sight`` tells them.
    """
    connection = session.connection()
    flats = frame(
        connection, _OWN_FLATS, ("building_id", "flat_id", "level_dba"), revision=revision.id
    )
    buildings = frame(
        connection,
        _OWN_BUILDINGS,
        ("building_id", "level_dba", "flats_declared", "flats_known"),
        revision=revision.id,
    )
    near = flats[flats.level_dba.astype(float) > limit_dba - MARGIN_DB]
    people = _present(session, near, revision, protected=sight.protected)
    people["beyond"] = people.level_dba > limit_dba + MARGIN_DB
    exposure = _exposure(session, revision, sorted(set(people.household_id)), limit_dba, today)
    last = {h: int(m[:LAST_DAYS].sum()) for h, m in exposure.days.items()}
    planned = {h: int(m[LAST_DAYS:].sum()) for h, m in exposure.days.items()}
    labels = building_labels(session, [int(b) for b in buildings.building_id])
    rows = [
        _building(b, labels, people[people.building_id == b.building_id], last, planned, sight)
        for b in buildings[buildings.level_dba.astype(float) > limit_dba - MARGIN_DB].itertuples()
    ]
    return Annex(
        limit_dba=limit_dba,
        buildings=tuple(sorted(rows, key=lambda b: (-b.level_dba, b.label))),
        beyond=_total(people[people.beyond], sight),
        to_verify=_total(people[~people.beyond], sight),
        others=_others(exposure, people, sight),
        shares=_shares(people, last, planned, sight),
        first_day=today - dt.timedelta(days=LAST_DAYS),
        today=today,
    )


def _present(
    session: Session, flats: pd.DataFrame, revision: PhaseRevision, *, protected: bool
) -> pd.DataFrame:
    """One row per household present on a day of the phase, at its highest level."""
    first, last = inclusive(revision.period)
    stays = stays_in(session, [int(f) for f in flats.flat_id], protected=protected)
    present = _typed(flats).merge(_typed(stays), on="flat_id")
    present = present[(present.stay_from <= (last or first)) & (present.stay_until > first)]
    present = present.sort_values("level_dba").drop_duplicates("household_id", keep="last")
    sizes = stays_of(session, [int(h) for h in present.household_id])
    sizes = sizes[["household_id", "size"]].drop_duplicates()
    return present.merge(_typed(sizes), on="household_id")


def _typed(found: pd.DataFrame) -> pd.DataFrame:
    """Ids as whole numbers even where there is no row, so that frames can be joined."""
    return found.astype({c: "int64" for c in found.columns if c.endswith("_id")})


def _numbers(people: pd.DataFrame) -> tuple[int, int, int]:
    """Households, their persons, and households whose size is not known."""
    size = pd.to_numeric(people["size"], errors="coerce")
    return len(people), int(size.sum()), int(size.isna().sum())


def _count(people: pd.DataFrame, sight: Sight) -> People:
    households, persons, unknown = _numbers(people)
    if sight.told(households) is None:
        return People(None, None, None)
    return People(sight.told(households), sight.told(persons), sight.told(unknown))


def _total(people: pd.DataFrame, sight: Sight) -> People:
    """People as the total of the list that tells them by building."""
    parts = [_numbers(here) for _building_id, here in people.groupby("building_id")]
    counts = [
        sight.told_total(number, [part[n] for part in parts])
        for n, number in enumerate(_numbers(people))
    ]
    return People(None, None, None) if counts[0] is None else People(*counts)


def _building(
    row: Any,
    labels: Mapping[int, str],
    people: pd.DataFrame,
    last: Mapping[int, int],
    planned: Mapping[int, int],
    sight: Sight,
) -> ExposedBuilding:
    households = [int(h) for h in people.household_id]
    declared = row.flats_declared
    beyond, to_verify = (_count(people[people.beyond == b], sight) for b in (True, False))
    # Days on which somebody is exposed would themselves tell that somebody lives there.
    told = beyond.households is not None or to_verify.households is not None
    return ExposedBuilding(
        building_id=int(row.building_id),
        label=labels[int(row.building_id)],
        level_dba=round(float(row.level_dba), 1),
        beyond=beyond,
        to_verify=to_verify,
        flats_known=bool(row.flats_known),
        flats_declared=None if row.flats_known or pd.isna(declared) else int(declared),
        last_days=max((last.get(h, 0) for h in households), default=0) if told else None,
        planned_days=max((planned.get(h, 0) for h in households), default=0) if told else None,
    )


@dataclass(frozen=True, slots=True)
class _Exposure:
    """Days from ``LAST_DAYS`` before today on: per household, and per (phase, household)."""

    days: dict[int, npt.NDArray[np.bool_]]
    by_phase: dict[tuple[int, int], npt.NDArray[np.bool_]]
    names: dict[int, str]


def _exposure(
    session: Session,
    revision: PhaseRevision,
    households: Sequence[int],
    limit_dba: float,
    today: dt.date,
) -> _Exposure:
    stays = stays_of(session, households)
    first = today - dt.timedelta(days=LAST_DAYS)
    acting = frame(
        session.connection(),
        _OTHERS,
        ("flat_id", "phase_id", "name", "starts_on", "ends_on", "weekdays"),
        quarter=revision.phase.site.quarter_id,
        phase=revision.phase_id,
        flats=sorted({int(f) for f in stays.flat_id}),
        first=first,
        limit=limit_dba,
    )
    window = _Window(first, acting.ends_on)
    result = _Exposure(
        {}, {}, {int(p): str(n) for p, n in zip(acting.phase_id, acting["name"], strict=True)}
    )
    for row in _typed(acting).merge(_typed(stays), on="flat_id").itertuples():
        on = window.days(row.starts_on, row.ends_on, int(row.weekdays))
        on = on & window.between(row.stay_from, row.stay_until)
        household, phase = int(row.household_id), int(row.phase_id)
        _add(result.days, household, on)
        _add(result.by_phase, (phase, household), on)
    return result


def _add(found: dict[Any, npt.NDArray[np.bool_]], key: Any, on: npt.NDArray[np.bool_]) -> None:
    found[key] = on if key not in found else found[key] | on


class _Window:
    """Days from ``first`` to the last one that any phase touches, as arrays of true and false."""

    def __init__(self, first: dt.date, ends: pd.Series) -> None:
        known = [e for e in ends if e is not None and not pd.isna(e)]
        longest = max(((e - first).days for e in known), default=0)
        self.first = first
        self.length = min(max(longest, LAST_DAYS + 1), LAST_DAYS + LONGEST_PLAN_DAYS)
        self._cache: dict[Any, npt.NDArray[np.bool_]] = {}
        days = [first + dt.timedelta(days=k) for k in range(self.length)]
        self._weekday = np.array([d.weekday() for d in days])
        # A Sunday with hours of its own is a day of works; a holiday is not.
        patron = get_settings().patron
        self._off = np.array([d.weekday() != 6 and calendar.is_holiday(d, patron) for d in days])

    def between(self, start: dt.date, end: dt.date | None) -> npt.NDArray[np.bool_]:
        """Days from ``start`` to the day before ``end``."""
        k = np.arange(self.length)
        last = self.length if end is None or pd.isna(end) else (end - self.first).days
        return np.asarray((k >= (start - self.first).days) & (k < last))

    def days(self, start: dt.date, end: dt.date | None, weekdays: int) -> npt.NDArray[np.bool_]:
        """Days of works of an impact."""
        key = (start, end, weekdays)
        if key not in self._cache:
            worked = (weekdays >> self._weekday) & 1 == 1
            self._cache[key] = self.between(start, end) & worked & ~self._off
        return self._cache[key]


def _others(exposure: _Exposure, people: pd.DataFrame, sight: Sight) -> tuple[OtherPhase, ...]:
    found = []
    for phase, name in exposure.names.items():
        days = {h: m for (p, h), m in exposure.by_phase.items() if p == phase and m.any()}
        if not days:
            continue
        who = _count(people[people.household_id.isin(list(days))], sight)
        if who.households is None:
            continue
        together = np.logical_or.reduce(list(days.values()))
        found.append(
            OtherPhase(
                phase,
                name,
                who,
                int(together[:LAST_DAYS].sum()),
                int(together[LAST_DAYS:].sum()),
            )
        )
    return tuple(sorted(found, key=lambda o: (-(o.people.households or 0), o.name)))


def _shares(
    people: pd.DataFrame, last: Mapping[int, int], planned: Mapping[int, int], sight: Sight
) -> tuple[DayShare, ...]:
    """The exposed people by the number of days that other phases put them above the limit."""
    edges = [(0, 0)] + [(low + 1, high) for low, high in pairwise(DAY_CLASSES)]
    shares = []
    for least, most in [*edges, (DAY_CLASSES[-1] + 1, None)]:

        def within(counts: Mapping[int, int], low: int = least, high: int | None = most) -> People:
            days = people.household_id.map(lambda h: counts.get(int(h), 0)).astype(int)
            counted = (days >= low) & (days <= (high if high is not None else 10**6))
            return _count(people[counted], sight)

        shares.append(DayShare(least, most, within(last), within(planned)))
    return tuple(shares)
