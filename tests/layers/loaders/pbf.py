"""Writes a small OpenStreetMap PBF as its specification says (wiki.openstreetmap.org/wiki/PBF)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

Field = tuple[int, int | bytes]


def _varint(value: int) -> bytes:
    made = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        made.append(low | (0x80 if value else 0))
        if not value:
            return bytes(made)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else ((-value) << 1) - 1


def _message(*fields: Field) -> bytes:
    made = b""
    for number, value in fields:
        if isinstance(value, int):
            made += _varint(number << 3) + _varint(value)
        else:
            made += _varint(number << 3 | 2) + _varint(len(value)) + value
    return made


def _packed(values: Sequence[int], *, signed: bool = False) -> bytes:
    return b"".join(_varint(_zigzag(v) if signed else v) for v in values)


def _blob(kind: bytes, content: bytes) -> bytes:
    # Field 2 is the size unpacked, field 3 the packed content.
    blob = _message((2, len(content)), (3, zlib.compress(content)))
    header = _message((1, kind), (3, len(blob)))
    return struct.pack(">I", len(header)) + header + blob


def write_pbf(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Mapping[int, tuple[Sequence[int], Mapping[str, str]]],
) -> None:
    """Nodes as {id: (lon, lat)}, ways as {id: (node ids, tags)}; ids in rising order."""
    strings = [""]

    def known(text: str) -> int:
        if text not in strings:
            strings.append(text)
        return strings.index(text)

    groups = []
    for key, (lon, lat) in nodes.items():
        node = _message(
            (1, _zigzag(key)), (8, _zigzag(round(lat * 1e7))), (9, _zigzag(round(lon * 1e7)))
        )
        groups.append((1, node))
    made_ways = []
    for key, (refs, tags) in ways.items():
        steps = [b - a for a, b in zip([0, *refs], refs, strict=False)]
        way = _message(
            (1, key), (2, _packed([known(k) for k in tags])),
            (3, _packed([known(v) for v in tags.values()])), (8, _packed(steps, signed=True)),
        )  # fmt: skip
        made_ways.append((3, way))
    table = _message(*((1, text.encode()) for text in strings))
    block = _message((1, table), (2, _message(*groups)), (2, _message(*made_ways)))
    header = _message((4, b"OsmSchema-V0.6"))
    path.write_bytes(_blob(b"OSMHeader", header) + _blob(b"OSMData", block))
