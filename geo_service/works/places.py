"""What people call a building."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.households.addresses import ADDRESSES as ADDRESSES
from layers.buildings import Building


def building_address(building: Building) -> str:
    """Streets with their house numbers, as one line: "Via dei Mulini 2, 4, 6"."""
    numbers: dict[str, list[str]] = {}
    for point in building.addresses:
        numbers.setdefault(point.street, []).append(point.house_number)
    parts = [
        f"{street} {', '.join(sorted({n for n in found if n}, key=_number_order))}".strip()
        for street, found in numbers.items()
    ]
    return "; ".join(part[:1].upper() + part[1:] for part in parts)


def building_label(building: Building) -> str:
    """What people call a building: its address, else its name, else its code."""
    return building_address(building) or building.name or building.code


def building_labels(session: Session, building_ids: Collection[int]) -> dict[int, str]:
    """What people call each of many buildings, in one query."""
    query = text(
        f"""select b.id, coalesce(a.address, nullif(b.name, ''), b.code) as label
            from building b left join {ADDRESSES} a on true where b.id = any(:ids)"""  # noqa: S608
    )
    rows = session.execute(query, {"ids": list(building_ids)})
    return {row.id: row.label for row in rows}


def _number_order(number: str) -> tuple[int, str]:
    digits = re.match(r"\d+", number)
    return (int(digits.group()) if digits else 0, number)
