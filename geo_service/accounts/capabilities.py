"""What each role may see and do, and which pages need what: the two tables that guards read."""

from __future__ import annotations

from geo_service.accounts.models import ROLES
from geo_service.i18n import N_

ROLE_WORDS = {
    "administrator": N_("Amministrazione del servizio"),
    "coordinator": N_("Coordinamento"),
    "operator": N_("Operatore"),
    "office": N_("Ufficio del Comune"),
    "works": N_("Impresa, DL, CSE"),
    "committee": N_("Comitato di Attuazione"),
    "delegate": N_("Referente di scala"),
}

# Columns of the table: what can be allowed. Everybody who is signed in has "signed_in".
CAPABILITIES = {
    "signed_in": N_("il proprio accesso"),
    "desk": N_("lavori, mappa, edifici"),
    "works.edit": N_("cambiare cantieri e fasi"),
    "links.issue": N_("dare all'impresa un collegamento per un solo compito"),
    "households": N_("nuclei familiari"),
    "needs": N_("esigenze dei casi propri"),
    "protected": N_("alloggi vuoti, indirizzi protetti"),
    "cases": N_("segnalazioni"),
    "notices.approve": N_("visto agli avvisi"),
    "totals": N_("totali di cinque e più"),
    "own_stairwell": N_("la propria scala, conteggi di cinque e più"),
    "own_phases": N_("le proprie fasi e i propri compiti"),
    "imports": N_("importare edifici, alloggi e nuclei"),
    "people": N_("persone e ruoli"),
    "history": N_("cronologia"),
    "buildings.edit": N_("cambiare edifici e scale"),
    "own_jobs": N_("gli elenchi che ha chiesto"),
    "jobs": N_("elaborazioni del servizio"),
}

_DESK = {"signed_in", "desk", "cases", "totals"}
# An administrator keeps accounts and sees nobody's data; a person who needs both has two accounts.
TABLE: dict[str, frozenset[str]] = {
    "administrator": frozenset({"signed_in", "jobs", "own_jobs", "people"}),
    "coordinator": frozenset(
        _DESK
        | {"works.edit", "links.issue", "households", "needs", "protected", "imports"}
        | {"people", "history", "buildings.edit", "jobs", "own_jobs"}
    ),
    "operator": frozenset(
        _DESK
        | {"works.edit", "links.issue", "households", "needs"}
        | {"buildings.edit", "own_jobs"}
    ),
    "office": frozenset(_DESK | {"notices.approve", "own_jobs"}),
    "works": frozenset({"signed_in", "own_phases"}),
    "committee": frozenset({"signed_in", "totals"}),
    "delegate": frozenset({"signed_in", "own_stairwell"}),
}

# First part of a path → what its pages need. A path that is not named here needs the desk.
PAGES = {
    "/esci": "signed_in",
    "/profilo": "signed_in",
    "/ripresa": "signed_in",
    "/totali": "totals",
    "/comune": "notices.approve",
    "/mia-scala": "own_stairwell",
    "/mie-fasi": "own_phases",
    "/persone": "people",
    "/cronologia": "history",
    "/elaborazioni": "own_jobs",
    "/nuclei": "households",
    "/alloggi": "households",
    "/appuntamenti": "households",
    # Whoever edits works brings sites and phases; the other kinds need "imports" besides.
    "/importa": "works.edit",
}
# Pages for which the first part of the path says too little.
EXACT_PAGES = {
    "/elaborazioni/ricalcola": "jobs",
    "/elaborazioni/{job_id:int}/annulla": "jobs",
    "/elaborazioni/{job_id:int}/riprova": "jobs",
    "/edifici/{building_id:int}/modifica": "buildings.edit",
    "/edifici/{building_id:int}/chiudi": "buildings.edit",
    "/edifici/{building_id:int}/alloggi/nuovo": "protected",
    "/alloggi/{flat_id:int}/chiudi": "protected",
    "/fasi/{phase_id:int}/modifica": "works.edit",
    "/fasi/{phase_id:int}/modifica/effetto": "works.edit",
    "/fasi/{phase_id:int}/ancora-valida": "works.edit",
    "/fasi/{phase_id:int}/riferito": "works.edit",
    "/cantieri/nuovo": "works.edit",
    "/cantieri/{site_id:int}/modifica": "works.edit",
    "/cantieri/{site_id:int}/archivia": "works.edit",
    "/cantieri/{site_id:int}/fasi/nuova": "works.edit",
    "/cantieri/{site_id:int}/fasi/insieme": "works.edit",
    "/cantieri/{site_id:int}/fasi/nuova/effetto": "works.edit",
    "/fasi/{phase_id:int}/sospensioni": "works.edit",
    "/cantieri/{site_id:int}/area-servita": "works.edit",
    "/cantieri/{site_id:int}/autorizzazioni/nuova": "works.edit",
    "/autorizzazioni/{permit_id:int}/modifica": "works.edit",
    "/autorizzazioni/{permit_id:int}/togli": "works.edit",
    "/autorizzazioni/{permit_id:int}/documenti": "works.edit",
    "/autorizzazioni/{permit_id:int}/documenti/{document_id:int}/togli": "works.edit",
    "/fasi/{phase_id:int}/collegamenti": "links.issue",
    "/fasi/{phase_id:int}/appuntamenti": "households",
    "/fasi/{phase_id:int}/appuntamenti/proposta": "households",
    "/fasi/{phase_id:int}/appuntamenti/segui": "households",
    "/fasi/{phase_id:int}/appuntamenti/giorno": "protected",
    "/fasi/{phase_id:int}/appuntamenti/giorno.{file_format}": "protected",
    "/fasi/{phase_id:int}/appuntamenti/collegamento": "protected",
    "/fasi/{phase_id:int}/appuntamenti/collegamento/{link_id:int}/ritira": "protected",
    "/fasi/{phase_id:int}/collegamenti/{link_id:int}/ritira": "links.issue",
}
DEFAULT = "desk"
# Where a person arrives after signing in, best first.
HOMES = (
    ("notices.approve", "/comune"), ("desk", "/oggi"), ("totals", "/totali"),
    ("own_stairwell", "/mia-scala"), ("own_phases", "/mie-fasi"), ("people", "/persone"),
    ("signed_in", "/profilo"),
)  # fmt: skip

# Who may give which role: nobody hands out more than is theirs to keep.
GRANTS = {
    "administrator": frozenset(ROLES),
    "coordinator": frozenset(ROLES) - {"administrator"},
}


def may(role: str, capability: str) -> bool:
    """Whether ``role`` has ``capability``."""
    return capability in TABLE.get(role, frozenset())


def needed(path: str) -> str:
    """Capability that the route declared as ``path`` needs."""
    if path in EXACT_PAGES:
        return EXACT_PAGES[path]
    first = "/" + path.lstrip("/").split("/")[0]
    return PAGES.get(first, DEFAULT)


def home(role: str) -> str:
    """First page of ``role``."""
    return next((path for capability, path in HOMES if may(role, capability)), "/profilo")
