"""Forms of appointments: what was typed, with faults beside the fields, and each done once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.appointments.models import ACCESS, ITEMS
from geo_service.appointments.planning import Rules, Slot, WorkDays
from geo_service.appointments.service import HIGHEST_CREW
from geo_service.appointments.vocabulary import OBJECTION_WORDS, REASON_WORDS, REPORTED_WORDS
from geo_service.households.forms import Typed, read_form
from geo_service.i18n import gettext as _
from geo_service.web.pages import see_other
from geo_service.works import once

Keeper = Annotated[SignedIn, Depends(need("households"))]
Form = Annotated[Typed, Depends(read_form)]
SHORTEST_MIN, LONGEST_MIN = 15, 600
OUTSIDE = OBJECTION_WORDS["outside"]


def sent_before(request: Request, session: Session, who: SignedIn, typed: Typed) -> str:
    """Address that the same form led to when it was sent before; empty when it was not."""
    return once.done(session, _key(request, who, typed))


def _key(request: Request, who: SignedIn, typed: Typed) -> bytes:
    items = [(k, v) for k, v in typed.form.multi_items() if k != "csrf" and isinstance(v, str)]
    return once.key_of(who.id, request.url.path, items)


def done_once(
    request: Request, session: Session, who: SignedIn, typed: Typed, act: Callable[[], str]
) -> Response:
    """Carry a form out, unless it was sent before, and lead to the address that ``act`` gives.

    What ``act`` raises leaves nothing behind.
    """
    key = _key(request, who, typed)
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return see_other(before or "/oggi")
        address = act()
        once.end(session, key, address)
    return see_other(address)


def clock(typed: Typed, name: str, *, required: bool = True) -> dt.time | None:
    """An hour of the day such as 8:30; None where nothing was typed and nothing has to be."""
    text = typed.text(name, 8)
    if not text and not required:
        return None
    found = re.fullmatch(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])(?::00)?", text)
    if found is None:
        typed.errors.setdefault(name, _("Serve un'ora, come 8:30."))
        return None
    return dt.time(int(found[1]), int(found[2]))


def read_slot(typed: Typed) -> Slot | None:
    """Day, hours and crew; None where one of them cannot be used."""
    day = typed.day("giorno")
    starts_at, ends_at = clock(typed, "dalle"), clock(typed, "alle")
    crew = typed.whole("squadra", 1, HIGHEST_CREW) or 1
    if starts_at and ends_at and ends_at <= starts_at:
        typed.errors["alle"] = _("La fine viene prima dell'inizio.")
    if typed.errors or day is None or starts_at is None or ends_at is None:
        return None
    return Slot(day, starts_at, ends_at, crew)


def check_slot(
    typed: Typed, slot: Slot, days: WorkDays, today: dt.date, others: Sequence[Slot]
) -> list[str]:
    """What speaks against ``slot`` without forbidding it, in words.

    A slot outside the phase or in the past cannot be: that is a fault of the form. What is
    returned can be saved by ticking "comunque".
    """
    if slot.day < today:
        typed.errors["giorno"] = _("Questo giorno è già passato.")
    objection = days.objection(slot.day, slot.starts_at, slot.ends_at)
    if objection == "outside":
        typed.errors["giorno"] = _(OBJECTION_WORDS[objection])
        return []
    said = [_(OBJECTION_WORDS[objection])] if objection else []
    if any(slot.meets(other) for other in others):
        said.append(
            _("Alla stessa ora la squadra %(crew)s ha già un altro alloggio.", crew=slot.crew)
        )
    return said


def read_why(typed: Typed) -> tuple[str, str]:
    """Why something changed and who said so; both may stay open."""
    reason = typed.choice("motivo", ("", *REASON_WORDS))
    return reason, typed.choice("riferito", ("", *REPORTED_WORDS))


def read_entry(typed: Typed) -> None:
    """How the flat is entered and what the household asked for."""
    not_before = clock(typed, "non_prima", required=False)
    not_after = clock(typed, "non_dopo", required=False)
    if not_before and not_after and not_after <= not_before:
        typed.errors["non_dopo"] = _("La fine viene prima dell'inizio.")
    typed.values = {
        "access": typed.choice("apre", ACCESS),
        "keys_note": typed.text("chiavi"),
        "wish": typed.text("richiesta"),
        "not_before": not_before,
        "not_after": not_after,
    }


def read_preparation(typed: Typed) -> dict[str, tuple[dt.date, bool]]:
    """The ticked items: each with its day and whether it is ready."""
    wanted: dict[str, tuple[dt.date, bool]] = {}
    for item in ITEMS:
        if typed.form.get(f"serve_{item}") is None:
            continue
        day = typed.day(f"entro_{item}")
        if day is not None:
            wanted[item] = (day, typed.form.get(f"pronto_{item}") is not None)
    return wanted


def read_rules(typed: Typed, days: WorkDays, today: dt.date) -> Rules | None:
    """How a whole phase is to be planned; None where something cannot be used."""
    first = typed.day("dal")
    minutes = typed.whole("durata", SHORTEST_MIN, LONGEST_MIN)
    crews = typed.whole("squadre", 1, HIGHEST_CREW)
    order = typed.choice("ordine", ("scendere", "salire"))
    pause_from = clock(typed, "pausa_dalle", required=False)
    pause_to = clock(typed, "pausa_alle", required=False)
    if (pause_from is None) != (pause_to is None) and "pausa_alle" not in typed.errors:
        typed.errors["pausa_alle"] = _("La pausa ha bisogno di inizio e fine.")
    if pause_from and pause_to and pause_to <= pause_from:
        typed.errors["pausa_alle"] = _("La fine viene prima dell'inizio.")
    for name, value in (("durata", minutes), ("squadre", crews)):
        if value is None:
            typed.errors.setdefault(name, _("Non può restare vuoto."))
    if first is not None and first < today:
        typed.errors["dal"] = _("Questo giorno è già passato.")
    elif first is not None and first > days.last:
        typed.errors["dal"] = _(OUTSIDE)
    if typed.errors or first is None or minutes is None or crews is None:
        return None
    pause = (pause_from, pause_to) if pause_from and pause_to else None
    return Rules(first, minutes, crews, order == "scendere", pause)
