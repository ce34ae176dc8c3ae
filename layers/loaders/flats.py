"""Loading flats (*alloggi*) into the stairwells of buildings that are there already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from psycopg import sql
from sqlalchemy.orm import Session

from layers.buildings import EXPOSURES
from layers.errors import Sentence
from layers.loaders import values
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.loaders.staged import StagedLoader, load_whole
from layers.loaders.staging import Stage

# The stairwell of a building that has only one and gives it no name.
ONLY_STAIRWELL = "unica"
_STOREYS = {
    "t": 0, "pt": 0, "terra": 0, "piano terra": 0, "terreno": 0, "r": 0, "rialzato": 0,
    "piano rialzato": 0, "s": -1, "s1": -1, "seminterrato": -1, "interrato": -1, "s2": -2,
    "primo": 1, "secondo": 2, "terzo": 3, "quarto": 4, "quinto": 5, "sesto": 6, "settimo": 7,
    "ottavo": 8, "nono": 9, "decimo": 10,
}  # fmt: skip
# In Italian O is west (ovest), never east.
_SIDES = {"nord": "n", "sud": "s", "est": "e", "ovest": "w", "north": "n", "south": "s",
          "east": "e", "west": "w", "o": "w", "no": "nw", "so": "sw"}  # fmt: skip
_USES = {
    "dwelling": "dwelling alloggio abitazione residenziale abitativo casa flat apartment erp",
    "shop": "shop negozio commerciale bottega",
    "office": "office ufficio studio ambulatorio",
    "association": "association associazione sede",
    "other": "other altro magazzino box cantina deposito",
}
_USE_OF = {word: use for use, words in _USES.items() for word in words.split()}
_ATTRIBUTES = ("storey", "rooms", "area_m2", "step_free", "exposures", "use", "sold")


def load_flats(
    session: Session,
    quarter_id: int,
    frame: pd.DataFrame,
    report: Report | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Store flats by building, stairwell and number; missing stairwells are made.

    Parameters
    ----------
    frame
        ``building`` (source_id or public code), ``number``; optionally ``stairwell`` (its label;
        may be empty where the building has one only), ``storey`` (0 = ground floor), ``rooms``,
        ``area_m2``, ``step_free``, ``exposures`` ("N,E" or a list), ``use``, ``sold``.

    Returns
    -------
    Report
        ``report`` or a new one; a flat in no building of the quarter is refused.

    Raises
    ------
    DataError
        When the quarter does not exist.
    """
    return load_whole(lambda told: FlatLoader(session, quarter_id, told, names), frame, report)


class FlatLoader(StagedLoader):
    """Stages batches of flats, then merges them in one step."""

    columns: ClassVar[Mapping[str, str]] = {
        "building": "varchar", "label": "varchar", "number": "varchar",
        "storey": "smallint", "rooms": "smallint", "area_m2": "numeric(8,2)",
        "step_free": "boolean", "exposures": "varchar(2)[]", "use": "varchar",
        "sold": "boolean", "building_id": "bigint", "stairwell_id": "bigint",
    }  # fmt: skip

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch and copy what is sound to the stage."""
        rows = Rows(frame, self.report, self.names)
        building = rows.texts("building", 180, required=True, key=True)
        label = rows.texts("stairwell", 30, key=True)
        number = rows.texts("number", 30, required=True, key=True)
        columns = [
            rows.parsed("storey", parse_storey, accepted=lambda n: -3 <= n <= 130,
                        wanted=Sentence("a storey between -3 and 130")),
            rows.parsed("rooms", values.parse_whole, accepted=lambda n: 1 <= n <= 30,
                        wanted=Sentence("a number of rooms between 1 and 30")),
            rows.parsed("area_m2", values.parse_number, accepted=lambda n: 0 < n < 10_000,
                        wanted=Sentence("an area in m²")),
            rows.parsed("step_free", values.parse_yes_no),
            rows.parsed("exposures", parse_exposures),
            rows.parsed("use", _use, accepted=lambda use: use in _USES,
                        wanted=Sentence("a use; one of %(names)s", names=', '.join(_USES))),
            rows.parsed("sold", values.parse_yes_no),
        ]  # fmt: skip
        columns[2] = [None if area is None else round(area, 2) for area in columns[2]]
        columns[5] = [use or "dwelling" for use in columns[5]]
        columns[6] = [bool(sold) for sold in columns[6]]
        self.attributes = tuple(name for name in _ATTRIBUTES if rows.has(name))
        self.stage.copy(
            (
                int(rows.rows[i]), building[i], label[i] or None, number[i],
                *(column[i] for column in columns), None, None,
            )
            for i in np.flatnonzero(rows.kept()).tolist()
        )  # fmt: skip

    def finish(self) -> None:
        """Find buildings and stairwells, refuse duplicates, merge; counts go to the report."""
        stage, report = self.stage, self.report
        find_stairwells(stage, self.place.quarter_id, report, self.names, make=True)
        stage.refuse_duplicates(
            ["stairwell_id", "number"], report, self.names.get("number", "number")
        )
        self.merge("flat", key=["stairwell_id", "number"], columns=self.attributes)
        self.close()


def find_stairwells(
    stage: Stage, quarter_id: int, report: Report, names: Mapping[str, str], *, make: bool
) -> None:
    """Fill ``building_id`` and ``stairwell_id`` from ``building`` and ``label``.

    A building is known by its source_id or its public code. An empty label means the only
    stairwell of the building. With ``make`` missing stairwells are added.
    """
    given = {"quarter": quarter_id, "only": ONLY_STAIRWELL}
    for match in ("b.source_id = s.building", "b.code = upper(s.building)"):
        stage.run(
            "update {stage} s set building_id = b.id from building b "
            "where b.quarter_id = %(quarter)s and s.building_id is null and {match}",
            given,
            match=sql.SQL(match),
        )
    for row, told in stage.run(
        "delete from {stage} where building_id is null returning row, building"
    ).fetchall():
        report.refuse(
            row, names.get("building", "building"),
            Sentence("names the building %(told)r, which the quarter does not have", told=told),
        )  # fmt: skip
    if make:
        stage.run(
            "insert into stairwell (building_id, label) select distinct building_id, label "
            "from {stage} where label is not null on conflict do nothing"
        )
        stage.run(
            "insert into stairwell (building_id, label) select distinct building_id, %(only)s "
            "from {stage} s where label is null and not exists (select from stairwell w "
            "where w.building_id = s.building_id) on conflict do nothing",
            given,
        )
    stage.run(
        "update {stage} s set stairwell_id = w.id from stairwell w "
        "where w.building_id = s.building_id and (w.label = s.label or (s.label is null and not "
        "exists (select from stairwell o where o.building_id = w.building_id and o.id <> w.id "
        "and o.closed_on is null)))"
    )
    for row, told in stage.run(
        "delete from {stage} where stairwell_id is null returning row, label"
    ).fetchall():
        reason = (
            Sentence("is empty, but the building has several stairwells")
            if told is None
            else Sentence(
                "names the stairwell %(told)r, which the building does not have", told=told
            )
        )
        report.refuse(row, names.get("stairwell", "stairwell"), reason)
    if make:
        _refuse_in_ended_stairwells(stage, report, names)


def _refuse_in_ended_stairwells(stage: Stage, report: Report, names: Mapping[str, str]) -> None:
    """Flats that an ended stairwell had are left as they are; it gets no new ones."""
    refused = stage.run(
        "delete from {stage} s using stairwell w where w.id = s.stairwell_id "
        "and w.closed_on is not null and not exists (select from flat f "
        "where f.stairwell_id = w.id and f.number = s.number) returning s.row, w.label, w.closed_on"
    ).fetchall()
    for row, told, closed_on in refused:
        report.refuse(
            row, names.get("stairwell", "stairwell"),
            Sentence(
                "names the stairwell %(told)r, which ended on %(day)s",
                told=told, day=closed_on.isoformat(),
            ),
        )  # fmt: skip


def parse_storey(value: Any) -> int:
    """The storey in a cell, 0 for the ground floor: "T", "rialzato", "1°", "piano 3", "S1".

    Raises ValueError when it cannot be told.
    """
    text = values.clean_text(value)[0].lower().strip(" .°º^")
    if text in _STOREYS:
        return _STOREYS[text]
    word = re.sub(r"^(piano|p\.?)\s*|\s*(piano|°|º)$", "", text).strip(" .°º^")
    if word in _STOREYS:
        return _STOREYS[word]
    if not re.fullmatch(r"[-+]?\d{1,3}", word):
        raise ValueError(
            Sentence(
                "%(text)r is not a storey; write 0 for the ground floor, 1, 2, ...", text=text[:40]
            )
        )
    return int(word)


def parse_exposures(value: Any) -> list[str]:
    """Compass sides in a cell, in English letters: "N,E", "sud-ovest", ["N"].

    Raises ValueError for a word that is no side.
    """
    sides: list[str] = []
    for word in values.parse_list(value):
        plain = word.lower().replace("-", "").replace("_", "")
        for full, short in sorted(_SIDES.items(), key=lambda side: -len(side[0])):
            if len(full) > 2:
                plain = plain.replace(full, short)
        side = _SIDES.get(plain, plain).upper()
        if side not in EXPOSURES:
            raise ValueError(
                Sentence(
                    "%(word)r is not a side; write N, NE, E, SE, S, SW, W or NW", word=word[:20]
                )
            )
        if side not in sides:
            sides.append(side)
    return sides


def _use(value: Any) -> str:
    word = values.clean_text(value)[0].lower()
    return _USE_OF.get(word, word)
