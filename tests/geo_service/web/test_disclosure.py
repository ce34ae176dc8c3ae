"""What nobody may find out by comparing: every page of a role before and after a household goes.

Each page that a role opens is asked for twice, once with a household in its flat and once with the
flat empty. Whoever may not know of that household must read the same both times.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account, AccountSite
from geo_service.households.models import Stay
from layers.sites import PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.pages import add_impacts
from tests.geo_service.web.test_access import _routes

Staff = Callable[[str], TestClient]
Works = tuple[World, dict[str, PhaseRevision]]
# Pages of the reader's own session, and totals of five and more, which are exact.
OWN = ("/profilo", "/esci")
TOTALS = ("/totali", "/comune")
CHANGING = (
    r'name="(csrf|chiave|prima)" value="[^"]*"', r'nonce="[^"]*"', r"(map_)?[0-9a-f]{32}",
    r'name="ora" value="\d\d:\d\d"', r'content="[0-9a-f]{64}"',
)  # fmt: skip


def _addresses(app: FastAPI, world: World, phase_id: int) -> list[str]:
    """One address of every page and file that is read, with lists in each of their orders."""
    numbers = {
        "phase_id": phase_id, "site_id": world.site.id, "building_id": world.buildings[0].id,
        "flat_id": world.flats[0].id, "household_id": world.households[1].id,
    }  # fmt: skip
    found = []
    for method, path in _routes(app.routes):
        if method == "GET" and not path.startswith(("/static", "/tiles", "/open", *OWN)):
            filled = re.sub(r"\{(\w+):int\}", lambda m: str(numbers.get(m[1], 1)), path)
            filled = filled.replace("{code}", world.buildings[0].code)
            found.append(re.sub(r"\{\w+\}", "csv", filled))
    buildings = ",".join(str(b.id) for b in world.buildings)
    sorts = ("nuclei", "alloggi", "livello", "persone", "codice", "piano")
    found += [f"{page}?ordine={sort}" for page in ("/edifici", "/nuclei", "/alloggi")
              for sort in sorts]  # fmt: skip
    found += [
        f"/quartiere/selezione?edifici={buildings}", "/nuclei?stato=tutti",
        f"/api/quartiere/scelta?edifici={buildings}", "/quartiere/mappa?vista=elenco",
        f"/quartiere/selezione.csv?edifici={buildings}", "/mappa?vista=elenco",
        f"/nuclei/nuovo?alloggio={world.flats[0].id}",
    ]  # fmt: skip
    return found


def _read(browser: TestClient, addresses: list[str]) -> dict[str, str]:
    read = {}
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code < 500, address
        text = answer.text
        for pattern in CHANGING:
            text = re.sub(pattern, "", text)
        read[address] = f"{answer.status_code} {text}"
    return read


@pytest.mark.parametrize("role", ["operator", "office", "committee", "delegate", "works", ""])
def test_no_page_tells_a_household_that_its_reader_may_not_know(
    role: str, app: FastAPI, staff: Staff, anonymous: TestClient, works: Works, session: Session
) -> None:
    world, phases = works
    hidden = world.households[0]
    if role == "operator":
        # Who knows all households at open addresses could else tell this one from an empty flat.
        hidden.protected = True
    add_impacts(session, phases["A1"], "dust", [(world.flats[0], 3)])
    browser = staff(role) if role else anonymous
    if role:
        own = session.scalars(select(Account)).one()
        own.stairwell_id = world.stairwells[0].id if role == "delegate" else None
        if role == "works":
            own.sites.append(AccountSite(site_id=world.site.id))
    session.commit()
    addresses = [
        address
        for address in _addresses(app, world, phases["A1"].phase_id)
        if role == "operator" or not address.startswith(TOTALS)
    ]
    before = _read(browser, addresses)
    assert sum(page.startswith("200") for page in before.values()) >= 10
    session.delete(session.scalars(select(Stay).where(Stay.household_id == hidden.id)).one())
    session.commit()
    after = _read(browser, addresses)
    assert [address for address in addresses if before[address] != after[address]] == []
