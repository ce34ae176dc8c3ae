"""Values as people write them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.loaders.flats import parse_exposures, parse_storey
from layers.loaders.uses import building_use
from layers.loaders.values import (
    clean_text,
    parse_clock,
    parse_day,
    parse_number,
    parse_whole,
    parse_yes_no,
)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12.0), ("12,5", 12.5), ("12.5 m", 12.5), ("1.234,5", 1234.5), ("1,234.5", 1234.5),
        ("~9", 9.0), ("4;5", 5.0), ("4-5", 5.0), ("3.5", 3.5), ("40'", 12.192), ("-2", -2.0),
        ("6'6\"", 1.9812), (7, 7.0), ("8%", 8.0),
    ],
)  # fmt: skip
def test_numbers(cell: object, number: float) -> None:
    assert parse_number(cell) == pytest.approx(number)


@pytest.mark.parametrize("cell", ["", "abc", "12 apples", "5 + x", True, float("inf")])
def test_no_numbers(cell: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_number(cell)


def test_a_whole_number_is_whole() -> None:
    assert parse_whole("12,0") == 12
    with pytest.raises(ValueError, match="whole"):
        parse_whole("3,5")


@pytest.mark.parametrize(
    "cell", ["2026-03-01", "01/03/2026", "1.3.2026", "2026-03-01T00:00:00", dt.date(2026, 3, 1),
             dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)],
)  # fmt: skip
def test_days_are_read_day_first(cell: object) -> None:
    assert parse_day(cell) == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    "cell", ["31/04/2026", "2025-02-29", "yesterday", "0026-03-01", "13/13/26"]
)
def test_days_that_do_not_exist(cell: str) -> None:
    with pytest.raises(ValueError, match=r"day that exists|year"):
        parse_day(cell)


def test_clock_and_yes_no() -> None:
    assert parse_clock("7.30") == dt.time(7, 30)
    assert parse_clock("17:30:00") == dt.time(17, 30)
    assert parse_yes_no("Sì") is True
    assert parse_yes_no("0") is False
    with pytest.raises(ValueError, match="neither"):
        parse_yes_no("forse")


@pytest.mark.parametrize(
    ("cell", "storey"),
    [("T", 0), ("piano terra", 0), ("rialzato", 0), ("1°", 1), ("Piano 3", 3), ("S1", -1), (2.0, 2),
     ("seminterrato", -1), ("PT", 0)],
)  # fmt: skip
def test_storeys(cell: object, storey: int) -> None:
    assert parse_storey(cell) == storey


def test_in_italian_o_is_west() -> None:
    assert parse_exposures("N, O; sud-ovest") == ["N", "W", "SW"]
    assert parse_exposures(["S", "S"]) == ["S"]
    with pytest.raises(ValueError, match="side"):
        parse_exposures("su")


@pytest.mark.parametrize(
    ("told", "use"),
    [("apartments", "residential"), ("yes", "unknown"), ("", "unknown"), ("0101", "residential"),
     ("Edificio scolastico", "school"), ("Luogo di culto", "worship"), ("garages", "garage"),
     ("residential;retail", "residential"), ("qwerty", "other"), ("mixed", "mixed")],
)  # fmt: skip
def test_uses(told: str, use: str) -> None:
    assert building_use(told) == use


def test_text_loses_what_no_screen_can_show() -> None:
    assert clean_text("a\x00b\x1b[31m  c\n") == ("ab[31m c", True)
    assert clean_text("<script>`${x}`</script>") == ("<script>`${x}`</script>", False)
    assert clean_text(12.0) == ("12", False)
    assert clean_text("\ud800x") == ("x", True)


@given(st.text())
def test_cleaned_text_can_be_stored(text: str) -> None:
    cleaned, _ = clean_text(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean_text(cleaned) == (cleaned, False)
