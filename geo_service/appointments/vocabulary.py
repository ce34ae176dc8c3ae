"""Words of appointments on screen, and what each kind of works asks households to prepare."""

from __future__ import annotations

from geo_service.i18n import N_

STATE_WORDS = {
    "proposed": N_("proposto"),
    "agreed": N_("concordato"),
    "moved": N_("spostato, da concordare di nuovo"),
    "absent": N_("nessuno in casa"),
    "second_attempt": N_("nuovo tentativo"),
    "warned": N_("diffida"),
    "done": N_("fatto"),
    "dropped": N_("non serve"),
}
# Of several appointments.
STATES_WORDS = {
    "proposed": N_("proposti"),
    "agreed": N_("concordati"),
    "moved": N_("spostati, da concordare di nuovo"),
    "absent": N_("senza nessuno in casa"),
    "second_attempt": N_("nuovi tentativi"),
    "warned": N_("diffide"),
    "done": N_("fatti"),
    "dropped": N_("che non servono"),
}
# What the button says that leads to a state.
ACT_WORDS = {
    "proposed": N_("Riproponi"),
    "agreed": N_("Concordato"),
    "absent": N_("Nessuno in casa"),
    "second_attempt": N_("Nuovo tentativo"),
    "warned": N_("Diffida"),
    "done": N_("Fatto"),
    "dropped": N_("Non serve"),
}
ACCESS_WORDS = {
    "household": N_("la famiglia"),
    "delegate": N_("il referente di scala"),
    "custodian": N_("il custode"),
    "keys": N_("chiavi depositate"),
}
ITEM_WORDS = {
    "balcony": N_("balcone"),
    "cellar": N_("cantina"),
    "awnings": N_("tende da sole"),
    "air_conditioner": N_("condizionatore"),
    "aerial": N_("antenna o parabola"),
    "windows": N_("spazio davanti alle finestre"),
    "bathroom": N_("bagno e ripostiglio"),
    "furniture": N_("mobili coperti"),
}
# Why an appointment changed and who said so: chosen, not typed, so that no name gets in.
REASON_WORDS = {
    "household": N_("lo chiede la famiglia"),
    "works": N_("lo chiede il cantiere"),
    "visit": N_("esito della visita"),
    "contact": N_("telefonata o visita del laboratorio"),
    "letter": N_("risposta alla lettera"),
}
# Written by the program itself; nobody chooses them.
OWN_REASON_WORDS = {
    "plan": N_("proposta per tutta la fase"),
    "phase": N_("la fase si è spostata"),
    "mistake": N_("era segnato per errore"),
}
REPORTED_WORDS = {
    "crew": N_("la squadra o l'impresa"),
    "household": N_("la famiglia"),
    "delegate": N_("il referente di scala"),
    "custodian": N_("il custode"),
}
OBJECTION_WORDS = {
    "outside": N_("È fuori dal periodo della fase."),
    "holiday": N_("È un giorno festivo."),
    "no_work": N_("In quel giorno della settimana la fase non lavora."),
    "hours": N_("È fuori dall'orario di lavoro della fase."),
}
FIELD_WORDS = {
    "crew": N_("squadra"),
    "access": N_("chi apre"),
    "keys_note": N_("nota sulle chiavi"),
    "wish": N_("richiesta"),
    "not_before": N_("non prima delle"),
    "not_after": N_("non dopo le"),
    "prepared": N_("preparato"),
    "to_prepare": N_("da preparare"),
}
FILE_HEADS = {
    "day": N_("giorno"),
    "starts_at": N_("dalle"),
    "ends_at": N_("alle"),
    "crew": N_("squadra"),
    "address": N_("indirizzo"),
    "stairwell": N_("scala"),
    "storey": N_("piano"),
    "flat": N_("interno"),
}
# Activity preset → what is to be ready, with the working days before the slot. Any item can be
# added or taken off for one flat.
PREPARE: dict[str, dict[str, int]] = {
    "windows": {"windows": 1, "furniture": 1, "balcony": 2},
    "risers": {"bathroom": 1, "cellar": 2},
    "facade_insulation": {"awnings": 3, "air_conditioner": 3, "aerial": 3, "balcony": 1},
    "scaffold_up": {"balcony": 1, "awnings": 2},
}
# Minutes that a visit usually takes: half a day.
USUAL_MINUTES = 240
