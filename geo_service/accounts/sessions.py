"""Browsers that are signed in: they end when idle, after a working day, or when told to."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, selectinload

from geo_service.accounts.models import Account, AccountSession

# Whatever happens a session ends after a working day; unused it ends sooner.
LIFETIME = dt.timedelta(hours=12)
IDLE = dt.timedelta(hours=2)
# Time to type the second factor.
PENDING_LIFETIME = dt.timedelta(minutes=5)
# Being seen is written down at most this often, so that reading pages writes nothing.
SEEN_EVERY = dt.timedelta(minutes=1)

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
             ("Safari", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its owner sees it; ``code`` names it in a form and opens nothing."""

    code: str
    browser: str
    created_at: dt.datetime
    last_seen_at: dt.datetime
    this_one: bool


def open_session(
    session: Session, account: Account, browser: str = "", *, pending: bool = False
) -> str:
    """A new browser session of ``account``; returns its token, of which only a hash is kept.

    A ``pending`` session opens nothing until the second factor is given.
    """
    now = dt.datetime.now(dt.UTC)
    session.execute(delete(AccountSession).where(_over(now)))
    token = secrets.token_urlsafe(32)
    if not pending:
        account.signed_in_before_at, account.signed_in_at = account.signed_in_at, now
    session.add(
        AccountSession(
            token_hash=token_hash(token),
            account_id=account.id,
            last_seen_at=now,
            expires_at=now + (PENDING_LIFETIME if pending else LIFETIME),
            browser=browser_name(browser),
            pending=pending,
        )
    )
    session.flush()
    return token


def account_of(session: Session, token: str, *, pending: bool = False) -> Account | None:
    """Account signed in with ``token``; None when it is unknown, over or disabled."""
    if not token:
        return None
    now = dt.datetime.now(dt.UTC)
    found = session.execute(
        select(Account, AccountSession.last_seen_at)
        .join(AccountSession)
        .where(
            AccountSession.token_hash == token_hash(token),
            AccountSession.pending.is_(pending),
            ~_over(now),
            Account.disabled.is_(False),
        )
        .options(selectinload(Account.assignments))
    ).first()
    if found is None:
        return None
    account, seen_at = found
    if now - seen_at > SEEN_EVERY:
        session.execute(
            update(AccountSession)
            .where(AccountSession.token_hash == token_hash(token))
            .values(last_seen_at=now)
        )
    return account


def own_sessions(session: Session, account_id: int, token: str) -> list[OwnSession]:
    """Open sessions of an account, the one of ``token`` marked, last used first."""
    rows = session.scalars(
        select(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.pending.is_(False),
            ~_over(dt.datetime.now(dt.UTC)),
        )
        .order_by(AccountSession.last_seen_at.desc())
    )
    own = token_hash(token)
    return [
        OwnSession(
            row.token_hash.hex()[:16], row.browser, row.created_at, row.last_seen_at,
            row.token_hash == own,
        )
        for row in rows
    ]  # fmt: skip


def close_session(session: Session, account_id: int, code: str) -> bool:
    """End one of an account's own sessions by the code that lists it; False if there is none."""
    for row in session.scalars(
        select(AccountSession).where(AccountSession.account_id == account_id)
    ):
        if row.token_hash.hex()[:16] == code:
            session.delete(row)
            session.flush()
            return True
    return False


def sign_out(session: Session, token: str) -> None:
    """End the browser session of ``token``."""
    session.execute(delete(AccountSession).where(AccountSession.token_hash == token_hash(token)))


def sign_out_everywhere(session: Session, account_id: int, *, except_token: str = "") -> int:
    """End every session of an account but that of ``except_token``; returns how many."""
    ended = session.execute(
        delete(AccountSession).where(
            AccountSession.account_id == account_id,
            AccountSession.token_hash != token_hash(except_token),
        )
    )
    return ended.rowcount


def browser_name(user_agent: str) -> str:
    """ "Firefox, Android" of a browser's long description; no more than that is kept."""
    name = next((word for mark, word in _BROWSERS if mark in user_agent), "")
    system = next((word for mark, word in _SYSTEMS if mark in user_agent), "")
    said = ", ".join(filter(None, (name, system)))
    return said or re.sub(r"[^\w ./-]", "", user_agent)[:40]


def token_hash(token: str) -> bytes:
    """What is kept of a token: with 256 random bits a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def _over(now: dt.datetime):  # type: ignore[no-untyped-def]
    return or_(AccountSession.expires_at <= now, AccountSession.last_seen_at <= now - IDLE)
