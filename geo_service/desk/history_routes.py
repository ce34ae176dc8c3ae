"""The page *Cronologia*: who changed what, when, from what to what."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Request
from sqlalchemy import func, select
from starlette.responses import Response

from geo_service import history
from geo_service.accounts.guards import need
from geo_service.accounts.models import Account
from geo_service.accounts.standing import SignedIn
from geo_service.desk import history_words
from geo_service.files.tables import MEDIA_TYPES, table_file
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.links import address_with
from geo_service.web.numbers import number_in
from geo_service.web.pages import file_response, render
from geo_service.web.quarter import StaffQuarter, Today
from geo_service.web.session import Db

router = APIRouter()
PAGE_ROWS = 50
MOST_IN_FILE = 10_000
Reader = Annotated[SignedIn, Depends(need("history"))]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address chooses: who, what was done, to what kind of thing and which, when."""

    persona: str = ""
    azione: str = ""
    tipo: str = ""
    numero: str = ""
    dal: str = ""
    al: str = ""
    prima: str = ""

    def wanted(self, account: SignedIn, quarter_id: int) -> history.Filter:
        """The same as the history reads it."""
        return history.Filter(
            quarter_ids=frozenset({quarter_id}),
            # Who keeps some quarters only is not told about the people of others.
            of_no_quarter=account.quarter_ids is None,
            account_id=number_in(self.persona),
            action=self.azione[:60],
            subject=self.tipo[:40],
            subject_id=number_in(self.numero),
            since=_midnight(_day(self.dal)),
            until=_midnight(_day(self.al), days=1),
            before_id=number_in(self.prima),
        )


Chosen = Annotated[Choice, Depends()]


@router.get("/cronologia/esporta.csv")
def chronicle_file(
    session: Db, quarter: StaffQuarter, account: Reader, today: Today, choice: Chosen
) -> Response:
    """The chosen entries as a table in words, newest first; itself an entry."""
    wanted = replace(choice.wanted(account, quarter.id), before_id=None)
    lines = history_words.lines(session, history.entries(session, wanted, MOST_IN_FILE))
    zone = get_settings().zone
    frame = pd.DataFrame(
        [
            (
                line.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"), line.who, line.done,
                "; ".join(f"{c.field}: {c.before or '–'} → {c.after or '–'}" for c in line.changes),
            )
            for line in lines
        ],
        columns=[_("Quando"), _("Chi"), _("Che cosa"), _("Da … a …")],
    )  # fmt: skip
    history.record(
        session,
        history.actor_of(session),
        "history.exported",
        history.Subject("quarter", quarter.id, quarter.id),
        {"rows": (None, len(lines))},
    )
    name = f"cronologia-{quarter.code}-{today.isoformat()}.csv"
    return file_response(table_file(frame, "csv", "cronologia"), MEDIA_TYPES["csv"], name)


@router.get("/cronologia")
def chronicle(
    request: Request, session: Db, quarter: StaffQuarter, account: Reader, choice: Chosen
) -> Response:
    """What was changed in this quarter, newest first; the address keeps every choice."""
    wanted = choice.wanted(account, quarter.id)
    first, last = _day(choice.dal), _day(choice.al)
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
        actions=history_words.actions_by_subject(),
        most_in_file=MOST_IN_FILE,
        file_address=f"/cronologia/esporta.csv?{request.url.query}",
        chosen={
            "persona": wanted.account_id,
            "azione": choice.azione,
            "tipo": choice.tipo,
            "numero": wanted.subject_id,
            "dal": first.isoformat() if first else "",
            "al": last.isoformat() if last else "",
        },
        filtered=any((choice.persona, choice.azione, choice.tipo, choice.numero, first, last)),
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
