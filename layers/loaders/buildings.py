"""Loading buildings (*edifici*), with the addresses that some sources keep on them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from layers.buildings import public_code
from layers.errors import Sentence
from layers.loaders import geometry, values
from layers.loaders.addresses import search_key
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.loaders.staged import StagedLoader, load_whole
from layers.loaders.staging import Stage, as_ewkb
from layers.loaders.uses import building_use

MAX_HEIGHT_M = 400.0
MAX_STOREYS = 130
# A measured background outside this is a typing error.
MIN_BACKGROUND_DBA, MAX_BACKGROUND_DBA = 10.0, 100.0
# The Civil Protection's aggregates hold every roof; below this it is no home.
SHED_M2 = 15.0
_ATTRIBUTES = (
    "name", "height_m", "storeys", "use", "owner", "acoustic_class", "flats_declared",
    "background_day_dba", "background_evening_dba", "background_night_dba",
)  # fmt: skip
_ADDRESS = ("street", "house_number", "postcode", "city", "search_key", "point")
# Addresses that come with a building are known by this sign before its own key.
OF_BUILDING = "building:"


def load_buildings(
    session: Session,
    quarter_id: int,
    frame: pd.DataFrame,
    report: Report | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Store buildings given as a frame; new ones are added, changed ones updated by source_id.

    Parameters
    ----------
    frame
        Columns as in :class:`layers.buildings.Building` plus ``geometry`` (areas in SRID), and
        optionally ``street``, ``house_number``, ``postcode``, ``city``, which make an address
        at the building's representative point where no entrance tells a better one. The index
        holds the row numbers. Only columns that are there are written; without ``source_id``
        buildings are known by their shape.
    names
        What our columns are called in the file, for the report.

    Returns
    -------
    Report
        ``report`` or a new one, in which ``read`` counts the rows of ``frame`` when new.

    Raises
    ------
    DataError
        When the quarter does not exist.
    """
    return load_whole(lambda told: BuildingLoader(session, quarter_id, told, names), frame, report)


class BuildingLoader(StagedLoader):
    """Stages batches of buildings, then merges them in one step."""

    columns: ClassVar[Mapping[str, str]] = {
        "source_id": "varchar", "code": "varchar", "name": "varchar",
        "height_m": "double precision", "storeys": "smallint", "use": "varchar",
        "owner": "varchar", "acoustic_class": "varchar", "flats_declared": "integer",
        "background_day_dba": "double precision",
        "background_evening_dba": "double precision",
        "background_night_dba": "double precision",
        "footprint": "geometry", "street": "varchar", "house_number": "varchar",
        "postcode": "varchar", "city": "varchar", "search_key": "varchar",
        "point": "geometry",
    }  # fmt: skip

    # Whether the file tells keys; else buildings are known by their shape.
    keyed = True

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch and copy what is sound to the stage."""
        rows = Rows(frame, self.report, self.names)
        shapes = geometry.polygons(
            rows.geometries(), rows.rows, self.report,
            span_m=geometry.MAX_BUILDING_SPAN_M, field=rows.called("geometry"),
        )  # fmt: skip
        self.keyed = rows.has("source_id")
        keys = (
            rows.texts("source_id", 180, required=True, key=True)
            if self.keyed
            else [_shape_key(shape) for shape in shapes]
        )
        self.attributes = tuple(name for name in _ATTRIBUTES if rows.has(name))
        columns = _attributes(rows, shapes)
        streets = rows.texts("street", 200)
        numbers = rows.texts("house_number", 30)
        postcodes, cities = rows.texts("postcode", 10), rows.texts("city", 100)
        spots = shapely.point_on_surface(shapes)
        code = self.place.code
        kept = rows.kept()
        self.stage.copy(
            (
                int(rows.rows[i]), keys[i], public_code(code, keys[i]),
                *(column[i] for column in columns), as_ewkb(shapes[i]),
                streets[i] or None, numbers[i], postcodes[i], cities[i],
                search_key(streets[i], numbers[i]), as_ewkb(spots[i]),
            )
            for i in np.flatnonzero(kept).tolist()
        )  # fmt: skip

    def finish(self) -> None:
        """Refuse duplicate keys, merge, place addresses; counts go to the report."""
        stage, report = self.stage, self.report
        field = self.names.get("source_id", "source_id") if self.keyed else "geometry"
        stage.refuse_duplicates(["source_id"], report, field)
        if not self.keyed:
            report.note(Sentence("No column holds a key: buildings are known by their shape."))
        _free_codes(stage, self.place.quarter_id, self.place.code)
        changed = self.merge(
            "building", key=["source_id"], columns=[*self.attributes, "footprint"],
            inserted_only=["code"], fixed={"quarter_id": self.place.quarter_id},
        )  # fmt: skip
        # The planner knows nothing yet of rows of this very transaction.
        stage.run("analyze building")
        placed = _place_addresses(stage, self.place.quarter_id)
        joined = join_addresses(stage, self.place.quarter_id)
        if changed or placed or joined:
            changed_map(stage, self.place.quarter_id)
        self.close()


def _attributes(rows: Rows, shapes: Any) -> list[Sequence[Any]]:
    """Attribute columns in the order of ``_ATTRIBUTES``; wrong optional values are dropped."""
    heights = rows.parsed(
        "height_m", values.parse_number, strict=False,
        accepted=lambda metres: 0 < metres <= MAX_HEIGHT_M,
    )  # fmt: skip
    # Half a storey under the roof is lived in too: 3.5 counts as 4.
    storeys = rows.parsed(
        "storeys", lambda cell: math.ceil(values.parse_number(cell)), strict=False,
        accepted=lambda count: 1 <= count <= MAX_STOREYS,
    )  # fmt: skip
    uses = [building_use(text) for text in rows.texts("use", 200)]
    areas = shapely.area(shapes)
    uses = [
        "shed" if use == "unknown" and area < SHED_M2 else use
        for use, area in zip(uses, areas, strict=True)
    ]
    classes = rows.parsed(
        "acoustic_class", _acoustic_class, strict=False,
        accepted=lambda name: name in ("I", "II", "III", "IV", "V", "VI"),
    )  # fmt: skip
    flats = rows.parsed(
        "flats_declared", values.parse_whole, strict=False,
        accepted=lambda count: 0 <= count <= 2_000,
    )  # fmt: skip
    backgrounds = [
        rows.parsed(
            f"background_{part}_dba", values.parse_number, strict=False,
            accepted=lambda level: MIN_BACKGROUND_DBA <= level <= MAX_BACKGROUND_DBA,
        )
        for part in ("day", "evening", "night")
    ]  # fmt: skip
    return [
        rows.texts("name", 200), heights, storeys, uses, rows.texts("owner", 200), classes, flats,
        *backgrounds,
    ]  # fmt: skip


def _acoustic_class(value: Any) -> str:
    text = values.clean_text(value)[0].upper().removeprefix("CLASSE").strip()
    figures = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V", "6": "VI"}
    return figures.get(text, text)


def _shape_key(shape: Any) -> str:
    if shape is None:
        return ""
    wkb = shapely.to_wkb(shapely.set_precision(shapely.normalize(shape), 0.01))
    return "shape-" + hashlib.blake2s(wkb, digest_size=10).hexdigest()


def _free_codes(stage: Stage, quarter_id: int, quarter_code: str) -> None:
    """Give another public code to every new building whose code is taken."""
    attempt = 0
    while True:
        attempt += 1
        taken = stage.run(
            """
            select s.row, s.source_id
              from (select *, row_number() over (partition by code order by row) nth
                      from {stage}) s
              left join building own
                     on own.quarter_id = %(quarter)s and own.source_id = s.source_id
              left join building other on other.code = s.code
             where own.id is null and (other.id is not null or s.nth > 1)
            """,
            {"quarter": quarter_id},
        ).fetchall()
        if not taken:
            return
        for row, source_id in taken:
            stage.run(
                "update {stage} set code = %(code)s where row = %(row)s",
                {"code": public_code(quarter_code, source_id, attempt), "row": row},
            )


def _place_addresses(stage: Stage, quarter_id: int) -> int:
    """Addresses told by buildings, where no entrance has told a better one."""
    values_ = {"quarter": quarter_id, "sign": OF_BUILDING}
    changed = stage.run(
        """
        with told as (
            select b.id, %(sign)s || s.source_id as key, s.*
              from {stage} s join building b on b.quarter_id = %(quarter)s
                                            and b.source_id = s.source_id
             where s.street is not null
               and not exists (select from address_point a where a.building_id = b.id
                                  and a.source_id not like %(sign)s || '%%'))
        insert into address_point as a (quarter_id, building_id, source_id, street, house_number,
                                        postcode, city, point, search_key)
        select %(quarter)s, id, key, street, house_number, postcode, city, point, search_key
          from told
            on conflict (quarter_id, source_id) do update
           set (building_id, street, house_number, postcode, city, point, search_key) =
               (excluded.building_id, excluded.street, excluded.house_number, excluded.postcode,
                excluded.city, excluded.point, excluded.search_key)
         where (a.building_id, a.street, a.house_number, a.postcode, a.city, a.point, a.search_key)
               is distinct from
               (excluded.building_id, excluded.street, excluded.house_number, excluded.postcode,
                excluded.city, excluded.point, excluded.search_key)
        """,
        values_,
    )
    return changed.rowcount


def join_addresses(stage: Stage, quarter_id: int, within_m: float = 0.0) -> int:
    """Join addresses without a building to the one that holds their point.

    A point on the wall counts as inside; where buildings overlap the smallest one wins, then the
    oldest. ``within_m`` also joins points that lie outside but so near to a wall, for sources
    that draw house numbers at the gate; by default nothing is guessed. Returns the number joined.
    """
    return stage.run(
        """
        update address_point a set building_id = found.id
          from (select p.id as address, b.id
                  from address_point p
                  cross join lateral (
                       select b.id from building b
                        where b.quarter_id = %(quarter)s and b.closed_on is null
                          and st_dwithin(b.footprint, p.point, %(within)s)
                        order by st_distance(b.footprint, p.point), st_area(b.footprint), b.id
                        limit 1) b
                 where p.quarter_id = %(quarter)s and p.building_id is null) found
         where a.id = found.address
        """,
        {"quarter": quarter_id, "within": within_m},
    ).rowcount


def changed_map(stage: Stage, quarter_id: int) -> None:
    """Tell the map that what it shows has changed."""
    stage.run(
        "update quarter set map_version = map_version + 1 where id = %(quarter)s",
        {"quarter": quarter_id},
    )
