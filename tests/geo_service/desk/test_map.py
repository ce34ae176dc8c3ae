"""The staff's map: bands of a period, search, tiles, the sheet, and buildings chosen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from geoalchemy2.shape import from_shape
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from geo_service.desk.programme import programme
from geo_service.errors import Invalid
from geo_service.web.chosen import MAX_BUILDINGS, read_ids, written_ids
from geo_service.works.service import seal
from layers.crs import SRID
from layers.impacts.models import ImpactRun, ImpactZone
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, area, make_far_building, make_world

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
LEVELS = "/api/quartiere/livelli?dal={}&periodo=settimana"


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


def test_bands_follow_the_period_and_leave_the_tiles_alone(staff: Staff, works: Works) -> None:
    world, _ = works
    first, second = (str(b.id) for b in world.buildings)
    browser = staff("operator")
    now = browser.get(LEVELS.format("2026-03-02")).json()
    assert now["bands"] == {first: 3, second: 1}
    assert now["counts"]["noise"] == 2
    assert now["counts"]["dust"] == 0
    assert [f["properties"]["kind"] for f in now["closures"]["features"]] == ["footway"]
    assert now["said"] == "2 edifici disturbati"
    later = browser.get(LEVELS.format("2026-03-16")).json()
    assert later["bands"] == {second: 2}
    assert later["closures"]["features"] == []


def test_kinds_and_level_choose_bands_but_counts_name_every_kind(
    staff: Staff, works: Works
) -> None:
    world, _ = works
    browser = staff("operator")
    told = browser.get(LEVELS.format("2026-03-02") + "&tipo=dust").json()
    assert told["bands"] == {}
    assert told["counts"]["noise"] == 2
    told = browser.get(LEVELS.format("2026-03-02") + "&livello=2").json()
    assert told["bands"] == {str(world.buildings[0].id): 3}
    assert told["counts"]["noise"] == 1


def test_the_map_searches_by_address_within_its_quarter(
    staff: Staff, works: Works, session: Session
) -> None:
    make_world(session, "seconda")
    session.commit()
    browser = staff("operator")
    found = browser.get("/api/quartiere/cerca?q=mulini+4&quartiere=prova").json()["found"]
    assert found[0]["id"] == works[0].buildings[1].id
    assert {f["id"] for f in found} <= {b.id for b in works[0].buildings}
    assert 44 < found[0]["lat"] < 47
    assert 8 < found[0]["lon"] < 11
    assert browser.get("/api/quartiere/cerca?q=").json() == {"found": []}


def test_a_tile_of_staff_has_its_version_and_stays_private(staff: Staff, works: Works) -> None:
    answer = staff("operator").get("/tiles/1/buildings/14/8602/5835.mvt?quartiere=prova")
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private")
    assert "immutable" in answer.headers["cache-control"]


def test_above_the_limit_the_page_is_small_and_asks_for_tiles(
    staff: Staff, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.works.map_data.GEOJSON_LIMIT", 1)
    page = staff("operator").get("/quartiere/mappa").text
    assert "/tiles/" in page
    assert "/tiles/public/" not in page
    assert "?quartiere=prova" in page
    assert len(page.encode()) < 20_000


def test_the_sheet_tells_numbers_and_only_coordinators_see_flats(
    staff: Staff, works: Works
) -> None:
    world, revisions = works
    address = f"/quartiere/mappa/edificio/{world.buildings[1].id}?dal=2026-03-02"
    coordinator = staff("coordinator").get(address)
    assert "<html" not in coordinator.text
    assert "Alloggi" in coordinator.text
    page = staff("operator").get(address).text
    assert "Alloggi" not in page
    assert "A 1" not in page
    said = _text(page)
    assert "Via dei Mulini 4" in said
    assert re.search(r"Adesso .*A1 Scavo.* Poi .*A2 Demolizione", said)
    assert f'/fasi/{revisions["A2"].phase_id}/simulazione"' in page


def test_the_sheet_of_another_quarters_building_is_not_found(
    staff: Staff, works: Works, session: Session
) -> None:
    other = make_world(session, "seconda").buildings[0].id
    session.commit()
    browser = staff("operator")
    assert browser.get(f"/quartiere/mappa/edificio/{other}?quartiere=prova").status_code == 404


def test_a_lasso_chooses_what_it_holds(staff: Staff, works: Works) -> None:
    world, _ = works
    browser = staff("operator")
    place = browser.get("/api/quartiere/cerca?q=mulini+4").json()["found"][0]
    lon, lat = place["lon"], place["lat"]
    near = [(lon - 2e-4, lat - 2e-4), (lon + 2e-4, lat - 2e-4), (lon, lat + 3e-4)]
    area = " ".join(f"{x:.6f},{y:.6f}" for x, y in near)
    told = browser.get("/api/quartiere/scelta", params={"area": area}).json()
    assert told["ids"] == [world.buildings[1].id]
    assert told["said"] == "un edificio, 3 nuclei"
    both = browser.get(
        "/api/quartiere/scelta", params={"area": area, "edifici": str(world.buildings[0].id)}
    ).json()
    assert both["said"] == "2 edifici, 7 nuclei"


def test_a_choice_tells_the_office_no_more_than_its_buildings_do(
    staff: Staff, works: Works
) -> None:
    # Four and three households: "at least five" for both together would give counts below five
    # back to whoever chooses building after building.
    ids = ",".join(str(b.id) for b in works[0].buildings)
    browser = staff("office")
    assert browser.get(f"/api/quartiere/scelta?edifici={ids}").json()["said"] == "2 edifici"
    assert (
        "nucle"
        not in _text(browser.get(f"/quartiere/selezione?edifici={ids}").text)
        .split("2 edifici")[1]
        .split("Edificio")[0]
    )


def test_a_zone_chooses_what_it_touches_in_its_period_only(
    staff: Staff, works: Works, session: Session
) -> None:
    world, revisions = works
    run = session.query(ImpactRun).filter_by(revision_id=revisions["A1"].id).one()
    near = from_shape(area(45, 0, 10, 10), srid=SRID)
    session.add(ImpactZone(run_id=run.id, kind="noise", band=3, method="prova", geom=near))
    session.commit()
    browser = staff("operator")

    def chosen(**more: str) -> list[int]:
        query = {"dal": "2026-03-02", "periodo": "settimana", "zona": "noise", **more}
        return list(browser.get("/api/quartiere/scelta", params=query).json()["ids"])

    assert chosen() == chosen(livello="3") == [world.buildings[1].id]
    assert chosen(dal="2031-03-03") == []
    assert chosen(livello="4") == []


@pytest.mark.parametrize(
    "query",
    ["edifici=1;drop", "edifici=1-99999999", "edifici=9-1", "area=1,2", "area=a,b c,d e,f",
     "area=999,0 1,1 2,2", "area=nan,1 nan,2 nan,3", "zona=fumo"],
)  # fmt: skip
def test_a_selection_that_cannot_be_read_is_told_in_words(
    staff: Staff, works: Works, query: str
) -> None:
    answer = staff("operator").get(f"/api/quartiere/scelta?{query}")
    assert answer.status_code == 422
    assert "selezione" in answer.text or "area" in answer.text


def test_a_line_that_crosses_itself_still_chooses(staff: Staff, works: Works) -> None:
    browser = staff("operator")
    area = "9.0,45.0 9.5,46.0 9.5,45.0 9.0,46.0"
    assert browser.get("/api/quartiere/scelta", params={"area": area}).status_code == 200


def test_the_selection_is_a_page_and_a_file(staff: Staff, works: Works) -> None:
    world, _ = works
    ids = written_ids([b.id for b in world.buildings])
    browser = staff("operator")
    page = _text(browser.get(f"/quartiere/selezione?edifici={ids}&dal=2026-03-02").text)
    assert "2 edifici, 7 nuclei" in page
    assert "Alloggi" not in page
    answer = browser.get(f"/quartiere/selezione.csv?edifici={ids}&dal=2026-03-02")
    head, first, second = answer.content.decode("utf-8-sig").splitlines()
    assert "alloggi" not in head.split(";")
    assert first.split(";")[1] == "Via dei Mulini 2"
    told = dict(zip(head.split(";"), second.split(";"), strict=True))
    assert (told["nuclei"], told["disagio"], told["Rumore"]) == ("3", "lieve", "lieve")
    whole = staff("coordinator").get(f"/quartiere/selezione.csv?edifici={ids}")
    assert "alloggi" in whole.text.splitlines()[0].split(";")


def test_a_selection_leads_to_notices_and_tasks_of_what_disturbs_it(
    staff: Staff, works: Works
) -> None:
    world, revisions = works
    one = world.buildings[0].id
    phase = revisions["A1"].phase_id
    operator = staff("operator")
    page = operator.get(f"/quartiere/selezione?edifici={one}&dal=2026-03-02").text
    assert f'href="/fasi/{phase}/avvisi?edifici={one}"' in page
    assert f'href="/fasi/{phase}/collegamenti"' in page
    office = staff("office").get(f"/quartiere/selezione?edifici={one}&dal=2026-03-02").text
    assert "/avvisi?edifici=" in office
    assert "/collegamenti" not in office
    quiet = operator.get(f"/quartiere/selezione?edifici={one}&dal=2030-03-04").text
    assert "Nessuna fase li disturba" in quiet


def test_nobody_counted_is_told_apart_from_nobody(
    staff: Staff, works: Works, session: Session
) -> None:
    world, _ = works
    bare = make_far_building(session, world)
    bare.name = "Villa"
    session.commit()
    browser = staff("coordinator")
    told = browser.get("/api/quartiere/scelta", params={"edifici": str(bare.id)}).json()
    assert told["said"] == "un edificio, alloggi non noti"
    both = written_ids([bare.id, world.buildings[0].id])
    told = browser.get("/api/quartiere/scelta", params={"edifici": both}).json()
    assert told["said"] == "2 edifici, 4 nuclei, di uno non si conoscono gli alloggi"
    row = _text(browser.get(f"/quartiere/selezione?edifici={bare.id}").text).split("Villa")[1]
    assert "0" not in row.split("Che cosa")[0]
    file = browser.get(f"/quartiere/selezione.csv?edifici={bare.id}").text.splitlines()[1]
    assert file.split(";")[2:5] == ["", "", ""]


def test_the_sheet_says_whether_notices_were_given(
    staff: Staff, works: Works, session: Session
) -> None:
    world, revisions = works
    address = f"/quartiere/mappa/edificio/{world.buildings[0].id}?dal=2026-03-02"
    office = staff("office")
    assert "avvisi non ancora dati" in office.get(address).text
    for revision in revisions.values():
        seal(session, revision, "announced")
    session.commit()
    text = office.get(address).text
    assert "avvisi dati" in text
    assert "avvisi non ancora dati" not in text


def test_the_list_chooses_with_check_boxes(staff: Staff, works: Works) -> None:
    browser = staff("operator")
    listed = browser.get("/quartiere/mappa?vista=elenco").text
    boxes = re.findall(r'name="edificio" value="(\d+)"', listed)
    page = _text(browser.get(f"/quartiere/selezione?edificio={boxes[0]}").text)
    assert "un edificio, 4 nuclei" in page
    assert "Nessun edificio scelto" in browser.get("/quartiere/selezione").text


@given(st.sets(st.integers(1, 10**9), max_size=60))
def test_ids_in_an_address_come_back(ids: set[int]) -> None:
    assert read_ids([written_ids(ids)]) == sorted(ids)


def test_a_selection_has_a_limit() -> None:
    assert len(read_ids([f"1-{MAX_BUILDINGS}"])) == MAX_BUILDINGS
    with pytest.raises(Invalid):
        read_ids([f"1-{MAX_BUILDINGS + 1}"])


def test_bars_of_the_programme_never_cover_each_other(session: Session, works: Works) -> None:
    world, _ = works
    found = programme(session, world.quarter.id, None, MONDAY, MONDAY)
    assert len(found.bars) == 3
    assert found.day_of(MONDAY) == (MONDAY - found.first).days
    for one in found.bars:
        assert one.start_day + one.days <= found.days
        for other in found.bars:
            if one is not other and one.lane == other.lane:
                apart = one.start_day + one.days <= other.start_day
                assert apart or other.start_day + other.days <= one.start_day
    far = MONDAY + dt.timedelta(days=900)
    assert programme(session, world.quarter.id, None, MONDAY, far).days >= 900
