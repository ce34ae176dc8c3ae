"""Addresses in one normal form, so that "V.le G. Verdi 12/A" and "viale verdi 12 a" meet."""

from __future__ import annotations

import re
import unicodedata

# Street types with the abbreviations in use on Italian street signs and in registers.
_STREET_TYPES = {
    "via": "v", "viale": "vle le vl", "corso": "cso co crs", "piazza": "pza pzza pz piaza p",
    "piazzale": "ple pzle ple pzale", "piazzetta": "pzetta pta", "largo": "lgo",
    "larghetto": "lgtto", "vicolo": "vlo vco vic", "strada": "str sda", "stradone": "strne",
    "contrada": "cda ctr contr", "borgo": "bgo", "borgata": "bta bgta", "frazione": "fraz fr frz",
    "localita": "loc", "lungomare": "lgmare", "lungolago": "lglago", "galleria": "gall",
    "passaggio": "pass psg", "passeggiata": "passegg", "rotonda": "rot", "salita": "sal",
    "scalinata": "scal", "sentiero": "sent", "traversa": "trav tr", "villaggio": "vill",
    "cascina": "cna casc", "cortile": "ctle", "circonvallazione": "circ circonv cne",
    "residenza": "res", "complesso": "compl", "quartiere": "qre quart", "regione": "reg",
}  # fmt: skip
# Words of names; only unambiguous abbreviations, a name is never shortened further.
_WORDS = {
    "san": "s", "santa": "sta", "santo": "sto", "santi": "ss", "fratelli": "flli",
    "generale": "gen", "colonnello": "col", "capitano": "cap", "tenente": "ten",
    "maresciallo": "mar", "cardinale": "card", "monsignore": "mons", "onorevole": "on",
    "professore": "prof", "dottore": "dott dr", "avvocato": "avv", "ingegnere": "ing",
    "cavaliere": "cav", "beato": "bto", "beata": "bta", "padre": "pdre", "don": "d",
    "nostra signora": "nssignora", "sant": "", "primo": "", "maggiore": "magg",
}  # fmt: skip
_TYPE_OF = {short: full for full, shorts in _STREET_TYPES.items() for short in shorts.split()}
_WORD_OF = {short: full for full, shorts in _WORDS.items() for short in shorts.split()}
_ROMAN = re.compile(r"^(?=[ivx])x{0,3}(ix|iv|v?i{0,3})$")
_ROMAN_VALUE = {"i": 1, "v": 5, "x": 10}
_NO_NUMBER = re.compile(r"\b(?:senza numero civico|senza numero|s n c|snc)\b")
_NUMBER_WORD = re.compile(r"\b(?:numero civico|civico|numero|num|nr|n)\b(?=\s*\d)")
_KILOMETRE = re.compile(r"\bkm\b")


def normalise_address(text: str) -> str:
    """An address as it is compared: lower case, no accents, abbreviations written out.

    Parameters
    ----------
    text
        Street and house number as somebody wrote them, for example ``"P.zza S. Rocco, 12/A"``.

    Returns
    -------
    str
        For example ``"piazza san rocco 12a"``; an empty text for nothing to compare. The form
        is for comparing only and is never shown. Normalising twice changes nothing.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = plain.replace("ß", "ss").replace("’", "'").replace("n°", "n ").replace("nº", "n ")
    # An abbreviation keeps together what its point divides: p.za, c.so, f.lli.
    plain = re.sub(r"(?<![a-z])([a-z]{1,2})\.([a-z]{1,4})(?![a-z.])\.?", r"\1\2", plain)
    plain = re.sub(r"[^\w]+|_", " ", plain).strip()
    plain = _NO_NUMBER.sub(" ", plain)
    plain = _NUMBER_WORD.sub(" ", plain)
    words = plain.split()
    words = [_expanded(word, position, words) for position, word in enumerate(words)]
    return " ".join(_joined_number(" ".join(words).split()))[:300]


def _expanded(word: str, position: int, words: list[str]) -> str:
    last = position == len(words) - 1
    if position == 0 and not last and word in _TYPE_OF:
        return _TYPE_OF[word]
    if last or position == 0 or words[position + 1][0].isdigit():
        return _arabic(word) if position else word
    return _WORD_OF.get(word, _arabic(word))


def _arabic(word: str) -> str:
    """Roman numbers of two letters or more as figures: via XXV Aprile, Pio XII."""
    if len(word) < 2 or not _ROMAN.match(word):
        return word
    values = [_ROMAN_VALUE[letter] for letter in word]
    return str(
        sum(
            -value if value < following else value
            for value, following in zip(values, [*values[1:], 0], strict=True)
        )
    )


def _joined_number(words: list[str]) -> list[str]:
    """A house number and the letter or word after it become one word: 12 a, 12/A, 12 bis."""
    joined: list[str] = []
    for word in words:
        exponent = re.fullmatch(r"[a-z]|bis|ter|quater", word)
        if joined and exponent and re.fullmatch(r"\d+", joined[-1]) and len(joined) > 1:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def search_key(street: str, house_number: str = "") -> str:
    """The normal form of a street with its house number, as it is stored and searched."""
    return normalise_address(f"{street} {house_number}")
