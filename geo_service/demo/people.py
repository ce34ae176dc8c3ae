"""Invented households of the demonstration: who lives where, since when, and what they need."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from geo_service.demo.quarter import SEED, building_id

MOVED = 46
EMPTY = 64
MOVED_OPPOSITE_B2 = 3
GUESTS = 2
# Buildings from whose windows one looks at the demolition of building 7.
_FACING_7 = (building_id(6), building_id(8))

PURPOSE = "accompagnamento durante i lavori"
LEGAL_BASIS = "compito di interesse pubblico; d.lgs. 196/2003, art. 2-sexies"
NEEDS = {
    "no_stairs": ("non può fare le scale", 52),
    "step_free": ("esce solo senza gradini", 14),
    "sleeps_by_day": ("lavora di notte, dorme di giorno", 24),
    "interpreter": ("serve un interprete per i colloqui", 31),
    "reads_large_print": ("legge solo caratteri grandi", 18),
    "hearing": ("non sente telefono e citofono", 12),
    "accompanied": ("va accompagnato negli spostamenti", 16),
    "studies_at_home": ("studia in casa di mattina", 20),
}
LIFE_SUPPORT = ("life_support", "apparecchio salvavita elettrico in casa")

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PeopleFrames:
    """Households with what hangs on them; flats are named by building, stairwell, number.

    ``households``: code, language, size, channel, protected, name, phone, email. ``stays``:
    code, building, stairwell, number, starts_on, ends_on (last day, or None), title. ``needs``:
    code, kind, note, purpose, legal_basis, review_on.
    """

    households: pd.DataFrame
    stays: pd.DataFrame
    needs: pd.DataFrame


@cache
def _names() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        Path(__file__).with_name("names.yaml").read_text(encoding="utf-8")
    )
    return loaded


def make_people(flats: pd.DataFrame, today: dt.date, seed: int = SEED) -> PeopleFrames:
    """People for ``flats`` of :func:`make_quarter`; only dates depend on ``today``."""
    rng = random.Random(f"people {seed}")  # noqa: S311
    dwellings = flats[flats["use"] == "dwelling"]
    homes = _homes(rng, dwellings)
    builder = _Builder(rng, today, _languages(rng, len(homes) + GUESTS))
    facts = {_key(row): row for row in flats.to_dict("records")}
    for former, present in homes:
        builder.household(facts[present], former)
    _guests(rng, builder, facts, homes)
    for shop, row in zip(
        _names()["shops"], flats[flats["use"] == "shop"].to_dict("records"), strict=True
    ):
        builder.shop(shop, row)
    builder.needs(facts)
    return builder.frames()


def _key(row: dict[str, Any]) -> Key:
    return row["building"], row["stairwell"], row["number"]


def _homes(rng: random.Random, dwellings: pd.DataFrame) -> list[tuple[Key | None, Key]]:
    """Pairs of the flat in building 7 that was left (or None) and the flat lived in today."""
    keys = [_key(row) for row in dwellings.to_dict("records")]
    sold = {_key(row) for row in dwellings[dwellings["sold"]].to_dict("records")}
    seven = [k for k in keys if k[0] == building_id(7)]
    others = [k for k in keys if k[0] != building_id(7)]
    # These are lived in, whatever the dice say: planted situations hang on them.
    kept = {_wheelchair_home(), _life_support_home(), *_upper_homes_2a()}
    free = [k for k in others if k not in kept]
    empty = set(rng.sample(free, EMPTY))
    lived_in = [k for k in others if k not in empty]
    # The owner of building 7 can move people only into flats that it still owns.
    owned = [k for k in lived_in if k not in kept and k not in sold]
    opposite = [k for k in owned if k[0] == building_id(8)]
    elsewhere = [k for k in owned if k[0] not in _FACING_7]
    new_homes = rng.sample(opposite, MOVED_OPPOSITE_B2)
    new_homes += rng.sample(elsewhere, MOVED - MOVED_OPPOSITE_B2)
    left = sorted(rng.sample(seven, MOVED), key=seven.index)
    rng.shuffle(new_homes)
    moved = dict(zip(new_homes, left, strict=True))
    return [(moved.get(k), k) for k in lived_in]


def _wheelchair_home() -> Key:
    return building_id(4), "4A", "1"


def _life_support_home() -> Key:
    return building_id(10), "10A", "34"


def _upper_homes_2a() -> tuple[Key, Key]:
    return (building_id(2), "2A", "15"), (building_id(2), "2A", "20")


def _languages(rng: random.Random, number: int) -> list[str]:
    """Languages in their shares, by largest remainder, so that no throw of dice distorts them."""
    shares = {code: entry["share"] for code, entry in _names().items() if code != "shops"}
    exact = {code: number * share / sum(shares.values()) for code, share in shares.items()}
    counts = {code: int(value) for code, value in exact.items()}
    by_rest = sorted(exact, key=lambda code: (counts[code] - exact[code], code))
    for code in by_rest[: number - sum(counts.values())]:
        counts[code] += 1
    drawn = [code for code, count in counts.items() for _ in range(count)]
    rng.shuffle(drawn)
    return drawn


def _guests(
    rng: random.Random,
    builder: _Builder,
    facts: dict[Key, dict[str, Any]],
    homes: list[tuple[Key | None, Key]],
) -> None:
    """Two households that share a relative's flat: present, so they are told as well."""
    settled = [present for former, present in homes if former is None]
    for key in rng.sample(settled, GUESTS):
        builder.household(facts[key], None, title="guest")


class _Builder:
    """Collects rows; the order of calls is fixed, so the same dice give the same people."""

    def __init__(self, rng: random.Random, today: dt.date, languages: list[str]) -> None:
        self.rng = rng
        self.today = today
        self.languages = iter(languages)
        self.households: list[dict[str, Any]] = []
        self.stays: list[dict[str, Any]] = []
        self.need_rows: list[dict[str, Any]] = []
        self.at: dict[str, Key] = {}

    def household(self, flat: dict[str, Any], former: Key | None, title: str = "") -> None:
        """A household in ``flat``; with ``former`` it was moved there out of building 7."""
        language = next(self.languages)
        code = self._contact(language, self._size(language, flat["rooms"]))
        self.at[code] = _key(flat)
        since = self._since(flat["sold"] or bool(title))
        if former is None:
            self._stay(code, _key(flat), title or self._title(flat["sold"]), since, None)
            return
        moved_on = self.today - dt.timedelta(days=7 * self.rng.randint(5, 14))
        moved_on += dt.timedelta(days=self.rng.randint(0, 4))
        self._stay(code, former, "assignee", since, moved_on - dt.timedelta(days=1))
        self._stay(code, _key(flat), "guest", moved_on, None)

    def shop(self, shop: dict[str, str], flat: dict[str, Any]) -> None:
        code = f"RN-N{flat['stairwell']}{flat['number'][1:]}"
        self.households.append(
            {
                "code": code, "language": shop["language"], "size": None, "channel": "visit",
                "protected": False, "name": shop["name"], "phone": self._phone(),
                "email": f"{code.lower()}@example.org",
            }
        )  # fmt: skip
        since = self._since(recent=True)
        self._stay(code, _key(flat), "business", since, None)

    def needs(self, facts: dict[Key, dict[str, Any]]) -> None:
        """Planted needs first, then the rest spread over all dwellings."""
        living = {key: code for code, key in self.at.items()}
        self._need(living[_wheelchair_home()], "step_free", "usa la carrozzina; abita al rialzato")
        self._need(living[_life_support_home()], *LIFE_SUPPORT)
        for key in _upper_homes_2a():
            self._need(living[key], "no_stairs", "non può fare le scale; ascensore indispensabile")
        codes = sorted(self.at)
        # Power is cut in building 10 alone: there the need is the planted one and no other.
        elsewhere = [c for c in codes if self.at[c][0] != building_id(10)]
        for code in self.rng.sample(elsewhere, 3):
            self._need(code, *LIFE_SUPPORT)
        for kind, (note, number) in NEEDS.items():
            chosen = [c for c in codes if self._may_have(kind, c, facts)]
            for code in self.rng.sample(chosen, number):
                self._need(code, kind, note)
        for code in self.rng.sample(elsewhere, 2):
            next(h for h in self.households if h["code"] == code)["protected"] = True

    def _may_have(self, kind: str, code: str, facts: dict[Key, dict[str, Any]]) -> bool:
        flat = facts[self.at[code]]
        if kind == "interpreter":
            row = next(h for h in self.households if h["code"] == code)
            return bool(row["language"] != "it")
        if kind == "step_free":
            # The planted household is the only one in 4A that needs a step-free way.
            return bool(flat["step_free"]) and flat["stairwell"] != "4A"
        if kind == "no_stairs":
            return self.at[code] not in _upper_homes_2a()
        return True

    def _need(self, code: str, kind: str, note: str) -> None:
        review_on = self.today + dt.timedelta(days=self.rng.randint(60, 360))
        self.need_rows.append(
            {
                "code": code, "kind": kind, "note": note, "purpose": PURPOSE,
                "legal_basis": LEGAL_BASIS, "review_on": review_on,
            }
        )  # fmt: skip

    def _contact(self, language: str, size: int) -> str:
        names = _names()[language]
        code = f"RN-{len(self.households) + 1:04d}"
        name = " ".join(
            (
                self.rng.choice(names["given"]),
                self.rng.choice(names["first"]) + self.rng.choice(names["second"]),
            )
        )
        channel = self.rng.choices(
            ("letter", "phone", "sms", "email", "visit"), (62, 14, 12, 9, 3)
        )[0]
        self.households.append(
            {
                "code": code, "language": language, "size": size, "channel": channel,
                "protected": False, "name": name, "phone": self._phone(),
                "email": f"{code.lower()}@example.org" if channel == "email" else "",
            }
        )  # fmt: skip
        return code

    def _phone(self) -> str:
        # No area or operator in Italy has the prefix 000: nobody can be rung up by mistake.
        return f"+39 000 {self.rng.randint(0, 9_999_999):07d}"

    def _size(self, language: str, rooms: int) -> int:
        weights = (40, 29, 14, 11, 4, 2) if language == "it" else (12, 18, 23, 26, 14, 7)
        return min(self.rng.choices(range(1, 7), weights)[0], rooms + 2)

    def _title(self, sold: bool) -> str:
        if sold:
            return self.rng.choices(("owner", "private_tenant"), (70, 30))[0]
        return self.rng.choices(("assignee", "untitled"), (95, 5))[0]

    def _since(self, recent: bool) -> dt.date:
        years = self.rng.triangular(0.6, 25 if recent else 48, 6)
        return self.today - dt.timedelta(days=round(years * 365.25))

    def _stay(
        self, code: str, key: Key, title: str, starts_on: dt.date, ends_on: dt.date | None
    ) -> None:
        building, stairwell, number = key
        self.stays.append(
            {
                "code": code, "building": building, "stairwell": stairwell, "number": number,
                "starts_on": starts_on, "ends_on": ends_on, "title": title,
            }
        )  # fmt: skip

    def frames(self) -> PeopleFrames:
        households = pd.DataFrame(self.households)
        # Shops have no size; None stays None only in a column of objects.
        households["size"] = pd.Series([h["size"] for h in self.households], dtype=object)
        return PeopleFrames(households, pd.DataFrame(self.stays), pd.DataFrame(self.need_rows))
