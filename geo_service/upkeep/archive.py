"""The archive of a backup: one zip with the database, the documents and a manifest over both.

Nothing is compressed twice: the dump compresses itself, and most documents are compressed already.
The manifest comes last and names every other part with its size and SHA-256.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _

FORMAT = "accanto-backup"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
DOCUMENTS = "documents/"
CHUNK_BYTES = 1 << 20
# A manifest names each document in some hundred bytes.
MAX_MANIFEST_BYTES = 200_000_000
# How a zip that is damaged, cut off or encrypted makes itself known.
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_PART = re.compile(rf"{re.escape(DUMP)}|{DOCUMENTS}[0-9a-f]{{64}}")

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    size: int
    sha256: str

    @property
    def document(self) -> str:
        """SHA-256 of the document that it is; empty for the database."""
        return self.name.removeprefix(DOCUMENTS) if self.name.startswith(DOCUMENTS) else ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup: of which program and database, when, and how much.

    ``rows`` counts the rows of each table, ``missing`` names documents that rows speak of and
    whose bytes were not there. ``key_check`` tells the secret key from others and nothing of it.
    """

    product: str
    migration: str
    made_at: dt.datetime
    srid: int
    postgres: str
    database_bytes: int
    key_check: str
    rows: dict[str, int]
    parts: list[Part] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def documents(self) -> list[Part]:
        """The parts that are documents."""
        return [part for part in self.parts if part.document]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    def packed(self) -> bytes:
        """The manifest as it stands in the archive."""
        told = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        told["made_at"] = self.made_at.isoformat()
        return json.dumps(told, indent=1).encode()


class Writer:
    """Puts parts into a new archive, each with its SHA-256."""

    def __init__(self, archive: zipfile.ZipFile, advance: Advance) -> None:
        self._archive = archive
        self._advance = advance
        self.parts: list[Part] = []

    def add(self, name: str, source: IO[bytes]) -> Part:
        """Copy ``source`` from where it stands to its end."""
        with self._archive.open(_entry(name), "w", force_zip64=True) as target:
            size, sha256 = _copied(source, target.write, self._advance)
        self.parts.append(Part(name, size, sha256))
        return self.parts[-1]

    def close(self, manifest: Manifest) -> None:
        """Write the manifest, without which the archive is none."""
        entry = _entry(MANIFEST)
        entry.compress_type = zipfile.ZIP_DEFLATED
        self._archive.writestr(entry, manifest.packed())


@contextmanager
def written(out: Path, advance: Advance) -> Iterator[Writer]:
    """A new archive that appears under its name when it is whole; else nothing is left behind.

    Raises :class:`Invalid` for a name that is taken, a folder that cannot be written to and a disk
    that is full.
    """
    if os.path.lexists(out):
        raise Invalid(_("%(file)s esiste già: indicate un altro nome.", file=out))
    made = out.with_name(f".{out.name}.{secrets.token_hex(6)}.part")
    try:
        handle = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w+b") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    yield Writer(archive, advance)
                file.flush()
                os.fsync(file.fileno())
            if os.path.lexists(out):
                raise Invalid(_("%(file)s esiste già: indicate un altro nome.", file=out))
            os.replace(made, out)
            sync_folder(out.parent)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(out, error) from error


def unwritable(place: Path, error: OSError) -> Invalid:
    """Why a file cannot be written, in a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Invalid(
            _("Il disco di %(folder)s è pieno: liberate spazio o scegliete un altro disco. Niente "
              "è cambiato.", folder=place.parent)
        )  # fmt: skip
    return Invalid(
        _("%(file)s non si può scrivere (%(reason)s): indicate un file in una cartella che esiste "
          "e in cui si può scrivere.", file=place, reason=error.strerror or error)
    )  # fmt: skip


def sync_folder(folder: Path) -> None:
    """Make a name in ``folder`` last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Archive:
    """A backup whose manifest was read; its parts are worth nothing before :meth:`check`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self.manifest = self._manifest()

    def check(self, advance: Advance) -> None:
        """Read every part and compare it with the manifest. Raises :class:`Invalid`."""
        names = sorted(info.filename for info in self._archive.infolist())
        if names != sorted([MANIFEST, *(part.name for part in self.manifest.parts)]):
            raise self._damaged(_("le sue parti non sono quelle del suo elenco"))
        for part in self.manifest.parts:
            try:
                with self._archive.open(part.name) as source:
                    found = _copied(source, lambda piece: None, advance)
            except UNREADABLE as error:
                raise self._damaged(f"{part.name}: {error}") from error
            if found != (part.size, part.sha256) or part.document not in ("", part.sha256):
                raise self._damaged(_("%(part)s non è come fu scritto", part=part.name))

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """The bytes of one part."""
        with self._archive.open(name) as source:
            yield source

    def copy(self, part: Part, write: Callable[[bytes], Any], advance: Advance) -> None:
        """Hand a part on in pieces. Raises :class:`Invalid` where it changed since the check."""
        with self.part(part.name) as source:
            if _copied(source, write, advance) != (part.size, part.sha256):
                raise self._damaged(_("%(part)s non è come fu scritto", part=part.name))

    def _manifest(self) -> Manifest:
        try:
            info = self._archive.getinfo(MANIFEST)
            if info.file_size > MAX_MANIFEST_BYTES:
                raise ValueError("manifest too large")
            told = json.loads(self._archive.read(info))
            if told.pop("format") != FORMAT:
                raise ValueError("another format")
            version = int(told.pop("format_version"))
            if version > FORMAT_VERSION:
                raise Invalid(
                    _("Il backup è di una versione più nuova del programma: aggiornate questo "
                      "programma, poi ripetete.")
                )  # fmt: skip
            told["parts"] = [Part(**part) for part in told["parts"]]
            told["made_at"] = dt.datetime.fromisoformat(told["made_at"])
            manifest = Manifest(**told)
        except (*UNREADABLE, LookupError, TypeError, AttributeError) as error:
            raise self._damaged(_("il suo elenco non si legge")) from error
        if not all(_PART.fullmatch(part.name) for part in manifest.parts):
            raise self._damaged(_("contiene parti che un backup non ha"))
        if DUMP not in {part.name for part in manifest.parts}:
            raise self._damaged(_("manca la base di dati"))
        return manifest

    def _damaged(self, reason: str) -> Invalid:
        return Invalid(
            _("%(file)s è danneggiato o non è un backup di Accanto (%(reason)s): usate un'altra "
              "copia. Niente è cambiato.", file=self.path, reason=reason)
        )  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at ``path``. Raises :class:`Invalid` where it is none or cannot be read."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Invalid(
            _("%(file)s è danneggiato o non è un backup di Accanto (%(reason)s): usate un'altra "
              "copia. Niente è cambiato.", file=path, reason=_("non è un archivio intero"))
        ) from error  # fmt: skip
    except OSError as error:
        raise Invalid(
            _("%(file)s non si può leggere (%(reason)s).", file=path, reason=error.strerror)
        ) from error
    with archive:
        yield Archive(path, archive)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, dt.datetime.now(dt.UTC).timetuple()[:6])
    entry.external_attr = 0o600 << 16
    return entry


def _copied(source: IO[bytes], write: Callable[[bytes], Any], advance: Advance) -> tuple[int, str]:
    """Size and SHA-256 of what went from ``source`` to ``write``."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK_BYTES):
        write(piece)
        digest.update(piece)
        size += len(piece)
        advance(len(piece))
    return size, digest.hexdigest()
