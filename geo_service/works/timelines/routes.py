"""The schedule of a site or a quarter as bars that staff move."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service import i18n
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import StaffQuarter, Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once, reported
from geo_service.works.overview import site_of
from geo_service.works.revising.saving import ChangedMeanwhile
from geo_service.works.revisions import inclusive
from geo_service.works.service import revisions_in_force
from geo_service.works.timelines.dependencies import network
from geo_service.works.timelines.followers import (
    NOTHING,
    Consequences,
    Edit,
    consequences,
    edit_of,
    save_by_site,
)
from geo_service.works.timelines.move_effect import effect_of
from geo_service.works.timelines.move_words import effect_context, following, waiting_words
from geo_service.works.timelines.timeline import (
    WIDTH,
    Bar,
    Timeline,
    edits_of,
    link_lines,
    read_moves,
    timeline_of,
    typed_dates,
)
from layers.buildings import Quarter
from layers.sites import Site

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=2000)


Submitted = Annotated[FormData, Depends(_submitted)]


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose schedule it is; ``site`` is None for the whole quarter."""

    quarter: Quarter
    site: Site | None

    @property
    def address(self) -> str:
        """Path of the page."""
        return f"/cantieri/{self.site.id}/cronoprogramma" if self.site else "/cronoprogramma"


@router.get("/cantieri/{site_id:int}/cronoprogramma")
def of_site(request: Request, session: Db, today: Today, site_id: int) -> Response:
    """The schedule of one site."""
    site = site_of(session, site_id)
    return _page(request, session, today, Shown(site.quarter, site))


@router.get("/cronoprogramma")
def of_quarter(request: Request, session: Db, today: Today, quarter: StaffQuarter) -> Response:
    """The schedule of all sites of the quarter."""
    return _page(request, session, today, Shown(quarter, None))


@router.post("/cantieri/{site_id:int}/cronoprogramma")
def move_in_site(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """Record the moved dates of one site."""
    site = site_of(session, site_id)
    return _submit(request, session, today, Shown(site.quarter, site), submitted, who)


@router.post("/cronoprogramma")
def move_in_quarter(
    request: Request, session: Db, who: Editor, today: Today, quarter: StaffQuarter,
    submitted: Submitted,
) -> Response:  # fmt: skip
    """Record the moved dates of several sites, one version for each."""
    return _submit(request, session, today, Shown(quarter, None), submitted, who)


@router.post("/cantieri/{site_id:int}/cronoprogramma/effetto")
def effect_in_site(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """For whom the dates typed for one site would change something."""
    site = site_of(session, site_id)
    return _effect(request, session, today, Shown(site.quarter, site), submitted, who)


@router.post("/cronoprogramma/effetto")
def effect_in_quarter(
    request: Request, session: Db, who: Editor, today: Today, quarter: StaffQuarter,
    submitted: Submitted,
) -> Response:  # fmt: skip
    """For whom the dates typed for the quarter would change something."""
    return _effect(request, session, today, Shown(quarter, None), submitted, who)


def _drawn(session: Session, today: dt.date, shown: Shown) -> Timeline:
    revisions = revisions_in_force(
        session, shown.quarter.id, site_id=shown.site.id if shown.site else None
    )
    open_sites = [r for r in revisions if shown.site or r.phase.site.archived_on is None]
    ordered = sorted(open_sites, key=lambda r: (r.phase.site.code, r.period.lower, r.phase.code))
    return timeline_of(ordered, today)


def _submit(
    request: Request,
    session: Session,
    today: dt.date,
    shown: Shown,
    submitted: FormData,
    who: SignedIn,
) -> Response:
    timeline = _drawn(session, today, shown)
    items = [(k, str(v)) for k, v in submitted.multi_items() if k != "csrf"]
    key = once.key_of(who.id, request.url.path, items)
    before = once.done(session, key)
    if before:
        return see_other(before)
    moved = read_moves(submitted, timeline)
    if not moved:
        return see_other(shown.address)
    by = reported.read(submitted, today)
    timeline.reported = (by.who, by.way, by.on if by.who else "")
    timeline.errors.update(by.errors)
    reported.report_for(session, by.stored)
    if timeline.errors:
        return _page(request, session, today, shown, timeline, status=422)
    found = consequences(session, shown.quarter.id, typed_dates(moved))
    answer = str(submitted.get("seguono") or "")
    if found.open_question(answer):
        return _page(request, session, today, shown, timeline, status=409, found=found)
    edits = edits_of(session, moved) + [edit_of(session, f) for f in found.accepted(answer)]
    try:
        return see_other(_once(session, key, shown, edits, timeline.reason, who))
    except ChangedMeanwhile:
        _tell_theirs(timeline, moved)
        return _page(request, session, today, shown, timeline, status=409)
    except Invalid as refused:
        timeline.errors[""] = str(refused)
        return _page(request, session, today, shown, timeline, status=422)


def _effect(
    request: Request,
    session: Session,
    today: dt.date,
    shown: Shown,
    submitted: FormData,
    who: SignedIn,
) -> Response:
    timeline = _drawn(session, today, shown)
    moved = read_moves(submitted, timeline)
    timeline.errors.pop("motivo", None)
    if timeline.errors:
        context = effect_context(None, NOTHING) | {"errors": timeline.errors}
        return render(request, "works/edit_timeline_effect.html", status=200, **context)
    found = consequences(session, shown.quarter.id, typed_dates(moved))
    moves = [(r, draft) for r, _n, draft in edits_of(session, moved)]
    effect = effect_of(session, moves, Sight.of(who))
    return render(
        request, "works/edit_timeline_effect.html", status=200,
        **effect_context(effect if moved else None, found),
    )  # fmt: skip


def _tell_theirs(timeline: Timeline, moved: list[Bar]) -> None:
    """Say beside each phase that changed meanwhile what is recorded; the typed dates stay."""
    for bar in moved:
        if bar.based_on == bar.revision.number:
            continue
        bar.error = _(
            "%(who)s l'ha cambiata mentre scrivevate: ora è %(period)s. Le vostre date sono "
            "ancora qui: salvate di nuovo per sostituirla.",
            who=bar.revision.author or _("Qualcun altro"),
            period=i18n.period(*inclusive(bar.revision.period)),
        )
        timeline.errors[f"dal_{bar.revision.phase_id}"] = f"{bar.revision.phase.code}: {bar.error}"
        bar.based_on = bar.revision.number


def _once(
    session: Session,
    key: bytes,
    shown: Shown,
    edits: list[Edit],
    reason: str,
    who: SignedIn,
) -> str:
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or shown.address
        made = save_by_site(session, edits, author=who.called, reason=reason)
        sites = {r.phase.site_id for r in made}
        address = f"{shown.address}?salvata=1"
        if len(sites) == 1:
            address = f"/cantieri/{sites.pop()}/versioni/confronto?salvata=1"
        once.end(session, key, address)
    return address


def _page(
    request: Request,
    session: Session,
    today: dt.date,
    shown: Shown,
    timeline: Timeline | None = None,
    status: int = 200,
    found: Consequences = NOTHING,
) -> Response:
    show_quarter(request, session, shown.quarter)
    drawn = timeline or _drawn(session, today, shown)
    net = network(session, shown.quarter.id)
    return render(
        request,
        "works/edit_timeline.html",
        status=status,
        section="/cantieri",
        site=shown.site,
        address=shown.address,
        timeline=drawn,
        errors=drawn.errors,
        found=found,
        following=following(found),
        links=link_lines(net, drawn),
        waits=waiting_words(net),
        width=WIDTH,
        typed=timeline is not None,
    )
