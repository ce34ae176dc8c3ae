"""Reading tables: CSV in any usual dress, XLSX and ODS sheets."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import charset_normalizer
import pandas as pd
import python_calamine

from layers.errors import DataError, Sentence

BATCH_ROWS = 20_000
_SAMPLE_BYTES = 1_048_576
_MAX_CELL_CHARS = 20_000_000
MAX_COLUMNS = 2_000
_LINES = re.compile(rb">\s+<")
_SEPARATORS = (",", ";", "\t", "|")


def read_csv(path: Path, shown: str) -> Iterator[pd.DataFrame]:
    """Batches of a CSV file; every cell is text, the index is the row number from 1 on.

    Encoding (UTF-8, UTF-16, else found by its letters) and separator (comma, semicolon, tab or
    bar) are recognised. Missing cells are None; a row with more cells than the heading gets the
    rest in the column ``__surplus__``. Raises :class:`DataError` when there is no heading.
    """
    encoding = _encoding(path, shown)
    csv.field_size_limit(_MAX_CELL_CHARS)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        sample = file.read(_SAMPLE_BYTES)
        file.seek(0)
        reader = csv.reader(file, delimiter=_separator(sample))
        try:
            heading = _heading(list(next(reader, [])), shown)
            rows: list[list[Any]] = []
            first = 1
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    # A blank line is no row, but the rows after it keep counting from it.
                    cells = []
                rows.append(_fitted(cells, len(heading)))
                if len(rows) == BATCH_ROWS:
                    yield _frame(rows, heading, first)
                    first += len(rows)
                    rows = []
            yield _frame(rows, heading, first)
        except csv.Error as error:
            raise DataError(
                Sentence(
                    "%(shown)s cannot be read as CSV near line %(line_num)s: %(error)s.",
                    shown=shown,
                    line_num=reader.line_num,
                    error=error,
                )
            ) from error


def sheet_names(path: Path, shown: str) -> list[str]:
    """Names of the sheets of a spreadsheet. Raises :class:`DataError` when it is damaged."""
    return _book(path, shown).sheet_names


def _book(path: Path, shown: str) -> python_calamine.CalamineWorkbook:
    try:
        return _opened(path)
    except (python_calamine.CalamineError, zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(
            Sentence(
                "%(shown)s cannot be read as a spreadsheet: %(error)s.", shown=shown, error=error
            )
        ) from error


def _opened(path: Path) -> python_calamine.CalamineWorkbook:
    try:
        return python_calamine.CalamineWorkbook.from_path(str(path))
    except python_calamine.CalamineError:
        if path.suffix != ".ods":
            raise
    # Some programs write the cells of an ODS on lines of their own, which the reader refuses.
    # The folder of ``path`` is private and holds nothing else.
    tidied = path.with_name(f"tidied{path.suffix}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tidied, "w") as new:
        for name in (n for n in old.namelist() if n.endswith(".xml") or n == "mimetype"):
            content = old.read(name)
            new.writestr(name, _LINES.sub(b"><", content) if name == "content.xml" else content)
    return python_calamine.CalamineWorkbook.from_path(str(tidied))


def read_sheet(path: Path, shown: str, sheet: str | None) -> Iterator[pd.DataFrame]:
    """The rows of one sheet (the first unless named), as :func:`read_csv` gives them.

    Numbers, days and times stay what they are. The heading is the first row that is not blank.
    """
    book = _book(path, shown)
    names = book.sheet_names
    try:
        if sheet is not None and sheet not in names:
            raise DataError(
                Sentence(
                    "%(shown)s has no sheet %(sheet)r; it has %(names)s.",
                    shown=shown,
                    sheet=sheet,
                    names=", ".join(names),
                )
            )
        table = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=True)
    except (python_calamine.CalamineError, OSError, IndexError) as error:
        raise DataError(
            Sentence(
                "%(shown)s cannot be read as a spreadsheet: %(error)s.", shown=shown, error=error
            )
        ) from error
    while table and not any(str(cell).strip() for cell in table[0]):
        table.pop(0)
    heading = _heading([str(cell) for cell in (table[0] if table else [])], shown)
    cells = [[None if cell == "" else cell for cell in row] for row in table[1:]]
    rows = [_fitted(row, len(heading)) for row in cells]
    for start in range(0, max(len(rows), 1), BATCH_ROWS):
        yield _frame(rows[start : start + BATCH_ROWS], heading, start + 1)


def _encoding(path: Path, shown: str) -> str:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        # The sample may end in the middle of a letter.
        sample[: len(sample) - 3 if len(sample) == _SAMPLE_BYTES else None].decode("utf-8-sig")
        return "utf-8-sig"
    except UnicodeDecodeError:
        pass
    best = charset_normalizer.from_bytes(
        sample[:65_536], cp_isolation=["cp1252", "iso8859_15", "cp850", "mac_roman", "utf_16_le"]
    ).best()
    if best is None:
        raise DataError(
            Sentence(
                "%(shown)s is not text in a known encoding; save it as CSV UTF-8.", shown=shown
            )
        )
    return best.encoding


def _separator(sample: str) -> str:
    lines = [line for line in sample.splitlines()[:200] if line.strip()]
    scores = []
    for separator in _SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        heading = widths[0] if widths else 0
        same = sum(width == heading for width in widths) / max(len(widths), 1)
        scores.append((heading > 1 and same, heading))
    best = max(range(len(_SEPARATORS)), key=lambda index: scores[index])
    return _SEPARATORS[best]


def _heading(cells: list[str], shown: str) -> list[str]:
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column{position}"
        twin = 1
        while name in names:
            twin += 1
            name = f"{cell.strip()}.{twin}"
        names.append(name)
    if not any(cell.strip() for cell in cells):
        raise DataError(
            Sentence("%(shown)s has no heading: the first line must name the columns.", shown=shown)
        )
    if len(names) > MAX_COLUMNS:
        raise DataError(
            Sentence(
                "%(shown)s has %(count)s columns; more than %(max_columns)s are not read.",
                shown=shown,
                count=len(names),
                max_columns=MAX_COLUMNS,
            )
        )
    return names


def _fitted(cells: list[Any], width: int) -> list[Any]:
    surplus = cells[width:] if any(str(cell or "").strip() for cell in cells[width:]) else None
    fitted = [cell if cell != "" else None for cell in cells[:width]]
    return [*fitted, *[None] * (width - len(fitted)), surplus]


def _frame(rows: list[list[Any]], heading: list[str], first: int) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[*heading, "__surplus__"], dtype=object)
    frame.index = pd.RangeIndex(first, first + len(rows))
    blank = frame.isna().all(axis=1)
    return frame.loc[~blank]
