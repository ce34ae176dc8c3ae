"""Letters for who forgot the password or is invited, through a real mail server on this machine."""

from __future__ import annotations

import datetime as dt
import email
import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from geo_service import jobs, mail
from geo_service.accounts.models import AccountLink
from geo_service.accounts.service import create_account
from geo_service.app import create_app
from geo_service.database import make_engine
from geo_service.settings import SettingsError, get_settings
from tests.geo_service.conftest import PASSWORD, csrf_of, sign_in

KNOWN = "anna@example.org"
LINK = re.compile(r"/invito/([\w-]{43})")


class Postbox:
    """What the mail server took; ``refuse`` is what it says instead, to so many letters."""

    def __init__(self) -> None:
        self.letters: list[email.message.Message] = []
        self.refuse: list[str] = []

    async def handle_RCPT(self, server, session, envelope: Envelope, address, options):  # type: ignore[no-untyped-def]
        if self.refuse:
            return self.refuse.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope: Envelope):  # type: ignore[no-untyped-def]
        self.letters.append(email.message_from_bytes(envelope.content))  # type: ignore[arg-type]
        return "250 OK"

    def text(self) -> str:
        payload = self.letters[-1].get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def served(box: Postbox, **more: object) -> Controller:
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **more)
    controller.start()
    return controller


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    """A mail server, and the settings that name it."""
    box = Postbox()
    controller = served(box)
    set_mail(monkeypatch, controller.port, security="none")
    yield box
    controller.stop()
    get_settings.cache_clear()


def set_mail(monkeypatch: pytest.MonkeyPatch, port: int, **more: str) -> None:
    values = {"host": "127.0.0.1", "port": str(port), **more}
    for name, value in values.items():
        monkeypatch.setenv(f"ACCANTO_SMTP_{name.upper()}", value)
    monkeypatch.setenv("ACCANTO_MAIL_FROM", "accanto@comune.example")
    get_settings.cache_clear()


@pytest.fixture
def own_engine(fresh_database: Callable) -> Iterator[Engine]:  # type: ignore[type-arg]
    """A database of its own: a worker on another connection must see what was committed."""
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine) as session:
            create_account(session, KNOWN, "operator", PASSWORD, "Anna")
            create_account(session, "capo@example.org", "coordinator", PASSWORD)
            create_account(session, "via@example.org", "operator", PASSWORD).disabled = True
            create_account(session, "spid@example.org", "operator", None).oidc_subject = "x"
            session.commit()
        yield engine
        engine.dispose()


@pytest.fixture
def browser(own_engine: Engine) -> TestClient:
    """An anonymous browser on that database."""
    return TestClient(
        create_app(own_engine), follow_redirects=False, headers={"accept-language": "it"}
    )


def ask(browser: TestClient, address: str):  # type: ignore[no-untyped-def]
    token = csrf_of(browser.get("/accedi/dimenticata").text)
    return browser.post("/accedi/dimenticata", data={"csrf": token, "email": address})


def test_who_forgot_the_password_gets_a_link_by_mail(
    browser: TestClient, own_engine: Engine, postbox: Postbox
) -> None:
    assert ask(browser, f" {KNOWN.upper()} ").status_code == 200
    assert postbox.letters == [], "the worker sends, not the page"
    jobs.run_worker(own_engine, wait=False)
    letter = postbox.letters[0]
    assert (letter["To"], letter["From"]) == (KNOWN, "accanto@comune.example")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "Per scegliere una nuova password" in postbox.text()
    token = LINK.search(postbox.text()).group(1)  # type: ignore[union-attr]
    page = browser.get(f"/invito/{token}")
    new = {"csrf": csrf_of(page.text), "password": "quattro parole a caso"}
    assert browser.post(f"/invito/{token}", data=new).status_code == 303
    assert browser.get(f"/invito/{token}").status_code == 404, "it works once"
    other = TestClient(browser.app, follow_redirects=False)
    assert sign_in(other, KNOWN, "quattro parole a caso").status_code == 303
    with Session(own_engine) as session:
        kept = session.scalars(select(AccountLink)).one()
        assert kept.token_hash != token.encode()
        assert kept.expires_at - kept.created_at <= dt.timedelta(hours=24, seconds=5)


@pytest.mark.parametrize("address", ["nessuno@example.org", "via@example.org", "spid@example.org"])
def test_the_answer_is_the_same_for_everybody(
    address: str, browser: TestClient, own_engine: Engine, postbox: Postbox
) -> None:
    def shown(page: str) -> str:
        return re.sub(r"nonce(-|=\")[\w-]+", "", page.split("<main", 1)[1].split("</main>")[0])

    assert shown(ask(browser, address).text) == shown(ask(browser, KNOWN).text)
    jobs.run_worker(own_engine, wait=False)
    assert [letter["To"] for letter in postbox.letters] == [KNOWN]


def test_the_queue_tells_neither_links_nor_who_asked(
    browser: TestClient, own_engine: Engine, postbox: Postbox
) -> None:
    ask(browser, KNOWN)
    with own_engine.connect() as connection:
        waiting = connection.execute(text("select args::text from procrastinate_jobs")).scalars()
        assert all(KNOWN not in args for args in waiting)


def test_asking_too_often_is_refused_alike(browser: TestClient, postbox: Postbox) -> None:
    for address in (KNOWN, "nessuno@example.org"):
        assert [ask(browser, address).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert ask(browser, "niente").status_code == 422


def test_what_may_pass_is_tried_again_and_a_refusal_is_not(
    browser: TestClient, own_engine: Engine, postbox: Postbox
) -> None:
    postbox.refuse = ["451 later"]
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail.send(KNOWN, "x", "y")
    postbox.refuse = ["550 unknown"]
    with pytest.raises(mail.MailRefused, match="rifiuta l'indirizzo"):
        mail.send(KNOWN, "x", "y")
    ask(browser, KNOWN)
    postbox.refuse = ["451 later"]
    jobs.run_worker(own_engine, wait=False)
    with Session(own_engine) as session:
        assert session.scalars(select(AccountLink)).all() == [], "no letter, no link"
        state = session.scalar(text("select status::text from procrastinate_jobs"))
    assert state == "todo"


def test_an_invitation_goes_by_mail_too(
    browser: TestClient, own_engine: Engine, postbox: Postbox
) -> None:
    sign_in(browser, "capo@example.org")
    token = csrf_of(browser.get("/persone").text)
    fields = {"csrf": token, "email": "nuova@example.org", "ruolo": "operator", "nome": "Nuova"}
    page = browser.post("/persone", data=fields).text
    assert "parte anche per posta, a nuova@example.org" in page
    jobs.run_worker(own_engine, wait=False)
    assert LINK.search(postbox.text()).group(0) in page, "the same link as the one to copy"  # type: ignore[union-attr]
    assert postbox.letters[0]["Subject"] == "Il vostro invito ad Accanto"


def test_without_a_mail_server_the_page_says_whom_to_ask(anonymous: TestClient) -> None:
    page = anonymous.get("/accedi/dimenticata")
    assert "Questo servizio non manda posta" in page.text
    assert 'action="/accedi/dimenticata"' not in page.text


def test_tls_and_password_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own, context = _certificate(tmp_path)
    seen = []

    def check(server, session, envelope, mechanism, data: LoginPassword) -> AuthResult:  # type: ignore[no-untyped-def]
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"segreto", handled=False)

    box = Postbox()
    controller = served(
        box, tls_context=context, require_starttls=True, authenticator=check, auth_required=True
    )
    secret = tmp_path / "password"
    secret.write_text("segreto\n")
    given = {"security": "starttls", "user": "accanto", "password_file": str(secret)}
    try:
        set_mail(monkeypatch, controller.port, **given)
        with pytest.raises(ssl.SSLCertVerificationError):
            mail.send(KNOWN, "Prova", "nessuno garantisce per questo server")
        set_mail(monkeypatch, controller.port, **given, ca_file=str(own))
        mail.send(KNOWN, "Perché no", "è così")
        assert seen == [(b"accanto", b"segreto")]
        assert box.text().strip() == "è così"
        secret.write_text("sbagliata")
        with pytest.raises(mail.MailRefused, match="utente e password"):
            mail.send(KNOWN, "Prova", "x")
    finally:
        controller.stop()
        get_settings.cache_clear()


def test_half_a_mail_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCANTO_SMTP_HOST", "mail.example")
    monkeypatch.delenv("ACCANTO_MAIL_FROM", raising=False)
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match="ACCANTO_MAIL_FROM"):
        get_settings()
    set_mail(monkeypatch, 25, host="mail.example", security="none", user="x")
    with pytest.raises(SettingsError, match="ACCANTO_SMTP_SECURITY"):
        get_settings()
    get_settings.cache_clear()


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, secret)
    return certificate, context
