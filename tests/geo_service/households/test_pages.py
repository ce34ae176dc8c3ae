"""Lists and sheets of households and flats: who sees what, what is kept, what is told."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.history import HistoryEntry
from geo_service.households.models import (
    FlatOwner,
    Household,
    HouseholdContact,
    LookLog,
    Need,
    Stay,
    Tenancy,
)
from tests.geo_service.builders import MONDAY, World
from tests.geo_service.conftest import asked, csrf_of

Staff = Callable[[str], TestClient]
MAX_QUERIES = 8


@pytest.fixture
def world(session: Session, works: tuple[World, Any]) -> World:
    """Eight flats, seven households; the sixth stays at a protected address."""
    made = works[0]
    made.households[5].protected = True
    for household, flat in zip(made.households, made.flats, strict=False):
        period = Range(dt.date(2020, 1, 1), None)
        title = Tenancy(household_id=household.id, flat_id=flat.id, title="assignee", period=period)
        session.add(title)
    session.commit()
    return made


def send(browser: TestClient, page: str, address: str, **fields: str) -> Response:
    """Send a form with the token of ``page``."""
    return browser.post(address, data={"csrf": csrf_of(browser.get(page).text), **fields})


def fields_of(household: Household, **changed: str) -> dict[str, str]:
    """The form of a household as it stands, with some fields changed."""
    return {
        "versione": str(household.row_version), "lingua": household.language,
        "canale": household.channel, "persone": "", "nome": "Famiglia", "telefono": "",
        "email": "", **changed,
    }  # fmt: skip


def test_households_are_found_filtered_and_counted(staff: Staff, world: World) -> None:
    browser = staff("coordinator")
    page = browser.get("/nuclei").text
    assert all(f">{h.code}<" in page for h in world.households)
    assert "7 nuclei" in page
    assert "3 nuclei" in browser.get(f"/nuclei?edificio={world.buildings[1].id}").text
    assert "2 nuclei" in browser.get("/nuclei?lingua=ro").text
    assert "4 nuclei" in browser.get("/nuclei?q=testp2").text
    assert "7 nuclei" in browser.get("/nuclei?titolo=assignee&canale=letter&ordine=codice").text
    assert "Nessun nucleo trovato" in browser.get("/nuclei?q=' or 1=1 --").text
    assert browser.get("/nuclei?edificio=x&pagina=99999999999999&lingua=%00").status_code == 200


def test_a_name_is_searched_by_a_form_and_never_by_an_address(staff: Staff, world: World) -> None:
    browser = staff("operator")
    found = send(browser, "/nuclei", "/nuclei", nome="famiglia 3")
    assert ">N3<" in found.text
    assert ">N2<" not in found.text
    assert "Famiglia" not in str(found.url)
    assert ">N3<" not in browser.get("/nuclei?nome=famiglia+3&q=famiglia").text


def test_protected_and_empty_leak_to_nobody_but_coordinators(staff: Staff, world: World) -> None:
    hidden, empty = world.households[5], world.flats[7]
    coordinator, operator = staff("coordinator"), staff("operator")
    assert f">{hidden.code}<" in coordinator.get("/nuclei").text
    assert "vuoto" in coordinator.get("/alloggi").text
    assert "Un alloggio" in coordinator.get("/alloggi?occupazione=vuoti").text
    page = operator.get("/nuclei").text
    assert f">{hidden.code}<" not in page
    assert "6 nuclei" in page
    assert f">{hidden.code}<" not in operator.get(f"/nuclei?q={hidden.code}&stato=tutti").text
    assert hidden.code not in send(operator, "/nuclei", "/nuclei", nome="Famiglia 5").text
    for query in ("", "?occupazione=vuoti", "?stato=tutti"):
        flats = operator.get(f"/alloggi{query}").text
        assert "6 alloggi" in flats
        assert f"/alloggi/{world.flats[5].id}" not in flats
        assert f"/alloggi/{empty.id}" not in flats
    for path in (f"/nuclei/{hidden.id}", f"/alloggi/{world.flats[5].id}", f"/alloggi/{empty.id}"):
        assert operator.get(path).status_code == 404
        assert coordinator.get(path).status_code == 200
    exported = operator.get("/nuclei/esporta.csv").content.decode("utf-8-sig")
    assert hidden.code not in exported
    assert len(exported.splitlines()) == 7
    assert len(operator.get("/alloggi/esporta.csv").text.splitlines()) == 7
    assert len(coordinator.get("/alloggi/esporta.csv").text.splitlines()) == 9
    merged = send(operator, "/nuclei", f"/nuclei/{world.households[0].id}/unisci",
                  codice=hidden.code)  # fmt: skip
    assert merged.status_code == 422
    assert "Nessun nucleo con questo codice" in merged.text


def test_a_shared_flat_does_not_tell_of_the_protected_household(
    staff: Staff, world: World, session: Session
) -> None:
    period = Range(MONDAY, None)
    hidden = Household(quarter_id=world.quarter.id, code="SEGRETO", protected=True)
    session.add(hidden)
    session.flush()
    session.add(Stay(household_id=hidden.id, flat_id=world.flats[0].id, period=period))
    session.commit()
    operator = staff("operator")
    for path in ("/alloggi", "/alloggi/esporta.csv", f"/alloggi/{world.flats[0].id}"):
        assert "SEGRETO" not in operator.get(path).text
    assert "SEGRETO" in staff("coordinator").get("/alloggi").text


def test_files_hold_no_names_and_run_no_formula(
    staff: Staff, world: World, session: Session
) -> None:
    world.households[0].code = "=1+1"
    world.flats[0].area_m2 = 80.1
    session.commit()
    browser = staff("coordinator")
    csv = browser.get("/nuclei/esporta.csv").content.decode("utf-8-sig")
    assert "'=1+1" in csv
    assert "Famiglia" not in csv
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get("/nuclei/esporta.xlsx").content)).active
    assert sheet is not None
    assert sheet.max_row == 8
    frame = gpd.read_file(io.BytesIO(browser.get("/alloggi/esporta.gpkg").content))
    assert len(frame) == 8
    assert frame.geometry.notna().all()
    assert frame["superficie m²"].max() == 80.1
    assert "80,1;" in browser.get("/alloggi/esporta.csv").content.decode("utf-8-sig")
    assert browser.get("/nuclei/esporta.exe").status_code == 404
    told = session.scalars(select(HistoryEntry).where(HistoryEntry.action == "list.exported"))
    assert [entry.changes["rows"][1] for entry in told] == [7, 7, 8, 8]


def test_needs_are_shown_for_a_reason_and_the_look_is_kept(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    need = Need(household_id=household.id, kind="hearing", note="bussare forte", purpose="avvisi",
                legal_basis="base", review_on=MONDAY)  # fmt: skip
    session.add(need)
    session.commit()
    browser, page = staff("operator"), f"/nuclei/{household.id}"
    assert "bussare" not in browser.get(page).text
    assert send(browser, page, f"{page}/esigenze").status_code == 422
    opened = send(browser, page, f"{page}/esigenze", motivo="notice")
    assert "bussare forte" in opened.text
    assert "scaduta" in opened.text
    looks = session.scalars(select(LookLog)).all()
    assert [(one.what, one.household_id, one.reason) for one in looks] == [
        ("needs", household.id, "notice")
    ]
    assert "avviso o lettera" in staff("coordinator").get(page).text
    assert "(avviso o lettera)" not in browser.get(page).text


def test_every_page_with_a_protected_household_is_a_look(
    staff: Staff, world: World, session: Session
) -> None:
    hidden, flat, known = world.households[5], world.flats[5], world.households[0]
    browser, page = staff("coordinator"), f"/nuclei/{known.id}"

    def looks() -> int:
        query = select(func.count()).select_from(LookLog).where(LookLog.what == "protected")
        return session.scalars(query).one()

    own = f"/nuclei/{hidden.id}"
    for n, path in enumerate((own, f"{own}/modifica", f"{own}/trasferisci", "/alloggi",
                              f"/alloggi/{flat.id}"), start=1):  # fmt: skip
        assert browser.get(path).status_code == 200
        assert looks() == n, path
    assert send(browser, page, f"{page}/unisci", codice=hidden.code).status_code == 200
    assert looks() == 6
    assert browser.get(page).status_code == 200
    assert looks() == 6, "an open address is nothing to note"


def test_a_list_by_need_is_for_coordinators_and_recorded(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    session.add(Need(household_id=household.id, kind="hearing", purpose="p", legal_basis="b",
                     review_on=MONDAY))  # fmt: skip
    session.commit()
    assert "1 nucleo" in staff("coordinator").get("/nuclei?esigenza=hearing").text
    assert "6 nuclei" in staff("operator").get("/nuclei?esigenza=hearing").text
    looks = session.scalars(select(LookLog).where(LookLog.what == "needs_list")).all()
    assert [one.reason for one in looks] == ["hearing"]


def test_needs_are_added_changed_and_dropped_without_telling_the_history_which(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    browser, page = staff("operator"), f"/nuclei/{household.id}"
    fields = {"versione": "1", "tipo": "no_stairs", "nota": "quinto piano", "finalita": "avvisi",
              "base": "compito pubblico", "rivedere": "2026-09-01"}  # fmt: skip
    assert send(browser, page, f"{page}/esigenze/nuova", **fields).status_code == 303
    # The same form a second time is a stale one.
    assert send(browser, page, f"{page}/esigenze/nuova", **fields).status_code == 409
    need = session.scalars(select(Need).where(Need.household_id == household.id)).one()
    bad = {**fields, "versione": "2", "rivedere": "domani"}
    refused = send(browser, page, f"{page}/esigenze/{need.id}", **bad)
    assert refused.status_code == 422
    assert "quinto piano" in refused.text
    assert send(browser, page, f"{page}/esigenze/{need.id}/togli", versione="2").status_code == 303
    assert session.scalar(select(func.count(Need.id))) == 0
    kept = session.scalars(select(HistoryEntry.changes)).all()
    assert "no_stairs" not in str(kept)
    assert "quinto" not in str(kept)


def test_the_second_editor_is_told_and_loses_nothing(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    browser, page = staff("operator"), f"/nuclei/{household.id}/modifica"
    first, second = fields_of(household, telefono="111"), fields_of(household, telefono="222")
    assert send(browser, page, page, **first).status_code == 303
    told = send(browser, page, page, **second)
    assert told.status_code == 409
    assert "<strong>111</strong>" in told.text
    assert 'value="222"' in told.text
    version = told.text.split('name="versione" value="')[1].split('"')[0]
    assert send(browser, page, page, **{**second, "versione": version}).status_code == 303
    session.expire_all()
    assert household.contact is not None
    assert household.contact.phone == "222"


def test_names_and_contacts_never_reach_the_history(
    staff: Staff, world: World, session: Session
) -> None:
    household = world.households[0]
    browser, page = staff("operator"), f"/nuclei/{household.id}/modifica"
    changed = fields_of(household, nome="Rossi <script>", telefono="0362 000", lingua="ar")
    assert send(browser, page, page, **changed).status_code == 303
    entry = session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "household.changed")
    ).one()
    assert entry.changes["language"] == ["ro", "ar"]
    assert "Rossi" not in str(entry.changes)
    assert "0362" not in str(entry.changes)
    sheet = browser.get(f"/nuclei/{household.id}").text
    assert "Rossi &lt;script&gt;" in sheet
    assert "Rossi <script>" not in sheet


def test_an_operator_cannot_lift_a_protection(staff: Staff, world: World, session: Session) -> None:
    open_one, hidden = world.households[0], world.households[5]
    operator = staff("operator")
    page = f"/nuclei/{open_one.id}/modifica"
    assert "protetto" not in operator.get(page).text
    send(operator, page, page, **fields_of(open_one, protetto="1"))
    refused = send(operator, page, f"/nuclei/{hidden.id}/modifica", **fields_of(hidden))
    assert refused.status_code == 404
    session.expire_all()
    assert hidden.protected
    assert not open_one.protected


def test_a_move_ends_the_stay_and_begins_another(
    staff: Staff, world: World, session: Session
) -> None:
    household, empty = world.households[0], world.flats[7]
    browser, page = staff("operator"), f"/nuclei/{household.id}/trasferisci"
    fields = {"versione": "1", "giorno": "2026-03-09", "scala": str(empty.stairwell_id),
              "interno": "4", "titolo": "guest", "conserva": "1"}  # fmt: skip
    wrong = send(browser, page, page, **{**fields, "interno": "99"})
    assert wrong.status_code == 422
    assert "non c&#39;è un alloggio" in wrong.text
    assert send(browser, page, page, **fields).status_code == 303
    stays = session.scalars(
        select(Stay).where(Stay.household_id == household.id).order_by(Stay.period)
    ).all()
    day = dt.date(2026, 3, 9)
    assert [(s.flat_id, s.period.lower, s.period.upper) for s in stays] == [
        (world.flats[0].id, dt.date(2020, 1, 1), day), (empty.id, day, None),
    ]  # fmt: skip
    titles = session.scalars(
        select(Tenancy).where(Tenancy.household_id == household.id).order_by(Tenancy.id)
    ).all()
    assert [(t.title, t.period.upper) for t in titles] == [("assignee", None), ("guest", None)]
    back = send(browser, page, page, **{**fields, "versione": "2", "giorno": "2026-03-05",
                                        "interno": "2"})  # fmt: skip
    assert back.status_code == 422
    assert "Un nucleo abita in un posto alla volta: dal lun 9 mar 2026" in back.text


def test_a_move_that_ends_the_title(staff: Staff, world: World, session: Session) -> None:
    household, empty = world.households[1], world.flats[7]
    browser, page = staff("operator"), f"/nuclei/{household.id}/trasferisci"
    fields = {"versione": "1", "giorno": "2026-03-09", "scala": str(empty.stairwell_id),
              "interno": "4", "titolo": "assignee"}  # fmt: skip
    assert send(browser, page, page, **fields).status_code == 303
    titles = session.scalars(
        select(Tenancy).where(Tenancy.household_id == household.id).order_by(Tenancy.id)
    ).all()
    assert [(t.flat_id, t.period.upper) for t in titles] == [
        (world.flats[1].id, dt.date(2026, 3, 9)), (empty.id, None),
    ]  # fmt: skip


def test_two_records_of_one_household_become_one_and_nothing_is_lost(
    staff: Staff, world: World, session: Session
) -> None:
    kept = world.households[0]
    double = Household(quarter_id=world.quarter.id, code="N0-bis", size=3)
    double.contact = HouseholdContact(name="Fam. Zero", phone="333")
    session.add(double)
    session.flush()
    longer = Range(dt.date(2015, 5, 1), dt.date(2025, 1, 1))
    session.add(Stay(household_id=double.id, flat_id=world.flats[0].id, period=longer))
    session.add(Tenancy(household_id=double.id, flat_id=world.flats[0].id, title="owner",
                        period=longer))  # fmt: skip
    session.add(Need(household_id=double.id, kind="hearing", purpose="p", legal_basis="b",
                     review_on=MONDAY))  # fmt: skip
    session.commit()
    browser, page = staff("operator"), f"/nuclei/{kept.id}"
    shown = send(browser, page, f"{page}/unisci", codice="N0-bis")
    assert shown.status_code == 200
    assert 'value="333"' in shown.text
    wrong = send(browser, page, f"{page}/unisci", codice="N0-bis", conferma="1", versione="1",
                 altra_versione="1", nome="Famiglia 0", telefono="333", email="zero@")  # fmt: skip
    assert wrong.status_code == 422
    assert "Non è un indirizzo e-mail" in wrong.text
    assert 'value="zero@"' in wrong.text
    session.expire_all()
    assert double.merged_into_id is None
    done = send(browser, page, f"{page}/unisci", codice="N0-bis", conferma="1", versione="1",
                altra_versione="1", nome="Famiglia 0", telefono="333", email="")  # fmt: skip
    assert done.status_code == 303
    session.expire_all()
    stay = session.scalars(select(Stay).where(Stay.household_id == kept.id)).one()
    assert (stay.period.lower, stay.period.upper) == (dt.date(2015, 5, 1), None)
    owned = select(Tenancy.title).where(Tenancy.household_id == kept.id)
    assert set(session.scalars(owned)) == {"assignee", "owner"}
    assert session.scalars(select(Need.household_id)).all() == [kept.id]
    assert kept.size == 3
    assert kept.contact is not None
    assert kept.contact.phone == "333"
    assert double.contact is not None
    assert double.contact.name == "Fam. Zero"
    assert browser.get(f"/nuclei/{double.id}").headers["location"] == page
    assert ">N0-bis<" not in browser.get("/nuclei?stato=tutti").text


def test_households_in_two_places_on_one_day_are_not_merged(
    staff: Staff, world: World, session: Session
) -> None:
    kept, other = world.households[:2]
    browser, page = staff("operator"), f"/nuclei/{kept.id}"
    refused = send(browser, page, f"{page}/unisci", codice=other.code, conferma="1", versione="1",
                   altra_versione="1", nome="", telefono="", email="")  # fmt: skip
    assert refused.status_code == 422
    assert "Non si possono unire" in refused.text
    session.expire_all()
    assert other.merged_into_id is None
    assert session.scalar(select(func.count(Stay.id))) == 7


def test_a_flat_is_changed_with_its_owners_and_administrator(
    staff: Staff, world: World, session: Session
) -> None:
    flat = world.flats[0]
    browser, page = staff("operator"), f"/alloggi/{flat.id}"
    opened = browser.get(page).text
    state = opened.split('name="prima" value="')[1].split('"')[0]
    fields = {"prima": state, "interno": "1", "piano": "2", "locali": "3", "superficie": "64,5",
              "gradini": "no", "uso": "dwelling", "venduto": "1"}  # fmt: skip
    bad = send(browser, page, page, **{**fields, "piano": "duecento"})
    assert bad.status_code == 422
    assert 'value="64,5"' in bad.text
    taken = send(browser, page, page, **{**fields, "interno": "2"})
    assert taken.status_code == 422
    assert "già un alloggio con questo interno" in taken.text
    assert send(browser, page, page, **fields).status_code == 303
    late = send(browser, page, page, **{**fields, "locali": "9"})
    assert late.status_code == 409
    assert 'value="9"' in late.text
    for part in ("proprietari", "amministratori"):
        saved = send(browser, page, f"{page}/{part}", persona="", nome="Bianchi", telefono="1")
        assert saved.status_code == 303
        assert send(browser, page, f"{page}/{part}", persona="", nome="").status_code == 422
    session.expire_all()
    assert flat.sold
    assert flat.area_m2 == 64.5
    owner = session.scalars(select(FlatOwner)).one()
    theirs = {"persona": str(owner.id), "versione": "1"}
    assert send(
        browser, page, f"{page}/proprietari", nome="Bianchi", telefono="2", **theirs
    ).status_code == 303  # fmt: skip
    second = send(browser, page, f"{page}/proprietari", nome="Rossi", telefono="3", **theirs)
    assert second.status_code == 409
    assert "ora c&#39;è «Bianchi, 2»" in second.text
    assert 'value="Rossi"' in second.text, "what the second typed stays"
    late = send(browser, page, f"{page}/proprietari", togli="1", **theirs)
    assert late.status_code == 409
    theirs["versione"] = "2"
    gone = send(browser, page, f"{page}/proprietari", togli="1", **theirs)
    assert gone.status_code == 303
    assert session.scalars(select(FlatOwner)).all() == []
    assert "Bianchi" not in str(session.scalars(select(HistoryEntry.changes)).all())
    assert "Bianchi" in browser.get(page).text


def test_a_filter_that_is_not_ones_own_says_so(staff: Staff, world: World) -> None:
    page = "/nuclei?esigenza=wheelchair"
    assert "riservato al coordinamento" in staff("operator").get(page).text
    assert "riservato al coordinamento" not in staff("coordinator").get(page).text


@pytest.mark.parametrize("path", ["/nuclei", "/nuclei?q=mulini&lingua=it", "/alloggi", "/edifici"])
def test_a_list_costs_at_most_eight_queries(
    staff: Staff, world: World, session: Session, path: str
) -> None:
    browser = staff("coordinator")
    browser.get(path)
    with asked(session) as statements:
        assert browser.get(path).status_code == 200
    assert 0 < len(statements) <= MAX_QUERIES, statements


def test_a_form_of_a_flat_without_its_fields_is_shown_again(staff: Staff, world: World) -> None:
    page = f"/alloggi/{world.flats[0].id}"
    answer = send(staff("coordinator"), page, page)
    assert answer.status_code == 422
    assert f'value="{world.flats[0].number}"' in answer.text
