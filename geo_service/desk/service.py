"""What the desk reads across domains: the day's overview, the list of buildings, one building."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from geo_service.calendar import is_holiday
from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight, as_told
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.works.overview import PhaseRow, phase_rows
from geo_service.works.places import ADDRESSES
from geo_service.works.service import revisions_in_force
from layers.buildings import Building
from layers.impacts.queries import days_above
from layers.sites import REVISION_IN_FORCE, PhaseRevision, RevisionSeal, WorksPhase

MOST_HIT = 10
STRONG = 3


@dataclass(frozen=True, slots=True)
class Overview:
    """The coming days: phases that start, end and run, each with whom it hits."""

    starting: list[PhaseRow]
    ending: list[PhaseRow]
    running: list[PhaseRow]
    days: tuple[dt.date, ...]

    @property
    def phases(self) -> list[PhaseRow]:
        """All of them once, by start."""
        found = {p.revision_id: p for p in (*self.running, *self.starting, *self.ending)}
        return sorted(found.values(), key=lambda p: (p.starts_on, p.site, p.code))


@dataclass(frozen=True, slots=True)
class HardHit:
    """A stairwell whose households have strong impacts ahead: who, which, for how long."""

    building_id: int
    building: str
    stairwell: str
    # Codes of the households, those hit longest first.
    households: tuple[str, ...]
    # Strongest band per kind, and days with a strong band of the kind that lasts longest.
    bands: dict[str, int]
    days: int


def overview(
    session: Session, quarter_id: int, today: dt.date, sight: Sight | None = None, days: int = 14
) -> Overview:
    """What starts, ends and runs from ``today`` on for ``days`` days.

    Households are counted as ``sight`` tells them; without it they are not.
    """
    last = today + dt.timedelta(days=days - 1)
    rows = phase_rows(
        session, revisions_in_force(session, quarter_id, starts_on=today, ends_on=last), sight
    )
    return Overview(
        starting=[p for p in rows if today < p.starts_on <= last],
        ending=[p for p in rows if today <= p.ends_on <= last],
        running=[p for p in rows if p.starts_on <= today <= p.ends_on],
        days=tuple(today + dt.timedelta(days=offset) for offset in range(days)),
    )


def hardest_hit(
    session: Session, quarter_id: int, today: dt.date, *, protected: bool, days: int = 14
) -> list[HardHit]:
    """Households with most days of strong impacts ahead, by stairwell, the worst first.

    ``protected`` includes households at a protected address, which only coordinators see.
    """
    last = today + dt.timedelta(days=days - 1)
    patron = get_settings().patron
    skip = {d for d in _days(today, last) if is_holiday(d, patron) and d.weekday() != 6}
    found = days_above(session.connection(), quarter_id, today, last, skip=skip)
    found = found[(found.flat_id > 0) & (found.worst_band >= STRONG)]
    if found.empty:
        return []
    score = found.groupby("flat_id").days_3.sum().to_dict()
    where: dict[int, tuple[int, str, str]] = {}
    people: dict[int, list[tuple[int, str]]] = {}
    stairwell_of: dict[int, int] = {}
    for row in session.execute(
        _PLACES, {"flats": list(score), "today": today, "protected": protected}
    ):
        stairwell_of[row.flat_id] = row.stairwell_id
        where[row.stairwell_id] = (row.building_id, row.building, row.label)
        people.setdefault(row.stairwell_id, []).append((-score[row.flat_id], row.code))
    found = found.assign(stairwell_id=found.flat_id.map(stairwell_of)).dropna()
    hits = []
    for stairwell_id, part in found.groupby("stairwell_id"):
        worst = part.groupby("kind").worst_band.max()
        hits.append(
            HardHit(
                *where[int(stairwell_id)],
                households=tuple(code for _, code in sorted(people[int(stairwell_id)])),
                bands={str(kind): int(band) for kind, band in worst.items()},
                days=int(part.days_3.max()),
            )
        )
    hits.sort(key=lambda h: (-sum(b for b in h.bands.values()) * h.days, -len(h.households)))
    return hits[:MOST_HIT]


_PLACES = text(
    f"""
    select s.flat_id, h.code, b.id as building_id, w.id as stairwell_id, w.label,
           coalesce(a.address, nullif(b.name, ''), b.code) as building
    from stay s
    join household h on h.id = s.household_id
    join flat f on f.id = s.flat_id
    join stairwell w on w.id = f.stairwell_id
    join building b on b.id = w.building_id
    left join {ADDRESSES} a on true
    where s.flat_id = any(:flats) and s.period @> cast(:today as date)
      and (:protected or not h.protected)
    """  # noqa: S608  (no value is part of the text)
)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class StairwellLine:
    """A stairwell on a building's sheet."""

    stairwell_id: int
    label: str
    lift: bool | None
    step_free: bool | None
    address: str
    flats: int
    # None where so few are not told.
    households: int | None


@dataclass(frozen=True, slots=True)
class ActingPhase:
    """A phase that acts on a building: strongest band per kind here, and when it was announced."""

    phase: PhaseRow
    bands: dict[str, int]
    announced_at: dt.datetime | None


_STAIRWELLS = text(
    """
    select w.id, w.label, w.lift, w.step_free,
           coalesce(a.street || ' ' || a.house_number, ''),
           count(distinct f.id), count(distinct h.id)
    from stairwell w
    left join address_point a on a.id = w.address_point_id
    left join flat f on f.stairwell_id = w.id and f.closed_on is null
    left join stay s on s.flat_id = f.id and s.period @> cast(:today as date)
    left join household h on h.id = s.household_id and (:protected or not h.protected)
    where w.building_id = :building and w.closed_on is null
    group by w.id, a.id order by length(w.label), w.label
    """
)
_ACTING = text(
    """
    select r.revision_id, i.kind, max(i.band)
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join revision_in_force v on v.revision_id = r.revision_id
    where i.building_id = :building and i.band > 0
      and (upper(i.period) is null or upper(i.period) > :today)
    group by 1, 2
    """
)


def building(session: Session, building_id: int) -> Building:
    """A building with its addresses. Raises :class:`NotFound`."""
    found = session.get(
        Building,
        building_id,
        options=[selectinload(Building.quarter), selectinload(Building.addresses)],
    )
    if found is None:
        raise NotFound(_("Questo edificio non esiste, o non esiste più."))
    return found


def stairwell_lines(
    session: Session, building_id: int, today: dt.date, *, protected: bool, exact: bool
) -> list[StairwellLine]:
    """Stairwells of a building with the households present ``today``.

    ``protected`` counts those at a protected address too; without ``exact`` households are told by
    whole fives.
    """
    values = {"building": building_id, "today": today, "protected": protected}
    rows = session.execute(_STAIRWELLS, values)
    return [StairwellLine(*row[:6], as_told(row[6], exact=exact)) for row in rows]


def acting_phases(session: Session, building_id: int, today: dt.date) -> list[ActingPhase]:
    """Phases that act on a building from ``today`` on, by start."""
    bands: dict[int, dict[str, int]] = {}
    for revision_id, kind, band in session.execute(
        _ACTING, {"building": building_id, "today": today}
    ):
        bands.setdefault(revision_id, {})[kind] = band
    revisions = session.scalars(
        select(PhaseRevision)
        .join(REVISION_IN_FORCE, REVISION_IN_FORCE.c.revision_id == PhaseRevision.id)
        .where(PhaseRevision.id.in_(bands))
        .options(selectinload(PhaseRevision.phase).selectinload(WorksPhase.site))
        .order_by(PhaseRevision.period, PhaseRevision.id)
    ).all()
    told = dict(
        session.execute(
            select(RevisionSeal.revision_id, RevisionSeal.sealed_at).where(
                RevisionSeal.revision_id.in_(bands), RevisionSeal.reason == "announced"
            )
        ).all()
    )
    return [
        ActingPhase(row, bands[row.revision_id], told.get(row.revision_id))
        for row in phase_rows(session, revisions)
    ]
