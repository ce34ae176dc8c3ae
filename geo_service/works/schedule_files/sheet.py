"""A schedule in a spreadsheet: the columns found by their headings, wherever the table begins."""

from __future__ import annotations

import io
import math
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.works.schedule_files.rows import MOST_ROWS, Percent, RawRow
from layers.loaders.values import clean_text, is_missing

# Titles, logos and signatures may stand above the table.
HEADING_WITHIN = 40
MOST_COLUMNS = 80
MOST_SHEETS = 10
MOST_BYTES_UNPACKED = 120_000_000
_NAMES = {
    "key": ("id", "n", "nr", "num", "numero", "riga", "id attivita", "id unico", "unique id"),
    "code": ("codice", "cod", "codice fase", "codice attivita", "wbs", "codice wbs", "code"),
    "name": ("attivita", "nome attivita", "nome", "fase", "fase di lavoro", "lavorazione",
             "descrizione", "descrizione attivita", "task name", "name", "activity", "task",
             "activity name", "description"),
    "first": ("inizio", "data inizio", "data di inizio", "inizio lavori", "dal", "inizia",
              "start", "start date", "begin"),
    "last": ("fine", "data fine", "data di fine", "fine lavori", "al", "termine", "finisce",
             "finish", "finish date", "end", "end date"),
    "days": ("durata", "durata giorni", "durata gg", "giorni", "gg", "duration", "days"),
    "waits": ("predecessori", "predecessore", "dipende da", "dipendenze", "predecessors",
              "predecessor", "depends on"),
    "milestone": ("cardine", "attivita cardine", "milestone"),
    "summary": ("riepilogo", "summary"),
}  # fmt: skip
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_KINDS = {"FS": "FS", "SS": "SS", "FF": "FF", "SF": "SF", "FI": "FS", "II": "SS", "IF": "SF"}
# What follows the name of a predecessor: "FS", "+2g", "II-1,5 sett.".
_TAIL = re.compile(
    r"\s*(?P<kind>FS|SS|FF|SF|FI|II|IF)?"
    r"\s*(?:(?P<sign>[+-])\s*(?P<number>\d{1,6}(?:\.\d{1,6})?)\s*(?P<unit>[a-z%.]*))?",
    re.IGNORECASE,
)
_LONGEST_NAME = 80
# A cell of predecessors is read to here; what stands behind is no list that a person wrote.
_LONGEST_WAITS = 2_000
# The comma within a lag, which parts no predecessors: "3FS+1,5g", but not "3+1,5FS".
_LAG_COMMA = re.compile(
    r"([+-]\s*\d{1,6}),(?=\d{1,6}\s*(?!(?:FS|SS|FF|SF|FI|II|IF)\b)[a-z%])", re.IGNORECASE
)
_HOURS_PER_DAY = 8
_DAYS_PER_WEEK = 5
_DAYS_PER_MONTH = 20
_YES = {"si", "x", "yes", "true", "vero", "1"}


def read_sheet(data: bytes) -> tuple[list[RawRow], int, bool]:
    """Rows of the first sheet that has a schedule; rows that are headings; whether links are told.

    Raises :class:`Invalid` for what is no spreadsheet, unpacks to too much, or has no columns
    that can be recognised.
    """
    _check_archive(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            for sheet in book.worksheets[:MOST_SHEETS]:
                sheet.reset_dimensions()
                limit = HEADING_WITHIN + 4 * MOST_ROWS
                cells = list(sheet.iter_rows(max_row=limit, max_col=MOST_COLUMNS, values_only=True))
                found = _columns(cells)
                if found is not None:
                    return _rows(cells, *found)
    except Invalid:
        raise
    # The library raises whatever its parts meet in a damaged file.
    except Exception as error:
        raise Invalid(
            _("Il foglio di calcolo è danneggiato: apritelo e salvatelo di nuovo come xlsx.")
        ) from error
    raise Invalid(
        _(
            "Nel foglio non si trovano le colonne del cronoprogramma: servono un'intestazione "
            "con il nome dell'attività (o il codice), l'inizio e la fine (o la durata)."
        )
    )


def _check_archive(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if "xl/workbook.xml" not in {m.filename for m in members}:
                raise Invalid(_("Questo archivio non è un foglio di calcolo xlsx."))
            if sum(m.file_size for m in members) > MOST_BYTES_UNPACKED or len(members) > 1000:
                raise Invalid(
                    _("Il file, una volta aperto, è troppo grande per un cronoprogramma.")
                )
            for member in members:
                if not member.filename.endswith((".xml", ".rels")):
                    continue
                with archive.open(member) as part:
                    head = part.read(4096)
                # A document type comes before all else, and a spreadsheet has none.
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise Invalid(_("Il file contiene definizioni che non si leggono (DTD)."))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise Invalid(_("Questo file non è un foglio di calcolo xlsx, o è danneggiato.")) from error


def _plain(cell: Any) -> str:
    text = unicodedata.normalize("NFD", clean_text(cell)[0].casefold())
    text = re.sub(r"[^a-z0-9 ]", " ", re.sub(r"[\u0300-\u036f]", "", text))
    return " ".join(text.split())


def _columns(cells: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]] | None:
    """Row of the heading and the column of each field; the leftmost where two could be."""
    for row, line in enumerate(cells[:HEADING_WITHIN]):
        found: dict[str, int] = {}
        for column, cell in enumerate(line):
            # Units stand in brackets: "Durata (gg)".
            told = _FIELD_OF.get(_plain(re.sub(r"[(\[].*", "", str(cell)[:100])))
            if told is not None:
                found.setdefault(told, column)
        named = "name" in found or "code" in found
        if named and "first" in found and ("last" in found or "days" in found):
            return row, found
    return None


def _rows(
    cells: Sequence[Sequence[Any]], heading: int, columns: dict[str, int]
) -> tuple[list[RawRow], int, bool]:
    raws: list[RawRow] = []
    headings = 0
    names = _names(cells, heading, columns)
    for number, line in enumerate(cells[heading + 1 :], start=heading + 2):

        def cell(name: str, line: Sequence[Any] = line) -> Any:
            column = columns.get(name, -1)
            return line[column] if 0 <= column < len(line) else None

        if all(is_missing(value) for value in line):
            continue
        dateless = all(is_missing(cell(part)) for part in ("first", "last", "days"))
        if dateless or _plain(cell("summary")) in _YES:
            headings += 1
            continue
        days, milestone = _days(cell("days"))
        raws.append(
            RawRow(
                number, clean_text(cell("key"))[0], cell("code"), cell("name"), cell("first"),
                cell("last"), days, milestone or _plain(cell("milestone")) in _YES,
                _waits(cell("waits"), names),
            )
        )  # fmt: skip
        if len(raws) > MOST_ROWS:
            break
    return raws, headings, "waits" in columns


def _names(cells: Sequence[Sequence[Any]], heading: int, columns: dict[str, int]) -> frozenset[str]:
    """What rows can be named by: their keys and codes."""
    places = [columns[field] for field in ("key", "code") if field in columns]
    return frozenset(
        clean_text(line[place])[0].casefold()
        for line in cells[heading + 1 :] for place in places
        if place < len(line) and not is_missing(line[place])
    )  # fmt: skip


def _in_days(number: float, unit: str) -> float:
    """A length in days of work; without a unit, or in one that is not known, it is in days."""
    if unit.startswith(("h", "o")):
        return number / _HOURS_PER_DAY
    if unit.startswith(("mo", "me", "ms")):
        return number * _DAYS_PER_MONTH
    if unit.startswith("m"):
        return number / (60 * _HOURS_PER_DAY)
    if unit.startswith(("s", "w")):
        return number * _DAYS_PER_WEEK
    return number


def _days(value: Any) -> tuple[int | None, bool]:
    """A duration in days of work, begun ones whole: 10, "10 g", "2 sett.", "80 ore".

    And whether it says milestone (0).
    """
    if is_missing(value):
        return None, False
    match = re.match(r"(\d{1,6})\d*(?:[.,](\d{1,6}))?\s*([a-z]*)", clean_text(value)[0].casefold())
    if match is None:
        return None, False
    days = _in_days(float(f"{match[1]}.{match[2] or 0}"), match[3])
    return math.ceil(days), days == 0


def _waits(value: Any, names: frozenset[str]) -> list[tuple[str, str, int | Percent]]:
    """Predecessors as planners write them: "3", "A1FS+2g; B2", in Italian "3FI+2g".

    ``names`` are the keys and codes of all rows: "F-03" is a code where there is such a row.
    """
    if is_missing(value):
        return []
    text = _LAG_COMMA.sub(r"\1.", clean_text(value)[0][:_LONGEST_WAITS])
    parts = (part.strip() for part in re.split(r"[;,\n]", text))
    return [_wait(part, names) for part in parts if part]


def _wait(part: str, names: frozenset[str]) -> tuple[str, str, int | Percent]:
    """Name, kind and lag; the longest known name wins, and what has none is a name as a whole."""
    for end in range(min(len(part), _LONGEST_NAME), 0, -1):
        tail = _TAIL.fullmatch(part, end)
        if tail is None or part[:end].casefold() not in names:
            continue
        kind, sign = _KINDS[(tail["kind"] or "FS").upper()], -1 if tail["sign"] == "-" else 1
        number, unit = float(tail["number"] or 0), (tail["unit"] or "").casefold()
        if "%" in unit:
            # "e%" and "t%": of the time that goes by, days off included.
            return part[:end], kind, Percent(sign * number, elapsed=unit[0] in "et")
        # Half a day counts as one.
        return part[:end], kind, math.floor(_in_days(number, unit) + 0.5) * sign
    return part, "FS", 0
