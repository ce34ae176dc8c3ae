"""The form of a what-if: what it shows of a phase, and the draft that it describes.

Lengths are metres of the installation's metric system, on the screen too. A field left alone
changes nothing: closures, cuts, certainty and all that the form does not show stay as recorded.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry
from starlette.datastructures import FormData

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.works.drafts import BarrierDraft, HoursDraft, PlantDraft, RevisionDraft
from geo_service.works.revisions import shifted
from geo_service.works.validation import LONGEST_DAYS, YEARS
from layers.errors import UNREADABLE, DataError
from layers.plant.catalogue import Machine, catalogue, resolve

MAX_SHIFT_DAYS = 3660
MAX_MOVE_M = 2000.0
MAX_VERTICES = 500
MAX_MACHINES = 60
MAX_BARRIER_M = 30.0
BARRIER_HEIGHT_M = 3.0
# A barrier told by a side stands this far outside the ground of the phase.
BARRIER_GAP_M = 0.5
SIDES = ("n", "e", "s", "w", "all")
_WINDOW = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|a|to)\s*(\d{1,2})(?:[:.](\d{2}))?")


@dataclass(frozen=True, slots=True)
class PlantRow:
    """A machine in the form; ``item`` is its place in the recorded list, empty for a new one."""

    item: str
    machine: str
    name: str
    count: str
    share: str
    lwa: str


@dataclass(slots=True)
class FormValues:
    """What the form shows, as text, so that what was typed comes back as it was typed."""

    starts_on: str
    ends_on: str
    shift: str
    hours: dict[int, str]
    noisy: dict[int, str]
    plant: list[PlantRow]
    new_machine: str = ""
    east_m: str = "0"
    north_m: str = "0"
    area: str = ""
    barrier: str = ""
    barrier_side: str = ""
    barrier_height_m: str = f"{BARRIER_HEIGHT_M:g}"
    errors: dict[str, str] = field(default_factory=dict)


def values_of(draft: RevisionDraft) -> FormValues:
    """The form as it stands before anything is changed."""
    return FormValues(
        starts_on=draft.starts_on.isoformat(),
        ends_on=draft.ends_on.isoformat(),
        shift="0",
        hours={day: _windows_text(draft.hours, day, noisy=False) for day in range(7)},
        noisy={day: _windows_text(draft.hours, day, noisy=True) for day in range(7)},
        plant=[_plant_row(str(n), item) for n, item in enumerate(draft.plant)],
    )


def read_form(form: FormData, base: RevisionDraft) -> tuple[FormValues, RevisionDraft]:
    """What was typed, and the draft it makes of ``base``.

    Raises :class:`Invalid` with one sentence for each field that cannot be used; the values as
    typed stand in its ``values``.
    """
    reader = _Reader(form, base)
    draft = reader.draft()
    if reader.errors:
        reader.values.errors = reader.errors
        raise Unusable(reader.values)
    return reader.values, draft


class Unusable(Invalid):
    """Fields of the form cannot be used; ``values`` holds them as typed, with the sentences."""

    def __init__(self, values: FormValues) -> None:
        super().__init__(_("Alcuni campi sono da correggere."), values.errors)
        self.values = values


def machine_name(code: str) -> str:
    """Name of a machine in the reader's language, its code where the catalogue has none."""
    machine = catalogue().get(code)
    return code if machine is None else _name(machine)


def machine_names() -> list[str]:
    """Names of all machines that can be added, those of site lists first."""
    return list(dict.fromkeys(_name(m) for m in catalogue().values() if _name(m)))


def _name(machine: Machine) -> str:
    own, other = machine.name_it, machine.name_en
    if i18n.current_language() != "it":
        own, other = other, own
    return own or other or machine.code


class _Reader:
    """Reads the fields one by one and collects what is wrong with them."""

    def __init__(self, form: FormData, base: RevisionDraft) -> None:
        self.base = base
        self.errors: dict[str, str] = {}
        self.form = form
        self.values = FormValues(
            starts_on=self.text("dal", base.starts_on.isoformat()),
            ends_on=self.text("al", base.ends_on.isoformat()),
            shift=self.text("sposta", "0"),
            hours={day: self.text(f"orario_{day}") for day in range(7)},
            noisy={day: self.text(f"rumore_{day}") for day in range(7)},
            plant=self._plant_rows(),
            new_machine=self.text("macchina_nuova"),
            east_m=self.text("est_m", "0"),
            north_m=self.text("nord_m", "0"),
            area=self.text("area", limit=60_000),
            barrier=self.text("barriera", limit=20_000),
            barrier_side=self.text("barriera_lato"),
            barrier_height_m=self.text("barriera_h", f"{BARRIER_HEIGHT_M:g}"),
        )

    def text(self, name: str, default: str = "", limit: int = 300) -> str:
        found = self.form.get(name)
        if not isinstance(found, str) or not found.strip():
            return default
        return found.strip()[:limit]

    def draft(self) -> RevisionDraft:
        """The draft as far as the fields can be used; ``errors`` tells what cannot."""
        first, last, shift = self._dates()
        footprint = self._footprint()
        plant = self._plant()
        draft = replace(
            self.base,
            starts_on=first,
            ends_on=last,
            hours=self._hours(),
            plant=plant,
            footprint=footprint,
            barriers=self.base.barriers + self._barrier(footprint),
        )
        return shifted(draft, shift) if shift else draft

    def _dates(self) -> tuple[dt.date, dt.date, int]:
        first = self._day("dal", self.values.starts_on, self.base.starts_on)
        last = self._day("al", self.values.ends_on, self.base.ends_on)
        if not {"dal", "al"} & set(self.errors):
            if last < first:
                self.errors["al"] = _("L'ultimo giorno viene prima del primo.")
            elif (last - first).days > LONGEST_DAYS:
                self.errors["al"] = _("Più di dieci anni: controllate l'anno.")
        days = self._number("sposta", self.values.shift, -MAX_SHIFT_DAYS, MAX_SHIFT_DAYS)
        if days != int(days):
            self.errors["sposta"] = _("Servono giorni interi.")
        return first, last, int(days)

    def _day(self, name: str, text: str, default: dt.date) -> dt.date:
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            self.errors[name] = _("Serve una data, per esempio %(day)s.", day=default.isoformat())
            return default
        if day.year not in YEARS:
            self.errors[name] = _("Controllate l'anno.")
            return default
        return day

    def _number(self, name: str, text: str, least: float, most: float) -> float:
        try:
            number = float(text.replace(",", ".").replace("−", "-"))
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            self.errors[name] = _(
                "Serve un numero da %(least)s a %(most)s.",
                least=f"{least:g}",
                most=f"{most:g}",
            )
            return 0.0
        return number

    def _hours(self) -> tuple[HoursDraft, ...]:
        found = []
        for noisy, name, texts in (
            (False, "orario", self.values.hours),
            (True, "rumore", self.values.noisy),
        ):
            for day, text in texts.items():
                found += self._windows(f"{name}_{day}", text, day, noisy=noisy)
        return tuple(found)

    def _windows(self, name: str, text: str, day: int, *, noisy: bool) -> list[HoursDraft]:
        found: list[HoursDraft] = []
        for part in re.split(r"[,;]|\se\s|\sand\s", text):
            if not part.strip():
                continue
            try:
                found.append(HoursDraft(day, *_window(part.strip()), noisy=noisy))
            except ValueError:
                self.errors[name] = _("«%(text)s» non è un orario: scrivete 8:00–12:00, "
                                      "14:00–17:00.", text=part.strip()[:40])  # fmt: skip
                return []
        if len({hours.starts_at for hours in found}) < len(found):
            self.errors[name] = _("Due orari cominciano alla stessa ora.")
            return []
        return found

    def _plant_rows(self) -> list[PlantRow]:
        if self.form.get("macchine") is None:
            return [_plant_row(str(n), item) for n, item in enumerate(self.base.plant)]
        columns = [
            [str(value).strip()[:80] for value in self.form.getlist(name)[:MAX_MACHINES]]
            for name in ("voce", "macchina", "numero", "quota", "lwa")
        ]
        rows = []
        for item, machine, count, share, lwa in zip(*columns, strict=False):
            rows.append(PlantRow(item, machine, machine_name(machine), count, share, lwa))
        return rows

    def _plant(self) -> tuple[PlantDraft, ...]:
        items: list[PlantDraft] = []
        kept: list[PlantRow] = []
        for row in self.values.plant:
            item = self._plant_item(len(kept), row)
            if item is None:
                continue
            kept.append(row)
            items.append(item)
        if self.values.new_machine:
            added = self._added()
            if added is not None:
                kept.append(_plant_row("", added))
                items.append(added)
                self.values.new_machine = ""
        self.values.plant = kept
        return tuple(items)

    def _plant_item(self, place: int, row: PlantRow) -> PlantDraft | None:
        """A machine of the list; None where its number is 0: taken away."""
        name = f"macchina_{place}"
        if row.machine not in catalogue() and not row.item:
            self.errors[name] = _("Macchina non trovata nel catalogo.")
            return PlantDraft(row.machine)
        count = self._number(name, row.count or "0", 0, 100)
        share = self._number(name, row.share, 1, 100)
        lwa = self._number(name, row.lwa, 30, 150) if row.lwa else None
        if name not in self.errors and count != int(count):
            self.errors[name] = _("Il numero di macchine è intero.")
        if name not in self.errors and not count:
            return None
        known = PlantDraft(row.machine)
        place = number_in(row.item)
        if place is not None and place < len(self.base.plant):
            known = self.base.plant[place]
        return replace(
            known, count=max(1, int(count)), on_time=share / 100 or 1.0, lwa_declared_db=lwa
        )

    def _added(self) -> PlantDraft | None:
        try:
            machine = resolve(self.values.new_machine)
        except DataError:
            near = nearest_names(self.values.new_machine)
            hint = _(" Forse: %(names)s.", names="; ".join(near)) if near else ""
            self.errors["macchina_nuova"] = (
                _("«%(name)s» non è nel catalogo.", name=self.values.new_machine[:60]) + hint
            )
            return None
        return PlantDraft(machine.code, on_time=machine.on_time)

    def _footprint(self) -> BaseGeometry | None:
        area = self.base.footprint
        if self.values.area:
            try:
                area = _polygons(self.values.area)
            except ValueError as error:
                self.errors["area"] = str(error)
                return self.base.footprint
        east_m = self._number("est_m", self.values.east_m, -MAX_MOVE_M, MAX_MOVE_M)
        north_m = self._number("nord_m", self.values.north_m, -MAX_MOVE_M, MAX_MOVE_M)
        if area is None or not (east_m or north_m):
            return area
        return affinity.translate(area, east_m, north_m)

    def _barrier(self, footprint: BaseGeometry | None) -> tuple[BarrierDraft, ...]:
        line: BaseGeometry | None = None
        if self.values.barrier:
            try:
                line = _line(self.values.barrier)
            except ValueError as error:
                self.errors["barriera"] = str(error)
        elif self.values.barrier_side in SIDES and footprint is not None:
            line = side_line(footprint, self.values.barrier_side)
        height_m = self._number("barriera_h", self.values.barrier_height_m, 0.5, MAX_BARRIER_M)
        if line is None or "barriera_h" in self.errors:
            return ()
        return (BarrierDraft(line, height_m),)


def nearest_names(text: str, limit: int = 5) -> list[str]:
    """Names of the catalogue that share most words with ``text``, the shortest first."""
    words = [w for w in re.split(r"\W+", text.casefold()) if len(w) > 2]
    shared = {name: sum(w in name.casefold() for w in words) for name in machine_names()}
    found = [name for name, count in shared.items() if count]
    return sorted(found, key=lambda name: (-shared[name], len(name)))[:limit]


def side_line(footprint: BaseGeometry, side: str) -> shapely.LineString:
    """A line along one side of the ground (``n``, ``e``, ``s``, ``w``) or ``all`` around it.

    It follows the outline from corner to corner of the hull, half a metre outside.
    """
    hull = shapely.convex_hull(footprint).buffer(BARRIER_GAP_M, join_style="mitre")
    ring = list(hull.exterior.coords)
    if side == "all":
        return shapely.LineString(ring)
    toward = {"n": (0, 1), "e": (1, 0), "s": (0, -1), "w": (-1, 0)}[side]
    # Seen from that side, a convex outline is one chain: its edges that face the looker.
    ccw = bool(shapely.is_ccw(hull.exterior))
    edges = [(a, b) for a, b in pairwise(ring) if a != b]
    faces = [_facing(a, b, ccw, toward) for a, b in edges]
    # A narrow point may have no edge within the 50 degrees: then the nearest one it is.
    least = min(0.64, max(faces))
    return shapely.LineString(
        _joined([e for e, facing in zip(edges, faces, strict=True) if facing >= least])
    )


def _facing(
    a: tuple[float, ...], b: tuple[float, ...], ccw: bool, toward: tuple[int, int]
) -> float:
    """Cosine between the outward normal of an edge and a direction."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    normal = (dy, -dx) if ccw else (-dy, dx)
    return (normal[0] * toward[0] + normal[1] * toward[1]) / math.hypot(dx, dy)


def _joined(edges: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Points of consecutive edges of a ring, started where the chain starts."""
    ends = {b for _start, b in edges}
    follow = dict(edges)
    start = next((a for a, _end in edges if a not in ends), edges[0][0])
    points = [start]
    while points[-1] in follow and len(points) <= len(edges):
        points.append(follow[points[-1]])
    return points


def _polygons(text: str) -> BaseGeometry:
    """An area from its coordinates as JSON: polygons of rings of [x, y] in metres."""
    try:
        polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in json.loads(text)]
        area = shapely.MultiPolygon(polygons)
    except (*UNREADABLE, shapely.errors.ShapelyError) as error:
        raise ValueError(_("L'area disegnata non si può leggere: ricaricate la pagina.")) from error
    if area.is_empty or shapely.get_num_coordinates(area) > MAX_VERTICES:
        raise ValueError(_("L'area ha troppi vertici, o nessuno."))
    if not _finite(area):
        raise ValueError(_("L'area disegnata non si può leggere: ricaricate la pagina."))
    if not area.is_valid or area.area < 1:
        raise ValueError(_("Il contorno si incrocia o non racchiude nulla: spostate i vertici."))
    return area


def _line(text: str) -> shapely.LineString:
    try:
        line = shapely.LineString(json.loads(text))
    except (*UNREADABLE, shapely.errors.ShapelyError) as error:
        raise ValueError(_("La barriera non si può leggere: disegnatela di nuovo.")) from error
    if not _finite(line) or not 1 <= line.length <= 2000 or len(line.coords) > MAX_VERTICES:
        raise ValueError(_("La barriera è lunga da 1 a 2000 metri: disegnatela di nuovo."))
    return line


def _finite(shape: BaseGeometry) -> bool:
    return all(math.isfinite(v) for v in shapely.get_coordinates(shape).ravel())


def _window(text: str) -> tuple[dt.time, dt.time]:
    found = _WINDOW.fullmatch(text.lower())
    if found is None:
        raise ValueError(text)
    start_h, start_m, end_h, end_m = (int(g or 0) for g in found.groups())
    # Midnight at the end of a day is told as 24.
    start, end = dt.time(start_h, start_m), dt.time(end_h % 24 if end_h == 24 else end_h, end_m)
    if start == end:
        raise ValueError(text)
    return start, end


def _windows_text(hours: Iterable[HoursDraft], weekday: int, *, noisy: bool) -> str:
    return ", ".join(
        f"{h.starts_at:%-H:%M}–{h.ends_at:%-H:%M}"
        for h in sorted(hours, key=lambda h: h.starts_at)
        if h.weekday == weekday and h.noisy == noisy
    )


def _plant_row(item: str, plant: PlantDraft) -> PlantRow:
    lwa = "" if plant.lwa_declared_db is None else f"{plant.lwa_declared_db:g}"
    return PlantRow(
        item,
        plant.machine,
        machine_name(plant.machine),
        str(plant.count),
        f"{plant.on_time * 100:g}",
        lwa,
    )


def errors_beside_fields(problems: Mapping[str, str]) -> dict[str, str]:
    """Sentences of a refused draft beside the fields of this form."""
    places = {
        "ends_on": "al",
        "starts_on": "dal",
        "hours": "orario_0",
        "plant": "macchina_nuova",
        "footprint": "area",
        "barriers": "barriera",
    }
    sentences = {
        "footprint": _("L'area della fase non tocca più il suo cantiere: riportatela vicino."),
    }
    return {places.get(k, k): sentences.get(k, v) for k, v in problems.items()}
