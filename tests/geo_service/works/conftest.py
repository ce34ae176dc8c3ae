"""Fixtures for pages that change works: who edits, and phases that wait for one another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.works.timelines.dependencies import set_links
from geo_service.works.timelines.dependency_days import Link
from layers.sites import PhaseRevision
from tests.geo_service.builders import World


@pytest.fixture
def editor(staff: Callable[[str], TestClient]) -> TestClient:
    """A browser of somebody who may edit works."""
    return staff("operator")


@pytest.fixture
def waiting(
    session: Session, works: tuple[World, dict[str, PhaseRevision]]
) -> tuple[World, int, int]:
    """A quarter in which A2 waits for the end of A1, and the numbers of these phases."""
    world, found = works
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    set_links(session, world.quarter.id, {a2: [Link(a1, a2)]})
    session.commit()
    return world, a1, a2
