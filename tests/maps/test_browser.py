"""The maps in a real browser, under the strict policy, with every other machine out of reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from maps.building_map import building_map
from maps.site_map import phase_map, quarter_map

pytestmark = pytest.mark.browser


def picture(page, name: str) -> None:
    """Keep a screenshot when ACCANTO_SCREENSHOTS names a folder."""
    folder = os.environ.get("ACCANTO_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("which", ["quarter", "phase", "building"])
def test_map_draws_without_error_or_outside_request(page, shown, sample, which, width, height):
    page.set_viewport_size({"width": width, "height": height})
    data = sample()
    map_ = {
        "quarter": lambda: quarter_map(data),
        "phase": lambda: phase_map(data),
        "building": lambda: building_map(data, 5),
    }[which]()
    shown.open(page, map_)
    picture(page, f"{which}-{width}")
    assert shown.errors == []
    assert shown.outside == []
    assert page.locator("path.leaflet-interactive").count() >= 12
    # Nothing is wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= width


HOSTILE = [
    "`${alert(1)}`",
    "</script><script>window.pwned=1</script>",
    "<!--<script>",
    "\"'><img src=x onerror=window.pwned=1>",
    "{{ 7*7 }}{% raw %}{# x #}",
    "\\u003cimg src=x\\u003e \\",
    "a\u2028b\u2029c\x00\x7f",
    "]]></style><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
]


def hostile_data(sample, text: str):
    """The sample quarter with one text in every field that holds text."""
    data = sample()
    frames = {
        "buildings": {"code": text, "label": text, "href": text},
        "zones": {"phase": text, "label": text, "aspect": text, "part_of_day": text},
        "sites": {"code": text, "name": text, "href": text},
        "closures": {"kind": text, "phase": text, "description": text, "when": text},
        "paths": {"name": text, "kind": text},
    }
    changed = {name: getattr(data, name).assign(**columns) for name, columns in frames.items()}
    changed["buildings"]["kinds"] = [{text: 3, "noise": 2}] * len(changed["buildings"])
    words = dict.fromkeys(("title", "period_label", "attribution", "list_href"), text)
    return sample(**changed, **words)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(page, shown, sample, text):
    map_ = quarter_map(hostile_data(sample, text), show_zones=["noise", "dust"])
    shown.open(page, map_)
    page.evaluate(
        """() => {
        const api = Object.values(accanto.maps)[0];
        api.openBuilding(3);
        }"""
    )
    # Newlines and control characters may be shown differently; everything else letter by letter.
    visible = text.replace("\x00", "\ufffd") if "\x00" in text else text
    heading = page.locator(".accanto-popup h2").text_content()
    assert heading in (text, visible)
    assert page.locator(".accanto-popup a").count() == 0
    api = "Object.values(accanto.maps)[0].map"
    # Areas too: every popup of every layer is opened once.
    page.evaluate(
        f"() => {api}.eachLayer(l => l.feature && l.fire('click', {{latlng: {api}.getCenter()}}))"
    )
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img[src=x], main svg[onload]").count() == 0
    assert page.locator("script:not([nonce]):not([type='application/json'])").count() == 0
    assert shown.errors == []
    assert shown.outside == []


def test_keyboard_reaches_buildings_and_comes_back(page, shown, sample):
    shown.open(page, quarter_map(sample()))
    page.locator("path[tabindex='0']").focus()
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "molto forte" in first
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert second != first
    page.keyboard.press("Enter")
    assert second.split(",")[0] == page.locator(".accanto-popup h2").text_content()
    picture(page, "popup-1280")
    page.keyboard.press("Escape")
    page.wait_for_timeout(400)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == second


def test_bands_of_another_period_recolour_and_announce(page, shown, sample):
    shown.open(page, quarter_map(sample()))
    fills = page.evaluate(
        """() => {
        const api = Object.values(accanto.maps)[0];
        const heard = [];
        document.addEventListener('accanto:building', e => heard.push(e.detail.id));
        api.setBands({1: 4});
        api.openBuilding(1);
        const fills = [...document.querySelectorAll('.leaflet-buildings-pane path')]
          .map(p => p.getAttribute('fill'));
        return [fills.filter(f => f.includes('_hatch_4')).length, fills.length, heard];
        }"""
    )
    assert fills == [1, 12, [1]]
    assert "molto forte" in page.locator(".accanto-popup").text_content()


def test_popup_shows_counts_and_link(page, shown, sample):
    shown.open(page, quarter_map(sample(language="en")))
    page.evaluate("Object.values(accanto.maps)[0].openBuilding(3)")
    popup = page.locator(".accanto-popup")
    assert "Flats affected: 10" in popup.text_content()
    assert popup.locator("a").get_attribute("href") == "/edifici/3"


def test_resident_map_tells_no_counts(page, shown, sample):
    shown.open(page, building_map(sample(), 5))
    page.evaluate("Object.values(accanto.maps)[0].openBuilding(5)")
    assert page.locator(".accanto-popup").text_content() == "Via dei Mulini 5Il tuo edificio"
    html = shown.answers["/map"][1].decode()
    assert '"flats":' not in html.split("_data")[1]
    assert '"band":' not in html.split("_data")[1]


@pytest.mark.parametrize("language", ["it", "en"])
def test_nothing_in_the_way_of_assistive_technology(page, shown, sample, language):
    shown.open(page, phase_map(sample(language=language)))
    page.evaluate("Object.values(accanto.maps)[0].openBuilding(3)")
    page.wait_for_timeout(300)
    # The nonce keeps axe's own script tag out; evaluated code is not under the page's policy.
    page.evaluate(axe_script())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes[0].html]))")
    assert found == []


def axe_script() -> str:
    """The axe-core library as the test package brings it."""
    import axe_playwright_python

    folder = Path(axe_playwright_python.__file__).parent
    return next(folder.rglob("axe*.js")).read_text(encoding="utf-8")
