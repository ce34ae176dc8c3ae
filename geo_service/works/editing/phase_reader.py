"""Reading the form of a phase: each field by itself, each fault in words beside its field."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shapely.geometry.base import BaseGeometry
from starlette.datastructures import FormData

from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.works.drafts import BarrierDraft, ClosureDraft, CutDraft, RevisionDraft
from geo_service.works.editing.form_places import Place, Stair
from geo_service.works.editing.phase_form import (
    BarrierRow,
    ClosureRow,
    CutRow,
    PhaseValues,
    stairs_of,
    with_preset_plant,
)
from geo_service.works.editing.shapes import (
    Unreadable,
    read_area,
    read_line,
    read_route,
    shape_text,
)
from geo_service.works.form_text import typed_day, typed_text, typed_time
from geo_service.works.presets import PRESETS
from geo_service.works.simulation.form import Unusable, read_form
from layers.sites import (
    BUILDING_ROLES,
    CERTAINTIES,
    CLOSURE_KINDS,
    DUST_ACTIVITIES,
    SERVICES,
)

Days = tuple[dt.date | None, dt.date | None]

MAX_ROWS = 40
ALL_FLATS = frozenset({"tutti", "tutte", "all"})
CUT_BY = ("contractor", "distributor")
# From here on a window that ends earlier than it begins is one night.
EVENING = dt.time(18)


def read_phase(
    form: FormData,
    base: RevisionDraft,
    places: Sequence[Place],
    ground: BaseGeometry,
    *,
    new: bool,
    trial: bool = False,
) -> tuple[PhaseValues, RevisionDraft | None]:
    """What was typed, and the draft that it makes of ``base``; no draft where a field is wrong.

    ``ground`` (the site's, metric) is what a closure without a drawing takes where the phase has
    no area of its own; ``new`` asks for a code too, ``trial`` neither for code and name
    nor for a reason. What is wrong stands in ``values.errors``.
    """
    return _PhaseReader(form, base, places, ground, new=new, trial=trial).read()


class _PhaseReader:
    def __init__(
        self,
        form: FormData,
        base: RevisionDraft,
        places: Sequence[Place],
        ground: BaseGeometry,
        *,
        new: bool,
        trial: bool,
    ) -> None:
        self.form = form
        self.ground = ground
        self.base = base
        self.new = new
        self.trial = trial
        self.stairs = stairs_of(places)
        self.building_ids = {place.id for place in places}
        self.errors: dict[str, str] = {}
        # A shape that nobody touched keeps its exact coordinates.
        known = [base.footprint, base.lorry_route, *(c.geometry for c in base.closures)]
        known += [b.geometry for b in base.barriers]
        self.known = {shape_text(shape): shape for shape in known if shape is not None}

    def text(self, name: str, limit: int) -> str:
        return typed_text(self.form, name, limit, self.errors)

    def column(self, name: str, limit: int = 300) -> list[str]:
        values = self.form.getlist(name)[:MAX_ROWS]
        return [str(v).replace("\x00", "").strip()[:limit] for v in values]

    def read(self) -> tuple[PhaseValues, RevisionDraft | None]:
        plant_preset = self.text("macchine_tipo", 60)
        base = with_preset_plant(self.base, plant_preset)
        draft = base
        try:
            times, draft = read_form(self.form, base)
        except Unusable as refused:
            times = refused.values
            self.errors.update(refused.values.errors)
        for name in ("dal", "al"):
            if not self.text(name, 20):
                self.errors[name] = _("Serve una data.")
        times.starts_on, times.ends_on = self.text("dal", 20), self.text("al", 20)
        values = PhaseValues(
            times=times,
            code=self.text("codice", 20),
            name=self._name(),
            preset=self.text("lavorazione", 60),
            plant_preset=plant_preset,
            description=self.text("descrizione", 5000),
            contractor=self.text("impresa", 200),
            certainty=self.text("certezza", 20) or "estimated",
            indoor=self.form.get("interno") is not None,
            dust={str(d) for d in self.form.getlist("polvere")} & set(DUST_ACTIVITIES),
            volume_m3=self.text("volume", 20),
            trucks=self.text("autocarri", 20),
            lorry_route=self._route_text(),
            area=str(self.form.get("perimetro") or ""),
            closures=self._closure_rows(),
            cuts=self._cut_rows(),
            barriers=[
                BarrierRow(shape, height)
                for shape, height in zip(
                    self.column("ba_forma", 60_000), self.column("ba_altezza"), strict=False
                )
                if shape
            ],
            roles=self._roles(),
            flats=self._flat_texts(),
            reason=self.text("motivo", 1000),
            based_on=self._based_on(),
        )
        draft = self._draft(values, draft)
        values.errors = times.errors = self.errors
        return values, None if self.errors else draft

    def _draft(self, values: PhaseValues, times: RevisionDraft) -> RevisionDraft:
        if not self.trial:
            self._check_heads(values)
        if values.preset and values.preset not in PRESETS:
            self.errors["lavorazione"] = _("Scegliete una lavorazione dell'elenco.")
        if values.certainty not in CERTAINTIES:
            self.errors["certezza"] = _("Scegliete se le date sono indicative o confermate.")
        return replace(
            times,
            name=values.name or self.base.name,
            preset=values.preset or None,
            description=values.description,
            contractor=values.contractor,
            certainty=values.certainty,
            footprint=self._area("perimetro", values.area, self.base.footprint),
            indoor=values.indoor,
            dust_activities=_in_order(values.dust, DUST_ACTIVITIES, self.base.dust_activities),
            volume_m3=self._number("volume", values.volume_m3, 0.1, 10_000_000),
            trucks_per_day=self._whole("autocarri", values.trucks, 1000),
            lorry_route=self._shape("percorso", values.lorry_route, None, read_route),
            closures=tuple(self._closures(values)),
            barriers=tuple(self._barriers(values)),
            cuts=tuple(self._cuts(values)),
            buildings=self._kept_order(values.roles),
            inside_flat_ids=self._flats(values),
        )

    def _name(self) -> str:
        # What a browser kept from a form without the field says nothing of the name.
        return self.text("nome", 200) if self.new or "nome" in self.form else self.base.name

    def _route_text(self) -> str:
        if "percorso" not in self.form:
            return shape_text(self.base.lorry_route)
        return str(self.form.get("percorso") or "")

    def _check_heads(self, values: PhaseValues) -> None:
        needed = [("nome", values.name)]
        if self.new:
            needed.append(("codice", values.code))
        elif not values.reason:
            self.errors["motivo"] = _("Scrivete in poche parole perché la fase cambia.")
        for name, found in needed:
            if not found:
                self.errors.setdefault(name, _("Non può restare vuoto."))

    def _based_on(self) -> int:
        return number_in(self.text("revisione", 10)) or 0

    def _number(self, name: str, text: str, least: float, most: float) -> float | None:
        if not text:
            return None
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            self.errors[name] = _(
                "Serve un numero da %(least)s a %(most)s.", least=f"{least:g}", most=f"{most:.0f}"
            )
            return None
        return number

    def _whole(self, name: str, text: str, most: int) -> int | None:
        if not text:
            return None
        number = number_in(text)
        if number is None or number > most:
            self.errors[name] = _("Serve un numero intero da 0 a %(most)s.", most=most)
            return None
        return number

    def _day(self, name: str, text: str) -> dt.date | None:
        return typed_day(name, text, self.errors)

    def _time(self, name: str, text: str) -> dt.time | None:
        return typed_time(name, text, self.errors)

    def _shape(
        self,
        name: str,
        text: str,
        default: BaseGeometry | None,
        read: Callable[[str], BaseGeometry],
    ) -> BaseGeometry | None:
        if not text:
            return default
        if text in self.known:
            return self.known[text]
        try:
            return read(text)
        except Unreadable as fault:
            self.errors[name] = str(fault)
            return default

    def _area(self, name: str, text: str, default: BaseGeometry | None) -> BaseGeometry | None:
        return self._shape(name, text, default, read_area)

    def _closure_rows(self) -> list[ClosureRow]:
        names = ("tipo", "forma", "descrizione", "dal", "al", "posti", "disabili")
        columns = [self.column(f"ch_{n}", 60_000 if n == "forma" else 500) for n in names]
        return [ClosureRow(*row) for row in zip(*columns, strict=False) if row[0]]

    def _closures(self, values: PhaseValues) -> list[ClosureDraft]:
        found = []
        for n, row in enumerate(values.closures):
            name = f"ch_{n}"
            if row.kind not in CLOSURE_KINDS:
                self.errors[name] = _("Scegliete che cosa si chiude.")
            whole = self._area("perimetro", values.area, self.base.footprint) or self.ground
            shape = self._area(name, row.shape, whole)
            first, last = self._span(name, row.starts_on, row.ends_on)
            if first is not None and last is None:
                last = self._day("al", values.times.ends_on)
            if last is not None and first is None:
                first = self._day("dal", values.times.starts_on)
            self._apart(
                name,
                (first, last),
                values,
                _(
                    "La chiusura è in giorni in cui la fase non c'è: correggete le sue date, o "
                    "toglietele e vale per tutta la fase."
                ),
            )
            stalls = self._whole(name, row.stalls, 10_000) or 0
            disabled = self._whole(name, row.disabled, 10_000) or 0
            if disabled > stalls:
                self.errors[name] = _("I posti per disabili non possono superare i posti tolti.")
            if shape is not None:
                found.append(
                    ClosureDraft(row.kind, shape, row.description, first, last, stalls, disabled)
                )
        return found

    def _span(self, name: str, first: str, last: str) -> tuple[dt.date | None, dt.date | None]:
        start, end = self._day(name, first), self._day(name, last)
        if start is not None and end is not None and end < start:
            self.errors[name] = _("L'ultimo giorno viene prima del primo.")
        return start, end

    def _cut_span(
        self, name: str, row: CutRow, values: PhaseValues
    ) -> tuple[dt.date | None, dt.date | None]:
        if row.starts_on:
            return self._span(name, row.starts_on, row.ends_on)
        last = row.ends_on or values.times.ends_on
        return self._span(name, values.times.starts_on, last)

    def _apart(self, name: str, days: Days, values: PhaseValues, sentence: str) -> None:
        """Refuse days that share none with those of the phase: left behind when it was moved."""
        if {name, "dal", "al"} & set(self.errors):
            return
        first, last = days
        start, end = self._span("al", values.times.starts_on, values.times.ends_on)
        if start and end and ((first or start) > end or (last or end) < start):
            self.errors[name] = sentence

    def _cut_rows(self) -> list[CutRow]:
        names = ("riga", "servizio", "dal", "al", "dalle", "alle", "chi", "nota")
        columns = [self.column(f"so_{n}") for n in names]
        rows = []
        for token, service, *rest in zip(*columns, strict=False):
            if not service:
                continue
            chosen = self.form.getlist(f"so_scale_{token}")
            ids = {n for c in chosen if (n := number_in(c)) is not None}
            rows.append(CutRow(token, service, *rest, stairwells=ids & set(self.stairs)))
        return rows

    def _cuts(self, values: PhaseValues) -> list[CutDraft]:
        found = []
        for n, row in enumerate(values.cuts):
            name = f"so_{n}"
            first, last = self._cut_span(name, row, values)
            start, end = self._time(name, row.starts_at), self._time(name, row.ends_at)
            if row.service not in SERVICES or row.cut_by not in CUT_BY:
                self.errors[name] = _("Scegliete che cosa si sospende.")
            elif name not in self.errors and (start is None) != (end is None):
                self.errors[name] = _("Servono tutte e due le ore, oppure nessuna.")
            elif start is not None and start == end:
                self.errors[name] = _("L'ora di inizio e di fine sono uguali.")
            elif start is not None and end is not None and end < start < EVENING:
                self.errors[name] = _(
                    "Finisce prima di cominciare: solo una sospensione di notte, che comincia "
                    "dalle 18, può finire il mattino dopo."
                )
            elif not row.stairwells:
                self.errors[name] = _("Scegliete almeno una scala.")
            self._apart(
                name,
                (first, last),
                values,
                _(
                    "La sospensione è in giorni in cui la fase non c'è: correggete le sue date, o "
                    "toglietele e vale per tutta la fase."
                ),
            )
            if name not in self.errors and first is not None:
                found.append(
                    CutDraft(
                        row.service, first, last, tuple(sorted(row.stairwells)), start, end,
                        row.cut_by, row.note,
                    )
                )  # fmt: skip
        return found

    def _barriers(self, values: PhaseValues) -> list[BarrierDraft]:
        found = []
        for n, row in enumerate(values.barriers):
            line = self._shape(f"ba_{n}", row.shape, None, read_line)
            height_m = self._number(f"ba_{n}", row.height_m or "0", 0.5, 30)
            if line is not None and height_m is not None:
                found.append(BarrierDraft(line, height_m))
        return found

    def _roles(self) -> set[tuple[int, str]]:
        found = set()
        for value in self.form.getlist("edificio"):
            key, _colon, role = str(value).partition(":")
            building_id = number_in(key)
            if building_id in self.building_ids and role in BUILDING_ROLES:
                found.add((building_id, role))
        return found

    def _kept_order(self, roles: set[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
        kept = [pair for pair in self.base.buildings if pair in roles]
        return (*kept, *sorted(roles - set(kept)))

    def _flat_texts(self) -> dict[int, str]:
        texts = {stair: self.text(f"interni_{stair}", 300) for stair in self.stairs}
        return {stair: text for stair, text in texts.items() if text}

    def _flats(self, values: PhaseValues) -> tuple[int, ...]:
        chosen: set[int] = set()
        for stair_id, text in values.flats.items():
            stair = self.stairs[stair_id]
            try:
                chosen |= chosen_flats(stair, text)
            except ValueError as fault:
                self.errors[f"interni_{stair_id}"] = str(fault)
        kept = [flat for flat in self.base.inside_flat_ids if flat in chosen]
        return (*kept, *sorted(chosen - set(kept)))


def chosen_flats(stair: Stair, text: str) -> set[int]:
    """Ids of the flats of ``stair`` that "tutti" or "1–6, 9" names.

    Raises ``ValueError`` with a sentence for a number that the stairwell has not.
    """
    if text.casefold().strip() in ALL_FLATS:
        return set(stair.flats.values())
    chosen: set[int] = set()
    for part in re.split(r"[,;]|\s+e\s+", text):
        word = re.sub(r"^(int\.?|interno|interni)\s*", "", part.strip(), flags=re.IGNORECASE)
        if not word:
            continue
        chosen |= _span_of_flats(stair.flats, word)
    return chosen


def _span_of_flats(flats: Mapping[str, int], word: str) -> set[int]:
    if word in flats:
        return {flats[word]}
    span = re.fullmatch(r"(\d{1,4})\s*[-–—]\s*(\d{1,4})", word)
    if span is None:
        raise ValueError(_("L'interno «%(number)s» non c'è in questa scala.", number=word[:20]))
    first, last = int(span[1]), int(span[2])
    numbers = {f: number_in(n) for n, f in flats.items()}
    found = {f for f, n in numbers.items() if n is not None and first <= n <= last}
    if not found:
        raise ValueError(_("Nessun interno da %(first)s a %(last)s in questa scala.",
                           first=first, last=last))  # fmt: skip
    return found


def _in_order(chosen: set[str], allowed: Sequence[str], recorded: Sequence[str]) -> tuple[str, ...]:
    """``chosen`` as recorded where it is the same, else in the usual order."""
    if chosen == set(recorded):
        return tuple(recorded)
    return tuple(word for word in allowed if word in chosen)
