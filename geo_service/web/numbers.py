"""Numbers of things in addresses and forms, as the pages themselves wrote them there."""

from __future__ import annotations

# Every one of these has a place in a bigint of the database.
MOST_DIGITS = 18


def number_in(value: object) -> int | None:
    """The number that ``value`` writes in plain figures; None for anything else.

    Anything else was typed or cut by hand: a sign, figures of another script or a raised one
    (``²`` is a digit to Python), or more of them than a number of ours has.
    """
    text = value if isinstance(value, str) else ""
    plain = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if plain else None
