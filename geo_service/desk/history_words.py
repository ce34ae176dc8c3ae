"""The history in words: what was done, to what, from what to what."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.accounts.capabilities import ROLE_WORDS
from geo_service.accounts.models import Account, TaskLink
from geo_service.accounts.people import account_name
from geo_service.accounts.places import FUNCTION_WORDS
from geo_service.appointments.crew import ACTION as CREW_TASK
from geo_service.appointments.vocabulary import ACCESS_WORDS, ITEM_WORDS, STATE_WORDS
from geo_service.history import HIDDEN, HistoryEntry
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works import reported
from geo_service.works.permits import states as permit_states
from geo_service.works.presets import PRESETS
from layers.plant.catalogue import catalogue

# Kinds of subject as the filter offers them.
SUBJECTS = {
    "building": N_("Edifici"),
    "site": N_("Cantieri"),
    "phase": N_("Fasi"),
    "permit": N_("Autorizzazioni"),
    "household": N_("Nuclei"),
    "flat": N_("Alloggi"),
    "condominium": N_("Condomini"),
    "appointment": N_("Appuntamenti in casa"),
    "import": N_("Importazioni"),
    "backup": N_("Backup ripristinati"),
    "account": N_("Persone e ruoli"),
    "task_link": N_("Collegamenti per l'impresa"),
}
# "%(what)s" is the label of the subject.
ACTIONS = {
    "site.created": N_("ha creato il cantiere %(what)s"),
    "site.changed": N_("ha cambiato il cantiere %(what)s"),
    "site.archived": N_("ha archiviato il cantiere %(what)s"),
    "phase.added": N_("ha aggiunto la fase %(what)s"),
    "phase.revised": N_("ha cambiato la fase %(what)s"),
    "phase.linked": N_("ha cambiato le fasi che %(what)s aspetta"),
    "phase.dropped": N_("ha tolto la fase %(what)s dal cronoprogramma"),
    "phase.returned": N_("ha rimesso la fase %(what)s nel cronoprogramma"),
    "phase.confirmed": N_("ha confermato che è ancora valida la fase %(what)s"),
    "phase.done": N_("ha annotato che è finita la fase %(what)s"),
    "phase.overrun": N_("ha annotato che va oltre quanto annunciato la fase %(what)s"),
    "phase.reported": N_("ha cambiato, come riferito, la fase %(what)s"),
    "phase.cut_said": N_("ha annotato com'è andata una sospensione della fase %(what)s"),
    "permit.created": N_("ha registrato l'autorizzazione %(what)s"),
    "permit.changed": N_("ha cambiato l'autorizzazione %(what)s"),
    "permit.removed": N_("ha tolto l'autorizzazione %(what)s"),
    "permit.file_added": N_("ha allegato un documento all'autorizzazione %(what)s"),
    "permit.file_removed": N_("ha tolto un documento all'autorizzazione %(what)s"),
    "household.changed": N_("ha cambiato il nucleo %(what)s"),
    "household.need_added": N_("ha aggiunto un'esigenza al nucleo %(what)s"),
    "household.need_changed": N_("ha cambiato un'esigenza del nucleo %(what)s"),
    "household.need_dropped": N_("ha tolto un'esigenza al nucleo %(what)s"),
    "household.moved": N_("ha registrato lo spostamento del nucleo %(what)s"),
    "household.merged": N_("ha unito un doppione al nucleo %(what)s"),
    "household.merged_away": N_("ha chiuso come doppione il nucleo %(what)s"),
    "household.separated": N_("ha separato di nuovo il nucleo %(what)s"),
    "household.stays_corrected": N_("ha corretto permanenze o titoli del nucleo %(what)s"),
    "household.forgotten": N_("ha svuotato nome e contatti del nucleo %(what)s"),
    "flat.changed": N_("ha cambiato l'alloggio %(what)s"),
    "condominium.changed": N_("ha cambiato il condominio %(what)s"),
    "flat_owner.added": N_("ha aggiunto un proprietario dell'alloggio %(what)s"),
    "flat_owner.changed": N_("ha cambiato un proprietario dell'alloggio %(what)s"),
    "flat_owner.dropped": N_("ha tolto un proprietario dell'alloggio %(what)s"),
    "condominium_administrator.added": N_("ha aggiunto un amministratore dell'edificio %(what)s"),
    "condominium_administrator.changed": N_("ha cambiato un amministratore dell'edificio %(what)s"),
    "condominium_administrator.dropped": N_("ha tolto un amministratore dell'edificio %(what)s"),
    "appointment.changed": N_("ha cambiato l'appuntamento %(what)s"),
    "appointments.proposed": N_("ha proposto gli appuntamenti della fase %(what)s"),
    "appointments.followed": N_("ha fatto seguire gli appuntamenti alla fase %(what)s"),
    "list.exported": N_("ha scaricato un elenco"),
    "history.exported": N_("ha scaricato la cronologia"),
    "building.changed": N_("ha cambiato l'edificio %(what)s"),
    "building.closed": N_("ha chiuso l'edificio %(what)s"),
    "building.stairwell_closed": N_("ha chiuso una scala dell'edificio %(what)s"),
    "building.stairwell_removed": N_("ha tolto una scala registrata per errore da %(what)s"),
    "flat.added": N_("ha aggiunto l'alloggio %(what)s"),
    "flat.closed": N_("ha chiuso l'alloggio %(what)s"),
    "household.added": N_("ha aggiunto il nucleo %(what)s"),
    "job.cancelled": N_("ha annullato un lavoro del servizio"),
    "job.retried": N_("ha rimesso in coda un lavoro del servizio"),
    "impacts.recompute_asked": N_("ha chiesto di ricalcolare i disagi"),
    "import.done": N_("ha importato un file"),
    "backup.restored": N_("ha ripristinato un backup"),
    "account.created": N_("ha creato l'accesso di %(what)s"),
    "account.invited": N_("ha fatto un invito per %(what)s"),
    "account.reset_link": N_("ha fatto un collegamento per una nuova password di %(what)s"),
    "account.password_set": N_("ha scelto una nuova password per %(what)s"),
    "account.changed": N_("ha cambiato l'accesso di %(what)s"),
    "account.disabled": N_("ha disattivato l'accesso di %(what)s"),
    "account.enabled": N_("ha riattivato l'accesso di %(what)s"),
    "account.signed_out_everywhere": N_("ha chiuso tutte le sessioni di %(what)s"),
    "account.second_factor_on": N_("ha attivato il secondo fattore di %(what)s"),
    "account.second_factor_off": N_("ha tolto il secondo fattore di %(what)s"),
    "account.recovery_code_used": N_("è entrata con un codice di riserva: %(what)s"),
    "account.identity_tied": N_("ha collegato la propria identità digitale: %(what)s"),
    "account.forgotten": N_("ha svuotato nome e indirizzo di %(what)s"),
    "task_link.issued": N_("ha dato un collegamento a %(what)s"),
    "task_link.revoked": N_("ha ritirato il collegamento di %(what)s"),
}
FIELDS = {
    "starts_on": N_("inizio"),
    "ends_on": N_("fine"),
    "certainty": N_("data"),
    "preset": N_("lavorazione tipo"),
    "contractor": N_("impresa"),
    "description": N_("descrizione"),
    "indoor": N_("lavori all'interno"),
    "dust_activities": N_("attività con polvere"),
    "volume_m3": N_("volume (m³)"),
    "trucks_per_day": N_("autocarri al giorno"),
    "lorry_route": N_("percorso degli autocarri"),
    "hours": N_("orari"),
    "plant": N_("macchine"),
    "closures": N_("chiusure"),
    "barriers": N_("barriere"),
    "cuts": N_("sospensioni (scale)"),
    "buildings": N_("edifici"),
    "inside_flats": N_("alloggi in cui si lavora"),
    "footprint": N_("area"),
    "reason": N_("motivo"),
    "predecessors": N_("fasi che aspetta"),
    "code": N_("codice"),
    "name": N_("nome"),
    "client": N_("committente"),
    "cup": "CUP",
    "cig": "CIG",
    "issuer": N_("ente"),
    "permit_number": N_("numero"),
    "phases": N_("fasi"),
    "limit_dba": N_("limite dB(A)"),
    "from": N_("dalle"),
    "until": N_("alle"),
    "sent_on": N_("inviato il"),
    "signs_on": N_("cartelli posati il"),
    "inform_residents_days_before": N_("giorni prima in cui avvisare"),
    "cut_said": N_("sospensione"),
    "confirmed_on": N_("verificata il"),
    "reported_by": N_("riferito da"),
    "what_runs_over": N_("che cosa va oltre"),
    "stairwell": N_("scala n."),
    "sites": N_("cantieri n."),
    "function": N_("funzione"),
    "firm": N_("ditta"),
    "archived_on": N_("archiviato il"),
    "kind": N_("che cosa"),
    "language": N_("lingua"),
    "size": N_("persone"),
    "channel": N_("canale"),
    "protected": N_("indirizzo protetto"),
    "phone": N_("telefono"),
    "email": N_("e-mail"),
    "address": N_("indirizzo"),
    "review_on": N_("da rivedere il"),
    "flat": N_("alloggio n."),
    "moved_on": N_("dal giorno"),
    "title": N_("titolo"),
    "merged": N_("unito con"),
    "stays": N_("permanenze"),
    "tenancies": N_("titoli"),
    "rows": N_("righe"),
    "format": N_("formato"),
    "number": N_("interno"),
    "storey": N_("piano"),
    "rooms": N_("locali"),
    "area_m2": N_("superficie m²"),
    "step_free": N_("senza gradini"),
    "use": N_("uso"),
    "sold": N_("venduto"),
    "exposures": N_("affacci"),
    "height_m": N_("altezza in metri"),
    "storeys": N_("piani fuori terra"),
    "acoustic_class": N_("classe acustica"),
    "owner": N_("proprietà"),
    "addresses": N_("indirizzi"),
    "stairwells": N_("scale"),
    "closed_on": N_("chiuso il"),
    "successor": N_("al suo posto"),
    "file": N_("file"),
    "accepted": N_("righe accolte"),
    "unchanged": N_("righe già presenti"),
    "refused": N_("righe rifiutate"),
    "state": N_("stato"),
    "slot_on": N_("giorno"),
    "slot_hours": N_("fascia oraria"),
    "crew": N_("squadra"),
    "access": N_("chi apre"),
    "keys_note": N_("nota sulle chiavi"),
    "wish": N_("richiesta"),
    "not_before": N_("non prima delle"),
    "not_after": N_("non dopo le"),
    "to_prepare": N_("da preparare"),
    "prepared": N_("preparato"),
    "appointments": N_("appuntamenti"),
    "role": N_("ruolo"),
    "action": N_("compito"),
}
VALUES = {
    "estimated": N_("indicativa"),
    "confirmed": N_("confermata"),
    "phase.confirm": N_("confermare la fase"),
    **FUNCTION_WORDS,
    **STATE_WORDS,
    **ACCESS_WORDS,
    **ROLE_WORDS,
}
PERMIT_WORDS = {**permit_states.KIND_WORDS, **permit_states.STATE_WORDS}
IMPORT_KINDS = {
    "buildings": N_("edifici"),
    "entrances": N_("civici e scale"),
    "paths": N_("percorsi"),
    "flats": N_("alloggi"),
    "households": N_("nuclei familiari"),
    "sites": N_("cantieri"),
    "phases": N_("fasi"),
}
# Fields whose values begin with a code that has a word of its own, and where it stands.
CODED = {
    "cuts": re.compile(r"^\w+"),
    "closures": re.compile(r"^\w+"),
    "plant": re.compile(r"(?<=× ).+?(?=, \d+%)"),
}
HOURS = re.compile(r"([1-7]) (\d\d:\d\d)–(\d\d:\d\d)( !)?")
ISO_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PHASES = """select p.id, s.code || ' ' || p.code || ' ' || p.name
             from works_phase p join site s on s.id = p.site_id where p.id = any(:ids)"""
_SITES = "select id, code || ' ' || name from site where id = any(:ids)"
_BUILDINGS = "select id, coalesce(nullif(name, ''), code) from building where id = any(:ids)"
_FLATS = """select f.id, coalesce(nullif(b.name, ''), b.code) || ' ' || s.label || ' int. '
                   || f.number
            from flat f join stairwell s on s.id = f.stairwell_id
            join building b on b.id = s.building_id where f.id = any(:ids)"""
_APPOINTMENTS = """select t.id, p.code || ', ' || s.label || ' int. ' || f.number
                   from appointment t join works_phase p on p.id = t.phase_id
                   join flat f on f.id = t.flat_id
                   join stairwell s on s.id = f.stairwell_id where t.id = any(:ids)"""
_HOUSEHOLDS = "select id, code from household where id = any(:ids)"
_PERMITS = """select m.id, s.code || ' ' || coalesce(nullif(m.number, ''), '(' || m.id || ')')
              from permit m join site s on s.id = m.site_id where m.id = any(:ids)"""
LABELS = {
    "permit": _PERMITS,
    "phase": _PHASES,
    "site": _SITES,
    "building": _BUILDINGS,
    "flat": _FLATS,
    "household": _HOUSEHOLDS,
    "condominium": _BUILDINGS,
    "appointment": _APPOINTMENTS,
}
PAGES = {"permit": "/autorizzazioni/{}",
         "phase": "/fasi/{}", "site": "/cantieri/{}", "building": "/edifici/{}",
         "account": "/persone/{}", "household": "/nuclei/{}", "flat": "/alloggi/{}",
         "condominium": "/edifici/{}", "appointment": "/appuntamenti/{}"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One field: its word, what it was and what it is; None where there was or is nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as people read it."""

    id: int
    at: dt.datetime
    who: str
    done: str
    href: str
    changes: list[Change]


def lines(session: Session, entries: Iterable[HistoryEntry]) -> list[Line]:
    """Entries in words, with one query for each kind of thing that they name."""
    entries = list(entries)
    names = _names(session, entries)
    return [_line(entry, names) for entry in entries]


def actions_by_subject() -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be done, as the filter offers it: kind of thing → actions in words."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for action, words_of_it in ACTIONS.items():
        said = " ".join((_(words_of_it) % {"what": "…"}).split())
        groups[action.partition(".")[0]].append((action, said))
    return [(_(SUBJECTS[s]) if s in SUBJECTS else _("Altro"), found) for s, found in groups.items()]


def _names(session: Session, entries: list[HistoryEntry]) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        for kind, number in ((entry.actor, entry.actor_id), (entry.subject, entry.subject_id)):
            if number is not None:
                wanted[kind].add(number)
    found: dict[tuple[str, int], str] = {}
    for kind, query in LABELS.items():
        if wanted[kind]:
            rows = session.execute(text(query), {"ids": list(wanted[kind])})
            found.update({(kind, number): label for number, label in rows})
    if wanted["account"]:
        for account in session.scalars(select(Account).where(Account.id.in_(wanted["account"]))):
            found["account", account.id] = account_name(account)
    if wanted["task_link"]:
        query = select(TaskLink.id, TaskLink.who).where(TaskLink.id.in_(wanted["task_link"]))
        found.update({("task_link", number): who for number, who in session.execute(query)})
    return found


def _line(entry: HistoryEntry, names: dict[tuple[str, int], str]) -> Line:
    what = ""
    if entry.subject_id is not None:
        known = names.get((entry.subject, entry.subject_id))
        what = known or f"{_(SUBJECTS.get(entry.subject, entry.subject))} {entry.subject_id}"
    if entry.action in ACTIONS:
        done = _(ACTIONS[entry.action]) % {"what": what}
    else:
        done = f"{entry.action} {what}"
    href = PAGES[entry.subject].format(entry.subject_id) if entry.subject in PAGES else ""
    order = list(FIELDS)
    # The database keeps no order of fields.
    ordered = sorted(
        entry.changes.items(), key=lambda c: (order.index(c[0]) if c[0] in FIELDS else 99, c[0])
    )
    changes = [Change(_field(f), *_values(entry, f, pair)) for f, pair in ordered]
    return Line(entry.id, entry.at, _who(entry, names), done, href, changes)


def _who(entry: HistoryEntry, names: dict[tuple[str, int], str]) -> str:
    if entry.actor == "command" or entry.actor_id is None:
        return _("Comando del servizio")
    known = names.get((entry.actor, entry.actor_id))
    if entry.actor == "task_link":
        return _("%(who)s, con un collegamento", who=known or entry.actor_id)
    return known or _("persona %(id)s", id=entry.actor_id)


def _field(field: str) -> str:
    if field.startswith("role_in_"):
        return _("ruolo nel quartiere %(id)s", id=field.removeprefix("role_in_"))
    return _(FIELDS[field]) if field in FIELDS else field


def _values(entry: HistoryEntry, field: str, pair: list[Any]) -> tuple[str | None, str | None]:
    before, after = (_said(entry.subject, field, value) for value in pair)
    return before, after


def _said(subject: str, field: str, value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return _("sì") if value else _("no")
    if isinstance(value, int | float):
        return i18n.number(value, 0 if float(value).is_integer() else 2)
    if isinstance(value, list) and field == "hours":
        return _hours([str(one) for one in value])
    if isinstance(value, list):
        return "; ".join(filter(None, (_said(subject, field, one) for one in value)))
    if value == HIDDEN:
        return _("(non conservato)")
    if subject == "import" and value in IMPORT_KINDS:
        return _(IMPORT_KINDS[value])
    if field == "reported_by":
        return reported.in_words(str(value))
    if field in CODED:
        return _coded(field, str(value))
    if field in ("stays", "tenancies"):
        return _with_days(str(value))
    if field == "preset" and value in PRESETS:
        return PRESETS[value].name(i18n.current_language())
    if subject == "permit" and value in PERMIT_WORDS:
        return _(PERMIT_WORDS[value])
    if value in VALUES:
        return _(VALUES[value])
    if field == "action" and str(value).startswith(CREW_TASK):
        return _("segnare gli appuntamenti del giorno")
    if field in ("to_prepare", "prepared"):
        item, _space, by = str(value).partition(" ")
        return " ".join(filter(None, (_(ITEM_WORDS.get(item, item)), by)))
    try:
        return i18n.day(dt.date.fromisoformat(value)) if field.endswith("_on") else str(value)
    except ValueError:
        return str(value)


def _hours(values: list[str]) -> str:
    """Hours of single weekdays ("1 08:00–12:00 !") put together as people say them."""
    days: dict[tuple[dt.time, dt.time, bool], int] = defaultdict(int)
    for value in values:
        found = HOURS.fullmatch(value)
        if found is None:
            return "; ".join(values)
        day, starts_at, ends_at, noisy = found.groups()
        window = (dt.time.fromisoformat(starts_at), dt.time.fromisoformat(ends_at), bool(noisy))
        days[window] |= 1 << int(day) - 1
    hours = [(mask, *window) for window, mask in days.items()]
    said = words.hours_lines(hours, noisy=False)
    noisy_lines = words.hours_lines(hours, noisy=True)
    return "; ".join([*said, *(f"{line} ({_('rumorosi')})" for line in noisy_lines)])


def _coded(field: str, value: str) -> str:
    """A line of facts with its code and its days in words."""

    def in_words(found: re.Match[str]) -> str:
        code = found.group()
        if field == "cuts":
            return words.service(code).lower()
        if field == "closures":
            return words.closure(code).lower()
        machine = catalogue().get(code)
        if machine is None:
            return code
        return machine.name_it if i18n.current_language() == "it" else machine.name_en

    return _with_days(CODED[field].sub(in_words, value, count=1))


def _with_days(value: str) -> str:
    """``value`` with its days as people write them."""
    return ISO_DAY.sub(lambda found: i18n.day(dt.date.fromisoformat(found.group())), value)
