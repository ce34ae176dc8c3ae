"""Impacts in the binary form of PostgreSQL's COPY, made by the block instead of by the row.

Rows that share their words (kind, aspect, part of day, unit), days and gaps differ in numbers
alone: such a block is one numpy array of records, and its bytes are what the server reads.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = (
    "run_id", "kind", "aspect", "part_of_day", "building_id", "flat_id", "value", "unit", "band",
    "period", "weekdays",
)  # fmt: skip
#: What stands before and after the rows (PostgreSQL manual, COPY, "Binary Format").
HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)

#: Columns whose values make a block.
_SHARED = ("kind", "aspect", "part_of_day", "unit", "starts_on", "ends_on", "weekdays")
_NULL = struct.pack(">i", -1)
_EPOCH = dt.date(2000, 1, 1)
_LOWER_INCLUDED, _UPPER_OPEN = 0x02, 0x10


def impact_blocks(run_id: int, impacts: pd.DataFrame) -> Iterator[bytes]:
    """Rows of ``IMPACT_COLUMNS`` as bytes of COPY, between :data:`HEADER` and :data:`TRAILER`.

    A flat, value or unit that is missing becomes null, a missing ``ends_on`` an open period.
    """
    if not len(impacts):
        return
    flat = impacts["flat_id"].to_numpy(dtype="float64", na_value=np.nan)
    value = impacts["value"].to_numpy(dtype="float64", na_value=np.nan)
    building = impacts["building_id"].to_numpy(dtype=np.int64)
    band = impacts["band"].to_numpy(dtype=np.int64)
    shared = [impacts[name] for name in _SHARED]
    for rows in _alike([*shared, np.isnan(flat), np.isnan(value)]):
        first = rows[0]
        kind, aspect, part, unit, starts_on, ends_on, weekdays = (c.iat[first] for c in shared)
        words = _field(struct.pack(">q", run_id)) + b"".join(map(_text, (kind, aspect, part)))
        parts: list[tuple[bytes, npt.NDArray[Any] | None]] = [
            (struct.pack(">h", len(COLUMNS)) + words, building[rows].astype(">i8")),
            (b"", None if np.isnan(flat[first]) else flat[rows].astype(">i8")),
            (b"", None if np.isnan(value[first]) else value[rows].astype(">f8")),
            (_text(unit), band[rows].astype(">i2")),
        ]
        tail = _field(_period(starts_on, ends_on)) + _field(struct.pack(">h", int(weekdays)))
        yield _records(parts, tail, len(rows))


def _alike(columns: Sequence[pd.Series | npt.NDArray[Any]]) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of the rows that are equal in all columns, in the order of their first."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        if len(values) > 1:
            # Numbered anew each time, so that the product never grows out of its type.
            code = pd.factorize(code * len(values) + codes)[0].astype(np.int64)
    order = np.argsort(code, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _records(parts: list[tuple[bytes, npt.NDArray[Any] | None]], tail: bytes, count: int) -> bytes:
    """Records of constant bytes, each followed by a field of numbers (None: null), and a tail."""
    fields: list[tuple[str, Any]] = []
    fill: dict[str, Any] = {}
    for k, (before, numbers) in enumerate(parts):
        size = _NULL if numbers is None else struct.pack(">i", numbers.dtype.itemsize)
        fields.append((f"before{k}", f"V{len(before) + 4}"))
        fill[f"before{k}"] = np.void(before + size)
        if numbers is not None:
            fields.append((f"numbers{k}", numbers.dtype))
            fill[f"numbers{k}"] = numbers
    fields.append(("tail", f"V{len(tail)}"))
    fill["tail"] = np.void(tail)
    records = np.empty(count, dtype=fields)
    for name, content in fill.items():
        records[name] = content
    return records.tobytes()


def _field(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def _text(word: str | None) -> bytes:
    return _NULL if word is None or word != word else _field(word.encode())


def _period(first: dt.date, after: Any) -> bytes:
    """A half-open range of days; open-ended where nobody knows the end."""
    lower = _field(struct.pack(">i", _day(first)))
    if after is None or pd.isna(after):
        return bytes([_LOWER_INCLUDED | _UPPER_OPEN]) + lower
    return bytes([_LOWER_INCLUDED]) + lower + _field(struct.pack(">i", _day(after)))


def _day(day: dt.date) -> int:
    return (dt.date(day.year, day.month, day.day) - _EPOCH).days
