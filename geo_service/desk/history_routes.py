"""The page *Cronologia*: who changed what, when, from what to what."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import func, select
from starlette.responses import Response

from geo_service import history
from geo_service.accounts.guards import need
from geo_service.accounts.models import Account
from geo_service.accounts.standing import SignedIn
from geo_service.desk import history_words
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.links import address_with
from geo_service.web.pages import render
from geo_service.web.quarter import StaffQuarter
from geo_service.web.session import Db

router = APIRouter()
PAGE_ROWS = 50
Reader = Annotated[SignedIn, Depends(need("history"))]


@router.get("/cronologia")
def chronicle(
    request: Request,
    session: Db,
    quarter: StaffQuarter,
    account: Reader,
    persona: str = "",
    tipo: str = "",
    numero: str = "",
    dal: str = "",
    al: str = "",
    prima: str = "",
) -> Response:
    """What was changed in this quarter, newest first; the address keeps every choice."""
    first, last = _day(dal), _day(al)
    wanted = history.Filter(
        quarter_ids=frozenset({quarter.id}),
        # Who keeps some quarters only is not told about the people of others.
        of_no_quarter=account.quarter_ids is None,
        account_id=_number(persona),
        subject=tipo[:40],
        subject_id=_number(numero),
        since=_midnight(first),
        until=_midnight(last, days=1),
        before_id=_number(prima),
    )
    found = history.entries(session, wanted, PAGE_ROWS + 1)
    lines = history_words.lines(session, found[:PAGE_ROWS])
    more = len(found) > PAGE_ROWS
    people = session.scalars(select(Account).order_by(func.lower(Account.name), Account.email))
    return render(
        request,
        "desk/history.html",
        days=_by_day(lines),
        count=len(lines),
        people=[(a.id, history_words.account_name(a)) for a in people if _seen(account, a)],
        subjects={code: _(word) for code, word in history_words.SUBJECTS.items()},
        chosen={
            "persona": wanted.account_id,
            "tipo": tipo,
            "numero": wanted.subject_id,
            "dal": first.isoformat() if first else "",
            "al": last.isoformat() if last else "",
        },
        filtered=any((persona, tipo, numero, first, last)),
        older=address_with(request, prima=lines[-1].id) if more else "",
        newest=address_with(request, prima=None) if wanted.before_id else "",
    )


def _seen(reader: SignedIn, account: Account) -> bool:
    """A coordinator of some quarters chooses among who works there."""
    if reader.quarter_ids is None:
        return True
    return any(a.quarter_id in reader.quarter_ids for a in account.assignments)


def _by_day(lines: list[history_words.Line]) -> list[tuple[dt.date, list[history_words.Line]]]:
    zone = get_settings().zone
    days: dict[dt.date, list[history_words.Line]] = {}
    for line in lines:
        days.setdefault(line.at.astimezone(zone).date(), []).append(line)
    return list(days.items())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day(text: str) -> dt.date | None:
    """A day of the address; what is no day counts as not chosen."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _midnight(day: dt.date | None, days: int = 0) -> dt.datetime | None:
    """Local midnight at which ``day`` begins, or ``days`` later."""
    if day is None or day > dt.date(9999, 1, 1):
        return None
    midnight = dt.datetime.combine(day + dt.timedelta(days=days), dt.time())
    return midnight.replace(tzinfo=get_settings().zone)
