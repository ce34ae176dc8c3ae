"""The list of buildings: filters, files, queries; long lists by a background job."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.database import make_engine
from geo_service.history import HistoryEntry
from geo_service.households import exports
from geo_service.households.models import Household, Stay
from geo_service.jobs import JobProgress
from geo_service.works.service import archive_site
from tests.geo_service.builders import MONDAY, World, make_world

Staff = Callable[[str], TestClient]
MAX_QUERIES = 8


@pytest.fixture
def world(session: Session, works: tuple[World, Any]) -> World:
    """Two buildings: the first of the municipality, in class III; the second taller."""
    made = works[0]
    made.buildings[0].owner, made.buildings[0].acoustic_class = "Comune", "III"
    made.buildings[1].storeys = 6
    session.commit()
    return made


def found(browser: TestClient, query: str) -> set[int]:
    """Numbers (1, 2) of the buildings that the list shows."""
    page = browser.get(f"/edifici?{query}")
    assert page.status_code == 200
    return {n for n in (1, 2) if f">Edificio {n}<" in page.text}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", {1, 2}),
        ("via=Via+dei+Mulini", {1, 2}),
        ("via=Corso+Sempione", set()),
        ("proprieta=Comune", {1}),
        ("classe=III", {1}),
        ("piani=4", {2}),
        ("livello=3", {1}),
        ("disagio=noise", {1, 2}),
        ("disagio=dust", set()),
        ("disagio=dust&dal=2026-03-16&al=2026-03-20", {2}),
        ("disagio=noise&livello=2", {1}),
        ("alloggi=si", {1, 2}),
        ("alloggi=no", set()),
        ("stato=chiusi", set()),
        ("uso=school", set()),
        ("q=mulini&piani=4", {2}),
    ],
)
def test_filters(staff: Staff, world: World, query: str, numbers: set[int]) -> None:
    assert found(staff("coordinator"), query) == numbers


def test_impacts_of_archived_sites_do_not_count(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("coordinator")
    assert found(browser, "livello=1") == {1, 2}
    archive_site(session, world.site, MONDAY)
    session.commit()
    assert found(browser, "livello=1") == set()


def test_nonsense_in_the_address_is_no_error(staff: Staff, world: World) -> None:
    browser = staff("operator")
    bad = "dal=x&al=9999-12-31&livello=9&piani=-1&disagio=smell&ordine=drop&pagina=0&via=%00"
    assert found(browser, bad) == {1, 2}
    assert found(browser, "dal=9999-12-31&al=0001-01-01") == {1, 2}
    assert "Nessun edificio trovato" in browser.get("/edifici?classe=VI").text


def test_the_list_is_a_file_with_the_same_filters(
    staff: Staff, world: World, session: Session
) -> None:
    browser = staff("coordinator")
    csv = browser.get("/edifici/esporta.csv?piani=4").content.decode("utf-8-sig").splitlines()
    assert len(csv) == 2
    assert "alloggi" in csv[0].split(";")
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/edifici/esporta.xlsx").content))
    assert book.worksheets[0].max_row == 3
    frame = gpd.read_file(io.BytesIO(browser.get("/edifici/esporta.gpkg").content))
    assert frame.geometry.area.tolist() == pytest.approx([240, 240])
    assert browser.get("/edifici/esporta.pdf").status_code == 404
    told = session.scalars(select(HistoryEntry).where(HistoryEntry.action == "list.exported"))
    assert [entry.changes["rows"][1] for entry in told] == [1, 2, 2]


def test_a_building_whose_flats_are_not_known_has_none_to_count(
    staff: Staff, world: World, session: Session
) -> None:
    session.execute(text("delete from stairwell where building_id = :b"),
                    {"b": world.buildings[1].id})  # fmt: skip
    session.commit()
    rows = csv.DictReader(
        io.StringIO(staff("coordinator").get("/edifici/esporta.csv").content.decode("utf-8-sig")),
        delimiter=";",
    )
    found = {row["codice"]: (row["alloggi"], row["nuclei"]) for row in rows}
    assert found[world.buildings[1].code] == ("", "")
    assert found[world.buildings[0].code] == ("4", "4")


def test_counts_of_flats_are_for_coordinators(staff: Staff, world: World) -> None:
    head = staff("operator").get("/edifici/esporta.csv").content.decode("utf-8-sig").split("\n")[0]
    assert "alloggi" not in head.split(";")
    english = staff("coordinator").get("/edifici/esporta.csv?lang=en").content.decode("utf-8-sig")
    assert "flats" in english.split("\n")[0].split(";")


def counted_households(browser: TestClient, building: int) -> list[str]:
    """Households of one building as list, file, sheet, map and selection tell them."""
    numbers = re.compile(r'<td class="num">([^<]*)</td>')
    name = f'href="/edifici/{building}"'
    row = browser.get("/edifici").text.split(name, 1)[1].split("</tr>", 1)[0]
    line = browser.get("/edifici/esporta.csv?q=mulini+2").content.decode("utf-8-sig").split("\n")
    file = dict(zip(line[0].split(";"), line[1].split(";"), strict=True))["nuclei"]
    sheet = browser.get(f"/edifici/{building}").text.split('id="scale"', 1)[1]
    panel = browser.get(f"/quartiere/mappa/edificio/{building}").text
    chosen = browser.get(f"/quartiere/selezione?edifici={building}").text
    said = browser.get(f"/api/quartiere/scelta?edifici={building}").json()["said"]
    csv = browser.get(f"/quartiere/selezione.csv?edifici={building}").text.splitlines()
    picked = dict(zip(csv[0].split(";"), csv[1].split(";"), strict=True))["nuclei"]
    cells = [numbers.findall(part)[-1] for part in (row, sheet, panel, chosen)]
    assert said in chosen
    return [*cells, file, picked, said]


def test_counts_leave_out_protected_households(
    staff: Staff, world: World, session: Session
) -> None:
    world.households[1].protected = True
    session.commit()
    building = world.buildings[0].id
    said = counted_households(staff("coordinator"), building)
    assert said == ["4", "4", "4", "4", "4", "4", "un edificio, 4 nuclei"]
    said = counted_households(staff("operator"), building)
    assert said == ["3", "3", "3", "3", "3", "3", "un edificio, 3 nuclei"]
    said = counted_households(staff("office"), building)
    assert said == ["–", "–", "–", "–", "", "", "un edificio"]


def test_the_office_reads_households_by_fives(staff: Staff, world: World, session: Session) -> None:
    building, flat = world.buildings[0].id, world.flats[0]
    for n in range(3):
        guest = Household(quarter_id=world.quarter.id, code=f"G{n}", protected=n == 2)
        session.add(guest)
        session.flush()
        period = Range(dt.date(2020, 1, 1), None)
        session.add(Stay(household_id=guest.id, flat_id=flat.id, period=period))
    session.commit()
    browser = staff("office")
    told = "almeno 5"
    said = counted_households(browser, building)
    assert said == [told, told, told, told, "5", "5", "un edificio, almeno 5 nuclei"]
    page = browser.get("/edifici?ordine=nuclei").text
    assert 'aria-sort="ascending"' in page, "by address, not by how many live there"


def test_a_page_asks_the_database_a_few_times(staff: Staff, world: World, session: Session) -> None:
    browser = staff("coordinator")
    with counted(session) as statements:
        assert browser.get("/edifici?disagio=noise&livello=2&via=Via+dei+Mulini").status_code == 200
    assert 0 < len(statements) <= MAX_QUERIES, statements


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            statements.append(statement)

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", count)
    yield statements
    event.remove(engine, "before_cursor_execute", count)


def test_a_long_list_is_made_in_the_background(
    staff: Staff, world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 1)
    answer = staff("operator").get("/edifici/esporta.csv?livello=1")
    assert answer.headers["location"] == "/elaborazioni?elenco=1"
    job = session.scalars(select(JobProgress)).one()
    assert job.args["wanted"]["least_band"] == 1
    assert job.args["coordinator"] is False


@pytest.mark.parametrize("kind", sorted(exports.MAKERS))
def test_the_background_makes_the_file_for_the_one_who_asked(
    fresh_database: Callable[[], Any], kind: str
) -> None:
    wanted = {"first": "2026-03-02", "last": "2026-03-08"} if kind == "edifici" else {}
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            world = make_world(session)
            job_id = jobs.defer(
                session, exports.export_list, asked_by=7, in_quarter=world.quarter.id, kind=kind,
                quarter_id=world.quarter.id, day="2026-03-02", wanted=wanted, coordinator=True,
                file_format="csv", language="it",
            )  # fmt: skip
            session.commit()
            jobs.run_worker(engine, wait=False)
        with Session(engine) as session:
            told = jobs.state(session, job_id)
            assert told is not None
            assert (told.state, told.done, told.error) == ("done", told.total, "")
            kept = jobs.file_of(session, job_id, 7)
            assert kept is not None
            assert kept.name == f"{kind}-prova.csv"
            assert len(kept.content.decode("utf-8-sig").splitlines()) == (told.total or 0) + 1
        engine.dispose()
