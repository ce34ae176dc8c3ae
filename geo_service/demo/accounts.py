"""One account for each role of the demonstration: anybody can try what each of them sees."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account, AccountSite
from geo_service.accounts.sealed import key
from geo_service.accounts.service import (
    FIRST_EMAIL,
    check_password,
    create_account,
    letters_of,
    set_password,
)
from geo_service.demo.schedule import CONTRACTORS
from layers.buildings import Building, Quarter, Stairwell
from layers.sites import Site

DOMAIN = "accanto.localhost"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An invented person; sites and stairwell by the codes of the demonstration."""

    email: str
    role: str
    name: str
    stairwell: str = ""
    sites: tuple[str, ...] = ()
    function: str = ""
    firm: str = ""


ACCOUNTS = (
    DemoAccount(FIRST_EMAIL, "coordinator", "Coordinamento di prova"),
    DemoAccount(f"operatore@{DOMAIN}", "operator", "Operatore di prova"),
    DemoAccount(f"comune@{DOMAIN}", "office", "Ufficio di prova"),
    DemoAccount(
        f"capocantiere@{DOMAIN}", "works", "Capocantiere di prova", sites=("A",),
        function="foreman", firm=CONTRACTORS["A"],
    ),
    DemoAccount(f"dl@{DOMAIN}", "works", "DL di prova", sites=("A", "B", "C", "D"), function="dl"),
    DemoAccount(f"cse@{DOMAIN}", "works", "CSE di prova", sites=("A", "B"), function="cse"),
    DemoAccount(f"comitato@{DOMAIN}", "committee", "Comitato di prova"),
    DemoAccount(f"scala1a@{DOMAIN}", "delegate", "Referente di prova", stairwell="1A"),
    DemoAccount(f"amministrazione@{DOMAIN}", "administrator", "Amministrazione di prova"),
)  # fmt: skip


def demo_password() -> str:
    """The password of all of them: the same at each start, another on each installation."""
    return letters_of(key("demonstration accounts"))


def load_accounts(session: Session, quarter: Quarter) -> tuple[DemoAccount, ...]:
    """Make sure that there is an account for each role, with :func:`demo_password`.

    Accounts outlive the quarter, which another day replaces: they are tied to its stairwell and
    its sites anew. Never commits.
    """
    password = demo_password()
    stairs = dict(
        session.execute(
            select(Stairwell.label, Stairwell.id)
            .join(Building)
            .where(Building.quarter_id == quarter.id)
        ).all()
    )
    sites = dict(
        session.execute(select(Site.code, Site.id).where(Site.quarter_id == quarter.id)).all()
    )
    for wanted in ACCOUNTS:
        account = session.scalar(select(Account).where(Account.email == wanted.email))
        if account is None:
            account = create_account(session, wanted.email, wanted.role, password, wanted.name)
        elif not check_password(account, password):
            set_password(session, account, password)
        account.role, account.disabled = wanted.role, False
        account.name = account.name or wanted.name
        account.stairwell_id = stairs.get(wanted.stairwell)
        account.function, account.firm = wanted.function, wanted.firm
        present = {own.site_id for own in account.sites}
        account.sites += [
            AccountSite(site_id=sites[code]) for code in wanted.sites if sites[code] not in present
        ]
    session.flush()
    return ACCOUNTS
