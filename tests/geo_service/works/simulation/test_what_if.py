"""What-if: the difference a change would make, in flats and households, nothing saved."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from shapely import affinity
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.households.disclosure import EVERYBODY
from geo_service.works.drafts import CutDraft, PlantDraft
from geo_service.works.revisions import draft_of
from geo_service.works.service import add_phase
from geo_service.works.simulation.what_if import simulate
from layers.sites import PhaseRevision
from tests.geo_service.builders import MONDAY, World, make_world, week_draft, workdays


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def revision(session: Session, world: World) -> PhaseRevision:
    """Water off for two hours in the first building."""
    two_hours = {"starts_at": dt.time(9), "ends_at": dt.time(11)}
    cut = CutDraft("water", MONDAY, MONDAY, (world.stairwells[0].id,), **two_hours)
    return add_phase(session, world.site, code="A1", name="Colonne", draft=week_draft(cuts=(cut,)))


def counts(session: Session) -> dict[str, int]:
    tables = ("phase_revision", "schedule_version", "impact_run", "impact", "utility_cut")
    return {t: session.execute(text(f"select count(*) from {t}")).scalar_one() for t in tables}


def test_the_same_again_changes_nothing(session: Session, revision: PhaseRevision) -> None:
    difference = simulate(session, revision, draft_of(session, revision), EVERYBODY)
    assert difference.changes.empty
    assert difference.by_kind == {}
    assert difference.before == difference.after == {"utility": 4}


def test_another_stairwell_enters_and_the_first_leaves(
    session: Session, world: World, revision: PhaseRevision
) -> None:
    draft = draft_of(session, revision)
    cut = replace(draft.cuts[0], stairwell_ids=(world.stairwells[1].id,))
    before = counts(session)
    change = simulate(session, revision, replace(draft, cuts=(cut,)), EVERYBODY).by_kind["utility"]
    assert change.flats == {"entering": 4, "leaving": 4, "worse": 0, "better": 0}
    # One flat of the second building is empty.
    assert change.households == {"entering": 3, "leaving": 4, "worse": 0, "better": 0}
    assert counts(session) == before


def test_a_longer_cut_is_worse(session: Session, revision: PhaseRevision) -> None:
    draft = draft_of(session, revision)
    end = replace(draft.cuts[0], starts_at=None, ends_at=None)
    change = simulate(session, revision, replace(draft, cuts=(end,)), EVERYBODY).by_kind["utility"]
    assert change.flats["entering"] == change.flats["leaving"] == 0
    assert change.flats["worse"] == 4


def test_a_louder_machine_hits_more(session: Session, revision: PhaseRevision) -> None:
    draft = draft_of(session, revision)
    machine = PlantDraft("BS-C.1-1")
    noisy = replace(draft, hours=workdays(), plant=(machine,))
    difference = simulate(session, revision, noisy, EVERYBODY)
    assert difference.by_kind["noise"].flats["entering"] > 0
    assert difference.by_kind["noise"].flats["leaving"] == 0


def test_a_draft_that_cannot_be_leaves_nothing_behind(
    session: Session, revision: PhaseRevision
) -> None:
    draft = draft_of(session, revision)
    assert draft.footprint is not None
    elsewhere = replace(draft, footprint=affinity.translate(draft.footprint, 5000, 0))
    before = counts(session)
    with pytest.raises(Invalid, match="fuori dal cantiere"):
        simulate(session, revision, elsewhere, EVERYBODY)
    assert counts(session) == before
