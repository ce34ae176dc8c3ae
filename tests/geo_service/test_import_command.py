"""The commands ``accanto import`` and ``accanto quarter`` as an integrator meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from geo_service.database import make_engine
from geo_service.imports import commands
from geo_service.settings import get_settings

GENEVA = "quartiere-ginevra/quartiere_ginevra.gpkg"
SAN_LAZZARO = "edifici-san-lazzaro/edifici_san_lazzaro_di_savena.gpkg"
PARIS = "cantieri-parigi/cantieri_parigi_11_20.csv"


@pytest.fixture
def database_url(
    fresh_database: Callable[[], contextmanager[str]],  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    with fresh_database() as url:
        address = url.replace("postgresql+psycopg://", "postgresql://")
        monkeypatch.setenv("ACCANTO_DATABASE_URL", address)
        monkeypatch.setenv("ACCANTO_LANGUAGE", "en")
        get_settings.cache_clear()
        yield url
    get_settings.cache_clear()


def run(*arguments: object) -> Result:
    cli = typer.Typer()
    commands.register(cli)
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def scalar(url: str, query: str) -> object:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return found


def buildings_csv(folder: Path, *rows: str) -> Path:
    path = folder / "edifici.csv"
    path.write_text("id;piani;wkt\n" + "\n".join(rows) + "\n")
    return path


SQUARE = (
    "POLYGON ((516000 5055000, 516010 5055000, 516010 5055010, 516000 5055010, 516000 5055000))"
)


def test_a_report_that_cannot_be_written_is_told_before_anything_is_stored(
    database_url: str, tmp_path: Path
) -> None:
    path = buildings_csv(tmp_path, f"A;3;{SQUARE}")
    report = tmp_path / "missing" / "report.json"
    result = run("import", "buildings", path, "--crs", 32632, "--report", report)
    assert result.exit_code == 2
    # The sentence stands in a box, its lines broken where the path ends.
    said = " ".join(result.output.replace("│", " ").split())
    assert "is not a folder that exists" in said
    path = tmp_path / "nofile.gpkg"
    again = run("import", "buildings", path, "--report", tmp_path / "report.json")
    assert again.exit_code == 1
    assert "Errno" not in str(again.exception)
    assert "No such file or directory" in str(again.exception)


def test_one_bad_row_is_told_and_the_others_stored(database_url: str, tmp_path: Path) -> None:
    path = buildings_csv(tmp_path, f"A;3;{SQUARE}", "B;3;POINT (516000 5055000)")
    report = tmp_path / "report.json"
    result = run("import", "buildings", path, "--crs", 32632, "--report", report)
    assert result.exit_code == 1
    told = json.loads(report.read_text())
    assert list(told) == ["read", "accepted", "repaired", "unchanged", "refused", "rows"]
    assert (told["read"], told["accepted"], told["refused"]) == (2, 1, 1)
    (row,) = told["rows"]
    assert list(row) == ["row", "field", "reason"]
    assert (row["row"], row["field"]) == (2, "geometry")
    assert "edifici.csv, row 2" in result.output
    assert scalar(database_url, "select count(*) from building") == 1


@pytest.mark.parametrize("option", ["--dry-run", "--strict"])
def test_nothing_is_written_when_so_asked(database_url: str, tmp_path: Path, option: str) -> None:
    path = buildings_csv(tmp_path, f"A;3;{SQUARE}", "B;3;POINT (516000 5055000)")
    result = run("import", "buildings", path, "--crs", 32632, option)
    assert result.exit_code == 1
    assert "nothing was written" in result.output
    assert scalar(database_url, "select count(*) from building") == 0


def test_a_refused_file_leaves_nothing_and_is_reported(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    path.write_text("<OGRVRTDataSource></OGRVRTDataSource>")
    report = tmp_path / "report.json"
    result = run("import", "buildings", path, "--report", report)
    assert result.exit_code == 1
    told = json.loads(report.read_text())
    assert told["read"] == told["accepted"] == told["refused"] == 0
    assert told["rows"][0]["row"] == 0
    assert "virtual data set" in told["rows"][0]["reason"]
    assert scalar(database_url, "select count(*) from quarter") == 0


def test_wrong_usage(database_url: str) -> None:
    assert run("import", "houses", "x.csv").exit_code == 2
    assert run("import").exit_code == 2
    assert run("quarter", "add", "Not A Code").exit_code == 2


def test_quarters(database_url: str) -> None:
    assert run("quarter", "add", "nord", "--name", "Nord").exit_code == 0
    assert run("quarter", "add", "sud").exit_code == 0
    told = json.loads(run("quarter", "list", "--json").stdout)
    assert [quarter["code"] for quarter in told["quarters"]] == ["nord", "sud"]
    assert run("quarter", "add", "nord").exit_code == 1


def test_real_quarters(database_url: str, shared_data: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    def counts(*arguments: object) -> dict[str, int]:
        run("import", *arguments, "--report", report)
        told = json.loads(report.read_text())
        return {name: told[name] for name in ("read", "accepted", "unchanged", "refused")}

    for code in ("sanlazzaro", "ginevra", "parigi"):
        run("quarter", "add", code)
    first = {"read": 5396, "accepted": 5396, "unchanged": 0, "refused": 0}
    again = {"read": 5396, "accepted": 0, "unchanged": 5396, "refused": 0}
    for expected in (first, again):
        assert counts("buildings", shared_data / SAN_LAZZARO, "--quarter", "sanlazzaro") == expected
    got = counts("buildings", shared_data / GENEVA, "--quarter", "ginevra")
    assert got == {"read": 1659, "accepted": 1659, "unchanged": 0, "refused": 0}
    got = counts("entrances", shared_data / GENEVA, "--quarter", "ginevra")
    assert got == {"read": 770, "accepted": 770, "unchanged": 0, "refused": 0}
    joined = "select count(building_id) from address_point where source_id not like 'building:%'"
    assert scalar(database_url, joined) == 736
    levels = "select count(storeys) from building"
    assert scalar(database_url, levels) == 542
    got = counts("sites", shared_data / PARIS, "--quarter", "parigi")
    assert (got["accepted"], got["refused"]) == (0, 2388)
    got = counts("sites", shared_data / PARIS, "--quarter", "parigi", "--profile", "circles")
    assert (got["accepted"], got["refused"]) == (2385, 3)


def test_the_command_speaks_the_language_asked_for(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = buildings_csv(tmp_path, f"A;3;{SQUARE}", "B;3;POINT (516000 5055000)")
    report = tmp_path / "report.json"
    wanted = ("import", "buildings", path, "--crs", 32632, "--dry-run", "--report", report)
    english = run(*wanted)
    assert "1 accepted" in english.output
    italian = run(*wanted, "--lang", "it")
    assert "1 importate" in italian.output
    assert "è un punto dove ci vuole un'area" in italian.output
    assert "dove ci vuole" in json.loads(report.read_text())["rows"][0]["reason"]
    monkeypatch.delenv("ACCANTO_LANGUAGE")
    get_settings.cache_clear()
    for terminal, said in (("it_IT.UTF-8", "importate"), ("en_US.UTF-8", "accepted"),
                           ("C.UTF-8", "importate"), ("de_DE", "importate")):  # fmt: skip
        for name in ("LC_ALL", "LC_MESSAGES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", terminal)
        assert said in run(*wanted).output, terminal
    assert "--lang de" in str(run(*wanted, "--lang", "de").exception)
