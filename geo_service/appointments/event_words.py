"""What happened to an appointment, in words: when, who, from what to what, why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.accounts.models import Account, TaskLink
from geo_service.appointments import vocabulary
from geo_service.appointments.models import AppointmentEvent
from geo_service.history import HIDDEN
from geo_service.i18n import gettext as _


@dataclass(frozen=True, slots=True)
class Line:
    """One event: ``what`` are its changes, each a sentence of its own."""

    at: dt.datetime
    who: str
    what: tuple[str, ...]
    why: str


def lines(session: Session, events: Sequence[AppointmentEvent]) -> list[Line]:
    """Events in words; a person who was forgotten is a number."""
    people = _names(session, {e.actor_id for e in events if e.actor == "account"})
    links = _firms(session, {e.actor_id for e in events if e.actor == "task_link"})
    return [
        Line(event.at, _who(event, people, links), _changes(event), _why(event)) for event in events
    ]


def _names(session: Session, ids: set[int | None]) -> dict[int, str]:
    query = select(Account.id, Account.name, Account.email).where(Account.id.in_(ids - {None}))
    return {i: name or email for i, name, email in session.execute(query) if name or email}


def _firms(session: Session, ids: set[int | None]) -> dict[int, str]:
    query = select(TaskLink.id, TaskLink.who).where(TaskLink.id.in_(ids - {None}))
    return dict(session.execute(query).all())


def _who(event: AppointmentEvent, people: dict[int, str], links: dict[int, str]) -> str:
    if event.actor == "command" or event.actor_id is None:
        return _("Comando del servizio")
    if event.actor == "task_link":
        return _("%(who)s, con un collegamento", who=links.get(event.actor_id, event.actor_id))
    return people.get(event.actor_id) or _("persona %(id)s", id=event.actor_id)


def _why(event: AppointmentEvent) -> str:
    said = []
    if event.reason:
        words = vocabulary.REASON_WORDS | vocabulary.OWN_REASON_WORDS
        said.append(_(words[event.reason]))
    if event.reported_by and event.actor != "task_link":
        said.append(_("riferito da %(who)s", who=_(vocabulary.REPORTED_WORDS[event.reported_by])))
    return ", ".join(said)


def _changes(event: AppointmentEvent) -> tuple[str, ...]:
    changes: dict[str, Any] = dict(event.changes)
    said = []
    if "state" in changes:
        before, after = changes.pop("state")
        said.append(_change("", before and _state(before), _state(after)))
    if "slot_on" in changes or "slot_hours" in changes:
        before = _moment(changes, 0)
        said.append(_change("", before, _moment(changes, 1)))
        changes.pop("slot_on", None)
        changes.pop("slot_hours", None)
    for name, (before, after) in changes.items():
        label = _(vocabulary.FIELD_WORDS.get(name, name))
        said.append(_change(label, _value(name, before), _value(name, after)))
    return tuple(said)


def _state(code: str) -> str:
    return _(vocabulary.STATE_WORDS[code])


def _moment(changes: dict[str, Any], side: int) -> str:
    day = changes.get("slot_on", (None, None))[side]
    hours = changes.get("slot_hours", (None, None))[side]
    spoken = i18n.day(dt.date.fromisoformat(day)) if day else ""
    return " ".join(part for part in (spoken, hours or "") if part)


def _value(name: str, value: Any) -> str:
    if value is None or value == []:
        return ""
    if value == HIDDEN:
        return _("(non conservato)")
    if isinstance(value, list):
        return ", ".join(_value(name, one) for one in value)
    if name == "access":
        return _(vocabulary.ACCESS_WORDS[value])
    if name in ("to_prepare", "prepared"):
        item, _space, day = str(value).partition(" ")
        spoken = _(vocabulary.ITEM_WORDS[item])
        return f"{spoken} ({i18n.day(dt.date.fromisoformat(day))})" if day else spoken
    if name in ("not_before", "not_after"):
        return i18n.clock(dt.time.fromisoformat(value))
    return str(value)


def _change(label: str, before: str | None, after: str | None) -> str:
    values = f"{before} → {after or '–'}" if before else after or "–"
    return f"{label}: {values}" if label else values
