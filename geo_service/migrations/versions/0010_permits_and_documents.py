"""Permits of a site and its phases, stored documents, what a cut really did."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KINDS = "'noise_derogation', 'traffic_order', 'public_ground', 'asbestos_plan'"
STATES = "'to_request', 'pending', 'in_progress', 'granted', 'refused', 'expired', 'revoked'"
OLD_STATES = "'to_request', 'pending', 'granted', 'refused', 'expired'"

# A permit covers the phases it names, else every phase of its site.
PERMIT_OF_PHASE = """
create view permit_of_phase as
select permit_id, phase_id from permit_phase
union all
select m.id, p.id from permit m join works_phase p on p.site_id = m.site_id
where not exists (select from permit_phase c where c.permit_id = m.id)
"""

# What was said stays said; only who said it can be emptied.
APPEND_ONLY = """
create function utility_cut_actual_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'what was said about a cut is never changed; record what is true now'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger utility_cut_actual_only_grows
    before update of cut_id, day, what, at, recorded_by, recorded_at on utility_cut_actual
    for each row execute function utility_cut_actual_only_grows();
"""


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _instant(name: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _reference(table: str, column: str, parent: str, **more: str) -> sa.ForeignKeyConstraint:
    key = more.pop("key", "id")
    return sa.ForeignKeyConstraint(
        [column], [f"{parent}.{key}"], name=op.f(f"fk_{table}_{column}_{parent}"), **more
    )


def upgrade() -> None:
    _documents()
    _permits()
    _cuts()


def _documents() -> None:
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("original_name", sa.String(200), nullable=False),
        sa.Column("uploaded_by", sa.BigInteger()),
        _instant("uploaded_at"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_file")),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_stored_file_sha256")),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_file_size")),
    )


def _permits() -> None:
    op.create_table(
        "permit_phase",
        sa.Column("permit_id", sa.BigInteger(), nullable=False),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("permit_id", "phase_id", name=op.f("pk_permit_phase")),
        _reference("permit_phase", "permit_id", "permit", ondelete="CASCADE"),
        _reference("permit_phase", "phase_id", "works_phase", ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_permit_phase_phase_id"), "permit_phase", ["phase_id"])
    op.execute("insert into permit_phase (permit_id, phase_id) select id, phase_id from permit")
    op.add_column("permit", sa.Column("site_id", sa.BigInteger()))
    op.execute("update permit m set site_id = p.site_id from works_phase p where p.id = m.phase_id")
    op.alter_column("permit", "site_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_permit_site_id_site"), "permit", "site", ["site_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(op.f("ix_permit_site_id"), "permit", ["site_id"])
    op.drop_column("permit", "phase_id")
    op.add_column(
        "permit", sa.Column("row_version", sa.Integer(), server_default="1", nullable=False)
    )
    op.drop_constraint(op.f("ck_permit_kind"), "permit")
    op.create_check_constraint(op.f("ck_permit_kind"), "permit", f"kind in ({KINDS}, 'other')")
    op.drop_constraint(op.f("ck_permit_state"), "permit")
    op.create_check_constraint(op.f("ck_permit_state"), "permit", f"state in ({STATES})")
    op.execute(PERMIT_OF_PHASE)
    op.create_table(
        "permit_file",
        _id(),
        sa.Column("permit_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        _instant("added_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_file")),
        sa.UniqueConstraint("permit_id", "sha256", name=op.f("uq_permit_file_permit_id_sha256")),
        _reference("permit_file", "permit_id", "permit", ondelete="CASCADE"),
        _reference("permit_file", "sha256", "stored_file", key="sha256"),
    )
    op.create_index(op.f("ix_permit_file_sha256"), "permit_file", ["sha256"])


def _cuts() -> None:
    op.create_table(
        "utility_cut_actual",
        _id(),
        sa.Column("cut_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_by", sa.String(200), server_default="", nullable=False),
        sa.Column("recorded_by", sa.BigInteger()),
        _instant("recorded_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_utility_cut_actual")),
        sa.CheckConstraint(
            "what in ('closed', 'still_off', 'back')", name=op.f("ck_utility_cut_actual_what")
        ),
        _reference("utility_cut_actual", "cut_id", "utility_cut", ondelete="CASCADE"),
    )
    op.create_index("ix_utility_cut_actual_cut_id_day", "utility_cut_actual", ["cut_id", "day"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.drop_table("utility_cut_actual")
    op.execute("drop function utility_cut_actual_only_grows")
    op.drop_table("permit_file")
    op.execute("drop view permit_of_phase")
    op.execute("delete from permit where kind = 'other'")
    op.execute("update permit set state = 'pending' where state = 'in_progress'")
    op.execute("update permit set state = 'expired' where state = 'revoked'")
    op.drop_constraint(op.f("ck_permit_state"), "permit")
    op.create_check_constraint(op.f("ck_permit_state"), "permit", f"state in ({OLD_STATES})")
    op.drop_constraint(op.f("ck_permit_kind"), "permit")
    op.create_check_constraint(op.f("ck_permit_kind"), "permit", f"kind in ({KINDS})")
    op.drop_column("permit", "row_version")
    op.add_column("permit", sa.Column("phase_id", sa.BigInteger()))
    # A permit of a whole site, or of several phases, goes back to the first of them.
    op.execute(
        """update permit m set phase_id = (
               select p.id from works_phase p
               where p.site_id = m.site_id
               order by exists (select from permit_phase c
                                where c.permit_id = m.id and c.phase_id = p.id) desc, p.code
               limit 1)"""
    )
    op.execute("delete from permit where phase_id is null")
    op.alter_column("permit", "phase_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_permit_phase_id_works_phase"), "permit", "works_phase", ["phase_id"], ["id"],
        ondelete="CASCADE",
    )  # fmt: skip
    op.create_index(op.f("ix_permit_phase_id"), "permit", ["phase_id"])
    op.drop_column("permit", "site_id")
    op.drop_table("permit_phase")
    op.drop_table("stored_file")
