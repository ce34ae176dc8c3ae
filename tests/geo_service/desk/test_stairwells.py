"""Stairwells: what changes with them is computed again; they end, or are taken out as a slip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.households.models import Stay
from geo_service.jobs import JobProgress
from geo_service.works.drafts import CutDraft
from geo_service.works.service import add_phase, create_site
from layers.buildings import Building, Stairwell
from tests.geo_service.builders import MONDAY, World, area, week_draft
from tests.geo_service.desk.test_building_edit import address_of, fields_of, submit

Staff = Callable[[str], TestClient]


@pytest.fixture
def world(works: tuple[World, Any]) -> World:
    return works[0]


def end_page(stairwell: Stairwell) -> str:
    return f"/edifici/{stairwell.building_id}/scale/{stairwell.id}/chiudi"


def new_stairwell(session: Session, world: World, label: str = "Z") -> Stairwell:
    made = Stairwell(building_id=world.buildings[0].id, label=label)
    session.add(made)
    session.commit()
    return made


@pytest.mark.parametrize(
    ("field", "value"), [("ascensore-{}", "si"), ("gradini-{}", "no"), ("scala-nuova-0", "B")]
)
def test_what_impacts_rest_on_is_computed_again_in_the_same_transaction(
    staff: Staff, world: World, session: Session, field: str, value: str
) -> None:
    changed = {field.format(world.stairwells[0].id): value}
    answer = submit(staff("operator"), address_of(world), **changed)
    assert answer.headers["location"].endswith("?salvato=3")
    (job,) = session.scalars(select(JobProgress))
    assert (job.task, job.args["building_id"]) == ("recompute_many", world.buildings[0].id)


def test_a_phase_far_away_whose_cut_serves_the_stairwell_is_computed_again(
    staff: Staff, world: World, session: Session
) -> None:
    plant = area(450, 450, 40, 40)
    site = create_site(session, world.quarter.id, code="T", name="Centrale", footprint=plant)
    far = week_draft(
        footprint=plant,
        cuts=(CutDraft("heating", MONDAY, MONDAY, (world.stairwells[0].id,)),),
    )  # fmt: skip
    add_phase(session, site, code="T1", name="Centrale termica", draft=far)
    session.commit()
    changed = {f"ascensore-{world.stairwells[0].id}": "si"}
    assert (
        submit(staff("operator"), address_of(world), **changed)
        .headers["location"]
        .endswith("?salvato=4")
    )
    assert (
        submit(staff("coordinator"), address_of(world, n=1), piani="4", altezza="12")
        .headers["location"]
        .endswith("?salvato=3")
    )


def test_another_label_computes_nothing(staff: Staff, world: World, session: Session) -> None:
    changed = {f"scala-{world.stairwells[0].id}": "A bis"}
    answer = submit(staff("operator"), address_of(world), **changed)
    assert answer.headers["location"].endswith("?salvato=0")
    assert session.scalars(select(JobProgress)).all() == []


@pytest.mark.parametrize(
    "change",
    [
        "update building set height_m = 11 where id = :building",
        "update stairwell set lift = true where building_id = :building",
        "update address_point set house_number = '99' where building_id = :building",
        "insert into stairwell (building_id, label) values (:building, 'N')",
        "update building set name = name where id = :building",
    ],
)
def test_a_row_that_anything_wrote_meanwhile_makes_the_form_a_stale_one(
    staff: Staff, world: World, session: Session, change: str
) -> None:
    browser = staff("operator")
    mine = fields_of(browser.get(address_of(world)).text)
    session.execute(text(change), {"building": world.buildings[0].id})
    session.commit()
    answer = browser.post(address_of(world), data={**mine, "nome": "Mio"})
    assert answer.status_code == 409
    assert 'value="Mio"' in answer.text
    now = answer.text.split("Ora è salvato così")[1].split("</section>")[0]
    if "lift" in change:
        assert "Scala A: ascensore sì, senza gradini non noto" in now
    if "address_point" in change:
        assert "Via dei Mulini 99" in now


def test_versions_rise_with_each_change(session: Session, world: World) -> None:
    building, flat = world.buildings[0], world.flats[0]
    before = building.row_version, flat.row_version
    building.name, flat.rooms = "Torre", 3
    session.flush()
    assert (building.row_version, flat.row_version) == (before[0] + 1, before[1] + 1)


def test_a_stairwell_that_was_a_slip_is_taken_out(
    staff: Staff, world: World, session: Session
) -> None:
    slip, building = new_stairwell(session, world), world.buildings[0].id
    browser = staff("coordinator")
    answer = submit(browser, end_page(slip), modo="slip", conferma="1")
    assert answer.headers["location"] == f"/edifici/{building}?salvato=3"
    session.expire_all()
    assert [w.label for w in world.buildings[0].stairwells] == ["A"]
    assert session.scalars(select(JobProgress)).one().args["building_id"] == building
    told = session.scalars(select(HistoryEntry).order_by(HistoryEntry.id.desc())).first()
    assert told is not None
    assert told.action == "building.stairwell_removed"
    assert "registrata per errore" in browser.get("/cronologia").text


def test_what_hangs_on_a_stairwell_keeps_it_from_being_a_slip(
    staff: Staff, world: World, session: Session
) -> None:
    browser, stairwell = staff("coordinator"), world.stairwells[0]
    page = browser.get(end_page(stairwell)).text
    assert "Ha alloggi." in page
    assert "Una fase di lavoro le sospende un servizio." in page
    answer = submit(browser, end_page(stairwell), modo="slip", conferma="1")
    assert answer.status_code == 422
    assert "Non può essere un errore." in answer.text
    session.expire_all()
    assert session.get(Stairwell, stairwell.id) is not None


def test_a_stairwell_ends_with_its_flats_and_leaves_the_lists(
    staff: Staff, world: World, session: Session
) -> None:
    stairwell, building = world.stairwells[0], world.buildings[0]
    new_stairwell(session, world, "B")
    for stay in session.scalars(select(Stay)):
        stay.period = Range(stay.period.lower, MONDAY)
    session.commit()
    browser = staff("coordinator")
    answer = submit(browser, end_page(stairwell), modo="ended", giorno=MONDAY.isoformat(),
                    conferma="1")  # fmt: skip
    assert answer.status_code == 303, answer.text
    session.expire_all()
    assert session.get_one(Stairwell, stairwell.id).closed_on == MONDAY
    assert {flat.closed_on for flat in world.flats[:4]} == {MONDAY}
    assert [w.label for w in session.get_one(Building, building.id).stairwells] == ["B"]
    table = browser.get(f"/edifici/{building.id}").text.split('id="scale"')[1].split("</table>")[0]
    assert '<th scope="row">A</th>' not in table
    assert f'value="{stairwell.id}"' not in browser.get("/nuclei/nuovo").text
    assert browser.get(end_page(stairwell)).status_code == 404
    again = submit(browser, address_of(world), **{"scala-nuova-0": "A"})
    assert again.status_code == 422
    assert "poi chiusa" in again.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"giorno": MONDAY.isoformat()}, "Qualcuno risulta ancora qui"),
        ({"giorno": (MONDAY + dt.timedelta(days=1)).isoformat()}, "deve ancora venire"),
        ({"giorno": "domani"}, "Serve una data"),
        ({"modo": "", "giorno": MONDAY.isoformat()}, "Scegliete una voce"),
        ({"conferma": ""}, "Segnate la casella"),
        ({"prima": "1"}, "ha cambiato questo edificio"),
    ],
)
def test_an_end_that_cannot_be_is_refused(
    staff: Staff, world: World, session: Session, fields: dict[str, str], words: str
) -> None:
    sent = {"modo": "ended", "giorno": MONDAY.isoformat(), "conferma": "1", **fields}
    if not sent["conferma"]:
        del sent["conferma"]
    answer = submit(staff("coordinator"), end_page(world.stairwells[0]), **sent)
    assert answer.status_code == 422
    assert words in answer.text
    session.expire_all()
    assert session.get_one(Stairwell, world.stairwells[0].id).closed_on is None
    assert session.scalars(select(JobProgress)).all() == []


def test_the_same_form_twice_is_done_once(staff: Staff, world: World, session: Session) -> None:
    slip = new_stairwell(session, world)
    browser = staff("coordinator")
    sent = {**fields_of(browser.get(end_page(slip)).text), "modo": "slip", "conferma": "1"}
    first, second = (browser.post(end_page(slip), data=sent) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]


def test_a_stairwell_of_another_building_is_not_found(staff: Staff, world: World) -> None:
    stairwell = world.stairwells[1]
    page = f"/edifici/{world.buildings[0].id}/scale/{stairwell.id}/chiudi"
    assert staff("coordinator").get(page).status_code == 404
