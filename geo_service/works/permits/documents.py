"""Documents of a permit: which stored file belongs to it, under which name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from geo_service import history, i18n
from geo_service.errors import Invalid, NotFound
from geo_service.files.store import StoredFile, store_document
from geo_service.i18n import gettext as _
from layers.db import Base, Id, Instant
from layers.sites import Permit

MOST_DOCUMENTS = 30


class PermitFile(Base):
    """A stored document that belongs to a permit."""

    __tablename__ = "permit_file"
    __table_args__ = (UniqueConstraint("permit_id", "sha256"),)

    id: Mapped[Id]
    permit_id: Mapped[int] = mapped_column(ForeignKey("permit.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[Instant]


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a list shows it."""

    id: int
    name: str
    file: StoredFile
    attached: PermitFile

    @property
    def size(self) -> str:
        """Size in words: "340 kB", "2,1 MB"."""
        if self.file.size < 1_000_000:
            return f"{i18n.number(max(1, self.file.size / 1000))} kB"
        return f"{i18n.number(self.file.size / 1_000_000, 1)} MB"


def documents_of(session: Session, permit_ids: Collection[int]) -> dict[int, list[Document]]:
    """Documents of permits, the oldest first."""
    rows = session.execute(
        select(PermitFile, StoredFile)
        .join(StoredFile, StoredFile.sha256 == PermitFile.sha256)
        .where(PermitFile.permit_id.in_(permit_ids))
        .order_by(PermitFile.id)
    )
    found: dict[int, list[Document]] = defaultdict(list)
    for attached, stored in rows:
        found[attached.permit_id].append(Document(attached.id, attached.name, stored, attached))
    return found


def document(session: Session, permit_id: int, document_id: int) -> Document:
    """One document of a permit. Raises :class:`NotFound`, also for another permit's."""
    for one in documents_of(session, [permit_id]).get(permit_id, []):
        if one.id == document_id:
            return one
    raise NotFound(_("Questo documento non c'è, o non c'è più."))


def attach(
    session: Session, permit: Permit, file: BinaryIO, name: str | None, *, account_id: int | None
) -> PermitFile:
    """Keep ``file`` and attach it to ``permit``; the same document twice is attached once.

    Raises :class:`Invalid` for a file that is no document, and beyond :data:`MOST_DOCUMENTS`.
    """
    stored, safe = store_document(session, file, name, uploaded_by=account_id)
    there = documents_of(session, [permit.id]).get(permit.id, [])
    for one in there:
        if one.file.sha256 == stored.sha256:
            return one.attached
    if len(there) >= MOST_DOCUMENTS:
        raise Invalid(
            _("Ci sono già %(most)s documenti: toglietene uno, o uniteli.", most=MOST_DOCUMENTS)
        )
    attached = PermitFile(permit_id=permit.id, sha256=stored.sha256, name=safe)
    session.add(attached)
    session.flush()
    _tell(session, permit, "permit.file_added", {"file": (None, safe)})
    return attached


def detach(session: Session, permit: Permit, document_id: int) -> None:
    """Take a document off ``permit``; nothing leads to it any more."""
    found = document(session, permit.id, document_id)
    session.delete(found.attached)
    session.flush()
    _tell(session, permit, "permit.file_removed", {"file": (found.name, None)})


def _tell(
    session: Session, permit: Permit, action: str, changes: dict[str, tuple[str | None, str | None]]
) -> None:
    subject = history.Subject("permit", permit.id, permit.site.quarter_id)
    history.record(session, history.actor_of(session), action, subject, changes)
