"""Appointments are made, agreed, moved, closed: every write, each with its event.

Services never commit; the caller does, once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, joinedload, selectinload

from geo_service import calendar, history
from geo_service.appointments.models import ITEMS, Appointment, AppointmentEvent, Preparation
from geo_service.appointments.planning import Plan, Slot
from geo_service.appointments.states import OPEN, OUTCOMES, REVOCABLE, permitted
from geo_service.appointments.vocabulary import PREPARE
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.i18n import day as day_words
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from layers.buildings import Flat, Stairwell
from layers.sites import PhaseRevision, Site, WorksPhase

Changes = dict[str, tuple[Any, Any]]
# Facts of how the flat is entered; the texts among them are kept out of events.
ENTRY = ("access", "keys_note", "wish", "not_before", "not_after")
TEXTS = frozenset({"keys_note", "wish"})
HIGHEST_CREW = 20


def appointment(session: Session, appointment_id: int) -> Appointment:
    """The appointment with its flat and phase. Raises :class:`NotFound`."""
    found = session.get(
        Appointment,
        appointment_id,
        options=[
            joinedload(Appointment.phase).joinedload(WorksPhase.site).joinedload(Site.quarter),
            joinedload(Appointment.flat).joinedload(Flat.stairwell).joinedload(Stairwell.building),
            selectinload(Appointment.preparation),
        ],
    )
    if found is None:
        raise NotFound(_("Questo appuntamento non c'è, oppure non è più in elenco."))
    return found


def locked(session: Session, found: Appointment, version: int) -> None:
    """Keep ``found`` for this transaction.

    Raises :class:`Conflict` when it is no longer at ``version``.
    """
    query = select(Appointment.row_version).where(Appointment.id == found.id).with_for_update()
    stored = session.scalar(query)
    session.refresh(found)
    if stored != version:
        raise Conflict(
            _(
                "Qualcun altro ha cambiato questo appuntamento nel frattempo: ora è qui sotto "
                "com'è stato salvato. Controllate e, se serve ancora, ripetete."
            )
        )


def slot_of(found: Appointment) -> Slot:
    """When the crew comes."""
    return Slot(found.on_day, found.starts_at, found.ends_at, found.crew)


def propose(
    session: Session, revision: PhaseRevision, plan: Plan, *, again: Mapping[int, Appointment]
) -> int:
    """Make the appointments of ``plan``; how many.

    ``again`` are appointments by flat that exist already, proposed or dropped: they take the new
    slot. Every other flat must be without one; flats must be worked in by ``revision``.
    """
    for flat_id, slot in plan.slots.items():
        known = again.get(flat_id)
        if known is None:
            _make(session, revision, flat_id, slot)
            continue
        changes = _take(known, slot)
        known.revision_id = revision.id
        if known.state != "proposed":
            changes["state"] = (known.state, "proposed")
            known.state = "proposed"
        _event(session, known, changes, "plan")
    session.flush()
    told = {"appointments": (None, len(plan.slots))}
    _tell_phase(session, revision.phase, "appointments.proposed", told)
    return len(plan.slots)


def add(session: Session, revision: PhaseRevision, flat_id: int, slot: Slot) -> Appointment:
    """One more appointment. Raises :class:`Invalid` for a flat that is not the phase's."""
    if flat_id not in {f.id for f in revision.inside_flats}:
        raise Invalid(
            _("In questo alloggio la fase non lavora: aggiungetelo prima alla fase."),
            {"alloggio": _("Non è tra gli alloggi della fase.")},
        )
    made = _make(session, revision, flat_id, slot)
    _tell(session, made, {"state": (None, "proposed"), **_slot_change(None, slot)})
    return made


def _make(session: Session, revision: PhaseRevision, flat_id: int, slot: Slot) -> Appointment:
    made = Appointment(
        phase_id=revision.phase_id,
        flat_id=flat_id,
        revision_id=revision.id,
        on_day=slot.day,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        crew=slot.crew,
        state="proposed",
    )
    for item, working_days in PREPARE.get(revision.preset or "", {}).items():
        ready_by = calendar.add_working_days(slot.day, -working_days, get_settings().patron)
        made.preparation.append(Preparation(item=item, ready_by=ready_by))
    session.add(made)
    session.flush()
    _event(session, made, {"state": (None, "proposed"), **_slot_change(None, slot)}, "plan")
    return made


def change_state(
    session: Session,
    found: Appointment,
    to: str,
    *,
    today: dt.date,
    reason: str = "",
    reported_by: str = "",
    slot: Slot | None = None,
) -> None:
    """Bring ``found`` into the state ``to``; a second attempt needs its new ``slot``.

    Raises :class:`Invalid` for a change that is not permitted, with the reason in words.
    """
    if to not in permitted(found.state, found.attempts):
        raise Invalid(_refusal(found, to))
    if to in OUTCOMES and found.on_day > today:
        raise Invalid(
            _(
                "L'appuntamento è %(day)s: l'esito si segna dal giorno stesso.",
                day=day_words(found.on_day, today),
            )
        )
    changes: Changes = {"state": (found.state, to)}
    if to == "second_attempt":
        if slot is None or slot.day < max(today, found.on_day):
            raise Invalid(
                _("Un nuovo tentativo ha bisogno di un nuovo giorno."),
                {"giorno": _("Serve un giorno da oggi in poi, dopo quello della visita a vuoto.")},
            )
        changes |= _take(found, slot)
    if to == "absent":
        found.attempts += 1
    found.state = to
    _close(session, found, changes, reason, reported_by)


def _refusal(found: Appointment, to: str) -> str:
    if to == "warned" and found.state == "absent":
        return _("La diffida viene solo dopo la seconda visita a vuoto: prima un nuovo tentativo.")
    return _("Da questo stato non si può passare a quello chiesto: ricaricate la pagina.")


def undo(session: Session, found: Appointment) -> None:
    """Take the last state back: it was marked by mistake.

    Raises :class:`Invalid` where the last change was not one that can be taken back.
    """
    back = revocable(session, found)
    if back is None:
        raise Invalid(_("Qui non c'è niente da annullare."))
    if found.state == "absent":
        found.attempts = max(0, found.attempts - 1)
    changes: Changes = {"state": (found.state, back)}
    found.state = back
    _close(session, found, changes, "mistake", "")


def revocable(session: Session, found: Appointment) -> str | None:
    """State to which the last change of state can be taken back; None where it cannot.

    Only the very last event of state or slot counts, whatever was noted since about who opens or
    what is ready, and never one that took something back itself.
    """
    touched = AppointmentEvent.changes.has_any(array(["state", "slot_on", "slot_hours", "crew"]))
    last = session.scalar(
        select(AppointmentEvent)
        .where(AppointmentEvent.appointment_id == found.id, touched)
        .order_by(AppointmentEvent.id.desc())
        .limit(1)
    )
    if last is None or last.reason in ("mistake", "phase", "plan"):
        return None
    before, after = last.changes.get("state", (None, None))
    if set(last.changes) != {"state"} or after != found.state or after not in REVOCABLE:
        return None
    return str(before) if before else None


def move(
    session: Session,
    found: Appointment,
    slot: Slot,
    *,
    agreed: bool,
    reason: str = "",
    reported_by: str = "",
) -> None:
    """Give ``found`` another slot.

    What was agreed has to be agreed again, unless the household already did (``agreed``).
    Raises :class:`Invalid` when the crew is not to come any more.
    """
    if found.state not in OPEN:
        raise Invalid(_("La squadra non deve più venire: qui non c'è niente da spostare."))
    changes = _take(found, slot)
    if not changes:
        raise Invalid(_("Il giorno e l'ora sono quelli di prima."))
    state = found.state
    if agreed and state != "second_attempt":
        state = "agreed"
    elif not agreed and state == "agreed":
        state = "moved"
    if state != found.state:
        changes["state"] = (found.state, state)
        found.state = state
    _close(session, found, changes, reason, reported_by)


def set_entry(session: Session, found: Appointment, values: Mapping[str, Any]) -> None:
    """Note who lets the crew in, where the keys are, what the household asked for."""
    changes: Changes = {}
    for name in ENTRY:
        before, after = getattr(found, name), values[name]
        if before == after:
            continue
        setattr(found, name, after)
        if name in TEXTS:
            before, after = (history.HIDDEN if text else None for text in (before, after))
        changes[name] = (before, after)
    if changes:
        _close(session, found, changes, "", "")


def set_preparation(
    session: Session, found: Appointment, wanted: Mapping[str, tuple[dt.date, bool]], today: dt.date
) -> None:
    """Make the list of what is to be prepared be ``wanted``: item → (ready by, ready)."""
    known = {p.item: p for p in found.preparation}
    changes: dict[str, list[Any]] = {"to_prepare": [], "prepared": []}
    before = {
        "to_prepare": [_item(p.item, p.ready_by) for p in found.preparation],
        "prepared": [p.item for p in found.preparation if p.done_on],
    }
    for item in ITEMS:
        if item not in wanted:
            if item in known:
                found.preparation.remove(known[item])
            continue
        ready_by, ready = wanted[item]
        entry = known.get(item)
        if entry is None:
            entry = Preparation(item=item, ready_by=ready_by)
            found.preparation.append(entry)
        entry.ready_by = ready_by
        entry.done_on = (entry.done_on or today) if ready else None
        changes["to_prepare"].append(_item(item, ready_by))
        if ready:
            changes["prepared"].append(item)
    told = history.difference(
        {k: sorted(v) for k, v in before.items()}, {k: sorted(v) for k, v in changes.items()}
    )
    if told:
        # The list is part of the appointment: who opened it before must be told.
        found.row_version = found.row_version + 1
        _close(session, found, told, "", "")


def _item(item: str, ready_by: dt.date) -> str:
    return f"{item} {ready_by.isoformat()}"


def take_over(session: Session, found: Appointment, revision_id: int, slot: Slot) -> None:
    """Follow the phase to its revision in force, with another slot or the one it has.

    What was agreed, a second attempt too, has to be agreed again.
    """
    changes = _take(found, slot)
    found.revision_id = revision_id
    if not changes:
        session.flush()
        return
    if found.state in ("agreed", "second_attempt"):
        changes["state"] = (found.state, "moved")
        found.state = "moved"
    session.flush()
    _event(session, found, changes, "phase")


def must_agree_again(session: Session, found: Appointment, revision_id: int) -> None:
    """Follow the phase without a slot: no day was left for it, so a person has to find one."""
    found.revision_id = revision_id
    if found.state in ("agreed", "second_attempt"):
        changes: Changes = {"state": (found.state, "moved")}
        found.state = "moved"
        session.flush()
        _event(session, found, changes, "phase")
    session.flush()


def tell_followed(session: Session, phase: WorksPhase, moved: int) -> None:
    """Note in the history of the phase how many appointments it took along."""
    _tell_phase(session, phase, "appointments.followed", {"appointments": (None, moved)})


def events_of(session: Session, appointment_id: int) -> Sequence[AppointmentEvent]:
    """What happened to an appointment, newest first."""
    return session.scalars(
        select(AppointmentEvent)
        .where(AppointmentEvent.appointment_id == appointment_id)
        .order_by(AppointmentEvent.id.desc())
    ).all()


def _take(found: Appointment, slot: Slot) -> Changes:
    """Put ``slot`` into ``found``, what is to be prepared along with it; what changed."""
    before = slot_of(found)
    if before == slot:
        return {}
    for entry in found.preparation:
        if entry.done_on is None:
            entry.ready_by = _as_long_before(entry.ready_by, before.day, slot.day)
    found.on_day, found.crew = slot.day, slot.crew
    found.starts_at, found.ends_at = slot.starts_at, slot.ends_at
    return _slot_change(before, slot)


def _as_long_before(ready_by: dt.date, old: dt.date, new: dt.date) -> dt.date:
    """The day as many working days before ``new`` as ``ready_by`` was before ``old``."""
    patron = get_settings().patron
    number, day = 0, ready_by
    while day < old:
        number += calendar.is_working_day(day, patron)
        day += dt.timedelta(days=1)
    return calendar.add_working_days(new, -number, patron)


def _slot_change(before: Slot | None, after: Slot) -> Changes:
    def told(slot: Slot | None) -> dict[str, Any]:
        if slot is None:
            return {}
        hours = f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}"
        return {"slot_on": slot.day, "slot_hours": hours, "crew": slot.crew}

    return history.difference(told(before), told(after))


def _close(
    session: Session, found: Appointment, changes: Changes, reason: str, reported_by: str
) -> None:
    session.flush()
    _event(session, found, changes, reason, reported_by)
    _tell(session, found, changes)


def _event(
    session: Session,
    found: Appointment,
    changes: Changes,
    reason: str = "",
    reported_by: str = "",
) -> None:
    actor = history.actor_of(session)
    session.add(
        AppointmentEvent(
            appointment_id=found.id,
            actor=actor.kind,
            actor_id=actor.id,
            reason=reason,
            reported_by=reported_by,
            changes={name: [_plain(v) for v in pair] for name, pair in changes.items()},
        )
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _tell(session: Session, found: Appointment, changes: Changes) -> None:
    quarter_id = session.scalar(
        select(Site.quarter_id).join(WorksPhase).where(WorksPhase.id == found.phase_id)
    )
    subject = history.Subject("appointment", found.id, quarter_id)
    history.record(session, history.actor_of(session), "appointment.changed", subject, changes)


def _tell_phase(session: Session, phase: WorksPhase, action: str, changes: Changes) -> None:
    subject = history.Subject("phase", phase.id, phase.site.quarter_id)
    history.record(session, history.actor_of(session), action, subject, changes)
