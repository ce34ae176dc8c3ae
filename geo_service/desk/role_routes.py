"""Start pages of those who steer: totals for the Committee, the day of the Comune's office."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.models import Account
from geo_service.accounts.standing import SignedIn
from geo_service.desk import office, service
from geo_service.desk.todo import tasks
from geo_service.desk.totals import totals
from geo_service.web.pages import render
from geo_service.web.quarter import StaffQuarter, Today
from geo_service.web.session import Db

router = APIRouter()
Reader = Annotated[SignedIn, Depends(need("totals"))]
Approver = Annotated[SignedIn, Depends(need("notices.approve"))]


@router.get("/totali")
def totals_page(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, account: Reader
) -> Response:
    """How many households are hit, by kind, level, site and week; nothing below five."""
    return render(
        request,
        "desk/totals.html",
        totals=totals(session, quarter.id, today),
        overview=service.overview(session, quarter.id, today),
    )


@router.get("/comune")
def office_page(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, account: Approver
) -> Response:
    """What the Comune's office finds on coming: what changed, what it must grant, the works."""
    own = session.get_one(Account, account.id)
    return render(
        request,
        "desk/office.html",
        since=own.signed_in_before_at,
        changed=office.versions_since(session, quarter.id, own.signed_in_before_at),
        permits=[t for t in tasks(session, quarter.id, today) if t.what == "permit"],
        overview=service.overview(session, quarter.id, today),
        totals=totals(session, quarter.id, today),
    )
