"""The start page: what cannot wait, each with a link to the work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.desk.todo import tasks
from geo_service.works.service import add_phases, confirm, seal
from layers.impacts.models import ImpactRun
from layers.sites import Permit, PhaseRevision
from tests.geo_service.builders import MONDAY, World, week_draft

Works = tuple[World, dict[str, PhaseRevision]]
WEEK = dt.timedelta(days=7)


def _said(session: Session, world: World, today: dt.date = MONDAY) -> dict[tuple[str, str], str]:
    return {(t.what, t.phase): t.words for t in tasks(session, world.quarter.id, today)}


def test_a_phase_is_announced_two_weeks_before(session: Session, works: Works) -> None:
    world, _ = works
    said = _said(session, world)
    assert said["announce", "A2 Demolizione"] == "va annunciata entro oggi"
    assert said["announce", "A1 Scavo"] == "è iniziata senza annuncio"
    tomorrow = _said(session, world, MONDAY + dt.timedelta(days=1))
    assert tomorrow["announce", "A2 Demolizione"] == "andava annunciata entro lun 2 mar"
    assert (
        "va annunciata entro" in _said(session, world, MONDAY - WEEK)["announce", "A2 Demolizione"]
    )
    assert ("announce", "A2 Demolizione") not in _said(session, world, MONDAY - 2 * WEEK)


def test_what_was_announced_is_done(session: Session, works: Works) -> None:
    world, revisions = works
    seal(session, revisions["A2"], "announced")
    session.flush()
    assert ("announce", "A2 Demolizione") not in _said(session, world)


def test_a_phase_without_a_confirmed_end_is_late(session: Session, works: Works) -> None:
    world, revisions = works
    after = MONDAY + 2 * WEEK
    assert "nessuno ha confermato la fine" in _said(session, world, after)["late", "A1 Scavo"]
    confirm(session, revisions["A1"], after, author="DL")
    session.flush()
    assert ("late", "A1 Scavo") not in _said(session, world, after)


def test_an_estimated_start_within_a_week_asks_to_be_confirmed(
    session: Session, works: Works
) -> None:
    world, _ = works
    assert ("estimated", "A2 Demolizione") not in _said(session, world)
    assert ("estimated", "A2 Demolizione") in _said(session, world, MONDAY + WEEK)


@pytest.mark.parametrize(("state", "open_"), [("pending", True), ("granted", False)])
def test_a_permit_that_is_not_there(
    session: Session, works: Works, state: str, open_: bool
) -> None:
    world, revisions = works
    phase = revisions["A2"].phase
    permit = Permit(site_id=phase.site_id, phases=[phase], kind="noise_derogation", state=state)
    session.add(permit)
    session.flush()
    assert (("permit", "A2 Demolizione") in _said(session, world)) is open_


def test_a_phase_of_another_quarter_is_not_listed(session: Session, works: Works) -> None:
    assert tasks(session, works[0].quarter.id + 1_000, MONDAY) == []


def test_the_page_leads_to_the_notice_list(
    staff: Callable[[str], TestClient], works: Works
) -> None:
    page = staff("operator").get("/oggi").text
    assert f'href="/fasi/{works[1]["A2"].phase_id}/avvisi"' in page
    assert "va annunciata entro oggi" in page


def test_a_phase_that_hits_nobody_need_not_be_announced(session: Session, works: Works) -> None:
    world, _ = works
    (added,) = add_phases(
        session, world.site, [("A9", "Ufficio", week_draft())], author="prova", reason="prova"
    )
    # Not computed yet: it may hit somebody.
    assert ("announce", "A9 Ufficio") in _said(session, world)
    session.add(ImpactRun(revision_id=added.id, engine_version="test", methods={}, seconds=0.1))
    session.flush()
    assert ("announce", "A9 Ufficio") not in _said(session, world)
