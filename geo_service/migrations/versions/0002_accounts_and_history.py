"""Roles per quarter, invitations, second factor, sign-in elsewhere, task links, history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = "('administrator', 'coordinator', 'operator', 'office', 'works', 'committee', 'delegate')"

# What was written down stays: the application's own rights do not matter to a trigger.
APPEND_ONLY = """
create function history_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the history is only added to'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger history_only_grows before update or delete on history
    for each row execute function history_only_grows();
create trigger history_is_never_emptied before truncate on history
    for each statement execute function history_only_grows();
"""


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _instant(name: str, *, default: bool = False) -> sa.Column:
    now = sa.text("now()") if default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=not default)


def upgrade() -> None:
    _accounts()
    _links()
    op.create_table(
        "history",
        _id(),
        _instant("at", default=True),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.BigInteger()),
        sa.Column("quarter_id", sa.BigInteger()),
        sa.Column("changes", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sa.CheckConstraint(
            "actor in ('account', 'task_link', 'command')",
            name=op.f("ck_history_actor"),
        ),
    )
    op.create_index("ix_history_quarter_id_id", "history", ["quarter_id", "id"])
    op.create_index("ix_history_subject_subject_id", "history", ["subject", "subject_id"])
    op.create_index("ix_history_actor_actor_id", "history", ["actor", "actor_id"])
    op.create_index("ix_history_at", "history", ["at"])
    op.execute(APPEND_ONLY)


def _accounts() -> None:
    op.alter_column("account", "password_hash", existing_type=sa.String(200), nullable=True)
    op.add_column("account", sa.Column("name", sa.String(200), server_default="", nullable=False))
    op.add_column("account", sa.Column("stairwell_id", sa.BigInteger()))
    op.add_column("account", sa.Column("oidc_issuer", sa.String(300)))
    op.add_column("account", sa.Column("oidc_subject", sa.String(300)))
    op.add_column("account", sa.Column("totp_secret", sa.LargeBinary()))
    op.add_column("account", sa.Column("totp_last_step", sa.BigInteger()))
    op.add_column("account", _instant("totp_since"))
    op.create_foreign_key(
        op.f("fk_account_stairwell_id_stairwell"), "account", "stairwell",
        ["stairwell_id"], ["id"], ondelete="SET NULL",
    )  # fmt: skip
    op.create_index(op.f("ix_account_stairwell_id"), "account", ["stairwell_id"])
    op.create_unique_constraint(
        op.f("uq_account_oidc_issuer_oidc_subject"), "account", ["oidc_issuer", "oidc_subject"]
    )
    op.create_table(
        "account_assignment",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.CheckConstraint(f"role in {ROLES}", name=op.f("ck_account_assignment_role")),
        sa.PrimaryKeyConstraint("account_id", "quarter_id", name=op.f("pk_account_assignment")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], ondelete="CASCADE",
            name=op.f("fk_account_assignment_account_id_account"),
        ),
        sa.ForeignKeyConstraint(
            ["quarter_id"], ["quarter.id"], ondelete="CASCADE",
            name=op.f("fk_account_assignment_quarter_id_quarter"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_account_assignment_quarter_id"), "account_assignment", ["quarter_id"])
    op.add_column("account_session", _instant("last_seen_at", default=True))
    op.add_column(
        "account_session", sa.Column("browser", sa.String(80), server_default="", nullable=False)
    )
    op.add_column(
        "account_session",
        sa.Column("pending", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        _instant("used_at"),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_recovery_code")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], ondelete="CASCADE",
            name=op.f("fk_recovery_code_account_id_account"),
        ),
    )  # fmt: skip


def _links() -> None:
    op.create_table(
        "account_link",
        _id(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        _instant("created_at", default=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _instant("used_at"),
        sa.CheckConstraint("kind in ('invitation', 'reset')", name=op.f("ck_account_link_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_link_token_hash")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], ondelete="CASCADE",
            name=op.f("fk_account_link_account_id_account"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_account_link_account_id"), "account_link", ["account_id"])
    op.create_table(
        "task_link",
        _id(),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(190), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_by", sa.BigInteger()),
        _instant("created_at", default=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _instant("used_at"),
        _instant("revoked_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_task_link_token_hash")),
        sa.ForeignKeyConstraint(
            ["quarter_id"], ["quarter.id"], ondelete="CASCADE",
            name=op.f("fk_task_link_quarter_id_quarter"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["account.id"], ondelete="SET NULL",
            name=op.f("fk_task_link_created_by_account"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_task_link_quarter_id"), "task_link", ["quarter_id"])
    op.create_index(op.f("ix_task_link_created_by"), "task_link", ["created_by"])
    op.create_index("ix_task_link_action_subject_id", "task_link", ["action", "subject_id"])
