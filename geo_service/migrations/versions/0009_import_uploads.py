"""Files that were uploaded to be imported."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_upload",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("file_name", sa.String(100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("folder", sa.String(40), server_default="", nullable=False),
        sa.Column("options", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("state", sa.String(12), server_default="checking", nullable=False),
        sa.Column("check_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("failure", postgresql.JSONB()),
        sa.Column("report", postgresql.JSONB()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_upload")),
        sa.ForeignKeyConstraint(
            ["quarter_id"], ["quarter.id"], name=op.f("fk_import_upload_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_import_upload_account_id_account"),
            ondelete="SET NULL",
        ),
        sa.CheckConstraint(
            "state in ('checking', 'checked', 'failed', 'applying', 'applied')",
            name=op.f("ck_import_upload_state"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_import_upload_account_id"), "import_upload", ["account_id"])
    op.create_index(
        "ix_import_upload_quarter_id_created_at", "import_upload", ["quarter_id", "created_at"]
    )


def downgrade() -> None:
    op.drop_table("import_upload")
