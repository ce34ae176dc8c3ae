"""What the command answers to wrong words, before any database is touched."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geo_service import __version__
from geo_service.cli.__main__ import cli
from geo_service.console import write_file
from geo_service.errors import Invalid


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "0001-01-01", "9999-12-31"])
def test_a_day_the_demonstration_cannot_take_is_wrong_usage(day: str) -> None:
    result = CliRunner().invoke(cli, ["demo", "--no-serve", "--date", day])
    assert result.exit_code == 2
    assert "--date" in result.output


def test_one_phase_and_all_phases_exclude_each_other() -> None:
    result = CliRunner().invoke(cli, ["impacts", "--phase", "1", "--all"])
    assert result.exit_code == 2
    assert "not both" in result.output


def test_an_output_file_in_no_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be written"):
        write_file(tmp_path / "missing" / "map.html", b"x")
    write_file(tmp_path / "map.html", b"x")
    assert (tmp_path / "map.html").read_bytes() == b"x"


def test_the_program_and_its_package_have_one_version() -> None:
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    assert tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"] == __version__
