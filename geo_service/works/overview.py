"""Works as pages list them: sites, phases with what they bring, one phase's buildings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session, selectinload

from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight
from geo_service.households.service import count_households
from geo_service.i18n import gettext as _
from geo_service.works.places import ADDRESSES
from geo_service.works.revisions import inclusive
from geo_service.works.service import revisions_in_force
from layers.impacts.models import ImpactRun
from layers.sites import (
    REVISION_IN_FORCE,
    PhaseRevision,
    ScheduleVersion,
    Site,
    WorksPhase,
)


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A phase in a list.

    ``households`` counts those hit in any kind, None where they were not asked for, not computed,
    or so few that they are not told.
    Without ``computed`` there are no bands and no buildings yet, which is not the same as none.
    """

    phase_id: int
    revision_id: int
    site_id: int
    site: str
    code: str
    name: str
    starts_on: dt.date
    ends_on: dt.date
    certainty: str
    verified_on: dt.date
    contractor: str
    # Strongest band per kind.
    bands: dict[str, int] = field(default_factory=dict)
    buildings: int = 0
    households: int | None = None
    computed: bool = True

    def state(self, today: dt.date) -> str:
        """``past``, ``running`` or ``coming``."""
        if self.ends_on < today:
            return "past"
        return "running" if self.starts_on <= today else "coming"


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site in a list, with its phases in order of time."""

    site: Site
    phases: tuple[PhaseRow, ...]

    @property
    def starts_on(self) -> dt.date | None:
        """First day of its first phase."""
        return min((p.starts_on for p in self.phases), default=None)

    @property
    def ends_on(self) -> dt.date | None:
        """Last day of its last phase."""
        return max((p.ends_on for p in self.phases), default=None)


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind and band of a phase: how much of the quarter it touches.

    ``households`` is None where so few are not told.
    """

    kind: str
    band: int
    buildings: int
    flats: int
    households: int | None


@dataclass(frozen=True, slots=True)
class BuildingRow:
    """A building hit by a phase, with its strongest band per kind.

    ``households`` is None where so few are not told.
    """

    building_id: int
    code: str
    name: str
    address: str
    flats: int
    households: int | None
    bands: dict[str, int]
    # Highest level at the façade in dB(A), only where the noise method computed one.
    level_dba: float | None

    @property
    def strongest(self) -> int:
        """The strongest band of any kind."""
        return max(self.bands.values(), default=0)


_BANDS = text(
    """
    select v.id, i.kind, max(i.band), count(distinct i.building_id), count(r.id) > 0,
           (select max(c.confirmed_on) from phase_confirmation c
            where c.revision_id = v.id and c.said = 'valid')
    from phase_revision v
    left join impact_run r on r.revision_id = v.id and r.in_force
    left join impact i on i.run_id = r.id and i.band > 0
    where v.id in :revisions
    group by grouping sets ((v.id, i.kind), (v.id))
    """
).bindparams(bindparam("revisions", expanding=True))
_BY_KIND = text(
    """
    with worst as (
        select i.kind, i.building_id, i.flat_id, max(i.band) as band
        from impact i join impact_run r on r.id = i.run_id and r.in_force
        where r.revision_id = :revision and i.band > 0 group by 1, 2, 3)
    select kind, band, count(distinct building_id), count(distinct flat_id)
    from worst group by 1, 2 order by 1, 2 desc
    """
)
_BY_BUILDING = text(
    f"""
    with hit as (
        select i.building_id, i.kind, max(i.band) as band,
               max(i.value) filter (where i.unit = 'dB(A)') as level_dba
        from impact i join impact_run r on r.id = i.run_id and r.in_force
        where r.revision_id = :revision and i.band > 0 group by 1, 2),
    flats as (
        select i.building_id, count(distinct i.flat_id) as n
        from impact i join impact_run r on r.id = i.run_id and r.in_force
        where r.revision_id = :revision and i.band > 0 group by 1),
    places as (
        select distinct i.building_id, i.flat_id, i.period
        from impact i join impact_run r on r.id = i.run_id and r.in_force
        where r.revision_id = :revision and i.band > 0),
    present as (
        select p.building_id, count(distinct s.household_id) as n
        from places p join stay s on s.flat_id = p.flat_id and s.period && p.period
        join household o on o.id = s.household_id and (:protected or not o.protected) group by 1)
    select b.id, b.code, b.name, coalesce(a.address, ''), f.n, coalesce(p.n, 0),
           jsonb_object_agg(h.kind, h.band), max(h.level_dba)
    from hit h join building b on b.id = h.building_id
    join flats f on f.building_id = b.id
    left join present p on p.building_id = b.id
    left join {ADDRESSES} a on true
    group by b.id, b.code, b.name, a.address, f.n, p.n
    """  # noqa: S608  (no value is part of the text)
)


_UNCOMPUTED = text(
    """
    select count(*) from revision_in_force f
    join phase_revision v on v.id = f.revision_id
    join site s on s.id = f.site_id and s.archived_on is null
    where f.quarter_id = :quarter and (cast(:site as bigint) is null or f.site_id = :site)
      and v.period && daterange(cast(:first as date), cast(:last as date), '[]')
      and not exists (
          select from impact_run r where r.revision_id = f.revision_id and r.in_force)
    """
)


def count_uncomputed(
    session: Session, quarter_id: int, first: dt.date, last: dt.date, site_id: int | None = None
) -> int:
    """Phases in force from ``first`` to ``last`` whose impacts are still to be computed.

    Whoever tells whom the works of these days hit tells this number too: those are not among them.
    """
    values = {"quarter": quarter_id, "site": site_id, "first": first, "last": last}
    return session.execute(_UNCOMPUTED, values).scalar_one()


def phase_rows(
    session: Session, revisions: Sequence[PhaseRevision], sight: Sight | None = None
) -> list[PhaseRow]:
    """``revisions`` (with phase and site loaded) as list rows, in the same order.

    Households are counted as ``sight`` tells them; without it they are not.
    """
    ids = [r.id for r in revisions]
    if not ids:
        return []
    verified: dict[int, dt.date] = {}
    bands: dict[int, dict[str, int]] = {}
    buildings: dict[int, int] = {}
    computed: dict[int, bool] = {}
    for revision_id, kind, band, number, known, confirmed_on in session.execute(
        _BANDS, {"revisions": ids}
    ):
        if confirmed_on is not None:
            verified[revision_id] = confirmed_on
        if kind is None:
            buildings[revision_id], computed[revision_id] = number, known
        else:
            bands.setdefault(revision_id, {})[kind] = band
    counts = {}
    if sight is not None:
        counted = count_households(session, ids, protected=sight.protected)
        counts = {r: sight.told(count.households) for r, count in counted.items()}
    rows = []
    for r in revisions:
        first, last = inclusive(r.period)
        rows.append(
            PhaseRow(
                phase_id=r.phase_id,
                revision_id=r.id,
                site_id=r.phase.site_id,
                site=r.phase.site.code,
                code=r.phase.code,
                name=r.phase.name,
                starts_on=first,
                ends_on=last or first,
                certainty=r.certainty,
                verified_on=verified.get(r.id, r.recorded_at.date()),
                contractor=r.contractor,
                bands=bands.get(r.id, {}),
                buildings=buildings.get(r.id, 0),
                households=counts.get(r.id) if computed[r.id] else None,
                computed=computed[r.id],
            )
        )
    return rows


def site_rows(session: Session, quarter_id: int, sight: Sight) -> list[SiteRow]:
    """Sites of a quarter that are not archived, by code, each with its phases."""
    sites = session.scalars(
        select(Site)
        .where(Site.quarter_id == quarter_id, Site.archived_on.is_(None))
        .order_by(Site.code)
    ).all()
    rows = phase_rows(session, revisions_in_force(session, quarter_id), sight)
    return [SiteRow(site, tuple(p for p in rows if p.site_id == site.id)) for site in sites]


def site_of(session: Session, site_id: int) -> Site:
    """One site. Raises :class:`NotFound`."""
    site = session.get(Site, site_id, options=[selectinload(Site.quarter)])
    if site is None:
        raise NotFound(_("Questo cantiere non esiste, o non esiste più."))
    return site


def site_row(session: Session, site_id: int, sight: Sight) -> SiteRow:
    """One site with its phases. Raises :class:`NotFound`."""
    site = site_of(session, site_id)
    rows = phase_rows(session, revisions_in_force(session, site_id=site_id), sight)
    return SiteRow(site, tuple(rows))


def schedule_versions(session: Session, site_id: int) -> list[ScheduleVersion]:
    """Versions of a site's schedule, the newest first."""
    return list(
        session.scalars(
            select(ScheduleVersion)
            .where(ScheduleVersion.site_id == site_id)
            .order_by(ScheduleVersion.number.desc())
        )
    )


def revision_of_phase(session: Session, phase_id: int) -> PhaseRevision:
    """The revision in force of a phase with all that belongs to it. Raises :class:`NotFound`."""
    revision = session.scalar(
        select(PhaseRevision)
        .join(REVISION_IN_FORCE, REVISION_IN_FORCE.c.revision_id == PhaseRevision.id)
        .where(PhaseRevision.phase_id == phase_id)
        .options(
            selectinload(PhaseRevision.phase)
            .selectinload(WorksPhase.site)
            .selectinload(Site.quarter),
            selectinload(PhaseRevision.hours),
            selectinload(PhaseRevision.plant),
            selectinload(PhaseRevision.closures),
            selectinload(PhaseRevision.cuts),
            selectinload(PhaseRevision.buildings),
        )
    )
    if revision is None:
        raise NotFound(_("Questa fase non esiste, o non è più nel cronoprogramma."))
    return revision


def run_in_force(session: Session, revision_id: int) -> ImpactRun | None:
    """The computation that holds for a revision; None where nothing was computed yet."""
    return session.scalar(
        select(ImpactRun).where(ImpactRun.revision_id == revision_id, ImpactRun.in_force)
    )


def hit_by(
    session: Session, revision_id: int, sight: Sight
) -> tuple[list[KindRow], list[BuildingRow], int | None]:
    """Whom a phase hits, by kind and band and by building, and the households in all.

    The buildings hit hardest come first.
    """
    count = count_households(session, [revision_id], protected=sight.protected)[revision_id]
    rows = [
        KindRow(
            kind, band, buildings, flats, sight.told(count.by_kind_and_band.get((kind, band), 0))
        )
        for kind, band, buildings, flats in session.execute(_BY_KIND, {"revision": revision_id})
    ]
    values = {"revision": revision_id, "protected": sight.protected}
    buildings = [BuildingRow(*row) for row in session.execute(_BY_BUILDING, values)]
    buildings.sort(key=lambda r: (-r.strongest, -sum(r.bands.values()), r.address, r.name, r.code))
    total = sight.told_total(count.households, [b.households or 0 for b in buildings if b.flats])
    told = [replace(b, households=sight.told(b.households or 0)) for b in buildings]
    return rows, told, total


def stairwell_names(session: Session, stairwell_ids: Iterable[int]) -> dict[int, str]:
    """Stairwells as people name them: building and label."""
    ids = list(stairwell_ids)
    if not ids:
        return {}
    query = text(
        """
        select w.id, coalesce(nullif(b.name, ''), b.code) || ' – ' || w.label
        from stairwell w join building b on b.id = w.building_id where w.id in :ids
        """
    ).bindparams(bindparam("ids", expanding=True))
    return dict(session.execute(query, {"ids": ids}).all())


def site_names(session: Session, quarter_id: int) -> list[tuple[int, str]]:
    """Sites of a quarter that are not archived: id, code and name."""
    rows = session.execute(
        select(Site.id, Site.code, Site.name)
        .where(Site.quarter_id == quarter_id, Site.archived_on.is_(None))
        .order_by(Site.code)
    )
    return [(site_id, f"{code} {name}") for site_id, code, name in rows]
