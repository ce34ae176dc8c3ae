"""The history: what is written, that it only grows, that it names nobody, how it reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from html import escape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.accounts.models import Account
from geo_service.accounts.service import create_account
from geo_service.history import Actor, Filter, HistoryEntry, Subject
from geo_service.households.looks import look
from geo_service.works.drafts import PlantDraft
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.sayings import say
from geo_service.works.service import add_phase, confirm, revise_phase
from layers.plant.catalogue import catalogue
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, make_world, week_draft
from tests.geo_service.conftest import csrf_of

Works = tuple[World, dict[str, PhaseRevision]]


def entry(session: Session, **changes: tuple[object, object]) -> HistoryEntry:
    return history.record(session, Actor(), "site.changed", Subject("site", 1, 1), changes)


@pytest.mark.parametrize(
    "statement",
    ["update history set action = 'x'", "delete from history", "truncate history"],
)
def test_it_only_grows(session: Session, statement: str) -> None:
    entry(session, code=("A", "B"))
    with pytest.raises(IntegrityError, match="only added to"):
        session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "update look_log set reason = 'x'",
        "delete from look_log",
        "truncate look_log",
        "truncate appointment_event",
    ],
)
def test_looks_and_events_only_grow_too(session: Session, statement: str) -> None:
    look(session, 1, 1, "needs", 1, "notice")
    with pytest.raises(IntegrityError, match="only added to"):
        session.execute(text(statement))


def test_values_are_kept_as_plain_ones(session: Session) -> None:
    kept = entry(
        session,
        starts_on=(None, MONDAY),
        at=(dt.time(8, 30), None),
        days=((1, 2), {3}),
        text=("x" * 600, True),
    )
    session.refresh(kept)
    assert kept.changes["starts_on"] == [None, "2026-03-02"]
    assert kept.changes["at"] == ["08:30:00", None]
    assert kept.changes["days"] == [[1, 2], [3]]
    assert len(kept.changes["text"][0]) == 500


def test_names_of_people_are_not_written(session: Session) -> None:
    kept = history.record(
        session,
        Actor(),
        "household.changed",
        Subject("household", 1, 1),
        {"name": ("Famiglia Rossi", "Famiglia Bianchi"), "language": ("it", "ar")},
    )
    assert kept.changes == {"name": ["…", "…"], "language": ["it", "ar"]}


def test_an_actor_that_does_not_exist(session: Session) -> None:
    with pytest.raises(history.Invalid):
        history.record(session, Actor("fantasma"), "x", Subject("site"))


def test_difference() -> None:
    assert history.difference({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {
        "a": (1, None),
        "b": (2, 3),
        "c": (None, 4),
    }


def test_reading_newest_first_in_pages(session: Session) -> None:
    ids = [entry(session, code=(n, n + 1)).id for n in range(5)]
    first = history.entries(session, Filter(), limit=3)
    assert [e.id for e in first] == ids[:1:-1]
    rest = history.entries(session, Filter(before_id=first[-1].id), limit=3)
    assert [e.id for e in rest] == ids[1::-1]


def test_reading_what_was_asked(session: Session) -> None:
    own = history.record(session, Actor("account", 7), "x", Subject("site", 1, 1))
    other = history.record(session, Actor("account", 8), "x", Subject("phase", 1, 2))
    nowhere = history.record(session, Actor(), "x", Subject("account", 7))

    def found(**wanted: object) -> set[int]:
        return {e.id for e in history.entries(session, Filter(**wanted))}  # type: ignore[arg-type]

    assert found(account_id=7) == {own.id}
    assert found(subject="phase") == {other.id}
    assert found(subject="site", subject_id=2) == set()
    assert found(quarter_ids=frozenset({1})) == {own.id, nowhere.id}
    assert found(quarter_ids=frozenset({1}), of_no_quarter=False) == {own.id}
    assert found(since=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)) == set()
    assert found(until=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)) == set()


def test_works_stand_in_it(session: Session) -> None:
    world = make_world(session)
    account = create_account(session, "anna@example.org", "operator", None)
    history.act_as(session, Actor("account", account.id))
    revision = add_phase(session, world.site, code="A1", name="Scavo", draft=week_draft())
    later = replace(shifted(draft_of(session, revision), 7), contractor="Impresa Due")
    revised = revise_phase(session, revision.phase, later, reason="pioggia")
    confirm(session, revised, MONDAY, author="DL")
    kept = session.scalars(
        select(HistoryEntry).where(HistoryEntry.subject == "phase").order_by(HistoryEntry.id)
    ).all()
    assert [e.action for e in kept] == ["phase.added", "phase.revised", "phase.confirmed"]
    assert {(e.actor, e.actor_id) for e in kept} == {("account", account.id)}
    assert {(e.subject_id, e.quarter_id) for e in kept} == {(revision.phase_id, world.quarter.id)}
    assert kept[1].changes == {
        "starts_on": ["2026-03-02", "2026-03-09"],
        "ends_on": ["2026-03-06", "2026-03-13"],
        "contractor": [None, "Impresa Due"],
        "reason": [None, "pioggia"],
    }
    assert kept[2].changes == {"confirmed_on": [None, "2026-03-02"]}


def test_the_page_reads_in_words(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    browser = staff("coordinator")
    account = session.scalars(select(Account)).one()
    account.name = "Anna Coordina"
    history.act_as(session, Actor("account", account.id))
    revision = works[1]["A1"]
    revise_phase(session, revision.phase, shifted(draft_of(session, revision), 7))
    session.commit()
    page = browser.get("/cronologia").text
    assert "Anna Coordina</strong> ha cambiato la fase A A1 Scavo" in page
    assert "inizio: da lun 2 mar 2026 a lun 9 mar 2026" in page
    assert "Comando del servizio</strong> ha creato il cantiere A Cantiere" in page
    english = browser.get("/cronologia?lang=en").text
    assert "changed the phase A A1 Scavo" in english
    assert "start: from Mon 2 Mar 2026 to Mon 9 Mar 2026" in english


def test_lists_of_facts_read_in_words(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    code, machine = next(iter(catalogue().items()))
    draft = replace(draft_of(session, works[1]["A1"]), plant=(PlantDraft(code, on_time=0.5),))
    added = add_phase(session, works[0].site, code="A9", name="Altro", draft=draft)
    session.commit()
    page = staff("coordinator").get(f"/cronologia?tipo=phase&numero={added.phase_id}").text
    assert "orari: lun–ven 8:00–17:00; lun–ven 8:00–12:00 e 14:00–17:00 (rumorosi)" in page
    assert "sospensioni (scale): acqua lun 2 mar 2026 – ven 6 mar 2026 08:30–12:30 (1)" in page
    assert escape(f"macchine: 1 × {machine.name_it}, 50%") in page
    assert page.index("inizio:") < page.index("fine:") < page.index("orari:")
    for bare in (code, "footway", "water"):
        assert bare not in page, bare


def test_the_page_filters_and_pages(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    browser = staff("coordinator")
    for _n in range(60):
        confirm(session, works[1]["A2"], MONDAY)
    session.commit()
    first = browser.get("/cronologia?tipo=phase&lang=it").text
    assert first.count("</strong> ha confermato") == 50
    assert "ha creato il cantiere" not in first.split("</form>")[-1]
    older = first.split('class="pager"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert "tipo=phase" in older
    second = browser.get(older).text
    assert second.count("</strong> ha confermato") == 10
    assert second.count("</strong> ha aggiunto la fase") == 3
    number = works[1]["A1"].phase_id
    one = browser.get(f"/cronologia?tipo=phase&numero={number}").text
    assert "</strong> ha confermato" not in one
    assert "Nessun cambiamento" in browser.get("/cronologia?al=2020-01-01").text
    for nonsense in ("persona=x", "dal=domani", "prima=-1", "numero=" + "9" * 30, "al=9999-12-31"):
        assert browser.get(f"/cronologia?{nonsense}").status_code == 200, nonsense


def test_it_is_read_with_few_queries(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    browser = staff("coordinator")
    for revision in works[1].values():
        for _n in range(15):
            confirm(session, revision, MONDAY)
    session.commit()
    statements: list[str] = []
    connection = session.connection()

    def count(_c: object, _k: object, statement: str, *_rest: object) -> None:
        if not statement.upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(statement)

    event.listen(connection, "before_cursor_execute", count)
    try:
        assert browser.get("/cronologia").status_code == 200
    finally:
        event.remove(connection, "before_cursor_execute", count)
    assert len(statements) <= 8, statements


def test_the_history_is_filtered_and_downloaded(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    confirm(session, works[1]["A1"], MONDAY)
    session.commit()
    browser = staff("coordinator")
    address = "/cronologia?azione=phase.confirmed&tipo=phase"
    page = browser.get(address).text
    assert "ha confermato che è ancora valida la fase A A1 Scavo" in page
    assert "ha aggiunto la fase A A1" not in page.split("<section", 1)[1]
    table = browser.get(address.replace("?", "/esporta.csv?"))
    assert table.headers["content-type"].startswith("text/csv")
    rows = table.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "Quando;Chi;Che cosa;Da … a …"
    assert len(rows) == 2
    assert "ancora valida" in rows[1]
    newest = session.scalars(select(HistoryEntry).order_by(HistoryEntry.id.desc())).first()
    assert newest.action == "history.exported"
    assert newest.changes["rows"] == [None, 1]
    assert staff("operator").get("/cronologia/esporta.csv").status_code == 403


def test_who_was_forgotten_stays_as_a_number(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    gone = create_account(session, "anna@example.org", "operator", None, "Anna Bianchi")
    history.act_as(session, Actor("account", gone.id))
    confirm(session, works[1]["A1"], MONDAY)
    gone.name, gone.email = "", f"persona-{gone.id}@persona.invalid"
    session.commit()
    browser = staff("coordinator")
    page = browser.get(f"/cronologia?persona={gone.id}").text
    assert f"persona {gone.id}" in page
    assert "Anna" not in page
    assert f"persona {gone.id}" in browser.get("/cronologia/esporta.csv").content.decode()


def test_a_forgotten_person_is_named_on_no_page(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    world, revisions = works
    operator = staff("operator")
    account = session.scalars(select(Account).where(Account.role == "operator")).one()
    account.name = "Nome Daforgettare"
    session.commit()
    phase = revisions["A1"].phase_id
    history.act_as(session, Actor("account", account.id))
    say(session, revisions["A1"], MONDAY, author=account.name)
    revise_phase(
        session, revisions["A2"].phase, shifted(draft_of(session, revisions["A2"]), 7),
        author=account.name, reason="pioggia",
    )  # fmt: skip
    # Written before the person was renamed: the history knows whose it was.
    revise_phase(
        session, revisions["A3"].phase, shifted(draft_of(session, revisions["A3"]), 7),
        author="Nome Diprima", reason="pioggia",
    )  # fmt: skip
    look(session, account.id, world.quarter.id, "needs", world.households[0].id, "notice")
    session.commit()
    site, household = f"/cantieri/{world.site.id}", f"/nuclei/{world.households[0].id}"
    pages = [f"/fasi/{phase}", site, f"{site}/versioni", household, "/cronologia"]
    coordinator, keeper = staff("coordinator"), staff("administrator")
    assert "Nome Da" in coordinator.get(pages[0]).text
    assert "Nome Diprima" in coordinator.get(pages[1]).text
    account.disabled = True
    session.commit()
    token = csrf_of(keeper.get("/persone").text)
    address = f"/persone/{account.id}/svuota"
    assert keeper.post(address, data={"csrf": token}).status_code == 303
    for page in pages:
        answer = coordinator.get(page)
        assert answer.status_code == 200, page
        assert "Nome Da" not in answer.text, page
        assert "Nome Diprima" not in answer.text, page
        assert f"persona {account.id}" in answer.text, page
        assert "persona.invalid" not in answer.text, page
    assert operator.get("/oggi").status_code != 200


def test_of_a_revision_only_the_name_of_its_author_goes(session: Session) -> None:
    world = make_world(session)
    revision = add_phase(session, world.site, code="A1", name="Scavo", draft=week_draft())
    session.execute(text("update phase_revision set author = 'persona 1'"))
    with pytest.raises(IntegrityError, match="never changed"):
        session.execute(text("update phase_revision set author = 'x', reason = 'y'"))
    assert revision.id
