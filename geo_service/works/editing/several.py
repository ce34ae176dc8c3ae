"""Several new phases at once, as a paper schedule lists them: kind of works, first and last day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.works.drafts import RevisionDraft
from geo_service.works.editing.proposals import needs_scaffold, next_phase_code, scaffolded
from geo_service.works.form_text import typed_text
from geo_service.works.presets import PRESETS, draft_from_preset
from geo_service.works.revising.saving import compute_later, lock_site, new_map
from geo_service.works.service import add_phases
from geo_service.works.validation import LONGEST_DAYS, YEARS
from layers.sites import CERTAINTIES, PhaseRevision, Site, WorksPhase

ROWS = 6
MORE_ROWS = 6
MOST_ROWS = 60
LONGEST_CODE, LONGEST_NAME, LONGEST_FIRM, LONGEST_REASON = 20, 200, 200, 1000
_COUNTED = re.compile(r"(.*?)(\d{1,4})")


@dataclass(slots=True)
class PhaseRow:
    """One row as it was typed; days as ISO text, as date fields send them."""

    code: str = ""
    preset: str = ""
    name: str = ""
    first: str = ""
    last: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was typed that makes it a phase."""
        return not (self.code or self.preset or self.name or self.first or self.last)


@dataclass(slots=True)
class SeveralValues:
    """The form as it was typed; ``errors`` by the names of its fields."""

    rows: list[PhaseRow] = field(default_factory=lambda: [PhaseRow() for _n in range(ROWS)])
    contractor: str = ""
    certainty: str = "estimated"
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPhase:
    """A row that can be recorded."""

    code: str
    name: str
    draft: RevisionDraft


def codes_of(session: Session, site: Site) -> set[str]:
    """Codes of the site's phases in small letters, those taken off the schedule included."""
    codes = session.scalars(select(WorksPhase.code).where(WorksPhase.site_id == site.id))
    return {code.casefold() for code in codes}


def read_several(
    session: Session, site: Site, form: FormData
) -> tuple[SeveralValues, list[NewPhase]]:
    """What was typed, and the phases in it; none where ``errors`` says what is wrong.

    A row without a code gets the next one of the site that no other row has, one without a name
    that of its kind of works; a scaffold stands on the buildings of the site's ground. Empty rows
    are left out.
    """
    errors: dict[str, str] = {}
    count = min(max(number_in(form.get("righe")) or ROWS, 1), MOST_ROWS)
    values = SeveralValues(
        [_typed_row(form, n, errors) for n in range(count)],
        typed_text(form, "impresa", LONGEST_FIRM, errors),
        typed_text(form, "certezza", 20, errors),
        typed_text(form, "motivo", LONGEST_REASON, errors),
        errors,
    )
    if values.certainty not in CERTAINTIES:
        errors["certezza"] = _("Scegliete se le date sono indicative o confermate.")
    told = [(n, row) for n, row in enumerate(values.rows) if not row.empty]
    if not told:
        errors["tipo_0"] = _("Scrivete almeno una fase: lavorazione, primo e ultimo giorno.")
    taken = codes_of(session, site)
    for n, row in told:
        if row.code and row.code.casefold() in taken:
            errors[f"codice_{n}"] = _(
                "Riga %(row)s: il codice %(code)s c'è già, scrivetene un altro.",
                row=n + 1, code=row.code,
            )  # fmt: skip
        taken.add(row.code.casefold())
    following = next_phase_code(session, site)
    scaffold = any(needs_scaffold(row.preset) for _n, row in told)
    on_scaffold = tuple(sorted(scaffolded(session, site))) if scaffold else ()
    phases = []
    for n, row in told:
        draft = _draft(n, row, values, errors)
        if draft is not None and needs_scaffold(row.preset):
            draft = replace(draft, buildings=on_scaffold)
        code = row.code or _free(following, taken)
        if not code:
            errors[f"codice_{n}"] = _("Riga %(row)s: scrivete il codice della fase.", row=n + 1)
        taken.add(code.casefold())
        if draft is not None:
            phases.append(NewPhase(code, draft.name, draft))
    return values, [] if errors else phases


def save_several(
    session: Session, site: Site, phases: Sequence[NewPhase], *, author: str, reason: str
) -> list[PhaseRevision]:
    """Record ``phases`` in one version of the site's schedule; the worker computes them.

    Raises :class:`geo_service.errors.Invalid` where a code was taken meanwhile.
    """
    lock_site(session, site)
    made = add_phases(
        session, site, [(p.code, p.name, p.draft) for p in phases], author=author, reason=reason
    )
    new_map(session, site.quarter_id)
    compute_later(session, site.quarter_id, [revision.id for revision in made])
    return made


def _typed_row(form: FormData, n: int, errors: dict[str, str]) -> PhaseRow:
    return PhaseRow(
        typed_text(form, f"codice_{n}", LONGEST_CODE, errors),
        typed_text(form, f"tipo_{n}", 60, errors),
        typed_text(form, f"nome_{n}", LONGEST_NAME, errors),
        typed_text(form, f"dal_{n}", 10, errors),
        typed_text(form, f"al_{n}", 10, errors),
    )


def _draft(
    n: int, row: PhaseRow, values: SeveralValues, errors: dict[str, str]
) -> RevisionDraft | None:
    """The phase of a row, or None where ``errors`` now says what is wrong with it."""
    first = _day(f"dal_{n}", n, row.first, _("il primo giorno"), errors)
    last = _day(f"al_{n}", n, row.last, _("l'ultimo giorno"), errors)
    if row.preset and row.preset not in PRESETS:
        errors[f"tipo_{n}"] = _(
            "Riga %(row)s: scegliete una lavorazione dell'elenco.", row=n + 1
        )  # fmt: skip
        return None
    if not row.preset and not row.name:
        errors[f"tipo_{n}"] = _(
            "Riga %(row)s: scegliete la lavorazione, o scrivete un nome.", row=n + 1
        )  # fmt: skip
        return None
    if first is None or last is None:
        return None
    if last < first:
        errors[f"al_{n}"] = _(
            "Riga %(row)s: finisce %(last)s, prima di cominciare (%(first)s).",
            row=n + 1, last=i18n.day(last), first=i18n.day(first),
        )  # fmt: skip
        return None
    if (last - first).days > LONGEST_DAYS:
        errors[f"al_{n}"] = _(
            "Riga %(row)s: dura più di dieci anni: controllate l'anno.", row=n + 1
        )  # fmt: skip
        return None
    own = RevisionDraft(starts_on=first, ends_on=last)
    if row.preset:
        own = draft_from_preset(row.preset, starts_on=first, ends_on=last)
    name = row.name or PRESETS[row.preset].name(i18n.current_language())
    return replace(own, name=name, contractor=values.contractor, certainty=values.certainty)


def _day(name: str, n: int, text: str, what: str, errors: dict[str, str]) -> dt.date | None:
    if not text:
        errors[name] = _("Riga %(row)s: manca %(what)s.", row=n + 1, what=what)
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        errors[name] = _(
            "Riga %(row)s: %(what)s non è un giorno che esiste: «%(text)s».",
            row=n + 1, what=what, text=text,
        )  # fmt: skip
        return None
    if day.year not in YEARS:
        errors[name] = _(
            "Riga %(row)s: %(what)s cade nell'anno %(year)s: controllate.",
            row=n + 1, what=what, year=day.year,
        )  # fmt: skip
        return None
    return day


def _free(code: str, taken: set[str]) -> str:
    """``code``, or the first one counted on from it that is not taken; empty where none is."""
    counted = _COUNTED.fullmatch(code)
    if counted is None:
        return ""
    head, number = counted[1], int(counted[2])
    while f"{head}{number}".casefold() in taken:
        number += 1
    found = f"{head}{number}"
    return found if len(found) <= LONGEST_CODE else ""
