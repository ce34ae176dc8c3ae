"""What a role is tied to: a delegate's stairwell, a works account's sites, function and firm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.accounts.models import FUNCTIONS, Account, AccountSite
from geo_service.errors import Invalid
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from layers.buildings import Building, Quarter, Stairwell
from layers.sites import Site

FUNCTION_WORDS = {
    "foreman": N_("capocantiere o direttore tecnico dell'impresa"),
    "dl": N_("direzione lavori (DL)"),
    "cse": N_("coordinamento della sicurezza (CSE)"),
}


@dataclass(frozen=True, slots=True)
class Places:
    """What was chosen in the form of a person, beside the role."""

    stairwell_id: int | None = None
    site_ids: frozenset[int] = frozenset()
    function: str = ""
    firm: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form offers: stairwells by quarter and building, sites by quarter."""

    stairwells: list[tuple[str, list[tuple[int, str]]]]
    sites: list[tuple[int, str]]


def offered(session: Session, quarter_ids: Iterable[int] | None) -> Offer:
    """Stairwells and sites of the quarters, None for all."""
    stairs = (
        select(Stairwell.id, Stairwell.label, Building.name, Building.code, Quarter.name)
        .join(Building, Building.id == Stairwell.building_id)
        .join(Quarter, Quarter.id == Building.quarter_id)
        .where(Building.closed_on.is_(None), Stairwell.closed_on.is_(None))
        .order_by(Quarter.name, Building.name, Building.code)
        .order_by(func.length(Stairwell.label), Stairwell.label)
    )
    sites = (
        select(Site.id, Site.code, Site.name)
        .where(Site.archived_on.is_(None))
        .order_by(Site.code, Site.name)
    )
    if quarter_ids is not None:
        stairs = stairs.where(Building.quarter_id.in_(quarter_ids))
        sites = sites.where(Site.quarter_id.in_(quarter_ids))
    grouped: dict[str, list[tuple[int, str]]] = {}
    for number, label, name, code, quarter in session.execute(stairs):
        said = _("%(building)s, scala %(label)s", building=name or code, label=label)
        grouped.setdefault(quarter, []).append((number, said))
    return Offer(
        list(grouped.items()),
        [(number, f"{code} {name}") for number, code, name in session.execute(sites)],
    )


def tie(
    session: Session,
    account: Account,
    places: Places,
    quarter_ids: Iterable[int] | None,
) -> None:
    """Tie ``account`` to what belongs to its roles; what belongs to no role of it is taken off.

    Raises :class:`Invalid` for a delegate without a stairwell and for places that are not offered.
    """
    held = {account.role} | {a.role for a in account.assignments}
    offer = offered(session, quarter_ids) if held & {"delegate", "works"} else Offer([], [])
    account.stairwell_id = None
    if "delegate" in held:
        known = {number for _quarter, stairs in offer.stairwells for number, _label in stairs}
        if places.stairwell_id not in known:
            raise Invalid(_("Scegliete la scala del referente."), {"scala": ""})
        account.stairwell_id = places.stairwell_id
    is_works = "works" in held
    wanted = places.site_ids if is_works else frozenset()
    if not wanted <= {number for number, _label in offer.sites}:
        raise Invalid(_("Scegliete i cantieri dell'elenco."), {"cantieri": ""})
    if is_works and places.function not in ("", *FUNCTIONS):
        raise Invalid(_("Scegliete una funzione dell'elenco."), {"funzione": ""})
    account.function = places.function if is_works else ""
    account.firm = " ".join(places.firm.split())[:200] if is_works else ""
    present = {own.site_id: own for own in account.sites}
    for number in sorted(wanted - set(present)):
        account.sites.append(AccountSite(site_id=number))
    for number in set(present) - wanted:
        account.sites.remove(present[number])


def facts(account: Account) -> Mapping[str, object]:
    """What the history keeps of it: numbers, function and firm."""
    told = {
        "stairwell": account.stairwell_id,
        "sites": sorted(own.site_id for own in account.sites),
        "function": account.function,
        "firm": account.firm,
    }
    return {field: value for field, value in told.items() if value}
