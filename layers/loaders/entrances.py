"""Loading entrances: house numbers (*numeri civici*) with the stairwells behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from layers.errors import Sentence
from layers.loaders import geometry, values
from layers.loaders.addresses import search_key
from layers.loaders.buildings import OF_BUILDING, changed_map
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.loaders.staged import StagedLoader, load_whole
from layers.loaders.staging import as_ewkb

_ADDRESS = ("street", "house_number", "postcode", "city")


def load_entrances(
    session: Session,
    quarter_id: int,
    frame: pd.DataFrame,
    report: Report | None = None,
    *,
    names: Mapping[str, str] | None = None,
    join_within_m: float = 0.0,
) -> Report:
    """Store house numbers by source_id and the stairwells they lead to.

    Parameters
    ----------
    frame
        ``source_id``, ``street``, ``house_number``, ``postcode``, ``city``, ``geometry`` (points
        in SRID); optionally ``building`` (source_id of a building in the quarter), ``stairwell``
        (its label), ``lift`` and ``step_free``. The index holds the row numbers. Without
        ``building`` a point belongs to the building that holds it; a point in no building stays,
        joined to none.
    join_within_m
        Also join points this far outside a wall.

    Returns
    -------
    Report
        ``report`` or a new one.

    Raises
    ------
    DataError
        When the quarter does not exist.
    """
    return load_whole(
        lambda told: EntranceLoader(session, quarter_id, told, names, join_within_m=join_within_m),
        frame,
        report,
    )


class EntranceLoader(StagedLoader):
    """Stages batches of entrances, then merges them in one step."""

    columns: ClassVar[Mapping[str, str]] = {
        "source_id": "varchar", "street": "varchar", "house_number": "varchar",
        "postcode": "varchar", "city": "varchar", "search_key": "varchar",
        "point": "geometry", "building": "varchar", "label": "varchar",
        "lift": "boolean", "step_free": "boolean", "building_id": "bigint",
    }  # fmt: skip

    def __init__(
        self,
        session: Session,
        quarter_id: int,
        report: Report,
        names: Mapping[str, str] | None = None,
        *,
        join_within_m: float = 0.0,
    ) -> None:
        super().__init__(session, quarter_id, report, names)
        self.join_within_m = join_within_m
        self.told: tuple[str, ...] = ()

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch and copy what is sound to the stage."""
        rows = Rows(frame, self.report, self.names)
        spots = geometry.points(
            rows.geometries(), rows.rows, self.report, field=rows.called("geometry")
        )
        self.told = tuple(name for name in ("lift", "step_free") if rows.has(name))
        street, number = rows.texts("street", 200), rows.texts("house_number", 30)
        postcode, city = rows.texts("postcode", 10), rows.texts("city", 100)
        building, label = rows.texts("building", 180), rows.texts("stairwell", 30)
        for i in range(len(frame)):
            if not street[i] and not number[i] and not label[i]:
                rows.refuse(
                    i, "street", Sentence("is empty: neither an address nor a stairwell is told")
                )
        lift = rows.parsed("lift", values.parse_yes_no, strict=False)
        step_free = rows.parsed("step_free", values.parse_yes_no, strict=False)
        keys = (
            rows.texts("source_id", 180, required=True, key=True)
            if rows.has("source_id")
            else [
                "" if spot is None else _point_key(street[i], number[i], label[i], spot.wkb)
                for i, spot in enumerate(spots)
            ]
        )
        self.stage.copy(
            (
                int(rows.rows[i]), keys[i], street[i], number[i], postcode[i], city[i],
                search_key(street[i], number[i]), as_ewkb(spots[i]), building[i] or None,
                label[i] or None, lift[i], step_free[i], None,
            )
            for i in np.flatnonzero(rows.kept()).tolist()
        )  # fmt: skip

    def finish(self) -> None:
        """Join to buildings, merge addresses and stairwells; counts go to the report."""
        stage, report, quarter = self.stage, self.report, self.place.quarter_id
        stage.refuse_duplicates(["source_id"], report, self.names.get("source_id", "source_id"))
        self._find_buildings()
        changed = self._changed_rows()
        stage.merge(
            "address_point", key=["source_id"],
            columns=[*_ADDRESS, "search_key", "point", "building_id"],
            fixed={"quarter_id": quarter},
        )  # fmt: skip
        self._merge_stairwells()
        # A real entrance is better than the middle of its building.
        stage.run(
            """
            delete from address_point a using {stage} s
             where a.quarter_id = %(quarter)s and a.building_id = s.building_id
               and a.source_id like %(sign)s || '%%'
            """,
            {"quarter": quarter, "sign": OF_BUILDING},
        )
        report.accepted += changed
        report.unchanged += stage.count() - changed
        lost = stage.run("select count(*) from {stage} where building_id is null").fetchone()
        if lost and lost[0]:
            report.note(
                Sentence(
                    "%(lost)s entrances lie in no building and were kept without one.", lost=lost[0]
                )
            )
        if changed:
            changed_map(stage, quarter)
        self.close()

    def _find_buildings(self) -> None:
        stage, quarter = self.stage, self.place.quarter_id
        values_ = {"quarter": quarter, "within": self.join_within_m}
        stage.run(
            "update {stage} s set building_id = b.id from building b "
            "where b.quarter_id = %(quarter)s and b.source_id = s.building",
            values_,
        )
        unknown = stage.run(
            "delete from {stage} where building is not null and building_id is null "
            "returning row, building"
        ).fetchall()
        for row, told in sorted(unknown):
            self.report.refuse(
                row, self.names.get("building", "building"),
                Sentence("names the building %(told)r, which the quarter does not have", told=told),
            )  # fmt: skip
        stage.run(
            """
            update {stage} s set building_id = found.id
              from (select p.row, b.id from {stage} p cross join lateral (
                           select b.id from building b
                            where b.quarter_id = %(quarter)s and b.closed_on is null
                              and st_dwithin(b.footprint, p.point, %(within)s)
                            order by st_distance(b.footprint, p.point), st_area(b.footprint), b.id
                            limit 1) b
                     where p.building_id is null) found
             where found.row = s.row
            """,
            values_,
        )
        lonely = stage.run(
            "delete from {stage} where label is not null and building_id is null returning row"
        ).fetchall()
        for (row,) in sorted(lonely):
            self.report.refuse(
                row, self.names.get("stairwell", "stairwell"),
                Sentence("is a stairwell whose entrance lies in no building"),
            )  # fmt: skip

    def _changed_rows(self) -> int:
        """How many rows differ from what is stored, in the address or in the stairwell."""
        told = " ".join(f"or (s.{name} is distinct from w.{name})" for name in self.told)
        row = self.stage.run(
            f"""
            select count(*) from {{stage}} s
              left join address_point a
                     on a.quarter_id = %(quarter)s and a.source_id = s.source_id
              left join stairwell w on w.building_id = s.building_id and w.label = s.label
             where a.id is null
                or (a.street, a.house_number, a.postcode, a.city, a.point, a.building_id)
                   is distinct from
                   (s.street, s.house_number, s.postcode, s.city, s.point, s.building_id)
                or (s.label is not null and (w.id is null or w.entrance is distinct from s.point
                    or w.address_point_id is distinct from a.id {told}))
            """,  # noqa: S608 (column names of our own)
            {"quarter": self.place.quarter_id},
        ).fetchone()
        return int(row[0]) if row else 0

    def _merge_stairwells(self) -> None:
        told = "".join(f", {name}" for name in self.told)
        set_told = "".join(f", excluded.{name}" for name in self.told)
        self.stage.run(
            f"""
            insert into stairwell as w (building_id, label, entrance, address_point_id{told})
            select distinct on (s.building_id, s.label)
                   s.building_id, s.label, s.point, a.id{"".join(f", s.{n}" for n in self.told)}
              from {{stage}} s
              join address_point a on a.quarter_id = %(quarter)s and a.source_id = s.source_id
             where s.label is not null
             order by s.building_id, s.label, s.row
                on conflict (building_id, label) do update
               set (entrance, address_point_id{told})
                 = (excluded.entrance, excluded.address_point_id{set_told})
             where (w.entrance, w.address_point_id{"".join(f", w.{n}" for n in self.told)})
                   is distinct from (excluded.entrance, excluded.address_point_id{set_told})
            """,  # noqa: S608 (column names of our own)
            {"quarter": self.place.quarter_id},
        )


def _point_key(street: str, number: str, label: str, wkb: bytes) -> str:
    told = f"{street}\x1f{number}\x1f{label}\x1f".encode() + wkb
    return "entrance-" + hashlib.blake2s(told, digest_size=10).hexdigest()
