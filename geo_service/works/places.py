"""What people call a building."""

from __future__ import annotations

import re

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
    return "; ".join(parts)


def building_label(building: Building) -> str:
    """What people call a building: its address, else its name, else its code."""
    return building_address(building) or building.name or building.code


def _number_order(number: str) -> tuple[int, str]:
    digits = re.match(r"\d+", number)
    return (int(digits.group()) if digits else 0, number)
