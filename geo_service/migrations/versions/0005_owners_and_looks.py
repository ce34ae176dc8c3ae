"""Owners of sold flats, administrators of buildings, merged households, the log of looks."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _contacts() -> list[sa.Column]:
    return [
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40), server_default="", nullable=False),
        sa.Column("email", sa.String(200), server_default="", nullable=False),
        sa.Column("address", sa.String(300), server_default="", nullable=False),
    ]


def _people_of(table: str, parent: str) -> None:
    column = f"{parent}_id"
    op.create_table(
        table,
        _id(),
        sa.Column(column, sa.BigInteger(), nullable=False),
        *_contacts(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            [column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}_{parent}"),
            ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def upgrade() -> None:
    _people_of("flat_owner", "flat")
    _people_of("condominium_administrator", "building")
    op.add_column("household", sa.Column("merged_into_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_household_merged_into_id_household"), "household", "household",
        ["merged_into_id"], ["id"], ondelete="CASCADE",
    )  # fmt: skip
    op.create_index(op.f("ix_household_merged_into_id"), "household", ["merged_into_id"])
    op.create_table(
        "look_log",
        _id(),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("household_id", sa.BigInteger()),
        sa.Column("reason", sa.String(200), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_log")),
        sa.CheckConstraint(
            "what in ('needs', 'needs_list', 'protected', 'empty_flats')",
            name=op.f("ck_look_log_what"),
        ),
    )
    op.create_index("ix_look_log_household_id_at", "look_log", ["household_id", "at"])
    op.create_index("ix_look_log_quarter_id_at", "look_log", ["quarter_id", "at"])


def downgrade() -> None:
    op.drop_table("look_log")
    op.drop_index(op.f("ix_household_merged_into_id"), "household")
    op.drop_constraint(op.f("fk_household_merged_into_id_household"), "household")
    op.drop_column("household", "merged_into_id")
    op.drop_table("condominium_administrator")
    op.drop_table("flat_owner")
