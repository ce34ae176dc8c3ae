"""Loading streets and footpaths (*percorsi*)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from layers.buildings import PATH_KINDS
from layers.errors import Sentence
from layers.loaders import geometry, values
from layers.loaders.buildings import changed_map
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.loaders.staged import StagedLoader, load_whole
from layers.loaders.staging import as_ewkb

# OpenStreetMap values of highway=*, wiki.openstreetmap.org/wiki/Key:highway, and Italian words.
_KINDS = {
    "footway": "footway path pedestrian corridor track bridleway sidewalk marciapiede pedonale "
    "vialetto percorso sentiero",
    "crossing": "crossing attraversamento strisce",
    "steps": "steps scala scale gradini scalinata gradinata",
    "ramp": "ramp rampa scivolo",
    "street": "street residential service living_street unclassified tertiary secondary primary "
    "trunk motorway tertiary_link secondary_link primary_link trunk_link motorway_link road "
    "busway construction strada via carrabile viabilita",
    "cycleway": "cycleway ciclabile ciclopedonale pista",
    "courtyard": "courtyard cortile corte",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_MEASURES = (
    ("width_m", 0.0, 100.0), ("slope_pct", 0.0, 100.0), ("cross_slope_pct", 0.0, 100.0),
    ("kerb_cm", 0.0, 100.0), ("headroom_m", 0.0, 50.0),
)  # fmt: skip
_ATTRIBUTES = ("kind", "name", "steps", *(name for name, _low, _high in _MEASURES))


def load_paths(
    session: Session,
    quarter_id: int,
    frame: pd.DataFrame,
    report: Report | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Store paths by source_id, one line a row.

    Parameters
    ----------
    frame
        Columns as in :class:`layers.buildings.Path` plus ``geometry`` (lines in SRID). Slopes
        are stored without sign. Without ``kind`` every path is a footway; without
        ``source_id`` paths are known by their line.

    Returns
    -------
    Report
        ``report`` or a new one.

    Raises
    ------
    DataError
        When the quarter does not exist.
    """
    return load_whole(lambda told: PathLoader(session, quarter_id, told, names), frame, report)


class PathLoader(StagedLoader):
    """Stages batches of paths, then merges them in one step."""

    columns: ClassVar[Mapping[str, str]] = {
        "source_id": "varchar", "geom": "geometry", "kind": "varchar", "name": "varchar",
        "steps": "smallint",
        **{name: "double precision" for name, _low, _high in _MEASURES},
    }  # fmt: skip

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch and copy what is sound to the stage."""
        rows = Rows(frame, self.report, self.names)
        shapes = geometry.lines(
            rows.geometries(), rows.rows, self.report, field=rows.called("geometry")
        )
        keys = (
            rows.texts("source_id", 180, required=True, key=True)
            if rows.has("source_id")
            else [_line_key(shape) for shape in shapes]
        )
        kinds = rows.parsed(
            "kind", _kind, accepted=lambda kind: kind in PATH_KINDS,
            wanted=Sentence("a kind of path; one of %(names)s", names=', '.join(PATH_KINDS)),
        )  # fmt: skip
        steps = rows.parsed(
            "steps", values.parse_whole, strict=False, accepted=lambda count: 0 <= count <= 1000
        )
        measures = [
            rows.parsed(name, self._measure(name), strict=False, accepted=_between(name, low, high))
            for name, low, high in _MEASURES
        ]
        names = rows.texts("name", 200)
        self.attributes = tuple(
            name for name in _ATTRIBUTES if rows.has(name) or name in ("kind", "steps")
        )
        if not rows.has("kind"):
            self.report.note(
                Sentence("No column tells the kind of path: all are taken as footways.")
            )
        self.stage.copy(
            (
                int(rows.rows[i]), keys[i], as_ewkb(shapes[i]), kinds[i] or "footway", names[i],
                steps[i] or 0, *(measure[i] for measure in measures),
            )
            for i in np.flatnonzero(rows.kept()).tolist()
        )  # fmt: skip

    def _measure(self, name: str) -> Any:
        # OpenStreetMap tells the height of a kerb in metres.
        metres = name == "kerb_cm" and self.names.get(name) == "kerb:height"
        return lambda cell: abs(values.parse_number(cell)) * (100 if metres else 1)

    def finish(self) -> None:
        """Refuse duplicate keys and merge; counts go to the report."""
        stage, report = self.stage, self.report
        stage.refuse_duplicates(["source_id"], report, self.names.get("source_id", "source_id"))
        changed = self.merge(
            "path", key=["source_id"], columns=[*self.attributes, "geom"],
            fixed={"quarter_id": self.place.quarter_id},
        )  # fmt: skip
        if changed:
            changed_map(stage, self.place.quarter_id)
        self.close()


def _kind(value: Any) -> str:
    word = values.clean_text(value)[0].lower()
    return _KIND_OF.get(word, word)


def _between(name: str, low: float, high: float) -> Any:
    if name in ("width_m", "headroom_m"):
        return lambda number: low < number < high
    return lambda number: low <= number <= high


def _line_key(shape: Any) -> str:
    if shape is None:
        return ""
    return "line-" + hashlib.blake2s(shape.wkb, digest_size=10).hexdigest()
