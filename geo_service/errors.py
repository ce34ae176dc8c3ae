"""Errors of the service, each with its HTTP status and a sentence for the person."""

from __future__ import annotations


class AccantoError(Exception):
    """Base of the service's errors; the message is shown to people."""

    status = 500


class ServiceUnavailable(AccantoError):
    """Something outside the program is missing or does not answer."""

    status = 503


class NotFound(AccantoError):
    """What was asked for does not exist or is not for this person to know."""

    status = 404


class NotSignedIn(AccantoError):
    """The page needs an account."""

    status = 401


class Forbidden(AccantoError):
    """The account may not do this."""

    status = 403


class StaleForm(Forbidden):
    """The form was shown in a session that is over, or in another browser."""


class TooManyAttempts(AccantoError):
    """Signing in failed too often; the message says when to try again."""

    status = 429


class Conflict(AccantoError):
    """Somebody else changed the same thing meanwhile; nothing was written."""

    status = 409


class Invalid(AccantoError):
    """What was typed cannot be used; ``fields`` says what is wrong beside each field."""

    status = 422

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}
