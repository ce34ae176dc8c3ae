"""The notice list and its files."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.errors import NotFound
from geo_service.households.disclosure import Sight
from geo_service.households.models import Stay
from geo_service.households.service import count_households, occupied_flats_by_stairwell
from geo_service.notices.export import FORMATS, export
from geo_service.notices.service import notice_list
from geo_service.works.service import add_phase
from layers.buildings import Building
from layers.impacts.models import Impact, ImpactRun
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, make_world, week_draft


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def revision(session: Session, world: World) -> PhaseRevision:
    """Noise on all four flats of the first building, dust on two; water off in the second."""
    revision = add_phase(session, world.site, code="A1", name="Facciate", draft=week_draft())
    run = ImpactRun(revision_id=revision.id, engine_version="t", methods={}, seconds=0)
    session.add(run)
    session.flush()

    def hit(flat: int, kind: str, band: int, aspect: str = "") -> None:
        building = world.buildings[flat // 4]
        session.add(
            Impact(
                run_id=run.id,
                kind=kind,
                aspect=aspect,
                building_id=building.id,
                flat_id=world.flats[flat].id,
                band=band,
                period=revision.period,
            )
        )

    for flat in range(4):
        hit(flat, "noise", flat + 1)
    hit(0, "dust", 2)
    hit(1, "dust", 1)
    for flat in range(4, 8):
        hit(flat, "utility", 3, "water")
    session.flush()
    return revision


def test_the_list_says_how_many_and_how_hard(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    notices = notice_list(session, revision.phase_id, MONDAY)
    first, second = notices.rows
    assert first.bands == {"noise": 4, "dust": 2}
    assert (first.flats, first.households, first.letters) == (4, 4, 4)
    assert first.languages == {"it": 3, "ro": 1}
    assert first.address == "Via dei Mulini 2"
    # The last flat of the second building is empty: it is hit, but nobody is written to.
    assert second.bands == {"utility": 3}
    assert (second.flats, second.households, second.letters) == (4, 3, 3)
    assert notices.totals == {
        "buildings": 2,
        "flats": 8,
        "households": 7,
        "letters": 7,
        "buildings_without_flats": 0,
    }
    assert notices.version_number == 1


def test_who_moved_out_before_is_not_counted(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    stay = session.query(Stay).filter_by(flat_id=world.flats[0].id).one()
    stay.period = Range(dt.date(2020, 1, 1), MONDAY)
    session.flush()
    assert notice_list(session, revision.phase_id, MONDAY).rows[0].households == 3
    assert count_households(session, [revision.id], protected=True)[revision.id].households == 6


def test_two_households_in_one_flat_get_two_letters(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    stay = session.query(Stay).filter_by(flat_id=world.flats[1].id).one()
    stay.flat_id = world.flats[0].id
    session.flush()
    row = notice_list(session, revision.phase_id, MONDAY).rows[0]
    assert (row.households, row.letters) == (4, 4)


def test_households_are_counted_at_their_worst(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    count = count_households(session, [revision.id], protected=True)[revision.id]
    assert count.households == 7
    assert count.by_kind == {"noise": 4, "dust": 2, "utility": 3}
    assert count.by_kind_and_band["noise", 4] == 1


def test_a_building_with_unknown_flats_is_listed_as_a_whole(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    run = session.query(ImpactRun).one()
    session.query(Impact).delete()
    impact = {"run_id": run.id, "kind": "dust", "band": 2, "period": revision.period}
    session.add(Impact(building_id=world.buildings[0].id, **impact))
    world.buildings[0].flats_declared = 6
    session.add(Impact(building_id=world.buildings[1].id, **impact))
    session.flush()
    declared, unknown = notice_list(session, revision.phase_id, MONDAY).rows
    assert not declared.flats_known
    assert (declared.flats, declared.households, declared.letters) == (6, None, 6)
    assert (unknown.flats, unknown.households, unknown.letters) == (None, None, 0)
    totals = notice_list(session, revision.phase_id, MONDAY).totals
    assert (totals["letters"], totals["buildings_without_flats"]) == (6, 2)


def test_who_leaves_during_the_works_is_dropped_after(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    stay = session.query(Stay).filter_by(flat_id=world.flats[0].id).one()
    wednesday = MONDAY + dt.timedelta(days=2)
    stay.period = Range(dt.date(2020, 1, 1), wednesday)
    session.flush()
    on = {
        d: notice_list(session, revision.phase_id, d).rows[0].households
        for d in (MONDAY, wednesday, MONDAY + dt.timedelta(days=30))
    }
    # On Monday all four are there, from Wednesday three; looking back, all four were hit.
    assert list(on.values()) == [4, 3, 4]


def test_rows_stand_in_the_order_of_a_walk(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    for building, number in zip(world.buildings, ("39", "4"), strict=True):
        building.addresses[0].house_number = number
    session.flush()
    rows = notice_list(session, revision.phase_id, MONDAY).rows
    assert [row.address for row in rows] == ["Via dei Mulini 4", "Via dei Mulini 39"]


def test_without_impacts_the_list_is_empty_but_there(session: Session, world: World) -> None:
    revision = add_phase(session, world.site, code="A9", name="Altro", draft=week_draft())
    notices = notice_list(session, revision.phase_id, MONDAY)
    assert notices.rows == ()
    assert notices.computed_at is None
    for file_format in FORMATS:
        assert export(session, notices, file_format)


def test_a_phase_that_is_not_there(session: Session) -> None:
    with pytest.raises(NotFound):
        notice_list(session, 123456, MONDAY)


def test_every_format_holds_the_same_rows(
    session: Session, world: World, revision: PhaseRevision, tmp_path: Path
) -> None:
    session.get_one(Building, world.buildings[0].id).name = '=HYPERLINK("x");"\n<script>'
    session.flush()
    notices = notice_list(session, revision.phase_id, MONDAY)
    files = {f: export(session, notices, f) for f in FORMATS}
    table = pd.read_csv(io.BytesIO(files["csv"]), sep=";", keep_default_na=False)
    assert list(table.households) == [4, 3]
    assert table.building[0].startswith("'=HYPERLINK")
    sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).active
    assert sheet is not None
    assert [c.value for c in sheet["A"]] == ["phase", "A1", "A1"]
    assert all(c.data_type != "f" for row in sheet.iter_rows() for c in row)
    document = json.loads(files["json"])
    assert document["phase"]["id"] == revision.phase_id
    assert document["phase"]["revision"] == revision.id
    assert document["totals"]["households"] == 7
    assert document["synthetic"] is True
    path = tmp_path / "avvisi.gpkg"
    path.write_bytes(files["gpkg"])
    frame = gpd.read_file(path)
    assert list(frame.households) == [4, 3]
    assert frame.crs.to_epsg() == 32632


def test_counts_stay_whole_beside_a_building_without_flats(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    run = session.query(ImpactRun).one()
    session.query(Impact).filter_by(building_id=world.buildings[1].id).delete()
    session.add(
        Impact(
            run_id=run.id,
            kind="dust",
            band=2,
            period=revision.period,
            building_id=world.buildings[1].id,
        )
    )
    session.flush()
    content = export(session, notice_list(session, revision.phase_id, MONDAY), "csv")
    table = pd.read_csv(io.BytesIO(content), sep=";", dtype=str, keep_default_na=False)
    assert sorted(table.households) == ["", "4"]
    assert sorted(table.flats) == ["", "4"]


def test_nobody_is_named_on_the_list(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    notices = notice_list(session, revision.phase_id, MONDAY)
    for file_format in ("csv", "json"):
        assert b"Famiglia" not in export(session, notices, file_format)


def test_occupied_flats_decide_what_is_public(session: Session, world: World) -> None:
    occupied = occupied_flats_by_stairwell(session, world.quarter.id, MONDAY)
    assert occupied == {world.stairwells[0].id: 4, world.stairwells[1].id: 3}
    assert occupied_flats_by_stairwell(session, world.quarter.id, dt.date(2019, 1, 1)) == {}


def test_the_list_tells_no_more_than_its_reader_may_know(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    world.households[1].protected = True
    session.flush()
    for_operators = notice_list(session, revision.phase_id, MONDAY, Sight(False, True)).rows
    assert [(r.households, r.letters) for r in for_operators] == [(3, 3), (3, 3)]
    assert sum(for_operators[0].languages.values()) == 3
    office = notice_list(session, revision.phase_id, MONDAY, Sight(False, False))
    assert [(r.households, r.letters, r.languages) for r in office.rows] == [(None, None, {})] * 2
    assert (office.totals["households"], office.totals["letters"]) == (0, 0)


def test_the_office_reads_no_exact_count_of_whom_to_tell(
    staff: Callable[[str], TestClient], session: Session, world: World, revision: PhaseRevision
) -> None:
    session.commit()
    page = staff("office").get(f"/fasi/{revision.phase_id}/avvisi")
    told = re.findall(r'<td class="num">(.*?)</td>', page.text)
    assert told == ["–"] * 4
    assert "Lingue" not in page.text
    exact = staff("operator").get(f"/fasi/{revision.phase_id}/avvisi").text
    assert re.findall(r'<td class="num">(.*?)</td>', exact) == ["4", "4", "3", "3"]


def test_the_list_of_chosen_buildings_is_a_part_of_the_whole(
    staff: Callable[[str], TestClient], session: Session, world: World, revision: PhaseRevision
) -> None:
    session.commit()
    first = world.buildings[0].id
    browser = staff("coordinator")
    address = f"/fasi/{revision.phase_id}/avvisi"
    page = browser.get(f"{address}?edifici={first}").text
    assert re.findall(r'href="/edifici/(\d+)"', page) == [str(first)]
    assert "Solo l&#39;edificio scelto" in page
    whole = browser.get(f"{address}.csv").text.splitlines()
    part = browser.get(f"{address}.csv?edifici={first}").text.splitlines()
    assert (len(whole), len(part)) == (3, 2)
    assert part[1].split(";")[4:9] == whole[1].split(";")[4:9]
    assert browser.get(f"{address}?edifici=uno").status_code == 422
