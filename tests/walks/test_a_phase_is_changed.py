"""Walk (a): a phase is changed, a new version follows, and with it zones, impacts and list.

Down: the change, the revision, the computation. Back up: what is different, who is to be told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.households.disclosure import EVERYBODY
from geo_service.works.drafts import CutDraft, PlantDraft
from geo_service.works.revisions import draft_of
from geo_service.works.service import add_phase, revise_phase, seal
from geo_service.works.simulation.what_if import simulate
from layers.impacts.models import Impact, ImpactRun, ImpactZone
from layers.impacts.store import recompute
from layers.sites import PhaseRevision, ScheduleVersion
from tests.geo_service.builders import MONDAY, World, make_world, week_draft, workdays


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def announced(session: Session, world: World) -> PhaseRevision:
    """Water off in the first building and a breaker; computed, and residents were told."""
    cut = CutDraft("water", MONDAY, MONDAY, (world.stairwells[0].id,))
    draft = week_draft(cuts=(cut,), hours=workdays(), plant=(PlantDraft("BS-C.1-6"),))
    revision = add_phase(session, world.site, code="A1", name="Colonne", draft=draft)
    recompute(session.connection(), revision.id)
    seal(session, revision, "announced")
    return revision


def rows_of(session: Session, revision: PhaseRevision) -> set[tuple[object, ...]]:
    query = (
        select(Impact.kind, Impact.flat_id, Impact.band, Impact.value, Impact.period)
        .join(ImpactRun, ImpactRun.id == Impact.run_id)
        .where(ImpactRun.revision_id == revision.id)
    )
    return {tuple(row) for row in session.execute(query)}


def listed(browser: TestClient, phase_id: int) -> list[dict[str, str]]:
    answer = browser.get(f"/fasi/{phase_id}/avvisi.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def test_down_and_back(
    session: Session,
    world: World,
    announced: PhaseRevision,
    staff: Callable[[str], TestClient],
) -> None:
    browser = staff("coordinator")
    told = rows_of(session, announced)
    before = listed(browser, announced.phase_id)
    assert {row["building"] for row in before if row["utility"] != "none"} == {"Edificio 1"}

    # The works move to the other stairwell: first asked, then said.
    draft = draft_of(session, announced)
    cut = replace(draft.cuts[0], stairwell_ids=(world.stairwells[1].id,))
    change = replace(draft, cuts=(cut,))
    asked = simulate(session, announced, change, EVERYBODY).by_kind["utility"]
    assert (asked.flats["entering"], asked.flats["leaving"]) == (4, 4)

    revision = revise_phase(
        session, announced.phase, change, author="prova", reason="altra colonna"
    )
    run = recompute(session.connection(), revision.id)
    assert run.in_force
    versions = session.scalars(select(ScheduleVersion).order_by(ScheduleVersion.number)).all()
    assert [(v.number, v.reason) for v in versions] == [(1, ""), (2, "altra colonna")]
    zones = select(ImpactZone.kind).where(ImpactZone.run_id == run.run_id)
    assert "noise" in set(session.scalars(zones))

    # Back up: the list speaks of the new revision, what was told stays as it was told.
    after = listed(browser, announced.phase_id)
    assert {row["building"] for row in after if row["utility"] != "none"} == {"Edificio 2"}
    assert rows_of(session, announced) == told
    assert recompute(session.connection(), announced.id).kept
    assert rows_of(session, announced) == told


def test_a_computation_that_fails_leaves_the_old_rows(
    session: Session, announced: PhaseRevision, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = replace(draft_of(session, announced), cuts=())
    revision = revise_phase(session, announced.phase, change)
    recompute(session.connection(), revision.id)
    rows = rows_of(session, revision)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("layers.impacts.store._copy_levels", broken)
    with pytest.raises(OSError, match="disk is full"):
        recompute(session.connection(), revision.id)
    assert rows_of(session, revision) == rows
