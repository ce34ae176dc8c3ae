"""The method sheet of a computation in words: which method, which margin, what was not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geo_service.web import words


@dataclass(frozen=True, slots=True)
class MethodSheet:
    """How one kind of impact was computed."""

    kind: str
    method: str
    edition: str
    margin: str
    missing: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]


def method_sheets(methods: Mapping[str, Mapping[str, Any]]) -> list[MethodSheet]:
    """Sheets of all kinds of a computation, ordered by their name on screen."""
    sheets = [
        MethodSheet(
            kind=kind,
            method=str(sheet.get("method", "")),
            edition=str(sheet.get("edition", "")),
            margin=str(sheet.get("margin", "")),
            missing=tuple(str(sentence) for sentence in sheet.get("missing", ())),
            parameters=tuple(_plain(dict(sheet.get("parameters", {})))),
        )
        for kind, sheet in methods.items()
    ]
    return sorted(sheets, key=lambda sheet: words.kind(sheet.kind))


def _plain(parameters: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in parameters.items():
        label = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            lines += _plain(value, f"{label}: ")
        elif isinstance(value, list | tuple):
            lines.append((label, ", ".join(str(one) for one in value)))
        elif value is not None and value != "":
            lines.append((label, str(value)))
    return lines
