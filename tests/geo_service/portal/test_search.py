"""Finding a building: addresses with typing errors, codes, names."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.portal.buildings import search


@pytest.mark.parametrize(
    "typed",
    ["via dei Mulini 4", "Via dei mullini 4", "v. dei Mulini, 4", "mulini 4", "VIA DEI MULINI n. 4",
     "via dei mulni4", "Edificio 2", "testp3", "TEST-P3"],
)  # fmt: skip
def test_the_building_meant_comes_first(session: Session, works: object, typed: str) -> None:
    hits = search(session, typed)
    assert hits
    assert hits[0].code == "TESTP3"


@pytest.mark.parametrize(
    "typed", ["", "   ", "corso Buenos Aires 33", "%%%", "\x00", "'", "a" * 999]
)
def test_nothing_alike_finds_nothing(session: Session, works: object, typed: str) -> None:
    assert search(session, typed) == []


def test_a_building_is_listed_once(session: Session, works: object) -> None:
    codes = [hit.code for hit in search(session, "via dei mulini")]
    assert sorted(codes) == ["TESTP2", "TESTP3"]


def test_a_code_leads_straight_to_the_page(anonymous: TestClient, works: object) -> None:
    assert anonymous.get("/cerca?q=testp3").headers["location"] == "/e/TESTP3"


def test_no_result_says_what_to_do(anonymous: TestClient, works: object) -> None:
    page = anonymous.get("/cerca?q=corso+Buenos+Aires").text
    assert "Nessun indirizzo somiglia" in page
    assert "codice" in page
