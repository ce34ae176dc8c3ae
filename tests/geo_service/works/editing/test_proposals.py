"""A new form proposes the next code and what stays the same from phase to phase."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.works.editing.proposals import contractors, next_phase_code, next_site_code
from geo_service.works.service import add_phase, create_site
from layers.sites import PhaseRevision, Site
from tests.geo_service.builders import World, area, week_draft
from tests.geo_service.works.editing.test_phase_form import changed, form_of

Works = tuple[World, dict[str, PhaseRevision]]


def _site(session: Session, world: World, code: str) -> Site:
    return create_site(
        session, world.quarter.id, code=code, name=code, footprint=area(0, 0, 20, 20)
    )


@pytest.mark.parametrize(("codes", "proposed"), [((), "B"), (("C",), "D"), (("Z",), ""),
                                                 (("Nord",), "")])  # fmt: skip
def test_the_next_site_takes_the_next_letter(
    session: Session, works: Works, codes: tuple[str, ...], proposed: str
) -> None:
    for code in codes:
        _site(session, works[0], code)
    assert next_site_code(session, works[0].quarter.id) == proposed


def test_phases_count_on_after_the_highest(session: Session, works: Works) -> None:
    site = _site(session, works[0], "E")
    assert next_phase_code(session, site) == "E1"
    for code in ("E2", "E10", "prova"):
        add_phase(session, site, code=code, name=code, draft=week_draft())
    assert next_phase_code(session, site) == "E11"


def test_codes_of_another_kind_are_not_guessed(session: Session, works: Works) -> None:
    site = _site(session, works[0], "E")
    add_phase(session, site, code="scavo", name="Scavo", draft=week_draft())
    assert next_phase_code(session, site) == ""


def test_firms_are_offered_once_each(session: Session, works: Works) -> None:
    assert contractors(session, works[0].quarter.id) == ["Impresa Esempio"]


def test_saving_can_lead_straight_to_the_next_phase(
    session: Session, editor: TestClient, works: Works
) -> None:
    address = f"/cantieri/{works[0].site.id}/fasi/nuova"
    fields = form_of(editor.get(address).text)
    assert dict(fields)["codice"] == "A4"
    sent = changed(fields, nome="Reti", dal="2026-05-04", al="2026-05-08", impresa="Ditta Nuova",
                   certezza="confirmed", poi="altra", chiave="n1")  # fmt: skip
    answer = editor.post(address, data=sent)
    assert answer.headers["location"] == f"{address}?dopo=A4&salvata=1"
    page = editor.get(answer.headers["location"]).text
    following = dict(form_of(page))
    assert "Salvata A4." in page
    assert (following["codice"], following["impresa"]) == ("A5", "Ditta Nuova")
    assert following["certezza"] == "confirmed"
    assert (following["nome"], following["dal"]) == ("", "")
