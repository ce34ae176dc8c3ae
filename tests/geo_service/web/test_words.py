"""Every Italian sentence of the screens has an English one, with the same places to fill in."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from geo_service import i18n
from geo_service.web import words

PACKAGE = Path(i18n.__file__).parent
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
# Without its extension a template is skipped without a word.
OPTIONS = {"**.html": {"extensions": "jinja2.ext.do", "silent": "false"}}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def _messages() -> set[str]:
    found: set[str] = set()
    for file, _, message, _, _ in extract_from_dir(
        PACKAGE, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=()
    ):
        if not file.startswith(("static", "migrations")):
            found.update([message] if isinstance(message, str) else message)
    return found


MESSAGES = _messages()
_english = i18n.catalogue("en")
PLACES = re.compile(r"%\((\w+)\)s")


def test_messages_are_found() -> None:
    assert len(MESSAGES) > 300


def test_every_message_has_an_english_translation() -> None:
    known = _english._catalog  # type: ignore[attr-defined]
    translated = {key[0] if isinstance(key, tuple) else key for key in known}
    singulars = {m for m in MESSAGES if m in translated}
    plurals = MESSAGES - singulars
    # The plural form of a message stands beside its singular, not on its own.
    spoken = {
        i18n_plural for i18n_plural in plurals if any(p == i18n_plural for p in _plural_ids())
    }
    assert plurals - spoken == set()


def _plural_ids() -> set[str]:
    text = (i18n.LOCALE / "en" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    return set(re.findall(r'^msgid_plural "(.*)"$', text, flags=re.M))


def test_translations_fill_the_same_places() -> None:
    for message in MESSAGES:
        english = _english.gettext(message)
        assert set(PLACES.findall(english)) == set(PLACES.findall(message)), message


def test_dates_are_said_as_people_say_them() -> None:
    monday = dt.date(2026, 3, 2)
    assert i18n.day(monday, monday) == "lun 2 mar"
    assert i18n.day(monday) == "lun 2 mar 2026"
    assert i18n.period(monday, dt.date(2026, 3, 6), monday) == "da lun 2 mar a ven 6 mar"
    assert i18n.period(monday, None, monday) == "da lun 2 mar, fine da definire"
    with i18n.use_language("en"):
        assert i18n.day(monday, monday) == "Mon 2 Mar"


@pytest.mark.parametrize(
    ("header", "language"),
    [("en-GB,en;q=0.9", "en"), ("de", "it"), ("en;q=0", "it"), ("it;q=0.3, en;q=0.9", "en"),
     ("en;q=x", "it"), ("", "it")],
)  # fmt: skip
def test_the_browsers_language(header: str, language: str) -> None:
    assert i18n.best_language(header) == language


def test_weekdays_are_put_together() -> None:
    assert words.weekdays(0b0011111) == "lun–ven"
    assert words.weekdays(0b0001010) == "mar, gio"
    assert words.weekdays(127) == "tutti i giorni"


def test_split_hours_of_equal_days_stand_on_one_line() -> None:
    hours = [
        (0b0011111, dt.time(14), dt.time(17, 30), True),
        (0b0011111, dt.time(8), dt.time(12), True),
    ]
    assert words.hours_lines(hours, noisy=True) == ["lun–ven 8:00–12:00 e 14:00–17:30"]
    assert words.hours_lines(hours, noisy=False) == []
