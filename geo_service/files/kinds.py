"""What an uploaded document really is, told by its first bytes and never by its name."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from geo_service.i18n import N_

# Object identifier 1.2.840.113549.1.7.2, "signed data" of a CMS envelope (RFC 5652), as DER.
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_HEAD_BYTES = 64
_MAX_MEMBERS = 5_000
_MAX_NAME_CHARS = 120
# Programs inside a document: a spreadsheet with macros is no paper.
_MACROS = ("vbaproject.bin", "basic/script-lc.xml")
ACCEPT = ".pdf,.png,.jpg,.jpeg,.odt,.ods,.docx,.xlsx,.p7m"
ACCEPTED_WORDS = N_("PDF, PNG, JPEG, ODT, ODS, DOCX, XLSX, o un file firmato p7m")


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of document: its media type and the endings that fit it, the usual one first."""

    media_type: str
    endings: tuple[str, ...]


PDF = FileKind("application/pdf", (".pdf",))
PNG = FileKind("image/png", (".png",))
JPEG = FileKind("image/jpeg", (".jpg", ".jpeg"))
SIGNED = FileKind("application/pkcs7-mime", (".p7m",))
ODT = FileKind("application/vnd.oasis.opendocument.text", (".odt",))
ODS = FileKind("application/vnd.oasis.opendocument.spreadsheet", (".ods",))
_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = FileKind(f"{_OOXML}wordprocessingml.document", (".docx",))
XLSX = FileKind(f"{_OOXML}spreadsheetml.sheet", (".xlsx",))
KINDS = {kind.media_type: kind for kind in (PDF, PNG, JPEG, SIGNED, ODT, ODS, DOCX, XLSX)}


def kind_of(file: BinaryIO) -> FileKind | None:
    """The kind of document in ``file`` (seekable, read from its start); None for any other.

    An archive is opened only as far as its list of names and the few bytes in which an
    OpenDocument file says what it is; one with macros is no document.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head.removeprefix(b"\xef\xbb\xbf").startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x30") and _SIGNED_DATA in head[:24]:
        return SIGNED
    return _office(file) if head.startswith(b"PK\x03\x04") else None


def _office(file: BinaryIO) -> FileKind | None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS:
                return None
            names = {member.filename.lower() for member in members}
            if any(name.endswith(_MACROS) for name in names):
                return None
            if "[content_types].xml" in names:
                if "word/document.xml" in names:
                    return DOCX
                return XLSX if "xl/workbook.xml" in names else None
            if members and members[0].filename == "mimetype":
                with archive.open(members[0]) as told:
                    return KINDS.get(told.read(100).decode("ascii", "replace").strip())
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        # Damaged, encrypted or written by a method that nobody needs to read here.
        return None
    return None


def safe_name(given: str | None, kind: FileKind) -> str:
    """A name under which a document can be offered: no folder, no control sign, its own ending.

    ``given`` is what the sender's browser called it. Signs that turn the direction of writing
    could make ``exe.fdp`` read as ``pdf.exe`` and are taken out like control signs.
    """
    name = unicodedata.normalize("NFC", given or "").replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    name = re.sub(r'[<>:"|?*]', "_", name)
    name = " ".join(name.split()).strip(". ")
    stem, ending = name, kind.endings[0]
    for known in kind.endings:
        if name.lower().endswith(known):
            stem, ending = name[: -len(known)], known
    stem = stem.strip(". ")[: _MAX_NAME_CHARS - len(ending)].strip(". ")
    return f"{stem or 'documento'}{ending}"
