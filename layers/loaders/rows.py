"""The cells of one batch, cleaned column by column, with every fault on its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import Sentence
from layers.loaders import values
from layers.loaders.report import Report


class Rows:
    """One batch under our column names; cleaning a column refuses or repairs its bad rows.

    Parameters
    ----------
    frame
        Our columns, indexed by row number.
    names
        What each of our columns is called in the file, for the report.
    """

    def __init__(
        self, frame: pd.DataFrame, report: Report, names: Mapping[str, str] | None = None
    ) -> None:
        self.frame = frame
        self.report = report
        self.names = names or {}
        self.rows: NDArray[np.int64] = frame.index.to_numpy(dtype=np.int64)

    def has(self, field: str) -> bool:
        """Whether the file tells this field at all."""
        return field in self.frame.columns

    def called(self, field: str) -> str:
        """The name of a field in the file."""
        return self.names.get(field, field)

    def refuse(self, position: int, field: str, reason: str) -> None:
        """Refuse the row at a position of this batch."""
        self.report.refuse(int(self.rows[position]), self.called(field), reason)

    def repair(self, position: int, kind: str) -> None:
        """Count a mending of the row at a position of this batch."""
        self.report.repair(int(self.rows[position]), kind)

    def kept(self) -> NDArray[np.bool_]:
        """Which rows are not refused so far."""
        return np.array([not self.report.is_refused(int(row)) for row in self.rows], dtype=bool)

    def texts(
        self, field: str, limit: int, *, required: bool = False, key: bool = False
    ) -> list[str]:
        """Cleaned text of at most ``limit`` characters, "" where empty.

        A key that is too long is refused, any other text is shortened and counted.
        """
        made = []
        for position, value in enumerate(self._column(field)):
            text, stripped = values.clean_text(value)
            if stripped:
                self.repair(position, Sentence("control characters removed"))
            if len(text) > limit:
                if key:
                    self.refuse(
                        position,
                        field,
                        Sentence("is longer than %(limit)s characters", limit=limit),
                    )
                else:
                    self.repair(
                        position,
                        Sentence(
                            "%(field)s shortened to %(limit)s characters", field=field, limit=limit
                        ),
                    )
                text = text[:limit].rstrip()
            if required and not text:
                self.refuse(position, field, Sentence("is empty and must be told"))
            made.append(text)
        return made

    def parsed(
        self,
        field: str,
        parse: Callable[[Any], Any],
        *,
        strict: bool = True,
        required: bool = False,
        accepted: Callable[[Any], bool] = lambda value: True,
        wanted: str = "",
    ) -> list[Any]:
        """Values of a column through ``parse``; None where empty.

        A value that cannot be parsed, or that ``accepted`` denies (``wanted`` says what is
        wanted), refuses its row when ``strict``; otherwise the value is dropped and counted,
        as suits maps of public sources where one wrong tag must not cost a building.
        """
        made: list[Any] = []
        for position, value in enumerate(self._column(field)):
            if values.is_missing(value) if not isinstance(value, list | tuple) else not value:
                if required:
                    self.refuse(position, field, Sentence("is empty and must be told"))
                made.append(None)
                continue
            try:
                result = parse(value)
                if not accepted(result):
                    raise ValueError(
                        Sentence("%(text)r is not %(wanted)s", text=str(value)[:40], wanted=wanted)
                    )
            except (ValueError, OverflowError) as error:
                result = None
                if strict:
                    self.refuse(position, field, error.args[0] if error.args else "")
                else:
                    self.repair(
                        position,
                        Sentence(
                            "%(field)s dropped because it cannot be",
                            field=self.names.get(field, field),
                        ),
                    )
            made.append(result)
        return made

    def geometries(self, field: str = "geometry") -> NDArray[Any]:
        """A column of shapes as an array; all None where the file has none."""
        made = np.full(len(self.frame), None, dtype=object)
        if self.has(field):
            made[:] = self.frame[field].to_numpy(dtype=object)
        return made

    def _column(self, field: str) -> list[Any]:
        if not self.has(field):
            return [None] * len(self.frame)
        return list(self.frame[field])
