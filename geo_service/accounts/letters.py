"""Letters to people of the service: invitations and links that reset a password.

They are sent by jobs. The queue holds what they need only sealed, so that who reads it learns
neither a link nor who asked for one.
"""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import jobs, mail
from geo_service.accounts import links
from geo_service.accounts.models import Account, AccountLink
from geo_service.accounts.sealed import seal, unseal
from geo_service.accounts.service import begin_request, normal_email
from geo_service.i18n import current_language, use_language
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web.pages import moment

PURPOSE = "letter"
# What waited longer in the queue is not sent any more.
STALE_S = 24 * 3600


def send_link(
    session: Session, account: Account, link: AccountLink, token: str, *, asked_by: int
) -> bool:
    """Have the link sent to its person; False where this installation sends no letters."""
    if not mail.is_configured():
        return False
    subject, text = _letter(link, token)
    sealed = _sealed(to=account.email, subject=subject, text=text)
    jobs.defer(session, mail_account_link, asked_by=asked_by, sealed=sealed)
    return True


def ask_reset(session: Session, email: str, address: str) -> None:
    """Somebody at the network ``address`` forgot the password of ``email``.

    The same is done whether or not there is such an account: a job is queued, and only its worker
    looks. Raises :class:`TooManyAttempts`.
    """
    email = normal_email(email)
    begin_request(session, email, address)
    jobs.defer(session, mail_reset, sealed=_sealed(email=email, language=current_language()))


@jobs.app.task(name="mail_account_link", retry=jobs.RETRY, queue="mail")
def mail_account_link(sealed: str) -> None:
    """Send a letter that was written when the link was made."""
    letter = _unsealed(sealed)
    if letter:
        mail.send(letter["to"], letter["subject"], letter["text"])


@jobs.app.task(name="mail_reset", retry=jobs.RETRY, queue="mail")
def mail_reset(sealed: str) -> None:
    """Make a link for who forgot the password and send it; nothing where there is no account."""
    asked = _unsealed(sealed)
    if not asked:
        return
    with Session(jobs.engine()) as session, use_language(asked["language"]):
        send_reset(session, asked["email"])
        session.commit()


def send_reset(session: Session, email: str) -> bool:
    """Send ``email`` a new link; False, and no letter, where no account may have one.

    Who signs in through the Comune's provider has no password to forget.
    """
    account = session.scalar(select(Account).where(Account.email == email))
    if account is None or account.disabled:
        return False
    if account.password_hash is None and account.oidc_subject is not None:
        return False
    token, link = links.issue(session, account)
    # Sent before the commit: a letter that could not leave must not end the links before it.
    mail.send(account.email, *_letter(link, token))
    return True


def _letter(link: AccountLink, token: str) -> tuple[str, str]:
    """Subject and text."""
    invites = link.kind == "invitation"
    subject = _("Il vostro invito ad Accanto") if invites else _("Una nuova password per Accanto")
    first = (
        _(
            "Siete invitati ad Accanto, il servizio sui cantieri del quartiere. Aprite questo "
            "indirizzo e scegliete una password:"
        )
        if invites
        else _("Per scegliere una nuova password di Accanto aprite questo indirizzo:")
    )
    lines = (
        first,
        f"{get_settings().base_url}/invito/{token}",
        _("Vale una volta sola, fino a %(when)s.", when=moment(link.expires_at)),
        _("Se non ve lo aspettavate, non fate niente: senza l'indirizzo non cambia nulla."),
        get_settings().laboratory,
    )
    return subject, "\n\n".join(lines) + "\n"


def _sealed(**content: str) -> str:
    return seal(PURPOSE, json.dumps(content).encode()).decode()


def _unsealed(sealed: str) -> dict[str, str] | None:
    content = unseal(PURPOSE, sealed.encode(), STALE_S)
    return None if content is None else json.loads(content)
