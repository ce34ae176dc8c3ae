"""Settings: defaults, refusals in words, and the secret that nobody else may read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from geo_service.settings import Settings, SettingsError, get_settings, use_demo


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "SRID", "PORT", "TIMEZONE", "SECRET_KEY", "PATRON_DAY"):
        monkeypatch.delenv(f"ACCANTO_{name}", raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_defaults_serve_this_machine_only():
    settings = Settings()
    assert settings.host == "127.0.0.1"
    assert settings.database_url is None
    assert settings.srid == 32632
    assert settings.zone.key == "Europe/Rome"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_usual_database_address_becomes_a_psycopg_one(monkeypatch, scheme):
    monkeypatch.setenv("ACCANTO_DATABASE_URL", f"{scheme}://ada@db.example/accanto?sslmode=require")
    assert (
        get_settings().database_url == "postgresql+psycopg://ada@db.example/accanto?sslmode=require"
    )


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("ACCANTO_DATABASE_URL", "")
    monkeypatch.setenv("ACCANTO_PORT", "")
    assert get_settings().database_url is None
    assert get_settings().port == 8000


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("SRID", "4326", "32632"),
        ("SRID", "abc", "integer"),
        ("PORT", "70000", "65535"),
        ("TIMEZONE", "Europe/Roma", "Europe/Rome"),
        ("TIMEZONE", "../../etc/passwd", "Europe/Rome"),
        ("PATRON_DAY", "13-40", "05-22"),
        ("SECRET_KEY", "short", "32"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_a_hint(monkeypatch, name, value, hint):
    monkeypatch.setenv(f"ACCANTO_{name}", value)
    with pytest.raises(SettingsError) as refused:
        get_settings()
    assert f"ACCANTO_{name}" in str(refused.value)
    assert hint in str(refused.value)


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path):
    settings = Settings(state_dir=tmp_path / "state")
    first = settings.secret()
    kept = tmp_path / "state" / "secret_key"
    assert len(first) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert Settings(state_dir=tmp_path / "state").secret() == first
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path):
    settings = Settings(state_dir=tmp_path)
    settings.secret()
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.secret()


def test_a_damaged_secret_is_refused(tmp_path: Path):
    (tmp_path / "secret_key").write_text("")
    (tmp_path / "secret_key").chmod(0o600)
    with pytest.raises(SettingsError, match="damaged"):
        Settings(state_dir=tmp_path).secret()


def test_the_secret_never_shows_in_a_printed_setting(monkeypatch):
    monkeypatch.setenv("ACCANTO_SECRET_KEY", "k" * 40)
    assert "kkkk" not in repr(get_settings())
    assert get_settings().secret() == "k" * 40


def test_the_patron_is_a_month_and_a_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ACCANTO_PATRON_DAY", raising=False)
    assert Settings().patron is None
    monkeypatch.setenv("ACCANTO_PATRON_DAY", "05-22")
    assert Settings().patron == (5, 22)


def test_the_demonstration_has_folders_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ACCANTO_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ACCANTO_FILES_DIR", str(tmp_path / "documents"))
    monkeypatch.delenv("ACCANTO_UPLOADS_DIR", raising=False)
    assert get_settings().files_folder == tmp_path / "documents"
    use_demo(True)
    try:
        assert get_settings().files_folder == tmp_path / "documents-demo"
        assert get_settings().uploads_folder == tmp_path / "uploads-demo"
        monkeypatch.setenv("ACCANTO_DATABASE_URL", "postgresql://db.example/accanto")
        get_settings.cache_clear()
        assert get_settings().files_folder == tmp_path / "documents", "one database, one folder"
    finally:
        use_demo(False)
