"""The crew's list of a day: to print, as a file, and by a link for one task."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service import history
from geo_service.accounts import links
from geo_service.accounts.guards import need
from geo_service.accounts.models import TaskLink
from geo_service.accounts.standing import SignedIn
from geo_service.appointments import crew, lists
from geo_service.appointments.forms import Form
from geo_service.appointments.routes import PAGE, frame
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.files import MEDIA_TYPES, table_file
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.pages import file_response, render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.overview import revision_of_phase
from layers.sites import PhaseRevision, WorksPhase

router = APIRouter()
# The whole list tells which flats no other list of an operator shows: empty ones and protected.
Coordinator = Annotated[SignedIn, Depends(need("protected"))]
FORMATS = ("csv", "xlsx")
TASK = "/incarico/appuntamenti/{token}"


@router.get(PAGE + "/giorno")
def day_page(
    request: Request, session: Db, who: Coordinator, today: Today, phase_id: int
) -> Response:
    """Flats and hours of one day, as the crew gets them."""
    revision = revision_of_phase(session, phase_id)
    return _day_page(request, session, revision, _asked_day(request, session, revision, today))


@router.get(PAGE + "/giorno.{file_format}")
def day_file(
    request: Request, session: Db, who: Coordinator, today: Today, phase_id: int, file_format: str
) -> Response:
    """The crew's list as a file: one day with ``data``, else every day."""
    if file_format not in FORMATS:
        raise NotFound(_("L'elenco si scarica come %(formats)s.", formats=", ".join(FORMATS)))
    revision = revision_of_phase(session, phase_id)
    if request.query_params.get("data"):
        wanted = [_asked_day(request, session, revision, today)]
    else:
        wanted = crew.days(session, phase_id, today)
    rows = [row for day in wanted for row in crew.day_list(session, phase_id, day, today)]
    told = {"rows": (None, len(rows)), "format": (None, file_format)}
    subject = history.Subject("phase", phase_id, revision.phase.site.quarter_id)
    history.record(session, history.actor_of(session), "list.exported", subject, told)
    content = table_file(crew.frame(rows), file_format, "squadra")
    return file_response(content, MEDIA_TYPES[file_format], f"squadra-{phase_id}.{file_format}")


@router.post(PAGE + "/collegamento")
def issue(
    request: Request, session: Db, who: Coordinator, today: Today, typed: Form, phase_id: int
) -> Response:
    """A link with which the crew sees one day and says how it went; shown this once."""
    revision = revision_of_phase(session, phase_id)
    day = typed.day("data")
    if day is None or not crew.day_list(session, phase_id, day, today):
        raise Invalid(_("In quel giorno non c'è nessun appuntamento concordato."))
    term = typed.whole("giorni", 1, 90) or 0
    try:
        token, link = links.issue_task(
            session,
            quarter_id=revision.phase.site.quarter_id,
            action=crew.action_of(day),
            subject_id=phase_id,
            who=typed.text("per", 300),
            created_by=who.id,
            days=term,
        )
    except Invalid as refused:
        return _day_page(request, session, revision, day, problem=str(refused), status=422)
    show_quarter(request, session, revision.phase.site.quarter)
    return render(
        request,
        "appointments/crew_link.html",
        **frame(revision),
        link=link,
        day=day,
        link_address=f"{get_settings().base_url}/incarico/appuntamenti/{token}",
    )


@router.post(PAGE + "/collegamento/{link_id:int}/ritira")
def revoke(session: Db, who: Coordinator, typed: Form, phase_id: int, link_id: int) -> Response:
    """End a link before its time."""
    day = typed.day("data")
    if day is None:
        raise Invalid(_("Serve una data, come 2026-03-31."))
    links.revoke_task(session, link_id, crew.action_of(day), phase_id)
    return see_other(f"/fasi/{phase_id}/appuntamenti/giorno?data={day.isoformat()}")


@router.get(TASK)
def task(request: Request, session: Db, today: Today, token: str) -> Response:
    """What the crew does on its day. Opening it changes nothing."""
    return _task(request, session, links.find_task(session, token), today)


@router.post(TASK)
def report(request: Request, session: Db, today: Today, typed: Form, token: str) -> Response:
    """Say how one visit went, or that the day is over."""
    link = links.find_task(session, token)
    crew.day_of(link)
    if typed.form.get("finito") is not None:
        links.use_task(session, link)
        return _task(request, session, link, today, over=True)
    history.act_as(session, history.Actor("task_link", link.id))
    try:
        with session.begin_nested():
            crew.report(
                session, link, typed.number_of("appuntamento"), typed.text("esito", 20), today
            )
    except (Invalid, Conflict) as refused:
        return _task(request, session, link, today, problem=str(refused), status=refused.status)
    return see_other(f"/incarico/appuntamenti/{token}")


def _task(
    request: Request, session: Session, link: TaskLink, today: dt.date, *, over: bool = False,
    problem: str = "", status: int = 200,
) -> Response:  # fmt: skip
    day = crew.day_of(link)
    phase = session.get_one(WorksPhase, link.subject_id)
    request.state.synthetic = phase.site.quarter.synthetic
    return render(
        request,
        "appointments/crew_task.html",
        status=status,
        link=link,
        phase=phase,
        day=day,
        rows=crew.day_list(session, phase.id, day, today),
        may_report=day <= today,
        over=over,
        problem=problem,
    )


def _asked_day(
    request: Request, session: Session, revision: PhaseRevision, today: dt.date
) -> dt.date:
    """The day in the address; without one, the next on which the crew comes."""
    asked = request.query_params.get("data", "")
    try:
        return dt.date.fromisoformat(asked)
    except ValueError:
        if asked:
            raise Invalid(
                _("«%(day)s» non è un giorno: scrivetelo come 2026-03-31.", day=asked[:40])
            ) from None
    days = crew.days(session, revision.phase_id, today)
    return next((day for day in days if day >= today), days[-1] if days else today)


def _day_page(
    request: Request, session: Session, revision: PhaseRevision, day: dt.date, *,
    problem: str = "", status: int = 200,
) -> Response:  # fmt: skip
    show_quarter(request, session, revision.phase.site.quarter)
    phase_id, today = revision.phase_id, request.state.today
    days = crew.days(session, phase_id, today)
    context: dict[str, Any] = frame(revision)
    firm = revision.contractor.strip()
    return render(
        request,
        "appointments/day.html",
        status=status,
        **context,
        day=day,
        rows=crew.day_list(session, phase_id, day, today),
        waiting=crew.to_agree(session, phase_id, day, today),
        objection=lists.days_of(revision).objection(day, dt.time.min, dt.time.min),
        before=max((d for d in days if d < day), default=None),
        after=min((d for d in days if d > day), default=None),
        links=links.tasks_of(session, crew.action_of(day), [phase_id]),
        terms=links.TASK_LIFETIME_DAYS,
        formats=FORMATS,
        firm=firm if not firm or firm.lower().startswith("impresa") else f"impresa {firm}",
        problem=problem,
    )
