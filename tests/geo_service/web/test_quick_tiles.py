"""Public tiles answered before the shell: the same content, kept, and never in the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.app import create_app
from geo_service.database import make_engine
from maps import tiles
from tests.geo_service.builders import make_world
from tests.maps.test_tiles import tile_of


@pytest.fixture
def served(fresh_database) -> Iterator[tuple[TestClient, str, object]]:
    """A browser on a database of its own, the start of a tile's address, and the engine."""
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            quarter = make_world(session).quarter
            session.commit()
            x, y = session.execute(
                text("select st_x(c), st_y(c) from (select st_centroid(footprint) c"
                     " from building limit 1) b")
            ).one()  # fmt: skip
            column, row = tile_of(x, y, 15)
            base = f"/tiles/public/{quarter.id}/{{}}/buildings/15/{column}/{row}.mvt"
        with TestClient(create_app(engine, today=lambda: dt.date(2026, 3, 2))) as browser:
            yield browser, base, engine
        engine.dispose()


def test_the_same_tile_with_the_same_protection(served) -> None:
    browser, base, _ = served
    address = base.format(1)
    answer = browser.get(address)
    # With a question at its end the address takes the ordinary way.
    ordinary = browser.get(f"{address}?lang=it")
    assert answer.status_code == ordinary.status_code == 200
    assert len(answer.content) > 50
    assert answer.content == ordinary.content
    for header in (
        "content-type", "cache-control", "etag", "x-content-type-options", "x-frame-options",
        "referrer-policy", "cross-origin-resource-policy",
    ):  # fmt: skip
        assert answer.headers[header] == ordinary.headers[header], header
    assert "content-security-policy" in answer.headers
    assert "set-cookie" not in answer.headers
    head = browser.head(address)
    assert head.status_code == 200
    assert head.content == b""


def test_what_the_browser_holds_is_not_sent_again(served) -> None:
    browser, base, _ = served
    tag = browser.get(base.format(1)).headers["etag"]
    again = browser.get(base.format(1), headers={"if-none-match": tag})
    assert again.status_code == 304
    assert again.content == b""
    assert browser.get(base.format(1), headers={"if-none-match": '"other"'}).status_code == 200


def test_a_tile_is_kept_under_the_version_it_shows_only(served) -> None:
    browser, base, engine = served
    before = browser.get(base.format(1)).content
    with engine.begin() as connection:
        connection.execute(text("delete from building"))
        connection.execute(text("update quarter set map_version = 2"))
    # The first version was kept; another one shows what is there now, whatever it is called.
    assert browser.get(base.format(1)).content == before
    assert browser.get(base.format(2)).content == b""
    ahead = browser.get(base.format(3))
    assert (ahead.status_code, ahead.content) == (200, b"")
    assert ahead.headers["cache-control"] == "no-store", "version 3 may look different"
    assert "immutable" in browser.get(base.format(2)).headers["cache-control"]


def test_a_page_of_yesterday_costs_one_statement_a_tile(served, monkeypatch) -> None:
    browser, base, _ = served
    asked = []
    cut = tiles.versioned_tile
    monkeypatch.setattr(
        tiles, "versioned_tile", lambda *values: asked.append(values) or cut(*values)
    )
    answer = browser.get(base.format(999))
    assert answer.status_code == 200
    assert len(answer.content) > 50
    assert len(asked) == 1


def test_what_is_wrong_is_told_by_the_ordinary_route(served) -> None:
    browser, base, _ = served
    assert browser.get(base.format(1).replace("buildings", "households")).status_code == 422
    assert browser.get("/tiles/public/999999/1/buildings/14/1/1.mvt").status_code == 422
    assert browser.get("/tiles/public/1/1/buildings/14/1/x.mvt").status_code == 404
    assert browser.post(base.format(1)).status_code in {403, 405}


def test_a_lost_connection_is_mended(served) -> None:
    browser, base, engine = served
    parts = base.format(2).rsplit("/", 1)
    assert browser.get(base.format(2)).status_code == 200
    with engine.begin() as connection:
        connection.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity"
                 " where datname = current_database() and pid <> pg_backend_pid()")
        )  # fmt: skip
    for number in range(3):
        assert browser.get(f"{parts[0]}/{number}.mvt").status_code == 200


def test_versions_come_with_their_tile(served) -> None:
    _, base, engine = served
    quarter_id = int(base.split("/")[3])
    with engine.connect() as connection:
        shown = tiles.version(connection, quarter_id)
        assert tiles.versioned_tile(connection, quarter_id, "paths", 14, 1, 1) == (shown, b"")
