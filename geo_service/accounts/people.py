"""The people of the service (*persone*): inviting, roles, disabling, forgetting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from geo_service import history
from geo_service.accounts import places as tied
from geo_service.accounts import second_factor
from geo_service.accounts.capabilities import GRANTS, may
from geo_service.accounts.models import (
    ROLES,
    Account,
    AccountAssignment,
    AccountLink,
    AccountSession,
)
from geo_service.accounts.places import Places
from geo_service.accounts.service import create_account
from geo_service.accounts.sessions import sign_out_everywhere
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Conflict, Forbidden, Invalid, NotFound
from geo_service.i18n import gettext as _
from layers.buildings import Quarter

FORGOTTEN_DOMAIN = "@persona.invalid"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in the list; ``state`` is active, invited, disabled or forgotten."""

    account: Account
    state: str
    last_seen_at: dt.datetime | None


def people(session: Session, actor: SignedIn) -> list[PersonRow]:
    """Everybody whom ``actor`` may manage, by name."""
    seen = (
        select(AccountSession.account_id, func.max(AccountSession.last_seen_at).label("at"))
        .group_by(AccountSession.account_id)
        .subquery()
    )
    rows = session.execute(
        select(Account, seen.c.at)
        .outerjoin(seen, seen.c.account_id == Account.id)
        .options(selectinload(Account.assignments).joinedload(AccountAssignment.quarter))
        .order_by(Account.disabled, func.lower(Account.name), Account.email)
    )
    return [PersonRow(a, state_of(a), at) for a, at in rows if _is_theirs(actor, a)]


def account_name(account: Account) -> str:
    """What pages call a person; a number once the person was forgotten."""
    if state_of(account) == "forgotten":
        return _("persona %(id)s", id=account.id)
    return account.name or account.email


def state_of(account: Account) -> str:
    """Whether the person is active, invited, disabled or forgotten."""
    if account.email.endswith(FORGOTTEN_DOMAIN):
        return "forgotten"
    if account.disabled:
        return "disabled"
    signs_in = account.password_hash is not None or account.oidc_subject is not None
    return "active" if signs_in else "invited"


def person(session: Session, actor: SignedIn, account_id: int) -> Account:
    """One person whom ``actor`` may manage. Raises :class:`NotFound` for anybody else."""
    account = session.scalar(
        select(Account)
        .where(Account.id == account_id)
        .options(selectinload(Account.assignments).joinedload(AccountAssignment.quarter))
    )
    if account is None or not _is_theirs(actor, account):
        raise NotFound(_("Questa persona non c'è, oppure non lavora nei vostri quartieri."))
    return account


def invite(
    session: Session,
    actor: SignedIn,
    *,
    email: str,
    name: str,
    role: str,
    by_quarter: Mapping[int, str],
    places: Places = Places(),  # noqa: B008  (it cannot be changed)
) -> Account:
    """A new person without a password; ``by_quarter`` is quarter → role, empty for everywhere.

    Raises :class:`Invalid` for what cannot be used and :class:`Forbidden` for a role that is not
    ``actor``'s to give.
    """
    _check_grants(session, actor, role, by_quarter)
    account = create_account(session, email, role, None, name)
    _assign(account, by_quarter)
    tied.tie(session, account, places, actor.quarter_ids)
    session.flush()
    if tied.facts(account):
        _record(session, "account.changed", account, history.difference({}, tied.facts(account)))
    return account


def change(
    session: Session,
    actor: SignedIn,
    account: Account,
    *,
    name: str,
    role: str,
    by_quarter: Mapping[int, str],
    places: Places | None = None,
) -> None:
    """Change name and roles; who loses something is signed out, so that it holds at once.

    Raises :class:`Forbidden` for one's own role or one that is not ``actor``'s to give, and
    :class:`Conflict` when nobody would be left to manage people.
    """
    before = _facts(account)
    check_touchable(actor, account)
    same = (role, dict(by_quarter)) == (account.role, _roles(account))
    if not same:
        if account.id == actor.id:
            raise Forbidden(_("Il proprio ruolo lo cambia qualcun altro."))
        _check_grants(session, actor, role, by_quarter)
        if not (may(role, "people") and not by_quarter):
            _check_somebody_left(session, account)
        account.role = role
        _assign(account, by_quarter)
        sign_out_everywhere(session, account.id)
    if places is not None:
        tied.tie(session, account, places, actor.quarter_ids)
    account.name = " ".join(name.split())[:200]
    session.flush()
    changed = history.difference(before, _facts(account))
    if changed:
        _record(session, "account.changed", account, changed)


def disable(session: Session, actor: SignedIn, account: Account) -> None:
    """Lock an account out at once, its open links too; its row and its history stay."""
    check_touchable(actor, account)
    if account.id == actor.id:
        raise Forbidden(_("Il proprio accesso lo chiude qualcun altro."))
    _check_somebody_left(session, account)
    account.disabled = True
    # Enabled again later, an old link must not open the account.
    session.execute(
        update(AccountLink)
        .where(AccountLink.account_id == account.id, AccountLink.used_at.is_(None))
        .values(used_at=func.now())
    )
    sign_out_everywhere(session, account.id)
    _record(session, "account.disabled", account)


def enable(session: Session, actor: SignedIn, account: Account) -> None:
    """Let a disabled account in again. Raises :class:`Conflict` for a forgotten person."""
    check_touchable(actor, account)
    if state_of(account) == "forgotten":
        raise Conflict(_("I dati di questa persona sono stati svuotati: invitatela di nuovo."))
    account.disabled = False
    _record(session, "account.enabled", account)


def end_sessions(session: Session, actor: SignedIn, account: Account) -> int:
    """Sign a person out on every device; returns how many sessions ended."""
    check_touchable(actor, account)
    ended = sign_out_everywhere(session, account.id)
    _record(session, "account.signed_out_everywhere", account)
    return ended


def drop_second_factor(session: Session, actor: SignedIn, account: Account) -> None:
    """Take the second factor off for who lost telephone and recovery codes."""
    check_touchable(actor, account)
    second_factor.remove(session, account)
    sign_out_everywhere(session, account.id)


def forget(session: Session, actor: SignedIn, account: Account) -> None:
    """Empty the name and address of a disabled person; the number stays for the history."""
    check_touchable(actor, account)
    if not account.disabled:
        raise Conflict(_("Prima disattivate l'accesso, poi si possono svuotare i dati."))
    account.name = ""
    account.email = f"persona-{account.id}{FORGOTTEN_DOMAIN}"
    account.password_hash = account.oidc_issuer = account.oidc_subject = None
    account.stairwell_id = None
    account.firm = account.function = ""
    account.sites.clear()
    if account.totp_secret is not None:
        second_factor.remove(session, account)
    _record(session, "account.forgotten", account)


def open_link(session: Session, account_id: int) -> AccountLink | None:
    """The link of an account that still works, if any."""
    return session.scalar(
        select(AccountLink).where(
            AccountLink.account_id == account_id,
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > func.now(),
        )
    )


def _is_theirs(actor: SignedIn, account: Account) -> bool:
    """A coordinator of some quarters manages who works in those quarters only."""
    if actor.roles is None:
        return True
    theirs = {q for q, role in actor.roles.items() if may(role, "people")}
    own = {a.quarter_id for a in account.assignments}
    return bool(own) and own <= theirs


def check_touchable(actor: SignedIn, account: Account) -> None:
    """Raise :class:`Forbidden` where ``account`` stands above what ``actor`` may give."""
    held = {account.role, *_roles(account).values()}
    if account.id != actor.id and not held <= GRANTS.get(actor.role, frozenset()):
        raise Forbidden(_("Questa persona la gestisce chi amministra il servizio."))


def _check_grants(
    session: Session, actor: SignedIn, role: str, by_quarter: Mapping[int, str]
) -> None:
    if role not in ROLES:
        raise Invalid(_("Scegliete un ruolo."), {"role": role})
    allowed = GRANTS.get(actor.role, frozenset())
    if role not in allowed or not set(by_quarter.values()) <= allowed:
        raise Forbidden(_("Questo ruolo non lo potete assegnare."))
    known = session.scalars(select(Quarter.id).where(Quarter.id.in_(by_quarter))).all()
    if len(known) < len(by_quarter):
        raise Invalid(_("Il quartiere non esiste."), {"quarters": ""})
    if actor.roles is not None:
        theirs = {q for q, own in actor.roles.items() if may(own, "people")}
        if not by_quarter or not set(by_quarter) <= theirs:
            raise Invalid(
                _("Scegliete un ruolo in almeno uno dei vostri quartieri."), {"quarters": ""}
            )


def _check_somebody_left(session: Session, account: Account) -> None:
    """Somebody must remain who manages the people of every quarter and can sign in."""
    others = session.scalars(
        select(Account)
        .where(Account.id != account.id, Account.disabled.is_(False))
        .options(selectinload(Account.assignments))
    )
    for other in others:
        if may(other.role, "people") and not other.assignments and state_of(other) == "active":
            return
    raise Conflict(_("È l'ultima persona che può gestire gli accessi: prima nominatene un'altra."))


def _assign(account: Account, by_quarter: Mapping[int, str]) -> None:
    present = {a.quarter_id: a for a in account.assignments}
    for quarter_id, role in by_quarter.items():
        if quarter_id in present:
            present[quarter_id].role = role
        else:
            account.assignments.append(AccountAssignment(quarter_id=quarter_id, role=role))
    for quarter_id, assignment in present.items():
        if quarter_id not in by_quarter:
            account.assignments.remove(assignment)


def _roles(account: Account) -> dict[int, str]:
    return {a.quarter_id: a.role for a in account.assignments}


def _facts(account: Account) -> dict[str, object]:
    by_quarter = {f"role_in_{q}": role for q, role in sorted(_roles(account).items())}
    return {"name": account.name, "role": account.role, **by_quarter, **tied.facts(account)}


def _record(
    session: Session,
    action: str,
    account: Account,
    changes: Mapping[str, tuple[object, object]] | None = None,
) -> None:
    session.flush()
    subject = history.Subject("account", account.id)
    history.record(session, history.actor_of(session), action, subject, changes)
