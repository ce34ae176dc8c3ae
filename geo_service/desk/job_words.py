"""Background jobs in words: what is done, for whom, how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.accounts.models import Account
from geo_service.desk import history_words
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.jobs import JobState

TASKS = {
    "recompute_impacts": N_("Calcolo dei disagi di una fase"),
    "recompute_many": N_("Calcolo dei disagi di tutte le fasi"),
    "recompute_near": N_("Calcolo dei disagi delle fasi vicine a un edificio"),
    "export_list": N_("Elenco da scaricare"),
    "check_import": N_("Controllo di un file da importare"),
    "apply_import": N_("Importazione di un file"),
    "mail_account_link": N_("Lettera con un collegamento di accesso"),
    "mail_reset": N_("Lettera per una nuova password"),
}
LISTS = {"nuclei": N_("nuclei familiari"), "alloggi": N_("alloggi"), "edifici": N_("edifici")}
STATES = {
    "waiting": N_("in attesa"),
    "again": N_("in attesa di un nuovo tentativo"),
    "running": N_("in corso"),
    "stopping": N_("si sta fermando"),
    "done": N_("finito"),
    "failed": N_("non riuscito"),
    "cancelled": N_("annullato"),
}
# Argument of a job → the kind of thing that it names.
_NAMED = {"site_id": "site", "building_id": "building", "phase_id": "phase"}
_REVISIONS = """select r.id, s.code || ' ' || p.code || ' ' || p.name from phase_revision r
                join works_phase p on p.id = r.phase_id join site s on s.id = p.site_id
                where r.id = any(:ids)"""


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as it stands on the page."""

    job: JobState
    what: str
    subject: str
    who: str
    state: str
    share: int | None

    @property
    def said(self) -> str:
        """How far it is: "12 di 40 fasi calcolate"."""
        if self.job.done is None:
            return ""
        words = _(self.job.text) if self.job.text else ""
        if self.job.total is None:
            return f"{self.job.done} {words}".strip()
        far = _("%(done)s di %(total)s", done=self.job.done, total=self.job.total)
        return f"{far} {words}".strip()


def lines(session: Session, jobs: Iterable[JobState]) -> list[JobLine]:
    """Jobs in words, with one query for each kind of thing that they name."""
    jobs = list(jobs)
    names = _names(session, jobs)
    accounts = _accounts(session, {j.account_id for j in jobs if j.account_id is not None})
    return [
        JobLine(
            job=job,
            what=_what(job),
            subject=_subject(job, names),
            who=accounts.get(job.account_id or 0, _("il servizio")),
            state=_(STATES[job.state]),
            share=_share(job),
        )
        for job in jobs
    ]


def _what(job: JobState) -> str:
    name = job.task
    if name == "recompute_many" and job.args.get("building_id"):
        name = "recompute_near"
    return _(TASKS[name]) if name in TASKS else name


def _subject(job: JobState, names: dict[tuple[str, int], str]) -> str:
    if job.task == "export_list":
        kind = str(job.args.get("kind", ""))
        return f"{_(LISTS[kind]) if kind in LISTS else kind}, {job.args.get('file_format', '')}"
    if job.task == "recompute_impacts":
        return names.get(("revision", int(job.args.get("revision_id", 0))), "")
    for argument, kind in _NAMED.items():
        if job.args.get(argument):
            return names.get((kind, int(job.args[argument])), "")
    return _("tutto il quartiere") if job.task == "recompute_many" else ""


def _share(job: JobState) -> int | None:
    """Percent done; None where the job does not count its steps."""
    if job.done is None or not job.total:
        return None
    return min(100, round(100 * job.done / job.total))


def _names(session: Session, jobs: list[JobState]) -> dict[tuple[str, int], str]:
    queries = {**history_words.LABELS, "revision": _REVISIONS}
    named = {**_NAMED, "revision_id": "revision"}
    found: dict[tuple[str, int], str] = {}
    for argument, kind in named.items():
        ids = {int(j.args[argument]) for j in jobs if j.args.get(argument)}
        if ids:
            for number, label in session.execute(text(queries[kind]), {"ids": list(ids)}):
                found[kind, number] = label
    return found


def _accounts(session: Session, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    found = session.query(Account).filter(Account.id.in_(ids))
    return {account.id: history_words.account_name(account) for account in found}
