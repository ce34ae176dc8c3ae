"""Stored documents: kept once, known by their content, offered under a harmless name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.errors import Invalid, ServiceUnavailable
from geo_service.files import kinds
from geo_service.files.store import StoredFile, document_response, path_of, store_document
from geo_service.settings import get_settings

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SIGNED = bytes.fromhex("3082010006092a864886f70d010702a082") + bytes(40)


def archive(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in members:
            made.writestr(name, content)
    return buffer.getvalue()


ODT = archive(("mimetype", kinds.ODT.media_type.encode()), ("content.xml", b"<a/>"))
DOCX = archive(("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<a/>"))
XLSX = archive(("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ACCANTO_FILES_DIR", str(tmp_path / "files"))
    monkeypatch.setenv("ACCANTO_MAX_DOCUMENT_MB", "1")
    get_settings.cache_clear()
    yield tmp_path / "files"
    get_settings.cache_clear()


def stored(session: Session, content: bytes, name: str | None = "atto.pdf") -> StoredFile:
    return store_document(session, io.BytesIO(content), name, uploaded_by=7)[0]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, kinds.PDF),
        (PNG, kinds.PNG),
        (b"\xff\xd8\xff\xe0" + bytes(20), kinds.JPEG),
        (SIGNED, kinds.SIGNED),
        (ODT, kinds.ODT),
        (DOCX, kinds.DOCX),
        (XLSX, kinds.XLSX),
    ],
)
def test_the_content_tells_the_kind(content: bytes, kind: kinds.FileKind) -> None:
    assert kinds.kind_of(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b"MZ\x90\x00",
        b"GIF89a",
        archive(("a.txt", b"x")),
        archive(("mimetype", b"text/html")),
        archive(("[Content_Types].xml", b""), ("xl/workbook.xml", b""), ("xl/vbaProject.bin", b"")),
        b"PK\x03\x04 not an archive at all",
        b"<!DOCTYPE html>%PDF-1.7",
    ],
)
def test_anything_else_is_refused_whatever_its_name(session: Session, content: bytes) -> None:
    with pytest.raises(Invalid, match="Conta il contenuto"):
        stored(session, content, "permesso.pdf")


def test_the_same_document_twice_is_stored_once(session: Session, own_folder: Path) -> None:
    first = stored(session, PDF, "uno.pdf")
    second = stored(session, PDF, "due.pdf")
    assert first.sha256 == second.sha256
    assert second.original_name == "uno.pdf"
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 1
    assert [p.name for p in own_folder.rglob("*") if p.is_file()] == [first.sha256[2:]]
    assert path_of(first.sha256).read_bytes() == PDF
    assert path_of(first.sha256).stat().st_mode & 0o077 == 0


def test_an_empty_or_too_large_file_leaves_nothing(session: Session, own_folder: Path) -> None:
    with pytest.raises(Invalid, match="vuoto"):
        stored(session, b"")
    with pytest.raises(Invalid, match="supera i 1 MB"):
        stored(session, PDF + bytes(1_000_001))
    assert [p for p in own_folder.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\x\\deroga n. 7.PDF", "deroga n. 7.pdf"),
        ("deroga\u202efdp.exe", "deroga fdp.exe.pdf"),
        ('a"b\r\nSet-Cookie: x.pdf', "a_b Set-Cookie_ x.pdf"),
        ("...", "documento.pdf"),
        (None, "documento.pdf"),
        ("<script>.pdf", "_script_.pdf"),
    ],
)
def test_hostile_names(given_name: str | None, safe: str) -> None:
    assert kinds.safe_name(given_name, kinds.PDF) == safe


@given(st.text(max_size=300))
def test_any_name_becomes_a_plain_one(given_name: str) -> None:
    name = kinds.safe_name(given_name, kinds.PDF)
    assert name.endswith(".pdf")
    assert 5 <= len(name) <= 120
    assert name.isprintable()
    assert not set(name) & set('/\\<>:"|?*\r\n\x00')
    assert not name.startswith(".")


def test_a_document_is_offered_as_a_download(session: Session) -> None:
    answer = document_response(stored(session, PDF), 'però "qui".pdf')
    told = answer.headers["content-disposition"]
    assert (
        told
        == "attachment; filename=\"per_ _qui_.pdf\"; filename*=UTF-8''per%C3%B2%20%22qui%22.pdf"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.media_type == "application/pdf"


def test_a_missing_file_is_told(session: Session) -> None:
    kept = stored(session, PDF)
    path_of(kept.sha256).unlink()
    with pytest.raises(ServiceUnavailable, match="archivio"):
        document_response(kept, "a.pdf")


def test_no_other_path_is_ever_opened() -> None:
    for bad in ("../../etc/passwd", "A" * 64, "a" * 63):
        with pytest.raises(ValueError, match="no SHA-256"):
            path_of(bad)
