"""A schedule that a planning program saved as MS Project XML (MSPDI, Project 2003 schema)."""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from xml.parsers import expat

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.works.schedule_files.rows import MOST_ROWS, Percent, RawRow

NAMESPACE = "http://schemas.microsoft.com/project"
_N = f"{{{NAMESPACE}}}"
_KINDS = {"0": "FF", "1": "FS", "2": "SF", "3": "SS"}
# Lags are tenths of a minute; formats with even numbers count round the clock.
_TENTHS_PER_MINUTE = 10
_MINUTES_PER_DAY = 480
_ELAPSED = {"4", "6", "8", "10", "12", "36", "38", "40", "42", "44"}
# The lag is then a share in percent, of the days of work or of the calendar.
_PERCENT = {"19": False, "51": False, "20": True, "52": True}
_MIDNIGHT = re.compile(r"T00:00(:00)?")


def read_project(data: bytes) -> tuple[list[RawRow], int]:
    """Tasks that are no summaries, and how many were. Raises :class:`Invalid` for other files.

    A document type is refused before anything is read, so that no entity is ever expanded.
    """
    _refuse_document_type(data)
    try:
        root = ET.fromstring(data)  # noqa: S314  (without a document type there are no entities)
    except ET.ParseError as error:
        raise _broken(error.position[0]) from error
    if root.tag != f"{_N}Project":
        raise Invalid(
            _(
                "Questo XML non è di MS Project: salvate il cronoprogramma con «Salva con nome → "
                "XML»."
            )
        )
    minutes = _whole(root.findtext(f"{_N}MinutesPerDay"), _MINUTES_PER_DAY) or _MINUTES_PER_DAY
    raws: list[RawRow] = []
    summaries = 0
    for place, task in enumerate(root.iterfind(f"{_N}Tasks/{_N}Task"), start=1):
        if _text(task, "IsNull") == "1" or _text(task, "Active") == "0":
            continue
        # The task 0 is the whole project.
        if _text(task, "Summary") == "1" or _text(task, "UID") == "0":
            summaries += 1
            continue
        raws.append(_task(task, place, minutes))
        if len(raws) > MOST_ROWS:
            break
    return raws, summaries


def _refuse_document_type(data: bytes) -> None:
    def refuse(*_told: object) -> None:
        raise Invalid(_("Il file contiene definizioni che non si leggono (DTD)."))

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _broken(error.lineno) from error


def _broken(line: int) -> Invalid:
    return Invalid(
        _("L'XML è interrotto o danneggiato vicino alla riga %(line)s: salvatelo di nuovo.",
          line=line)
    )  # fmt: skip


def _text(task: ET.Element, name: str) -> str:
    return (task.findtext(f"{_N}{name}") or "").strip()


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"-?\d{1,12}", text.strip()) else default


def _task(task: ET.Element, place: int, minutes_per_day: int) -> RawRow:
    milestone = _text(task, "Milestone") == "1"
    waits: list[tuple[str, str, int | Percent]] = []
    for link in task.iterfind(f"{_N}PredecessorLink"):
        if _text(link, "CrossProject") == "1":
            continue
        kind = _KINDS.get(_text(link, "Type") or "1", "?")
        waits.append((_text(link, "PredecessorUID"), kind, _lag(link, minutes_per_day)))
    return RawRow(
        number=_whole(_text(task, "ID"), place),
        key=_text(task, "UID"),
        code=_text(task, "WBS") or _text(task, "OutlineNumber"),
        name=_text(task, "Name"),
        first=_text(task, "Start") or _text(task, "ManualStart"),
        last=_last_day(_text(task, "Finish") or _text(task, "ManualFinish"), milestone=milestone),
        milestone=milestone,
        waits=waits,
    )


def _last_day(finish: str, *, milestone: bool) -> str | dt.date:
    """A task that ends at midnight does not work on that day."""
    if milestone or not _MIDNIGHT.search(finish):
        return finish
    try:
        return dt.date.fromisoformat(finish[:10]) - dt.timedelta(days=1)
    except (ValueError, OverflowError):
        return finish


def _lag(link: ET.Element, minutes_per_day: int) -> int | Percent:
    tenths = _whole(_text(link, "LinkLag"), 0)
    unit = _text(link, "LagFormat")
    if unit in _PERCENT:
        return Percent(tenths, _PERCENT[unit])
    if unit in _ELAPSED:
        # Round the clock, five days of work in seven.
        return round(tenths / _TENTHS_PER_MINUTE / 1440 * 5 / 7)
    return round(tenths / _TENTHS_PER_MINUTE / minutes_per_day)
