"""One-time codes by time (TOTP, RFC 6238) with SHA-1, six digits and steps of thirty seconds.

These are the values that every authenticator application takes without asking.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
# A telephone's clock may be half a minute off in either direction.
DRIFT_STEPS = 1


def new_secret() -> bytes:
    """A random secret of 160 bits, the length of the hash (RFC 4226 section 4)."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step: HOTP of RFC 4226 section 5.3 with the step as its counter."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(instant_s: float | None = None) -> int:
    """The time step of an instant in seconds since 1970, of now without one."""
    return int((time.time() if instant_s is None else instant_s) // STEP_S)


def accepted_step(
    secret: bytes, code: str, last_step: int | None, now_step: int | None = None
) -> int | None:
    """The step whose code was typed, or None.

    A step up to ``last_step`` was used already and is refused, as RFC 6238 section 5.2 asks.
    """
    typed = "".join(code.split())
    now = step_at() if now_step is None else now_step
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        # All are compared, so that the time taken tells nothing.
        same = hmac.compare_digest(code_at(secret, step).encode(), typed.encode())
        if same and (last_step is None or step > last_step):
            found = step
    return found


def base32(secret: bytes) -> str:
    """The secret as people type it into an application that cannot read the QR code."""
    return base64.b32encode(secret).decode().rstrip("=")


def enrolment_uri(secret: bytes, account: str, issuer: str) -> str:
    """The ``otpauth`` address that the QR code holds."""
    label = quote(f"{issuer}:{account}")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={quote(issuer)}"
