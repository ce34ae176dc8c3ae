"""What the page with the form of a phase shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from geoalchemy2.shape import to_shape
from markupsafe import Markup
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.web.embed import embed, without_heading
from geo_service.works.drafts import RevisionDraft
from geo_service.works.editing.form_places import Place
from geo_service.works.editing.phase_form import (
    WHOLE_STAIR,
    CutRow,
    PhaseValues,
    spare_cut,
    stairs_of,
)
from geo_service.works.editing.shapes import shape_text
from geo_service.works.map_data import View, map_data
from geo_service.works.presets import PRESETS
from geo_service.works.revising.changes import DUST_WORDS
from geo_service.works.service import is_announced
from geo_service.works.simulation.form import machine_name, machine_names
from geo_service.works.simulation.page import result_context
from layers.plant.catalogue import catalogue
from layers.sites import BUILDING_ROLES, CLOSURE_KINDS, SERVICES, PhaseRevision, Site
from maps.base.frames import script_json
from maps.site_map import phase_map

MAP_REACH_M = 160.0
# A site has few buildings of its own; the others fold away.
NEAREST = 4


def page_context(
    request: Request,
    session: Session,
    site: Site,
    revision: PhaseRevision | None,
    base: RevisionDraft,
    values: PhaseValues,
    places: Sequence[Place],
) -> dict[str, Any]:
    """Everything ``works/edit_phase.html`` needs, except how the form was answered."""
    ground = to_shape(site.footprint)
    preset = PRESETS.get(values.preset)
    # Nothing of other works is drawn: the map is for drawing on, and opens on the site.
    view = View(base.starts_on, base.ends_on, site_id=site.id, revision_id=0)
    data = map_data(
        session, site.quarter, view, title=site.name, list_href="#dove",
        around=ground.buffer(MAP_REACH_M),
    )  # fmt: skip
    return {
        "site": site,
        "revision": revision,
        "phase": revision.phase if revision else None,
        "announced": revision is not None and is_announced(session, revision.id),
        "form": values,
        "spare": CutRow(spare_cut(values.cuts)),
        "places": places,
        **_near_and_far(places, values),
        "presets": sorted(
            ((code, p.name(i18n.current_language())) for code, p in PRESETS.items()),
            key=lambda item: item[1],
        ),
        "preset": preset,
        "expected": _expected(values) if revision is None else frozenset(),
        "said": _said(values, places),
        "weekday_names": i18n.weekday_names("wide"),
        "machines": machine_names(),
        "dust_words": {code: _(word) for code, word in DUST_WORDS.items()},
        "closure_kinds": [(code, words.closure(code)) for code in CLOSURE_KINDS],
        "services": [(code, words.service(code)) for code in SERVICES],
        "roles": [(code, words.role(code)) for code in BUILDING_ROLES],
        "config": Markup(script_json(json.dumps(_config(site, values)))),  # noqa: S704
        "map": embed(request, phase_map(without_heading(data))),
        **result_context(base, values.times, None),
        "errors": values.errors,
    }


def _near_and_far(places: Sequence[Place], values: PhaseValues) -> dict[str, list[Place]]:
    """The buildings that the form shows at once, and those that it folds away."""
    chosen = {building for building, _role in values.roles}
    near = [
        place
        for n, place in enumerate(places)
        if n < NEAREST or place.id in chosen or any(s.id in values.flats for s in place.stairs)
    ]
    return {"near": near, "far": [place for place in places if place not in near]}


def _expected(values: PhaseValues) -> frozenset[str]:
    """Kinds of impact of the chosen preset of which the form says nothing yet."""
    preset = PRESETS.get(values.preset)
    kinds = set(preset.kinds) if preset else set()
    if values.cuts:
        kinds.discard("utility")
    if values.roles or values.flats:
        kinds -= {"scaffold", "inside"}
    return frozenset(kinds)


def _said(values: PhaseValues, places: Sequence[Place]) -> dict[str, str]:
    """What each folded part of the form holds, in words."""
    stairs = stairs_of(places)
    on_buildings = [
        f"{place.label}: {words.role(role)}"
        for place in places
        for role in BUILDING_ROLES
        if (place.id, role) in values.roles
    ]
    in_flats = [f"{stairs[key].label}: {text}" for key, text in values.flats.items()]
    return {
        "cuts": ", ".join(
            word
            for row in values.cuts
            for word in (
                words.service(row.service),
                *(stairs[key].label for key in sorted(row.stairwells)),
            )
        ),
        "closures": ", ".join(words.closure(row.kind) for row in values.closures),
        "places": ", ".join(on_buildings + in_flats),
        "plant": ", ".join(row.name for row in values.times.plant),
        "barriers": str(len(values.barriers) or ""),
    }


def _config(site: Site, values: PhaseValues) -> dict[str, Any]:
    """What the page's script needs."""
    return {
        "site": json.loads(shape_text(to_shape(site.footprint))),
        "machines": {
            machine_name(code): [code, f"{machine.on_time * 100:g}"]
            for code, machine in reversed(catalogue().items())
        },
        "preview": True,
        # Presets whose works are inside the flats of the stairwells that they cut off.
        "inside": [code for code, p in PRESETS.items() if {"inside", "utility"} <= set(p.kinds)],
        "served": f"/cantieri/{site.id}/area-servita",
        "texts": map_texts(),
    }


def map_texts() -> dict[str, str]:
    """Words of the script that draws on the map."""
    return {
        "area": _("Area"),
        "closure": _("Chiusura"),
        "barrier": _("Barriera"),
        "vertex": _("Vertice %(n)s di %(of)s: trascinatelo, o spostatelo con le frecce; "
                    "Canc lo toglie"),
        "middle": _("Nuovo vertice: trascinatelo, o premete Invio"),
        "drawing": _("Toccate la mappa punto per punto; «Fine del disegno» per concludere. "
                     "Con la tastiera: spostate la mappa e premete «Vertice al centro»."),
        "editing": _("Trascinate i vertici. Vicino a un edificio si agganciano al suo contorno."),
        "draw": _("Disegna"),
        "finish": _("Fine del disegno"),
        "drawn": _("disegnata, %(area)s m²"),
        "drawn_line": _("disegnata, %(length)s m"),
        "whole": _("tutta l'area della fase"),
        "too_few": _("Servono almeno tre vertici; per una barriera due."),
        "restored": _("Abbiamo ritrovato quello che avevate scritto e non ancora salvato."),
        "served_asking": _("Cerco le scale…"),
        "all_flats": WHOLE_STAIR,
        "flats_proposed": _("Alloggi in cui si lavora, proposti per intero: %(stairs)s. Se non è "
                            "così, correggete.", stairs="{}"),
        "unknown_machine": _("Non è nel catalogo: scegliete un nome dell'elenco."),
        "failed": _("Il calcolo non è riuscito: riprovate tra poco."),
        "signed_out": _("La sessione è scaduta. Quello che avete scritto resta in questo "
                        "browser: accedete di nuovo e lo ritrovate qui."),
    }  # fmt: skip


def refusal_beside_fields(refused: Invalid) -> dict[str, str]:
    """Sentences of what the works refused, under the names of this form's fields."""
    places = {
        "code": ("codice", _("Questo codice c'è già: sceglietene un altro.")),
        "footprint": (
            "perimetro",
            _("L'area della fase non tocca il suo cantiere: correggete l'una o l'altro."),
        ),
        "ends_on": ("al", _("L'ultimo giorno viene prima del primo, o troppo dopo.")),
        "hours": ("orario_0", _("Un orario non si può usare: controllate le ore.")),
        "plant": ("macchina_nuova", _("Una macchina non si può usare: controllate i numeri.")),
        "barriers": ("ba_0", _("Una barriera non si può usare: disegnatela di nuovo.")),
        "lorry_route": (
            "percorso",
            _("Il percorso degli autocarri non arriva al cantiere: ridisegnatelo."),
        ),
        "closures": ("ch_0", _("Una chiusura non si può usare: disegnatela di nuovo.")),
        "cuts": ("so_0", _("Una sospensione non si può usare: controllate date e ore.")),
        "flats": ("interni", _("Alcuni alloggi non esistono più: ricaricate la pagina.")),
    }
    found = {places[k][0]: places[k][1] for k in refused.fields if k in places}
    return found or {"": str(refused)}
