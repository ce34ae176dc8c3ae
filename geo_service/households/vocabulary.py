"""Words of households on screen: titles, channels, needs, and their column heads in files."""

from __future__ import annotations

from geo_service.i18n import N_

TITLE_WORDS = {
    "assignee": N_("assegnatario"),
    "owner": N_("proprietario"),
    "private_tenant": N_("inquilino privato"),
    "business": N_("attività"),
    "untitled": N_("senza titolo"),
    "guest": N_("ospitato"),
}
CHANNEL_WORDS = {
    "letter": N_("lettera"),
    "phone": N_("telefono"),
    "sms": N_("sms"),
    "email": N_("e-mail"),
    "visit": N_("visita"),
}
# Practical needs, never a diagnosis.
NEED_WORDS = {
    "no_stairs": N_("non può fare le scale"),
    "step_free": N_("esce solo senza gradini"),
    "sleeps_by_day": N_("lavora di notte, dorme di giorno"),
    "interpreter": N_("serve un interprete"),
    "reads_large_print": N_("legge solo caratteri grandi"),
    "hearing": N_("non sente telefono e citofono"),
    "accompanied": N_("va accompagnato negli spostamenti"),
    "studies_at_home": N_("studia in casa"),
    "life_support": N_("apparecchio elettrico indispensabile in casa"),
}
FLAT_USE_WORDS = {
    "dwelling": N_("abitazione"),
    "shop": N_("negozio"),
    "office": N_("ufficio"),
    "association": N_("associazione"),
    "other": N_("altro"),
}
SIDE_WORDS = {
    "N": N_("nord"),
    "NE": N_("nord-est"),
    "E": N_("est"),
    "SE": N_("sud-est"),
    "S": N_("sud"),
    "SW": N_("sud-ovest"),
    "W": N_("ovest"),
    "NW": N_("nord-ovest"),
}
LOOK_WORDS = {
    "needs": N_("ha visto le esigenze"),
    "needs_list": N_("ha cercato per esigenza"),
    "protected": N_("ha aperto una scheda protetta"),
    "empty_flats": N_("ha visto gli alloggi vuoti"),
}
# Why somebody looks at the needs of a household: chosen, not typed, so that no name gets in.
REASON_WORDS = {
    "notice": N_("avviso o lettera"),
    "contact": N_("telefonata o visita"),
    "report": N_("segnalazione"),
    "relocation": N_("mobilità"),
    "review": N_("revisione delle esigenze"),
}
FILE_HEADS = {
    "code": N_("codice"),
    "address": N_("indirizzo"),
    "stairwell": N_("scala"),
    "flat": N_("interno"),
    "storey": N_("piano"),
    "title": N_("titolo"),
    "language": N_("lingua"),
    "channel": N_("canale"),
    "people": N_("persone"),
    "rooms": N_("locali"),
    "area_m2": N_("superficie m²"),
    "step_free": N_("senza gradini"),
    "use": N_("uso"),
    "sold": N_("venduto"),
    "households": N_("nuclei"),
}
