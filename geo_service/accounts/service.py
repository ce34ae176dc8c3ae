"""Accounts: first account, passwords, sign-in with a limit on guesses."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.accounts.models import ROLES, Account, SignInAttempt
from geo_service.accounts.sessions import open_session, sign_out_everywhere
from geo_service.errors import Invalid, NotSignedIn, TooManyAttempts
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings

FIRST_EMAIL = "coordinamento@accanto.localhost"
MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 200

# Refused sign-ins that are too many: per address and account together, so that nobody can lock
# out somebody else by guessing, then per address, then per account from all addresses.
LIMITS = (
    ("pair", 5, dt.timedelta(minutes=15)),
    ("address", 30, dt.timedelta(minutes=15)),
    ("account", 100, dt.timedelta(hours=1)),
)
# Letters asked for by who forgot the password: per account, then per network address.
REQUEST_LIMITS = (
    ("asked for", 3, dt.timedelta(hours=1)),
    ("asked from", 20, dt.timedelta(hours=1)),
)
LONGEST_WINDOW = max(window for _name, _count, window in (*LIMITS, *REQUEST_LIMITS))

# Neither 0/O nor 1/I/L: the first password is copied from a console by hand.
_EASY_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_FIRST_ACCOUNT_LOCK = 0x4143_4301

_hasher = PasswordHasher()


class SignIn(NamedTuple):
    """Token of a new session, and whether it still owes the second factor."""

    token: str
    pending: bool


@lru_cache(maxsize=1)
def _decoy_hash() -> str:
    """Hash verified when no account fits, so that an unknown address takes as long as a known."""
    return _hasher.hash(secrets.token_urlsafe(16))


def make_password() -> str:
    """A random password of four groups of five, about 99 bits."""
    groups = ("".join(secrets.choice(_EASY_LETTERS) for _i in range(5)) for _g in range(4))
    return "-".join(groups)


def letters_of(key: bytes) -> str:
    """A password like those of :func:`make_password`, the same for the same secret ``key``."""
    digest = hashlib.sha512(key).digest()
    letters = [_EASY_LETTERS[byte % len(_EASY_LETTERS)] for byte in digest[:20]]
    return "-".join("".join(letters[n : n + 5]) for n in range(0, 20, 5))


def ensure_first_account(session: Session) -> tuple[str, str] | None:
    """Make one coordinator where no account exists yet.

    Returns its e-mail address and password, which is shown once and kept nowhere, or None when
    an account exists. Two processes that start at once make one account.
    """
    session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _FIRST_ACCOUNT_LOCK})
    if session.scalar(select(Account.id).limit(1)) is not None:
        return None
    password = make_password()
    create_account(session, FIRST_EMAIL, "coordinator", password)
    return FIRST_EMAIL, password


def create_account(
    session: Session, email: str, role: str, password: str | None, name: str = ""
) -> Account:
    """A new account; raises :class:`Invalid` for a value that cannot be used or is taken.

    Without a password nobody can sign in until an invitation is accepted.
    """
    email = email.strip().lower()
    local, at, domain = email.partition("@")
    if not (local and at and domain) or len(email) > 200 or any(c.isspace() for c in email):
        raise Invalid(_("«%(email)s» non è un indirizzo e-mail.", email=email), {"email": email})
    if role not in ROLES:
        raise Invalid(
            _("«%(role)s» non è un ruolo: %(roles)s.", role=role, roles=", ".join(ROLES)),
            {"role": role},
        )
    if session.scalar(select(Account.id).where(Account.email == email)) is not None:
        raise Invalid(_("Esiste già un accesso per %(email)s.", email=email), {"email": email})
    account = Account(
        email=email,
        role=role,
        name=" ".join(name.split())[:200],
        password_hash=None if password is None else _hashed(password),
    )
    session.add(account)
    session.flush()
    _record(session, "account.created", account, {"role": (None, role)})
    return account


def set_password(session: Session, account: Account, password: str) -> None:
    """Change the password and sign the account out everywhere."""
    account.password_hash = _hashed(password)
    sign_out_everywhere(session, account.id)
    _record(session, "account.password_set", account)
    session.flush()


def _record(
    session: Session,
    action: str,
    account: Account,
    changes: dict[str, tuple[object, object]] | None = None,
) -> None:
    subject = history.Subject("account", account.id)
    history.record(session, history.actor_of(session), action, subject, changes)


def _hashed(password: str) -> str:
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise Invalid(
            _(
                "La password deve avere da %(least)s a %(most)s caratteri.",
                least=MIN_PASSWORD_CHARS,
                most=MAX_PASSWORD_CHARS,
            ),
            {"password": ""},
        )
    return _hasher.hash(password)


def sign_in(session: Session, email: str, password: str, address: str, browser: str = "") -> SignIn:
    """Sign in with a password; where a second factor is on, the session still waits for it.

    ``address`` is the network address of the browser. Raises :class:`NotSignedIn` with the same
    sentence whatever was wrong, and :class:`TooManyAttempts`; the refused attempt is recorded in
    the session, which the caller must therefore commit also after :class:`NotSignedIn`.
    """
    email = normal_email(email)
    keys = begin_attempt(session, email, address)
    account = session.scalar(select(Account).where(Account.email == email))
    known = account.password_hash if account is not None else None
    try:
        _hasher.verify(known or _decoy_hash(), password[: MAX_PASSWORD_CHARS + 1])
        right = known is not None and account is not None and not account.disabled
    except (VerifyMismatchError, InvalidHashError):
        right = False
    if account is None or not right:
        refuse_attempt(session, keys)
        raise NotSignedIn(_("Indirizzo o password non corretti."))
    second_factor = account.totp_since is not None
    if not second_factor:
        forget_attempts(session, keys)
    if _hasher.check_needs_rehash(account.password_hash or ""):
        account.password_hash = _hasher.hash(password)
    return SignIn(open_session(session, account, browser, pending=second_factor), second_factor)


def check_password(account: Account, password: str) -> bool:
    """Whether ``password`` is the account's; for changes that ask for it again."""
    if account.password_hash is None:
        return False
    try:
        return _hasher.verify(account.password_hash, password[: MAX_PASSWORD_CHARS + 1])
    except (VerifyMismatchError, InvalidHashError):
        return False


def begin_attempt(session: Session, email: str, address: str) -> dict[str, bytes]:
    """Let one guess at a time through; raises :class:`TooManyAttempts` after too many."""
    keys = _attempt_keys(email, address)
    # Counting and recording cannot be overtaken by another guess for the same pair.
    session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _lock_key(keys["pair"])})
    _check_limits(session, keys)
    return keys


def normal_email(email: str) -> str:
    """An address as accounts keep it."""
    return email.strip().lower()[:200]


def begin_request(session: Session, email: str, address: str) -> None:
    """Count a letter that somebody asks for; raises :class:`TooManyAttempts` after too many.

    It counts whether or not there is an account, so that the limit tells nothing.
    """
    keys = {"asked for": _keyed("asked for", email), "asked from": _keyed("asked from", address)}
    session.execute(
        text("select pg_advisory_xact_lock(:key)"), {"key": _lock_key(keys["asked for"])}
    )
    _check_limits(session, keys, REQUEST_LIMITS)
    refuse_attempt(session, keys)


def refuse_attempt(session: Session, keys: dict[str, bytes]) -> None:
    """Count a wrong guess; the caller must commit it although the sign-in failed."""
    session.add_all(SignInAttempt(key_hash=key) for key in keys.values())
    session.flush()


def forget_attempts(session: Session, keys: dict[str, bytes]) -> None:
    """A sign-in succeeded: earlier typing errors from the same place no longer count."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.key_hash == keys["pair"]))


def _attempt_keys(email: str, address: str) -> dict[str, bytes]:
    """Keyed hashes: who reads the table learns neither addresses nor accounts."""
    return {
        "pair": _keyed("pair", email, address),
        "address": _keyed("address", address),
        "account": _keyed("account", email),
    }


def _keyed(*parts: str) -> bytes:
    secret = get_settings().secret().encode()
    return hmac.new(secret, "\x1f".join(parts).encode(), hashlib.sha256).digest()


def _lock_key(key: bytes) -> int:
    return int.from_bytes(key[:8], "big", signed=True)


def _check_limits(
    session: Session,
    keys: dict[str, bytes],
    limits: tuple[tuple[str, int, dt.timedelta], ...] = LIMITS,
) -> None:
    now = dt.datetime.now(dt.UTC)
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - LONGEST_WINDOW))
    for name, most, window in limits:
        count = session.scalar(
            select(func.count())
            .select_from(SignInAttempt)
            .where(SignInAttempt.key_hash == keys[name], SignInAttempt.at > now - window)
        )
        if (count or 0) >= most:
            raise TooManyAttempts(
                _(
                    "Troppi tentativi di accesso: riprovate tra %(minutes)s minuti.",
                    minutes=int(window.total_seconds() // 60),
                )
            )
