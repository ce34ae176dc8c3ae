"""States, slots, events: what may follow what, and what is written down."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.appointments import crew, following, lists, service
from geo_service.appointments.models import Appointment, AppointmentEvent
from geo_service.appointments.planning import Slot
from geo_service.appointments.states import CHANGES, STATES, permitted
from geo_service.appointments.vocabulary import ACT_WORDS, STATE_WORDS
from geo_service.errors import Conflict, Invalid
from geo_service.settings import get_settings
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from layers.sites import PhaseRevision
from tests.geo_service.appointments.made import propose, windows_phase
from tests.geo_service.builders import MONDAY, World, make_world

DAY = dt.timedelta(days=1)
EIGHT, NOON, ONE, FIVE = dt.time(8), dt.time(12), dt.time(13), dt.time(17)


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def revision(session: Session, world: World) -> PhaseRevision:
    return windows_phase(session, world)


@pytest.fixture
def made(session: Session, revision: PhaseRevision) -> list[Appointment]:
    return propose(session, revision)


def mark(session: Session, found: Appointment, to: str, on: dt.date, **more: object) -> None:
    service.change_state(session, found, to, today=on, **more)  # type: ignore[arg-type]


def test_the_table_of_states_is_whole() -> None:
    assert set(CHANGES) == set(STATES) == set(STATE_WORDS)
    assert {to for after in CHANGES.values() for to in after} <= set(ACT_WORDS)


def test_a_formal_warning_comes_only_after_the_second_visit(
    session: Session, made: list[Appointment]
) -> None:
    first = made[0]
    assert "warned" not in permitted("absent", 1)
    mark(session, first, "agreed", MONDAY)
    mark(session, first, "absent", MONDAY)
    with pytest.raises(Invalid, match="seconda visita a vuoto"):
        mark(session, first, "warned", MONDAY)
    with pytest.raises(Invalid, match="nuovo giorno"):
        mark(session, first, "second_attempt", MONDAY)
    again = Slot(MONDAY + 3 * DAY, EIGHT, NOON)
    mark(session, first, "second_attempt", MONDAY, slot=again)
    assert service.slot_of(first) == again
    mark(session, first, "absent", again.day)
    mark(session, first, "warned", again.day)
    assert (first.state, first.attempts) == ("warned", 2)


def test_an_outcome_is_not_known_before_its_day(session: Session, made: list[Appointment]) -> None:
    last = made[-1]
    mark(session, last, "agreed", MONDAY)
    with pytest.raises(Invalid, match="dal giorno stesso"):
        mark(session, last, "done", last.on_day - DAY)
    mark(session, last, "done", last.on_day)


@pytest.mark.parametrize(("state", "to"), [("proposed", "absent"), ("proposed", "warned")])
def test_what_the_table_does_not_permit_is_refused(
    session: Session, made: list[Appointment], state: str, to: str
) -> None:
    with pytest.raises(Invalid):
        mark(session, made[0], to, MONDAY)
    assert made[0].state == state


def test_a_mistake_is_taken_back_once(session: Session, made: list[Appointment]) -> None:
    first = made[0]
    mark(session, first, "agreed", MONDAY)
    mark(session, first, "absent", MONDAY)
    service.undo(session, first)
    assert (first.state, first.attempts) == ("agreed", 0)
    with pytest.raises(Invalid, match="niente da annullare"):
        service.undo(session, first)


def test_a_mistake_is_taken_back_also_after_a_note_about_something_else(
    session: Session, made: list[Appointment]
) -> None:
    first = made[0]
    mark(session, first, "agreed", MONDAY)
    mark(session, first, "done", MONDAY)
    noted = {name: getattr(first, name) for name in service.ENTRY}
    service.set_entry(session, first, {**noted, "access": "keys", "keys_note": "in laboratorio"})
    service.undo(session, first)
    assert first.state == "agreed"
    service.move(session, first, Slot(MONDAY + DAY, EIGHT, NOON), agreed=True)
    service.set_entry(session, first, noted)
    with pytest.raises(Invalid, match="niente da annullare"):
        service.undo(session, first)


def test_moving_what_was_agreed_asks_for_agreement_again(
    session: Session, made: list[Appointment]
) -> None:
    first = made[0]
    mark(session, first, "agreed", MONDAY)
    service.move(session, first, Slot(MONDAY + DAY, ONE, FIVE, 2), agreed=False)
    assert first.state == "moved"
    service.move(session, first, Slot(MONDAY + 2 * DAY, ONE, FIVE), agreed=True)
    assert first.state == "agreed"
    with pytest.raises(Invalid, match="quelli di prima"):
        service.move(session, first, service.slot_of(first), agreed=True)


def test_what_is_to_be_prepared_moves_with_the_slot(
    session: Session, made: list[Appointment]
) -> None:
    first = made[0]
    # A working day before Monday is the Friday before; before Thursday it is Wednesday.
    before = {p.item: p.ready_by for p in first.preparation}
    assert before["windows"] == MONDAY - 3 * DAY
    first.preparation[0].done_on = MONDAY
    ready = first.preparation[0].item
    service.move(session, first, Slot(MONDAY + 3 * DAY, EIGHT, NOON), agreed=False)
    after = {p.item: p.ready_by for p in first.preparation}
    assert after[ready] == before[ready]
    assert {after[i] for i in ("windows", "furniture") if i != ready} == {MONDAY + 2 * DAY}


def test_the_patrons_day_is_no_day_to_prepare_on(
    session: Session, revision: PhaseRevision, monkeypatch: pytest.MonkeyPatch
) -> None:
    friday, tuesday = MONDAY - 3 * DAY, MONDAY + DAY
    monkeypatch.setenv("ACCANTO_PATRON_DAY", f"{friday:%m-%d}")
    get_settings.cache_clear()
    try:
        first = propose(session, revision)[0]
        assert {p.ready_by for p in first.preparation} == {MONDAY - 4 * DAY, MONDAY - 5 * DAY}
        service.move(session, first, Slot(tuesday, EIGHT, NOON), agreed=False)
        assert {p.ready_by for p in first.preparation} == {MONDAY, MONDAY - 4 * DAY}
        service.move(session, first, Slot(MONDAY, EIGHT, NOON), agreed=False)
        assert {p.ready_by for p in first.preparation} == {MONDAY - 4 * DAY, MONDAY - 5 * DAY}
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_a_closed_flat_is_on_no_list_of_the_crew(
    session: Session, revision: PhaseRevision, made: list[Appointment]
) -> None:
    for entry in made[:-1]:
        mark(session, entry, "agreed", MONDAY)
    phase = revision.phase_id
    today, last = made[0].on_day, made[-1]
    there = [a.id for a in made if a.on_day == today]
    assert [r.id for r in crew.day_list(session, phase, today, MONDAY)] == there
    assert crew.to_agree(session, phase, last.on_day, MONDAY) == 1
    made[0].flat.closed_on = today
    # Closed only after its visit: that visit takes place.
    made[1].flat.closed_on = today + DAY
    last.flat.closed_on = last.on_day
    session.flush()
    assert [r.id for r in crew.day_list(session, phase, today, MONDAY)] == there[1:]
    assert made[0].id not in {r.id for r in crew.coming(session, phase, MONDAY)}
    assert made[1].id in {r.id for r in crew.coming(session, phase, MONDAY)}
    assert crew.to_agree(session, phase, last.on_day, MONDAY) == 0
    made[1].flat.closed_on = today
    session.flush()
    assert today not in crew.days(session, phase, MONDAY)
    # The laboratory still sees them: somebody has to drop them.
    assert len(lists.of_phase(session, phase, MONDAY, protected=True)) == len(made)


def test_late_preparation_counts_only_while_the_crew_is_to_come(
    session: Session, revision: PhaseRevision, made: list[Appointment]
) -> None:
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    assert rows[0].late == 3
    mark(session, made[0], "done", MONDAY)
    session.flush()
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    assert (rows[0].late, rows[0].unprepared) == (0, 0)
    assert rows[-1].late == 0


def test_events_are_only_added_to(session: Session, made: list[Appointment]) -> None:
    mark(session, made[0], "agreed", MONDAY, reason="contact", reported_by="household")
    event = service.events_of(session, made[0].id)[0]
    assert event.changes == {"state": ["proposed", "agreed"]}
    assert (event.reason, event.reported_by, event.actor) == ("contact", "household", "command")
    for statement in ("update appointment_event set reason = ''", "delete from appointment_event"):
        savepoint = session.begin_nested()
        with pytest.raises(IntegrityError, match="only added to"):
            session.execute(text(statement))
        savepoint.rollback()
    session.execute(text("delete from works_phase where code = 'F1'"))
    assert session.query(AppointmentEvent).count() == 0


def test_texts_are_kept_out_of_events_and_history(
    session: Session, made: list[Appointment]
) -> None:
    values = {
        "access": "keys", "keys_note": "chiavi dalla signora Bianchi", "wish": "chiamare Anna",
        "not_before": dt.time(9), "not_after": None,
    }  # fmt: skip
    service.set_entry(session, made[0], values)
    session.flush()
    written = str(service.events_of(session, made[0].id)[0].changes)
    written += str(
        [e.changes for e in history.entries(session, history.Filter(subject="appointment"))]
    )
    assert "Bianchi" not in written
    assert "Anna" not in written
    assert "09:00:00" in written


def test_a_wish_follows_its_household_into_the_next_phase(
    session: Session, world: World, made: list[Appointment]
) -> None:
    first = next(a for a in made if a.flat_id == world.flats[0].id)
    values = {"access": "household", "keys_note": "", "wish": "", "not_before": dt.time(13),
              "not_after": None}  # fmt: skip
    service.set_entry(session, first, values)
    session.flush()
    later = windows_phase(session, world, "F2", MONDAY + 28 * DAY)
    again = propose(session, later)
    slot = next(a for a in again if a.flat_id == world.flats[0].id)
    assert slot.starts_at == ONE


def test_somebody_elses_change_is_not_overwritten(
    session: Session, made: list[Appointment]
) -> None:
    version = made[0].row_version
    mark(session, made[0], "agreed", MONDAY)
    with pytest.raises(Conflict, match="Qualcun altro"):
        service.locked(session, made[0], version)


def test_conflicts_are_told_in_words(
    session: Session, world: World, revision: PhaseRevision, made: list[Appointment]
) -> None:
    service.move(session, made[1], service.slot_of(made[0]), agreed=False)
    service.move(session, made[2], Slot(MONDAY + 6 * DAY, EIGHT, NOON), agreed=False)
    service.move(session, made[3], Slot(MONDAY + 2 * DAY, dt.time(6), NOON), agreed=False)
    session.flush()
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    flats = [f.id for f in world.flats if f.id != made[4].flat_id]
    told = {
        r.id: " ".join(r.conflicts)
        for r in lists.with_conflicts(rows, lists.days_of(revision), flats)
    }
    assert "anche in scala A" in told[made[0].id]
    assert "anche in scala A" in told[made[1].id]
    assert "festivo" in told[made[2].id]
    assert "orario di lavoro" in told[made[3].id]
    assert "non lavora più" in told[made[4].id]
    assert told[made[5].id] == ""


def test_a_moved_phase_takes_its_appointments_along(
    session: Session, world: World, revision: PhaseRevision, made: list[Appointment]
) -> None:
    mark(session, made[0], "agreed", MONDAY)
    mark(session, made[1], "agreed", MONDAY)
    mark(session, made[1], "done", MONDAY)
    session.flush()
    slots = {a.id: a.on_day for a in made}
    moved = revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    found = following.following(session, moved, rows, MONDAY)
    assert found.days == 7
    assert len(found.moving) == 7  # the one that is done stays where it was
    with pytest.raises(Conflict, match="Nel frattempo"):
        following.apply(session, found, "another mark")
    assert following.apply(session, found, found.mark) == 7
    for entry in made:
        session.refresh(entry)
    assert made[0].state == "moved"
    assert made[2].state == "proposed"
    assert made[1].on_day == slots[made[1].id]
    assert all(a.on_day == slots[a.id] + 7 * DAY for a in made if a is not made[1])
    assert following.former_slots(session, [made[0].id]) == {made[0].id: (MONDAY, "")}
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    assert following.following(session, moved, rows, MONDAY).shifts == ()


def test_a_longer_phase_moves_nobody(
    session: Session, revision: PhaseRevision, made: list[Appointment]
) -> None:
    draft = draft_of(session, revision)
    draft = replace(draft, ends_on=draft.ends_on + 7 * DAY)
    longer = revise_phase(session, revision.phase, draft)
    rows = lists.of_phase(session, revision.phase_id, MONDAY, protected=True)
    found = following.following(session, longer, rows, MONDAY)
    assert (len(found.kept), found.moving, found.days) == (8, [], None)


def test_what_waits_is_counted_for_who_may_see_it(
    session: Session, world: World, revision: PhaseRevision, made: list[Appointment]
) -> None:
    revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    session.flush()
    soon = MONDAY + 7 * DAY
    quarter_id = world.quarter.id
    count = {
        protected: following.pressing(session, quarter_id, MONDAY, soon, protected=protected)
        .waiting[0]
        .to_follow
        for protected in (True, False)
    }
    # The empty flat and the protected household are counted for coordinators only.
    assert count == {True: 8, False: 6}
