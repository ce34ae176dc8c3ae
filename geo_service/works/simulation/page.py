"""What the page of a what-if shows: the form, the map to drag on, the difference in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from fastapi import Request
from geoalchemy2.shape import to_shape
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.i18n import ngettext
from geo_service.web import words
from geo_service.web.embed import embed, without_heading
from geo_service.works.drafts import RevisionDraft
from geo_service.works.map_data import map_data, phase_view
from geo_service.works.simulation.form import (
    SIDES,
    FormValues,
    machine_name,
    machine_names,
)
from geo_service.works.simulation.what_if import MOVES, KindChange, WhatIf
from layers.plant.catalogue import catalogue
from layers.sites import PhaseRevision
from maps.base.frames import script_json, to_wgs84
from maps.site_map import phase_map

# Beyond the map of the phase itself: far enough to see who leaves.
MAP_REACH_M = 220.0
# Base of the linear change between metres and degrees.
_STEP_M = 1000.0
SYMBOLS = {"entering": "+", "leaving": "−", "worse": "▲", "better": "▼"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A computed difference with the draft that makes it."""

    draft: RevisionDraft
    difference: WhatIf


def page_context(
    request: Request,
    session: Session,
    revision: PhaseRevision,
    base: RevisionDraft,
    values: FormValues,
    outcome: Outcome | None,
) -> dict[str, Any]:
    """Everything ``works/simulation.html`` needs."""
    site = revision.phase.site
    ground = to_shape(revision.footprint)
    data = map_data(
        session,
        site.quarter,
        phase_view(revision.period, revision.id),
        title=f"{revision.phase.code} {revision.phase.name}",
        list_href="#risultato",
        around=ground.buffer(MAP_REACH_M),
    )
    return {
        "revision": revision,
        "phase": revision.phase,
        "site": site,
        "base": base,
        "form": values,
        "weekday_names": i18n.weekday_names("wide"),
        "machines": machine_names(),
        "sides": side_names(),
        "config": Markup(script_json(json.dumps(_config(base, ground)))),  # noqa: S704
        "map": embed(request, phase_map(without_heading(data))),
        **result_context(base, values, outcome),
    }


def result_context(
    base: RevisionDraft, values: FormValues, outcome: Outcome | None, *, new: bool = False
) -> dict[str, Any]:
    """Everything ``works/simulation_result.html`` needs.

    A ``new`` phase changes nothing that was there before: of it only what it brings is told.
    """
    answer: dict[str, Any] = {"errors": values.errors}
    if outcome is None:
        return {"difference": None, "errors": values.errors, "answer": _json(answer)}
    difference = outcome.difference
    answer |= {
        "bands": difference.bands_after,
        "kinds": _kinds_after(difference),
        "marks": difference.marks,
        "barriers": [
            [[round(x, 2), round(y, 2)] for x, y in b.geometry.coords]
            for b in outcome.draft.barriers[len(base.barriers) :]
        ],
    }
    return {
        "difference": difference,
        "errors": {},
        "new": new,
        "headline": headline(difference, new=new),
        "sentences": [
            (kind, sentence(change, new=new))
            for kind, change in _ordered(difference.by_kind).items()
        ],
        "kind_changes": _ordered(difference.by_kind),
        "moves": {m: name for m, name in move_names().items() if m == "entering" or not new},
        "symbols": SYMBOLS,
        "changed": [] if new else changed_facts(base, outcome.draft),
        "moved": (base.starts_on, base.ends_on) != (outcome.draft.starts_on, outcome.draft.ends_on),
        "answer": _json(answer),
    }


def headline(difference: WhatIf, *, new: bool = False) -> str:
    """The difference in one line, each household once: "+12 nuclei, −3; 5 passano a forte"."""
    if not difference.by_kind:
        if new:
            return _("Il calcolo non trova edifici disturbati da questa fase.")
        return _("Nessuno cambia livello.")
    return sentence(difference.overall, new=new)


def at_least_said(said: str, *, exact: bool) -> str:
    """``said`` with its numbers as told: those of a reader who is told fives are the least."""
    return said if exact else _("almeno %(count)s", count=said)


def sentence(change: KindChange, *, new: bool = False) -> str:
    """What moves, in words: "+12 nuclei, −3; 5 passano a forte; 2 scendono a lieve".

    Of a ``new`` phase nothing moves: "12 nuclei, più 3 edifici di cui non si sanno gli alloggi".
    """
    if new:
        return _brought(change)
    told = _households_said(change)
    parts = [at_least_said("; ".join(told), exact=change.exact)] if told else []
    bare = sum(change.buildings_without_flats.values())
    if bare:
        parts.append(
            ngettext(
                "cambia %(count)s edificio di cui non si sanno gli alloggi",
                "cambiano %(count)s edifici di cui non si sanno gli alloggi",
                bare,
            )
        )
    if parts:
        return "; ".join(parts)
    if change.exact:
        # Not "empty flats": whom the reader may not know of may live there.
        return _("cambiano solo alloggi per i quali non si conta alcun nucleo")
    return _("cambia qualcosa, per meno di cinque nuclei o per nessuno")


def _brought(change: KindChange) -> str:
    homes = change.households["entering"]
    bare = sum(change.buildings_without_flats.values())
    parts = []
    if homes:
        said = ngettext("%(count)s nucleo", "%(count)s nuclei", homes)
        parts.append(at_least_said(said, exact=change.exact))
    if bare:
        parts.append(
            ngettext(
                "%(count)s edificio di cui non si sanno gli alloggi",
                "%(count)s edifici di cui non si sanno gli alloggi",
                bare,
            )
        )
    if parts:
        return _(", più ").join(parts)
    if change.exact:
        # Not "empty flats": whom the reader may not know of may live there.
        return _("solo alloggi per i quali non si conta alcun nucleo")
    return _("meno di cinque nuclei, o nessuno")


def _households_said(change: KindChange) -> list[str]:
    """Each number of households that is told, in words."""
    homes = change.households
    parts: list[str] = []
    come_and_go = []
    if homes["entering"]:
        n = homes["entering"]
        come_and_go.append(ngettext("+%(count)s nucleo", "+%(count)s nuclei", n))
    if homes["leaving"]:
        n = homes["leaving"]
        if come_and_go:
            come_and_go.append(f"−{i18n.number(n)}")
        else:
            come_and_go.append(ngettext("−%(count)s nucleo", "−%(count)s nuclei", n))
    if come_and_go:
        parts.append(", ".join(come_and_go))
    named = bool(come_and_go)
    for move in ("worse", "better"):
        for band in (4, 3, 2, 1):
            count = change.households_to.get((move, band), 0)
            if count:
                parts.append(_passes(move, count, words.band(band), named=named))
                named = True
    return parts


def _passes(move: str, count: int, band: str, *, named: bool) -> str:
    if move == "worse":
        if named:
            return ngettext("%(count)s passa a %(band)s", "%(count)s passano a %(band)s", count,
                            band=band)  # fmt: skip
        return ngettext("%(count)s nucleo passa a %(band)s", "%(count)s nuclei passano a %(band)s",
                        count, band=band)  # fmt: skip
    if named:
        return ngettext("%(count)s scende a %(band)s", "%(count)s scendono a %(band)s", count,
                        band=band)  # fmt: skip
    return ngettext("%(count)s nucleo scende a %(band)s", "%(count)s nuclei scendono a %(band)s",
                    count, band=band)  # fmt: skip


def move_names() -> dict[str, str]:
    """Words of the four moves, in the order of the table."""
    names = {
        "entering": _("entrano"),
        "leaving": _("escono"),
        "worse": _("peggiorano"),
        "better": _("migliorano"),
    }
    return {move: names[move] for move in MOVES}


def side_names() -> dict[str, str]:
    """Sides along which a barrier can be told without drawing."""
    names = (
        _("lato nord"),
        _("lato est"),
        _("lato sud"),
        _("lato ovest"),
        _("tutto intorno"),
    )
    return dict(zip(SIDES, names, strict=True))


def changed_facts(base: RevisionDraft, draft: RevisionDraft) -> list[str]:
    """What the draft changes of the phase, one short line each."""
    facts = []
    if (base.starts_on, base.ends_on) != (draft.starts_on, draft.ends_on):
        facts.append(
            _(
                "Date: %(new)s; prima: %(old)s",
                new=i18n.period(draft.starts_on, draft.ends_on),
                old=i18n.period(base.starts_on, base.ends_on),
            )
        )
    facts += _ground_facts(base.footprint, draft.footprint)
    if sorted(map(str, base.hours)) != sorted(map(str, draft.hours)):
        facts.append(_("Orari cambiati"))
    facts += _plant_facts(base, draft)
    for barrier in draft.barriers[len(base.barriers) :]:
        facts.append(
            _(
                "Barriera di %(length)s m, alta %(height)s m",
                length=i18n.number(barrier.geometry.length),
                height=i18n.number(barrier.height_m, 1),
            )
        )
    return facts


def _ground_facts(old: BaseGeometry | None, new: BaseGeometry | None) -> list[str]:
    if old is None or new is None or old.equals_exact(new, 0.01):
        return []
    moved = old.centroid.distance(new.centroid)
    facts = []
    if moved >= 0.5:
        facts.append(_("Area spostata di %(metres)s m", metres=i18n.number(moved)))
    if abs(old.area - new.area) >= 1:
        facts.append(
            _(
                "Area di %(new)s m² invece di %(old)s",
                new=i18n.number(new.area),
                old=i18n.number(old.area),
            )
        )
    return facts or [_("Contorno dell'area cambiato")]


def _plant_facts(base: RevisionDraft, draft: RevisionDraft) -> list[str]:
    if base.plant == draft.plant:
        return []
    old = {p.machine: p for p in base.plant}
    new = {p.machine: p for p in draft.plant}
    added = [machine_name(m) for m in new if m not in old]
    gone = [machine_name(m) for m in old if m not in new]
    facts = []
    if added:
        facts.append(_("Macchine in più: %(names)s", names=", ".join(added)))
    if gone:
        facts.append(_("Macchine in meno: %(names)s", names=", ".join(gone)))
    return facts or [_("Numero o uso delle macchine cambiato")]


def _ordered(by_kind: Mapping[str, KindChange]) -> dict[str, KindChange]:
    return dict(sorted(by_kind.items(), key=lambda item: words.kind(item[0])))


def _kinds_after(difference: WhatIf) -> dict[int, dict[str, int]]:
    impacts = difference.result.impacts
    found: dict[int, dict[str, int]] = {}
    if len(impacts):
        bands = impacts.groupby(["building_id", "kind"]).band.max()
        for (building_id, kind), band in bands.items():
            found.setdefault(int(building_id), {})[str(kind)] = int(band)
    return found


def _json(answer: dict[str, Any]) -> Markup:
    return Markup(script_json(json.dumps(answer)))  # noqa: S704


def _config(base: RevisionDraft, ground: BaseGeometry) -> dict[str, Any]:
    """What the script needs: the ground in metres, and how metres become degrees here."""
    origin = ground.centroid
    steps = to_wgs84(
        [shapely.Point(origin.x + east, origin.y + north)
         for east, north in ((0, 0), (_STEP_M, 0), (0, _STEP_M))]
    )  # fmt: skip
    at = np.array([[p.y, p.x] for p in steps])
    return {
        "origin_m": [origin.x, origin.y],
        "origin": at[0].tolist(),
        "east": ((at[1] - at[0]) / _STEP_M).tolist(),
        "north": ((at[2] - at[0]) / _STEP_M).tolist(),
        "area": _rings(base.footprint if base.footprint is not None else ground),
        "barriers": [[list(xy) for xy in b.geometry.coords] for b in base.barriers],
        "machines": {
            machine_name(code): [code, f"{machine.on_time * 100:g}"]
            for code, machine in reversed(catalogue().items())
        },
        "symbols": SYMBOLS,
        "texts": _texts(),
    }


def _rings(area: BaseGeometry) -> list[list[list[list[float]]]]:
    polygons = [g for g in shapely.get_parts(area) if g.geom_type == "Polygon"]
    return [
        [[[round(x, 3), round(y, 3)] for x, y, *_z in ring.coords[:-1]]
         for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in polygons
    ]  # fmt: skip


def _texts() -> dict[str, str]:
    return {
        "ground": _("Area della fase: trascinatela, o spostatela con le frecce"),
        "vertex": _("Vertice: trascinatelo, o spostatelo con le frecce; Canc lo toglie"),
        "middle": _("Nuovo vertice: trascinatelo"),
        "barrier_vertex": _("Vertice della barriera"),
        "draw": _("Disegna sulla mappa"),
        "finish": _("Fine del disegno"),
        "drawing": _("Toccate la mappa punto per punto; «Fine del disegno» per concludere."),
        "unknown_machine": _("Non è nel catalogo: scegliete un nome dell'elenco."),
        "failed": _("Il calcolo non è riuscito: riprovate tra poco."),
        "signed_out": _("La sessione è scaduta: ricaricate la pagina e accedete di nuovo."),
        "remove": _("Togli"),
        **move_names(),
    }
