"""Loading sites (*cantieri*): areas with code, name, client, CUP and CIG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from layers.errors import Sentence
from layers.loaders import geometry, values
from layers.loaders.place import SITE_REACH_M
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.loaders.staged import StagedLoader, load_whole
from layers.loaders.staging import as_ewkb

_ATTRIBUTES = ("name", "client", "cup", "cig")
MAX_CIRCLE_M2 = 1_000_000.0
_CUP_FORM = re.compile(r"[A-Z0-9]{15}")
_CIG_FORM = re.compile(r"[A-Z0-9]{10}")
# The polygon that stands for a circle has 64 sides and exactly the circle's area.
_SIDES = 64
_AREA_PER_RADIUS2 = _SIDES / 2 * np.sin(2 * np.pi / _SIDES)


def load_sites(
    session: Session,
    quarter_id: int,
    frame: pd.DataFrame,
    report: Report | None = None,
    *,
    names: Mapping[str, str] | None = None,
    circles: bool = False,
) -> Report:
    """Store sites by code.

    Parameters
    ----------
    frame
        ``code``, ``name``, ``client``, ``cup``, ``cig``, ``geometry`` (areas in SRID). A row
        without geometry adds to the site that has its code, or else its CUP, and is refused
        where there is none.
    circles
        Points with ``area_m2`` become circles of that area round them: a stand-in for an
        outline that is not known, taken only when asked for.

    Returns
    -------
    Report
        ``report`` or a new one; points, and sites outside the quarter, are refused.

    Raises
    ------
    DataError
        When the quarter does not exist.
    """
    return load_whole(
        lambda told: SiteLoader(session, quarter_id, told, names, circles=circles), frame, report
    )


class SiteLoader(StagedLoader):
    """Stages batches of sites, then merges them in one step."""

    columns: ClassVar[Mapping[str, str]] = {
        "code": "varchar", "name": "varchar", "client": "varchar", "cup": "varchar",
        "cig": "varchar", "footprint": "geometry",
    }  # fmt: skip

    def __init__(
        self,
        session: Session,
        quarter_id: int,
        report: Report,
        names: Mapping[str, str] | None = None,
        *,
        circles: bool = False,
    ) -> None:
        super().__init__(session, quarter_id, report, names)
        self.circles = circles

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch and copy what is sound to the stage."""
        rows = Rows(frame, self.report, self.names)
        told = rows.geometries()
        if self.circles:
            told = self._as_circles(rows, told)
        elif (shapely.get_type_id(told) == 0).any():
            self.report.note(
                Sentence(
                    "Some sites are points. If a column tells their surface in m², "
                    "--profile circles takes a circle of that surface in place of the "
                    "outline."
                )
            )
        shaped = ~shapely.is_missing(told)
        shapes = np.full(len(told), None, dtype=object)
        shapes[shaped] = geometry.polygons(
            told[shaped], rows.rows[shaped], self.report,
            span_m=geometry.MAX_SITE_SPAN_M, field=rows.called("geometry"),
        )  # fmt: skip
        self._refuse_outside(rows, shapes)
        codes = rows.texts("code", 20, required=rows.has("code"), key=True)
        names, clients = rows.texts("name", 200), rows.texts("client", 200)
        cups = rows.parsed("cup", _compact, accepted=lambda cup: bool(_CUP_FORM.fullmatch(cup)),
                           wanted=Sentence("a CUP (15 letters and figures)"))  # fmt: skip
        cigs = rows.parsed("cig", _compact, accepted=lambda cig: bool(_CIG_FORM.fullmatch(cig)),
                           wanted=Sentence("a CIG (10 letters and figures)"))  # fmt: skip
        for i in np.flatnonzero(shaped & rows.kept()).tolist():
            if not codes[i]:
                rows.refuse(i, "code", Sentence("is missing: a site needs a code of its own"))
        self.attributes = tuple(name for name in _ATTRIBUTES if rows.has(name))
        self.stage.copy(
            (
                int(rows.rows[i]), codes[i] or None, names[i] or codes[i], clients[i], cups[i],
                cigs[i], as_ewkb(shapes[i]),
            )
            for i in np.flatnonzero(rows.kept()).tolist()
        )  # fmt: skip

    def _as_circles(self, rows: Rows, told: NDArray[Any]) -> NDArray[Any]:
        areas = rows.parsed(
            "area_m2", values.parse_number, accepted=lambda area: 0 < area <= MAX_CIRCLE_M2,
            wanted=Sentence("an area in m² up to 1 km²"),
        )  # fmt: skip
        made = told.copy()
        for i in np.flatnonzero(shapely.get_type_id(told) == 0).tolist():
            if areas[i] is None:
                rows.refuse(i, "area_m2", Sentence("is empty: a circle needs an area in m²"))
                made[i] = None
            else:
                made[i] = shapely.buffer(
                    told[i], (areas[i] / _AREA_PER_RADIUS2) ** 0.5, quad_segs=_SIDES // 4
                )
                rows.repair(i, Sentence("point taken as a circle of its area"))
        return made

    def _refuse_outside(self, rows: Rows, shapes: NDArray[Any]) -> None:
        boundary = self.place.boundary
        far_m = np.nan_to_num(self.place.distance_m(shapes))
        reach_m = 0.0 if boundary is not None else SITE_REACH_M
        what = Sentence("boundary" if boundary is not None else "buildings")
        for i in np.flatnonzero(far_m > reach_m).tolist():
            rows.refuse(
                i,
                "geometry",
                Sentence(
                    "lies outside the quarter, %(far_m)s m away from its %(what)s",
                    far_m=f"{far_m[i]:,.0f}",
                    what=what,
                ),
            )

    def finish(self) -> None:
        """Match rows without geometry, refuse duplicates, merge; counts go to the report."""
        stage, report = self.stage, self.report
        quarter = {"quarter": self.place.quarter_id}
        self._match_shapeless(quarter)
        stage.refuse_duplicates(["code"], report, self.names.get("code", "code"))
        stage.run(
            "update {stage} s set footprint = t.footprint from site t where s.footprint is null "
            "and t.quarter_id = %(quarter)s and t.code = s.code",
            quarter,
        )
        self.merge(
            "site", key=["code"], columns=[*self.attributes, "footprint"],
            inserted_only=[] if "name" in self.attributes else ["name"],
            fixed={"quarter_id": self.place.quarter_id},
        )  # fmt: skip
        self.close()

    def _match_shapeless(self, quarter: Mapping[str, Any]) -> None:
        self.stage.run(
            "update {stage} s set code = t.code from site t where s.footprint is null "
            "and t.quarter_id = %(quarter)s and t.cup = s.cup and not exists (select from site o "
            "where o.quarter_id = %(quarter)s and o.code = s.code) and not exists (select from "
            "site o where o.quarter_id = %(quarter)s and o.cup = s.cup and o.id <> t.id)",
            quarter,
        )
        lost = self.stage.run(
            "delete from {stage} s where s.footprint is null and not exists (select from site t "
            "where t.quarter_id = %(quarter)s and t.code = s.code) returning row",
            quarter,
        ).fetchall()
        for (row,) in sorted(lost):
            self.report.refuse(
                row,
                "geometry",
                Sentence(
                    "has no geometry, and no site of the quarter has its code or CUP to add it to"
                ),
            )


def _compact(value: Any) -> str:
    return re.sub(r"[\s.-]", "", values.clean_text(value)[0]).upper()
