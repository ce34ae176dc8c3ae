"""Appointments that cannot wait, as tasks of the start page."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from geo_service.appointments.following import Waiting, pressing
from geo_service.desk.todo import Task
from geo_service.i18n import ngettext

# An appointment has to be agreed a week before the crew comes.
AGREE_AHEAD_DAYS = 7


def appointment_tasks(
    session: Session, quarter_id: int, today: dt.date, *, protected: bool
) -> list[Task]:
    """Phases whose appointments have yet to follow a change, to be agreed again, to be closed."""
    soon = today + dt.timedelta(days=AGREE_AHEAD_DAYS)
    found = pressing(session, quarter_id, today, soon, protected=protected)
    tasks = [task for one in found.waiting for task in _tasks(one, today)]
    for gone in found.orphaned:
        words = ngettext(
            "è fuori dal cronoprogramma: un appuntamento da disdire",
            "è fuori dal cronoprogramma: %(count)s appuntamenti da disdire",
            gone.number,
        )
        due = max(today, gone.next_day)
        tasks.append(
            Task("appointments", gone.phase_id, f"{gone.code} {gone.name}", words,
                 f"/fasi/{gone.phase_id}", due)
        )  # fmt: skip
    return tasks


def _tasks(one: Waiting, today: dt.date) -> list[Task]:
    list_page = f"/fasi/{one.phase_id}/appuntamenti"
    said: list[tuple[str, str, dt.date]] = []
    if one.to_follow:
        words = ngettext(
            "è cambiata: un appuntamento da rivedere",
            "è cambiata: %(count)s appuntamenti da rivedere",
            one.to_follow,
        )
        said.append((words, f"{list_page}/segui", today))
    if one.to_agree:
        words = ngettext(
            "un appuntamento spostato da concordare di nuovo",
            "%(count)s appuntamenti spostati da concordare di nuovo",
            one.to_agree,
        )
        said.append((words, f"{list_page}?stato=moved", max(today, one.next_day)))
    if one.unanswered:
        words = ngettext(
            "un appuntamento passato senza esito",
            "%(count)s appuntamenti passati senza esito",
            one.unanswered,
        )
        said.append((words, f"{list_page}?solo=esito", today))
    if one.late:
        words = ngettext(
            "un alloggio in ritardo con la preparazione",
            "%(count)s alloggi in ritardo con la preparazione",
            one.late,
        )
        said.append((words, f"{list_page}?solo=preparazione", today))
    return [
        Task("appointments", one.phase_id, f"{one.code} {one.name}", words, href, due)
        for words, href, due in said
    ]
