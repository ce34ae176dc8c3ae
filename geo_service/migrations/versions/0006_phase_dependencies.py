"""Phases that wait for other phases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phase_dependency",
        sa.Column("predecessor_id", sa.BigInteger(), nullable=False),
        sa.Column("successor_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(2), server_default="FS", nullable=False),
        sa.Column("lag_days", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "predecessor_id", "successor_id", name=op.f("pk_phase_dependency")
        ),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["works_phase.id"], ondelete="CASCADE",
            name=op.f("fk_phase_dependency_predecessor_id_works_phase"),
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["works_phase.id"], ondelete="CASCADE",
            name=op.f("fk_phase_dependency_successor_id_works_phase"),
        ),
        sa.CheckConstraint(
            "kind in ('FS', 'SS', 'FF', 'SF')", name=op.f("ck_phase_dependency_kind")
        ),
        sa.CheckConstraint(
            "predecessor_id <> successor_id", name=op.f("ck_phase_dependency_two_phases")
        ),
        sa.CheckConstraint(
            "lag_days between -1000 and 1000", name=op.f("ck_phase_dependency_lag_days")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_phase_dependency_successor_id"), "phase_dependency", ["successor_id"])


def downgrade() -> None:
    op.drop_table("phase_dependency")
