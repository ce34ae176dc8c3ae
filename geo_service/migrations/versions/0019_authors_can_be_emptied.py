"""A revision stays as it is, but for the name of who wrote it: a person can be forgotten."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BUT_FOR_ITS_AUTHOR = """
create or replace function phase_revision_is_immutable() returns trigger language plpgsql as $$
declare
    forgotten phase_revision := old;
begin
    forgotten.author := new.author;
    if forgotten is not distinct from new then
        return new;
    end if;
    raise exception 'a phase revision is never changed; record a new one'
        using errcode = 'integrity_constraint_violation';
end $$;
"""
NEVER = """
create or replace function phase_revision_is_immutable() returns trigger language plpgsql as $$
begin
    raise exception 'a phase revision is never changed; record a new one'
        using errcode = 'integrity_constraint_violation';
end $$;
"""


def upgrade() -> None:
    op.execute(BUT_FOR_ITS_AUTHOR)


def downgrade() -> None:
    op.execute(NEVER)
