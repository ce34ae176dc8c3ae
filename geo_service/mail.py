"""Letters by e-mail, plain text, through the mail server that the settings name."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from geo_service.errors import AccantoError
from geo_service.i18n import gettext as _
from geo_service.settings import Settings, get_settings

TIMEOUT_S = 30
FINAL = 500


class MailRefused(AccantoError):
    """The mail server will not take the letter, now or later; somebody must mend something."""

    status = 502


def is_configured() -> bool:
    """Whether this installation sends letters."""
    return get_settings().smtp_host is not None


def send(to: str, subject: str, text: str) -> None:
    """Hand a letter to the mail server.

    Raises :class:`MailRefused` for what another attempt would not mend (sign-in, recipient) and
    ``smtplib.SMTPException`` or ``OSError`` for what may pass.
    """
    settings = get_settings()
    letter = EmailMessage()
    letter["From"] = settings.sender
    letter["To"] = to
    letter["Subject"] = subject
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2] or None)
    # So that no holiday reply comes back (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    try:
        with _server(settings) as server:
            server.send_message(letter)
    except smtplib.SMTPAuthenticationError as error:
        raise MailRefused(
            _("Il server di posta rifiuta l'accesso: controllate utente e password.")
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= FINAL for code, _reason in error.recipients.values()):
            raise MailRefused(_("Il server di posta rifiuta l'indirizzo.")) from error
        raise
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused(_("Il server di posta non offre quello che serve.")) from error


@contextmanager
def _server(settings: Settings) -> Iterator[smtplib.SMTP]:
    host, port = settings.smtp_host or "", settings.smtp_port
    trusted = ssl.create_default_context(
        cafile=str(settings.smtp_ca_file) if settings.smtp_ca_file else None
    )
    if settings.smtp_security == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=trusted)
    else:
        opened = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    with opened as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=trusted)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.mail_password())
        yield server
