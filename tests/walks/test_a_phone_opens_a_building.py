"""Walk (b): a resident's phone finds a building and reads its works; nobody is told about flats."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.works.drafts import CutDraft
from geo_service.works.service import add_phase
from layers.impacts.store import recompute
from tests.geo_service.builders import MONDAY, World, make_world, week_draft


@pytest.fixture
def world(session: Session) -> World:
    world = make_world(session)
    cut = CutDraft("water", MONDAY, MONDAY, (world.stairwells[0].id,))
    draft = week_draft(cuts=(cut,), certainty="confirmed")
    revision = add_phase(session, world.site, code="A1", name="Colonne", draft=draft)
    recompute(session.connection(), revision.id)
    return world


def test_down_and_back(world: World, browser_of: Callable[[], TestClient]) -> None:
    phone = browser_of()
    # A typing error in the street, as thumbs make them.
    found = phone.get("/cerca", params={"q": "via dei mullini 2"}, follow_redirects=True)
    code = world.buildings[0].code
    assert f"/e/{code}" in found.text or str(found.url).endswith(f"/e/{code}")

    page = phone.get(f"/e/{code}")
    assert page.status_code == 200
    text = re.sub(r"<[^>]+>", " ", page.text)
    assert "acqua chiusa" in text.lower()
    assert "confermata" in text.lower()
    assert "112" in text
    # Nothing about flats, people, or how many live there.
    for private in ("Famiglia", "int.", "nuclei", "alloggi vuoti", "N0"):
        assert private not in text
    assert not re.search(r"\b4 (alloggi|famiglie|nuclei)\b", text)

    # The other building has no water cut: its page says nothing of it.
    other = phone.get(f"/e/{world.buildings[1].code}")
    assert other.status_code == 200
    assert "acqua chiusa" not in re.sub(r"<[^>]+>", " ", other.text).lower()


def test_a_phone_sees_nothing_of_the_staff(
    world: World, browser_of: Callable[[], TestClient]
) -> None:
    phone = browser_of()
    phase_id = world.site.phases[0].id
    for path in ("/oggi", "/cantieri", f"/fasi/{phase_id}", f"/fasi/{phase_id}/avvisi.csv"):
        answer = phone.get(path)
        assert answer.status_code in (303, 401, 403), path
        assert "Colonne" not in answer.text
