"""Versions of a schedule: their differences in words, and for whom a step changes something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.errors import NotFound
from geo_service.households.disclosure import EVERYBODY
from geo_service.works.drafts import PlantDraft
from geo_service.works.editing.versions import compare, pick, version_lines, versions_of
from geo_service.works.revising.changes import changes, merged
from geo_service.works.revising.saving import compute_later, queued
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from geo_service.works.timelines.dependencies import set_links
from geo_service.works.timelines.dependency_days import Link
from layers.sites import PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.conftest import text_of
from tests.geo_service.pages import add_impacts, postpone_announced

Works = tuple[World, dict[str, PhaseRevision]]


@pytest.fixture
def moved(session: Session, works: Works) -> Works:
    """A1 was announced and moves by a week: it now hits 1–3 as before and 4 no more, but 5."""
    return postpone_announced(session, works, 3)


def test_a_step_tells_who_is_new_gone_moved_and_told(session: Session, moved: Works) -> None:
    found = compare(session, *pick(versions_of(session, moved[0].site.id), None, None), EVERYBODY)
    # Seven households, none in the last flat; the fourth flat is no longer hit.
    assert found.counts == {"new": 0, "gone": 1, "moved": 6}
    assert (found.told, found.tell_again) == (7, 7)
    assert [p.phase.code for p in found.phases] == ["A1"]
    assert found.missing == ()
    by_name = {b.label: b.counts for b in found.buildings}
    assert by_name["Via dei Mulini 2"] == {"new": 0, "gone": 1, "moved": 3}
    assert by_name["Via dei Mulini 4"] == {"new": 0, "gone": 0, "moved": 3}


def test_a_contractor_alone_moves_nobody(session: Session, works: Works) -> None:
    world, revisions = works
    draft = replace(draft_of(session, revisions["A1"]), contractor="Impresa Altra")
    again = revise_phase(session, revisions["A1"].phase, draft, reason="subentro")
    add_impacts(session, again, "noise", [(f, 3) for f in world.flats[:4]], "dB(A)", 71.0)
    add_impacts(session, again, "noise", [(f, 1) for f in world.flats[4:]], "dB(A)", 58.0)
    found = compare(session, *pick(versions_of(session, world.site.id), 1, 2), EVERYBODY)
    assert found.counts == {"new": 0, "gone": 0, "moved": 0}
    assert found.buildings == ()
    [phase] = found.phases
    assert [(c.name, c.after) for c in phase.changes] == [("contractor", "Impresa Altra")]


def test_missing_impacts_are_queued_once_and_said_to_be_computing(
    session: Session, works: Works
) -> None:
    world, revisions = works
    draft = shifted(draft_of(session, revisions["A1"]), 1)
    made = revise_phase(session, revisions["A1"].phase, draft, reason="prova")
    found = compare(session, *pick(versions_of(session, world.site.id), None, None), EVERYBODY)
    assert (found.missing, found.computing) == ((made.id,), False)
    compute_later(session, world.quarter.id, found.missing)
    compute_later(session, world.quarter.id, found.missing)
    assert queued(session, [made.id]) == {made.id}
    assert compare(
        session, *pick(versions_of(session, world.site.id), None, None), EVERYBODY
    ).computing


def test_each_version_is_told_against_the_one_before(session: Session, moved: Works) -> None:
    lines = version_lines(session, versions_of(session, moved[0].site.id))
    assert [line.version.number for line in lines] == [2, 1]
    [phase] = lines[0].phases
    assert phase.announced
    assert {c.name for c in phase.changes} == {"starts_on", "cuts"}
    assert [p.phase.code for p in lines[1].phases] == ["A1", "A2", "A3"]
    assert all(p.before is None for p in lines[1].phases)


def test_a_comparison_needs_two_versions(session: Session, works: Works) -> None:
    with pytest.raises(NotFound):
        pick(versions_of(session, works[0].site.id), None, None)
    with pytest.raises(NotFound):
        pick([], 1, 2)


def test_two_edits_join_field_by_field(session: Session, works: Works) -> None:
    base = draft_of(session, works[1]["A1"])
    theirs = replace(base, contractor="Loro", ends_on=base.ends_on + dt.timedelta(days=2))
    mine = replace(base, contractor="Mio", plant=(PlantDraft("it-trapano"),))
    joined = merged(base, theirs, mine)
    assert (joined.draft.contractor, joined.draft.plant) == ("Mio", mine.plant)
    assert joined.draft.ends_on == theirs.ends_on
    assert [(c.name, c.before, c.after) for c in joined.clashes] == [("contractor", "Loro", "Mio")]
    assert changes(base, base) == []


def test_the_pages_say_it(staff: Callable[[str], TestClient], moved: Works) -> None:
    site_id = moved[0].site.id
    browser = staff("office")
    listed = browser.get(f"/cantieri/{site_id}/versioni")
    assert listed.status_code == 200
    assert "pioggia" in listed.text
    assert "era già annunciata" in listed.text
    page = browser.get(f"/cantieri/{site_id}/versioni/confronto?da=1&a=2")
    assert page.status_code == 200
    assert "Almeno 5 nuclei già avvisati vanno avvisati di nuovo." in page.text
    assert browser.get(f"/cantieri/{site_id}/versioni/confronto?da=1&a=9").status_code == 404


def test_a_step_that_touches_nobody_is_told_too(
    session: Session, staff: Callable[[str], TestClient], works: Works
) -> None:
    world, revisions = works
    draft = replace(draft_of(session, revisions["A3"]), contractor="Impresa Altra")
    revise_phase(session, revisions["A3"].phase, draft, reason="subentro")
    session.commit()
    page = staff("operator").get(f"/cantieri/{world.site.id}/versioni/confronto")
    assert page.status_code == 200
    assert "Impresa: Impresa Altra" in page.text
    found = compare(session, *pick(versions_of(session, world.site.id), None, None), EVERYBODY)
    assert found.counts == {"new": 0, "gone": 0, "moved": 0}


def test_dependencies_that_changed_stand_beside_the_dates(
    session: Session, editor: TestClient, moved: Works
) -> None:
    world, found = moved
    a1, a2, a3 = (found[c].phase_id for c in ("A1", "A2", "A3"))
    set_links(session, world.quarter.id, {a2: [Link(a1, a2)], a3: [Link(a1, a3, "SS", 2)]})
    set_links(session, world.quarter.id, {a3: []})
    # All of a test is one transaction, so one instant: versions are dated by hand.
    first, second = reversed(versions_of(session, world.site.id))
    first.recorded_at, second.recorded_at = (
        second.recorded_at - dt.timedelta(days=2), second.recorded_at - dt.timedelta(days=1),
    )  # fmt: skip
    session.commit()
    page = text_of(editor.get(f"/cantieri/{world.site.id}/versioni/confronto").text)
    assert "Dipendenze cambiate di una fase" in page
    told = "A2 Demolizione : comincia dopo la fine di A1; prima non aspetta nulla"
    assert told in page
    # What came and went in between is no change, and a version after it has its own.
    assert "A3 Asfalto : " not in page
    revise_phase(session, found["A2"].phase, draft_of(session, found["A2"]), reason="dopo")
    session.commit()
    newest = versions_of(session, world.site.id)[0]
    newest.recorded_at += dt.timedelta(days=1)
    session.commit()
    address = f"/cantieri/{world.site.id}/versioni/confronto"
    assert told not in text_of(editor.get(f"{address}?da=1&a=2").text)
    assert told in text_of(editor.get(f"{address}?da=2&a=3").text)
