"""Documents kept by their content: the same file twice is stored once.

A document lies under the folder of the settings by the SHA-256 of its bytes; its row tells size,
media type, the name it first came under, who brought it and when. Nothing here is served to
anybody: a domain that attaches documents has a guarded route of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from sqlalchemy import BigInteger, CheckConstraint, Connection, String, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from starlette.responses import FileResponse

from geo_service.errors import Invalid, ServiceUnavailable
from geo_service.files.kinds import ACCEPTED_WORDS, kind_of, safe_name
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from layers.db import Base, Instant

CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class StoredFile(Base):
    """A stored document. Without a foreign key: it outlives the account that brought it."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("size > 0", name="size"),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(120))
    original_name: Mapped[str] = mapped_column(String(200))
    uploaded_by: Mapped[int | None] = mapped_column(BigInteger)
    uploaded_at: Mapped[Instant]


def folder() -> Path:
    """The folder of all stored documents; a backup takes it along with the database."""
    return get_settings().files_folder


def path_of(sha256: str) -> Path:
    """Where the document with this SHA-256 lies. Raises :class:`ValueError` for anything else."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal figures")
    return folder() / sha256[:2] / sha256[2:]


def store_document(
    session: Session, file: BinaryIO, name: str | None, *, uploaded_by: int | None
) -> tuple[StoredFile, str]:
    """Keep the document in ``file`` and tell its row and the safe form of its ``name``.

    Written in pieces, never held in memory whole; what was stored before is not written again.
    Raises :class:`Invalid` with a sentence for an empty, too large or unknown file. A file whose
    row is rolled back stays in the folder and is taken up when the same document comes again.
    """
    most_mb = get_settings().max_document_mb
    if not file.read(1):
        raise Invalid(_("Il file è vuoto: scegliete quello giusto e riprovate."))
    kind = kind_of(file)
    if kind is None:
        raise Invalid(
            _(
                "Il file non è un documento che si può conservare: si accettano %(kinds)s, senza "
                "macro. Conta il contenuto, non il nome.",
                kinds=_(ACCEPTED_WORDS),
            )
        )
    file.seek(0)
    sha256, size = _keep(session, file, most_mb * 1_000_000)
    if size is None:
        raise Invalid(
            _(
                "Il file supera i %(most)s MB: dividetelo, oppure salvatelo con immagini più "
                "leggere.",
                most=most_mb,
            )
        )
    safe = safe_name(name, kind)
    session.execute(
        insert(StoredFile)
        .values(sha256=sha256, size=size, media_type=kind.media_type, original_name=safe,
                uploaded_by=uploaded_by)
        .on_conflict_do_nothing()
    )  # fmt: skip
    return session.get_one(StoredFile, sha256), safe


def lock_document(where: Connection | Session, sha256: str, *, alone: bool) -> bool:
    """Hold a document until the transaction ends; False where ``alone`` somebody else holds it.

    Who stores a document shares it with others that store the same; who deletes one is alone.
    """
    name = {"name": f"stored_file {sha256}"}
    if alone:
        query = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
        return bool(where.execute(query, name).scalar())
    where.execute(text("select pg_advisory_xact_lock_shared(hashtextextended(:name, 0))"), name)
    return True


def _keep(session: Session, file: BinaryIO, most_bytes: int) -> tuple[str, int | None]:
    """Write ``file`` under its SHA-256; no size where it is larger than ``most_bytes``."""
    base = folder()
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = base / f".new.{os.getpid()}.{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while chunk := file.read(CHUNK_BYTES):
                size += len(chunk)
                if size > most_bytes:
                    return "", None
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        place = path_of(digest.hexdigest())
        # What is there already must not be tidied away before this transaction ends.
        lock_document(session, digest.hexdigest(), alone=False)
        if not place.exists():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(made, place)
        return digest.hexdigest(), size
    finally:
        made.unlink(missing_ok=True)


def document_response(stored: StoredFile, name: str) -> FileResponse:
    """The document as a download: never shown inside the browser, never guessed at.

    Raises :class:`ServiceUnavailable` where its file is not in the folder.
    """
    place = path_of(stored.sha256)
    if not place.is_file():
        raise ServiceUnavailable(
            _("Il documento non si trova nell'archivio dei file: avvisate chi amministra il "
              "servizio.")
        )  # fmt: skip
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return FileResponse(
        place,
        media_type=stored.media_type,
        headers={
            "content-disposition": f'attachment; filename="{plain}"; '
            f"filename*=UTF-8''{quote(name, safe='')}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )
