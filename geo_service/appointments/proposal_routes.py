"""A slot for every flat of a phase at once: shown first, applied after."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.appointments import forms, homes, lists, service, vocabulary
from geo_service.appointments.forms import Form, Keeper
from geo_service.appointments.models import Appointment
from geo_service.appointments.planning import Plan, Rules, plan
from geo_service.appointments.routes import PAGE, Phase, frame, opened
from geo_service.errors import Conflict
from geo_service.households.forms import Typed
from geo_service.i18n import gettext as _
from geo_service.web.pages import render
from geo_service.web.quarter import Today
from geo_service.web.session import Db

router = APIRouter()


@dataclass(slots=True)
class Proposal:
    """A plan for a phase with the flats it is for, and what it would replace."""

    plan: Plan
    again: dict[int, Appointment]
    flats: dict[int, homes.Place]

    @property
    def mark(self) -> str:
        """Changes with everything that a person was shown before applying it."""
        versions = sorted((f, a.row_version) for f, a in self.again.items())
        facts = (sorted(self.plan.slots.items()), self.plan.left, versions)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


@router.get(PAGE + "/proposta")
def proposal_form(
    request: Request, session: Db, who: Keeper, today: Today, phase_id: int
) -> Response:
    """The form of a proposal for all flats of the phase."""
    found = opened(request, session, who, today, phase_id)
    days = lists.days_of(found.revision)
    shown = {
        "dal": max(today, days.first).isoformat(), "durata": vocabulary.USUAL_MINUTES, "squadre": 1,
        "ordine": "scendere", "pausa_dalle": "12:00", "pausa_alle": "13:00",
    }  # fmt: skip
    return _proposal_page(request, found, shown, {})


@router.post(PAGE + "/proposta")
def propose(
    request: Request, session: Db, who: Keeper, today: Today, typed: Form, phase_id: int
) -> Response:
    """Show the plan; with what was shown sent back, apply it."""
    found = opened(request, session, who, today, phase_id)
    days = lists.days_of(found.revision)
    rules = forms.read_rules(typed, days, today)
    if not days.windows:
        typed.errors[""] = _("La fase non ha orari di lavoro: indicateli prima nella fase.")
    if rules is None or typed.errors:
        return _proposal_page(request, found, typed.form, typed.errors, status=422)
    made = _proposal(session, found, rules, typed, today)
    if typed.form.get("applica") is None:
        return _proposal_page(request, found, typed.form, {}, made)

    def act() -> str:
        if typed.text("mostrato", 40) != made.mark:
            raise Conflict(
                _(
                    "Nel frattempo qualcosa è cambiato: la proposta qui sotto è quella di adesso. "
                    "Controllate e applicate di nuovo."
                )
            )
        service.propose(session, found.revision, made.plan, again=made.again)
        return f"{found.address}?stato=proposed"

    try:
        return forms.done_once(request, session, who, typed, act)
    except Conflict as clash:
        return _proposal_page(request, found, typed.form, {"": str(clash)}, made, status=409)


def _proposal(
    session: Session, found: Phase, rules: Rules, typed: Typed, today: dt.date
) -> Proposal:
    """Plan all flats without an appointment; with "rifai" those that were only proposed too.

    Flats that this account may not see are planned as any other.
    """
    revision = found.revision
    replaced = ("dropped", "proposed") if typed.form.get("rifai") is not None else ()
    places = homes.places(session, revision.phase_id, revision.id, today)
    wanted = [p for p in places if not p.state or p.state in replaced]
    all_rows = lists.of_phase(session, revision.phase_id, today, protected=True)
    staying = [r.slot for r in all_rows if r.open and r.flat_id not in {p.flat_id for p in wanted}]
    made = plan(homes.homes(wanted), lists.days_of(revision), rules, staying)
    again = {
        a.flat_id: a
        for a in session.query(Appointment).filter(
            Appointment.phase_id == revision.phase_id, Appointment.flat_id.in_(made.slots)
        )
    }
    return Proposal(made, again, {p.flat_id: p for p in wanted})


def _proposal_page(
    request: Request, found: Phase, shown: Any, errors: dict[str, str],
    made: Proposal | None = None, *, status: int = 200,
) -> Response:  # fmt: skip
    visible = {p.flat_id for p in found.places}
    slots = [] if made is None else [
        (slot, made.flats[f]) for f, slot in made.plan.slots.items() if f in visible
    ]  # fmt: skip
    left = [] if made is None else [made.flats[f] for f in made.plan.left if f in visible]
    return render(
        request,
        "appointments/proposal.html",
        status=status,
        **frame(found.revision),
        shown=shown,
        errors=errors,
        made=made,
        slots=sorted(slots, key=lambda s: (s[0].day, s[0].starts_at, s[0].crew)),
        left=left,
        flats=len(found.places),
        free=sum(not p.state for p in found.places),
        hidden=made is not None and len(slots) < len(made.plan.slots),
    )
