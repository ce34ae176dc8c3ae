"""Forms that a browser may send twice: each is done once.

The page gives every form a key of its own. What was sent is recognised by account, key and
content together, so that a form changed after going back is never taken for the first one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import ForeignKey, LargeBinary, String, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, Instant


class DoneForm(Base):
    """A form that was carried out, and the address that its sender was led to."""

    __tablename__ = "done_form"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    address: Mapped[str] = mapped_column(String(300), server_default="")
    done_at: Mapped[Instant]


def key_of(account_id: int, path: str, items: Iterable[tuple[str, str]]) -> bytes:
    """Hash by which a submitted form is recognised; ``items`` holds its key and its content."""
    digest = hashlib.sha256(f"{account_id}\x1f{path}".encode())
    for name, value in sorted(items):
        digest.update(f"\x1e{name}\x1f{value}".encode())
    return digest.digest()


def done(session: Session, key: bytes) -> str:
    """Address that the form led to when it was carried out before; empty when it was not."""
    found = session.get(DoneForm, key)
    return "" if found is None else found.address


def begin(session: Session, key: bytes, account_id: int) -> str | None:
    """None when the form is new; else the address that its first sending led to.

    A second sending at the same instant waits here for the end of the first.
    """
    made = session.execute(
        insert(DoneForm)
        .values(key_hash=key, account_id=account_id)
        .on_conflict_do_nothing()
        .returning(DoneForm.key_hash)
    ).scalar()
    if made is not None:
        return None
    found = session.get(DoneForm, key)
    return found.address if found is not None else ""


def end(session: Session, key: bytes, address: str) -> None:
    """Note where the sender of the form was led."""
    session.execute(update(DoneForm).where(DoneForm.key_hash == key).values(address=address))
