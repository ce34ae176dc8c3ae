"""Dependencies between phases: kept in a quarter, without rings, and what a move breaks."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.history import HistoryEntry
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import inclusive
from geo_service.works.service import add_phase, archive_site, create_site
from geo_service.works.timelines.dependencies import links_into, network, set_links
from geo_service.works.timelines.dependency_days import Link
from geo_service.works.timelines.followers import NOTHING, consequences
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, area, week_draft
from tests.geo_service.pages import make_works
from tests.geo_service.works.timelines.test_timeline import _fields, _versions

Works = tuple[World, dict[str, PhaseRevision]]
WEEK = dt.timedelta(days=7)


@pytest.fixture
def chain(session: Session, works: Works) -> Works:
    """A2 waits for the end of A1; A3, thirty weeks later, for the end of A2."""
    world, found = works
    ids = {code: r.phase_id for code, r in found.items()}
    set_links(session, world.quarter.id, {
        ids["A2"]: [Link(ids["A1"], ids["A2"])],
        ids["A3"]: [Link(ids["A2"], ids["A3"], "FS", 2)],
    })  # fmt: skip
    session.commit()
    return works


@pytest.fixture
def elsewhere(session: Session, works: Works) -> PhaseRevision:
    """B1, on a site of its own in the third week, waits for the end of A1."""
    world, found = works
    site = create_site(
        session, world.quarter.id, code="B", name="Altro", footprint=area(0, 40, 9, 9)
    )
    b1 = add_phase(session, site, code="B1", name="Ponteggio", draft=week_draft(MONDAY + 2 * WEEK))
    a1 = found["A1"].phase_id
    set_links(session, world.quarter.id, {b1.phase_id: [Link(a1, b1.phase_id)]})
    session.commit()
    return b1


def test_a_ring_is_refused_and_named(session: Session, chain: Works) -> None:
    world, found = chain
    a1, a3 = found["A1"].phase_id, found["A3"].phase_id
    with pytest.raises(Invalid, match=r"A\d → A\d → A\d → A\d"):
        set_links(session, world.quarter.id, {a1: [Link(a3, a1)]})
    assert links_into(session, a1) == []


def test_a_phase_waits_only_within_its_quarter(session: Session, works: Works) -> None:
    world, found = works
    _other, others = make_works(session, "zona")
    here, there = found["A1"].phase_id, others["A1"].phase_id
    with pytest.raises(Invalid, match="stesso quartiere"):
        set_links(session, world.quarter.id, {here: [Link(there, here)]})
    with pytest.raises(Invalid, match="sé stessa"):
        set_links(session, world.quarter.id, {here: [Link(here, here)]})


@pytest.mark.parametrize(("kind", "lag"), [("XX", 0), ("FS", 5000)])
def test_what_is_no_dependency_is_refused(
    session: Session, works: Works, kind: str, lag: int
) -> None:
    world, found = works
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    with pytest.raises(Invalid, match="A1"):
        set_links(session, world.quarter.id, {a2: [Link(a1, a2, kind, lag)]})


def test_the_history_tells_what_a_phase_waits_for(session: Session, chain: Works) -> None:
    world, found = chain
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    assert set_links(session, world.quarter.id, {a2: [Link(a1, a2, "SS", 3)]})
    assert not set_links(session, world.quarter.id, {a2: [Link(a1, a2, "SS", 3)]})
    entries = session.scalars(
        select(HistoryEntry).where(
            HistoryEntry.action == "phase.linked", HistoryEntry.subject_id == a2
        ).order_by(HistoryEntry.id)
    ).all()  # fmt: skip
    assert [e.changes["predecessors"] for e in entries] == [[None, "A1 FS"], ["A1 FS", "A1 SS+3"]]


def test_a_move_that_breaks_a_link_says_so_and_names_the_followers(
    session: Session, chain: Works
) -> None:
    world, found = chain
    a1, a2 = found["A1"], found["A2"]
    # A1 ends in the second week; pushed by three it ends a week after A2 began.
    dates = {a1.phase_id: (MONDAY + 2 * WEEK, MONDAY + 4 * WEEK - dt.timedelta(days=3))}
    told = consequences(session, world.quarter.id, dates)
    assert told.sentences == (
        "A2 Demolizione comincia lun 16 mar 2026, ma aspetta la fine di A1 Scavo "
        "(ven 27 mar 2026): può cominciare da lun 30 mar 2026.",
    )
    assert [f.revision.id for f in told.followers] == [a2.id]
    # Three weeks of work from 30 March on, Easter Monday between.
    assert told.followers[0].first == dt.date(2026, 3, 30)
    assert told.followers[0].last == dt.date(2026, 4, 20)
    assert told.open_question("")
    assert not told.open_question("no")
    assert told.accepted("no") == ()
    assert told.accepted(told.token) == told.followers


def test_a_follower_on_another_site_gets_a_version_of_its_own(
    session: Session, editor: TestClient, works: Works, elsewhere: PhaseRevision
) -> None:
    world, found = works
    a1, b1 = found["A1"].phase_id, elsewhere.phase_id
    other = elsewhere.phase.site
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    page = editor.get(address).text
    typed = _fields(page) | {f"al_{a1}": "2026-03-18", "motivo": "pioggia"}
    asked = editor.post(address, data=typed)
    assert asked.status_code == 409
    assert "B1 Ponteggio (B) comincia lun 16 mar" in asked.text
    assert _versions(session, world.site.id) == 1
    token = html.unescape(re.search(r'name="seguono" value="([^"n][^"]*)"', asked.text)[1])  # type: ignore[index]
    answer = editor.post(address, data=_fields(asked.text) | {"seguono": token})
    assert answer.status_code == 303, answer.text
    assert _versions(session, world.site.id) == 2
    assert _versions(session, other.id) == 2
    session.expire_all()
    moved = inclusive(revision_of_phase(session, b1).period)
    assert moved == (dt.date(2026, 3, 19), dt.date(2026, 3, 25))
    assert network(session, world.quarter.id).broken_by({a1: moved}) != []


def test_phases_of_archived_sites_neither_hold_nor_follow(
    session: Session, editor: TestClient, works: Works, elsewhere: PhaseRevision
) -> None:
    world, found = works
    a1, b1 = found["A1"].phase_id, elsewhere.phase_id
    other = elsewhere.phase.site
    form = f"/fasi/{found['A2'].phase_id}/modifica"
    assert "B: B1 Ponteggio" in editor.get(form).text
    later = {a1: (MONDAY + 2 * WEEK, MONDAY + 3 * WEEK)}
    assert consequences(session, world.quarter.id, later).followers
    archive_site(session, other, MONDAY)
    session.commit()
    assert consequences(session, world.quarter.id, later) == NOTHING
    assert "B: B1 Ponteggio" not in editor.get(form).text
    # Nor are they lost: the site may come back.
    assert links_into(session, b1) == [Link(a1, b1)]


def test_followers_stay_where_the_person_says_so(
    session: Session, editor: TestClient, chain: Works
) -> None:
    world, found = chain
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    typed = _fields(editor.get(address).text) | {f"al_{a1}": "2026-03-20", "motivo": "pioggia"}
    before = inclusive(found["A2"].period)
    answer = editor.post(address, data=typed | {"seguono": "no"})
    assert answer.status_code == 303
    session.expire_all()
    assert inclusive(revision_of_phase(session, a2).period) == before
    # From now on the schedule itself shows the broken link.
    page = editor.get(address).text
    links = re.search(r'id="timeline-links">(.*?)</script>', page)
    assert links
    assert '"broken": true' in links[1]


def test_other_followers_than_those_confirmed_are_asked_for_again(
    session: Session, editor: TestClient, chain: Works
) -> None:
    world, found = chain
    a1 = found["A1"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    typed = _fields(editor.get(address).text) | {f"al_{a1}": "2026-03-20", "motivo": "pioggia"}
    answer = editor.post(address, data=typed | {"seguono": f"{a1}:1:2026-01-01:2026-01-02"})
    assert answer.status_code == 409
    assert _versions(session, world.site.id) == 1


def test_the_timeline_tells_beforehand_whom_a_move_touches(
    editor: TestClient, chain: Works
) -> None:
    world, found = chain
    a1 = found["A1"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    page = editor.get(address).text
    assert "comincia dopo la fine di A1 Scavo" in page
    assert "2 giorni di lavoro dopo" in page
    typed = _fields(page) | {f"dal_{a1}": "2026-03-09", f"al_{a1}": "2026-03-20"}
    told = editor.post(f"{address}/effetto", data=typed)
    assert told.status_code == 200
    assert "Nessuno cambia livello." in told.text
    assert "nuclei hanno gli stessi disagi in altri giorni" in told.text
    assert "A2 Demolizione comincia lun 16 mar 2026" in told.text
    assert "data-follow" in told.text
    wrong = editor.post(f"{address}/effetto", data=typed | {f"al_{a1}": "2026-13-45"})
    assert wrong.status_code == 200
    assert "Serve una data." in wrong.text
    whole = editor.post("/cronoprogramma/effetto", data=typed)
    assert "Nessuno cambia livello." in whole.text
