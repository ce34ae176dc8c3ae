"""Links with which the works side confirms a phase once, without an account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts import links
from geo_service.accounts.guards import need
from geo_service.accounts.models import TaskLink
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import service
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import inclusive
from layers.sites import PhaseRevision

router = APIRouter()
CONFIRM = "phase.confirm"
PAGE = "/fasi/{phase_id:int}/collegamenti"
Issuer = Annotated[SignedIn, Depends(need("links.issue"))]
Text = Annotated[str, Form(max_length=300)]


@router.get(PAGE)
def listing(request: Request, session: Db, account: Issuer, phase_id: int) -> Response:
    """Links that were given for a phase, with the form for a new one."""
    revision = revision_of_phase(session, phase_id)
    return _list(request, session, revision, who=_firm(revision))


@router.post(PAGE)
def issue(
    request: Request,
    session: Db,
    account: Issuer,
    phase_id: int,
    per: Text = "",
    giorni: Text = "",
) -> Response:
    """Make a link and show it, this once."""
    revision = revision_of_phase(session, phase_id)
    try:
        token, link = links.issue_task(
            session,
            quarter_id=revision.phase.site.quarter_id,
            action=CONFIRM,
            subject_id=revision.id,
            who=per,
            created_by=account.id,
            days=number_in(giorni) or 0,
        )
    except Invalid as refusal:
        return _list(request, session, revision, who=per, problem=str(refusal))
    show_quarter(request, session, revision.phase.site.quarter)
    return render(
        request,
        "works/task_link.html",
        phase=revision.phase,
        link=link,
        address=f"{get_settings().base_url}/incarico/{token}",
        section="/cantieri",
    )


@router.post(PAGE + "/{link_id:int}/ritira")
def revoke(session: Db, account: Issuer, phase_id: int, link_id: int) -> Response:
    """End a link that was not used."""
    revision = revision_of_phase(session, phase_id)
    links.revoke_task(session, link_id, CONFIRM, revision.id)
    return see_other(f"/fasi/{phase_id}/collegamenti")


@router.get("/incarico/{token}")
def task(request: Request, session: Db, token: str) -> Response:
    """What the works side is asked. Opening it changes nothing."""
    link = links.find_task(session, token)
    return _task(request, session, _subject(session, link), link)


@router.post("/incarico/{token}")
def do_task(request: Request, session: Db, today: Today, token: str) -> Response:
    """The one thing that the link allows; it is used up."""
    link = links.find_task(session, token)
    revision = _subject(session, link)
    links.use_task(session, link)
    service.confirm(session, revision, today, author=link.who)
    return _task(request, session, revision, link, done=True)


def _subject(session: Session, link: TaskLink) -> PhaseRevision:
    """The revision the link speaks of, while it is in force."""
    if link.action != CONFIRM:
        raise NotFound(_("Questo collegamento serve a un altro compito."))
    revision = session.get_one(PhaseRevision, link.subject_id)
    if revision_of_phase(session, revision.phase_id).id != revision.id:
        raise Conflict(
            _("Nel frattempo le date della fase sono cambiate: chiedete un nuovo collegamento.")
        )
    return revision


def _firm(revision: PhaseRevision) -> str:
    contractor = revision.contractor.strip()
    if not contractor or contractor.lower().startswith("impresa"):
        return contractor
    return f"impresa {contractor}"


def _task(
    request: Request,
    session: Session,
    revision: PhaseRevision,
    link: TaskLink,
    *,
    done: bool = False,
) -> Response:
    request.state.synthetic = revision.phase.site.quarter.synthetic
    first, last = inclusive(revision.period)
    return render(
        request,
        "works/task.html",
        link=link,
        phase=revision.phase,
        site=revision.phase.site,
        first=first,
        last=last,
        done=done,
    )


def _list(
    request: Request, session: Session, revision: PhaseRevision, *, who: str, problem: str = ""
) -> Response:
    show_quarter(request, session, revision.phase.site.quarter)
    return render(
        request,
        "works/task_links.html",
        status=422 if problem else 200,
        phase=revision.phase,
        links=links.tasks_of(session, CONFIRM, [revision.id]),
        who=who,
        terms=links.TASK_LIFETIME_DAYS,
        problem=problem,
        section="/cantieri",
    )
