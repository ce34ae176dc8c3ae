"""Reports of an import, kept so that they can be said in any language later."""

from __future__ import annotations

from typing import Any

from geo_service.i18n import gettext as _
from geo_service.i18n import said
from layers.errors import Sentence
from layers.loaders.report import Report

# A file of which every row is refused must not fill the database with the same sentence.
MAX_KEPT_ROWS = 2_000
HIDDEN = "…"


def packed(sentence: object, *, hidden: bool = False) -> Any:
    """A sentence, or the one an error carries, as JSON that keeps words and values apart.

    ``hidden`` leaves the values out: they come from the file and may be about people.
    """
    if isinstance(sentence, BaseException):
        sentence = sentence.args[0] if sentence.args else ""
    if not isinstance(sentence, Sentence):
        return (
            HIDDEN if hidden else sentence if isinstance(sentence, int | float) else str(sentence)
        )
    values = {name: packed(value, hidden=hidden) for name, value in sentence.values.items()}
    return {"words": sentence.words, "values": values}


def unpacked(kept: Any) -> Any:
    """What :func:`packed` kept."""
    if isinstance(kept, dict):
        values = {name: unpacked(value) for name, value in kept["values"].items()}
        return Sentence(kept["words"], **values)
    return kept


def spoken(kept: Any) -> str:
    """What :func:`packed` kept, in the current language."""
    return said(unpacked(kept))


def packed_report(report: Report, *, hidden: bool = False) -> dict[str, Any]:
    """Counts, repairs, notes and refused rows of a report, the first of these only."""
    rows = sorted(report.rows, key=lambda row: row.row)[:MAX_KEPT_ROWS]
    return {
        "read": report.read,
        "accepted": report.accepted,
        "repaired": report.repaired,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "repairs": [[packed(kind), times] for kind, times in report.repairs.most_common()],
        "notes": [packed(note) for note in report.notes],
        "rows": [[row.row, row.field, packed(row.reason, hidden=hidden)] for row in rows],
    }


def spoken_report(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept report in the current language, in the form of ``accanto import --report``."""
    return {
        **{n: kept[n] for n in ("read", "accepted", "repaired", "unchanged", "refused")},
        "repairs": [{"what": spoken(kind), "times": times} for kind, times in kept["repairs"]],
        "notes": [spoken(note) for note in kept["notes"]],
        "rows": [
            {"row": row, "field": field_word(field), "reason": spoken(reason)}
            for row, field, reason in kept["rows"]
        ],
    }


def field_word(field: str) -> str:
    """A column as the file calls it; the shape, which has no column of its own, in words."""
    return _("forma") if field == "geometry" else field
