"""Appointments beside what lower rooms show: on the page of a phase, a flat, a household."""

from __future__ import annotations

import datetime as dt

from fastapi import Request
from markupsafe import Markup
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.accounts.standing import SignedIn
from geo_service.appointments import crew, following, lists, vocabulary
from geo_service.appointments.lists import Row
from geo_service.web.pages import environment
from geo_service.works.overview import revision_of_phase


def phase(request: Request, session: Session, phase_id: int) -> Markup:
    """Appointments of a phase by state, for those who may know each household.

    Nothing where the phase does not work inside flats.
    """
    who: SignedIn = request.state.account
    if not who.can("households"):
        return Markup("")
    today: dt.date = request.app.state.today()
    listed = lists.of_phase(session, phase_id, today, protected=who.can("protected"))
    revision = revision_of_phase(session, phase_id)
    if not listed and not revision.inside_flats:
        return Markup("")
    moved = following.following(session, revision, listed, today)
    return _render(
        "panel_phase.html",
        phase_id=phase_id,
        counts=lists.counts(listed),
        moved=len(moved.shifts),
        say=vocabulary,
    )


def leaving_phase(request: Request, session: Session, phase_id: int) -> Markup:
    """Visits that are still to come of a phase that leaves its schedule, or has left it.

    Nothing where there are none, and for those who may not know each household.
    """
    who: SignedIn = request.state.account
    if not who.can("households"):
        return Markup("")
    today: dt.date = request.app.state.today()
    listed = lists.of_phase(session, phase_id, today, protected=who.can("protected"))
    coming = [row for row in listed if row.open]
    if not coming:
        return Markup("")
    agreed = sum(row.state in ("agreed", "second_attempt") for row in coming)
    return _render("panel_leaving.html", rows=coming, agreed=agreed, today=today, say=vocabulary)


def own_phase(request: Request, session: Session, phase_id: int) -> Markup:
    """What the works side sees of a phase of its own: flat and hour of what is agreed."""
    today: dt.date = request.app.state.today()
    if not revision_of_phase(session, phase_id).inside_flats:
        return Markup("")
    return _render("panel_crew.html", rows=crew.coming(session, phase_id, today), today=today)


def flat(request: Request, session: Session, flat_id: int) -> Markup:
    """Appointments in a flat."""
    who: SignedIn = request.state.account
    today: dt.date = request.app.state.today()
    listed = lists.of_flat(session, flat_id, today, protected=who.can("protected"))
    return _home(session, listed, today)


def household(request: Request, session: Session, household_id: int) -> Markup:
    """Appointments of a household, wherever it stays on the day."""
    who: SignedIn = request.state.account
    today: dt.date = request.app.state.today()
    listed = lists.of_household(session, household_id, today, protected=who.can("protected"))
    return _home(session, listed, today)


def _home(session: Session, listed: list[Row], today: dt.date) -> Markup:
    if not listed:
        return Markup("")
    names = session.execute(
        text("select id, code || ' ' || name from works_phase where id = any(:ids)"),
        {"ids": [row.phase_id for row in listed]},
    )
    phases = dict(names.all())
    return _render("panel_home.html", rows=listed, phases=phases, today=today, say=vocabulary)


def _render(template: str, **context: object) -> Markup:
    return Markup(environment.get_template(f"appointments/{template}").render(**context))  # noqa: S704
