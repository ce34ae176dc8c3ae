"""Households of the invented quarter, written with their stays, tenancies and needs."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.demo.people import PeopleFrames
from geo_service.households.models import Household, HouseholdContact, Need, Stay, Tenancy

Key = tuple[str, str, str]


def write_people(
    session: Session, quarter_id: int, people: PeopleFrames, flat_ids: dict[Key, int]
) -> None:
    """Write ``people`` in bulk; ``flat_ids`` by building source id, stairwell label, number.

    An import file of households names one stay each; here a household has a past as well.
    """
    records = _records(people.households)
    columns = ("code", "language", "size", "channel", "protected")
    stored = session.execute(
        insert(Household).returning(Household.code, Household.id),
        [{"quarter_id": quarter_id} | {c: r[c] for c in columns} for r in records],
    )
    ids: dict[str, int] = dict(stored.all())
    session.execute(
        insert(HouseholdContact),
        [
            {"household_id": ids[r["code"]], **{c: r[c] for c in ("name", "phone", "email")}}
            for r in records
        ],
    )

    def placed(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "household_id": ids[row["code"]],
            "flat_id": flat_ids[row["building"], row["stairwell"], row["number"]],
            "period": Range(row["starts_on"], row["ends_on"], bounds="[)"),
        }

    session.execute(insert(Stay), [placed(r) for r in _records(people.stays)])
    session.execute(
        insert(Tenancy), [placed(r) | {"title": r["title"]} for r in _records(people.tenancies)]
    )
    columns = ("kind", "note", "purpose", "legal_basis", "review_on")
    session.execute(
        insert(Need),
        [
            {"household_id": ids[r["code"]], **{c: r[c] for c in columns}}
            for r in _records(people.needs)
        ],
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(k): v for k, v in row.items()} for row in rows]
