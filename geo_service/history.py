"""History (*cronologia*): who changed what, when, from what to what; it only grows.

A row keeps facts and references. Names, addresses and telephone numbers are never written here:
who acted and what was touched are numbers that lead to rows which can be emptied, so that a person
can be forgotten while the history stays whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from geo_service.errors import Invalid
from layers.db import Base, Id, Instant

ACTORS = ("account", "task_link", "command")
# Subjects that are no people: their names may be told. Of any other subject the fields below are
# kept without their values.
IMPERSONAL = frozenset({"quarter", "building", "site", "phase", "permit", "import", "task_link"})
PERSONAL = frozenset({"name", "email", "phone", "address", "contact", "surname", "note"})
HIDDEN = "…"
LONGEST_VALUE = 500
_ACTOR = "actor"


class HistoryEntry(Base):
    """One change; the database refuses to change or delete it.

    There are no foreign keys: the entry outlives what it speaks of.
    """

    __tablename__ = "history"
    __table_args__ = (
        CheckConstraint(f"actor in {ACTORS!r}", name="actor"),
        Index("ix_history_quarter_id_id", "quarter_id", "id"),
        Index("ix_history_subject_subject_id", "subject", "subject_id", "id"),
        Index("ix_history_actor_actor_id", "actor", "actor_id", "id"),
        Index("ix_history_at", "at"),
    )

    id: Mapped[Id]
    at: Mapped[Instant]
    actor: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    quarter_id: Mapped[int | None] = mapped_column(BigInteger)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in account, a one-task link, or a command."""

    kind: str = "command"
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What was touched: a kind ("site", "phase", "account"), its number and its quarter."""

    kind: str
    id: int | None = None
    quarter_id: int | None = None


COMMAND = Actor("command")


def act_as(session: Session, actor: Actor) -> None:
    """Everything that ``session`` records from now on was done by ``actor``."""
    session.info[_ACTOR] = actor


def actor_of(session: Session) -> Actor:
    """Who acts in ``session``: set by :func:`act_as`, a command otherwise."""
    actor: Actor = session.info.get(_ACTOR, COMMAND)
    return actor


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: Subject,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
) -> HistoryEntry:
    """Write down one change in the transaction of the change itself.

    ``changes`` is field → (from, to) with plain values; a field that names a person is kept
    without its values. Raises :class:`Invalid` for an actor that does not exist.
    """
    if actor.kind not in ACTORS:
        raise Invalid(f"{actor.kind!r} cannot act; known: {', '.join(ACTORS)}.")
    entry = HistoryEntry(
        actor=actor.kind,
        actor_id=actor.id,
        action=action,
        subject=subject.kind,
        subject_id=subject.id,
        quarter_id=subject.quarter_id,
        changes={
            field: _kept(subject.kind, field, *pair) for field, pair in (changes or {}).items()
        },
    )
    session.add(entry)
    session.flush()
    return entry


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields whose values differ, as (from, to); a field that one side lacks counts as None."""
    fields = [*before, *(field for field in after if field not in before)]
    return {
        field: (before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries to read; None and empty mean all. Days are local and inclusive."""

    quarter_ids: frozenset[int] | None = None
    of_no_quarter: bool = True
    account_id: int | None = None
    action: str = ""
    subject: str = ""
    subject_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    before_id: int | None = None


def entries(session: Session, wanted: Filter, limit: int = 50) -> list[HistoryEntry]:
    """At most ``limit`` entries, newest first; ``before_id`` continues a former page.

    With ``of_no_quarter`` what belongs to no quarter (accounts) is read beside the quarters.
    """
    query = select(HistoryEntry).order_by(HistoryEntry.id.desc()).limit(limit)
    if wanted.quarter_ids is not None:
        inside = HistoryEntry.quarter_id.in_(wanted.quarter_ids)
        if wanted.of_no_quarter:
            inside = inside | HistoryEntry.quarter_id.is_(None)
        query = query.where(inside)
    if wanted.account_id is not None:
        query = query.where(
            HistoryEntry.actor == "account", HistoryEntry.actor_id == wanted.account_id
        )
    if wanted.action:
        query = query.where(HistoryEntry.action == wanted.action)
    if wanted.subject:
        query = query.where(HistoryEntry.subject == wanted.subject)
    if wanted.subject_id is not None:
        query = query.where(HistoryEntry.subject_id == wanted.subject_id)
    if wanted.since is not None:
        query = query.where(HistoryEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(HistoryEntry.at < wanted.until)
    if wanted.before_id is not None:
        query = query.where(HistoryEntry.id < wanted.before_id)
    return list(session.scalars(query))


def _kept(subject: str, field: str, before: Any, after: Any) -> list[Any]:
    if subject not in IMPERSONAL and field in PERSONAL:
        return [HIDDEN if before else None, HIDDEN if after else None]
    return [_plain(before), _plain(after)]


def _plain(value: Any) -> Any:
    """``value`` as JSON keeps it: days and times as ISO text, long texts cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + HIDDEN
