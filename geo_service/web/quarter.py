"""The quarter a page speaks of: chosen once, kept in a cookie, the first one otherwise."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.errors import NotFound
from geo_service.i18n import gettext as _
from geo_service.web.pages import QUARTER_COOKIE
from geo_service.web.security import read_cookie
from geo_service.web.session import Db
from layers.buildings import Quarter


def show_quarter(
    request: Request, session: Session, quarter: Quarter, others: list[Quarter] | None = None
) -> Quarter:
    """Make ``quarter`` the one that the frame of the page names, beside all the ``others``."""
    if others is None:
        others = _open_quarters(request, session)
    request.state.quarter = quarter
    request.state.synthetic = quarter.synthetic
    request.state.quarters = others
    return quarter


def _open_quarters(request: Request, session: Session) -> list[Quarter]:
    """Quarters that the guards left open to this request, by name."""
    query = select(Quarter).order_by(Quarter.name, Quarter.id)
    only = getattr(request.state, "quarter_ids", None)
    return list(session.scalars(query if only is None else query.where(Quarter.id.in_(only))))


def staff_quarter(request: Request, session: Db) -> Quarter:
    """Quarter of a staff page: ``?quartiere=CODE``, else the one chosen last, else the first.

    Raises :class:`NotFound` where no quarter exists yet, with the command that adds one.
    """
    quarters = _open_quarters(request, session)
    asked = request.query_params.get("quartiere") or read_cookie(request, QUARTER_COOKIE)
    quarter = next((q for q in quarters if q.code == asked), quarters[0] if quarters else None)
    if quarter is None:
        raise NotFound(
            _(
                "Non c'è ancora nessun quartiere. Chi amministra il servizio lo crea con "
                "«accanto quarter add»; gli edifici si caricano poi con «Importa»."
            )
        )
    return show_quarter(request, session, quarter, quarters)


def today(request: Request) -> dt.date:
    """The present day, as the application was told to count it."""
    day: dt.date = request.app.state.today()
    request.state.today = day
    return day


StaffQuarter = Annotated[Quarter, Depends(staff_quarter, scope="function")]
Today = Annotated[dt.date, Depends(today)]
