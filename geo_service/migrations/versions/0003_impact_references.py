"""Impacts refer to buildings and flats by one check a statement instead of two a row.

A recompute writes hundreds of thousands of impacts at once; the row-by-row check of foreign keys
took most of that time. Nothing else changes: an impact names what exists, and goes with it.
"""

from alembic import op

revision = "0003"
down_revision = "0007"
branch_labels = None
depends_on = None

NAMES_WHAT_EXISTS = """
create function impact_names_what_exists() returns trigger language plpgsql as $$
begin
    if exists (
        select from new_rows n where not exists (
            select from building b where b.id = n.building_id)
    ) then
        raise exception 'an impact names a building that does not exist'
            using errcode = 'foreign_key_violation', table = 'impact', column = 'building_id';
    end if;
    if exists (
        select from new_rows n where n.flat_id is not null and not exists (
            select from flat f where f.id = n.flat_id)
    ) then
        raise exception 'an impact names a flat that does not exist'
            using errcode = 'foreign_key_violation', table = 'impact', column = 'flat_id';
    end if;
    return null;
end $$
"""

GOES_WITH_ITS_BUILDING = """
create function impact_goes_with_its_building() returns trigger language plpgsql as $$
begin
    delete from impact where building_id in (select id from gone);
    return null;
end $$
"""

GOES_WITH_ITS_FLAT = """
create function impact_goes_with_its_flat() returns trigger language plpgsql as $$
begin
    delete from impact where flat_id in (select id from gone);
    return null;
end $$
"""


def upgrade() -> None:
    op.drop_constraint("fk_impact_building_id_building", "impact", type_="foreignkey")
    op.drop_constraint("fk_impact_flat_id_flat", "impact", type_="foreignkey")
    op.execute(NAMES_WHAT_EXISTS)
    for event in ("insert", "update"):
        op.execute(
            f"create trigger impact_names_what_exists_{event} after {event} on impact "
            "referencing new table as new_rows "
            "for each statement execute function impact_names_what_exists()"
        )
    op.execute(GOES_WITH_ITS_BUILDING)
    op.execute(GOES_WITH_ITS_FLAT)
    for table in ("building", "flat"):
        op.execute(
            f"create trigger impact_goes_with_its_{table} after delete on {table} "
            "referencing old table as gone "
            f"for each statement execute function impact_goes_with_its_{table}()"
        )


def downgrade() -> None:
    for table in ("building", "flat"):
        op.execute(f"drop trigger impact_goes_with_its_{table} on {table}")
        op.execute(f"drop function impact_goes_with_its_{table}()")
    for event in ("insert", "update"):
        op.execute(f"drop trigger impact_names_what_exists_{event} on impact")
    op.execute("drop function impact_names_what_exists()")
    for table in ("building", "flat"):
        op.create_foreign_key(
            f"fk_impact_{table}_id_{table}",
            "impact",
            table,
            [f"{table}_id"],
            ["id"],
            ondelete="CASCADE",
        )
