"""Words of the method sheet in the reader's language.

The computation writes its notes in English, since they are stored with the result; people read
them in Italian. A sentence that is not known here is shown as it was stored.
"""

from __future__ import annotations

import re

from geo_service.i18n import N_
from geo_service.i18n import gettext as _

METHODS = {
    "pedestrian graph before and after": N_("percorsi a piedi, prima e durante i lavori"),
    "IAQM dust risk": N_("rischio di polvere secondo IAQM"),
    "adjacency": N_("vicinanza ai lavori interni: alloggio, colonna, scala"),
    "stalls lost within walking reach": N_("posti auto tolti a distanza di cammino"),
    "scaffolded buildings": N_("edifici con ponteggio"),
    "served stairwells": N_("scale servite dalla sospensione"),
    "PPV with distance": N_("velocità di picco (PPV) secondo la distanza"),
    "classes without mitigation": N_("classi senza misure di riduzione"),
    "a factor of 2": N_("un fattore 2"),
    "flats unfit to sleep in": N_("alloggi in cui non si può dormire"),
}
# Stored sentence as a pattern, and what is shown; numbers are taken over in their order.
SENTENCES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (
            r"No closure of a way or an entrance told\.",
            N_("Nessuna chiusura di percorsi o ingressi indicata."),
        ),
        (
            r"Number of flats not known in (\S+) buildings: each counts as one\.",
            N_("Numero di alloggi non noto in %(a)s edifici: ciascuno conta per uno."),
        ),
        (
            r"No dust activity told: dust is not computed\.",
            N_("Nessuna attività polverosa indicata: la polvere non è calcolata."),
        ),
        (
            r"Route of the lorries not known: trackout is judged around the site\.",
            N_("Percorso degli autocarri non noto: la polvere è stimata attorno al cantiere."),
        ),
        (
            r"Trackout is judged along the route of the lorries, up to (\S+) m from the site\.",
            N_("Fango e polvere lungo il percorso degli autocarri, fino a %(a)s m dal cantiere."),
        ),
        (
            r"Lorries a day not told: dust of trackout is not computed\.",
            N_("Autocarri al giorno non indicati: la loro polvere non è calcolata."),
        ),
        (
            r"Nothing to take down is told: dust of demolition is not computed\.",
            N_("Nulla da demolire indicato: la polvere di demolizione non è calcolata."),
        ),
        (
            r"Volume built not told: (\S+) m over the footprint assumed\.",
            N_("Volume costruito non indicato: supposti %(a)s m sopra l'area."),
        ),
        (
            r"No works inside a building\.",
            N_("Nessun lavoro dentro un edificio."),
        ),
        (
            r"Which stairwell is worked in is not told: all of the building count\.",
            N_("Scala dei lavori non indicata: conta tutto l'edificio."),
        ),
        (
            r"The lowest band may reach farther than the (\S+) m computed: .*",
            N_("Il livello più basso può arrivare oltre i %(a)s m calcolati."),
        ),
        (
            r"Flats not known in (\S+) buildings: one level a building\.",
            N_("Alloggi non noti in %(a)s edifici: un solo livello per edificio."),
        ),
        (
            r"Sides not known for (\S+) flats: the loudest side of their stairwell\.",
            N_("Esposizione non nota per %(a)s alloggi: il lato più rumoroso della scala."),
        ),
        (
            r"Floor not known for (\S+) flats: the loudest floor\.",
            N_("Piano non noto per %(a)s alloggi: il piano più rumoroso."),
        ),
        (
            r"Height and storeys do not agree: (\S+) m a storey\.",
            N_("Altezza e piani non si accordano: %(a)s m per piano."),
        ),
        (
            r"Works inside the building: no level in dB, see the kind inside\.",
            N_("Lavori dentro l'edificio: nessun livello in dB, vedi «lavori nell'alloggio»."),
        ),
        (
            r"Works inside the building: see the kind inside\.",
            N_("Lavori dentro l'edificio: vedi «lavori nell'alloggio»."),
        ),
        (
            r"No plant list: noise is not computed\..*",
            N_("Nessuna macchina indicata: il rumore non è calcolato."),
        ),
        (
            r"No plant list: vibration is not computed\.",
            N_("Nessuna macchina indicata: le vibrazioni non sono calcolate."),
        ),
        (
            r"(\S+) sources? lies? inside a building, which is taken as absent for (?:them|it)\.",
            N_("%(a)s sorgenti sono dentro un edificio, che per loro è considerato assente."),
        ),
        (
            r"Stalls of each building not known: one a flat assumed\.",
            N_("Posti auto degli edifici non noti: supposto uno per alloggio."),
        ),
        (
            r"No closure takes a stall\.",
            N_("Nessuna chiusura toglie posti auto."),
        ),
        (
            r"No building is scaffolded\.",
            N_("Nessun edificio ha il ponteggio."),
        ),
        (
            r"Sides behind the scaffold not recorded: all flats of the building count\.",
            N_("Lati dietro il ponteggio non indicati: contano tutti gli alloggi."),
        ),
        (
            r"The cut of (?:\w+) has no end: rated over (\S+) days\.",
            N_("Una sospensione non ha fine: valutata su %(a)s giorni."),
        ),
        (
            r"No cut of a service told\.",
            N_("Nessuna sospensione indicata."),
        ),
        (
            r"The zones are drawn by ISO 9613-2: the receivers decide\.",
            N_("Le aree sono disegnate con ISO 9613-2: decidono i ricettori."),
        ),
        (
            r"Machines on at (.+), outside the hours of the municipality .*",
            N_(
                "Macchine accese alle %(a)s, fuori dagli orari del Comune e senza deroga: "
                "da verificare."
            ),
        ),
        (
            r"Background and class not known for (\S+) buildings: class III is used\.",
            N_("Livello di fondo non noto per %(a)s edifici: usata la classe III."),
        ),
        (
            r"People can stay at home during these works\.",
            N_("Durante questi lavori si può restare in casa."),
        ),
        (
            r"Without an activity preset only demolitions and nights without water .*",
            N_(
                "Senza lavorazione tipo solo le demolizioni e le notti senza acqua dicono chi deve "
                "dormire altrove."
            ),
        ),
        (
            r"Without an activity preset nobody knows if the flats worked in can be slept in\.",
            N_("Senza lavorazione tipo non si sa se negli alloggi dei lavori si può dormire."),
        ),
        (
            r"Moves out of a building that comes down last longer than the phase\.",
            N_("Chi lascia un edificio da demolire resta fuori oltre la fine della fase."),
        ),
        (
            r"Which building is emptied is not told: nobody is counted\.",
            N_("Edificio da svuotare non indicato: nessuno è contato."),
        ),
        (
            r"Which flats are worked in is not told: nobody is counted\.",
            N_("Alloggi dei lavori non indicati: nessuno è contato."),
        ),
        (
            r"Each flat is out of use for (\S+) days of the phase: .*",
            N_("Ogni alloggio è fuori uso per %(a)s giorni, concordati con chi vi abita."),
        ),
        (
            r"No machine of the list shakes the ground\.",
            N_("Nessuna macchina dell'elenco fa vibrare il terreno."),
        ),
    )
)


def method(stored: str) -> str:
    """Name of a method or of its margin."""
    return _(METHODS[stored]) if stored in METHODS else stored


def sentence(stored: str) -> str:
    """A note of the computation, such as what was not known."""
    for pattern, words in SENTENCES:
        found = pattern.fullmatch(stored)
        if found:
            values = dict(zip("abc", found.groups(), strict=False))
            return _(words, **values) if values else _(words)
    return stored
