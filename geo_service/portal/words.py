"""What residents read about each kind of impact: what it is, how they will notice it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from geo_service import i18n
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.portal.service import Fact
from geo_service.web import words
from geo_service.works.presets import PRESETS

HEADLINES = {
    "noise": N_("Rumore %(band)s"),
    "dust": N_("Polvere: livello %(band)s"),
    "vibration": N_("Vibrazioni: livello %(band)s"),
    "access": N_("Ingresso o percorso modificato"),
    "access step_free": N_("Percorso senza gradini chiuso o più lungo"),
    "parking": N_("Meno posti auto"),
    "parking disabled_stalls": N_("Meno posti auto per disabili"),
    "scaffold": N_("Impalcatura sull'edificio"),
    "inside": N_("Lavori dentro gli alloggi, su appuntamento"),
    "inside structure_borne": N_("Colpi e vibrazioni dentro l'edificio"),
    "works": N_("Lavori in questo edificio"),
}
PARTS = {"evening": N_("di sera"), "night": N_("di notte")}
CUTS = {
    "water": N_("Acqua chiusa"),
    "hot_water": N_("Senza acqua calda"),
    "gas": N_("Gas chiuso"),
    "power": N_("Senza luce"),
    "heating": N_("Riscaldamento spento"),
    "lift": N_("Ascensore fermo"),
    "data": N_("Senza TV e internet"),
}
NOISE = (
    "",
    N_("Si sente con le finestre aperte."),
    N_("Si sente bene in casa anche con le finestre chiuse."),
    N_("Dà fastidio in casa anche con le finestre chiuse: parlare e riposare è difficile."),
    N_("Nelle stanze verso il cantiere è difficile restare durante il lavoro delle macchine."),
)
NOTICED = {
    "dust": N_("Può depositarsi polvere su davanzali, balconi e panni stesi."),
    "vibration": N_("Si possono sentire tremare pavimenti, vetri o mobili mentre passano i mezzi."),
    "access": N_("L'ingresso o la strada di sempre può essere chiusa o avere gradini."),
    "parking": N_("Alcuni posti auto vicini sono occupati dal cantiere."),
    "scaffold": N_("Davanti alle finestre ci sono ponteggio e teli; passano operai."),
    "access step_free": N_(
        "Con carrozzina, passeggino o deambulatore serve un'altra strada: chiamateci prima."
    ),
    "inside structure_borne": N_("I rumori dei lavori interni passano per muri e solai."),
    "inside": N_("Gli operai entrano solo nel giorno e nell'ora concordati con ciascuno."),
    "works": N_("Si lavora in questo edificio; le conseguenze sono in corso di verifica."),
}
CUT_NOTICED = {
    "water": N_("Non esce acqua dai rubinetti; lo scarico del bagno non si riempie."),
    "hot_water": N_("L'acqua esce fredda."),
    "gas": N_("Fornelli e caldaie a gas non funzionano."),
    "power": N_("Niente corrente in casa, compresi frigorifero e citofono."),
    "heating": N_("I termosifoni restano freddi."),
    "lift": N_("Si usano solo le scale, fino al collaudo."),
    "data": N_("TV e internet possono mancare."),
}
PREPARE_CUT = {
    "water": N_("Tenete da parte acqua per bere, cucinare e per il bagno; chiudete i rubinetti."),
    "hot_water": N_("Lavatevi prima o dopo l'orario indicato."),
    "gas": N_("Chiudete il rubinetto del gas; al ritorno non accendete se sentite odore."),
    "power": N_("Caricate il telefono e una torcia; tenete chiuso il frigorifero."),
    "heating": N_("Preparate coperte; usate stufe elettriche solo se l'impianto le regge."),
    "lift": N_("Chi non può fare le scale ci chiami prima: cerchiamo insieme una soluzione."),
    "data": N_("Per le emergenze tenete un telefono cellulare carico."),
}


def headline(fact: Fact) -> str:
    """The fact in a few words, with its daily window: "Acqua chiusa 8:30–12:30"."""
    if fact.kind == "utility":
        title = _(CUTS[fact.aspect]) if fact.aspect in CUTS else words.service(fact.aspect)
        if fact.starts_at is not None and fact.ends_at is not None:
            title = f"{title} {words.window(fact.starts_at, fact.ends_at)}"
        return title
    title = HEADLINES.get(f"{fact.kind} {fact.aspect}", HEADLINES.get(fact.kind))
    if title is None:
        return words.kind(fact.kind)
    said = _(title, band=words.band(fact.band)) if "%(band)s" in title else _(title)
    return f"{said} {_(PARTS[fact.part_of_day])}" if fact.part_of_day in PARTS else said


def noticed(fact: Fact) -> str:
    """How people notice the fact."""
    if fact.kind == "utility":
        return _(CUT_NOTICED[fact.aspect]) if fact.aspect in CUT_NOTICED else ""
    if fact.kind == "noise":
        return _(NOISE[fact.band]) if fact.band else ""
    sentence = NOTICED.get(f"{fact.kind} {fact.aspect}", NOTICED.get(fact.kind))
    return _(sentence) if sentence else ""


def to_prepare(fact: Fact) -> str:
    """What to do before a cut; empty for what the activity itself tells."""
    return _(PREPARE_CUT[fact.aspect]) if fact.aspect in PREPARE_CUT else ""


def place(fact: Fact) -> str:
    """Which part of the building, where not all of it."""
    if not fact.stairwells:
        return ""
    return i18n.ngettext(
        "scala %(labels)s",
        "scale %(labels)s",
        len(fact.stairwells),
        labels=", ".join(fact.stairwells),
    )


def days(fact: Fact, today: dt.date) -> str:
    """When, as a person says it: "fino a ven 14 mar", "da lun 3 mar a ven 7 mar"."""
    if fact.ends_on is None:
        if fact.starts_on <= today:
            return _("fine da definire")
        return i18n.period(fact.starts_on, None, today)
    if fact.starts_on == fact.ends_on == today:
        return _("solo oggi")
    if fact.starts_on <= today:
        return _("fino a %(day)s", day=i18n.day(fact.ends_on, today))
    return i18n.period(fact.starts_on, fact.ends_on, today)


@dataclass(frozen=True, slots=True)
class Activity:
    """What the kind of works (*lavorazione tipo*) says to residents."""

    text: str = ""
    notice: str = ""
    prepare: str = ""


def activity(preset: str | None) -> Activity:
    """Words of the activity preset of a phase in the reader's language; empty without one."""
    known = PRESETS.get(preset or "")
    if known is None:
        return Activity()
    if i18n.current_language() == "it":
        return Activity(known.text_it, known.notice_it, known.prepare_it)
    return Activity(known.text_en, known.notice_en, known.prepare_en)
