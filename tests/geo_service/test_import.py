"""From files to rows: every kind, the faults the field brings, and that twice changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from geo_service.households.models import Household, Stay
from geo_service.imports.service import ImportOptions, add_quarter, import_file, set_boundary
from geo_service.works.map_data import View, map_data
from layers.buildings import AddressPoint, Building, Flat, Quarter, Stairwell
from layers.buildings import Path as Footpath
from layers.errors import DataError
from layers.loaders.report import Report
from layers.sites import PhaseRevision, ScheduleVersion, Site

# A corner of Seregno in EPSG:32632, and the same in degrees.
EAST, NORTH = 516_000.0, 5_055_000.0


def square(east: float, north: float, side: float = 10.0) -> shapely.Polygon:
    return shapely.box(EAST + east, NORTH + north, EAST + east + side, NORTH + north + side)


@pytest.fixture
def quarter(session: Session) -> Quarter:
    return add_quarter(session, "prova", "Quartiere di prova")


@pytest.fixture
def built(session: Session, quarter: Quarter, tmp_path: Path) -> Quarter:
    """A quarter with the buildings A and B, twenty metres apart."""
    report = bring(session, quarter, "buildings", save(tmp_path, ["A", "B"], [0, 20]))
    assert report.accepted == 2
    return quarter


def save(folder: Path, keys: Sequence[str], easts: Sequence[float], crs: int = 32632) -> Path:
    frame = gpd.GeoDataFrame(
        {"id": list(keys)}, geometry=[square(east, 0) for east in easts], crs=32632
    )
    path = folder / "edifici.gpkg"
    frame.to_crs(crs).to_file(path, driver="GPKG")
    return path


def bring(session: Session, quarter: Quarter, kind: str, path: Path, **how: object) -> Report:
    report = import_file(session, quarter.id, kind, path, ImportOptions(**how))  # type: ignore[arg-type]
    assert report.read == report.accepted + report.unchanged + report.refused
    return report


def table(folder: Path, *lines: str) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def reasons(report: Report) -> dict[int, str]:
    return {refusal.row: f"{refusal.field}: {refusal.reason}" for refusal in report.rows}


# ---------------------------------------------------------------- buildings and entrances


def test_any_crs_comes_in_and_twice_changes_nothing(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    for crs in (32632, 4326, 3003, 6707):
        report = bring(session, quarter, "buildings", save(tmp_path, [f"k{crs}"], [0], crs))
        assert report.accepted == 1
        stored = session.scalars(select(Building).where(Building.source_id == f"k{crs}")).one()
        # Datum shifts between the national systems are metres, a wrong zone is kilometres.
        assert to_shape(stored.footprint).centroid.distance(square(0, 0).centroid) < 5
    path = save(tmp_path, ["A", "B"], [0, 20])
    first = bring(session, quarter, "buildings", path)
    codes = set(session.scalars(select(Building.code)))
    version = session.scalar(select(Quarter.map_version))
    again = bring(session, quarter, "buildings", path)
    assert (first.accepted, again.accepted, again.unchanged) == (2, 0, 2)
    assert set(session.scalars(select(Building.code))) == codes
    assert session.scalar(select(Quarter.map_version)) == version


def test_a_changed_row_is_changed_and_columns_not_told_stay(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    wkt = [square(0, 0).wkt, square(20, 0).wkt]
    path = table(tmp_path, "id;piani;altezza;wkt", f"A;4;12,5;{wkt[0]}", f"B;5;;{wkt[1]}")
    assert bring(session, quarter, "buildings", path, crs="32632").accepted == 2
    path = table(tmp_path, "id;piani;wkt", f"A;4;{wkt[0]}", f"B;6;{wkt[1]}")
    report = bring(session, quarter, "buildings", path, crs="32632")
    assert (report.accepted, report.unchanged) == (1, 1)
    stored = {b.source_id: b for b in session.scalars(select(Building))}
    assert (stored["A"].storeys, stored["A"].height_m) == (4, 12.5)
    assert stored["B"].storeys == 6


def test_bad_rows_are_named_and_the_others_stored(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    sound = square(0, 0).wkt
    corners = square(60, 0).exterior.coords
    bow_tie = shapely.Polygon(corners[i] for i in (0, 2, 1, 3)).wkt
    path = table(
        tmp_path,
        "id;note;wkt",
        f"A;;{sound}",
        f"A;the same key;{sound}",
        f"C;a point;POINT ({EAST} {NORTH})",
        "D;nothing;",
        f";no key;{square(40, 0).wkt}",
        f"F;far away;{shapely.transform(square(0, 0), lambda xy: xy + 900_000).wkt}",
        f"G;a bow tie;{bow_tie}",
    )
    report = bring(session, quarter, "buildings", path, crs="32632")
    said = reasons(report)
    assert set(said) == {2, 3, 4, 5, 6}
    assert said[2] == "id: is the same as in row 1"
    assert "point where an area" in said[3]
    assert "no geometry" in said[4]
    assert "must be told" in said[5]
    assert "km away" in said[6]
    assert (report.accepted, report.repaired) == (2, 1)
    assert set(session.scalars(select(Building.source_id))) == {"A", "G"}


HOSTILE = ["`${alert(1)}`", "</script><script>alert(1)</script>", "'; drop table building; --",
           "a\"b\\N\tc", "=cmd|' /C calc'!A0", "{{ 7*7 }} %s {stage}", "שלום ‮abc"]  # fmt: skip


def test_hostile_strings_are_stored_as_they_are(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    frame = gpd.GeoDataFrame(
        {"id": [f"{n}{text_}"[:40] for n, text_ in enumerate(HOSTILE)], "name": HOSTILE},
        geometry=[square(20 * n, 0) for n in range(len(HOSTILE))],
        crs=32632,
    )
    path = tmp_path / "hostile.gpkg"
    frame.to_file(path, driver="GPKG")
    assert bring(session, quarter, "buildings", path).accepted == len(HOSTILE)
    names = session.scalars(select(Building.name).order_by(Building.id)).all()
    assert names == [" ".join(text_.split()) for text_ in HOSTILE]


def test_nul_and_control_characters_are_removed_and_counted(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    path = table(tmp_path, "id;name;wkt", f"A;no\x00ise\x1b;{square(0, 0).wkt}")
    report = bring(session, quarter, "buildings", path, crs="32632")
    assert report.repairs == {"control characters removed": 1}
    assert session.scalar(select(Building.name)) == "noise"


@pytest.mark.parametrize(
    ("lines", "how", "why"),
    [
        (["id;x;y", f"A;{EAST};{NORTH}"], {}, r"does not say in which coordinate system"),
        (["id;lon;lat", "A;45.65;9.2"], {}, r"exchanged"),
        (["id;x;y", f"A;{NORTH};{EAST}"], {"crs": "32632"}, r"exchanged"),
        (["id;x;y", "A;1516000;5055000"], {"crs": "2056"}, r"coordinate system is wrong"),
        (["id;x;y", f"A;{EAST};{NORTH}"], {"crs": "999999"}, r"not a known"),
        (["id;via", "A;Roma"], {}, r"no geometry"),
    ],
)
def test_whole_files_that_cannot_be_placed(
    session: Session,
    quarter: Quarter,
    tmp_path: Path,
    lines: list[str],
    how: dict[str, object],
    why: str,
) -> None:
    with pytest.raises(DataError, match=why):
        bring(session, quarter, "entrances", table(tmp_path, *lines), **how)
    assert session.scalar(select(func.count()).select_from(AddressPoint)) == 0


def test_a_file_about_another_place(session: Session, built: Quarter, tmp_path: Path) -> None:
    path = table(tmp_path, "id;via;civico;lon;lat", "1;Via Emilia;1;11.41;44.47")
    with pytest.raises(DataError, match=r"another place.*km away from the quarter"):
        bring(session, built, "entrances", path)
    swapped = table(tmp_path, "id;via;civico;x;y", f"1;Via Roma;1;{NORTH + 5};{EAST + 5}")
    with pytest.raises(DataError, match=r"--swap-axes"):
        bring(session, built, "entrances", swapped, crs="32632")
    assert bring(session, built, "entrances", swapped, crs="32632", swap_axes=True).accepted == 1
    undeclared = table(tmp_path, "id;via;civico;x;y", f"2;Via Roma;2;{EAST + 5};{NORTH + 5}")
    with pytest.raises(DataError, match=r"--crs 32632"):
        bring(session, built, "entrances", undeclared)
    degrees = table(tmp_path, "id;via;civico;x;y", "2;Via Roma;2;45.65;9.2")
    with pytest.raises(DataError, match=r"--crs 4326"):
        bring(session, built, "entrances", degrees)


def test_entrances_join_what_holds_them_and_make_stairwells(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    path = table(
        tmp_path,
        "id;via;civico;scala;ascensore;x;y",
        f"1;V.le Lombardia;4/B;A;sì;{EAST + 5};{NORTH + 5}",
        f"2;Viale Lombardia;6;;;{EAST + 20};{NORTH + 5}",
        f"3;Viale Lombardia;8;;;{EAST + 15};{NORTH + 5}",
        f"4;;;C;;{EAST + 15};{NORTH + 5}",
        f"5;;;;;{EAST + 5};{NORTH + 5}",
    )
    report = bring(session, built, "entrances", path, crs="32632")
    assert set(reasons(report)) == {4, 5}
    joined = dict(
        session.execute(
            select(AddressPoint.source_id, Building.source_id).outerjoin(AddressPoint.building)
        )
        .tuples()
        .all()
    )
    assert joined == {"1": "A", "2": "B", "3": None}
    stairwell = session.scalars(select(Stairwell)).one()
    assert (stairwell.label, stairwell.lift, stairwell.building.source_id) == ("A", True, "A")
    assert session.scalars(
        select(AddressPoint.search_key).where(AddressPoint.source_id == "1")
    ).one() == ("viale lombardia 4b")
    again = bring(session, built, "entrances", path, crs="32632")
    assert (again.accepted, again.unchanged) == (0, 3)
    assert bring(session, built, "entrances", path, crs="32632", join_within_m=6.0).accepted == 2


def test_addresses_on_buildings_give_way_to_entrances(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    buildings = table(
        tmp_path, "id;via;civico;wkt", f"A;Via Roma;1;{square(0, 0).wkt}",
        f"B;Via Roma;3;{square(20, 0).wkt}",
    )  # fmt: skip
    bring(session, quarter, "buildings", buildings, crs="32632")
    assert session.scalar(select(func.count()).select_from(AddressPoint)) == 2
    doors = tmp_path / "doors.csv"
    doors.write_text(f"id;via;civico;x;y\n9;Via Roma;1;{EAST + 1};{NORTH + 1}\n")
    bring(session, quarter, "entrances", doors, crs="32632")
    assert set(session.scalars(select(AddressPoint.source_id))) == {"9", "building:B"}
    again = bring(session, quarter, "buildings", buildings, crs="32632")
    assert again.unchanged == 2
    assert set(session.scalars(select(AddressPoint.source_id))) == {"9", "building:B"}


def test_own_column_names(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    path = table(tmp_path, "KEY;LIV;wkt", f"A;7;{square(0, 0).wkt}")
    maps = ("KEY=source_id", "LIV=storeys")
    bring(session, quarter, "buildings", path, crs="32632", maps=maps)
    assert session.execute(select(Building.source_id, Building.storeys)).one() == ("A", 7)
    for wrong, why in (
        ("X=storeys", "no column"),
        ("LIV=rooms", "no field"),
        ("LIV", "theirs=ours"),
    ):
        with pytest.raises(DataError, match=why):
            bring(session, quarter, "buildings", path, crs="32632", maps=(wrong,))


def test_buildings_without_a_key_are_known_by_their_shape(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    path = table(tmp_path, "piani;wkt", f"3;{square(0, 0).wkt}", f"4;{square(0, 0).wkt}")
    report = bring(session, quarter, "buildings", path, crs="32632")
    assert reasons(report) == {2: "geometry: is the same as in row 1"}
    assert bring(session, quarter, "buildings", path, crs="32632").unchanged == 1


def test_maps_say_whose_data_they_show(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    path = save(tmp_path, ["A"], [0])
    for _ in range(2):
        bring(session, quarter, "buildings", path, source="Comune di Prova, CC BY 4.0 <b>")
    view = View(dt.date(2026, 3, 2), dt.date(2026, 3, 8))
    data = map_data(session, quarter, view, title="", list_href="")
    assert data.attribution == "Accanto | Comune di Prova, CC BY 4.0 <b>"


def test_the_boundary_of_a_quarter(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    set_boundary(session, quarter, save(tmp_path, ["x", "y"], [0, 10], 4326))
    session.expire_all()
    assert to_shape(quarter.boundary).area == pytest.approx(200, rel=0.01)


# ---------------------------------------------------------------- paths, flats, households


def test_paths(session: Session, quarter: Quarter, tmp_path: Path) -> None:
    line = f"LINESTRING ({EAST} {NORTH}, {EAST + 50} {NORTH})"
    path = table(
        tmp_path, "id;tipo;larghezza;pendenza;wkt", f"1;marciapiede;1,5;-4%;{line}",
        f"2;gradini;;;{line}", f"3;teletrasporto;;;{line}", f"4;footway;;;{square(0, 0).wkt}",
    )  # fmt: skip
    report = bring(session, quarter, "paths", path, crs="32632")
    assert set(reasons(report)) == {3, 4}
    stored = {p.source_id: p for p in session.scalars(select(Footpath))}
    assert (stored["1"].kind, stored["1"].width_m, stored["1"].slope_pct) == ("footway", 1.5, 4.0)
    assert stored["2"].kind == "steps"
    assert bring(session, quarter, "paths", path, crs="32632").unchanged == 2


FLATS = (
    "edificio;scala;interno;piano;vani;superficie;affacci;uso",
    "A;1;1;T;3;65,5;N,E;alloggio",
    "A;1;2;1°;3;65,5;;alloggio",
    "A;2;1;T;;;;negozio",
    "B;;1;rialzato;2;40;;",
    "Z;;1;1;2;40;;",
    "A;;9;1;;;;",
    "B;;2;soffitta;;;;",
    "B;;1;2;;;;",
)


def test_flats(session: Session, built: Quarter, tmp_path: Path) -> None:
    path = table(tmp_path, *FLATS)
    report = bring(session, built, "flats", path)
    said = reasons(report)
    assert set(said) == {5, 6, 7, 8}
    assert "'Z', which the quarter does not have" in said[5]
    assert "several stairwells" in said[6]
    assert "not a storey" in said[7]
    assert "same as in row 4" in said[8]
    flats = session.execute(
        select(Building.source_id, Stairwell.label, Flat.number, Flat.storey, Flat.use)
        .select_from(Flat).join(Flat.stairwell).join(Stairwell.building).order_by(Flat.id)
    ).all()  # fmt: skip
    assert flats == [
        ("A", "1", "1", 0, "dwelling"), ("A", "1", "2", 1, "dwelling"), ("A", "2", "1", 0, "shop"),
        ("B", "unica", "1", 0, "dwelling"),
    ]  # fmt: skip
    again = bring(session, built, "flats", path)
    assert (again.accepted, again.unchanged) == (0, 4)


def test_a_stairwell_that_ended_gets_no_new_flats(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    bring(session, built, "flats", table(tmp_path, *FLATS))
    session.execute(
        update(Stairwell).where(Stairwell.label == "2").values(closed_on=dt.date(2026, 1, 1))
    )
    more = table(tmp_path, "edificio;scala;interno;piano", "A;2;1;0", "A;2;9;1", "A;;3;1")
    report = bring(session, built, "flats", more)
    assert reasons(report) == {
        2: "scala: names the stairwell '2', which ended on 2026-01-01",
    }
    assert report.accepted == 1, "the only stairwell that stands needs no name"


def test_households(session: Session, built: Quarter, tmp_path: Path) -> None:
    bring(session, built, "flats", table(tmp_path, *FLATS))
    path = table(
        tmp_path,
        "nucleo;nominativo;lingua;edificio;scala;interno;dal;al",
        "N1;Rossi;italiano;A;1;1;01/02/2020;",
        "N2;Haddad;arabo;B;;1;;31/12/2025",
        "N2;Haddad;arabo;A;1;2;1/1/2026;",
        "N3;Due case;it;A;1;1;2020-01-01;2021-01-01",
        "N3;Due case;it;B;;1;2020-06-01;",
        "N4;Nessuno;it;A;;7;;",
        "N5;Al contrario;it;A;1;2;2026-05-01;2026-04-01",
        "N6;Senza giorno;it;A;1;2;31/04/2026;",
    )
    report = bring(session, built, "households", path)
    said = reasons(report)
    assert set(said) == {5, 6, 7, 8}
    assert "two places at once: see row 4" in said[5]
    assert "names no flat" in said[6]
    assert said[7].startswith("al: ends on 2026-04-01, before it starts")
    assert said[8].startswith("dal: '31/04/2026' is not a day that exists")
    assert report.accepted == 4
    languages = dict(session.execute(select(Household.code, Household.language)).all())
    assert languages == {"N1": "it", "N2": "ar", "N3": "it"}
    assert session.scalar(select(func.count()).select_from(Stay)) == 4
    again = bring(session, built, "households", path)
    assert (again.accepted, again.unchanged) == (0, 4)
    elsewhere = table(tmp_path, "nucleo;edificio;scala;interno;dal", "N1;A;1;2;2026-01-01")
    assert "recorded elsewhere" in reasons(bring(session, built, "households", elsewhere))[1]


def test_a_move_ends_one_stay_and_begins_the_next(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    bring(session, built, "flats", table(tmp_path, *FLATS))
    heading = "nucleo;edificio;scala;interno;dal;al"
    bring(session, built, "households", table(tmp_path, heading, "N1;A;1;1;2020-01-01;"))
    moved = table(tmp_path, heading, "N1;A;1;1;2020-01-01;2026-02-28", "N1;A;1;2;2026-03-01;")
    report = bring(session, built, "households", moved)
    assert (report.accepted, report.refused) == (2, 0)
    stays = session.scalars(select(Stay).order_by(func.lower(Stay.period))).all()
    assert [(str(s.period.lower), s.period.upper and str(s.period.upper)) for s in stays] == [
        ("2020-01-01", "2026-03-01"), ("2026-03-01", None),
    ]  # fmt: skip


# ---------------------------------------------------------------- sites and phases


def site_file(folder: Path) -> Path:
    return table(
        folder,
        "codice;nome;cup;wkt",
        f"A;Torri;D12J20000160001;{square(0, 0, 30).wkt}",
        f"B;Corte;;POINT ({EAST} {NORTH})",
        f"C;Lontano;;{square(9_000, 0).wkt}",
        f"D;CUP sbagliato;123;{square(0, 0).wkt}",
        "E;Senza area;;",
    )


def test_sites(session: Session, built: Quarter, tmp_path: Path) -> None:
    path = site_file(tmp_path)
    report = bring(session, built, "sites", path, crs="32632")
    said = reasons(report)
    assert set(said) == {2, 3, 4, 5}
    assert "outside the quarter" in said[3]
    assert "CUP" in said[4]
    assert "no geometry, and no site" in said[5]
    assert bring(session, built, "sites", path, crs="32632").unchanged == 1
    told = table(tmp_path, "id;cup;denominazione", "X9;D12J20000160001;Case Popolari")
    assert bring(session, built, "sites", told).accepted == 1
    assert session.execute(select(Site.code, Site.name)).one() == ("A", "Case Popolari")


def test_points_become_circles_only_when_asked(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    path = table(tmp_path, "codice;superficie;x;y", f"A;314,16;{EAST};{NORTH}",
                 f"B;;{EAST};{NORTH}")  # fmt: skip
    report = bring(session, built, "sites", path, crs="32632")
    assert report.refused == 2
    assert any("--profile circles" in note for note in report.notes)
    report = bring(session, built, "sites", path, crs="32632", profile="circles")
    assert (report.accepted, report.repaired) == (1, 1)
    area = to_shape(session.scalars(select(Site.footprint)).one()).area
    assert area == pytest.approx(314.16)


PHASES = (
    "cantiere;fase;nome;lavorazione_tipo;inizio;fine;certezza;edifici",
    "A;A1;Ponteggio;scaffold_up;2026-09-01;2026-09-30;confermata;A",
    "A;A2;Serramenti;windows;01/10/2026;20/12/2026;;A B",
    "A;A3;Al contrario;;2026-05-10;2026-05-01;;",
    "A;A4;Senza giorno;;31/04/2026;2026-05-01;;",
    "Z;Z1;Nessun cantiere;;2026-05-01;2026-05-02;;",
    "A;A1;Doppia;;2026-05-01;2026-05-02;;",
    "A;A5;Ignota;volare;2026-05-01;2026-05-02;;",
    "A;A6;Altrove;;2026-05-01;2026-05-02;;Q",
)


def test_phases(session: Session, built: Quarter, tmp_path: Path) -> None:
    bring(session, built, "sites", site_file(tmp_path), crs="32632")
    report = bring(session, built, "phases", table(tmp_path, *PHASES))
    said = reasons(report)
    assert set(said) == {3, 4, 5, 6, 7, 8}
    assert said[3].startswith("fine: ends on Fri 1 May 2026, before it starts")
    assert "day that exists" in said[4]
    assert "does not have" in said[5]
    assert "same as in row 1" in said[6]
    revisions = session.scalars(select(PhaseRevision).order_by(PhaseRevision.id)).all()
    assert [(r.phase.code, r.certainty, len(r.buildings)) for r in revisions] == [
        ("A1", "confirmed", 1), ("A2", "estimated", 2),
    ]  # fmt: skip
    assert revisions[0].plant
    assert session.scalar(select(func.count()).select_from(ScheduleVersion)) == 1
    again = bring(session, built, "phases", table(tmp_path, *PHASES))
    assert (again.accepted, again.unchanged) == (0, 2)
    assert session.scalar(select(func.count()).select_from(ScheduleVersion)) == 1
    later = table(tmp_path, PHASES[0], PHASES[1].replace("2026-09-30", "2026-10-15"))
    assert bring(session, built, "phases", later).accepted == 1
    assert session.scalar(select(func.count()).select_from(ScheduleVersion)) == 2


def test_a_file_that_breaks_off_leaves_nothing(
    session: Session, quarter: Quarter, tmp_path: Path
) -> None:
    path = tmp_path / "long.geojson"
    feature = gpd.GeoSeries([square(0, 0)], crs=32632).to_crs(4326).to_json()
    one = feature[feature.index('"features": [') + 13 : feature.rindex("]")]
    path.write_text('{"type": "FeatureCollection", "features": [' + ",".join([one] * 50) + ", {")
    with pytest.raises(DataError):
        bring(session, quarter, "buildings", path)
    session.rollback()
    assert session.execute(text("select count(*) from building")).scalar_one() == 0


def test_one_site_far_out_in_a_tiny_file_is_refused_by_its_row(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    near, far = square(0, 30).wkt, square(900_000, 900_000).wkt
    path = table(tmp_path, "codice;nome;wkt", f"A;Vicino;{near}", f"B;Lontano;{far}")
    report = bring(session, built, "sites", path, crs="32632")
    assert report.accepted == 1
    assert report.rows[0].row == 2
    assert "km away" in report.rows[0].reason
    # Where none fits, the system is wrong, not the rows.
    path = table(tmp_path, "codice;nome;wkt", f"C;Lontano;{far}", f"D;Lontano;{far}")
    with pytest.raises(DataError, match="coordinate system is wrong"):
        bring(session, built, "sites", path, crs="32632")


def test_degrees_with_one_row_at_nought_are_still_seen_as_degrees(
    session: Session, built: Quarter, tmp_path: Path
) -> None:
    there = gpd.GeoSeries([square(0, 30)], crs=32632).to_crs(4326).iloc[0].wkt
    path = table(
        tmp_path,
        "codice;nome;wkt",
        f"A;Qui;{there}",
        "B;Nulla;POLYGON ((0 0, 0 .001, .001 0, 0 0))",
    )
    report = bring(session, built, "sites", path)
    assert (report.accepted, report.refused) == (1, 1)
