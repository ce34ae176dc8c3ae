"""Codes by time against the published values of RFC 6238 appendix B and RFC 4226 appendix D."""

from __future__ import annotations

import pytest

from geo_service.accounts import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("instant_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_published_codes_by_time(instant_s: int, code: str) -> None:
    assert totp.code_at(SECRET, totp.step_at(instant_s), digits=8) == code


@pytest.mark.parametrize(("counter", "code"), [(0, "755224"), (1, "287082"), (9, "520489")])
def test_published_codes_by_counter(counter: int, code: str) -> None:
    assert totp.code_at(SECRET, counter) == code


def test_a_clock_may_be_half_a_minute_off_and_no_more() -> None:
    now = 1000
    for step, taken in ((998, None), (999, 999), (1000, 1000), (1001, 1001), (1002, None)):
        assert totp.accepted_step(SECRET, totp.code_at(SECRET, step), None, now) == taken


def test_a_code_works_once() -> None:
    code = totp.code_at(SECRET, 1000)
    assert totp.accepted_step(SECRET, code, 999, 1000) == 1000
    assert totp.accepted_step(SECRET, code, 1000, 1000) is None


@pytest.mark.parametrize("typed", ["", "abcdef", "٠١٢٣٤٥", "12345", "1234567"])
def test_what_is_no_code(typed: str) -> None:
    assert totp.accepted_step(SECRET, typed, None, 1000) is None


def test_the_address_of_the_qr_code() -> None:
    uri = totp.enrolment_uri(SECRET, "anna@example.org", "Accanto")
    assert uri == (
        "otpauth://totp/Accanto%3Aanna%40example.org"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Accanto"
    )
