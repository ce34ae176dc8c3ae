"""Appointments in flats, their events, what to prepare."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# An event goes only together with its appointment, by the cascade of a foreign key.
APPEND_ONLY = """
create function appointment_event_only_grows() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and pg_trigger_depth() > 1 then
        return old;
    end if;
    raise exception 'events of appointments are only added to'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger appointment_event_only_grows before update or delete on appointment_event
    for each row execute function appointment_event_only_grows();
"""


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _of(table: str, parent: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            [f"{parent}_id"], [f"{parent}.id"], ondelete="CASCADE",
            name=op.f(f"fk_{table}_{parent}_id_{parent}"),
        ),
    ]  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "appointment",
        _id(),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.Column("flat_id", sa.BigInteger(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column("crew", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("state", sa.String(20), server_default="proposed", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("access", sa.String(20), server_default="household", nullable=False),
        sa.Column("keys_note", sa.String(200), server_default="", nullable=False),
        sa.Column("wish", sa.String(200), server_default="", nullable=False),
        sa.Column("not_before", sa.Time()),
        sa.Column("not_after", sa.Time()),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.ForeignKeyConstraint(
            ["phase_id"], ["works_phase.id"], ondelete="CASCADE",
            name=op.f("fk_appointment_phase_id_works_phase"),
        ),
        sa.ForeignKeyConstraint(
            ["flat_id"], ["flat.id"], ondelete="CASCADE",
            name=op.f("fk_appointment_flat_id_flat"),
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["phase_revision.id"], ondelete="CASCADE",
            name=op.f("fk_appointment_revision_id_phase_revision"),
        ),
        sa.UniqueConstraint("phase_id", "flat_id", name=op.f("uq_appointment_phase_id_flat_id")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_appointment_slot")),
        sa.CheckConstraint("crew between 1 and 20", name=op.f("ck_appointment_crew")),
        sa.CheckConstraint("attempts between 0 and 50", name=op.f("ck_appointment_attempts")),
        sa.CheckConstraint(
            "state in ('proposed', 'agreed', 'moved', 'absent', 'second_attempt', 'warned', "
            "'done', 'dropped')",
            name=op.f("ck_appointment_state"),
        ),
        sa.CheckConstraint(
            "access in ('household', 'delegate', 'custodian', 'keys')",
            name=op.f("ck_appointment_access"),
        ),
        sa.CheckConstraint("not_after > not_before", name=op.f("ck_appointment_wish")),
    )  # fmt: skip
    op.create_index(op.f("ix_appointment_flat_id"), "appointment", ["flat_id"])
    op.create_index(op.f("ix_appointment_revision_id"), "appointment", ["revision_id"])
    op.create_index("ix_appointment_phase_id_on_day", "appointment", ["phase_id", "on_day"])
    _events()
    op.create_table(
        "appointment_preparation",
        _id(),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(20), nullable=False),
        sa.Column("ready_by", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date()),
        *_of("appointment_preparation", "appointment"),
        sa.UniqueConstraint(
            "appointment_id", "item", name=op.f("uq_appointment_preparation_appointment_id_item")
        ),
        sa.CheckConstraint(
            "item in ('balcony', 'cellar', 'awnings', 'air_conditioner', 'aerial', 'windows', "
            "'bathroom', 'furniture')",
            name=op.f("ck_appointment_preparation_item"),
        ),
    )


def _events() -> None:
    now = sa.text("now()")
    op.create_table(
        "appointment_event",
        _id(),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("reason", sa.String(20), server_default="", nullable=False),
        sa.Column("reported_by", sa.String(20), server_default="", nullable=False),
        sa.Column("changes", postgresql.JSONB(), server_default="{}", nullable=False),
        *_of("appointment_event", "appointment"),
        sa.CheckConstraint(
            "actor in ('account', 'task_link', 'command')", name=op.f("ck_appointment_event_actor")
        ),
    )
    op.create_index(
        op.f("ix_appointment_event_appointment_id"), "appointment_event", ["appointment_id"]
    )
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in ("appointment_preparation", "appointment_event", "appointment"):
        op.drop_table(table)
    op.execute("drop function appointment_event_only_grows()")
