"""Tables as files: what a spreadsheet program makes of them."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd

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
