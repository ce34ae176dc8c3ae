"""The second factor of an account: its enrolment, its check at sign-in, its recovery codes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.accounts import service, totp
from geo_service.accounts.models import Account, RecoveryCode
from geo_service.accounts.sealed import key, seal, unseal
from geo_service.accounts.sessions import account_of, open_session, sign_out
from geo_service.errors import Invalid, NotSignedIn
from geo_service.i18n import gettext as _

RECOVERY_CODES = 10
ISSUER = "Accanto"
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def begin(session: Session, account: Account) -> str:
    """Give the account a new secret, not yet in use; returns the address for the QR code.

    Raises :class:`Invalid` where a second factor is on: it is turned off first.
    """
    _check_off(account)
    secret = totp.new_secret()
    account.totp_secret = seal("totp", secret)
    account.totp_last_step = None
    session.flush()
    return totp.enrolment_uri(secret, account.email, ISSUER)


def secret_of(account: Account) -> bytes | None:
    """The secret of an account; None where none was made.

    Raises :class:`Invalid` when it was written with another secret key of the installation.
    """
    if account.totp_secret is None:
        return None
    secret = unseal("totp", account.totp_secret)
    if secret is None:
        raise Invalid(
            _(
                "Il secondo fattore è illeggibile: la chiave del servizio è cambiata. "
                "Chi coordina può toglierlo dalla pagina Persone."
            )
        )
    return secret


def confirm(session: Session, account: Account, code: str) -> list[str]:
    """Turn the second factor on with a first code; returns the recovery codes, shown once.

    Raises :class:`Invalid` for a wrong code, and where it is on already: else whoever found an
    open browser could guess codes without end and take new recovery codes away.
    """
    _check_off(account)
    if not _takes_code(account, code):
        raise Invalid(_("Il codice non è quello giusto: riprovate con quello che vedete ora."))
    account.totp_since = dt.datetime.now(dt.UTC)
    codes = ["-".join(_letters(5) for _half in range(2)) for _n in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    session.add_all(RecoveryCode(account_id=account.id, code_hash=_code_hash(c)) for c in codes)
    _record(session, account, "account.second_factor_on")
    return codes


def pending_uri(account: Account) -> str | None:
    """Address for the QR code of a secret that waits for its first code; None without one."""
    if account.totp_since is not None:
        return None
    secret = secret_of(account)
    return None if secret is None else totp.enrolment_uri(secret, account.email, ISSUER)


def remove(session: Session, account: Account) -> None:
    """Turn the second factor off."""
    account.totp_secret = account.totp_last_step = account.totp_since = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    _record(session, account, "account.second_factor_off")


def complete(session: Session, token: str, code: str, address: str, browser: str = "") -> str:
    """Finish a sign-in that waits for its second factor; returns the token of the full session.

    Takes a code of the telephone or, once each, a recovery code. Raises :class:`NotSignedIn` and
    :class:`TooManyAttempts` as the password does; the wrong code must be committed likewise.
    """
    account = account_of(session, token, pending=True)
    if account is None:
        raise NotSignedIn(_("Il tempo per il codice è finito: entrate di nuovo con la password."))
    session.refresh(account, with_for_update=True)
    keys = service.begin_attempt(session, account.email, address)
    if not (_takes_code(account, code) or _takes_recovery_code(session, account, code)):
        service.refuse_attempt(session, keys)
        raise NotSignedIn(_("Il codice non è quello giusto: riprovate con quello che vedete ora."))
    service.forget_attempts(session, keys)
    sign_out(session, token)
    return open_session(session, account, browser)


def _check_off(account: Account) -> None:
    if account.totp_since is not None:
        raise Invalid(_("Il secondo fattore è già attivo: prima toglietelo."))


def _takes_code(account: Account, code: str) -> bool:
    secret = secret_of(account)
    if secret is None:
        return False
    step = totp.accepted_step(secret, code, account.totp_last_step)
    if step is None:
        return False
    account.totp_last_step = step
    return True


def _takes_recovery_code(session: Session, account: Account, code: str) -> bool:
    taken = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account.id,
            RecoveryCode.code_hash == _code_hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=dt.datetime.now(dt.UTC))
    )
    if taken.rowcount:
        _record(session, account, "account.recovery_code_used")
    return bool(taken.rowcount)


def _record(session: Session, account: Account, action: str) -> None:
    actor = history.actor_of(session)
    if actor == history.COMMAND:
        # At sign-in nobody is signed in yet: it is the account itself.
        actor = history.Actor("account", account.id)
    history.record(session, actor, action, history.Subject("account", account.id))
    session.flush()


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _n in range(count))


def _code_hash(code: str) -> bytes:
    plain = "".join(c for c in code.lower() if c.isalnum())
    return hmac.new(key("recovery"), plain.encode(), hashlib.sha256).digest()
