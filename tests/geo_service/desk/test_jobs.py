"""The page of background work: who sees what, how far it is, stopping and trying again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo_service import history, jobs
from geo_service.accounts.models import Account, AccountAssignment
from geo_service.history import HistoryEntry
from geo_service.works.tasks import recompute_later
from tests.geo_service.builders import World, make_world
from tests.geo_service.conftest import csrf_of

PAGE = "/elaborazioni"
Staff = Callable[[str], TestClient]


@pytest.fixture
def world(works: tuple[World, Any]) -> World:
    return works[0]


def send(browser: TestClient, address: str, **fields: str) -> Any:
    return browser.post(address, data={"csrf": csrf_of(browser.get("/profilo").text), **fields})


def queued(session: Session, world: World, account: Account | None = None) -> int:
    if account is not None:
        history.act_as(session, history.Actor("account", account.id))
    job_id = recompute_later(session, world.quarter.id, building_id=world.buildings[0].id)
    session.commit()
    return job_id


def status(session: Session, job_id: int, word: str) -> None:
    """Let the queue hold the job in a state that only a worker would bring about."""
    query = "update procrastinate_jobs set status = cast(:word as procrastinate_job_status)"
    session.execute(text(f"{query} where id = :id"), {"word": word, "id": job_id})
    session.commit()


def test_nothing_to_do_is_said(staff: Staff, world: World) -> None:
    assert "Nessuna elaborazione" in staff("coordinator").get(PAGE).text


def test_a_computation_is_asked_for_once(staff: Staff, world: World, session: Session) -> None:
    browser = staff("coordinator")
    for _ in range(2):
        assert send(browser, f"{PAGE}/ricalcola").headers["location"] == f"{PAGE}?ricalcolo=1"
    page = browser.get(f"{PAGE}?ricalcolo=1").text
    assert page.count("Calcolo dei disagi di tutte le fasi") == 1
    assert "tutto il quartiere" in page
    assert "coordinator@example.org" in page
    told = session.scalars(select(HistoryEntry.action)).all()
    assert "impacts.recompute_asked" in told
    one = send(browser, f"{PAGE}/ricalcola", cantiere=str(world.site.id))
    assert one.status_code == 303
    assert "A Cantiere" in browser.get(PAGE).text
    assert send(browser, f"{PAGE}/ricalcola", cantiere="99999").status_code == 404


def test_progress_is_shown_as_a_bar_with_its_words(
    staff: Staff, world: World, session: Session
) -> None:
    job_id = queued(session, world)
    status(session, job_id, "doing")
    jobs.progress(session, job_id, 3, 12, "fasi calcolate")
    session.commit()
    browser = staff("administrator")
    part = browser.get(f"{PAGE}/{job_id}/stato")
    assert "3 di 12 fasi calcolate" in part.text
    assert 'value="25"' in part.text
    assert "hx-refresh" not in part.headers
    assert "in corso" in part.text
    english = browser.get(f"{PAGE}?lang=en").text
    assert "3 of 12 phases computed" in english


def test_a_job_is_stopped_and_tried_again(staff: Staff, world: World, session: Session) -> None:
    job_id = queued(session, world)
    browser = staff("coordinator")
    assert send(browser, f"{PAGE}/{job_id}/annulla").status_code == 303
    part = browser.get(f"{PAGE}/{job_id}/stato")
    assert "annullato" in part.text
    assert part.headers["hx-refresh"] == "true"
    assert send(browser, f"{PAGE}/{job_id}/annulla").status_code == 409
    assert send(browser, f"{PAGE}/{job_id}/riprova").status_code == 303
    assert "in attesa" in browser.get(f"{PAGE}/{job_id}/stato").text
    assert send(browser, f"{PAGE}/{job_id}/riprova").status_code == 409
    actions = session.scalars(select(HistoryEntry.action)).all()
    assert [a for a in actions if a.startswith("job.")] == ["job.cancelled", "job.retried"]


def test_an_error_stands_in_words_on_the_page(staff: Staff, world: World, session: Session) -> None:
    job_id = queued(session, world)
    status(session, job_id, "failed")
    said = text("update job_progress set error = '<b>La riga 3' where job_id = :id")
    session.execute(said, {"id": job_id})
    session.commit()
    page = staff("coordinator").get(PAGE).text
    assert "non riuscito" in page
    assert "&lt;b&gt;La riga 3" in page
    assert "Riprova" in page


def test_others_see_their_own_jobs_only(
    staff: Staff, world: World, session: Session, account_of: Callable[[str], Account]
) -> None:
    operator = staff("operator")
    theirs = queued(session, world)
    mine = session.scalar(select(Account).where(Account.role == "operator"))
    own = queued(session, world, mine)
    page = operator.get(PAGE).text
    assert page.count("Calcolo dei disagi") == 1
    assert "Annulla" not in page
    assert operator.get(f"{PAGE}/{own}/stato").status_code == 200
    assert operator.get(f"{PAGE}/{theirs}/stato").status_code == 404
    assert send(operator, f"{PAGE}/{own}/annulla").status_code == 403


def test_a_file_is_for_the_one_who_asked(staff: Staff, world: World, session: Session) -> None:
    operator = staff("operator")
    mine = session.scalar(select(Account).where(Account.role == "operator"))
    job_id = queued(session, world, mine)
    jobs.keep_file(session, job_id, "nuclei.csv", "text/csv", b"codice")
    session.commit()
    got = operator.get(f"{PAGE}/{job_id}/file")
    assert (got.content, got.headers["content-type"]) == (b"codice", "text/csv; charset=utf-8")
    assert "Scarica il file" in operator.get(PAGE).text
    coordinator = staff("coordinator")
    assert coordinator.get(f"{PAGE}/{job_id}/file").status_code == 404
    assert "Scarica il file" not in coordinator.get(PAGE).text


@pytest.mark.parametrize(
    ("kind", "coordinator", "exact", "role", "status_code"),
    [
        ("nuclei", True, True, "coordinator", 200),
        ("nuclei", True, True, "operator", 404),
        ("nuclei", False, True, "operator", 200),
        ("alloggi", False, True, "office", 404),
        ("edifici", False, True, "office", 404),
        ("edifici", False, False, "office", 200),
    ],
)
def test_a_file_is_for_who_may_still_see_what_is_in_it(
    staff: Staff, world: World, session: Session,
    kind: str, coordinator: bool, exact: bool, role: str, status_code: int,
) -> None:  # fmt: skip
    browser = staff("coordinator")
    mine = session.scalars(select(Account)).one()
    job_id = queued(session, world, mine)
    job = session.get_one(jobs.JobProgress, job_id)
    job.args = {"kind": kind, "coordinator": coordinator, "wanted": {"exact": exact}}
    jobs.keep_file(session, job_id, f"{kind}.csv", "text/csv", b"codice")
    mine.role = role
    session.commit()
    assert browser.get(f"{PAGE}/{job_id}/file").status_code == status_code


def test_jobs_are_listed_of_the_quarters_that_one_keeps(
    staff: Staff, world: World, session: Session
) -> None:
    other = make_world(session, "altrove")
    browser = staff("coordinator")
    mine = session.scalars(select(Account)).one()
    for quarter, role in ((world.quarter, "coordinator"), (other.quarter, "office")):
        mine.assignments.append(AccountAssignment(quarter_id=quarter.id, role=role))
    recompute_later(session, other.quarter.id, building_id=other.buildings[0].id)
    session.commit()
    assert "Nessuna elaborazione" in browser.get(f"{PAGE}?quartiere=prova").text
    queued(session, world)
    assert browser.get(f"{PAGE}?quartiere=prova").text.count("Calcolo dei disagi delle fasi") == 1
