"""How two records of a household were before they were made one, so that it can be taken back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "household_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("name", sa.String(200), server_default="", nullable=False),
        sa.Column("phone", sa.String(40), server_default="", nullable=False),
        sa.Column("email", sa.String(200), server_default="", nullable=False),
        sa.Column("contact_after", sa.String(24), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_merge")),
        *(
            sa.ForeignKeyConstraint(
                [column], ["household.id"], ondelete="CASCADE",
                name=op.f(f"fk_household_merge_{column}_household"),
            )
            for column in ("kept_id", "other_id")
        ),
    )  # fmt: skip
    for column in ("kept_id", "other_id"):
        op.create_index(op.f(f"ix_household_merge_{column}"), "household_merge", [column])


def downgrade() -> None:
    op.drop_table("household_merge")
