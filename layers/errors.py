"""Errors that carry a sentence for the person who supplied the data."""

from __future__ import annotations

from dataclasses import dataclass


class Sentence(str):
    """An English sentence that keeps its words and its values apart.

    It reads as any text does; who shows it in another language looks ``words`` up and fills in
    ``values``, of which some may be sentences themselves.

    >>> Sentence("names the building %(told)r", told="A1")
    "names the building 'A1'"
    """

    words: str
    values: dict[str, object]

    def __new__(cls, words: str, **values: object) -> Sentence:
        """``words`` has places such as ``%(told)s``; without values it is taken as it is."""
        made = super().__new__(cls, words % values if values else words)
        made.words = words
        made.values = values
        return made


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


# What reading a JSON text can raise that no page of ours wrote: another form than expected, numbers
# without end, brackets nested beyond what can be read.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
