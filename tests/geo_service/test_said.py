"""What the layers say is said in Italian: every sentence, with the same values to fill in."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from geo_service import i18n
from geo_service.imports.vocabulary import FIELD_WORDS
from geo_service.imports.wording import HIDDEN, packed, spoken, unpacked
from layers.errors import DataError, Sentence
from layers.loaders.profiles import FIELDS

ROOT = Path(__file__).resolve().parents[2]
PLACES = re.compile(r"%\((\w+)\)[sr]")


def _words(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if isinstance(value, ast.IfExp):
        return _words(value.body) + _words(value.orelse)
    return []


def _sentences() -> set[str]:
    found: set[str] = set()
    for floor in ("layers", "geo_service"):
        for path in (ROOT / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Sentence":
                    found.update(_words(node.args[0]))
    return found


with (i18n.LOCALE / "it" / "LC_MESSAGES" / "layers.po").open("rb") as file:
    ITALIAN = {m.id: m.string for m in read_po(file, locale="it") if m.id}


def test_every_sentence_has_an_italian_one() -> None:
    sentences = _sentences()
    assert len(sentences) > 100
    assert sentences - set(ITALIAN) == set()
    assert all(ITALIAN.values())


def test_translations_fill_only_values_that_are_there() -> None:
    for english, italian in ITALIAN.items():
        if english != "%(en)s":
            assert set(PLACES.findall(italian)) <= set(PLACES.findall(english)), english


def test_a_sentence_within_a_sentence_is_said_too() -> None:
    inner = Sentence("an area in m²")
    outer = Sentence("%(text)r is not %(wanted)s", text="12 kg", wanted=inner)
    assert outer == "'12 kg' is not an area in m²"
    assert i18n.said(outer) == "«12 kg» non è una superficie in m²"
    with i18n.use_language("en"):
        assert i18n.said(outer) == outer
    assert i18n.said(DataError(outer)) == i18n.said(outer)
    assert i18n.said("plain") == "plain"


def test_a_kept_sentence_can_be_said_in_any_language_later() -> None:
    kept = packed(Sentence("%(text)r is not %(wanted)s", text="x", wanted=Sentence("a point")))
    assert spoken(kept) == "«x» non è un punto"
    assert unpacked(kept) == "'x' is not a point"
    without = packed(Sentence("%(text)r is not a number", text="Rossi"), hidden=True)
    assert "Rossi" not in str(without)
    assert spoken(without) == f"«{HIDDEN}» non è un numero"


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_has_a_word(kind: str) -> None:
    missing = set(FIELDS[kind]) - set(FIELD_WORDS)
    assert kind == "closures" or missing == set()
