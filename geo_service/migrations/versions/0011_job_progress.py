"""How far each background job is, and the files that jobs made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _text(name: str, chars: int) -> sa.Column:
    return sa.Column(name, sa.String(chars), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "job_progress",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task", sa.String(128), nullable=False),
        sa.Column("args", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("account_id", sa.BigInteger()),
        sa.Column("quarter_id", sa.BigInteger()),
        sa.Column("asked_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer()),
        sa.Column("total", sa.Integer()),
        _text("text", 500),
        _text("error", 1000),
        sa.Column("point", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_progress")),
    )
    op.create_index("ix_job_progress_quarter_id_job_id", "job_progress", ["quarter_id", "job_id"])
    op.create_index("ix_job_progress_asked_at", "job_progress", ["asked_at"])
    op.create_table(
        "job_file",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_file")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job_progress.job_id"], name=op.f("fk_job_file_job_id_job_progress"),
            ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.create_index("ix_job_file_expires_at", "job_file", ["expires_at"])


def downgrade() -> None:
    op.drop_table("job_file")
    op.drop_table("job_progress")
