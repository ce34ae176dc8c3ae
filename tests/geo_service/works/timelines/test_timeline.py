"""The schedule as bars: dates moved with a reason, faults told, two people at once."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import draft_of, inclusive
from layers.sites import PhaseRevision, ScheduleVersion
from tests.geo_service.builders import World

Works = tuple[World, dict[str, PhaseRevision]]


@pytest.fixture
def editor(staff: Callable[[str], TestClient]) -> TestClient:
    return staff("operator")


def _fields(page: str) -> dict[str, str]:
    form = page[page.index('id="edit-form"') :]
    return {
        name[1]: html.unescape(value[1])
        for tag in re.findall(r"<input[^>]*>", form)
        if (name := re.search(r'name="([^"]+)"', tag))
        and (value := re.search(r'value="([^"]*)"', tag))
    }


def _versions(session: Session, site_id: int) -> int:
    query = select(func.count()).select_from(ScheduleVersion)
    return session.scalar(query.where(ScheduleVersion.site_id == site_id)) or 0


def _now(session: Session, revision: PhaseRevision) -> PhaseRevision:
    session.expire_all()
    return revision_of_phase(session, revision.phase_id)


def test_two_moved_phases_make_one_version(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, revisions = works
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    a1, a2 = revisions["A1"], revisions["A2"]
    cut = draft_of(session, a1).cuts[0]
    fields = _fields(editor.get(address).text) | {
        f"dal_{a1.phase_id}": "2026-03-09", f"al_{a1.phase_id}": "2026-03-20",
        f"al_{a2.phase_id}": "2026-04-10", "motivo": "neve",
        "riferito": "DL", "riferito_il": "2026-03-01",
    }  # fmt: skip
    answer = editor.post(address, data=fields)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"/cantieri/{world.site.id}/versioni/confronto")
    assert _versions(session, world.site.id) == 2
    moved = draft_of(session, _now(session, a1))
    assert _now(session, a1).reported_by == "DL · phone · 2026-03-01"
    assert moved.starts_on == dt.date(2026, 3, 9)
    assert moved.cuts[0].starts_on == cut.starts_on + dt.timedelta(days=7)
    longer = inclusive(_now(session, a2).period)
    assert longer == (dt.date(2026, 3, 16), dt.date(2026, 4, 10))
    again = editor.post(address, data=fields)
    assert again.headers["location"] == answer.headers["location"]
    assert _versions(session, world.site.id) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"al": "2026-03-20", "motivo": ""}, "perché le date cambiano"),
        ({"al": "2026-02-01", "motivo": "x"}, "L&#39;ultimo giorno viene prima del primo."),
        ({"dal": "domani", "motivo": "x"}, "Serve una data."),
        ({"dal": "0026-03-01", "motivo": "x"}, "Controllate l&#39;anno."),
    ],
)
def test_a_fault_is_told_and_nothing_saved(
    session: Session, editor: TestClient, works: Works, changes: dict[str, str], sentence: str
) -> None:
    world, revisions = works
    key = revisions["A1"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    typed = {(n if n == "motivo" else f"{n}_{key}"): v for n, v in changes.items()}
    answer = editor.post(address, data=_fields(editor.get(address).text) | typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert _fields(answer.text) | typed == _fields(answer.text)
    assert _versions(session, world.site.id) == 1


def test_who_comes_second_sees_the_other_dates_and_keeps_theirs(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, revisions = works
    key = revisions["A1"].phase_id
    address = f"/cantieri/{world.site.id}/cronoprogramma"
    opened = _fields(editor.get(address).text)
    first = opened | {f"al_{key}": "2026-03-20", "motivo": "uno"}
    assert editor.post(address, data=first).status_code == 303
    second = opened | {f"al_{key}": "2026-03-27", "motivo": "due"}
    answer = editor.post(address, data=second)
    assert answer.status_code == 409
    assert "ven 20 mar" in answer.text
    again = _fields(answer.text)
    assert again[f"al_{key}"] == "2026-03-27"
    assert editor.post(address, data=again).status_code == 303
    assert inclusive(_now(session, revisions["A1"]).period)[1] == dt.date(2026, 3, 27)


def test_a_reader_sees_bars_and_cannot_move_them(
    staff: Callable[[str], TestClient], works: Works
) -> None:
    reader = staff("office")
    page = reader.get("/cronoprogramma")
    assert page.status_code == 200
    assert "A1 Scavo" in page.text
    assert 'name="motivo"' not in page.text
