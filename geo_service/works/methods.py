"""The method sheet of a computation in words: which method, which margin, what was not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geo_service.web import words
from geo_service.works import method_words


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
            method=method_words.method(str(sheet.get("method", ""))),
            edition=str(sheet.get("edition", "")),
            margin=method_words.method(str(sheet.get("margin", ""))),
            missing=tuple(method_words.sentence(str(note)) for note in sheet.get("missing", ())),
            parameters=tuple(_plain(dict(sheet.get("parameters", {})))),
        )
        for kind, sheet in methods.items()
    ]
    return sorted(sheets, key=lambda sheet: words.kind(sheet.kind))


def _plain(parameters: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Parameters as lines of name and value, as deep as they go."""
    lines: list[tuple[str, str]] = []
    for name, value in parameters.items():
        label = f"{prefix}{str(name).replace('_', ' ')}"
        if isinstance(value, Mapping):
            lines += _plain(value, f"{label}: ")
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            for place, one in enumerate(value, start=1):
                inner = dict(one) if isinstance(one, Mapping) else {"": one}
                told = "; ".join(f"{k.replace('_', ' ')} {v}" for k, v in inner.items())
                lines.append((f"{label} {place}", told))
        elif isinstance(value, list | tuple):
            lines.append((label, ", ".join(_figure(one) for one in value)))
        elif value is not None and value != "":
            lines.append((label, _figure(value)))
    return lines


def _figure(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
