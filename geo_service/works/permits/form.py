"""The form of a permit: what was typed survives, each fault stands in words beside its field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.works.form_text import typed_day, typed_text, typed_time
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.service import PermitDraft
from layers.sites import PERMIT_KINDS, PERMIT_STATES

LIMITS_DBA = (20.0, 120.0)
# Conditions that are days, with the names of their fields.
DAYS = {"sent_on": "inviato", "signs_on": "cartelli"}
# Fields of what the service refuses.
FIELDS = {
    "kind": "tipo", "state": "stato", "number": "numero", "starts_on": "dal", "ends_on": "al",
    "phases": "fasi",
}  # fmt: skip


@dataclass(slots=True)
class PermitValues:
    """The form as text; ``kept`` are conditions that the form does not show."""

    kind: str = "noise_derogation"
    issuer: str = ""
    number: str = ""
    state: str = "to_request"
    starts_on: str = ""
    ends_on: str = ""
    phases: set[int] = field(default_factory=set)
    limit_dba: str = ""
    from_: str = ""
    until: str = ""
    sent_on: str = ""
    signs_on: str = ""
    note: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def permit_values(draft: PermitDraft) -> PermitValues:
    """The form as ``draft`` stands."""
    told = draft.conditions
    limit = told.get("limit_dba")
    shown = {"limit_dba", "from", "until", "note", *DAYS}
    return PermitValues(
        draft.kind, draft.issuer, draft.number, draft.state,
        "" if draft.starts_on is None else draft.starts_on.isoformat(),
        "" if draft.ends_on is None else draft.ends_on.isoformat(),
        set(draft.phase_ids),
        f"{limit:g}" if isinstance(limit, int | float) else "",
        str(told.get("from", "")), str(told.get("until", "")),
        str(told.get("sent_on", "")), str(told.get("signs_on", "")), str(told.get("note", "")),
        kept={name: value for name, value in told.items() if name not in shown},
    )  # fmt: skip


def read_permit(
    form: FormData,
    before: PermitDraft | None,
    phase_ids: Sequence[int],
) -> tuple[PermitValues, PermitDraft | None]:
    """What was typed and the draft it makes; no draft where a field is wrong.

    ``before`` is the permit as recorded (None for a new one), ``phase_ids`` are the phases of its
    site.
    """
    reader = _Reader(form)
    values = PermitValues(
        kind=reader.text("tipo", 30),
        issuer=reader.text("ente", 200),
        number=reader.text("numero", 100),
        state=reader.text("stato", 20),
        starts_on=reader.text("dal", 20),
        ends_on=reader.text("al", 20),
        phases={number_in(v) for v in form.getlist("fase")} & set(phase_ids),
        limit_dba=reader.text("limite", 20),
        from_=reader.text("dalle", 20),
        until=reader.text("alle", 20),
        sent_on=reader.text("inviato", 20),
        signs_on=reader.text("cartelli", 20),
        note=reader.text("prescrizioni", 4000),
        kept={} if before is None else permit_values(before).kept,
        errors=reader.errors,
    )
    if values.kind not in PERMIT_KINDS:
        reader.errors["tipo"] = _("Scegliete il tipo dall'elenco.")
    _check_state(values, None if before is None else before.state)
    first, last = reader.day("dal"), reader.day("al")
    if last is not None and not values.starts_on:
        reader.errors["dal"] = _("C'è l'ultimo giorno ma non il primo.")
    elif first is not None and last is not None and last < first:
        reader.errors["al"] = _("L'ultimo giorno viene prima del primo.")
    conditions = dict(values.kept) | _conditions(values, reader)
    if values.errors:
        return values, None
    return values, PermitDraft(
        values.kind, values.issuer, values.number, values.state, first, last,
        frozenset(values.phases), conditions,
    )  # fmt: skip


def beside_fields(refused: Invalid) -> dict[str, str]:
    """Sentences of what the service refused, under the names of this form's fields."""
    found = {FIELDS[k]: v for k, v in refused.fields.items() if k in FIELDS}
    return found or {"": str(refused)}


def _check_state(values: PermitValues, before: str | None) -> None:
    if values.state not in PERMIT_STATES:
        values.errors["stato"] = _("Scegliete lo stato dall'elenco.")
        return
    if before is not None and not permit_states.may_change(before, values.state):
        then = ", ".join(permit_states.state(s) for s in permit_states.CHANGES[before])
        values.errors["stato"] = _(
            "Da «%(before)s» si passa a: %(then)s.", before=permit_states.state(before), then=then
        )
    if values.state in permit_states.NUMBERED and not values.number:
        values.errors["numero"] = _(
            "Se è «%(state)s» ha un numero: copiatelo dal documento.",
            state=permit_states.state(values.state),
        )


def _conditions(values: PermitValues, reader: _Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if values.limit_dba:
        limit = reader.number("limite", *LIMITS_DBA)
        if limit is not None:
            found["limit_dba"] = limit
    start, end = reader.time("dalle"), reader.time("alle")
    if start is not None and start == end:
        reader.errors["alle"] = _("L'ora di inizio e di fine sono uguali.")
    elif start is not None and not values.until:
        reader.errors["alle"] = _("Manca l'ora di fine.")
    found |= {"from": f"{start:%H:%M}"} if start is not None else {}
    found |= {"until": f"{end:%H:%M}"} if end is not None else {}
    for name, fieldname in DAYS.items():
        day = reader.day(fieldname)
        if day is not None:
            found[name] = day.isoformat()
    if values.note:
        found["note"] = values.note
    return found


def past_midnight(conditions: Mapping[str, Any]) -> bool:
    """Whether the hours of a permit end on the next day."""
    start, end = conditions.get("from"), conditions.get("until")
    return isinstance(start, str) and isinstance(end, str) and end <= start


class _Reader:
    def __init__(self, form: FormData) -> None:
        self.form = form
        self.errors: dict[str, str] = {}

    def text(self, name: str, limit: int) -> str:
        return typed_text(self.form, name, limit, self.errors)

    def day(self, name: str) -> dt.date | None:
        return typed_day(name, self.text(name, 20), self.errors)

    def time(self, name: str) -> dt.time | None:
        return typed_time(name, self.text(name, 20), self.errors)

    def number(self, name: str, least: float, most: float) -> float | None:
        try:
            number = float(self.text(name, 20).replace(",", "."))
        except ValueError:
            number = float("nan")
        if least <= number <= most:
            return number
        self.errors[name] = _(
            "Serve un numero da %(least)s a %(most)s.", least=f"{least:g}", most=f"{most:g}"
        )
        return None
