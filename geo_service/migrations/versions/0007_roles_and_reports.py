"""Pages for every role, what was reported by telephone, forms kept while a session was over."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _text(name: str, chars: int, default: str = "") -> sa.Column:
    return sa.Column(name, sa.String(chars), server_default=default, nullable=False)


def _of(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}_{parent}"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.add_column("account", _text("function", 20))
    op.add_column("account", _text("firm", 200))
    op.add_column("account", sa.Column("signed_in_at", MOMENT))
    op.add_column("account", sa.Column("signed_in_before_at", MOMENT))
    op.create_check_constraint(
        op.f("ck_account_function"), "account", "function in ('', 'foreman', 'dl', 'cse')"
    )
    op.create_table(
        "account_site",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "site_id", name=op.f("pk_account_site")),
        _of("account_site", "account_id", "account"),
        _of("account_site", "site_id", "site"),
    )
    op.create_index(op.f("ix_account_site_site_id"), "account_site", ["site_id"])
    op.create_table(
        "kept_form",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("page", sa.String(1000), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_form")),
        _of("kept_form", "account_id", "account"),
    )
    op.create_index(op.f("ix_kept_form_account_id"), "kept_form", ["account_id"])
    op.create_index(op.f("ix_kept_form_kept_at"), "kept_form", ["kept_at"])
    op.add_column("phase_revision", _text("reported_by", 300))
    op.add_column("phase_confirmation", _text("said", 20, "valid"))
    op.add_column("phase_confirmation", _text("reported_by", 300))
    op.add_column(
        "phase_confirmation", sa.Column("note", sa.Text(), server_default="", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_phase_confirmation_said"),
        "phase_confirmation",
        "said in ('valid', 'done', 'overrun')",
    )
    for table in ("flat_owner", "condominium_administrator"):
        op.add_column(
            table, sa.Column("row_version", sa.Integer(), server_default="1", nullable=False)
        )
    # The newest of one person or of one thing come straight from the index, however many there are.
    for first, second in (("actor", "actor_id"), ("subject", "subject_id")):
        op.drop_index(f"ix_history_{first}_{second}", "history")
        op.create_index(f"ix_history_{first}_{second}", "history", [first, second, "id"])


def downgrade() -> None:
    for first, second in (("actor", "actor_id"), ("subject", "subject_id")):
        op.drop_index(f"ix_history_{first}_{second}", "history")
        op.create_index(f"ix_history_{first}_{second}", "history", [first, second])
    for table in ("flat_owner", "condominium_administrator"):
        op.drop_column(table, "row_version")
    op.drop_constraint(op.f("ck_phase_confirmation_said"), "phase_confirmation")
    for column in ("note", "reported_by", "said"):
        op.drop_column("phase_confirmation", column)
    op.drop_column("phase_revision", "reported_by")
    op.drop_table("kept_form")
    op.drop_table("account_site")
    op.drop_constraint(op.f("ck_account_function"), "account")
    for column in ("signed_in_before_at", "signed_in_at", "firm", "function"):
        op.drop_column("account", column)
