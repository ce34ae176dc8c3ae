"""Forms of a building: what was typed, cleaned, with faults beside the fields."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from typing import Any

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.desk.building_edit import WAYS, AddressRow, BuildingForm, End, StairwellRow
from geo_service.households.forms import Typed
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from layers.buildings import USES, Building

CLASSES = ("I", "II", "III", "IV", "V", "VI")
MAX_STOREYS, MAX_HEIGHT_M = 130, 400
# What a storey may measure, cellar and roof shared out: outside of it one of the two is a slip.
STOREY_M = (2.0, 8.0)
NEW_ROWS = 2
MAX_FIELDS = 1_000
WAY_WORDS = {
    "demolished": N_("demolito, al suo posto non c'è un edificio"),
    "rebuilt": N_("demolito e ricostruito"),
    "split": N_("diviso in più edifici"),
    "merged": N_("unito a un altro edificio"),
}


async def read_form(request: Request) -> Typed:
    """The submitted form; a building of many stairwells has many fields."""
    return Typed(await request.form(max_files=0, max_fields=MAX_FIELDS))


def read_building(typed: Typed, building: Building, ended: Collection[str]) -> BuildingForm:
    """The form as values; faults stand in ``typed.errors`` under the names of the fields.

    ``ended`` are labels of stairwells that the building had: they are not given again.
    """
    acoustic_class = typed.text("classe", 3)
    if acoustic_class and acoustic_class not in CLASSES:
        typed.errors["classe"] = _("Scegliete una voce dell'elenco.")
    facts: dict[str, Any] = {
        "name": typed.text("nome"),
        "use": typed.choice("uso", USES),
        "owner": typed.text("proprieta"),
        "storeys": typed.whole("piani", 1, MAX_STOREYS),
        "height_m": typed.decimal("altezza", MAX_HEIGHT_M),
        "acoustic_class": acoustic_class or None,
    }
    _check_height(typed, facts)
    return BuildingForm(facts, _addresses(typed, building), _stairwells(typed, building, ended))


def _check_height(typed: Typed, facts: dict[str, Any]) -> None:
    storeys, height_m = facts["storeys"], facts["height_m"]
    if storeys is None or height_m is None:
        return
    if not STOREY_M[0] <= height_m / storeys <= STOREY_M[1]:
        typed.errors["altezza"] = _(
            "%(height)s m per %(storeys)s piani non torna: un piano misura da 2 a 8 m.",
            height=f"{height_m:g}", storeys=storeys,
        )  # fmt: skip


def _addresses(typed: Typed, building: Building) -> list[AddressRow]:
    rows = []
    for point in building.addresses:
        street = typed.text(f"via-{point.id}")
        number = typed.text(f"civico-{point.id}", 30)
        if typed.form.get(f"togli-{point.id}") is not None:
            street = number = ""
        elif not street:
            typed.errors[f"via-{point.id}"] = _("Serve la via, oppure segnate di toglierlo.")
        rows.append(AddressRow(point.id, street, number))
    for n in range(NEW_ROWS):
        street, number = typed.text(f"via-nuova-{n}"), typed.text(f"civico-nuovo-{n}", 30)
        if number and not street:
            typed.errors[f"via-nuova-{n}"] = _("Serve la via.")
        if street:
            rows.append(AddressRow(None, street, number))
    return rows


def _stairwells(typed: Typed, building: Building, ended: Collection[str]) -> list[StairwellRow]:
    known = {point.id for point in building.addresses}
    ordered = sorted(building.stairwells, key=lambda w: (len(w.label), w.label))
    rows = [
        _stairwell(typed, str(w.id), w.id, typed.text(f"scala-{w.id}", 30, required=True), known)
        for w in ordered
    ]
    for n in range(NEW_ROWS):
        label = typed.text(f"scala-nuova-{n}", 30)
        if label:
            rows.append(_stairwell(typed, f"nuova-{n}", None, label, known))
    taken: set[str] = set()
    names = [str(w.id) for w in ordered] + [f"nuova-{n}" for n in range(NEW_ROWS)]
    for name in names:
        label = typed.text(f"scala-{name}", 30)
        if label and label in taken:
            typed.errors[f"scala-{name}"] = _("C'è già una scala con questo nome.")
        elif label in ended:
            typed.errors[f"scala-{name}"] = _("C'era una scala con questo nome, poi chiusa.")
        taken.add(label)
    return rows


def _stairwell(
    typed: Typed, name: str, stairwell_id: int | None, label: str, known: set[int]
) -> StairwellRow:
    address_id = typed.number_of(f"ingresso-{name}")
    return StairwellRow(
        stairwell_id, label, typed.yes_no(f"ascensore-{name}"), typed.yes_no(f"gradini-{name}"),
        address_id if address_id in known else None,
    )  # fmt: skip


def still_to_come() -> str:
    """Why a day after today ends nothing: what is closed counts as closed at once."""
    return _("Si chiude solo dal giorno stesso: questo deve ancora venire.")


def read_end(typed: Typed, session: Session, building: Building, today: dt.date) -> End | None:
    """How the building ends; None where something is missing."""
    way, day = typed.choice("modo", WAYS), typed.day("giorno")
    codes = re.findall(r"\w+", typed.text("successori", 200).upper())
    query = select(Building.code, Building.id).where(
        Building.quarter_id == building.quarter_id, Building.code.in_(codes)
    )
    known: dict[str, int] = dict(session.execute(query).all())
    unknown = [code for code in codes if code not in known]
    if unknown:
        typed.errors["successori"] = _(
            "Nessun edificio del quartiere ha il codice %(codes)s.", codes=", ".join(unknown)
        )
    if way != "split" and len(codes) > 1:
        typed.errors["successori"] = _("Qui serve un codice solo.")
    if day is not None and day < building.opened_on:
        typed.errors["giorno"] = _("L'edificio a quel giorno non c'era ancora.")
    if day is not None and day > today:
        typed.errors["giorno"] = still_to_come()
    if typed.form.get("conferma") is None:
        typed.errors["conferma"] = _("Segnate la casella per confermare.")
    if typed.errors or day is None:
        return None
    return End(way, day, tuple(dict.fromkeys(known[code] for code in codes)))
