"""Each role lands on a page made for it, sees what is its own, and nothing else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account, AccountAssignment, AccountSite
from geo_service.history import HistoryEntry
from geo_service.households.models import Household, Stay
from geo_service.works.revisions import draft_of, shifted
from geo_service.works.service import revise_phase
from layers.buildings import Stairwell
from layers.sites import PhaseConfirmation, PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.conftest import csrf_of, sign_in
from tests.geo_service.pages import add_impacts, make_works

Staff = Callable[[str], TestClient]
Works = tuple[World, dict[str, PhaseRevision]]
HOMES = {
    "administrator": "/persone", "coordinator": "/oggi", "operator": "/oggi", "office": "/comune",
    "works": "/mie-fasi", "committee": "/totali", "delegate": "/mia-scala",
}  # fmt: skip


def account(session: Session, role: str) -> Account:
    return session.scalars(select(Account).where(Account.role == role)).one()


def menu(page: str) -> list[str]:
    nav = page.split('class="site-nav"', 1)[1].split("</nav>", 1)[0]
    return re.findall(r'href="([^"]+)"', nav)


@pytest.mark.parametrize("role", HOMES)
def test_signing_in_leads_to_the_roles_own_page_and_menu(
    role: str,
    browser_of: Callable[[], TestClient],
    account_of: Callable[[str], Account],
    works: Works,
) -> None:
    browser = browser_of()
    answer = sign_in(browser, account_of(role).email)
    assert answer.headers["location"] == HOMES[role]
    page = browser.get(HOMES[role])
    assert page.status_code == 200
    links = menu(page.text)
    assert links
    for link in links:
        assert browser.get(link).status_code == 200, f"the menu of {role} leads to {link}"


@pytest.mark.parametrize("role", ["works", "committee", "delegate", "administrator"])
def test_a_closed_page_says_so_with_the_way_out(role: str, staff: Staff, works: Works) -> None:
    page = staff(role).get("/nuclei")
    assert page.status_code == 403
    assert "Il vostro ruolo non permette" in page.text
    assert "Siete entrati come" in page.text
    assert f'href="{HOMES[role]}"' in page.text


def test_the_committee_sees_nothing_below_five(staff: Staff, works: Works) -> None:
    page = staff("committee").get("/totali").text
    # Seven households in all: four strongly, three slightly hit by noise; three by dust.
    assert "In tutto 7 nuclei sentono almeno un disagio." in page
    for table in ("Nuclei per tipo", "Nuclei per cantiere", "Nuclei per settimana"):
        assert table in page
    cells = re.findall(r'<td class="num">(.*?)</td>', page)
    shown = [re.sub("<[^>]+>", "", cell) for cell in cells]
    assert {int(n) for n in shown if n.isdigit()} == {7}
    assert any("– *" in n for n in shown)
    for private in ("Famiglia", "N0", "int. 1", "vuot", "/fasi/", "/nuclei"):
        assert private not in page.split("<main", 1)[1].split("</main>", 1)[0], private


def test_totals_leave_protected_households_out_for_every_reader(
    staff: Staff, works: Works, session: Session
) -> None:
    # An operator, who knows all households but these, would count them by subtraction.
    works[0].households[0].protected = True
    session.commit()
    for role in ("operator", "committee", "coordinator"):
        page = staff(role).get("/totali").text
        assert "In tutto 6 nuclei sentono almeno un disagio." in page, role


def test_a_delegate_sees_the_own_stairwell_only(
    staff: Staff, works: Works, session: Session
) -> None:
    world, _ = works
    browser = staff("delegate")
    assert "Nessuna scala vi è ancora assegnata" in browser.get("/mia-scala").text
    account(session, "delegate").stairwell_id = world.stairwells[1].id
    session.commit()
    page = browser.get("/mia-scala").text
    assert "scala A" in page
    assert "Scavo" in page
    # The water is off in the other building's stairwell.
    assert "Acqua chiusa" not in page
    assert "meno di cinque" in page
    main = page.split("<main", 1)[1].split("</main>", 1)[0]
    for private in ("Famiglia", "int.", "nucleo", "esigenza"):
        assert private not in main


def test_a_delegates_counts_are_whole_fives(staff: Staff, works: Works, session: Session) -> None:
    world, _ = works
    first = session.scalars(select(Stay).where(Stay.flat_id == world.flats[0].id)).one()
    for n in range(3):
        guest = Household(quarter_id=world.quarter.id, code=f"G{n}")
        session.add(guest)
        session.flush()
        session.add(Stay(household_id=guest.id, flat_id=first.flat_id, period=first.period))
    browser = staff("delegate")
    account(session, "delegate").stairwell_id = world.stairwells[0].id
    session.commit()
    assert "almeno 5" in browser.get("/mia-scala").text
    # Seven in all; three of them at a protected address are for nobody to count.
    for household in world.households[1:4]:
        household.protected = True
    session.commit()
    assert "almeno 5" not in browser.get("/mia-scala").text


def test_a_delegate_cannot_tell_empty_flats_from_few_households(
    staff: Staff, works: Works, session: Session
) -> None:
    world, phases = works
    add_impacts(session, phases["A1"], "vibration", [(world.flats[7], 2)])
    browser = staff("delegate")
    account(session, "delegate").stairwell_id = world.stairwells[1].id
    session.commit()
    counted = browser.get("/mia-scala").text.split('id="quanti"', 1)[1].split("</section>", 1)[0]
    shaken = re.search(r"<li>(?:(?!</li>).)*Vibrazioni.*?</li>", counted, re.DOTALL)
    assert shaken, counted
    assert "meno di cinque" in shaken[0]


def works_account(session: Session, world: World, firm: str = "") -> Account:
    own = account(session, "works")
    own.sites.append(AccountSite(site_id=world.site.id))
    own.firm = firm
    session.commit()
    return own


def test_the_works_side_sees_its_own_phases(staff: Staff, works: Works, session: Session) -> None:
    world, phases = works
    browser = staff("works")
    assert "Nessun cantiere vi è ancora assegnato" in browser.get("/mie-fasi").text
    own = works_account(session, world, "Esempio")
    page = browser.get("/mie-fasi").text
    assert "Scavo" in page
    assert "Demolizione" not in page, "another firm's"
    assert "Nessuno ha ancora detto che le date valgono." in page
    sheet = browser.get(f"/mie-fasi/{phases['A1'].phase_id}")
    assert "1 × " in sheet.text
    assert browser.get(f"/mie-fasi/{phases['A2'].phase_id}").status_code == 404
    own.firm = ""
    session.commit()
    assert "Demolizione" in browser.get("/mie-fasi").text


def test_nothing_of_another_site_is_theirs(staff: Staff, works: Works, session: Session) -> None:
    _, elsewhere = make_works(session, "altrove")
    browser = staff("works")
    works_account(session, works[0])
    phase = elsewhere["A1"].phase_id
    assert browser.get(f"/mie-fasi/{phase}").status_code == 404
    token = csrf_of(browser.get(f"/mie-fasi/{works[1]['A1'].phase_id}").text)
    refused = browser.post(f"/mie-fasi/{phase}/detto", data={"csrf": token, "detto": "valid"})
    assert refused.status_code == 404
    assert session.scalars(select(PhaseConfirmation)).all() == []


def test_a_site_outside_the_accounts_quarters_is_not_listed(
    staff: Staff, works: Works, session: Session
) -> None:
    other, _ = make_works(session, "altrove")
    browser = staff("works")
    own = works_account(session, works[0])
    assert "Scavo" in browser.get("/mie-fasi").text
    own.assignments.append(AccountAssignment(quarter_id=other.quarter.id, role="works"))
    session.commit()
    assert "Scavo" not in browser.get("/mie-fasi").text


def test_the_works_side_says_how_it_goes(staff: Staff, works: Works, session: Session) -> None:
    world, phases = works
    browser = staff("works")
    works_account(session, world)
    page = f"/mie-fasi/{phases['A1'].phase_id}"
    token = csrf_of(browser.get(page).text)
    wrong = browser.post(page + "/detto", data={"csrf": token, "detto": "overrun"})
    assert wrong.status_code == 422
    assert "Scrivete che cosa va oltre" in wrong.text
    said = {"csrf": token, "detto": "overrun", "nota": "acqua ancora chiusa alle 17:40"}
    assert browser.post(page + "/detto", data=said).status_code == 303
    assert browser.post(page + "/detto", data={"csrf": token, "detto": "valid"}).status_code == 303
    assert "acqua ancora chiusa" in browser.get(page).text
    kinds = [c.said for c in session.scalars(select(PhaseConfirmation))]
    assert kinds == ["overrun", "valid"]
    assert "Nessuno ha ancora detto" not in browser.get(page).text


def test_staff_write_down_what_the_works_side_said(
    staff: Staff, works: Works, session: Session
) -> None:
    phase = works[1]["A1"].phase_id
    browser = staff("operator")
    token = csrf_of(browser.get(f"/fasi/{phase}").text)
    said = {"csrf": token, "detto": "overrun", "nota": "acqua fino alle 18", "riferito": "DL"}
    assert "Scrivete chi lo ha detto" in browser.post(
        f"/fasi/{phase}/riferito", data={**said, "riferito": " "}
    ).text  # fmt: skip
    future = browser.post(f"/fasi/{phase}/riferito", data={**said, "riferito_il": "2030-01-01"})
    assert future.status_code == 422
    assert 'value="acqua fino alle 18"' in future.text, "what was typed stays"
    verified = "verificata"
    before = browser.get(f"/fasi/{phase}").text.split(verified)[1][:20]
    done = browser.post(f"/fasi/{phase}/riferito", data={**said, "riferito_il": "2026-03-01"})
    assert done.status_code == 303
    page = browser.get(f"/fasi/{phase}").text
    assert "riferito da DL, per telefono, dom 1 mar 2026" in page
    assert page.split(verified)[1][:20] == before, "an overrun confirms no dates"
    chronicle = staff("coordinator").get("/cronologia").text
    assert "DL, per telefono, dom 1 mar 2026" in chronicle
    assert "acqua fino alle 18" in chronicle


def test_a_revision_keeps_who_reported_it(staff: Staff, works: Works, session: Session) -> None:
    _, phases = works
    browser = staff("coordinator")
    phase = phases["A2"].phase_id
    form = browser.get(f"/fasi/{phase}/modifica").text
    typed = {"riferito": "capocantiere Rossi", "riferito_come": "site", "riferito_il": "2026-02-27"}
    fields = {
        "csrf": csrf_of(form), "dal": "2026-03-23", "al": "2026-04-10", "motivo": "pioggia",
        "certezza": "confirmed", "revisione": "1", "chiave": "x1",
    }  # fmt: skip
    wrong = browser.post(f"/fasi/{phase}/modifica", data={**fields, **typed, "riferito_il": "?"})
    assert wrong.status_code == 422
    assert "capocantiere Rossi" in wrong.text
    saved = browser.post(f"/fasi/{phase}/modifica", data={**fields, **typed})
    assert saved.status_code == 303, saved.text
    newest = session.scalars(
        select(PhaseRevision).where(PhaseRevision.phase_id == phase, PhaseRevision.number == 2)
    ).one()
    assert newest.reported_by == "capocantiere Rossi · site · 2026-02-27"
    site = works[0].site.id
    versions = browser.get(f"/cantieri/{site}/versioni").text
    assert "Riferito da: capocantiere Rossi, in cantiere, ven 27 feb 2026" in versions
    entry = session.scalars(
        select(HistoryEntry).where(HistoryEntry.action == "phase.reported")
    ).one()
    assert entry.changes["reported_by"][1].startswith("capocantiere Rossi")


def test_the_office_reads_what_changed_since_its_last_visit(
    staff: Staff, browser_of: Callable[[], TestClient], works: Works, session: Session
) -> None:
    _, phases = works
    assert "Ultimi cambiamenti" in staff("office").get("/comune").text
    browser = browser_of()
    sign_in(browser, "office@example.org")
    assert "Da allora nessuna data è cambiata" in browser.get("/comune").text
    moved = shifted(draft_of(session, phases["A2"]), 7)
    revise_phase(session, phases["A2"].phase, moved, author="Anna", reason="pioggia",
                 recorded_at=dt.datetime.now(dt.UTC))  # fmt: skip
    session.commit()
    page = browser.get("/comune").text
    assert "Cambiato dalla vostra ultima visita" in page
    assert "«pioggia»" in page
    assert "versione 2" in page


def test_a_delegate_is_invited_with_a_stairwell(
    staff: Staff, works: Works, session: Session
) -> None:
    world, _ = works
    browser = staff("coordinator")
    token = csrf_of(browser.get("/persone").text)
    fields = {"csrf": token, "email": "scala@example.org", "ruolo": "delegate", "nome": "Rita"}
    missing = browser.post("/persone", data=fields)
    assert missing.status_code == 422
    assert "Scegliete la scala" in missing.text
    stair = world.stairwells[1].id
    assert browser.post("/persone", data={**fields, "scala": str(stair)}).status_code == 200
    person = session.scalars(select(Account).where(Account.email == "scala@example.org")).one()
    assert person.stairwell_id == stair
    page = browser.get(f"/persone/{person.id}").text
    assert f'<option value="{stair}" selected' in page
    session.add_all(
        Stairwell(
            building_id=world.buildings[1].id, label=label, entrance=world.stairwells[1].entrance
        )
        for label in ("10", "9")
    )
    session.commit()
    page = browser.get(f"/persone/{person.id}").text
    assert page.index("scala 9</option>") < page.index("scala 10</option>")
    as_works = {"csrf": token, "nome": "Rita", "ruolo": "works", "scala": str(stair),
                "cantiere": str(world.site.id), "funzione": "dl", "ditta": ""}  # fmt: skip
    assert browser.post(f"/persone/{person.id}", data=as_works).status_code == 303
    session.refresh(person)
    assert (person.stairwell_id, person.function) == (None, "dl")
    assert [own.site_id for own in person.sites] == [world.site.id]
    unknown = browser.post(f"/persone/{person.id}", data={**as_works, "cantiere": "987654"})
    assert unknown.status_code == 422
