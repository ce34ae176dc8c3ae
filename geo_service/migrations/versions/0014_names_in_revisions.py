"""A phase's name is part of its revisions: renaming one makes a version."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TRIGGER = "alter table phase_revision {} trigger phase_revision_is_immutable"


def upgrade() -> None:
    op.add_column(
        "phase_revision",
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
    )
    # Every revision so far bore the one name that its phase had.
    op.execute(_TRIGGER.format("disable"))
    op.execute(
        "update phase_revision r set name = p.name from works_phase p where p.id = r.phase_id"
    )
    op.execute(_TRIGGER.format("enable"))


def downgrade() -> None:
    op.drop_column("phase_revision", "name")
