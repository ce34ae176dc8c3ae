"""Rows of a schedule that came in a file, checked one by one, whatever the file was."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from geo_service import i18n
from geo_service.calendar import MONDAY_TO_FRIDAY
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.works.timelines.dependency_days import Span, ends_after, work_days
from geo_service.works.validation import LONGEST_DAYS, YEARS
from layers.errors import UNREADABLE
from layers.loaders.values import clean_text, is_missing
from layers.sites import DEPENDENCY_KINDS

MOST_ROWS = 500
LONGEST_CODE = 20
LONGEST_LAG_DAYS = 1000
_WORK_DAYS_OF_CALENDAR_DAYS = 5 / 7
_MONTHS = ("gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic")
_ENGLISH_MONTHS = {"jan": 1, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "dec": 12}
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?!\d)")
_YEAR_FIRST = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)")
_IN_WORDS = re.compile(r"(\d{1,2})°?\s+([a-z]{3})[a-z]*\.?\s+(\d{4})", re.IGNORECASE)
_SPREADSHEET_DAY_0 = dt.date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Percent:
    """A lag as a share of the length of the row waited for, in days of work.

    ``elapsed``: of its days of the calendar, five of seven of them days of work.
    """

    value: float
    elapsed: bool = False

    def days_of(self, row: ScheduleRow, patron: tuple[int, int] | None) -> int:
        """The share of ``row`` in whole days of work; half a day counts as one."""
        if self.elapsed:
            length = ((row.last - row.first).days + 1) * _WORK_DAYS_OF_CALENDAR_DAYS
        else:
            length = work_days(Span(row.first, row.last), patron)
        share = 0.0 if row.milestone else abs(self.value) / 100 * length
        return math.floor(share + 0.5) * (-1 if self.value < 0 else 1)


@dataclass(slots=True)
class RawRow:
    """A row as a file has it: ``key`` is what other rows name it by; days may be of any kind."""

    number: int
    key: str
    code: Any
    name: Any
    first: Any
    last: Any
    work_days: int | None = None
    milestone: bool = False
    # (name of the row waited for, kind, days of work or a share)
    waits: list[tuple[str, str, int | Percent]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wait:
    """A row that another row waits for."""

    row: int
    kind: str
    lag_days: int


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A row that can be used. ``code`` may be empty; ``last`` is the last day of works."""

    number: int
    code: str
    name: str
    first: dt.date
    last: dt.date
    milestone: bool = False
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True)
class RowNote:
    """A sentence about a row of the file."""

    number: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """What a file holds: usable rows, refused rows, remarks on usable ones.

    ``headings`` counts rows that gather others and are no phases; ``tells_links`` says whether
    the file tells what waits for what at all.
    """

    file_name: str
    rows: tuple[ScheduleRow, ...]
    refused: tuple[RowNote, ...]
    notes: tuple[RowNote, ...]
    headings: int
    tells_links: bool

    def as_json(self) -> str:
        """The same as text that a form carries along."""
        return json.dumps(
            {
                "file": self.file_name, "headings": self.headings, "links": self.tells_links,
                "rows": [
                    [r.number, r.code, r.name, r.first.isoformat(), r.last.isoformat(),
                     int(r.milestone), [[w.row, w.kind, w.lag_days] for w in r.waits]]
                    for r in self.rows
                ],
                "refused": [[n.number, n.code, n.text] for n in self.refused],
                "notes": [[n.number, n.code, n.text] for n in self.notes],
            },
            ensure_ascii=False, separators=(",", ":"),
        )  # fmt: skip


def from_json(text: str) -> ReadSchedule:
    """Read :meth:`ReadSchedule.as_json` back, checked anew. Raises :class:`Invalid`."""
    try:
        told = json.loads(text)
        raws = [
            RawRow(
                int(number), str(int(number)), str(code), str(name), str(first), str(last), None,
                bool(milestone), [(str(int(w[0])), str(w[1]), int(w[2])) for w in waits],
            )
            for number, code, name, first, last, milestone, waits in told["rows"]
        ]  # fmt: skip
        refused, notes = (
            tuple(RowNote(int(n), str(c)[:40], str(t)[:500]) for n, c, t in told[part])
            for part in ("refused", "notes")
        )
        file_name, headings = str(told["file"])[:100], int(told["headings"])
        tells_links = bool(told["links"])
    except UNREADABLE as error:
        raise Invalid(_("Il confronto non è più leggibile: caricate di nuovo il file.")) from error
    read = check_rows(raws, file_name, tells_links=tells_links)
    return ReadSchedule(
        file_name, read.rows, refused + read.refused, notes + read.notes, headings, tells_links
    )


def check_rows(
    raws: Sequence[RawRow],
    file_name: str,
    *,
    headings: int = 0,
    tells_links: bool = True,
    patron: tuple[int, int] | None = None,
) -> ReadSchedule:
    """Check rows one by one; raises :class:`Invalid` where there are none, or far too many."""
    if len(raws) > MOST_ROWS:
        raise Invalid(
            _(
                "Il file ha più di %(most)s attività: un cronoprogramma di cantiere ne ha molte "
                "meno. Togliete quelle che non servono, o dividetelo.",
                most=MOST_ROWS,
            )
        )
    if not raws:
        raise Invalid(_("Nel file non c'è nessuna attività con le sue date."))
    rows: list[tuple[ScheduleRow, RawRow]] = []
    refused: list[RowNote] = []
    codes: dict[str, int] = {}
    for raw in raws:
        code = clean_text(raw.code)[0]
        try:
            row = _checked(raw, code, codes, patron)
        except ValueError as fault:
            refused.append(RowNote(raw.number, code[:40], str(fault)))
            continue
        if row.code:
            codes[row.code.casefold()] = row.number
        rows.append((row, raw))
    notes: list[RowNote] = []
    linked = tuple(_linked(row, raw, rows, notes, patron) for row, raw in rows)
    return ReadSchedule(file_name, linked, tuple(refused), tuple(notes), headings, tells_links)


def _checked(
    raw: RawRow, code: str, codes: Mapping[str, int], patron: tuple[int, int] | None
) -> ScheduleRow:
    name = clean_text(raw.name)[0][:200]
    if not name and not code:
        raise ValueError(_("manca il nome dell'attività"))
    if len(code) > LONGEST_CODE:
        raise ValueError(_("il codice ha più di %(most)s caratteri", most=LONGEST_CODE))
    if code.casefold() in codes:
        raise ValueError(
            _("il codice %(code)s c'è già alla riga %(row)s", code=code,
              row=codes[code.casefold()])
        )  # fmt: skip
    first = read_day(raw.first, _("l'inizio"))
    if is_missing(raw.last) and raw.work_days is not None:
        if raw.work_days > LONGEST_DAYS:
            raise ValueError(_("dura più di dieci anni: controllate la durata"))
        last = ends_after(first, max(raw.work_days, 1), MONDAY_TO_FRIDAY, patron)
    elif is_missing(raw.last) and raw.milestone:
        last = first
    else:
        last = read_day(raw.last, _("la fine"))
    if last < first:
        raise ValueError(
            _("finisce %(last)s, prima di cominciare (%(first)s)", last=i18n.day(last),
              first=i18n.day(first))
        )  # fmt: skip
    if (last - first).days > LONGEST_DAYS:
        raise ValueError(_("dura più di dieci anni: controllate l'anno"))
    return ScheduleRow(raw.number, code, name or code, first, last, raw.milestone)


def _linked(
    row: ScheduleRow,
    raw: RawRow,
    rows: Sequence[tuple[ScheduleRow, RawRow]],
    notes: list[RowNote],
    patron: tuple[int, int] | None,
) -> ScheduleRow:
    by_number = {r.number: r for r, _raw in rows}
    by_key = {other.key.casefold(): r.number for r, other in reversed(rows) if other.key}
    by_code = {r.code.casefold(): r.number for r, _raw in rows if r.code}
    waits: dict[int, Wait] = {}
    for reference, kind, told in raw.waits:
        wanted = reference.casefold()
        number = by_key.get(wanted, by_code.get(wanted))
        lag = 0 if isinstance(told, Percent) else told
        if isinstance(told, Percent) and number is not None:
            lag = told.days_of(by_number[number], patron)
        if number is None or number == row.number:
            text = _("il predecessore «%(name)s» non è tra le attività prese", name=reference[:40])
        elif kind not in DEPENDENCY_KINDS or abs(lag) > LONGEST_LAG_DAYS:
            text = _("il legame con «%(name)s» non si capisce", name=reference[:40])
        else:
            waits.setdefault(number, Wait(number, kind, lag))
            if not isinstance(told, Percent):
                continue
            text = _(
                "il legame con «%(name)s» è in percentuale: %(share)s %% della sua durata, contato "
                "come %(days)s giorni di lavoro",
                name=reference[:40], share=i18n.number(told.value, 1).removesuffix(",0"),
                days=lag,
            )  # fmt: skip
        notes.append(RowNote(row.number, row.code, text))
    return ScheduleRow(
        row.number, row.code, row.name, row.first, row.last, row.milestone, tuple(waits.values())
    )


def read_day(value: Any, what: str) -> dt.date:
    """The day in a cell: a spreadsheet date or its number, 02/03/2026, 2.3.26, 2 marzo 2026, ISO.

    ``what`` begins the sentence of the ValueError that a missing or impossible day raises.
    """
    if is_missing(value):
        raise ValueError(_("manca %(what)s", what=what))
    if isinstance(value, dt.datetime):
        day = value.date()
    elif isinstance(value, dt.date):
        day = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not 20_000 <= value <= 110_000:
            raise ValueError(_("%(what)s non è una data: %(text)s", what=what, text=value))
        day = _SPREADSHEET_DAY_0 + dt.timedelta(days=int(value))
    else:
        day = _day_in_text(str(value), what)
    if day.year not in YEARS:
        raise ValueError(
            _("%(what)s cade nell'anno %(year)s: controllate", what=what, year=day.year)
        )
    return day


def _day_in_text(text: str, what: str) -> dt.date:
    shown = clean_text(text)[0][:40]
    year_first, day_first = _YEAR_FIRST.search(shown), _DAY_FIRST.search(shown)
    in_words = _IN_WORDS.search(shown)
    if year_first:
        year, month, number = (int(part) for part in year_first.groups())
    elif day_first:
        number, month, year = (int(part) for part in day_first.groups())
        year += 2000 if len(day_first[3]) == 2 else 0
    elif in_words:
        short = in_words[2].casefold()
        month = _MONTHS.index(short) + 1 if short in _MONTHS else _ENGLISH_MONTHS.get(short, 0)
        number, year = int(in_words[1]), int(in_words[3])
    else:
        raise ValueError(_("%(what)s non è una data: «%(text)s»", what=what, text=shown))
    if not 1 <= month <= 12:
        raise ValueError(
            _("%(what)s ha il mese %(month)s, che non esiste: «%(text)s»; si scrive "
              "giorno/mese/anno", what=what, month=month, text=shown)
        )  # fmt: skip
    try:
        return dt.date(year, month, number)
    except ValueError as error:
        raise ValueError(
            _("%(what)s è un giorno che non esiste: «%(text)s»", what=what, text=shown)
        ) from error
