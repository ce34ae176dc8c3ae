"""Comparing machine names as people write them."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable


def normalised(name: str) -> str:
    """A name without case, accents, punctuation or double spaces, for comparison only.

    >>> normalised("  Trivella (pali) ")
    'trivella pali'
    """
    plain = unicodedata.normalize("NFKD", name.casefold().replace("’", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^0-9a-z.]+", " ", plain).split())


def closest(name: str, known: Iterable[str]) -> str:
    """The end of an error sentence that offers the nearest known names, or nothing."""
    by_norm = {normalised(k): k for k in known}
    found = difflib.get_close_matches(normalised(name), list(by_norm), n=3, cutoff=0.6)
    return f" Did you mean {', '.join(by_norm[f] for f in found)}?" if found else ""
