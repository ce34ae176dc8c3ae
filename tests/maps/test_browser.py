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
