"""What a schedule from a file would change: rows matched to phases, and the difference in days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from geo_service.i18n import gettext as _
from geo_service.works.drafts import RevisionDraft
from geo_service.works.presets import PRESETS, draft_from_preset
from geo_service.works.revisions import draft_of, inclusive, moved_to
from geo_service.works.schedule_files.rows import ReadSchedule, ScheduleRow
from geo_service.works.service import revisions_in_force
from geo_service.works.timelines.dependencies import (
    Network,
    links_of_quarter,
    network,
    short,
    weekdays_of,
)
from geo_service.works.timelines.dependency_days import MONDAY_TO_FRIDAY, Link, Span, ring_in
from geo_service.works.timelines.followers import NOTHING, Consequences, consequences_in
from layers.sites import PhaseRevision, Site, WorksPhase

OUT, NEW = "fuori", "nuova"


@dataclass(frozen=True, slots=True)
class Known:
    """A phase of the site with its newest revision; ``in_force`` unless it was taken out."""

    phase: WorksPhase
    revision: PhaseRevision
    in_force: bool
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose: per row a phase, :data:`NEW` or :data:`OUT`; presets of new phases;
    phases to take out because the file lacks them. Rows without a choice are matched."""

    rows: Mapping[int, str] = field(default_factory=dict)
    presets: Mapping[int, str] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()


@dataclass(slots=True)
class Line:
    """A row of the file beside the phase it is matched to, and what would happen.

    ``kind`` is ``new``, ``moved``, ``back`` (was taken out earlier), ``same`` or ``out``.
    """

    row: ScheduleRow
    kind: str
    known: Known | None = None
    preset: str = ""
    code: str = ""
    error: str = ""

    @property
    def place(self) -> int:
        """The phase's id; for a new phase a number that no phase has."""
        return -self.row.number if self.known is None else self.known.phase.id

    @property
    def days(self) -> tuple[int, int]:
        """Days by which the first and the last day move."""
        if self.known is None:
            return 0, 0
        return (self.row.first - self.known.first).days, (self.row.last - self.known.last).days


@dataclass(slots=True)
class Difference:
    """Everything that applying a file would do."""

    lines: list[Line]
    missing: list[Known]
    dropped: list[Known]
    links: dict[int, list[Link]]
    links_added: list[str]
    links_removed: list[str]
    broken: list[str]
    errors: dict[str, str]
    # Phases that the file does not tell and that wait for those it moves.
    following: Consequences = NOTHING

    def of(self, *kinds: str) -> list[Line]:
        """Lines of these kinds."""
        return [line for line in self.lines if line.kind in kinds]

    @property
    def nothing(self) -> bool:
        """Whether applying would change nothing."""
        return not (self.of("new", "moved", "back") or self.dropped or self.links)


def known_phases(session: Session, site: Site) -> list[Known]:
    """All phases of a site by code, those taken out included."""
    in_force = {r.phase_id for r in revisions_in_force(session, site_id=site.id)}
    newest = session.execute(
        select(WorksPhase, PhaseRevision)
        .join(PhaseRevision, PhaseRevision.phase_id == WorksPhase.id)
        .where(WorksPhase.site_id == site.id)
        .ext(distinct_on(WorksPhase.code, WorksPhase.id))
        .order_by(WorksPhase.code, WorksPhase.id, PhaseRevision.number.desc())
    )
    found = []
    for phase, revision in newest:
        first, last = inclusive(revision.period)
        found.append(Known(phase, revision, phase.id in in_force, first, last or first))
    return found


def matched(rows: Sequence[ScheduleRow], known: Sequence[Known]) -> dict[int, Known]:
    """Phases of rows: by code, else by name where only one phase has it; each phase once."""
    by_code = {k.phase.code.casefold(): k for k in known}
    names: dict[str, list[Known]] = {}
    for one in known:
        names.setdefault(_plain(one.phase.name), []).append(one)
    found: dict[int, Known] = {}
    for row in rows:
        same = by_code.get(row.code.casefold()) if row.code else None
        if same is not None:
            found[row.number] = same
    taken = {k.phase.id for k in found.values()}
    for row in rows:
        alike = names.get(_plain(row.name), [])
        if row.number not in found and len(alike) == 1 and alike[0].phase.id not in taken:
            found[row.number] = alike[0]
            taken.add(alike[0].phase.id)
    return found


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def difference_of(session: Session, site: Site, read: ReadSchedule, choices: Choices) -> Difference:
    """What applying ``read`` with ``choices`` would change. Nothing is written."""
    known = known_phases(session, site)
    errors: dict[str, str] = {}
    lines = _lines(read, known, choices, errors)
    used = {line.known.phase.id for line in lines if line.known is not None}
    # A row that is refused still tells that its phase is not gone.
    refused = {note.code.casefold() for note in read.refused if note.code}
    missing = [
        k for k in known
        if k.in_force and k.phase.id not in used and k.phase.code.casefold() not in refused
    ]  # fmt: skip
    dropped = [k for k in missing if k.phase.id in choices.dropped]
    found = Difference(lines, missing, dropped, {}, [], [], [], errors)
    _compare_links(session, site, read, found, known)
    return found


def _lines(
    read: ReadSchedule, known: Sequence[Known], choices: Choices, errors: dict[str, str]
) -> list[Line]:
    by_id = {str(k.phase.id): k for k in known}
    guessed = matched(read.rows, known)
    codes = {k.phase.code.casefold() for k in known}
    seen: dict[int, int] = {}
    lines = []
    for row in read.rows:
        guess = guessed.get(row.number)
        default = str(guess.phase.id) if guess else (OUT if row.milestone else NEW)
        choice = choices.rows.get(row.number, default)
        line = Line(row, "out", by_id.get(choice), choices.presets.get(row.number, ""))
        if line.known is not None:
            line.kind = _kind(line)
            other = seen.setdefault(line.known.phase.id, row.number)
            if other != row.number:
                line.error = _("la stessa fase è già abbinata alla riga %(row)s", row=other)
        elif choice == NEW:
            line.kind = "new"
            line.code = row.code or _free_code(codes)
            if line.code.casefold() in codes:
                line.error = _(
                    "una fase con il codice %(code)s c'è già: abbinate la riga a quella, o "
                    "lasciatela fuori", code=line.code,
                )  # fmt: skip
            if line.preset and line.preset not in PRESETS:
                line.error = _("scegliete una lavorazione tipo dell'elenco")
            codes.add(line.code.casefold())
        if line.error:
            errors[f"riga_{row.number}"] = _(
                "Riga %(row)s: %(text)s.", row=row.number, text=line.error
            )
        lines.append(line)
    return lines


def _kind(line: Line) -> str:
    if line.known is not None and not line.known.in_force:
        return "back"
    return "moved" if line.days != (0, 0) else "same"


def _free_code(codes: set[str]) -> str:
    number = 1
    while f"n{number}" in codes:
        number += 1
    return f"N{number}"


def _compare_links(
    session: Session, site: Site, read: ReadSchedule, found: Difference, known: Sequence[Known]
) -> None:
    """Dependencies that the file adds and removes, and those that its dates do not keep."""
    lines = {line.row.number: line for line in found.lines if line.kind != "out"}
    gone = {k.phase.id for k in found.dropped}
    before = [
        k for k in links_of_quarter(session, site.quarter_id)
        if not {k.predecessor_id, k.successor_id} & gone
    ]  # fmt: skip
    told = {line.place for line in lines.values()}
    after = list(before)
    if read.tells_links:
        wanted = {
            (lines[w.row].place, line.place): Link(
                lines[w.row].place, line.place, w.kind, w.lag_days
            )
            for line in lines.values() for w in line.row.waits if w.row in lines
        }  # fmt: skip
        kept = [k for k in before if not {k.predecessor_id, k.successor_id} <= told]
        after = kept + list(wanted.values())
    net = _after_net(session, site, found, after, known)
    added, removed = set(after) - set(before), set(before) - set(after)
    found.links_added = [_link_text(net, k) for k in after if k in added]
    found.links_removed = [_link_text(net, k) for k in before if k in removed]
    for successor in {k.successor_id for k in added | removed}:
        found.links[successor] = [k for k in after if k.successor_id == successor]
    ring = ring_in(after) if added else []
    if ring:
        found.errors["dipendenze"] = _(
            "Le dipendenze girano in tondo: %(ring)s. Togliete uno di questi passaggi.",
            # A phase of an archived site has no name here.
            ring=" → ".join(net.names.get(p, "…") for p in ring),
        )
        return
    dates = {
        line.place: (line.row.first, line.row.last) for line in lines.values()
        if line.kind in ("new", "moved", "back")
    }  # fmt: skip
    found.broken = [net.sentence(b, {}) for b in net.broken_by(dates)]
    # What the file tells stays where the file has it.
    fixed = frozenset(line.place for line in lines.values()) | gone
    found.following = consequences_in(replace(net, fixed=fixed), dates)


def _after_net(
    session: Session,
    site: Site,
    found: Difference,
    links: Sequence[Link],
    known: Sequence[Known],
) -> Network:
    """The dependencies with the dates of the file; new phases under their own numbers."""
    now = network(session, site.quarter_id)
    names, spans = dict(now.names), dict(now.spans)
    used = [line for line in found.lines if line.kind != "out"]
    weekdays = weekdays_of(
        session, [line.known.revision.id for line in used if line.known is not None]
    )
    for line in used:
        own: frozenset[int] = MONDAY_TO_FRIDAY
        if line.known is not None:
            names[line.place] = f"{line.known.phase.code} {line.known.phase.name}"
            own = weekdays.get(line.known.revision.id) or own
        else:
            names[line.place] = f"{line.code} {line.row.name}"
            if line.preset in PRESETS:
                own = frozenset(h.weekday for h in PRESETS[line.preset].hours) or own
        spans[line.place] = Span(line.row.first, line.row.last, own)
    for one in known:
        names.setdefault(one.phase.id, f"{one.phase.code} {one.phase.name}")
    # Links may lead to a phase of another site that is out of the schedule: it has no dates.
    shown = [k for k in links if {k.predecessor_id, k.successor_id} <= names.keys()]
    return Network(tuple(shown), now.revisions, spans, now.patron, names)


def _link_text(net: Network, link: Link) -> str:
    return f"{net.names[link.predecessor_id]} → {net.names[link.successor_id]} ({short(link)})"


def draft_for(session: Session, line: Line) -> RevisionDraft:
    """The draft that a new, moved or returning line records."""
    row = line.row
    if line.known is not None:
        return moved_to(draft_of(session, line.known.revision), row.first, row.last)
    if line.preset:
        return draft_from_preset(line.preset, starts_on=row.first, ends_on=row.last)
    return RevisionDraft(starts_on=row.first, ends_on=row.last)
