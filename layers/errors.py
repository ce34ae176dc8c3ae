"""Errors that carry a sentence for the person who supplied the data."""

from __future__ import annotations

from dataclasses import dataclass


class DataError(ValueError):
    """The data cannot be used as it is; the message says what, where and how to mend it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused row of an input file.

    ``row`` is the 1-based position of the data row (the heading is not counted); 0 means the
    file as a whole. ``field`` names the column as it is called in the file.
    """

    row: int
    field: str
    reason: str
