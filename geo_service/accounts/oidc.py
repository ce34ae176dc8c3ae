"""Signing in through an identity provider by OpenID Connect, set up by configuration.

The authorization code flow with PKCE (RFC 7636), state and nonce. Whoever comes must have been
invited: an identity is tied to an account the first time by its verified address, and from then
on by issuer and subject only.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.accounts.models import Account
from geo_service.accounts.service import normal_email
from geo_service.errors import NotFound, NotSignedIn, ServiceUnavailable
from geo_service.i18n import gettext as _
from geo_service.settings import Settings, get_settings

TIMEOUT_S = 10
METADATA_LIFETIME_S = 3600
# A provider that answers with more than this is no provider.
MAX_ANSWER_BYTES = 1_000_000
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
CLOCK_LEEWAY_S = 60
SCOPE = "openid email profile"
CALLBACK = "/accedi/oidc/ritorno"

_known: dict[str, tuple[float, dict[str, Any]]] = {}


@dataclass(frozen=True, slots=True)
class Journey:
    """What the browser carries from the start of a sign-in to its return."""

    state: str
    nonce: str
    verifier: str
    after: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says has come."""

    issuer: str
    subject: str
    email: str
    email_verified: bool


def is_configured() -> bool:
    """Whether this installation names an identity provider."""
    settings = get_settings()
    return bool(settings.oidc_issuer and settings.oidc_client_id)


def start(after: str) -> tuple[str, Journey]:
    """Address of the provider's own sign-in page, and what the browser must bring back."""
    settings = _settings()
    journey = Journey(
        secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), after
    )
    client = _client(settings)
    address, _state = client.create_authorization_url(
        _metadata(settings)["authorization_endpoint"],
        state=journey.state,
        nonce=journey.nonce,
        code_verifier=journey.verifier,
    )
    return address, journey


def finish(journey: Journey, code: str) -> Identity:
    """Exchange the code for an identity token and check it.

    Raises :class:`NotSignedIn` for a code or token that does not hold, and
    :class:`ServiceUnavailable` when the provider does not answer.
    """
    settings = _settings()
    metadata = _metadata(settings)
    client = _client(settings)
    try:
        token = client.fetch_token(
            metadata["token_endpoint"],
            code=code,
            code_verifier=journey.verifier,
            timeout=TIMEOUT_S,
        )
    except requests.RequestException as error:
        raise _silent() from error
    except AuthlibBaseError as error:
        raise _refused() from error
    raw = token.get("id_token")
    if not isinstance(raw, str):
        raise _refused()
    identity = _identity(settings, metadata, raw, journey.nonce)
    if identity.email or "userinfo_endpoint" not in metadata:
        return identity
    return _with_address(identity, client, str(metadata["userinfo_endpoint"]))


def account_for(session: Session, identity: Identity) -> Account:
    """The account of an identity. Raises :class:`NotSignedIn` for who was not invited."""
    account = session.scalar(
        select(Account).where(
            Account.oidc_issuer == identity.issuer, Account.oidc_subject == identity.subject
        )
    )
    if account is None and identity.email and identity.email_verified:
        account = session.scalar(
            select(Account).where(Account.email == normal_email(identity.email)).with_for_update()
        )
        if account is not None and account.oidc_subject is not None:
            # The address now belongs to another identity: the person is not the one we know.
            account = None
        elif account is not None and not account.disabled:
            account.oidc_issuer, account.oidc_subject = identity.issuer, identity.subject
            actor = history.Actor("account", account.id)
            subject = history.Subject("account", account.id)
            history.record(session, actor, "account.identity_tied", subject)
    if account is None or account.disabled:
        raise NotSignedIn(
            _("L'identità è giusta, ma non ha un accesso qui: chiedete un invito al laboratorio.")
        )
    return account


def _settings() -> Settings:
    if not is_configured():
        raise NotFound(_("Questo modo di entrare non è attivo qui."))
    return get_settings()


def _client(settings: Settings) -> OAuth2Session:
    secret = settings.oidc_client_secret
    return OAuth2Session(
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        scope=SCOPE,
        redirect_uri=settings.base_url + CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
    )


def _metadata(settings: Settings) -> dict[str, Any]:
    """The provider's description of itself (OpenID Connect Discovery 1.0 section 4)."""
    issuer = str(settings.oidc_issuer)
    kept = _known.get(issuer)
    if kept is not None and time.monotonic() - kept[0] < METADATA_LIFETIME_S:
        return kept[1]
    metadata = _fetched(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if metadata.get("issuer") != issuer:
        raise ServiceUnavailable(
            f"The identity provider calls itself {metadata.get('issuer')!r}, not {issuer!r}: "
            "write ACCANTO_OIDC_ISSUER exactly as the provider does."
        )
    for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _check_address(str(metadata.get(endpoint, "")))
    _known[issuer] = (time.monotonic(), metadata)
    return metadata


def _identity(settings: Settings, metadata: dict[str, Any], raw: str, nonce: str) -> Identity:
    """Claims of an identity token after the checks of OpenID Connect Core 1.0 section 3.1.3.7."""
    try:
        keys = KeySet.import_key_set(_fetched(metadata["jwks_uri"]))  # type: ignore[arg-type]
        claims = jwt.decode(raw, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=CLOCK_LEEWAY_S,
            iss={"essential": True, "value": settings.oidc_issuer},
            sub={"essential": True},
            aud={"essential": True, "value": settings.oidc_client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, KeyError) as error:
        raise _refused() from error
    audience = claims["aud"]
    names_others = isinstance(audience, list) and len(audience) > 1
    # Another service's token that also names us is not a sign-in here.
    if names_others and claims.get("azp") != settings.oidc_client_id:
        raise _refused()
    return Identity(
        str(claims["iss"]),
        str(claims["sub"]),
        str(claims.get("email", "")),
        claims.get("email_verified") is True,
    )


def _with_address(identity: Identity, client: OAuth2Session, endpoint: str) -> Identity:
    """The identity with the address that the provider tells at its own endpoint (section 5.3)."""
    _check_address(endpoint)
    try:
        answer = client.get(endpoint, timeout=TIMEOUT_S, allow_redirects=False)
        answer.raise_for_status()
        told = answer.json()
    except (requests.RequestException, AuthlibBaseError, ValueError) as error:
        raise _silent() from error
    if not isinstance(told, dict) or told.get("sub") != identity.subject:
        raise _refused()
    verified = told.get("email_verified") is True
    return replace(identity, email=str(told.get("email", "")), email_verified=verified)


def _fetched(address: str) -> dict[str, Any]:
    try:
        _check_address(address)
        with requests.get(address, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
            answer.raise_for_status()
            content = answer.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
        if len(content) > MAX_ANSWER_BYTES:
            raise ValueError("too long")
        document = requests.compat.json.loads(content)
    except (requests.RequestException, ValueError, OSError) as error:
        raise _silent() from error
    if not isinstance(document, dict):
        raise _silent()
    return document


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ServiceUnavailable(f"The identity provider names {address!r}, which is not https.")


def _silent() -> ServiceUnavailable:
    return ServiceUnavailable(
        _("Il servizio d'identità non risponde: riprovate tra poco o entrate con la password.")
    )


def _refused() -> NotSignedIn:
    return NotSignedIn(_("L'accesso non è riuscito: ricominciate dalla pagina di accesso."))
