"""What the loaders of every kind of place share: a stage, a merge that counts, an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import pandas as pd
from sqlalchemy.orm import Session

from layers.loaders.place import place_of
from layers.loaders.report import Report
from layers.loaders.staging import Stage


class _Loader(Protocol):
    def add(self, frame: pd.DataFrame) -> None: ...

    def finish(self) -> None: ...


def load_whole(
    make: Callable[[Report], _Loader], frame: pd.DataFrame, report: Report | None
) -> Report:
    """Load one frame through a loader; a new report counts the rows of ``frame`` as read."""
    if report is None:
        report = Report(read=len(frame))
    loader = make(report)
    loader.add(frame)
    loader.finish()
    return report


class StagedLoader:
    """Stages batches of one kind of row, then merges them in one step.

    A kind of row names the columns of its stage in ``columns`` (name → type). Raises
    :class:`layers.errors.DataError` when the quarter does not exist.
    """

    columns: ClassVar[Mapping[str, str]]

    def __init__(
        self,
        session: Session,
        quarter_id: int,
        report: Report,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.session = session
        self.report = report
        self.names = names or {}
        self.place = place_of(session, quarter_id)
        self.attributes: tuple[str, ...] = ()
        self.stage = Stage(session, self.columns)

    def merge(self, table: str, **how: Any) -> int:
        """:meth:`Stage.merge` with counts to the report; returns the rows added or changed."""
        inserted, updated = self.stage.merge(table, **how)
        self.report.accepted += inserted + updated
        self.report.unchanged += self.stage.count() - inserted - updated
        return inserted + updated

    def close(self) -> None:
        """Drop the stage; what the session knew may have changed."""
        self.stage.drop()
        self.session.expire_all()
