"""Looks at what few may see are only added to, as the history is; neither is ever emptied."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

GROWS = """
create function look_log_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'looks are only added to'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger look_log_only_grows before update or delete on look_log
    for each row execute function look_log_only_grows();
create trigger look_log_is_never_emptied before truncate on look_log
    for each statement execute function look_log_only_grows();
create trigger appointment_event_is_never_emptied before truncate on appointment_event
    for each statement execute function appointment_event_only_grows();
"""
SHRINKS = """
drop trigger appointment_event_is_never_emptied on appointment_event;
drop trigger look_log_is_never_emptied on look_log;
drop trigger look_log_only_grows on look_log;
drop function look_log_only_grows();
"""


def upgrade() -> None:
    op.execute(GROWS)


def downgrade() -> None:
    op.execute(SHRINKS)
