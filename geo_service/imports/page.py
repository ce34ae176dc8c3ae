"""What the pages of an upload show: its state in words, mapping, first rows, map, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
from fastapi import Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.i18n import current_language
from geo_service.i18n import gettext as _
from geo_service.imports import uploads
from geo_service.imports.seeing import shapes_of
from geo_service.imports.service import buildings_near
from geo_service.imports.uploads import ImportUpload
from geo_service.imports.vocabulary import PROFILE_WORDS
from geo_service.imports.wording import spoken, spoken_report
from geo_service.web.embed import embed
from layers.buildings import Quarter
from layers.crs import SRID
from layers.loaders.profiles import FIELDS
from maps.base import MapData
from maps.base.render import MapParts
from maps.preview_map import preview_map

# What a kind needs beyond the page itself: who edits works brings sites and phases.
KIND_NEEDS = {
    "buildings": "imports", "entrances": "imports", "paths": "imports", "flats": "imports",
    "households": "imports", "sites": "works.edit", "phases": "works.edit",
}  # fmt: skip
SHOWN_ROWS = 100


def kinds_for(who: SignedIn) -> list[str]:
    """Kinds of data that an account may import, in the order in which they follow each other."""
    return [kind for kind, needs in KIND_NEEDS.items() if who.can(needs)]


def read_options(
    form: FormData, kind: str, before: dict[str, Any] | None = None, columns: Sequence[str] = ()
) -> dict[str, Any]:
    """Options of an import as a form tells them, for ``ImportOptions``.

    ``columns`` are the file's as it was read ``before``; who changes the layer or the profile
    gets the columns found anew, for the old choices may not fit. Raises :class:`Invalid`.
    """

    def told(name: str, limit: int = 200) -> str | None:
        value = form.get(name)
        return (
            (value.replace("\x00", "").strip()[:limit] or None) if isinstance(value, str) else None
        )

    profile = told("profilo")
    if profile is not None and profile not in PROFILE_WORDS:
        raise Invalid(_("Scegliete un'origine dell'elenco."), {"profilo": _("non è nell'elenco")})
    within = told("distanza", 10) or "0"
    try:
        join_within_m = float(within.replace(",", "."))
    except ValueError:
        join_within_m = -1.0
    if not 0 <= join_within_m <= 50:
        raise Invalid(
            _("La distanza dei civici dal muro è un numero di metri da 0 a 50."),
            {"distanza": _("da 0 a 50 metri")},
        )
    maps = []
    before = before or {}
    same = (profile, told("strato")) == (before.get("profile"), before.get("layer"))
    for field in FIELDS[kind] if same else ():
        if f"campo-{field}" in form:
            column = told(f"campo-{field}", 400)
            maps.append(f"{column if column in columns else ''}={field}")
    return {
        "profile": profile,
        "layer": told("strato"),
        "crs": told("sistema", 40),
        "swap_axes": form.get("assi") is not None,
        "join_within_m": join_within_m,
        "source": told("fonte"),
        "maps": maps,
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """State of an upload as the page tells it; ``done`` and ``total`` count rows.

    ``words`` say why its job was lost.
    """

    state: str
    done: int | None = None
    total: int | None = None
    words: str = ""

    @property
    def waits(self) -> bool:
        """Whether the page changes by itself."""
        return self.state in uploads.WAITING


def standing_of(session: Session, upload: ImportUpload) -> Standing:
    """How far an upload is; one whose job was lost counts as failed."""
    job = uploads.job_of(session, upload)
    if job is None:
        return Standing(upload.state)
    if uploads.is_lost(job):
        return Standing("failed", words=_(job.error) if job.error else "")
    return Standing(upload.state, job.done, job.total)


def failure_of(upload: ImportUpload, standing: Standing) -> str:
    """Why the file cannot be imported as it is, in words."""
    if upload.failure is not None:
        return spoken(upload.failure)
    return standing.words


def fields_of(kind: str, seen: dict[str, Any]) -> list[tuple[str, str]]:
    """Every field of a kind with the column of the file that was taken for it."""
    theirs = seen.get("theirs", {})
    return [(field, theirs.get(field, "")) for field in FIELDS[kind]]


def report_of(upload: ImportUpload, seen: dict[str, Any]) -> dict[str, Any] | None:
    """The report in the reader's language: of what was applied, else of the check."""
    kept = upload.report or seen.get("report")
    return None if kept is None else spoken_report(kept)


def map_of(
    request: Request, session: Session, quarter: Quarter, seen: dict[str, Any]
) -> MapParts | None:
    """Map of the sample of shapes, None where the file has none."""
    shapes = shapes_of(seen)
    if not len(shapes):
        return None
    found = gpd.GeoDataFrame(geometry=shapes, crs=SRID)
    ground = buildings_near(session, quarter.id, found.total_bounds)
    data = MapData(
        buildings=ground if len(ground) else None,
        language=current_language(),
        synthetic=quarter.synthetic,
        attribution="Accanto",
    )
    return embed(request, preview_map(found, data))
