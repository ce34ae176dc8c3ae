"""What a resident reads about their building, and what nobody may read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account
from geo_service.portal.service import Fact, outlook
from geo_service.works.drafts import CutDraft
from geo_service.works.service import add_phase, confirm
from layers.impacts.models import ImpactRun
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, make_far_building, week_draft
from tests.geo_service.pages import add_impacts

Works = tuple[World, dict[str, PhaseRevision]]


def _section(page: str, name: str) -> str:
    found = re.search(rf'id="span-{name}".*?</section>', page, flags=re.S)
    assert found
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", "", found.group()))


def test_today_tells_what_when_and_what_to_prepare(anonymous: TestClient, works: Works) -> None:
    page = anonymous.get("/e/TESTP2").text
    today = _section(page, "today")
    assert "Acqua chiusa 8:30–12:30" in today
    assert "fino a ven 6 mar" in today
    assert "Cosa preparare: Tenete da parte acqua" in today
    assert "Rumore forte di giorno" not in today
    assert "Rumore forte" in today
    assert "lun–ven 8:00–12:00 e 14:00–17:00" in today
    assert "data confermata" in today
    assert "Passaggio a nord" in today


def test_what_comes_later_stands_later(anonymous: TestClient, works: Works) -> None:
    page = anonymous.get("/e/TESTP3").text
    assert "Rumore lieve" in _section(page, "today")
    assert "Niente di nuovo" in _section(page, "soon")
    assert "Polvere: livello medio" in _section(page, "later")
    assert "data indicativa" in _section(page, "later")


def test_the_day_decides(app: FastAPI, anonymous: TestClient, works: Works) -> None:
    app.state.today = lambda: MONDAY + dt.timedelta(days=12)
    page = anonymous.get("/e/TESTP3").text
    assert "Oggi nessun lavoro" in _section(page, "today")
    assert "Polvere" in _section(page, "soon")


def test_works_that_are_not_computed_yet_never_read_as_nothing(
    anonymous: TestClient, works: Works, session: Session
) -> None:
    world, found = works
    unfinished = "Un lavoro appena inserito non è ancora stato calcolato"
    # The works of next winter are not computed either: they are no matter of the coming weeks.
    assert unfinished not in anonymous.get("/e/TESTP3").text
    session.query(ImpactRun).filter_by(revision_id=found["A1"].id).update({"in_force": False})
    make_far_building(session, world)
    page = anonymous.get("/e/TESTP3").text
    assert f"{unfinished}: questa pagina può cambiare." in page
    assert "Per ora non risulta altro." in _section(page, "today")
    assert "Oggi nessun lavoro" not in page
    assert unfinished not in anonymous.get("/e/TESTP9").text
    assert "Oggi nessun lavoro" in anonymous.get("/e/TESTP9").text


def test_a_delegate_reads_what_is_not_computed_yet(
    staff: Callable[[str], TestClient], works: Works, session: Session
) -> None:
    world, found = works
    session.query(ImpactRun).filter_by(revision_id=found["A1"].id).delete()
    session.query(ImpactRun).filter_by(revision_id=found["A2"].id).delete()
    browser = staff("delegate")
    own = session.query(Account).filter_by(role="delegate").one()
    own.stairwell_id = world.stairwells[1].id
    session.commit()
    page = browser.get("/mia-scala").text
    assert "Un lavoro appena inserito non è ancora stato calcolato" in page
    assert page.count("Per ora non risulta niente.") == 4
    assert "Nelle prossime otto settimane nessuna." not in page


def test_nothing_about_flats_persons_or_counts(anonymous: TestClient, works: Works) -> None:
    page = anonymous.get("/e/TESTP2").text
    text = re.sub("<[^>]+>", " ", re.sub(r"<script.*?</script>", "", page, flags=re.S))
    assert "Famiglia" not in text
    assert not re.search(r"nucle[oi]", text)
    assert not re.search(r"int\. ?\d|\d+ alloggi", text)
    assert "dB" not in text
    assert not re.search(r'"flats": ?\d', page)
    assert "household" not in page


def test_moves_are_never_public(anonymous: TestClient, works: Works, session: Session) -> None:
    world, revisions = works
    before = anonymous.get("/e/TESTP2").text
    add_impacts(session, revisions["A2"], "relocation", [(world.flats[0], 4)])
    session.commit()
    after = anonymous.get("/e/TESTP2").text
    assert _section(before, "later") == _section(after, "later")
    listed = anonymous.get("/mappa?vista=elenco&dal=2026-03-16&tipo=relocation").text
    assert "Mobilità" not in listed


def test_no_public_address_changes_when_a_building_is_emptied(
    anonymous: TestClient, works: Works, session: Session
) -> None:
    world, revisions = works
    places = (
        "/", "/mappa?dal=2026-03-16", "/mappa?vista=elenco&dal=2026-03-16",
        "/mappa?dal=2026-03-16&tipo=relocation&zona=relocation",
        "/cerca?q=mulini", "/e/TESTP2", "/e/TESTP3", "/open/buildings.geojson",
        f"/tiles/public/{world.quarter.id}/{world.quarter.map_version}/buildings/14/8610/5839.mvt",
    )  # fmt: skip

    def read() -> dict[str, bytes]:
        """What each address answers, without what differs from one answer to the next."""
        return {
            place: re.sub(rb"[A-Za-z0-9_-]{22,}|[0-9a-f]{32}", b"", anonymous.get(place).content)
            for place in places
        }

    before = read()
    add_impacts(session, revisions["A2"], "relocation", [(flat, 4) for flat in world.flats])
    session.commit()
    after = read()
    for place in places:
        assert before[place] == after[place], place
    add_impacts(session, revisions["A2"], "vibration", [(flat, 4) for flat in world.flats])
    session.commit()
    assert read()[places[2]] != before[places[2]]


def _cut(world: World, session: Session, stairwells: tuple[int, ...]) -> None:
    cut = CutDraft("power", MONDAY, MONDAY, stairwells, dt.time(9), dt.time(10))
    add_phase(session, world.site, code="X", name="Quadro", draft=week_draft(cuts=(cut,)))


@pytest.mark.parametrize(("occupied", "named"), [(4, False), (5, True)])
def test_a_stairwell_is_named_from_five_occupied_flats_on(
    works: Works, session: Session, occupied: int, named: bool
) -> None:
    world, _ = works
    building = world.buildings[0]
    _more_stairwells(session, world, occupied)
    second = sorted(building.stairwells, key=lambda s: s.label)[-1]
    _cut(world, session, (second.id,))
    facts = [f for w in outlook(session, building, MONDAY).today for f in w.facts]
    power = next(f for f in facts if f.aspect == "power")
    assert power.stairwells == (("B",) if named else ())


def _more_stairwells(session: Session, world: World, occupied: int) -> None:
    from sqlalchemy.dialects.postgresql import Range

    from geo_service.households.models import Household, Stay
    from layers.buildings import Flat, Stairwell

    stairwell = Stairwell(building_id=world.buildings[0].id, label="B")
    session.add(stairwell)
    session.flush()
    for number in range(6):
        flat = Flat(stairwell_id=stairwell.id, number=str(number))
        session.add(flat)
        session.flush()
        if number < occupied:
            household = Household(quarter_id=world.quarter.id, code=f"B{number}")
            session.add(household)
            session.flush()
            period = Range(dt.date(2020, 1, 1), None)
            session.add(Stay(household_id=household.id, flat_id=flat.id, period=period))
    session.flush()
    session.expire(world.buildings[0], ["stairwells"])


def test_last_verified_is_told(anonymous: TestClient, works: Works, session: Session) -> None:
    confirm(session, works[1]["A1"], dt.date(2026, 2, 27))
    session.commit()
    assert "verificata ven 27 feb" in anonymous.get("/e/TESTP2").text


def test_a_small_letter_code_leads_to_the_page(anonymous: TestClient, works: Works) -> None:
    assert anonymous.get("/e/testp2").headers["location"] == "/e/TESTP2"


@pytest.mark.parametrize("code", ["NULLA1", "x" * 300, "%00", "'; drop table building"])
def test_an_unknown_code_leads_to_the_search(
    anonymous: TestClient, works: Works, code: str
) -> None:
    answer = anonymous.get(f"/e/{code}")
    assert answer.status_code == 404
    assert 'action="/cerca"' in answer.text


def test_the_synthetic_ribbon_is_worn(anonymous: TestClient, works: Works) -> None:
    for page in ("/", "/cerca?q=mulini", "/e/TESTP2", "/mappa", "/mappa?vista=elenco"):
        assert "Dati di prova" in anonymous.get(page).text, page


def test_hostile_names_stay_text(
    anonymous: TestClient, works: Works, session: Session,
    staff: Callable[[str], TestClient],
) -> None:  # fmt: skip
    hostile = "</script><script>alert(1)</script>`${x}`\"'"
    world, revisions = works
    world.buildings[0].name = hostile
    world.site.name = hostile
    revisions["A1"].phase.name = hostile
    session.commit()
    browser = staff("coordinator")
    phase = revisions["A1"].phase_id
    for page in ("/e/TESTP2", "/mappa", "/cerca?q=mulini", "/"):
        assert "<script>alert" not in anonymous.get(page).text, page
    staff_pages = ("/oggi", "/cantieri", f"/fasi/{phase}", f"/fasi/{phase}/avvisi", "/edifici")
    for page in staff_pages:
        answer = browser.get(page)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text, page


def test_a_holiday_without_works_is_quiet() -> None:
    christmas = dt.date(2026, 12, 25)
    week = {"starts_on": dt.date(2026, 12, 21), "ends_on": dt.date(2026, 12, 31)}
    assert not Fact("noise", "", 3, **week).acts_on(christmas)
    assert Fact("scaffold", "", 2, **week).acts_on(christmas)
    assert not Fact("noise", "", 3, **week, weekdays=0b0011111).acts_on(dt.date(2026, 12, 26))
