"""Schedules from files: what is recognised, and what is refused in words."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import Invalid
from geo_service.works.schedule_files.reading import read_schedule
from geo_service.works.schedule_files.rows import MOST_ROWS, ReadSchedule, Wait, from_json, read_day

HEAD = ("Codice", "Attività", "Inizio", "Fine", "Predecessori")
D = dt.date


def sheet(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def project(*tasks: str, top: str = "") -> bytes:
    body = "".join(f"<Task>{task}</Task>" for task in tasks)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{top}'
        f'<Project xmlns="http://schemas.microsoft.com/project"><Tasks>{body}</Tasks></Project>'
    ).encode()


def task(uid: int, name: str, start: str, finish: str, more: str = "") -> str:
    return (
        f"<UID>{uid}</UID><ID>{uid}</ID><Name>{name}</Name><WBS>1.{uid}</WBS>"
        f"<Start>{start}</Start><Finish>{finish}</Finish>{more}"
    )


def read(data: bytes, name: str = "programma.xlsx") -> ReadSchedule:
    return read_schedule(data, name)


def test_a_table_under_titles_is_read_with_both_kinds_of_dates() -> None:
    found = read(
        sheet(
            ("Cronoprogramma dei lavori",), ("Cantiere A, rev. 3",), (),
            HEAD,
            ("1", "OPERE PROVVISIONALI"),
            ("A1", "Scavo", D(2026, 3, 2), D(2026, 3, 13)),
            ("A2", "Demolizione", "lun 16/03/26", "03.04.2026", "A1FI+2g"),
            ("A3", "Asfalto", "5 ottobre 2026", "2026-10-09", "A1; A2II-1"),
        )
    )  # fmt: skip
    assert [(r.code, r.first, r.last) for r in found.rows] == [
        ("A1", D(2026, 3, 2), D(2026, 3, 13)),
        ("A2", D(2026, 3, 16), D(2026, 4, 3)),
        ("A3", D(2026, 10, 5), D(2026, 10, 9)),
    ]
    assert [r.number for r in found.rows] == [6, 7, 8]
    assert found.rows[1].waits == (Wait(6, "FS", 2),)
    assert found.rows[2].waits == (Wait(6, "FS", 0), Wait(7, "SS", -1))
    assert found.headings == 1
    assert found.refused == ()


def test_a_merged_title_and_english_headings_with_durations() -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.merge_cells("A1:D2")
    page["A1"] = "Works schedule"
    page.append(("ID", "Task Name", "Start", "Duration (days)", "Predecessors"))
    page.append((1, "Scaffold", D(2026, 3, 30), "10 days", None))
    page.append((2, "Roof", D(2026, 4, 14), "2 wk", "1SS+1w"))
    buffer = io.BytesIO()
    book.save(buffer)
    found = read(buffer.getvalue())
    # Ten days of work with Easter Monday between.
    assert found.rows[0].last == D(2026, 4, 13)
    assert found.rows[1].last == D(2026, 4, 27)
    assert found.rows[1].waits == (Wait(found.rows[0].number, "SS", 5),)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("3FI+8h", [(2, "FS", 1)]),
        ("3FS+480m", [(2, "FS", 1)]),
        ("3FS+2 mesi", [(2, "FS", 40)]),
        ("3FS+1,5g", [(2, "FS", 2)]),
        ("3II-1 sett,5", [(2, "SS", -5), (4, "FS", 0)]),
        ("3,5", [(2, "FS", 0), (4, "FS", 0)]),
        ("3,5fs", [(2, "FS", 0), (4, "FS", 0)]),
        ("F-03", [(3, "FS", 0)]),
        ("f-03 FI+2g", [(3, "FS", 2)]),
        ("F-03FF-1; 5", [(3, "FF", -1), (4, "FS", 0)]),
        ("F-99FS+1", []),
    ],
)
def test_lags_have_units_and_names_may_look_like_lags(
    told: str, expected: list[tuple[int, str, int]]
) -> None:
    found = read(
        sheet(
            ("ID", "Codice", "Attività", "Inizio", "Fine", "Predecessori"),
            (3, "F", "Ponteggio", "02/03/2026", "06/03/2026"),
            (4, "F-03", "Facciata", "02/03/2026", "06/03/2026"),
            (5, "F-05", "Tetto", "02/03/2026", "06/03/2026"),
            (6, "F-06", "Collaudo", "04/05/2026", "08/05/2026", told),
        )
    )  # fmt: skip
    assert found.rows[3].waits == tuple(Wait(*wait) for wait in expected)
    assert len(found.notes) == (0 if expected else 1)


@pytest.mark.parametrize(
    ("told", "last", "milestone"),
    [
        ("0,5 g", D(2026, 3, 2), False),
        (0.5, D(2026, 3, 2), False),
        ("0 g", D(2026, 3, 2), True),
        ("80 ore", D(2026, 3, 13), False),
        ("12h", D(2026, 3, 3), False),
        ("1 mese", D(2026, 3, 27), False),
        ("1,5 sett.", D(2026, 3, 11), False),
        ("10 g?", D(2026, 3, 13), False),
    ],
)
def test_durations_have_units(told: Any, last: dt.date, milestone: bool) -> None:
    found = read(sheet(("Attività", "Inizio", "Durata"), ("Scavo", D(2026, 3, 2), told)))
    assert (found.rows[0].last, found.rows[0].milestone) == (last, milestone)


def test_the_second_sheet_holds_the_schedule() -> None:
    book = openpyxl.Workbook()
    book.active.append(("Copertina",))
    second = book.create_sheet("Programma")
    second.append(("WBS", "Nome attività", "Inizio", "Fine"))
    second.append(("1.1", "Scavo", 46083, 46094))
    buffer = io.BytesIO()
    book.save(buffer)
    assert read(buffer.getvalue()).rows[0].first == D(2026, 3, 2)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("B", "x", "10/03/2026", "09/03/2026"), "prima di cominciare"),
        (("B", "x", "31/04/2026", "09/05/2026"), "un giorno che non esiste"),
        (("B", "x", "29/02/2026", "09/05/2026"), "un giorno che non esiste"),
        (("B", "x", "10/13/2026", "09/05/2026"), "il mese 13, che non esiste"),
        (("B", "x", "presto", "09/05/2026"), "non è una data"),
        (("B", "x", "01/01/0026", "09/05/2026"), "nell'anno 26"),
        (("B", "x", "01/01/2026", "09/05/2096"), "più di dieci anni"),
        (("B", "x", "", "09/05/2026"), "manca l'inizio"),
        (("B", "x", "01/05/2026", ""), "manca la fine"),
        (("A1", "x", "01/05/2026", "04/05/2026"), "c'è già alla riga 2"),
        (("a1", "x", "01/05/2026", "04/05/2026"), "c'è già alla riga 2"),
        (("", "", "01/05/2026", "04/05/2026"), "manca il nome"),
        (("B" * 21, "x", "01/05/2026", "04/05/2026"), "più di 20 caratteri"),
    ],
)
def test_a_row_that_cannot_be_is_refused_alone(row: tuple[Any, ...], said: str) -> None:
    good = ("A1", "Scavo", "02/03/2026", "06/03/2026")
    found = read(sheet(HEAD, good, row))
    assert [r.code for r in found.rows] == ["A1"]
    assert [(n.number, said in n.text) for n in found.refused] == [(3, True)], found.refused


def test_an_unknown_predecessor_is_told_and_the_row_kept() -> None:
    found = read(sheet(HEAD, ("A1", "Scavo", "02/03/2026", "06/03/2026", "Z9FS; A1")))
    assert found.rows[0].waits == ()
    assert ["Z9" in n.text for n in found.notes] == [True, False]


def test_tasks_of_ms_project_are_read() -> None:
    found = read(
        project(
            "<UID>0</UID><ID>0</ID><Name>Tutto</Name><Summary>1</Summary>",
            task(1, "Opere", "2026-03-02T08:00:00", "2026-04-10T17:00:00", "<Summary>1</Summary>"),
            task(2, "Scavo", "2026-03-02T08:00:00", "2026-03-14T00:00:00"),
            task(3, "Demolizione", "2026-03-16T08:00:00", "2026-04-03T17:00:00",
                 "<PredecessorLink><PredecessorUID>2</PredecessorUID><Type>1</Type>"
                 "<LinkLag>9600</LinkLag><LagFormat>7</LagFormat></PredecessorLink>"
                 "<PredecessorLink><PredecessorUID>1</PredecessorUID><Type>3</Type>"
                 "</PredecessorLink>"),
            task(4, "Collaudo", "2026-04-10T17:00:00", "2026-04-10T17:00:00",
                 "<Milestone>1</Milestone>"),
        ),
        "programma.xml",
    )  # fmt: skip
    assert [(r.code, r.name, r.first, r.last) for r in found.rows] == [
        ("1.2", "Scavo", D(2026, 3, 2), D(2026, 3, 13)),
        ("1.3", "Demolizione", D(2026, 3, 16), D(2026, 4, 3)),
        ("1.4", "Collaudo", D(2026, 4, 10), D(2026, 4, 10)),
    ]
    assert found.rows[1].waits == (Wait(2, "FS", 2),)
    assert found.rows[2].milestone
    assert found.headings == 2
    assert len(found.notes) == 1


PERCENT_LINK = (
    "<PredecessorLink><PredecessorUID>2</PredecessorUID><Type>1</Type>"
    "<LinkLag>{}</LinkLag><LagFormat>{}</LagFormat></PredecessorLink>"
)


@pytest.mark.parametrize(
    ("lag", "lag_format", "days"),
    [
        (50, 19, 5),  # of ten days of work
        (-25, 51, -3),
        (100, 20, 9),  # of twelve days of the calendar, 5 in 7
        (0, 19, 0),
    ],
)
def test_a_lag_in_percent_is_a_share_of_the_length_of_the_row_waited_for(
    lag: int, lag_format: int, days: int
) -> None:
    found = read(
        project(
            task(2, "Scavo", "2026-03-02T08:00:00", "2026-03-13T17:00:00"),
            task(3, "Posa", "2026-04-13T08:00:00", "2026-04-17T17:00:00",
                 PERCENT_LINK.format(lag, lag_format)),
        ),
        "programma.xml",
    )  # fmt: skip
    assert found.rows[1].waits == (Wait(2, "FS", days),)
    assert f"{lag} % della sua durata, contato come {days} giorni" in found.notes[0].text
    assert found.notes[0].number == 3


@pytest.mark.parametrize(("told", "days"), [("3FS+50%", 3), ("3FI-40 %", -2), ("3+100e%", 4)])
def test_a_sheet_tells_lags_in_percent_too(told: str, days: int) -> None:
    found = read(
        sheet(
            ("ID", "Attività", "Inizio", "Fine", "Predecessori"),
            (3, "Ponteggio", "02/03/2026", "06/03/2026"),
            (4, "Facciata", "04/05/2026", "08/05/2026", told),
        )
    )
    assert [w.lag_days for w in found.rows[1].waits] == [days]


def test_a_milestone_has_no_length_to_take_a_share_of() -> None:
    found = read(
        project(
            task(2, "Consegna", "2026-03-02T08:00:00", "2026-03-02T08:00:00",
                 "<Milestone>1</Milestone>"),
            task(3, "Posa", "2026-04-13T08:00:00", "2026-04-17T17:00:00",
                 PERCENT_LINK.format(80, 19)),
        ),
        "programma.xml",
    )  # fmt: skip
    assert found.rows[1].waits == (Wait(2, "FS", 0),)


BOMB = (
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "vuoto"),
        (b"  \n ", "vuoto"),
        (b"ciao;mondo\n1;2\n", "né un foglio"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "salvatelo da MS Project come XML"),
        (b"PK\x03\x04 not a zip", "danneggiato"),
        (b"<html><body>no</body></html>", "non è di MS Project"),
        (b"<Project><Tasks/></Project>", "non è di MS Project"),
        (b"<Project xmlns='http://schemas.microsoft.com/project'><Tasks>", "danneggiato"),
        (project(top=BOMB), "DTD"),
        (project(top='<!DOCTYPE p SYSTEM "file:///etc/passwd">'), "DTD"),
        (project().decode().replace("UTF-8", "UTF-16").encode("utf-16"), "nessuna attività"),
        (project(top=BOMB).decode().replace("UTF-8", "UTF-16").encode("utf-16"), "DTD"),
        (sheet(("a", "b"), (1, 2)), "non si trovano le colonne"),
        (sheet(HEAD), "nessuna attività"),
        (b"\x00" * 20_000, "vuoto|né un foglio"),
    ],
)
def test_what_is_no_schedule_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(data)


def test_archives_that_are_no_spreadsheets_or_too_large_are_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(Invalid, match="non è un foglio"):
        read(other.getvalue())
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 130_000_000)
    assert len(bomb.getvalue()) < 1_000_000
    with pytest.raises(Invalid, match="troppo grande"):
        read(bomb.getvalue())
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    with pytest.raises(Invalid, match="danneggiato"):
        read(broken.getvalue())
    with pytest.raises(Invalid, match="MB"):
        read(b"PK" + b"\x00" * 10_000_001)


def test_far_too_many_rows_are_refused_quickly() -> None:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    page.append(HEAD)
    for n in range(20_000):
        page.append((f"A{n}", "x", "02/03/2026", "06/03/2026"))
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(Invalid, match=str(MOST_ROWS)):
        read(buffer.getvalue())
    tasks = [task(n, "x", "2026-03-02T08:00:00", "2026-03-03T08:00:00") for n in range(20_000)]
    with pytest.raises(Invalid, match=str(MOST_ROWS)):
        read(project(*tasks))


def test_what_a_form_carries_along_is_the_same_and_checked_anew() -> None:
    found = read(
        sheet(HEAD, ("A1", "Scavo «1»", "02/03/2026", "06/03/2026"),
              ("A2", "B", "09/03/2026", "13/03/2026", "A1FS+1; Z"), ("A2", "C", "x", "y"))
    )  # fmt: skip
    assert from_json(found.as_json()) == found
    cut = found.as_json().replace("2026-03-06", "2026-03-01")[:-1]
    endless = found.as_json().replace('"headings":0', '"headings":1e999')
    assert "1e999" in endless
    row = '[1,"A","B","2026-03-02","2026-03-06",0,[[]]]'
    waits_for_nothing = f'{{"file":"f","headings":1,"links":1,"rows":[{row}]}}'
    for wrong in ("", "[]", "{", cut, "[" * 9_000, endless, waits_for_nothing):
        with pytest.raises(Invalid, match="caricate di nuovo"):
            from_json(wrong)
    turned = from_json(found.as_json().replace("2026-03-06", "2026-02-01"))
    assert "prima di cominciare" in turned.refused[-1].text


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_a_sentence(text: str) -> None:
    try:
        found = read_day(text, "l'inizio")
    except ValueError as fault:
        told = str(fault)
    else:
        told = "l'inizio" if 1990 <= found.year <= 2190 else ""
    assert "l'inizio" in told


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    for beginning in (b"", b"PK\x03\x04", b"<"):
        with pytest.raises(Invalid):
            read_schedule(beginning + data, "x")
