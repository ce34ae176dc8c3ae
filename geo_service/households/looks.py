"""Looks at what few may see: each is written down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account
from geo_service.accounts.people import account_name
from geo_service.households.models import Household, LookLog
from geo_service.i18n import gettext as _
from geo_service.web.quarter import show_quarter
from layers.buildings import Quarter


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when, who, at what, what for."""

    at: dt.datetime
    who: str
    what: str
    reason: str


def look(
    session: Session,
    account_id: int,
    quarter_id: int,
    what: str,
    household_id: int | None = None,
    reason: str = "",
) -> None:
    """Write down that an account looks; ``what`` is one of ``models.LOOKS``."""
    session.add(
        LookLog(
            account_id=account_id,
            quarter_id=quarter_id,
            what=what,
            household_id=household_id,
            reason=reason,
        )
    )
    session.flush()


def show_households(request: Request, session: Session, *found: Household) -> None:
    """Name the quarter of households of which a page is made; looks at protected ones are noted."""
    for household in found:
        if household.protected:
            look(session, request.state.account.id, household.quarter_id, "protected", household.id)
    quarter = session.get(Quarter, found[0].quarter_id)
    if quarter is not None:
        show_quarter(request, session, quarter)


def looks_at(session: Session, household_id: int, most: int = 20) -> list[Look]:
    """The latest looks at one household, newest first; a forgotten account has no name."""
    query = (
        select(LookLog, Account)
        .outerjoin(Account, Account.id == LookLog.account_id)
        .where(LookLog.household_id == household_id)
        .order_by(LookLog.id.desc())
        .limit(most)
    )
    return [
        Look(
            entry.at,
            account_name(account) if account else _("persona %(id)s", id=entry.account_id),
            entry.what,
            entry.reason,
        )
        for entry, account in session.execute(query)
    ]
