"""Words in the reader's language: Italian message ids, an English catalogue, spoken dates.

The catalogue is a text file (``locale/en/LC_MESSAGES/messages.po``) compiled in memory at first
use, so there is no binary to keep in step. The language of the running request is a context
variable: pages, exports and commands all read it the same way.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from layers.errors import Sentence

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = {"it": "Italiano", "en": "English"}
SOURCE_LANGUAGE = "it"

_language: ContextVar[str] = ContextVar("language", default=SOURCE_LANGUAGE)


@lru_cache
def catalogue(language: str) -> NullTranslations:
    """Compiled messages of ``language``; Italian is the source and needs no catalogue."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    return _compiled(language, "messages.po")


def _compiled(language: str, name: str) -> GNUTranslations:
    with (LOCALE / language / "LC_MESSAGES" / name).open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def current_language() -> str:
    """Code of the language in which the running request or command speaks."""
    return _language.get()


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Speak ``code`` within the block; an unknown code falls back to Italian."""
    token = _language.set(code if code in LANGUAGES else SOURCE_LANGUAGE)
    try:
        yield
    finally:
        _language.reset(token)


def gettext(message: str, **values: object) -> str:
    """``message`` in the current language, with ``%(name)s`` places filled from ``values``."""
    found = catalogue(current_language()).gettext(message)
    return found % values if values else found


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """Singular or plural of a message; ``%(count)s`` is always available."""
    found = catalogue(current_language()).ngettext(one, many, count)
    return found % {"count": number(count), **values}


def pairs(words: Mapping[str, str], codes: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Codes with their words in the current language, as a select box lists them.

    ``words`` maps a code to its message; ``codes`` are those wanted, by default all.
    """
    return [(code, gettext(words[code])) for code in (words if codes is None else codes)]


def said(sentence: object) -> str:
    """A sentence of the layers in the current language.

    The layers speak English; their :class:`layers.errors.Sentence` keeps words and values apart.
    Takes an error too, of which the first argument is said. Any other text is given back as it
    is.
    """
    if isinstance(sentence, BaseException):
        sentence = sentence.args[0] if sentence.args else ""
    if not isinstance(sentence, Sentence) or current_language() != SOURCE_LANGUAGE:
        return str(sentence)
    values = {k: said(v) if isinstance(v, str) else v for k, v in sentence.values.items()}
    found = _layers_in_italian().gettext(sentence.words)
    return found % values if values else found


@lru_cache
def _layers_in_italian() -> NullTranslations:
    return _compiled(SOURCE_LANGUAGE, "layers.po")


def N_(message: str) -> str:  # noqa: N802  (the usual name that extraction tools look for)
    """Mark ``message`` for translation where it is written; it is translated where shown."""
    return message


def number(value: float, digits: int = 0) -> str:
    """A number as written in the current language."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=_locale())


def as_given(value: float) -> str:
    """A number with the decimals that somebody gave it: a limit of 75,5 is not 76."""
    return format_decimal(value, format="#,##0.##", locale=_locale())


def day(date: dt.date, today: dt.date | None = None) -> str:
    """A date as a person says it: "lun 3 mar"; the year is added when it is not this year's.

    ``today`` decides which year goes without saying; without it the year is always written.
    """
    pattern = "EEE d MMM" if today is not None and date.year == today.year else "EEE d MMM y"
    return format_date(date, pattern, locale=_locale())


def long_day(date: dt.date) -> str:
    """A date in full: "lunedì 3 marzo 2026"."""
    return format_date(date, "EEEE d MMMM y", locale=_locale())


def period(first: dt.date, last: dt.date | None, today: dt.date | None = None) -> str:
    """A period with both days inclusive; ``last`` is None where no end is known."""
    if last is None:
        return gettext("da %(day)s, fine da definire", day=day(first, today))
    if first == last:
        return day(first, today)
    return gettext("da %(first)s a %(last)s", first=day(first, today), last=day(last, today))


def clock(time: dt.time) -> str:
    """Local wall time as written on notices: 8:30."""
    return format_time(time, "H:mm", locale=_locale())


def weekday_names(width: str = "abbreviated") -> list[str]:
    """Names of the seven weekdays from Monday in the current language."""
    monday = dt.date(2024, 1, 1)
    pattern = "EEE" if width == "abbreviated" else "EEEE"
    return [
        format_date(monday + dt.timedelta(days=offset), pattern, locale=_locale())
        for offset in range(7)
    ]


def best_language(accept: str, default: str = SOURCE_LANGUAGE) -> str:
    """First language of an ``Accept-Language`` header that is spoken here."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        code = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        if code in LANGUAGES and quality > 0:
            ranked.append((-quality, place, code))
    return min(ranked)[2] if ranked else default


def _locale() -> str:
    # British English: dates as "3 Mar", weeks that begin on Monday.
    return {"it": "it_IT", "en": "en_GB"}[current_language()]
