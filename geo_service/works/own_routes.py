"""Pages of the works side, and what staff write down of what it said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.models import Account
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web.pages import environment, render, see_other
from geo_service.web.panels import panels
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import own_phases, reported, sayings
from geo_service.works.hours import daily_hours
from geo_service.works.overview import revision_of_phase
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.service import permits_of_phase
from geo_service.works.phase_page import cut_lines, phase_context, plant_line
from geo_service.works.revisions import inclusive

router = APIRouter()
PAGE = "/mie-fasi"
Works = Annotated[SignedIn, Depends(need("own_phases"))]
Editor = Annotated[SignedIn, Depends(need("works.edit"))]
Text = Annotated[str, Form(max_length=1000)]
environment.filters["reported"] = reported.in_words
environment.globals["reported_ways"] = reported.WAYS


@router.get(PAGE)
def listing(request: Request, session: Db, today: Today, account: Works) -> Response:
    """The phases of one's sites, what is asked first."""
    own = session.get_one(Account, account.id)
    for site in own.sites[:1]:
        found = session.get_one(own_phases.Site, site.site_id)
        request.state.synthetic = found.quarter.synthetic
    return render(
        request,
        "works/own_phases.html",
        phases=own_phases.own_phases(session, own, today, quarter_ids=account.quarter_ids),
        has_sites=bool(own.sites),
        firm=own.firm,
        function=own.function,
    )


@router.get(PAGE + "/{phase_id:int}")
def phase(request: Request, session: Db, today: Today, account: Works, phase_id: int) -> Response:
    """One phase of theirs: days, hours, plant, cuts, closures, what was said."""
    return _page(request, session, account, phase_id, {})


@router.post(PAGE + "/{phase_id:int}/detto")
def say(
    request: Request,
    session: Db,
    today: Today,
    account: Works,
    phase_id: int,
    detto: Text = "",
    nota: Text = "",
) -> Response:
    """What they say of their phase: the dates hold, it is done, it runs over."""
    own = session.get_one(Account, account.id)
    revision = own_phases.own_revision(session, own, phase_id)
    try:
        sayings.say(session, revision, today, author=account.called, said=detto, note=nota)
    except Invalid as refused:
        wrong = {"": str(refused)}
        return _page(request, session, account, phase_id, wrong, {"detto": detto, "nota": nota})
    return see_other(f"{PAGE}/{phase_id}?detto=1")


@router.post("/fasi/{phase_id:int}/riferito")
def report(
    request: Request,
    session: Db,
    today: Today,
    account: Editor,
    phase_id: int,
    detto: Text = "",
    nota: Text = "",
    riferito: Text = "",
    riferito_come: Text = "",
    riferito_il: Text = "",
) -> Response:
    """Write down what the works side said of a phase, and who said it."""
    revision = revision_of_phase(session, phase_id)
    typed = {"detto": detto, "nota": nota, "riferito": riferito,
             "riferito_come": riferito_come, "riferito_il": riferito_il}  # fmt: skip
    by = reported.read(typed, today)
    try:
        if not by.who:
            raise Invalid(_("Scrivete chi lo ha detto."), {"riferito": ""})
        sayings.say(session, revision, today, author=account.called, said=detto, by=by, note=nota)
    except Invalid as refused:
        show_quarter(request, session, revision.phase.site.quarter)
        context = phase_context(request, session, revision)
        context |= {"said_errors": {"": str(refused)}, "said_typed": typed}
        return render(request, "works/phase.html", status=422, **context, today=today)
    return see_other(f"/fasi/{phase_id}")


def _page(
    request: Request,
    session: Session,
    account: SignedIn,
    phase_id: int,
    wrong: dict[str, str],
    typed: dict[str, str] | None = None,
) -> Response:
    today = request.state.today
    own = session.get_one(Account, account.id)
    revision = own_phases.own_revision(session, own, phase_id)
    request.state.synthetic = revision.phase.site.quarter.synthetic
    first, last = inclusive(revision.period)
    said = sayings.said_of(session, [revision.id])[revision.id]
    return render(
        request,
        "works/own_phase.html",
        status=422 if wrong else 200,
        phase=revision.phase,
        revision=revision,
        first=first,
        last=last or first,
        beside=panels(request, session, "own_phase", phase_id),
        hours=daily_hours(revision),
        plant=[plant_line(item) for item in revision.plant],
        cuts=cut_lines(session, revision),
        asked=own_phases.asked(revision, said, today),
        permits=[
            {
                "kind": permit_states.kind(p.kind),
                "state": permit_states.state(p.state),
                "number": p.number,
                "issuer": p.issuer,
            }
            for p in permits_of_phase(session, phase_id)
        ],
        sayings=said,
        said_errors=wrong,
        typed=typed or {},
        section=PAGE,
    )
