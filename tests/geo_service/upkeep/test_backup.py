"""Backup and restore: everything comes back, and whatever fails leaves what was there."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from geo_service.cli.__main__ import cli
from geo_service.errors import AccantoError, Conflict, Invalid, ServiceUnavailable
from geo_service.files.store import path_of
from geo_service.upkeep import archive
from tests.geo_service.builders import make_world
from tests.geo_service.upkeep.conftest import PDF, SECRET, Place

NewPlace = Callable[[], Place]
HOUSEHOLDS = "select count(*) from household"
PATCHED: dict[str, Any] = {"rows": {"quarter": 7}}


def run(*words: str) -> Result:
    """One command; an error meant for people is raised."""
    result = CliRunner().invoke(cli, list(words))
    if isinstance(result.exception, AccantoError):
        raise result.exception
    return result


def filled(place: Place) -> Place:
    """``place`` with the small quarter of the builders and one document."""
    with place.session() as session:
        make_world(session)
    place.attach()
    return place


@pytest.fixture(scope="module")
def saved(
    fresh_database: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Path]]:
    """An installation with rows and a document that no test changes, and its backup."""
    folder = tmp_path_factory.mktemp("saved")
    with fresh_database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCANTO_SECRET_KEY", SECRET)
        place = filled(Place(url, folder / "documents", patch.setenv))
        assert run("backup", str(folder / "backup.zip")).exit_code == 0
        patch.undo()
        yield place, folder / "backup.zip"


@pytest.fixture
def full(saved: tuple[Place, Path], monkeypatch: pytest.MonkeyPatch) -> Place:
    """That installation; ``enter`` it first."""
    monkeypatch.setenv("ACCANTO_SECRET_KEY", SECRET)
    monkeypatch.setenv("ACCANTO_LANGUAGE", "it")
    return replace(saved[0], set_variable=monkeypatch.setenv)


@pytest.fixture
def backup(saved: tuple[Place, Path], tmp_path: Path) -> Path:
    """A copy of that backup."""
    return Path(shutil.copy2(saved[1], tmp_path / "backup.zip"))


def databases_of(place: Place) -> list[str]:
    """The names of the databases that begin like the place's own."""
    url = make_url(place.url)
    address = url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(address.render_as_string(hide_password=False)) as server:
        query = "select datname from pg_database where starts_with(datname, %s)"
        return [name for (name,) in server.execute(query, (url.database,)).fetchall()]


@contextmanager
def changed(backup: Path, told: dict[str, Any]) -> Iterator[Path]:
    """A copy of a backup whose manifest says something else."""
    copy = backup.with_name("changed.zip")
    with zipfile.ZipFile(backup) as source, zipfile.ZipFile(copy, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == archive.MANIFEST:
                content = json.dumps({**json.loads(content), **told}).encode()
            target.writestr(info, content)
    yield copy


def test_everything_comes_back_in_an_empty_installation(
    full: Place, backup: Path, new_place: NewPlace
) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    empty = new_place()
    result = run("restore", str(backup))
    assert result.exit_code == 0
    assert "documenti: 1" in result.output
    for query in (HOUSEHOLDS, "select count(*) from flat", "select sum(st_area(footprint)) "
                  "from building", "select original_name from stored_file"):  # fmt: skip
        assert empty.one(query) == full.one(query)
    sha256 = str(empty.one("select sha256 from stored_file"))
    assert path_of(sha256).is_relative_to(empty.documents)
    assert path_of(sha256).read_bytes() == PDF
    assert path_of(sha256).stat().st_mode & 0o077 == 0
    assert empty.one("select action from history order by id desc limit 1") == "backup.restored"
    assert len(databases_of(empty)) == 1
    # Numbers go on where they were: a new row takes no number that is in use.
    with empty.session() as session:
        make_world(session, code="another")


def test_the_database_keeps_its_rules_after_a_restore(backup: Path, new_place: NewPlace) -> None:
    empty = new_place()
    migrated = structure_of(empty)
    run("restore", str(backup))
    assert structure_of(empty) == migrated


def structure_of(place: Place) -> list[tuple[Any, ...]]:
    """Columns, constraints, indexes and triggers of every table of our own.

    The server writes the same check in another way when it is made anew: its name must do.
    """
    query = """
        select 'column', table_name, column_name, data_type || coalesce(column_default, '')
          from information_schema.columns where table_schema = 'public'
        union all select 'rule', conrelid::regclass::text, conname,
               case contype when 'c' then '' else pg_get_constraintdef(oid) end
          from pg_constraint where connamespace = 'public'::regnamespace
        union all select 'index', tablename, indexname, indexdef
          from pg_indexes where schemaname = 'public'
        union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
          from pg_trigger where not tgisinternal
        order by 1, 2, 3, 4"""
    url = make_url(place.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        return connection.execute(query).fetchall()


def test_data_that_are_there_are_replaced_only_when_told(backup: Path, new_place: NewPlace) -> None:
    other = new_place()
    with other.session() as session:
        make_world(session, code="other")
    with pytest.raises(Conflict, match=r"non è vuota \(quarter 1\).*--replace"):
        run("restore", str(backup))
    assert other.one("select code from quarter") == "other"
    assert run("restore", "--replace", str(backup)).exit_code == 0
    assert other.one("select string_agg(code, ',') from quarter") != "other"
    assert len(databases_of(other)) == 1


def _flip(backup: Path, part: str) -> None:
    content = bytearray(backup.read_bytes())
    with zipfile.ZipFile(backup) as source:
        info = next(i for i in source.infolist() if i.filename.startswith(part))
    content[info.header_offset + 30 + len(info.filename) + 25] ^= 1
    backup.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda b: _flip(b, archive.DUMP),
        lambda b: _flip(b, archive.DOCUMENTS),
        lambda b: _flip(b, archive.MANIFEST),
        lambda b: b.write_bytes(b.read_bytes()[:-1000]),
        lambda b: b.write_bytes(b""),
        lambda b: b.write_bytes(b"PK\x03\x04 no archive"),
    ],
)
def test_a_damaged_archive_changes_nothing(
    backup: Path, new_place: NewPlace, harm: Callable[[Path], None]
) -> None:
    empty = new_place()
    harm(backup)
    with pytest.raises(Invalid, match="danneggiato o non è un backup"):
        run("restore", str(backup))
    assert empty.one(HOUSEHOLDS) == 0
    assert not empty.documents.exists()


def test_parts_that_no_backup_has_are_refused(backup: Path, new_place: NewPlace) -> None:
    new_place()
    with zipfile.ZipFile(backup, "a") as target:
        target.writestr("../../evil", b"x")
    with pytest.raises(Invalid, match="le sue parti non sono quelle"):
        run("restore", str(backup))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"format_version": 2}, "versione più nuova del programma"),
        ({"migration": "9999"}, "versione più nuova del programma .*aggiornate"),
        ({"srid": 25832}, "ACCANTO_SRID=25832"),
        ({"format": "other"}, "danneggiato o non è un backup"),
    ],
)
def test_what_this_program_does_not_understand_is_refused_in_a_sentence(
    backup: Path, new_place: NewPlace, told: dict[str, Any], words: str
) -> None:
    empty = new_place()
    with changed(backup, told) as copy, pytest.raises(Invalid, match=words):
        run("restore", str(copy))
    assert empty.one(HOUSEHOLDS) == 0


@pytest.mark.parametrize("dump", [b"no dump at all " * 100_000, b""])
def test_a_dump_that_the_server_cannot_read_is_told(
    backup: Path, new_place: NewPlace, tmp_path: Path, dump: bytes
) -> None:
    empty = new_place()
    part = {"name": archive.DUMP, "size": len(dump), "sha256": hashlib.sha256(dump).hexdigest()}
    with changed(backup, {"parts": [part]}) as copy, zipfile.ZipFile(copy) as source:
        manifest = source.read(archive.MANIFEST)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as target:
        target.writestr(archive.DUMP, dump)
        target.writestr(archive.MANIFEST, manifest)
    with pytest.raises(ServiceUnavailable, match=r"pg_restore si è fermato: .*sono intatti"):
        run("restore", str(tmp_path / "other.zip"))
    assert empty.one(HOUSEHOLDS) == 0
    assert len(databases_of(empty)) == 1


def test_a_restore_that_fails_half_way_leaves_the_old_rows(
    backup: Path, new_place: NewPlace
) -> None:
    other = new_place()
    with other.session() as session:
        make_world(session, code="other")
    with changed(backup, PATCHED) as copy, pytest.raises(ServiceUnavailable, match="righe non"):
        run("restore", "--replace", str(copy))
    assert other.one("select code from quarter") == "other"
    assert len(databases_of(other)) == 1


def test_programs_that_use_the_database_are_named(backup: Path, new_place: NewPlace) -> None:
    empty = new_place()
    url = make_url(empty.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(url, application_name="accanto serve"),
        pytest.raises(Conflict, match=r"in uso: accanto serve \(1\)"),
    ):
        run("restore", str(backup))
    assert empty.one(HOUSEHOLDS) == 0


def test_what_a_killed_restore_left_goes_with_the_next_one(
    backup: Path, new_place: NewPlace
) -> None:
    empty = new_place()
    url = make_url(empty.url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(f'create database "{make_url(empty.url).database}_restoring_0123"')  # type: ignore[arg-type]
    assert len(databases_of(empty)) == 2
    run("restore", str(backup))
    assert len(databases_of(empty)) == 1


def test_an_older_database_is_saved_as_it_is_and_brought_up_to_date(
    older_place: Callable[[str], Place], new_place: NewPlace, tmp_path: Path
) -> None:
    old = older_place("0009")  # before there were documents
    insert = "insert into quarter (code, name) values ('old', 'Old') returning 1"
    assert old.one(insert) == 1
    run("backup", str(tmp_path / "b.zip"))
    version = "select version_num from alembic_version"
    assert old.one(version) == "0009", "a backup changes nothing"
    empty = new_place()
    head = empty.one(version)
    run("restore", str(tmp_path / "b.zip"))
    assert empty.one("select code from quarter") == "old"
    assert empty.one(version) == head


def test_there_is_nothing_to_save_in_an_empty_database(
    older_place: Callable[[str], Place], tmp_path: Path
) -> None:
    older_place("")
    with pytest.raises(Invalid, match="vuota"):
        run("backup", str(tmp_path / "b.zip"))
    assert list(tmp_path.glob("*b.zip*")) == []


def test_a_name_that_is_taken_or_cannot_be_written_is_refused(full: Place, tmp_path: Path) -> None:
    full.enter()
    taken = tmp_path / "taken.zip"
    taken.write_bytes(b"precious")
    with pytest.raises(Invalid, match="esiste già"):
        run("backup", str(taken))
    assert taken.read_bytes() == b"precious"
    run("backup", str(tmp_path / "new.zip"))
    assert {path.name for path in tmp_path.iterdir()} == {"taken.zip", "new.zip"}
    with pytest.raises(Invalid, match="in una cartella che esiste"):
        run("backup", str(tmp_path / "no folder" / "b.zip"))


def test_a_backup_that_cannot_be_finished_leaves_no_file(full: Place, tmp_path: Path) -> None:
    full.enter()
    folder = tmp_path / "small"
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(Invalid, match="non si può scrivere"):
            run("backup", str(folder / "b.zip"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(PDF + b"more")])
def test_documents_that_are_gone_or_spoilt_are_named_and_the_rest_is_saved(
    tmp_path: Path, harm: Callable[[Path], None], new_place: NewPlace
) -> None:
    full = filled(new_place())
    kept = full.attach(PDF + b"% another")
    sha256 = str(full.one(f"select sha256 from stored_file where sha256 <> '{kept.sha256}'"))
    harm(path_of(sha256))
    result = run("backup", str(tmp_path / "b.zip"))
    assert result.exit_code == 1
    empty = new_place()
    assert run("restore", str(tmp_path / "b.zip")).exit_code == 0
    assert [path.is_file() for path in (path_of(sha256), path_of(kept.sha256))] == [False, True]
    assert empty.one("select count(*) from stored_file") == 2


def test_a_spoilt_document_is_mended_by_a_restore(
    full: Place, backup: Path, new_place: NewPlace
) -> None:
    empty = new_place()
    sha256 = str(full.one("select sha256 from stored_file"))
    path_of(sha256).parent.mkdir(parents=True)
    path_of(sha256).write_bytes(b"spoilt")
    assert empty.one(HOUSEHOLDS) == 0
    run("restore", str(backup))
    assert path_of(sha256).read_bytes() == PDF


def test_another_secret_key_is_told(
    backup: Path, new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCANTO_SECRET_KEY", "another secret key, also of the tests alone")
    new_place()
    assert "secondo fattore" in CliRunner().invoke(cli, ["restore", str(backup)]).output
