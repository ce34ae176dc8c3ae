"""Buildings, addresses, stairwells and flats have a row version; a stairwell can end.

The database raises the version, because imports write these rows as well as forms.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("building", "address_point", "stairwell", "flat")

RAISES = """
create function row_version_rises() returns trigger language plpgsql as $$
begin
    new.row_version := old.row_version + 1;
    return new;
end $$
"""


def upgrade() -> None:
    op.add_column("stairwell", sa.Column("closed_on", sa.Date(), nullable=True))
    op.execute(RAISES)
    for table in TABLES:
        op.add_column(
            table,
            sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        )
        op.execute(
            f"create trigger row_version_rises before update on {table} "
            "for each row execute function row_version_rises()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop trigger row_version_rises on {table}")
        op.drop_column(table, "row_version")
    op.execute("drop function row_version_rises()")
    op.drop_column("stairwell", "closed_on")
