"""The desk: today, map and list, buildings, phases, notices."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from layers.impacts.models import ImpactRun
from layers.sites import PhaseRevision
from tests.geo_service.builders import World, make_far_building, make_world
from tests.geo_service.conftest import asked
from tests.geo_service.pages import add_impacts

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


def test_today_tells_what_runs_ends_and_hits(staff: Staff, works: Works) -> None:
    page = _text(staff("coordinator").get("/oggi").text)
    assert "In corso oggi (1)" in page
    assert "A1 Scavo" in page
    assert "7 nuclei" in page
    assert "Finiscono entro due settimane (1)" in page
    assert "Iniziano entro due settimane (0)" in page
    assert "scala A" in page
    assert "N0, N1, N2, N3" in page


def test_the_start_page_asks_the_database_little(
    staff: Staff, works: Works, session: Session
) -> None:
    browser = staff("coordinator")
    browser.get("/oggi")
    with asked(session) as statements:
        assert browser.get("/oggi").status_code == 200
    # Who and where (3); phases, what their permits lack (2), cuts; who is hit hardest;
    # appointments; needs to review; phases of two weeks, whom they hit (2).
    assert len(statements) <= 13, statements


def test_the_office_sees_no_households_by_name(staff: Staff, works: Works) -> None:
    assert "N0, N1" not in _text(staff("office").get("/oggi").text)


def test_protected_households_are_for_coordinators(
    staff: Staff, works: Works, session: Session
) -> None:
    works[0].households[0].protected = True
    session.commit()
    assert "N0, N1, N2" in _text(staff("coordinator").get("/oggi").text)
    operator = _text(staff("operator").get("/oggi").text)
    assert "N0," not in operator
    assert "N1, N2" in operator


def test_map_and_list_tell_the_same(staff: Staff, works: Works) -> None:
    browser = staff("coordinator")
    address = "/quartiere/mappa?dal=2026-03-02&periodo=settimana&tipo=noise&livello=2"
    map_page = browser.get(address).text
    assert "vista=elenco" in map_page
    listed = _text(browser.get(address + "&vista=elenco").text)
    assert "Via dei Mulini 2" in listed
    assert "Via dei Mulini 4" not in listed
    assert "Via dei Mulini 4" in _text(
        browser.get(address.replace("livello=2", "livello=1") + "&vista=elenco").text
    )


@pytest.mark.parametrize(
    "query",
    ["dal=ieri", "dal=0001-01-01&periodo=mese", "dal=9999-12-31", "periodo=secolo", "tipo=x",
     "livello=9", "cantiere=abc", "cantiere=99999999999999999999", "aree=%3Cscript%3E"],
)  # fmt: skip
def test_a_mangled_address_still_shows_a_map(staff: Staff, works: Works, query: str) -> None:
    browser = staff("coordinator")
    assert browser.get(f"/quartiere/mappa?{query}").status_code == 200
    assert browser.get(f"/quartiere/mappa?vista=elenco&{query}").status_code == 200


def test_the_list_of_buildings_searches_sorts_and_pages(
    staff: Staff, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = staff("coordinator")
    assert "2 edifici" in _text(browser.get("/edifici").text)
    assert "Un edificio" in _text(browser.get("/edifici?q=testp2").text)
    assert "Nessun edificio trovato" in _text(browser.get("/edifici?q=corso+Sempione").text)
    by_level = browser.get("/edifici?ordine=livello").text
    assert by_level.index("Mulini 2") < by_level.index("Mulini 4")
    monkeypatch.setattr("geo_service.desk.building_list.PAGE_ROWS", 1)
    second = _text(browser.get("/edifici?pagina=2").text)
    assert "pagina 2 di 2" in second
    assert "Mulini 4" in second
    assert browser.get("/edifici?pagina=99&ordine=nulla").status_code == 200


def test_a_buildings_sheet(staff: Staff, works: Works) -> None:
    world, _ = works
    page = _text(staff("coordinator").get(f"/edifici/{world.buildings[1].id}").text)
    assert "Via dei Mulini 4" in page
    assert "A1 Scavo" in page
    assert "A2 Demolizione" in page
    assert re.search(r"A – non noto non noto 4 3", page)


def test_a_phase_tells_who_what_and_how(staff: Staff, works: Works) -> None:
    phase = works[1]["A1"].phase_id
    page = _text(staff("coordinator").get(f"/fasi/{phase}").text)
    assert "7 nuclei" in page
    assert "71 dB(A)" in page
    assert "Acqua 8:30–12:30" in page
    assert "4 posti auto" in page
    assert "margine ±3 dB" in page
    assert "in corso" in page


def test_a_phase_that_was_not_computed_says_so(staff: Staff, works: Works) -> None:
    phase = works[1]["A3"].phase_id
    for page in (f"/fasi/{phase}", f"/fasi/{phase}/avvisi"):
        assert "Disagi non ancora calcolati" in _text(staff_page(staff, page))


def staff_page(staff: Staff, page: str) -> str:
    if not hasattr(staff, "browser"):
        staff.browser = staff("coordinator")  # type: ignore[attr-defined]
    answer = staff.browser.get(page)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return answer.text


def test_the_notice_list_and_its_files(staff: Staff, works: Works) -> None:
    phase = works[1]["A1"].phase_id
    browser = staff("coordinator")
    page = _text(browser.get(f"/fasi/{phase}/avvisi").text)
    assert "7 lettere da stampare" in page
    assert "rumeno 2" in page
    answer = browser.get(f"/fasi/{phase}/avvisi.csv")
    assert answer.headers["content-disposition"].endswith(f'avvisi-fase-{phase}.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert [row["households"] for row in rows] == ["4", "3"]
    for file_format in ("json", "xlsx", "gpkg"):
        assert browser.get(f"/fasi/{phase}/avvisi.{file_format}").status_code == 200
    assert browser.get(f"/fasi/{phase}/avvisi.pdf").status_code == 404


def test_sites_and_one_site(staff: Staff, works: Works) -> None:
    browser = staff("coordinator")
    assert "A2 Demolizione" in _text(browser.get("/cantieri").text)
    site = _text(browser.get(f"/cantieri/{works[0].site.id}").text)
    assert "Versione 1" in site
    assert "inizio" in site


@pytest.mark.parametrize(
    "path", ["/fasi/99999999999999999999", "/fasi/0", "/cantieri/0", "/edifici/0", "/fasi/0/avvisi"]
)
def test_what_does_not_exist_is_not_found(staff: Staff, works: Works, path: str) -> None:
    assert staff("coordinator").get(path).status_code == 404


def _uncompute(session: Session, revision: PhaseRevision) -> None:
    session.query(ImpactRun).filter_by(revision_id=revision.id).update({"in_force": False})
    session.commit()


def test_what_is_not_computed_yet_never_reads_as_nobody(
    staff: Staff, works: Works, session: Session
) -> None:
    world, found = works
    browser = staff("coordinator")
    week = "/quartiere/mappa?dal=2026-03-02&periodo=settimana"
    assert "non ancora calcolat" not in _text(browser.get(week + "&vista=elenco").text)
    assert "non ancora calcolat" not in _text(browser.get("/totali").text)
    for code in ("A1", "A2"):
        _uncompute(session, found[code])
    for address in (week, week + "&vista=elenco", week.replace("/quartiere", "")):
        assert "na fase non ancora calcolata" in _text(browser.get(address).text)
    listed = _text(browser.get(week + "&vista=elenco").text)
    assert "Nessun edificio disturbato" not in listed
    told = browser.get("/api/quartiere/livelli?dal=2026-03-02&periodo=settimana").json()
    assert told["uncomputed"] == "una fase non ancora calcolata"
    assert told["said"] == "per ora nessun edificio disturbato"
    totals = browser.get("/totali").text
    assert "2 fasi non ancora calcolate." in _text(totals)
    assert "Nessun disagio calcolato" not in totals
    assert 'href="/elaborazioni">A che punto è' in totals
    # The whole programme of the site: the two and the one of next winter.
    site = _text(browser.get(f"/cantieri/{world.site.id}").text)
    assert "3 fasi non ancora calcolate." in site
    assert site.count("disagi non ancora calcolati") == 3
    assert "nessun disagio calcolato" not in site


def test_who_may_not_see_the_jobs_is_told_what_is_not_computed(
    staff: Staff, works: Works, session: Session
) -> None:
    _uncompute(session, works[1]["A1"])
    page = staff("committee").get("/totali").text
    assert "Una fase non ancora calcolata." in page
    assert "/elaborazioni" not in page
    assert "Una fase non ancora calcolata." in staff("office").get("/comune").text


def test_buildings_near_what_is_not_computed_say_so_and_others_do_not(
    staff: Staff, works: Works, session: Session
) -> None:
    world, found = works
    near = world.buildings[1].id
    # The one of next winter is computed, so that only that of this week is open.
    add_impacts(session, found["A3"], "dust", [])
    far = make_far_building(session, world)
    browser = staff("office")
    week = "dal=2026-03-02&periodo=settimana"
    said = "na fase non ancora calcolata."

    def told(address: str) -> str:
        return _text(browser.get(address).text)

    pages = {
        "/edifici": "", f"/edifici/{near}": "Nessun disagio in vista",
        f"/quartiere/mappa/edificio/{near}?{week}": "Nessun disagio in questo periodo",
        f"/quartiere/selezione?edifici={near}&{week}": "nessun disagio calcolato",
    }  # fmt: skip
    assert not [address for address in pages if said in told(address)]
    _uncompute(session, found["A1"])
    _uncompute(session, found["A2"])
    assert "2 fasi non ancora calcolate." in told(f"/edifici/{near}")
    for address, nothing in pages.items():
        assert said in told(address) or "fasi non ancora calcolate." in told(address), address
        assert not nothing or nothing not in told(address)
    # Other days, other buildings: no false alarm.
    assert said not in told("/edifici?dal=2026-05-04&al=2026-05-10")
    assert said not in told(f"/quartiere/selezione?edifici={near}&dal=2026-05-04&periodo=giorno")
    assert "calcolat" not in told(f"/edifici/{far.id}").split("Dove", 1)[0]
    assert "Nessun disagio in vista" in told(f"/edifici/{far.id}")
    panel = told(f"/quartiere/mappa/edificio/{far.id}?{week}")
    assert "Nessun disagio in questo periodo." in panel
    assert "Nessuna fase in programma disturba questo edificio." in panel


def test_an_installation_without_quarters_says_what_to_do(staff: Staff) -> None:
    answer = staff("coordinator").get("/oggi")
    assert answer.status_code == 404
    assert "accanto quarter add" in answer.text


def test_the_quarter_chosen_is_kept(staff: Staff, works: Works, session: Session) -> None:
    other = make_world(session, "seconda").quarter
    other.name = "Zona Seconda"
    session.commit()
    browser = staff("coordinator")
    assert 'value="seconda"' in browser.get("/oggi").text
    browser.get("/oggi?quartiere=seconda")
    kept = browser.get("/edifici").text
    assert '<option value="seconda" selected>' in kept


@pytest.mark.parametrize(
    ("path", "most"),
    [("/cantieri", 8), ("/edifici", 8), ("/quartiere/mappa?vista=elenco", 8), ("/mappa", 8),
     ("/", 8),
     # The start page asks each domain for what cannot wait.
     ("/oggi", 14)],
)  # fmt: skip
def test_a_page_asks_the_database_few_times(
    app: FastAPI, staff: Staff, works: Works, connection, path: str, most: int
) -> None:  # type: ignore[no-untyped-def]
    browser = staff("coordinator")
    browser.get(path)
    asked: list[str] = []

    def note(conn, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        if not statement.lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        assert browser.get(path).status_code == 200
    finally:
        event.remove(connection, "before_cursor_execute", note)
    assert len(asked) <= most, f"{len(asked)} queries, the session's own included"
