"""The page *Persone*: who works with the service and as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service.accounts import letters, links, people
from geo_service.accounts.capabilities import CAPABILITIES, GRANTS, ROLE_WORDS, TABLE
from geo_service.accounts.guards import need
from geo_service.accounts.models import ROLES, Account
from geo_service.accounts.places import FUNCTION_WORDS, Places, offered
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Conflict, Forbidden, Invalid
from geo_service.i18n import gettext as _
from geo_service.i18n import pairs
from geo_service.settings import get_settings
from geo_service.web.follow_ups import follow_up
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.session import Db
from layers.buildings import Quarter

router = APIRouter()
PAGE = "/persone"
Keeper = Annotated[SignedIn, Depends(need("people"))]
Text = Annotated[str, Form(max_length=300)]


async def _by_quarter(request: Request) -> dict[int, str]:
    """Roles chosen per quarter: fields ``quartiere_7`` = role, empty for none."""
    form = await request.form(max_files=0, max_fields=500)
    chosen = {}
    for field, value in form.multi_items():
        number = number_in(field.removeprefix("quartiere_"))
        if field.startswith("quartiere_") and number is not None and value in ROLES:
            chosen[number] = str(value)
    return chosen


ByQuarter = Annotated[dict[int, str], Depends(_by_quarter)]


async def _places(request: Request) -> Places:
    """The stairwell of a delegate; sites, function and firm of a works account."""
    form = await request.form(max_files=0, max_fields=500)

    return Places(
        number_in(form.get("scala")),
        frozenset(n for v in form.getlist("cantiere") if (n := number_in(v)) is not None),
        str(form.get("funzione") or "")[:20],
        str(form.get("ditta") or "")[:200],
    )


Chosen = Annotated[Places, Depends(_places)]


@router.get(PAGE)
def listing(request: Request, session: Db, account: Keeper) -> Response:
    """Everybody, with the form that invites."""
    return _list(request, session, account)


@router.post(PAGE)
def invite(
    request: Request,
    session: Db,
    account: Keeper,
    by_quarter: ByQuarter,
    places: Chosen,
    email: Text = "",
    nome: Text = "",
    ruolo: Text = "",
) -> Response:
    """Invite somebody and show the link to hand over, this once."""
    try:
        with session.begin_nested():
            made = people.invite(
                session, account, email=email, name=nome, role=ruolo, by_quarter=by_quarter,
                places=places,
            )  # fmt: skip
    except (Invalid, Forbidden) as refusal:
        typed = {"email": email, "nome": nome, "ruolo": ruolo, "by_quarter": by_quarter,
                 "places": places}  # fmt: skip
        return _list(request, session, account, str(refusal), typed, refusal.status)
    return _link(request, session, made, account)


@router.get(PAGE + "/{account_id:int}")
def person(request: Request, session: Db, account: Keeper, account_id: int) -> Response:
    """One person: name, roles, access."""
    return _person(request, session, account, people.person(session, account, account_id))


@router.post(PAGE + "/{account_id:int}")
def change(
    request: Request,
    session: Db,
    account: Keeper,
    by_quarter: ByQuarter,
    places: Chosen,
    account_id: int,
    nome: Text = "",
    ruolo: Text = "",
) -> Response:
    """Change name and roles."""
    found = people.person(session, account, account_id)
    try:
        with session.begin_nested():
            people.change(
                session, account, found, name=nome, role=ruolo, by_quarter=by_quarter,
                places=places,
            )  # fmt: skip
    except (Invalid, Forbidden, Conflict) as refusal:
        session.refresh(found)
        return _person(request, session, account, found, str(refusal), refusal.status)
    return see_other(PAGE)


@router.post(PAGE + "/{account_id:int}/collegamento")
def new_link(request: Request, session: Db, account: Keeper, account_id: int) -> Response:
    """A new invitation, or a link that resets the password; older ones stop working."""
    found = people.person(session, account, account_id)
    people.check_touchable(account, found)
    if found.disabled:
        raise Conflict(_("L'accesso è disattivato: prima riattivatelo."))
    return _link(request, session, found, account)


@router.post(PAGE + "/{account_id:int}/disattiva")
def disable(session: Db, account: Keeper, account_id: int) -> Response:
    """Lock an account out at once."""
    people.disable(session, account, people.person(session, account, account_id))
    return see_other(f"{PAGE}/{account_id}")


@router.post(PAGE + "/{account_id:int}/riattiva")
def enable(session: Db, account: Keeper, account_id: int) -> Response:
    """Let a disabled account in again."""
    people.enable(session, account, people.person(session, account, account_id))
    return see_other(f"{PAGE}/{account_id}")


@router.post(PAGE + "/{account_id:int}/esci-ovunque")
def sign_out(session: Db, account: Keeper, account_id: int) -> Response:
    """End every session of a person."""
    people.end_sessions(session, account, people.person(session, account, account_id))
    return see_other(f"{PAGE}/{account_id}")


@router.post(PAGE + "/{account_id:int}/togli-secondo-fattore")
def drop_second_factor(session: Db, account: Keeper, account_id: int) -> Response:
    """Take the second factor off for who lost the telephone."""
    people.drop_second_factor(session, account, people.person(session, account, account_id))
    return see_other(f"{PAGE}/{account_id}")


@router.post(PAGE + "/{account_id:int}/svuota")
def forget(request: Request, session: Db, account: Keeper, account_id: int) -> Response:
    """Empty name and address of a disabled person, also beside what that person wrote."""
    person = people.person(session, account, account_id)
    names = (person.name, person.email)
    people.forget(session, account, person)
    follow_up(request, session, "account.forgotten", person.id, names)
    return see_other(PAGE)


def _quarters(session: Session, account: SignedIn) -> list[Quarter]:
    query = select(Quarter).order_by(Quarter.name)
    only = account.quarter_ids
    return list(session.scalars(query if only is None else query.where(Quarter.id.in_(only))))


def _roles(account: SignedIn) -> list[tuple[str, str]]:
    allowed = GRANTS.get(account.role, frozenset())
    return [(role, _(ROLE_WORDS[role])) for role in ROLES if role in allowed]


def _list(
    request: Request,
    session: Session,
    account: SignedIn,
    problem: str = "",
    typed: dict[str, object] | None = None,
    status: int = 200,
) -> Response:
    table = [
        (_(word), [capability in TABLE[role] for role in ROLES])
        for capability, word in CAPABILITIES.items()
    ]
    return render(
        request,
        "accounts/people.html",
        status=status,
        people=people.people(session, account),
        quarters=_quarters(session, account),
        roles=_roles(account),
        role_words={role: _(word) for role, word in ROLE_WORDS.items()},
        role_order=ROLES,
        table=table,
        typed=typed
        or {"email": "", "nome": "", "ruolo": "operator", "by_quarter": {}, "places": Places()},
        offer=offered(session, account.quarter_ids),
        functions=pairs(FUNCTION_WORDS),
        problem=problem,
    )


def _person(
    request: Request,
    session: Session,
    account: SignedIn,
    found: Account,
    problem: str = "",
    status: int = 200,
) -> Response:
    roles = _roles(account)
    known = [role for role, _word in roles]
    held = {found.role, *(a.role for a in found.assignments)}
    return render(
        request,
        "accounts/person.html",
        status=status,
        person=found,
        state=people.state_of(found),
        link=people.open_link(session, found.id),
        quarters=_quarters(session, account),
        by_quarter={a.quarter_id: a.role for a in found.assignments},
        places=Places(
            found.stairwell_id,
            frozenset(own.site_id for own in found.sites),
            found.function,
            found.firm,
        ),
        offer=offered(session, account.quarter_ids),
        functions=pairs(FUNCTION_WORDS),
        roles=roles,
        role_words={role: _(word) for role, word in ROLE_WORDS.items()},
        is_self=found.id == account.id,
        editable=found.id != account.id and held <= set(known),
        problem=problem,
        section=PAGE,
    )


def _link(request: Request, session: Session, found: Account, actor: SignedIn) -> Response:
    token, link = links.issue(session, found)
    mailed = letters.send_link(session, found, link, token, asked_by=actor.id)
    return render(
        request,
        "accounts/link.html",
        person=found,
        link=link,
        mailed=mailed,
        address=f"{get_settings().base_url}/invito/{token}",
        section=PAGE,
    )
