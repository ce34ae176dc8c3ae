"""The page *Elaborazioni*: what the service does in the background, and how far it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service import history, jobs
from geo_service.accounts.capabilities import may
from geo_service.accounts.guards import CurrentAccount, need
from geo_service.accounts.standing import SignedIn
from geo_service.desk import job_words
from geo_service.errors import Conflict, NotFound
from geo_service.i18n import gettext as _
from geo_service.jobs import JobState
from geo_service.web.numbers import number_in
from geo_service.web.pages import file_response, render, see_other
from geo_service.web.quarter import StaffQuarter
from geo_service.web.session import Db
from geo_service.works.overview import site_names
from geo_service.works.tasks import recompute_later
from layers.sites import Site

router = APIRouter()
PAGE = "/elaborazioni"
ONE = PAGE + "/{job_id:int}"
Keeper = Annotated[SignedIn, Depends(need("jobs"))]


@router.get(PAGE)
def jobs_page(
    request: Request,
    session: Db,
    who: CurrentAccount,
    quarter: StaffQuarter,
    ricalcolo: str = "",
    elenco: str = "",
) -> Response:
    """Jobs that wait, run and ended: all of the quarters that are open, or one's own."""
    keeps = who.can("jobs")
    kept = who.quarter_ids
    if keeps and who.roles is not None:
        kept = frozenset(q for q, role in who.roles.items() if may(role, "jobs"))
    found = jobs.jobs_of(session, kept, asked_by=None if keeps else who.id)
    return render(
        request,
        "desk/jobs.html",
        lines=job_words.lines(session, found),
        keeps=keeps,
        sites=site_names(session, quarter.id),
        queued=ricalcolo == "1",
        list_queued=elenco == "1",
        section=PAGE,
    )


@router.get(ONE + "/stato")
def job_state(request: Request, session: Db, who: CurrentAccount, job_id: int) -> Response:
    """The state of one job, asked for while the page stands open."""
    job = _found(session, who, job_id)
    (line,) = job_words.lines(session, [job])
    answer = render(request, "desk/job_state.html", line=line)
    if not job.open:
        # What can be done with the job is another thing now: the page is read again.
        answer.headers["hx-refresh"] = "true"
    return answer


@router.get(ONE + "/file")
def job_file(session: Db, who: CurrentAccount, job_id: int) -> Response:
    """The file that a job made, for the one who asked for it."""
    kept = jobs.file_of(session, job_id, who.id)
    job = jobs.state(session, job_id)
    if kept is None or job is None or not _still_theirs(who, job):
        raise NotFound(_("Questo file non c'è, o non c'è più: chiedete l'elenco di nuovo."))
    return file_response(kept.content, kept.media_type, kept.name)


@router.post(ONE + "/annulla")
def cancel_job(session: Db, who: Keeper, job_id: int) -> Response:
    """Take a job off the queue, or ask it to stop."""
    job = _found(session, who, job_id)
    if not jobs.cancel(session, job_id):
        raise Conflict(_("Il lavoro è già finito: non c'è più niente da annullare."))
    _tell(session, job, "job.cancelled")
    return see_other(PAGE)


@router.post(ONE + "/riprova")
def retry_job(session: Db, who: Keeper, job_id: int) -> Response:
    """Queue a failed or cancelled job again."""
    job = _found(session, who, job_id)
    if not jobs.retry(session, job_id):
        raise Conflict(_("Il lavoro non è fra quelli non riusciti o annullati."))
    _tell(session, job, "job.retried")
    return see_other(PAGE)


@router.post(PAGE + "/ricalcola")
def recompute_all(
    session: Db, who: Keeper, quarter: StaffQuarter, cantiere: Annotated[str, Form()] = ""
) -> Response:
    """Have the impacts of all phases of the quarter, or of one site, computed again."""
    site_id = number_in(cantiere)
    if site_id is not None:
        site = session.get(Site, site_id)
        if site is None or site.quarter_id != quarter.id:
            raise NotFound(_("Questo cantiere non esiste, o non esiste più."))
    recompute_later(session, quarter.id, site_id=site_id)
    kind, number = ("site", site_id) if site_id else ("quarter", quarter.id)
    subject = history.Subject(kind, number, quarter.id)
    history.record(session, history.actor_of(session), "impacts.recompute_asked", subject)
    return see_other(f"{PAGE}?ricalcolo=1")


def _found(session: Session, who: SignedIn, job_id: int) -> JobState:
    """A job that this person may know of. Raises :class:`NotFound`."""
    job = jobs.state(session, job_id)
    if job is not None:
        inside = who.quarter_ids is None or job.quarter_id in who.quarter_ids
        if job.account_id == who.id or (who.can("jobs") and inside):
            return job
    raise NotFound(_("Questo lavoro non c'è, o è finito da più di un mese."))


def _still_theirs(who: SignedIn, job: JobState) -> bool:
    """Whether the role of today may see what was asked for with the role of then."""
    if job.args.get("coordinator") and not who.can("protected"):
        return False
    exact = job.args.get("kind") in ("nuclei", "alloggi") or job.args.get("wanted", {}).get("exact")
    return not exact or who.can("households")


def _tell(session: Session, job: JobState, action: str) -> None:
    subject = history.Subject("job", job.job_id, job.quarter_id)
    history.record(session, history.actor_of(session), action, subject)
