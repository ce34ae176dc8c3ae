"""Who reads how many households in each place that counts them for a change of works.

Coordinators read each number, operators those without protected households, the office of the
municipality whole fives of the latter and nothing below five.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.households.models import Household, Stay
from geo_service.works.service import seal
from layers.impacts.models import Impact, ImpactRun, NoiseLevels
from layers.sites import PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.conftest import text_of
from tests.geo_service.pages import add_impacts, postpone_announced
from tests.geo_service.works.editing.test_phase_form import changed, form_of
from tests.geo_service.works.schedule_files.test_pages import ROWS, sent, upload
from tests.geo_service.works.schedule_files.test_reading import sheet
from tests.geo_service.works.simulation.test_page import BREAKER, Page
from tests.geo_service.works.timelines.test_timeline import _fields

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
NOT_COUNTED = "I nuclei a indirizzo protetto non sono contati."
ADDRESSES = ("Via dei Mulini 2", "Via dei Mulini 4")
BY_FIVES = "I nuclei sono contati a cinque a cinque"


def add_guest(session: Session, world: World, code: str, flat: int) -> None:
    guest = Household(quarter_id=world.quarter.id, code=code)
    session.add(guest)
    session.flush()
    period = Range(dt.date(2020, 1, 1), None)
    session.add(Stay(household_id=guest.id, flat_id=world.flats[flat].id, period=period))


@pytest.fixture
def crowded(session: Session, works: Works) -> Works:
    """Seven households in the first building, one of them protected; three in the second."""
    world, _found = works
    world.households[1].protected = True
    for n in range(3):
        add_guest(session, world, f"G{n}", flat=0)
    session.commit()
    return works


@pytest.mark.parametrize(
    ("role", "headline", "before_after", "buildings"),
    [
        ("coordinator", "Rumore : +10 nuclei", "ora 10, dopo la modifica 10", ("+7", "+3")),
        ("operator", "Rumore : +9 nuclei", "ora 9, dopo la modifica 9", ("+6", "+3")),
        ("office", "Rumore : almeno +5 nuclei", "ora almeno 5, dopo la modifica almeno 5",
         ("+almeno 5", "–")),
    ],
)  # fmt: skip
def test_a_simulation(
    staff: Staff, crowded: Works, role: str, headline: str, before_after: str,
    buildings: tuple[str, str],
) -> None:  # fmt: skip
    sheet = Page(staff(role), crowded[1]["A1"].phase_id)
    told = text_of(sheet.send(macchina_nuova=BREAKER).text)
    assert headline in told
    assert before_after in told
    for address, count in zip(ADDRESSES, buildings, strict=True):
        row = told.split(f"{address} Rumore", 1)[1].split("Via dei Mulini", 1)[0]
        assert f" {count} " in row, row
    assert (NOT_COUNTED in told) == (role == "operator")
    assert (BY_FIVES in told) == (role == "office")


def test_a_simulation_tells_the_office_no_step_over_the_next_five(
    session: Session, staff: Staff, crowded: Works
) -> None:
    """Nine households are five: four of the other building would make the step to ten."""
    add_guest(session, crowded[0], "G9", flat=7)
    session.commit()
    sheet = Page(staff("office"), crowded[1]["A1"].phase_id)
    told = text_of(sheet.send(macchina_nuova=BREAKER).text)
    assert "Rumore : almeno +5 nuclei" in told
    assert "10" not in told.split("Rumore :", 1)[1].split("Edifici", 1)[0]


def test_a_simulation_that_moves_few_tells_the_office_no_number(staff: Staff, works: Works) -> None:
    told = text_of(Page(staff("office"), works[1]["A1"].phase_id).send(macchina_nuova=BREAKER).text)
    assert "cambia qualcosa, per meno di cinque nuclei o per nessuno" in told
    assert "Nuclei disturbati: ora –, dopo la modifica –." in told


@pytest.mark.parametrize(("role", "count"), [("coordinator", 10), ("operator", 9)])
def test_the_form_of_a_phase(staff: Staff, crowded: Works, role: str, count: int) -> None:
    browser = staff(role)
    address = f"/cantieri/{crowded[0].site.id}/fasi/nuova"
    fields = changed(
        form_of(browser.get(address).text), dal="2026-04-06", al="2026-05-15",
        orario_0="8:00–17:00", macchina_nuova="it-autogru", quantita_nuova="1", uso_nuova="80",
    )  # fmt: skip
    told = browser.post(f"{address}/effetto", data=fields).text
    assert f'<p class="sim-headline">{count} nuclei</p>' in told
    assert (NOT_COUNTED in told) == (role == "operator")


@pytest.mark.parametrize(("role", "count"), [("coordinator", 10), ("operator", 9)])
def test_dates_moved_on_the_timeline_or_by_a_file(
    session: Session, staff: Staff, crowded: Works, role: str, count: int
) -> None:
    world, found = crowded
    # The same disturbance on other days; all were told of the first ones.
    seal(session, found["A1"], "announced")
    session.commit()
    browser = staff(role)
    a1 = found["A1"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    moved = {f"dal_{a1}": "2026-03-09", f"al_{a1}": "2026-03-20"}
    told = browser.post(f"{address}/effetto", data=_fields(browser.get(address).text) | moved)
    fields = sent(upload(browser, world, sheet(*ROWS)).text)
    by_file = browser.post(f"{address}/file/effetto", data=fields)
    for page in (told.text, by_file.text):
        assert f"{count} nuclei hanno gli stessi disagi in altri giorni" in page
        assert f"{count} di questi nuclei erano già avvisati" in page
        assert (NOT_COUNTED in page) == (role == "operator")


@pytest.fixture
def postponed(session: Session, crowded: Works) -> Works:
    """A1 was announced and moves by a week for both buildings."""
    return postpone_announced(session, crowded, 4)


@pytest.mark.parametrize(
    ("role", "moved", "again", "buildings"),
    [
        ("coordinator", "10", "10 nuclei già avvisati", ("7", "3")),
        ("operator", "9", "9 nuclei già avvisati", ("6", "3")),
        ("office", "almeno 5", "Almeno 5 nuclei già avvisati", ("almeno 5",)),
    ],
)  # fmt: skip
def test_two_versions_compared(
    staff: Staff, postponed: Works, role: str, moved: str, again: str, buildings: tuple[str, ...]
) -> None:
    site_id = postponed[0].site.id
    page = staff(role).get(f"/cantieri/{site_id}/versioni/confronto?da=1&a=2").text
    told = text_of(page)
    assert f"{moved} ↔ in altri giorni" in told
    assert f"{again} vanno avvisati di nuovo." in told
    table = told.split("Nuclei per edificio", 1)[1].split("Dove", 1)[0]
    # A building where few live is not even named: its line would tell that somebody does.
    named = [a for a in ADDRESSES if a in table]
    assert named == list(ADDRESSES[: len(buildings)])
    for address, count in zip(named, buildings, strict=True):
        row = table.split(address, 1)[1].split("Via dei Mulini", 1)[0]
        assert count in row, row
    marks = page.split('id="version-marks">', 1)[1].split("</script>", 1)[0]
    assert marks.count("moved") == len(buildings)


@pytest.fixture
def loud(session: Session, crowded: Works) -> Works:
    """A1: the first building at 76, the second at 71 dB(A); A2 the first one again, at 80."""
    world, found = crowded
    session.execute(text("delete from impact where kind = 'noise'"))
    for code, building, level in (("A1", 0, 76.0), ("A1", 1, 71.0), ("A2", 0, 80.0)):
        flats = [(f, 3) for f in world.flats[4 * building : 4 * building + 4]]
        add_impacts(session, found[code], "noise", flats, "dB(A)", level)
        run = session.query(ImpactRun).filter_by(revision_id=found[code].id).one()
        own = {
            "method": "prova",
            "margin": "±3 dB",
            "parameters": {"from_working_level_db": {"day": 0.0}},
        }
        run.methods = {**run.methods, "noise": own}
        session.add(
            NoiseLevels(run_id=run.id, building_id=world.buildings[building].id,
                        part_of_day="day", receiver_key="x", level_dba=[level])
        )  # fmt: skip
    for impact in session.query(Impact).filter_by(kind="noise"):
        impact.aspect = "facade"
    for household in session.query(Household):
        household.size = 2
    session.commit()
    return crowded


@pytest.mark.parametrize(
    ("role", "beyond", "to_verify", "rows"),
    [
        ("coordinator", "7 nuclei, 14 persone", "3 nuclei, 6 persone",
         ("76,0 7 14 0 0 0 15", "71,0 0 0 3 6 0 0")),
        ("operator", "6 nuclei, 12 persone", "3 nuclei, 6 persone",
         ("76,0 6 12 0 0 0 15", "71,0 0 0 3 6 0 0")),
        ("office", "almeno 5 nuclei, almeno 10 persone", "meno di cinque nuclei, o nessuno",
         ("76,0 almeno 5 almeno 10 – – 0 15", "71,0 – – – – – –")),
    ],
)  # fmt: skip
def test_the_annex_of_a_derogation(
    staff: Staff, loud: Works, role: str, beyond: str, to_verify: str, rows: tuple[str, str]
) -> None:
    told = text_of(staff(role).get(f"/fasi/{loud[1]['A1'].phase_id}/deroga").text)
    assert beyond in told
    assert to_verify in told
    for row in rows:
        assert row in told
    # Only who knows all hands the annex over.
    assert ("Non è la copia da consegnare" in told) == (role != "coordinator")
    assert ("Prima di consegnarlo fuori" in told) == (role == "coordinator")
