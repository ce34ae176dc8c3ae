"""Tables as files: what a spreadsheet program makes of them."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest

from geo_service.files import table_file

FRAME = pd.DataFrame(
    {
        "persone": [3, None],
        "altezza": [2.8, None],
        "ascensore": [True, None],
        "nota": ["=1+1", None],
        "interno": ["1", "2"],
    }
)


def test_a_csv_is_read_as_it_was_meant_by_an_italian_spreadsheet() -> None:
    lines = table_file(FRAME, "csv", "prova").decode("utf-8-sig").splitlines()
    assert lines == ["persone;altezza;ascensore;nota;interno", "3;2,8;sì;'=1+1;1", ";;;;2"]


def test_cells_of_a_workbook_keep_their_types() -> None:
    book = openpyxl.load_workbook(io.BytesIO(table_file(FRAME, "xlsx", "prova")))
    rows = list(book.active.values)
    assert rows[1:] == [(3, 2.8, True, "'=1+1", "1"), (None, None, None, None, "2")]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "\x01="])
def test_no_text_runs_as_a_formula(start: str) -> None:
    frame = pd.DataFrame({"nota": [f"{start}1+1"]})
    assert table_file(frame, "csv", "prova").decode("utf-8-sig").split(";")[0].count("'") == 1
    cell = openpyxl.load_workbook(io.BytesIO(table_file(frame, "xlsx", "prova"))).active["A2"]
    assert cell.data_type == "s"
    assert cell.value.startswith("'")


def test_signs_that_no_spreadsheet_can_hold_are_left_out() -> None:
    # Pasted along from another program, in a name that the database holds.
    frame = pd.DataFrame({"nota": ["Via\x0b dei\x00 Mulini\uffff"]})
    cell = openpyxl.load_workbook(io.BytesIO(table_file(frame, "xlsx", "prova"))).active["A2"]
    assert cell.value == "Via dei Mulini"
