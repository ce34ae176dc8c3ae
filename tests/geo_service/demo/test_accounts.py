"""The demonstration has an account for each role, tied to its places, with one printed password."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import ROLES, Account
from geo_service.accounts.service import check_password, make_password, set_password
from geo_service.demo.accounts import ACCOUNTS, demo_password, load_accounts
from geo_service.works.service import create_site
from tests.geo_service.builders import area, make_world


def test_there_is_one_for_each_role(session: Session) -> None:
    world = make_world(session)
    world.stairwells[0].label = "1A"
    for code in "BCD":
        create_site(session, world.quarter.id, code=code, name=code, footprint=area(25, 0, 20, 12))
    session.flush()
    for _twice in range(2):
        load_accounts(session, world.quarter)
    found = {a.email: a for a in session.scalars(select(Account))}
    assert set(found) == {a.email for a in ACCOUNTS}
    assert {a.role for a in found.values()} == set(ROLES)
    delegate = found["scala1a@accanto.localhost"]
    assert delegate.stairwell_id == world.stairwells[0].id
    assert [own.site_id for own in found["capocantiere@accanto.localhost"].sites] == [world.site.id]
    assert all(check_password(a, demo_password()) for a in found.values())
    set_password(session, delegate, make_password())
    load_accounts(session, world.quarter)
    assert check_password(delegate, demo_password())


def test_the_password_is_as_good_as_a_random_one() -> None:
    assert len(demo_password()) == len(make_password())
    assert demo_password() == demo_password()
