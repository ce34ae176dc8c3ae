"""One file that opens from a disk without a network, whatever the size of the quarter."""

from __future__ import annotations

import re

import pytest

from layers.errors import DataError
from maps.base import TileSource, single_file
from maps.building_map import building_map
from maps.site_map import phase_map, quarter_map

TILES = TileSource(url="/tiles/1/buildings/{z}/{x}/{y}.mvt", bands={1: 3})


def opened(page, shown, path, html: str) -> None:
    """Open a file in the browser; every request but the file's own is an error of the test."""
    path.write_text(html, encoding="utf-8")
    shown.watch(page)
    page.goto(path.as_uri())
    page.wait_for_timeout(400)


@pytest.mark.browser
@pytest.mark.parametrize("count", [12, 1659])
def test_file_opens_without_network(page, shown, sample, tmp_path, vendor, count):
    html = single_file(phase_map(sample(count)), root=vendor)
    opened(page, shown, tmp_path / "mappa.html", html)
    assert shown.errors == []
    assert shown.outside == []
    assert page.locator(".leaflet-buildings-pane path").count() == count
    page.evaluate("Object.values(accanto.maps)[0].openBuilding(3)")
    assert "Via dei Mulini 3" in page.locator(".accanto-popup").text_content()
    # No server is behind the file: pages of the service are not linked.
    assert page.locator(".accanto-popup a, .accanto-head a").count() == 0


@pytest.mark.browser
def test_policy_of_the_file_lets_nothing_else_run(page, shown, sample, tmp_path, vendor):
    html = single_file(quarter_map(sample()), root=vendor)
    html = html.replace("</main>", "<script>window.pwned=1</script></main>")
    opened(page, shown, tmp_path / "mappa.html", html)
    assert page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in error for error in shown.errors)


def test_file_names_no_outside_address(sample, vendor):
    html = single_file(quarter_map(sample()), root=vendor)
    loads = re.findall(r"""(?:src|href)=["']?(https?:[^"' >]+|/[^"' >]*)""", html.split("<body")[1])
    assert [a for a in loads if "leafletjs.com" not in a] == []
    assert "url(images/" not in html


def test_links_come_back_with_an_address_of_the_service(sample, vendor):
    html = single_file(quarter_map(sample()), root=vendor, base_url="https://accanto.example/")
    assert 'href="https://accanto.example/quartiere/elenco"' in html
    assert '"base_url":"https://accanto.example"' in html


def test_rendering_twice_gives_the_same_file(sample, vendor):
    map_ = quarter_map(sample())
    assert single_file(map_, root=vendor) == single_file(map_, root=vendor)


@pytest.mark.browser
def test_large_quarter_falls_back_to_simplified_outlines(page, shown, sample, tmp_path, vendor):
    html = single_file(quarter_map(sample(2500, tiles=TILES)), root=vendor)
    opened(page, shown, tmp_path / "mappa.html", html)
    assert shown.errors == []
    assert shown.outside == []
    assert page.locator(".leaflet-buildings-pane canvas").count() == 1
    assert "Contorni semplificati" in page.locator(".accanto-note").text_content()
    assert "vectorGrid" not in html.split("<body")[1].split("<script>")[0]


def test_tiles_without_outlines_are_refused(sample, vendor):
    with pytest.raises(DataError, match="vector tiles only"):
        single_file(quarter_map(sample(buildings=None, tiles=TILES)), root=vendor)


def test_missing_files_are_named(sample, tmp_path):
    with pytest.raises(DataError, match=r"leaflet\.css"):
        single_file(building_map(sample(), 5), root=tmp_path)
