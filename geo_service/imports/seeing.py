"""What a person sees of a file before it is imported: columns, first rows, a sample of shapes."""

from __future__ import annotations

import random
from typing import Any, Protocol

import numpy as np
import pandas as pd
import shapely

from layers.loaders import geometry
from layers.loaders.profiles import ColumnMapping

FIRST_ROWS = 8
SHOWN_COLUMNS = 60
LONGEST_CELL = 80
# A map with more outlines than this is drawn no better, only later.
SAMPLE = 1_500
SAMPLE_GRID_M = 0.1


class Watcher(Protocol):
    """Looks on while a file is imported."""

    def columns(self, frame: pd.DataFrame, mapping: ColumnMapping | None) -> None:
        """A batch as the file tells it, and which column is which once that is known."""

    def shapes(self, frame: pd.DataFrame) -> None:
        """A batch under our names, its shapes in the metric system."""


class Nobody:
    """Looks on at nothing."""

    def columns(self, frame: pd.DataFrame, mapping: ColumnMapping | None) -> None:
        """Nothing is kept."""

    def shapes(self, frame: pd.DataFrame) -> None:
        """Nothing is kept."""


class Sight:
    """Keeps the columns, the first rows and an even sample of the shapes of a file."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: list[tuple[int, list[str]]] = []
        self.profile = ""
        self.theirs: dict[str, str] = {}
        self.sample: list[Any] = []
        self.shaped = 0
        # Always the same sample of the same file; nothing hangs on its being unpredictable.
        self._random = random.Random(0)  # noqa: S311

    def columns(self, frame: pd.DataFrame, mapping: ColumnMapping | None) -> None:
        """Keep the heading and the first rows of the first batch."""
        if mapping is not None:
            self.profile, self.theirs = mapping.profile, dict(mapping.theirs)
        if self.names:
            return
        self.names = [str(name) for name in frame.columns if name != "geometry"]
        shown = frame.head(FIRST_ROWS)
        cells = shown[[n for n in frame.columns if n != "geometry"][:SHOWN_COLUMNS]]
        shapes = shown["geometry"] if "geometry" in shown else [None] * len(shown)
        for (row, values), shape in zip(cells.iterrows(), shapes, strict=True):
            kind = "" if shape is None else shape.geom_type
            self.rows.append((int(str(row)), [*(_cell(value) for value in values), kind]))

    def shapes(self, frame: pd.DataFrame) -> None:
        """Take shapes into the sample so that each of the file has the same chance."""
        if "geometry" not in frame:
            return
        for shape in frame["geometry"]:
            if shape is None or shape.is_empty:
                continue
            self.shaped += 1
            if len(self.sample) < SAMPLE:
                self.sample.append(shape)
            elif (place := self._random.randrange(self.shaped)) < SAMPLE:
                self.sample[place] = shape

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON; shapes as hexadecimal WKB, thinned for drawing."""
        return {
            "columns": self.names,
            "rows": self.rows,
            "profile": self.profile,
            "theirs": self.theirs,
            "shapes": _thinned(self.sample),
            "shaped": self.shaped,
        }


def shapes_of(seen: dict[str, Any]) -> np.ndarray:
    """The sample of shapes that :meth:`Sight.as_dict` wrote, in the metric system."""
    return np.array(shapely.from_wkb(seen.get("shapes", [])), dtype=object)


def _thinned(sample: list[Any]) -> list[str]:
    shapes = np.array(sample, dtype=object)
    if not len(shapes):
        return []
    spans = np.diff(shapely.bounds(shapes).reshape(-1, 2, 2), axis=1).max(axis=(1, 2))
    sound = np.isfinite(spans) & (spans < geometry.MAX_PATH_SPAN_M)
    flat = shapely.force_2d(shapes[sound])
    return [str(text) for text in shapely.to_wkb(shapely.simplify(flat, SAMPLE_GRID_M), hex=True)]


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
