"""The area a cut serves: which stairwells lie in it, drawn or from a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from fastapi.testclient import TestClient
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from geo_service.works.cuts.served_area import stairwells_in
from geo_service.works.editing.routes import _existing
from geo_service.works.editing.shapes import shape_text
from layers.crs import SRID
from layers.sites import PhaseRevision
from tests.geo_service.builders import X0, Y0, World, area
from tests.geo_service.conftest import csrf_of

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
BOTH = area(-5, -5, 90, 30)
FIRST = area(-5, -5, 30, 30)


def ask(browser: TestClient, works: Works, shape: BaseGeometry | str, **more: object):  # type: ignore[no-untyped-def]
    site = works[0].site
    token = csrf_of(browser.get(f"/fasi/{works[1]['A1'].phase_id}/modifica").text)
    text = shape if isinstance(shape, str) else shape_text(shape)
    return browser.post(
        f"/cantieri/{site.id}/area-servita", data={"csrf": token, "area": text}, **more
    )  # type: ignore[arg-type]


def test_a_stairwell_is_served_where_its_entrance_lies_inside(
    session: Session, works: Works
) -> None:
    world, _ = works
    quarter = world.quarter.id
    assert [s.id for s in stairwells_in(session, quarter, BOTH)] == [s.id for s in world.stairwells]
    assert [s.id for s in stairwells_in(session, quarter, FIRST)] == [world.stairwells[0].id]
    # The building lies inside, its entrance does not.
    assert stairwells_in(session, quarter, area(-5, 1, 30, 30)) == []


def test_without_an_entrance_the_building_counts(session: Session, works: Works) -> None:
    world, _ = works
    world.stairwells[0].entrance = None
    session.flush()
    (found,) = stairwells_in(session, world.quarter.id, area(-5, 1, 30, 30))
    assert (found.id, found.by_building) == (world.stairwells[0].id, True)


def test_the_drawing_ticks_stairwells(staff: Staff, works: Works) -> None:
    answer = ask(staff("operator"), works, BOTH).json()
    assert [s["id"] for s in answer["stairwells"]] == [s.id for s in works[0].stairwells]
    assert answer["words"] == "Segnate 2 scale: controllatele."
    assert json.loads(answer["area"])["type"] == "MultiPolygon"
    nobody = ask(staff("coordinator"), works, area(200, 200, 10, 10)).json()
    assert nobody["words"] == "Nessun ingresso di scala in quest'area."


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_a_file_does_the_same(staff: Staff, works: Works, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"servita.{ending}"
    frame = gpd.GeoDataFrame(geometry=[box(X0 - 5, Y0 - 5, X0 + 25, Y0 + 25)], crs=SRID)
    frame.to_crs(4326).to_file(path)
    files = {"file": (path.name, path.read_bytes())}
    answer = ask(staff("operator"), works, "", files=files)
    assert [s["id"] for s in answer.json()["stairwells"]] == [works[0].stairwells[0].id]


def test_what_cannot_be_used_is_said(staff: Staff, works: Works) -> None:
    browser = staff("operator")
    crossed = (
        '{"type":"Polygon","coordinates":[[[9,45],[9.001,45.001],[9.001,45],[9,45.001],[9,45]]]}'
    )
    answer = ask(browser, works, crossed)
    assert answer.status_code == 422
    assert "si incrocia" in answer.json()["problem"]
    bad = ask(browser, works, "", files={"file": ("a.gpkg", b"MZ not a package")})
    assert bad.status_code == 422
    assert "non si può usare" in bad.json()["problem"]


def test_a_stairwell_far_from_the_site_can_be_ticked(
    session: Session, staff: Staff, works: Works
) -> None:
    far = works[0].stairwells[1].id
    edited = _existing(session, works[1]["A1"].phase_id, 0, frozenset({far}))
    assert far in {s.id for p in edited.places for s in p.stairs}
