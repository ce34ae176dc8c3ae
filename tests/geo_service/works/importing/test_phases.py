"""Phases from a file: hours, noisy hours, closures and cuts in its cells or in a second layer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import MultiPolygon
from sqlalchemy.orm import Session

from geo_service.imports.service import ImportOptions, import_file
from geo_service.works.importing.cells import ToldCut, parse_cuts, parse_hours
from geo_service.works.revisions import draft_of
from geo_service.works.service import revisions_in_force
from layers.loaders.report import Report
from tests.geo_service.builders import World, area, make_world

NINE, NOON, FIVE = dt.time(9), dt.time(12), dt.time(17)


@pytest.mark.parametrize(
    ("cell", "days", "windows"),
    [
        ("lun-ven 7:30-17:30", range(5), [(dt.time(7, 30), dt.time(17, 30))]),
        ("Lunedì – venerdì 7.30 – 17.30", range(5), [(dt.time(7, 30), dt.time(17, 30))]),
        ("lun-ven 9-12, 14:30-17", range(5), [(NINE, NOON), (dt.time(14, 30), FIVE)]),
        ("lun, mer e ven 9-12", (0, 2, 4), [(NINE, NOON)]),
        ("mon-fri 9-12", range(5), [(NINE, NOON)]),
        ("tutti i giorni 9-12", range(7), [(NINE, NOON)]),
        ("ven 22:00-6:00", (4,), [(dt.time(22), dt.time(6))]),
    ],
)
def test_hours_as_people_write_them(cell: str, days: object, windows: list[object]) -> None:
    assert parse_hours(cell) == sorted((d, *w) for d in days for w in windows)  # type: ignore[attr-defined, misc]


def test_two_groups_of_days() -> None:
    found = parse_hours("lun-gio 9-17; ven 9-12")
    assert len(found) == 5
    assert found[-1] == (4, NINE, NOON)


@pytest.mark.parametrize(
    "cell",
    ["", "lun-ven", "7:30-17:30", "ven-lun 8-12", "lun 8-8", "lun 8-25", "boh 8-12", "lun 8"],
)
def test_what_are_no_hours(cell: str) -> None:
    with pytest.raises(ValueError, match=r"working hours|not a time"):
        parse_hours(cell)


def test_cuts_as_people_write_them() -> None:
    cell = (
        "acqua 2026-03-02..2026-03-06 8:30-12:30 scale A, B; ascensore 03/03/2026; "
        "acqua calda dal 2.3.2026 al 4.3.2026"
    )
    first, second, third = parse_cuts(cell)
    assert first == ToldCut(
        "water", dt.date(2026, 3, 2), dt.date(2026, 3, 6), dt.time(8, 30), dt.time(12, 30),
        ("A", "B"),
    )  # fmt: skip
    assert (second.service, second.first, second.last) == (
        "lift", dt.date(2026, 3, 3), dt.date(2026, 3, 3)
    )  # fmt: skip
    assert (third.service, third.last) == ("hot_water", dt.date(2026, 3, 4))
    for wrong in ("acqua", "acqua domani", "vino 2026-03-02", "acqua 2026-02-30"):
        with pytest.raises(ValueError, match=r"no cut|no service|not a day"):
            parse_cuts(wrong)


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def table(folder: Path, world: World, *rows: str) -> Path:
    head = "cantiere;fase;dal;al;edifici;orario;orario_rumoroso;interruzioni;chiusure;tipo_chiusura"
    path = folder / "fasi.csv"
    path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    return path


def bring(session: Session, world: World, path: Path, **how: object) -> Report:
    return import_file(session, world.quarter.id, "phases", path, ImportOptions(**how))  # type: ignore[arg-type]


def test_a_phase_with_hours_closure_and_cut(session: Session, world: World, tmp_path: Path) -> None:
    site, building = world.site.code, world.buildings[0]
    closed = area(20, -8, 10, 3).wkt
    rows = [
        f"{site};F1;2026-03-02;2026-03-20;{building.source_id};lun-ven 7:30-17:30;"
        f"lun-ven 8-12;acqua 2026-03-03 8:30-12:30;{closed};marciapiede",
        f"{site};F2;2026-03-02;2026-03-20;;lun-boh;;;;",
        f"{site};F3;2026-03-02;2026-03-20;;;;acqua 2026-03-03 scala Z;;",
        f"{site};F4;2026-03-02;2026-03-20;;;;;POLIGONO;",
    ]
    path = table(tmp_path, world, *rows)
    report = bring(session, world, path, crs="32632")
    assert report.accepted == 1
    said = {r.row: (r.field, str(r.reason)) for r in report.rows}
    assert said[2][0] == "orario"
    assert "stairwell 'Z'" in said[3][1]
    assert said[4][0] == "chiusure"
    (revision,) = revisions_in_force(session, world.quarter.id)
    draft = draft_of(session, revision)
    assert [h.noisy for h in draft.hours].count(True) == 5
    assert {(h.starts_at, h.ends_at) for h in draft.hours if not h.noisy} == {
        (dt.time(7, 30), dt.time(17, 30))
    }
    (cut,) = draft.cuts
    assert cut.stairwell_ids == (world.stairwells[0].id,)
    assert (cut.service, cut.starts_at) == ("water", dt.time(8, 30))
    (closure,) = draft.closures
    assert closure.kind == "footway"
    assert closure.geometry.equals(area(20, -8, 10, 3))
    again = bring(session, world, path, crs="32632")
    assert (again.accepted, again.unchanged) == (0, 1)


def test_closures_in_a_second_layer(session: Session, world: World, tmp_path: Path) -> None:
    site = world.site.code
    path = tmp_path / "fasi.gpkg"
    phases = gpd.GeoDataFrame(
        {"cantiere": [site, site], "fase": ["F1", "F2"], "dal": ["2026-03-02"] * 2,
         "al": ["2026-03-20"] * 2},
        geometry=[area(22, 0, 5, 5)] * 2, crs=32632,
    )  # fmt: skip
    phases.to_file(path, layer="fasi", driver="GPKG")
    closures = gpd.GeoDataFrame(
        {"cantiere": [site] * 3, "fase": ["F1", "F1", "F2"],
         "tipo": ["strada", "parcheggio", "fantasia"], "stalli": [0, 4, 0]},
        geometry=[area(20, -8, 10, 3), area(20, -20, 10, 3), area(20, -30, 10, 3)], crs=32632,
    ).to_crs(4326)  # fmt: skip
    closures.to_file(path, layer="chiusure", driver="GPKG")
    report = bring(session, world, path)
    assert report.accepted == 1
    assert "a kind of closure" in report.rows[0].reason
    assert report.rows[0].row == 2
    (revision,) = revisions_in_force(session, world.quarter.id)
    found = {c.kind: c for c in draft_of(session, revision).closures}
    assert set(found) == {"carriageway", "parking"}
    assert found["parking"].stalls == 4
    assert found["carriageway"].geometry.centroid.distance(area(20, -8, 10, 3).centroid) < 0.01


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (area(20, -8, 20_000, 3), "km across"),
        (area(400_000, -8, 10, 3), "away from the quarter"),
    ],
)
def test_a_closure_that_cannot_be_used_refuses_its_phase_alone(
    session: Session, world: World, tmp_path: Path, wrong: MultiPolygon, why: str
) -> None:
    site = world.site.code
    path = tmp_path / "fasi.gpkg"
    gpd.GeoDataFrame(
        {"cantiere": [site, site], "fase": ["F1", "F2"], "dal": ["2026-03-02"] * 2,
         "al": ["2026-03-20"] * 2},
        geometry=[area(22, 0, 5, 5)] * 2, crs=32632,
    ).to_file(path, layer="fasi", driver="GPKG")  # fmt: skip
    gpd.GeoDataFrame(
        {"cantiere": [site] * 3, "fase": ["F2", "F1", "F1"]},
        geometry=[wrong, area(20, -8, 10, 3), area(20, -20, 10, 3)], crs=32632,
    ).to_file(path, layer="chiusure", driver="GPKG")  # fmt: skip
    report = bring(session, world, path)
    assert (report.read, report.accepted, report.refused) == (2, 1, 1)
    assert report.rows[0].row == 2
    assert why in report.rows[0].reason
    (revision,) = revisions_in_force(session, world.quarter.id)
    assert len(draft_of(session, revision).closures) == 2
