"""Tables of accounts: people, their roles by quarter, sessions, links and second factors."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.buildings import Quarter, Stairwell
from layers.db import Base, Id, Instant

ROLES = ("administrator", "coordinator", "operator", "office", "works", "committee", "delegate")
# What a person of the works side is there for: the firm's foreman, the client's engineer (DL), the
# safety coordinator (CSE).
FUNCTIONS = ("foreman", "dl", "cse")
Moment = DateTime(timezone=True)


class Account(Base):
    """A person who signs in: with a password, or through the Comune's own identity provider.

    ``role`` holds in every quarter unless the account has assignments; then only those hold.
    A person is forgotten by emptying ``name`` and ``email``; the row stays for the history.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"role in {ROLES!r}", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(f"function in {('', *FUNCTIONS)!r}", name="function"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(200), server_default="")
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    disabled: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[Instant]
    stairwell_id: Mapped[int | None] = mapped_column(
        ForeignKey("stairwell.id", ondelete="SET NULL"), index=True
    )
    # Works side only: what for, and of which firm; a firm's people see that firm's phases alone.
    function: Mapped[str] = mapped_column(String(20), server_default="")
    firm: Mapped[str] = mapped_column(String(200), server_default="")
    signed_in_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # The visit before: what changed since then is told on the start page.
    signed_in_before_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    oidc_issuer: Mapped[str | None] = mapped_column(String(300))
    oidc_subject: Mapped[str | None] = mapped_column(String(300))
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    totp_since: Mapped[dt.datetime | None] = mapped_column(Moment)

    assignments: Mapped[list[AccountAssignment]] = relationship(
        cascade="all, delete-orphan", order_by="AccountAssignment.quarter_id"
    )
    stairwell: Mapped[Stairwell | None] = relationship()
    sites: Mapped[list[AccountSite]] = relationship(
        cascade="all, delete-orphan", order_by="AccountSite.site_id"
    )


class AccountSite(Base):
    """A site whose phases a person of the works side may see."""

    __tablename__ = "account_site"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: Mapped[int] = mapped_column(
        ForeignKey("site.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class AccountAssignment(Base):
    """The role of an account in one quarter."""

    __tablename__ = "account_assignment"
    __table_args__ = (CheckConstraint(f"role in {ROLES!r}", name="role"),)

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    quarter_id: Mapped[int] = mapped_column(
        ForeignKey("quarter.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(20))

    quarter: Mapped[Quarter] = relationship()


class AccountSession(Base):
    """A signed-in browser; only the hash of its token is kept.

    ``pending`` is a browser that gave the right password and still owes the second factor.
    """

    __tablename__ = "account_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[Instant]
    last_seen_at: Mapped[Instant]
    expires_at: Mapped[dt.datetime] = mapped_column(Moment)
    browser: Mapped[str] = mapped_column(String(80), server_default="")
    pending: Mapped[bool] = mapped_column(server_default="false")

    account: Mapped[Account] = relationship()


class SignInAttempt(Base):
    """A refused sign-in, counted to slow down guessing; the address is kept only as a hash."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[Id]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    at: Mapped[Instant]


class RecoveryCode(Base):
    """A code that replaces the second factor once; only its keyed hash is kept."""

    __tablename__ = "recovery_code"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class AccountLink(Base):
    """A link that sets a password once: an invitation or a reset."""

    __tablename__ = "account_link"
    __table_args__ = (CheckConstraint("kind in ('invitation', 'reset')", name="kind"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[Instant]
    expires_at: Mapped[dt.datetime] = mapped_column(Moment)
    used_at: Mapped[dt.datetime | None] = mapped_column(Moment)

    account: Mapped[Account] = relationship()


class TaskLink(Base):
    """A link with which somebody outside does exactly one thing, once, without an account.

    ``who`` is the firm or function that was given the link ("impresa Rossi", "DL").
    """

    __tablename__ = "task_link"
    __table_args__ = (Index("ix_task_link_action_subject_id", "action", "subject_id"),)

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(
        ForeignKey("quarter.id", ondelete="CASCADE"), index=True
    )
    action: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(190))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_by: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[Instant]
    expires_at: Mapped[dt.datetime] = mapped_column(Moment)
    used_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class KeptForm(Base):
    """What was typed into a form whose session was over, until its author is back.

    ``content`` is sealed; only the account that had the form on its screen is shown it again.
    """

    __tablename__ = "kept_form"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    # Where the form is sent, and the page that it stands on.
    path: Mapped[str] = mapped_column(String(500))
    page: Mapped[str] = mapped_column(String(1000))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[Instant] = mapped_column(index=True)
