"""Tables beside the job queue: how far each job is, and the files that jobs made."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, Instant


class JobProgress(Base):
    """A job: who asked for it, how far it is, how it ended.

    There are no foreign keys: the row outlives the job in the queue, and it must not hold up who
    deletes an account or a quarter.
    """

    __tablename__ = "job_progress"
    __table_args__ = (
        Index("ix_job_progress_quarter_id_job_id", "quarter_id", "job_id"),
        Index("ix_job_progress_asked_at", "asked_at"),
    )

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    task: Mapped[str] = mapped_column(String(128))
    args: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    quarter_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[Instant]
    started_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int | None] = mapped_column()
    total: Mapped[int | None] = mapped_column()
    # Sentences in Italian, translated where they are shown.
    text: Mapped[str] = mapped_column(String(500), server_default="")
    error: Mapped[str] = mapped_column(String(1000), server_default="")
    # Where a job that was cut off goes on.
    point: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class JobFile(Base):
    """A file that a job made for the one who asked; it is deleted after its day."""

    __tablename__ = "job_file"
    __table_args__ = (Index("ix_job_file_expires_at", "expires_at"),)

    job_id: Mapped[int] = mapped_column(
        ForeignKey("job_progress.job_id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(120))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
