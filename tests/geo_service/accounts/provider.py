"""An OpenID provider on loopback for tests: the pyop library behind a plain HTTP server.

It has one person, who is signed in there already and agrees to everything.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from Cryptodome.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwkest.jwk import RSAKey
from pyop.authz_state import AuthorizationState
from pyop.provider import Provider
from pyop.subject_identifier import HashBasedSubjectIdentifierFactory
from pyop.userinfo import Userinfo

CLIENT_ID, CLIENT_SECRET = "accanto", "segreto-del-client"


class OpenIdProvider:
    """A running provider; ``person`` holds the claims of who is signed in there."""

    def __init__(self, redirect_uri: str, folder: Path) -> None:
        self.person: dict[str, object] = {"email": "anna@comune.example", "email_verified": True}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.get(self)

            def do_POST(self) -> None:
                owner.post(self)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.certificate = _certificate(folder)
        encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        encrypted.load_cert_chain(self.certificate)
        self.server.socket = encrypted.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self.server.server_port}"
        self.provider = Provider(
            RSAKey(key=RSA.generate(2048), kid="k1", alg="RS256", use="sig"),
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
                "scopes_supported": ["openid", "email", "profile"],
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            AuthorizationState(HashBasedSubjectIdentifierFactory("sale")),
            {
                CLIENT_ID: {
                    "client_secret": CLIENT_SECRET,
                    "redirect_uris": [redirect_uri],
                    "response_types": ["code"],
                    "token_endpoint_auth_method": "client_secret_basic",
                    "subject_type": "public",
                }
            },
            Userinfo({"1": self.person, "2": {}}),
        )
        self.user_id = "1"

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        if parts.path == "/.well-known/openid-configuration":
            _answer(handler, self.provider.provider_configuration.to_json())
        elif parts.path == "/jwks":
            _answer(handler, json.dumps(self.provider.jwks))
        elif parts.path == "/authorize":
            asked = self.provider.parse_authentication_request(parts.query)
            agreed = self.provider.authorize(asked, self.user_id)
            handler.send_response(303)
            handler.send_header("location", agreed.request(asked["redirect_uri"]))
            handler.end_headers()
        elif parts.path == "/userinfo":
            told = self.provider.handle_userinfo_request("", dict(handler.headers.items()))
            _answer(handler, told.to_json())
        else:
            handler.send_error(404)

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"])).decode()
        try:
            granted = self.provider.handle_token_request(body, dict(handler.headers.items()))
        except Exception as refusal:  # every refusal of the library is an answer here
            _answer(
                handler,
                json.dumps({"error": "invalid_grant", "error_description": str(refusal)}),
                400,
            )
        else:
            _answer(handler, granted.to_json())


@contextmanager
def running(redirect_uri: str, folder: Path) -> Iterator[OpenIdProvider]:
    """A provider that listens on loopback until the block ends."""
    provider = OpenIdProvider(redirect_uri, folder)
    thread = threading.Thread(target=provider.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        provider.server.server_close()
        thread.join()


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "provider.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _answer(handler: BaseHTTPRequestHandler, document: str, status: int = 200) -> None:
    content = document.encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
