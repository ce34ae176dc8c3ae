"""Writing down what a cut really did."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service import calendar
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.cuts.actuals import WHATS, record_actual
from geo_service.works.cuts.page import CutForm, begun, phase_cuts
from geo_service.works.overview import revision_of_phase
from geo_service.works.phase_page import phase_context
from layers.sites import PhaseRevision, UtilityCut

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=1, max_fields=20)


@router.post("/fasi/{phase_id:int}/sospensioni")
def say(
    request: Request, session: Db, who: Editor, today: Today, phase_id: int,
    submitted: Annotated[FormData, Depends(_submitted)],
) -> Response:  # fmt: skip
    """Record what somebody said about a cut, or show the page with what is wrong."""
    revision = revision_of_phase(session, phase_id)
    form = _typed(submitted)
    errors: dict[str, str] = {}
    cut, day, at = _read(form, revision, today, errors)
    if not errors and cut is not None and day is not None and at is not None:
        items = [(k, str(v)) for k, v in submitted.multi_items() if k != "csrf"]
        try:
            with session.begin_nested():
                key = once.key_of(who.id, request.url.path, items)
                if once.begin(session, key, who.id) is None:
                    record_actual(
                        session, revision, cut, day=day, what=form.what, at=at,
                        said_by=form.said_by or who.called, account_id=who.id,
                    )  # fmt: skip
                    once.end(session, key, f"/fasi/{phase_id}")
            return see_other(f"/fasi/{phase_id}#sospensioni")
        except Invalid as refused:
            errors = {"giorno_sosp": str(refused)}
    form.errors = errors
    show_quarter(request, session, revision.phase.site.quarter)
    context = phase_context(request, session, revision)
    context |= phase_cuts(session, revision, today, form)
    return render(
        request, "works/phase.html", status=422, section="/cantieri", **context, today=today
    )


def _typed(submitted: FormData) -> CutForm:
    def text(name: str, limit: int) -> str:
        found = submitted.get(name)
        return found.replace("\x00", "").strip()[:limit] if isinstance(found, str) else ""

    return CutForm(
        text("sospensione", 20), text("cosa", 20), text("giorno_sosp", 20), text("ora", 20),
        submitted.get("dopo") is not None, text("detto_da", 200),
    )  # fmt: skip


def _read(
    form: CutForm, revision: PhaseRevision, today: dt.date, errors: dict[str, str]
) -> tuple[UtilityCut | None, dt.date | None, dt.datetime | None]:
    known = {str(cut.id): cut for cut in begun(revision, today)}
    cut = known.get(form.cut)
    if cut is None:
        errors["sospensione"] = _(
            "Scegliete la sospensione: il cronoprogramma può essere cambiato."
        )
    if form.what not in WHATS:
        errors["cosa"] = _("Scegliete che cosa è successo.")
    try:
        day = dt.date.fromisoformat(form.day)
    except ValueError:
        errors["giorno_sosp"] = _("«%(text)s» non è una data.", text=form.day)
        return cut, None, None
    if day > today:
        errors["giorno_sosp"] = _("Questo giorno deve ancora venire.")
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})", form.at)
    hour, minute = (int(g) for g in found.groups()) if found else (99, 0)
    if hour > 23 or minute > 59:
        errors["ora"] = _("«%(text)s» non è un'ora: scrivete 8:30.", text=form.at)
        return cut, day, None
    on = day + dt.timedelta(days=1) if form.next_day else day
    zone = get_settings().zone
    at = dt.datetime.combine(on, dt.time(hour, minute), zone)
    now = calendar.now().astimezone(zone)
    # The clock counts only on the day that the application calls today.
    if day <= today and (on > today or (now.date() == today and at > now)):
        errors["ora"] = _("Quest'ora deve ancora venire.")
    return cut, day, at
