"""Small things kept unreadable and unforgeable with the installation's secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from geo_service.settings import get_settings


def key(purpose: str) -> bytes:
    """A key of 256 bits of its own for each purpose."""
    return hmac.new(
        get_settings().secret().encode(), f"accanto {purpose}".encode(), hashlib.sha256
    ).digest()


def seal(purpose: str, content: bytes) -> bytes:
    """``content`` encrypted and signed."""
    return _cipher(purpose).encrypt(content)


def unseal(purpose: str, sealed: bytes, lifetime_s: int | None = None) -> bytes | None:
    """What was sealed; None when it was forged, sealed with another key, or is too old."""
    try:
        return _cipher(purpose).decrypt(sealed, ttl=lifetime_s)
    except InvalidToken:
        return None


def _cipher(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key(purpose)))
