"""Every route is closed unless it stands on the one public list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Mount

from geo_service.accounts.guards import DESK_ROLES
from geo_service.accounts.models import ROLES
from geo_service.web.access import PUBLIC_PATHS, PUBLIC_PREFIXES, is_public


def _routes(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers too."""
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/x"
            continue
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _routes(list(inner))
            continue
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield method, route.path  # type: ignore[attr-defined]


def _address(path: str) -> str:
    filled = re.sub(r"\{\w+:int\}", "1", path)
    filled = filled.replace("{file_format}", "csv").replace("{layer}", "buildings")
    return re.sub(r"\{\w+\}", "x", filled)


def test_the_walk_sees_the_pages(app: FastAPI) -> None:
    paths = {path for _, path in _routes(app.routes)}
    assert {"/oggi", "/quartiere/mappa", "/edifici", "/cantieri", "/e/{code}"} <= paths
    assert "/fasi/{phase_id:int}/avvisi.{file_format}" in paths


def test_nothing_for_staff_is_open(app: FastAPI, anonymous: TestClient) -> None:
    closed = [(m, p) for m, p in _routes(app.routes) if not is_public(p)]
    assert len(closed) >= 9
    for method, path in closed:
        answer = anonymous.request(method, _address(path))
        redirected = answer.status_code == 303 and answer.headers["location"].startswith("/accedi")
        assert redirected or answer.status_code in (401, 403), f"{method} {path} is open"


def test_every_public_path_exists(app: FastAPI) -> None:
    paths = {path for _, path in _routes(app.routes)}
    assert paths >= PUBLIC_PATHS
    for prefix in PUBLIC_PREFIXES:
        assert any(path.startswith(prefix) for path in paths), f"{prefix} opens nothing"


@pytest.mark.parametrize("role", ROLES)
def test_only_desk_roles_see_the_desk(
    role: str, staff: Callable[[str], TestClient], works: object
) -> None:
    answer = staff(role).get("/oggi")
    assert answer.status_code == (200 if role in DESK_ROLES else 403)


def test_flats_beside_households_are_for_coordinators(
    staff: Callable[[str], TestClient], works: tuple[object, dict]
) -> None:  # type: ignore[type-arg]
    phase = works[1]["A1"].phase_id
    assert staff("coordinator").get(f"/fasi/{phase}/avvisi.csv").status_code == 200
    operator = staff("operator")
    assert operator.get(f"/fasi/{phase}/avvisi.csv").status_code == 403
    for page in (f"/fasi/{phase}", f"/fasi/{phase}/avvisi", "/edifici"):
        assert "Alloggi" not in _heads(operator.get(page).text), page
    for page in (f"/fasi/{phase}", "/quartiere/mappa", "/quartiere/mappa?vista=elenco"):
        text = operator.get(page).text
        assert not re.search(r'"flats": ?[0-9]', text), page
        assert "Alloggi" not in _heads(text), page


def _heads(page: str) -> list[str]:
    return [re.sub("<[^>]+>", "", head).strip() for head in re.findall(r"<th[^>]*>.*?</th>", page)]
