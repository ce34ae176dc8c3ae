"""Revisions of phases: writing a draft down, and reading a revision back as a draft."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import shapely
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.works.drafts import (
    BarrierDraft,
    ClosureDraft,
    CutDraft,
    HoursDraft,
    PlantDraft,
    RevisionDraft,
)
from geo_service.works.reported import report_of
from geo_service.works.validation import check_draft
from layers.buildings import Flat
from layers.crs import SRID
from layers.sites import (
    Barrier,
    Closure,
    PhaseRevision,
    PlantItem,
    RevisionBuilding,
    Site,
    UtilityCut,
    WorkingHours,
    WorksPhase,
    utility_cut_stairwell,
)

# Lorries stop on the street beside the ground of a phase.
LORRIES_WITHIN_M = 50.0


def multipolygon(geometry: BaseGeometry, what: str) -> MultiPolygon:
    """``geometry`` as a valid MultiPolygon in the metric system; ``what`` names it in the error."""
    if isinstance(geometry, Polygon):
        geometry = MultiPolygon([geometry])
    if not isinstance(geometry, MultiPolygon) or geometry.is_empty:
        raise Invalid(
            _("%(what)s: serve un'area, non %(kind)s.", what=what, kind=geometry.geom_type)
        )
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        raise Invalid(
            _(
                "%(what)s: il contorno si incrocia (%(where)s); ridisegnatelo.",
                what=what,
                where=reason,
            )
        )
    return geometry


def record(
    session: Session,
    site: Site,
    phase: WorksPhase,
    draft: RevisionDraft,
    author: str,
    reason: str,
    recorded_at: dt.datetime | None,
) -> PhaseRevision:
    check_draft(draft, f"{site.code} {phase.code}")
    site_area = to_shape(site.footprint)
    area = site_area if draft.footprint is None else draft.footprint
    area = multipolygon(area, f"fase {phase.code}")
    if not area.intersects(site_area):
        raise Invalid(
            _(
                "La fase %(phase)s sta fuori dal cantiere %(site)s: correggete l'area della fase "
                "o quella del cantiere.",
                phase=phase.code,
                site=site.code,
            ),
            {"footprint": _("fuori dal cantiere")},
        )
    route = draft.lorry_route
    if route is not None and route.distance(area) > LORRIES_WITHIN_M:
        raise Invalid(
            _("Il percorso degli autocarri non arriva alla fase %(phase)s: ridisegnatelo fino al "
              "cantiere.", phase=phase.code),
            {"lorry_route": _("non arriva al cantiere")},
        )  # fmt: skip
    # Two who write, or a what-if and one who writes, take their numbers one after the other.
    session.execute(select(WorksPhase.id).where(WorksPhase.id == phase.id).with_for_update())
    number = session.scalar(
        select(func.coalesce(func.max(PhaseRevision.number), 0)).where(
            PhaseRevision.phase_id == phase.id
        )
    )
    revision = PhaseRevision(
        phase_id=phase.id,
        number=(number or 0) + 1,
        name=draft.name or phase.name,
        preset=draft.preset,
        description=draft.description,
        contractor=draft.contractor,
        period=half_open(draft.starts_on, draft.ends_on),
        certainty=draft.certainty,
        footprint=from_shape(area, srid=SRID),
        indoor=draft.indoor,
        dust_activities=list(draft.dust_activities),
        volume_m3=draft.volume_m3,
        trucks_per_day=draft.trucks_per_day,
        lorry_route=None if draft.lorry_route is None else from_shape(draft.lorry_route, srid=SRID),
        author=author,
        reason=reason,
        reported_by=report_of(session),
        **({} if recorded_at is None else {"recorded_at": recorded_at}),
    )
    session.add(revision)
    phase.name = revision.name
    session.flush()
    if revision.reported_by:
        subject = history.Subject("phase", phase.id, site.quarter_id)
        told = {"reported_by": (None, revision.reported_by)}
        history.record(session, history.actor_of(session), "phase.reported", subject, told)
    _record_children(session, revision, draft)
    return revision


def _record_children(session: Session, revision: PhaseRevision, draft: RevisionDraft) -> None:
    session.add_all(
        WorkingHours(
            revision_id=revision.id,
            weekday=h.weekday,
            starts_at=h.starts_at,
            ends_at=h.ends_at,
            noisy=h.noisy,
        )
        for h in draft.hours
    )
    session.add_all(
        PlantItem(
            revision_id=revision.id,
            machine=p.machine,
            count=p.count,
            on_time=p.on_time,
            lwa_declared_db=p.lwa_declared_db,
            power_kw=p.power_kw,
            mass_kg=p.mass_kg,
            height_m=p.height_m,
        )
        for p in draft.plant
    )
    for c in draft.closures:
        period = None if c.starts_on is None else half_open(c.starts_on, c.ends_on)
        session.add(
            Closure(
                revision_id=revision.id,
                kind=c.kind,
                description=c.description,
                geom=from_shape(multipolygon(c.geometry, "chiusura"), srid=SRID),
                period=period,
                stalls=c.stalls,
                disabled_stalls=c.disabled_stalls,
            )
        )
    session.add_all(
        Barrier(
            revision_id=revision.id,
            geom=from_shape(b.geometry, srid=SRID),
            height_m=b.height_m,
        )
        for b in draft.barriers
    )
    _record_cuts(session, revision, draft.cuts)
    session.add_all(
        RevisionBuilding(revision_id=revision.id, building_id=building_id, role=role)
        for building_id, role in draft.buildings
    )
    if draft.inside_flat_ids:
        flats = session.scalars(select(Flat).where(Flat.id.in_(draft.inside_flat_ids))).all()
        if len(flats) != len(set(draft.inside_flat_ids)):
            raise Invalid(
                _("Alcuni degli alloggi in cui si lavora non esistono."),
                {"flats": _("non esistono")},
            )
        revision.inside_flats.extend(flats)
    session.flush()


def _record_cuts(session: Session, revision: PhaseRevision, cuts: Iterable[CutDraft]) -> None:
    for c in cuts:
        cut = UtilityCut(
            revision_id=revision.id,
            service=c.service,
            period=half_open(c.starts_on, c.ends_on),
            starts_at=c.starts_at,
            ends_at=c.ends_at,
            cut_by=c.cut_by,
            note=c.note,
        )
        session.add(cut)
        session.flush()
        if c.stairwell_ids:
            session.execute(
                insert(utility_cut_stairwell),
                [{"cut_id": cut.id, "stairwell_id": s} for s in sorted(set(c.stairwell_ids))],
            )


def draft_of(session: Session, revision: PhaseRevision) -> RevisionDraft:
    """The draft that would record ``revision`` again, to start an edit or a what-if from."""
    first, last = inclusive(revision.period)
    if last is None:
        raise ValueError("a revision's period is always bounded")
    cuts = []
    for cut in revision.cuts:
        cut_first, cut_last = inclusive(cut.period)
        cuts.append(
            CutDraft(
                cut.service,
                cut_first,
                cut_last,
                tuple(s.id for s in cut.stairwells),
                cut.starts_at,
                cut.ends_at,
                cut.cut_by,
                cut.note,
            )
        )
    return RevisionDraft(
        starts_on=first,
        ends_on=last,
        name=revision.name or revision.phase.name,
        preset=revision.preset,
        description=revision.description,
        contractor=revision.contractor,
        certainty=revision.certainty,
        footprint=to_shape(revision.footprint),
        indoor=revision.indoor,
        dust_activities=tuple(revision.dust_activities),
        volume_m3=revision.volume_m3,
        trucks_per_day=revision.trucks_per_day,
        lorry_route=None if revision.lorry_route is None else to_shape(revision.lorry_route),
        hours=tuple(HoursDraft(h.weekday, h.starts_at, h.ends_at, h.noisy) for h in revision.hours),
        plant=tuple(
            PlantDraft(
                p.machine,
                p.count,
                p.on_time,
                p.lwa_declared_db,
                p.power_kw,
                p.mass_kg,
                p.height_m,
            )
            for p in revision.plant
        ),
        closures=tuple(_closure_draft(c) for c in revision.closures),
        barriers=tuple(BarrierDraft(to_shape(b.geom), b.height_m) for b in revision.barriers),
        cuts=tuple(cuts),
        buildings=tuple((b.building_id, b.role) for b in revision.buildings),
        inside_flat_ids=tuple(f.id for f in revision.inside_flats),
    )


def _closure_draft(closure: Closure) -> ClosureDraft:
    first, last = (None, None) if closure.period is None else inclusive(closure.period)
    return ClosureDraft(
        closure.kind,
        to_shape(closure.geom),
        closure.description,
        first,
        last,
        closure.stalls,
        closure.disabled_stalls,
    )


def shifted(draft: RevisionDraft, days: int) -> RevisionDraft:
    """``draft`` moved by whole days, its closures and cuts with it."""
    move = dt.timedelta(days=days)

    def moved(day: dt.date | None) -> dt.date | None:
        return None if day is None else day + move

    return replace(
        draft,
        starts_on=draft.starts_on + move,
        ends_on=draft.ends_on + move,
        closures=tuple(
            replace(c, starts_on=moved(c.starts_on), ends_on=moved(c.ends_on))
            for c in draft.closures
        ),
        cuts=tuple(
            replace(c, starts_on=c.starts_on + move, ends_on=moved(c.ends_on)) for c in draft.cuts
        ),
    )


def carried(draft: RevisionDraft, first: dt.date, last: dt.date) -> RevisionDraft:
    """``draft`` on other days, its closures and cuts with it.

    They move with the first day; what ended with the phase still does, and nothing ends after it.
    """
    moved = shifted(draft, (first - draft.starts_on).days)

    def end(was: dt.date | None, now: dt.date | None) -> dt.date | None:
        if was is None or now is None:
            return None
        return last if was == draft.ends_on else min(now, last)

    return replace(
        moved,
        ends_on=last,
        closures=tuple(
            replace(
                new,
                starts_on=None if new.starts_on is None else min(new.starts_on, last),
                ends_on=end(old.ends_on, new.ends_on),
            )
            for old, new in zip(draft.closures, moved.closures, strict=True)
        ),
        cuts=tuple(
            replace(new, starts_on=min(new.starts_on, last), ends_on=end(old.ends_on, new.ends_on))
            for old, new in zip(draft.cuts, moved.cuts, strict=True)
        ),
    )


def moved_to(draft: RevisionDraft, first: dt.date, last: dt.date) -> RevisionDraft:
    """``draft`` on other days.

    A move of both dates the same way takes closures and cuts along; another first or last day
    alone leaves them where they are.
    """
    days, days_last = (first - draft.starts_on).days, (last - draft.ends_on).days
    if days == days_last:
        return shifted(draft, days)
    if days * days_last > 0:
        return carried(draft, first, last)
    return replace(draft, starts_on=first, ends_on=last)


def half_open(first: dt.date, last: dt.date | None) -> Range[dt.date]:
    return Range(first, None if last is None else last + dt.timedelta(days=1), bounds="[)")


def inclusive(period: Range[dt.date]) -> tuple[dt.date, dt.date | None]:
    """First and last day of a half-open period, as people say them; no last day if open."""
    if period.lower is None:
        raise ValueError("a period always has a first day")
    last = None if period.upper is None else period.upper - dt.timedelta(days=1)
    return period.lower, last
