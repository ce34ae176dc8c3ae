"""The derogation annex: who is above the limit, and how often the same people were already."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.disclosure import EVERYBODY
from geo_service.works.derogations.service import annex, limits_of
from layers.impacts.models import Impact, ImpactRun, NoiseLevels
from layers.sites import Permit, PhaseRevision
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import text_of
from tests.geo_service.pages import add_impacts

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
DAY = dt.timedelta(days=1)
# From the level while the machines are on to that of the whole day.
OFFSET_DB = -2.0


@pytest.fixture
def loud(session: Session, works: Works) -> Works:
    """A1 (two weeks from Monday): the first building at 76, the second at 71 dB(A) at work.

    A2 (three weeks, from the third on): the second building at 80.
    """
    world, found = works
    first, second = world.flats[:4], world.flats[4:]
    session.execute(text("delete from impact where kind = 'noise'"))
    add_impacts(session, found["A1"], "noise", [(f, 3) for f in first], "dB(A)", 76 + OFFSET_DB)
    add_impacts(session, found["A1"], "noise", [(f, 2) for f in second], "dB(A)", 71 + OFFSET_DB)
    add_impacts(session, found["A2"], "noise", [(f, 4) for f in second], "dB(A)", 80 + OFFSET_DB)
    for impact in session.query(Impact).filter_by(kind="noise"):
        impact.aspect = "facade"
    for code, levels in (("A1", (76.4, 71.5)), ("A2", (60.0, 80.2))):
        run = session.query(ImpactRun).filter_by(revision_id=found[code].id).one()
        sheet = {"method": "prova", "margin": "±3 dB",
                 "parameters": {"from_working_level_db": {"day": OFFSET_DB}}}  # fmt: skip
        run.methods = {**run.methods, "noise": sheet}
        for building, level in zip(world.buildings, levels, strict=True):
            session.add(
                NoiseLevels(
                    run_id=run.id, building_id=building.id, part_of_day="day",
                    receiver_key="x", level_dba=[level + OFFSET_DB, 40.0],
                )
            )  # fmt: skip
    for household, size in zip(world.households, (1, 2, 3, None, 5, 6, 7), strict=True):
        household.size = size
    session.commit()
    return works


def test_people_are_counted_by_the_level_of_their_own_flat(session: Session, loud: Works) -> None:
    found = annex(session, loud[1]["A1"], 70.0, MONDAY, EVERYBODY)
    assert (found.beyond.households, found.beyond.persons, found.beyond.size_unknown) == (4, 6, 1)
    assert (found.to_verify.households, found.to_verify.persons) == (3, 18)
    first, second = found.buildings
    assert (first.label, first.level_dba) == ("Via dei Mulini 2", 76.4)
    assert second.to_verify.households == 3
    assert second.beyond.households == 0


def test_the_margin_decides_what_is_to_be_verified(session: Session, loud: Works) -> None:
    revision = loud[1]["A1"]
    assert annex(session, revision, 72.9, MONDAY, EVERYBODY).beyond.households == 4
    assert annex(session, revision, 73.0, MONDAY, EVERYBODY).beyond.households == 0
    assert annex(session, revision, 73.0, MONDAY, EVERYBODY).to_verify.households == 7
    quiet = annex(session, revision, 90.0, MONDAY, EVERYBODY)
    assert quiet.buildings == ()
    assert quiet.beyond.households == quiet.to_verify.households == 0


def test_days_of_other_phases_for_the_same_people(session: Session, loud: Works) -> None:
    revision = loud[1]["A1"]
    # Before A2 its fifteen working days are planned; Easter Monday would not count.
    (other,) = annex(session, revision, 70.0, MONDAY, EVERYBODY).others
    assert other.name == "A2 Demolizione"
    assert (other.people.households, other.last_days, other.planned_days) == (3, 0, 15)
    # In the middle of A2, after its first week, five have passed.
    (other,) = annex(session, revision, 70.0, MONDAY + 21 * DAY, EVERYBODY).others
    assert (other.last_days, other.planned_days) == (5, 10)
    # More than a year later nothing of it counts.
    assert annex(session, revision, 70.0, MONDAY + 420 * DAY, EVERYBODY).others == ()


def test_shares_add_up_to_everybody(session: Session, loud: Works) -> None:
    found = annex(session, loud[1]["A1"], 70.0, MONDAY, EVERYBODY)
    everybody = found.beyond.households + found.to_verify.households
    assert sum(s.planned.households for s in found.shares) == everybody
    assert sum(s.last.households for s in found.shares) == everybody
    by_days = {s.least: s.planned.households for s in found.shares}
    assert by_days == {0: 4, 1: 0, 11: 3, 31: 0, 91: 0}


def test_who_moved_in_later_was_not_exposed_before(session: Session, loud: Works) -> None:
    world, found = loud
    movers = world.households[4]
    session.execute(
        text("update stay set period = daterange(:day, null) where household_id = :id"),
        {"day": MONDAY + 25 * DAY, "id": movers.id},
    )
    a1 = annex(session, found["A1"], 70.0, MONDAY, EVERYBODY)
    assert a1.to_verify.households == 2
    # Of A2's fifteen days that household has seen those from its second Friday on.
    a2 = annex(session, found["A2"], 70.0, MONDAY + 60 * DAY, EVERYBODY)
    assert a2.beyond.households == 3
    assert [o.people.households for o in a2.others] == [2]


def test_a_permit_brings_its_own_limit(session: Session, loud: Works) -> None:
    revision = loud[1]["A1"]
    assert limits_of(session, revision).permit is None
    assert limits_of(session, revision).municipal_dba == 70.0
    permit = Permit(site_id=revision.phase.site_id, phases=[revision.phase], number="PROVA-1",
                    kind="noise_derogation", state="granted",
                    conditions={"limit_dba": 75})  # fmt: skip
    session.add(permit)
    session.flush()
    limits = limits_of(session, revision)
    assert (limits.permit_dba, limits.municipal_dba) == (75.0, 70.0)


def test_the_page(staff: Staff, loud: Works) -> None:
    phase = loud[1]["A1"].phase_id
    browser = staff("operator")
    answer = browser.get(f"/fasi/{phase}/deroga")
    assert answer.status_code == 200
    words = text_of(answer.text)
    assert "4 nuclei, 6 persone (più un nucleo di numero ignoto)" in words
    assert re.search(r"Via dei Mulini 2 76,4 4 6 \+ un nucleo di numero ignoto 0 0", words)
    assert re.search(r"A2 Demolizione 3 18 0 15", words)
    assert "<svg" in answer.text
    assert "Population exposed above the limit" in browser.get(f"/fasi/{phase}/deroga?lang=en").text


def test_the_page_without_noise_says_so(staff: Staff, works: Works) -> None:
    answer = staff("coordinator").get(f"/fasi/{works[1]['A3'].phase_id}/deroga")
    assert "Il rumore di questa fase non è calcolato" in answer.text


def test_closed_to_strangers(anonymous: TestClient, works: Works) -> None:
    address = f"/fasi/{works[1]['A1'].phase_id}/deroga"
    assert anonymous.get(address).headers["location"].startswith("/accedi")
