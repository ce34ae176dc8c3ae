"""What an import did, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from layers.errors import Refusal

_REPAIRED = 1
_REFUSED = 2


@dataclass
class Report:
    """Counts of one import; ``read`` = ``accepted`` + ``unchanged`` + ``refused``.

    ``accepted`` rows were stored as new or changed, ``unchanged`` rows were there already.
    ``repaired`` counts rows that were mended and then stored or found unchanged; ``repairs``
    tells how often each kind of mending was done. ``notes`` are sentences for the person.
    """

    read: int = 0
    accepted: int = 0
    unchanged: int = 0
    rows: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    # One byte a row: a set of numbers would need a gigabyte for ten million rows.
    _state: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def refused(self) -> int:
        """Number of refused rows."""
        return len(self.rows)

    @property
    def repaired(self) -> int:
        """Number of rows that were mended and kept."""
        return self._state.count(_REPAIRED)

    def _flag(self, row: int, bit: int) -> None:
        if row >= len(self._state):
            self._state.extend(bytes(max(row + 1, 2 * len(self._state)) - len(self._state)))
        self._state[row] |= bit

    def is_refused(self, row: int) -> bool:
        """Whether the row was refused already."""
        return row < len(self._state) and bool(self._state[row] & _REFUSED)

    def refuse(self, row: int, field_name: str, reason: str) -> None:
        """Refuse a row; its first reason stays."""
        if not self.is_refused(row):
            self._flag(row, _REFUSED)
            self.rows.append(Refusal(row, field_name, reason))

    def repair(self, row: int, kind: str) -> None:
        """Count one mending of a row under its kind."""
        self._flag(row, _REPAIRED)
        self.repairs[kind] += 1

    def note(self, sentence: str) -> None:
        """Tell the person something once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def as_dict(self, say: Callable[[str], str] = str) -> dict[str, object]:
        """The document of ``--report``; ``say`` puts a reason into the reader's language."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "repaired": self.repaired,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "rows": [
                {"row": row.row, "field": row.field, "reason": say(row.reason)}
                for row in sorted(self.rows, key=lambda r: r.row)
            ],
        }
