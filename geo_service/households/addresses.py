"""How queries tell the address of a building."""

from __future__ import annotations

# Joined "on true" to a query whose buildings are called b: one row, column address, null where
# none is known. Streets with their numbers in the order of the street: "Via dei Mulini 2, 4".
ADDRESSES = """lateral (
    select string_agg(upper(left(line, 1)) || substr(line, 2), '; ' order by line) as address
    from (
        select trim(street || ' ' || string_agg(
                 house_number, ', ' order by leading_number, house_number)) as line
        from (
            select distinct street, house_number, cast(nullif(left(
                regexp_replace(house_number, '[^0-9].*', ''), 9), '') as integer)
                as leading_number
            from address_point where building_id = b.id) numbers
        group by street) streets)"""


def like_part(typed: str) -> str:
    """A pattern for ``like`` of whatever contains ``typed``, its own % and _ taken as they are."""
    escaped = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
