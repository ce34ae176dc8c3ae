"""Open data, tiles, health, empty installation."""

from __future__ import annotations

from itertools import pairwise

from fastapi.testclient import TestClient

from layers.sites import PhaseRevision
from tests.geo_service.builders import World


def test_every_public_building_with_code_and_address(
    anonymous: TestClient, works: tuple[World, dict[str, PhaseRevision]]
) -> None:
    answer = anonymous.get("/open/buildings.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert [f["properties"]["code"] for f in document["features"]] == ["TESTP2", "TESTP3"]
    first = document["features"][0]
    assert first["properties"]["address"] == "Via dei Mulini 2"
    assert set(first["properties"]) == {
        "code", "address", "name", "use", "quarter", "synthetic"
    }  # fmt: skip
    longitude, latitude = first["geometry"]["coordinates"][0][0][0]
    assert 9 < longitude < 10
    assert 45 < latitude < 46


def test_outlines_turn_as_the_standard_says(anonymous: TestClient, works: object) -> None:
    ring = anonymous.get("/open/buildings.geojson").json()["features"][0]["geometry"][
        "coordinates"
    ][0][0]
    doubled = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    assert doubled < 0


def test_a_tile_is_public_and_may_be_kept(
    anonymous: TestClient, works: tuple[World, dict[str, PhaseRevision]]
) -> None:
    quarter = works[0].quarter
    base = f"/tiles/public/{quarter.id}/{quarter.map_version}"
    answer = anonymous.get(f"{base}/buildings/14/8610/5839.mvt")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("households/14/1/1", "buildings/3/1/1", "buildings/14/99999999/1"):
        assert anonymous.get(f"{base}/{wrong}.mvt").status_code == 422, wrong
    assert anonymous.get("/tiles/public/999999/1/buildings/14/1/1.mvt").status_code == 422


def test_an_empty_installation_says_what_to_do(anonymous: TestClient) -> None:
    assert "Non c'è ancora nessun quartiere" in anonymous.get("/").text.replace("&#39;", "'")
    assert anonymous.get("/mappa").status_code == 404
    assert anonymous.get("/open/buildings.geojson").json()["features"] == []
    assert anonymous.get("/health").json() == {"status": "ok"}
