"""The page of a what-if (*simulazione*): change a phase and read what changes, nothing saved."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount
from geo_service.errors import Invalid
from geo_service.households.disclosure import Sight
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.drafts import RevisionDraft
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import draft_of
from geo_service.works.simulation.form import (
    FormValues,
    Unusable,
    errors_beside_fields,
    read_form,
    values_of,
)
from geo_service.works.simulation.page import Outcome, page_context, result_context
from geo_service.works.simulation.what_if import simulate
from layers.errors import DataError
from layers.sites import PhaseRevision

# The page's script asks for the result alone; a plain form gets the whole page.
FRAGMENT_HEADER = "x-fragment"

router = APIRouter()
# Several at once would only take the processor from one another.
_one_at_a_time = threading.Lock()


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=1000)


Submitted = Annotated[FormData, Depends(_submitted)]


@router.get("/fasi/{phase_id:int}/simulazione")
def simulation(request: Request, session: Db, today: Today, phase_id: int) -> Response:
    """The form as the phase stands, and the map to drag it on."""
    revision = revision_of_phase(session, phase_id)
    base = draft_of(session, revision)
    return _page(request, session, revision, base, values_of(base), None)


@router.get("/fasi/{phase_id:int}/simulazione/risultato")
def result_address(phase_id: int) -> Response:
    """A result has no address of its own: nothing of it is kept."""
    return see_other(f"/fasi/{phase_id}/simulazione")


@router.post("/fasi/{phase_id:int}/simulazione/risultato")
def result(
    request: Request,
    session: Db,
    today: Today,
    who: CurrentAccount,
    submitted: Submitted,
    phase_id: int,
) -> Response:
    """The difference that the submitted changes would make."""
    revision = revision_of_phase(session, phase_id)
    base = draft_of(session, revision)
    values, outcome = _computed(session, revision, base, submitted, Sight.of(who))
    status = 422 if values.errors else 200
    if request.headers.get(FRAGMENT_HEADER):
        return render(
            request,
            "works/simulation_result.html",
            status=status,
            **result_context(base, values, outcome),
        )
    return _page(request, session, revision, base, values, outcome, status)


def _computed(
    session: Session,
    revision: PhaseRevision,
    base: RevisionDraft,
    submitted: FormData,
    sight: Sight,
) -> tuple[FormValues, Outcome | None]:
    try:
        values, draft = read_form(submitted, base)
    except Unusable as refused:
        return refused.values, None
    try:
        with _one_at_a_time:
            difference = simulate(session, revision, draft, sight)
    except Invalid as refused:
        values.errors = errors_beside_fields(refused.fields) or {"": str(refused)}
        return values, None
    except DataError as refused:
        values.errors = {"": str(refused)}
        return values, None
    return values, Outcome(draft, difference)


def _page(
    request: Request,
    session: Session,
    revision: PhaseRevision,
    base: RevisionDraft,
    values: FormValues,
    outcome: Outcome | None,
    status: int = 200,
) -> Response:
    show_quarter(request, session, revision.phase.site.quarter)
    context = page_context(request, session, revision, base, values, outcome)
    return render(request, "works/simulation.html", status=status, section="/cantieri", **context)
