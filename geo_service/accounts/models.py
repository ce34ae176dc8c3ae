"""Tables of accounts and sessions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.db import Base, Id, Instant

ROLES = ("administrator", "coordinator", "operator", "office", "works", "committee", "delegate")


class Account(Base):
    """A person of the staff who signs in with an e-mail address and a password."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"role in {ROLES!r}", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(200), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    disabled: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[Instant]


class AccountSession(Base):
    """A signed-in browser; only the hash of its token is kept."""

    __tablename__ = "account_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[Instant]
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))

    account: Mapped[Account] = relationship()


class SignInAttempt(Base):
    """A refused sign-in, counted to slow down guessing; the address is kept only as a hash."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[Id]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    at: Mapped[Instant]
