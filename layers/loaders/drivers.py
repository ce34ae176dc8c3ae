"""Which files may be opened, and how they are opened safely.

The kind of a file is decided by its extension *and* its first bytes, before any reader sees it.
A file is then read in a private folder that holds nothing else, so no file beside it (schemas,
indexes, references by relative name) is ever followed; readers that reach other files or the
network are switched off.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from layers.errors import DataError, Sentence

# Readers that fetch from the network, follow references, or would take a disguised file.
_SWITCHED_OFF = (
    "OGR_VRT", "GDALG", "HTTP", "WFS", "OAPIF", "OGCAPI", "CSW", "EEDA", "NGW", "Elasticsearch",
    "Carto", "AmigoCloud", "PLSCENES", "LIBKML", "ESRIJSON", "TopoJSON", "JSONFG",
)  # fmt: skip
os.environ.setdefault("GDAL_SKIP", ",".join(_SWITCHED_OFF))

import pyogrio  # noqa: E402  (the variable above is read when the library starts)

pyogrio.set_gdal_config_options(
    {
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_HTTP_PROXY": "127.0.0.1:9",
        "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
        "OGR_SQLITE_LOAD_EXTENSIONS": None,
        "GML_SKIP_RESOLVE_ELEMS": "ALL",
        "SHAPE_RESTORE_SHX": "YES",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
    }
)

HEAD_BYTES = 65_536
MAX_ARCHIVE_FILES = 1_000
MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_SHEET_BYTES = 400 * 1024**2
# Text packs to a tenth, at most a thirtieth; a bomb to a thousandth.
MAX_RATIO = 200
RATIO_COUNTS_ABOVE_BYTES = 20 * 1024**2
_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


@dataclass(frozen=True, slots=True)
class Format:
    """An allowed kind of file; ``driver`` is None where we read it ourselves."""

    name: str
    driver: str | None
    options: tuple[tuple[str, str], ...] = ()


GPKG = Format("GeoPackage", "GPKG")
GEOJSON = Format("GeoJSON", "GeoJSON")
SHAPEFILE = Format("Shapefile", "ESRI Shapefile")
FLATGEOBUF = Format("FlatGeobuf", "FlatGeobuf")
OSM = Format("OpenStreetMap", "OSM")
CSV = Format("CSV", None)
SHEET = Format("spreadsheet", None)
GML = Format("GML", "GML", (("DOWNLOAD_SCHEMA", "NO"), ("WRITE_GFS", "NO")))
KML = Format("KML", "KML")
DXF = Format("DXF", "DXF")

_EXTENSIONS = {
    ".gpkg": GPKG, ".geojson": GEOJSON, ".json": GEOJSON, ".shp": SHAPEFILE, ".fgb": FLATGEOBUF,
    ".pbf": OSM, ".osm": OSM, ".csv": CSV, ".tsv": CSV, ".txt": CSV, ".xlsx": SHEET,
    ".ods": SHEET, ".gml": GML, ".kml": KML, ".dxf": DXF,
}  # fmt: skip
# KMZ is a KML in an archive, with its pictures.
ARCHIVES: dict[str, str | None] = {".zip": None, ".kmz": ".kml"}
ENDINGS = (*_EXTENSIONS, *ARCHIVES)
ALLOWED = (
    "GeoPackage .gpkg, GeoJSON .geojson, Shapefile .shp/.zip, FlatGeobuf .fgb, OpenStreetMap "
    ".osm.pbf/.osm, CSV .csv, .xlsx, .ods, GML .gml, KML .kml/.kmz, DXF .dxf"
)
_VRT = re.compile(rb"<\s*(OGRVRT|VRTDataset|GDALTileIndex|GDAL_WMS|WFS_|OGRWFS)", re.IGNORECASE)
_PROLOG = re.compile(r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Path, Format]]:
    """Give a file of an allowed kind under a private name, ready to be read.

    Yields the private path and the format. Raises :class:`DataError` when the file is missing,
    is no ordinary file, is of another kind, is not what its name says, or unpacks to more than
    the limits of this module. Nothing is written beside the file.
    """
    real = _ordinary_file(path)
    with tempfile.TemporaryDirectory(prefix="accanto-import-") as folder:
        if real.suffix.lower() in ARCHIVES:
            real = _unpack(real, Path(folder) / "unpacked")
        kind = _identify(real)
        room = Path(folder) / "room"
        room.mkdir()
        private = room / f"data{real.suffix.lower()}"
        if kind is SHAPEFILE:
            _link_shape_parts(real, room)
        else:
            private.symlink_to(real)
        if kind is GPKG:
            _check_geopackage(real)
        if kind is SHEET:
            _check_archive(real, MAX_SHEET_BYTES)
        yield private, kind


def _ordinary_file(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if text.startswith("/vsi") or "://" in text:
        raise DataError(
            Sentence(
                "%(text)s is an address, not a file; download it first and name the "
                "file on this disk.",
                text=text,
            )
        )
    try:
        status = os.stat(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise DataError(
            Sentence("%(text)s cannot be opened: %(reason)s.", text=text, reason=reason)
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(
            Sentence("%(text)s is not a file (a folder or a device); name one file.", text=text)
        )
    if status.st_size == 0:
        raise DataError(Sentence("%(text)s is empty; export it again.", text=text))
    real = Path(text).absolute()
    if real.suffix.lower() not in ENDINGS:
        raise DataError(
            Sentence(
                "%(name)s: files ending in %(value)r are not read; allowed are %(allowed)s.",
                name=real.name,
                value=real.suffix or "nothing",
                allowed=ALLOWED,
            )
        )
    return real


def _identify(path: Path) -> Format:
    kind = _EXTENSIONS[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(
            Sentence("%(name)s cannot be read: %(error)s.", name=path.name, error=error)
        ) from error
    if _VRT.search(head) or not _looks_like(kind, head, path.suffix.lower()):
        raise DataError(
            Sentence(
                "%(name)s is named like a %(name2)s file but holds %(text)s; it is not "
                "opened. Export it again in the format its name says.",
                name=path.name,
                name2=kind.name,
                text=_what_is(head),
            )
        )
    return kind


def _looks_like(kind: Format, head: bytes, suffix: str) -> bool:
    if kind is GPKG:
        return head.startswith(b"SQLite format 3\x00") and head[68:72] in {
            b"GPKG", b"GP10", b"GP11", b"\x00\x00\x00\x00",
        }  # fmt: skip
    if kind is SHAPEFILE:
        return head.startswith(b"\x00\x00\x27\x0a")
    if kind is FLATGEOBUF:
        return head.startswith(b"fgb")
    if kind is SHEET:
        return head.startswith(b"PK\x03\x04")
    if kind is OSM and suffix == ".pbf":
        return b"OSMHeader" in head[:64]
    if kind is DXF:
        return (
            head.startswith(b"AutoCAD Binary DXF")
            or re.match(rb"(\s*999\s*\n[^\n]*\n)*\s*0\s*\r?\n\s*SECTION", head) is not None
        )
    if kind is GEOJSON:
        text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return text.startswith(b"{") and b'"Topology"' not in head[:2000]
    if kind is CSV:
        return _is_text(head)
    return _xml_root(head) in {
        OSM: {"osm"}, KML: {"kml"}, GML: {"FeatureCollection", "SpatialDataset", "CityModel"},
    }[kind]  # fmt: skip


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if head.startswith((b"PK\x03\x04", b"%PDF", b"SQLite format 3", b"\x1f\x8b", b"\xd0\xcf\x11")):
        return False
    control = sum(byte < 32 and byte not in (9, 10, 11, 12, 13) for byte in head)
    return control * 50 < len(head)


def _xml_root(head: bytes) -> str | None:
    """Local name of the root element; None for no XML, or XML that declares a document type.

    A document type is where entities that swell or name other files are declared; none of the
    allowed formats needs one.
    """
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = head.decode(encoding, errors="replace")
    prolog = _PROLOG.match(text)
    root = _ROOT.match(text, prolog.end() if prolog else 0)
    if root is None or re.search(r"schemaLocation\s*=\s*[\"'][^\"']*/vsi", text):
        return None
    return root.group(2)


def _what_is(head: bytes) -> Sentence:
    if _VRT.search(head):
        return Sentence("a virtual data set (VRT) that points to other files")
    known = {
        b"SQLite format 3": Sentence("an SQLite database"),
        b"PK\x03\x04": Sentence("a ZIP archive"),
        b"%PDF": Sentence("a PDF"),
        b"\x89PNG": Sentence("a picture"),
        b"\xff\xd8\xff": Sentence("a picture"),
        b"fgb": Sentence("FlatGeobuf"),
        b"\x1f\x8b": Sentence("a gzip archive"),
        b"\xd0\xcf\x11": Sentence("an old Office file"),
        b"\x00\x00\x27\x0a": Sentence("a Shapefile"),
    }
    for magic, name in known.items():
        if head.startswith(magic):
            return name
    if not _is_text(head):
        return Sentence("binary data of an unknown kind")
    if re.search(rb"<!DOCTYPE\s+html|<html", head, re.IGNORECASE):
        return Sentence("a web page")
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        return Sentence("XML with a document type (entities are not read)")
    if b'"Topology"' in head[:2000]:
        return Sentence("TopoJSON")
    is_xml = head.lstrip().startswith(b"<")
    return Sentence("XML of another kind" if is_xml else "other text")


def _link_shape_parts(shp: Path, room: Path) -> None:
    beside = {
        part.suffix.lower(): part
        for part in shp.parent.iterdir()
        if part.stem.lower() == shp.stem.lower() and part.suffix.lower() in _SHAPE_PARTS
    }
    if ".dbf" not in beside:
        raise DataError(
            Sentence(
                "%(name)s has no %(stem)s.dbf beside it, which holds the attributes; "
                "copy all the parts of the Shapefile (.shp, .shx, .dbf, .prj) or send "
                "it as one .zip.",
                name=shp.name,
                stem=shp.stem,
            )
        )
    for suffix, part in beside.items():
        (room / f"data{suffix}").symlink_to(part.absolute())


def _check_archive(path: Path, limit_bytes: int) -> list[zipfile.ZipInfo]:
    """Members of an archive, after counting what they really unpack to."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MAX_ARCHIVE_FILES:
                raise DataError(
                    Sentence(
                        "%(name)s holds %(count)s files; more than %(max_archive_files)s are "
                        "not unpacked.",
                        name=path.name,
                        count=len(members),
                        max_archive_files=MAX_ARCHIVE_FILES,
                    )
                )
            _check_sizes(path, members, limit_bytes)
            return members
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(
            Sentence(
                "%(name)s is a damaged or locked archive: %(error)s.", name=path.name, error=error
            )
        ) from error


def _check_sizes(path: Path, members: list[zipfile.ZipInfo], limit_bytes: int) -> None:
    total = sum(member.file_size for member in members)
    packed = max(path.stat().st_size, 1)
    if total > limit_bytes or (total > RATIO_COUNTS_ABOVE_BYTES and total / packed > MAX_RATIO):
        raise DataError(
            Sentence(
                "%(name)s has %(packed)s bytes but unpacks to %(total)s; that is more "
                "than is unpacked here. Unpack it yourself and import the file inside.",
                name=path.name,
                packed=f"{packed:,}",
                total=f"{total:,}",
            )
        )


def _unpack(path: Path, folder: Path) -> Path:
    """The one importable file of an archive, unpacked under names of our own."""
    folder.mkdir()
    members = [
        member
        for member in _check_archive(path, MAX_UNPACKED_BYTES)
        if "__MACOSX" not in member.filename
    ]
    only = ARCHIVES[path.suffix.lower()]
    mains = [
        m
        for m in members
        if (suffix := Path(m.filename).suffix.lower()) in _EXTENSIONS and only in (None, suffix)
    ]
    shapes = [m for m in mains if m.filename.lower().endswith(".shp")]
    mains = shapes or mains
    if len(mains) != 1:
        names = ", ".join(Path(m.filename).name for m in mains[:5]) or "none"
        raise DataError(
            Sentence(
                "%(name)s must hold exactly one file to import, but holds %(count)s "
                "(%(names)s); unpack it and import them one by one.",
                name=path.name,
                count=len(mains),
                names=names,
            )
        )
    main = Path(mains[0].filename)
    wanted = {mains[0].filename: main.suffix.lower()}
    if shapes:
        for member in members:
            part = Path(member.filename)
            if part.with_suffix("") == main.with_suffix("") and part.suffix.lower() in _SHAPE_PARTS:
                wanted[member.filename] = part.suffix.lower()
    try:
        with zipfile.ZipFile(path) as archive:
            for name, suffix in wanted.items():
                with (
                    archive.open(name) as source,
                    (folder / f"{main.stem[:60]}{suffix}").open("wb") as target,
                ):
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise DataError(
            Sentence(
                "%(name)s is a damaged or locked archive: %(error)s.", name=path.name, error=error
            )
        ) from error
    return folder / f"{main.stem[:60]}{main.suffix.lower()}"


def _check_geopackage(path: Path) -> None:
    """Refuse tables and views that run code or read other files when they are looked at."""
    address = f"file:{quote(str(path))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            rows = connection.execute(
                "select name, sql from sqlite_master where sql is not null"
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DataError(
            Sentence(
                "%(name)s is damaged and cannot be read: %(error)s.", name=path.name, error=error
            )
        ) from error
    for name, sql in rows:
        virtual = re.search(r"create\s+virtual\s+table.*?using\s+\"?(\w+)", sql, re.I | re.S)
        if virtual and virtual.group(1).lower() not in {"rtree", "fts3", "fts4", "fts5"}:
            raise DataError(
                Sentence(
                    "%(name)s holds the virtual table %(name2)r, which can read other "
                    "files; export the layer to a new GeoPackage.",
                    name=path.name,
                    name2=name,
                )
            )
        if re.match(r"\s*create\s+(temp\s+)?view", sql, re.I) and re.search(
            r"ogr_|gdal_|load_extension|readfile|vsi", sql, re.I
        ):
            raise DataError(
                Sentence(
                    "%(name)s holds the view %(name2)r, which calls functions that reach "
                    "outside the file; export the layer to a new GeoPackage.",
                    name=path.name,
                    name2=name,
                )
            )
