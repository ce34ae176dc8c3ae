"""Links that work once and expire: to set a password, or to do one task without an account."""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from geo_service import history
from geo_service.accounts.models import Account, AccountLink, TaskLink
from geo_service.accounts.service import set_password
from geo_service.accounts.sessions import token_hash
from geo_service.errors import Invalid, NotFound
from geo_service.i18n import gettext as _

INVITATION_LIFETIME = dt.timedelta(days=7)
RESET_LIFETIME = dt.timedelta(hours=24)
TASK_LIFETIME_DAYS = (1, 3, 7, 14)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def issue(session: Session, account: Account) -> tuple[str, AccountLink]:
    """A new link for ``account`` and its token, of which only a hash is kept.

    It invites who has no password yet and resets the password otherwise. Links that were made
    before stop working.
    """
    # Two at once would not see each other's link and leave both open.
    session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    session.execute(
        update(AccountLink)
        .where(AccountLink.account_id == account.id, AccountLink.used_at.is_(None))
        .values(used_at=_now())
    )
    invites = account.password_hash is None
    token = secrets.token_urlsafe(32)
    link = AccountLink(
        account_id=account.id,
        kind="invitation" if invites else "reset",
        token_hash=token_hash(token),
        expires_at=_now() + (INVITATION_LIFETIME if invites else RESET_LIFETIME),
    )
    session.add(link)
    session.flush()
    history.record(
        session,
        history.actor_of(session),
        "account.invited" if invites else "account.reset_link",
        history.Subject("account", account.id),
    )
    return token, link


def find(session: Session, token: str) -> AccountLink:
    """The link of ``token``. Raises :class:`NotFound` when it is unknown, used or expired."""
    link = session.scalar(
        select(AccountLink)
        .where(AccountLink.token_hash == token_hash(token))
        .options(joinedload(AccountLink.account))
        .with_for_update(of=AccountLink)
    )
    if link is None or link.used_at or link.expires_at <= _now() or link.account.disabled:
        raise NotFound(
            _("Il collegamento è scaduto o è già stato usato: chiedetene uno nuovo al laboratorio.")
        )
    return link


def accept(session: Session, token: str, password: str) -> Account:
    """Set the password with a link, which then is used up. The account is signed out elsewhere."""
    # The account before its link, as where links are made: so neither waits for the other.
    session.execute(
        select(Account.id)
        .join(AccountLink, AccountLink.account_id == Account.id)
        .where(AccountLink.token_hash == token_hash(token))
        .with_for_update(of=Account)
    )
    link = find(session, token)
    history.act_as(session, history.Actor("account", link.account_id))
    set_password(session, link.account, password)
    link.used_at = _now()
    session.flush()
    return link.account


def issue_task(
    session: Session,
    *,
    quarter_id: int,
    action: str,
    subject_id: int,
    who: str,
    created_by: int,
    days: int,
) -> tuple[str, TaskLink]:
    """A link with which ``who`` does ``action`` on one thing once, and its token.

    Raises :class:`Invalid` for an empty or overlong ``who`` and a term that is not offered.
    """
    who = " ".join(who.split())
    if not 2 <= len(who) <= 190:
        raise Invalid(
            _("Scrivete per chi è il collegamento, per esempio «impresa Rossi»."), {"who": who}
        )
    if days not in TASK_LIFETIME_DAYS:
        raise Invalid(_("Scegliete per quanti giorni vale il collegamento."), {"days": str(days)})
    token = secrets.token_urlsafe(32)
    link = TaskLink(
        quarter_id=quarter_id,
        action=action,
        subject_id=subject_id,
        who=who,
        token_hash=token_hash(token),
        created_by=created_by,
        expires_at=_now() + dt.timedelta(days=days),
    )
    session.add(link)
    session.flush()
    subject = history.Subject("task_link", link.id, quarter_id)
    history.record(
        session, history.actor_of(session), "task_link.issued", subject, {"action": (None, action)}
    )
    return token, link


def find_task(session: Session, token: str) -> TaskLink:
    """The task of ``token``. Raises :class:`NotFound` when it is unknown, done, ended or over."""
    link = session.scalar(
        select(TaskLink).where(TaskLink.token_hash == token_hash(token)).with_for_update()
    )
    if link is None or link.used_at or link.revoked_at or link.expires_at <= _now():
        raise NotFound(
            _("Il collegamento è scaduto o è già stato usato: chiedetene uno nuovo al laboratorio.")
        )
    return link


def use_task(session: Session, link: TaskLink) -> None:
    """Use the link up; what the session records from here on was done with it."""
    link.used_at = _now()
    history.act_as(session, history.Actor("task_link", link.id))
    session.flush()


def revoke_task(session: Session, link_id: int, action: str, subject_id: int) -> None:
    """End a task link before it was used. Raises :class:`NotFound` where there is none."""
    link = session.get(TaskLink, link_id)
    if link is None or (link.action, link.subject_id) != (action, subject_id):
        raise NotFound(_("Questo collegamento non esiste."))
    if link.used_at is None and link.revoked_at is None:
        link.revoked_at = _now()
        subject = history.Subject("task_link", link.id, link.quarter_id)
        history.record(session, history.actor_of(session), "task_link.revoked", subject)


def tasks_of(session: Session, action: str, subject_ids: list[int]) -> list[TaskLink]:
    """Links given for ``action`` on any of the things, newest first."""
    return list(
        session.scalars(
            select(TaskLink)
            .where(TaskLink.action == action, TaskLink.subject_id.in_(subject_ids))
            .order_by(TaskLink.id.desc())
        )
    )
