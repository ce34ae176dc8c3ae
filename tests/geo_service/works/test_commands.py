"""The document of ``accanto impacts --json``."""

from __future__ import annotations

from sqlalchemy.orm import Session

from geo_service.works.commands import summary
from geo_service.works.drafts import CutDraft
from geo_service.works.service import add_phase
from layers.impacts.store import recompute
from tests.geo_service.builders import MONDAY, make_world, week_draft


def test_the_document_counts_buildings_flats_and_households(session: Session) -> None:
    world = make_world(session)
    stairwells = tuple(s.id for s in world.stairwells)
    cut = CutDraft("water", MONDAY, MONDAY, stairwells)
    draft = week_draft(cuts=(cut,))
    hit = add_phase(session, world.site, code="A1", name="Colonne", draft=draft)
    calm = add_phase(session, world.site, code="A2", name="Carta", draft=week_draft())
    for revision in (hit, calm):
        recompute(session.connection(), revision.id)
    first, second = summary(session, [hit, calm])["phases"]
    assert first["id"] == hit.phase_id
    assert (first["site"], first["name"]) == ("A", "Colonne")
    assert (first["from"], first["to"]) == ("2026-03-02", "2026-03-06")
    assert (first["buildings"], first["flats"], first["households"]) == (2, 8, 7)
    assert first["by_kind"]["utility"]["households"] == 7
    assert (second["buildings"], second["flats"], second["households"]) == (0, 0, 0)
    assert second["by_kind"] == {}
