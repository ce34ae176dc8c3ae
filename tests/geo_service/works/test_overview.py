"""Lists and pages of phases: households are told as far as the reader may know them."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from layers.sites import PhaseRevision
from tests.geo_service.builders import World

Works = tuple[World, dict[str, PhaseRevision]]
Staff = Callable[[str], TestClient]
_TOLD = re.compile(r"almeno \d+|\d+|–")


def told_of(browser: TestClient, found: PhaseRevision, site_id: int) -> dict[str, list[str]]:
    """How many households a phase hits: in each list, and on its page in all, by kind, building."""
    link = f'href="/fasi/{found.phase_id}#edifici"'
    lists = [browser.get(page).text for page in ("/oggi", "/cantieri", f"/cantieri/{site_id}")]
    rows = [re.findall(rf"<a {link}[^>]*>([^<]*)</a>", page) for page in lists]
    sheet = browser.get(f"/fasi/{found.phase_id}").text
    kinds, buildings = (
        sheet.split(f'aria-labelledby="{name}"', 1)[1].split("</section>", 1)[0]
        for name in ("chi", "edifici")
    )
    last = re.compile(r'<td class="num">([^<]*)</td></tr>')
    return {
        "lists": [_TOLD.findall(row)[-1] for cells in rows for row in cells[:1]],
        "all": re.findall(r"<li><strong>([^<]*)</strong> nucle", kinds),
        "kinds": last.findall(kinds),
        "buildings": last.findall(buildings),
    }


def test_a_phase_tells_each_reader_the_households_that_he_may_know(
    session: Session, staff: Staff, works: Works
) -> None:
    world, found = works
    world.households[1].protected = True
    session.commit()
    # Seven in all: four at noise 3, one of them protected, three at noise 1 in the other building.
    told = told_of(staff("coordinator"), found["A1"], world.site.id)
    assert told == {
        "lists": ["7", "7", "7"], "all": ["7"], "kinds": ["4", "3"], "buildings": ["4", "3"]
    }  # fmt: skip
    told = told_of(staff("operator"), found["A1"], world.site.id)
    assert told == {
        "lists": ["6", "6", "6"], "all": ["6"], "kinds": ["3", "3"], "buildings": ["3", "3"]
    }  # fmt: skip
    five = "almeno 5"
    told = told_of(staff("office"), found["A1"], world.site.id)
    assert told == {
        "lists": [five, five, five], "all": [five], "kinds": ["–", "–"], "buildings": ["–", "–"]
    }  # fmt: skip


def test_a_phase_that_hits_few_says_no_number_to_the_office(staff: Staff, works: Works) -> None:
    phase_id = works[1]["A2"].phase_id
    page = staff("office").get(f"/cantieri/{works[0].site.id}").text
    assert '#edifici" aria-label="Nuclei della fase A2">–</a>' in page
    assert f"/fasi/{phase_id}" in page
