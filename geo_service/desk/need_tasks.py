"""Practical needs whose day of review has come, as a task of the start page."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from geo_service.desk.todo import Task
from geo_service.households.lists import NEED_DUE, needs_due
from geo_service.i18n import gettext as _
from geo_service.i18n import ngettext


def need_tasks(session: Session, quarter_id: int, today: dt.date) -> list[Task]:
    """One task for all households whose needs are to be reviewed; for who sees all of them."""
    number, first = needs_due(session, quarter_id, today)
    if first is None:
        return []
    words = ngettext(
        "da rivedere: un nucleo, o si tolgono",
        "da rivedere: %(count)s nuclei, o si tolgono",
        number,
    )
    href = f"/nuclei?esigenza={NEED_DUE}&stato=tutti"
    return [Task("needs", 0, _("Esigenze pratiche"), words, href, first, late=first < today)]
