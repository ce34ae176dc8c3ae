"""Background noise measured at a building, by part of day."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PARTS = ("day", "evening", "night")


def upgrade() -> None:
    for part in PARTS:
        column = f"background_{part}_dba"
        op.add_column("building", sa.Column(column, sa.Float(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_building_{column}"), "building", f"{column} between 10 and 100"
        )


def downgrade() -> None:
    for part in PARTS:
        op.drop_column("building", f"background_{part}_dba")
