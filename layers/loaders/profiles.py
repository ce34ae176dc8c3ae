"""Whose column is which: how the columns of known sources are called.

A profile tries its own names first and the general ones after; ``--map theirs=ours`` comes
before both. Names are compared without case, spaces, dashes and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from layers.errors import DataError, Sentence

# Sites told as a point and an area in m²: a circle of that area stands in for the outline.
CIRCLES = "circles"
PROFILES = ("osm", "dbt", "generic", CIRCLES)

_ADDRESS = {
    "street": "addr:street via street strada indirizzo toponimo odonimo nome_via road address",
    "house_number": "addr:housenumber housenumber house_number civico numero_civico num_civ "
    "numciv numero n_civico house_no",
    "postcode": "addr:postcode postcode cap zip postal_code code_postal",
    "city": "addr:city city comune citta città town municipality",
}
_KEY = "source_id id codice code cod uuid gml_id objectid fid_1 osm_id @id entityhandle"
FIELDS: dict[str, dict[str, str]] = {
    "buildings": {
        "source_id": f"{_KEY} idag cod_edif codice_edificio id_edificio edificio",
        "name": "name nome denominazione denom",
        "height_m": "height_m height altezza alt h_media altezza_m h quota_gronda alt_gronda",
        "storeys": "storeys building:levels levels floors piani n_piani num_piani numero_piani "
        "nr_piani piani_ft stories",
        "use": "use uso destinazione destinazione_uso funzione building",
        "owner": "owner proprieta proprietà proprietario ente ente_proprietario",
        "acoustic_class": "acoustic_class classe_acustica classe",
        "background_day_dba": "background_day_dba rumore_fondo_diurno fondo_diurno",
        "background_evening_dba": "background_evening_dba rumore_fondo_serale fondo_serale",
        "background_night_dba": "background_night_dba rumore_fondo_notturno fondo_notturno",
        "flats_declared": "flats_declared building:flats alloggi n_alloggi num_alloggi "
        "numero_alloggi flats",
        **_ADDRESS,
    },
    "entrances": {
        "source_id": f"{_KEY} id_civico cod_civico progr_civico",
        **_ADDRESS,
        "building": "building edificio id_edificio cod_edif codice_edificio building_id idag",
        "stairwell": "stairwell scala staircase",
        "lift": "lift ascensore elevator",
        "step_free": "step_free senza_gradini accessibile wheelchair",
    },
    "paths": {
        "source_id": f"{_KEY} id_tratto cod_tratto",
        "kind": "kind tipo highway categoria",
        "name": "name nome denominazione via",
        "width_m": "width_m width larghezza largh est_width",
        "slope_pct": "slope_pct incline pendenza pendenza_pct slope",
        "cross_slope_pct": "cross_slope_pct pendenza_trasversale cross_slope incline:across",
        "steps": "steps step_count gradini n_gradini",
        "kerb_cm": "kerb_cm kerb:height cordolo_cm cordolo scalino_cm",
        "headroom_m": "headroom_m maxheight altezza_libera headroom",
    },
    "flats": {
        "building": "building edificio id_edificio codice_edificio cod_edif building_id source_id "
        "fabbricato",
        "stairwell": "stairwell scala staircase",
        "number": "number interno int numero alloggio codice_alloggio unita flat",
        "storey": "storey piano floor level",
        "rooms": "rooms vani locali n_locali n_vani",
        "area_m2": "area_m2 superficie area mq sup_utile superficie_mq",
        "step_free": "step_free senza_gradini accessibile",
        "exposures": "exposures esposizione esposizioni affacci affaccio",
        "use": "use uso destinazione",
        "sold": "sold venduto riscattato",
    },
    "sites": {
        "code": "code codice id sigla num_emprise cantiere source_id numero",
        "name": "name nome denominazione titolo oggetto intervento nature",
        "client": "client committente stazione_appaltante maitre_ouvrage soggetto_attuatore ente",
        "cup": "cup codice_cup",
        "cig": "cig codice_cig",
        "area_m2": "area_m2 surface superficie",
    },
    "households": {
        "code": "code codice nucleo id household codice_nucleo id_nucleo",
        "name": "name nome nominativo intestatario cognome_nome",
        "phone": "phone telefono cellulare tel",
        "email": "email e-mail mail posta",
        "language": "language lingua",
        "size": "size componenti n_componenti persone",
        "channel": "channel canale contatto",
        "protected": "protected indirizzo_protetto protetto",
        "building": "building edificio id_edificio codice_edificio cod_edif fabbricato",
        "stairwell": "stairwell scala",
        "number": "number flat interno int alloggio",
        "title": "title titolo titolo_occupazione",
        "starts_on": "starts_on from dal inizio data_inizio ingresso starts",
        "ends_on": "ends_on to al fine data_fine uscita ends",
    },
    "phases": {
        "site": "site cantiere codice_cantiere site_code",
        "code": "code codice id fase codice_fase phase",
        "name": "name nome descrizione_breve denominazione titolo lavorazione",
        "description": "description descrizione note",
        "preset": "preset lavorazione_tipo tipo modello",
        "contractor": "contractor impresa appaltatore",
        "starts_on": "starts_on start_date date_debut from dal inizio data_inizio starts",
        "ends_on": "ends_on end_date date_fin to al fine data_fine ends",
        "certainty": "certainty certezza stato_data",
        "indoor": "indoor interno al_chiuso",
        "volume_m3": "volume_m3 volume",
        "trucks_per_day": "trucks_per_day camion camion_giorno autocarri",
        "buildings": "buildings edifici building edificio",
        "role": "role ruolo",
        "hours": "hours orario orari orario_lavoro",
        "noisy_hours": "noisy_hours orario_rumoroso ore_rumorose orario_rumori",
        "closures": "closures chiusure chiusura chiusura_wkt closure_wkt",
        "closure_kind": "closure_kind tipo_chiusura",
        "cuts": "cuts interruzioni sospensioni sospensione interruzione",
    },
    # The second layer of a file of phases.
    "closures": {
        "site": "site cantiere codice_cantiere site_code",
        "phase": "phase fase codice_fase code codice",
        "closure_kind": "closure_kind kind tipo tipo_chiusura",
        "description": "description descrizione note",
        "starts_on": "starts_on dal inizio data_inizio from",
        "ends_on": "ends_on al fine data_fine to",
        "stalls": "stalls stalli posti posti_auto",
        "disabled_stalls": "disabled_stalls stalli_disabili",
    },
}
_OWN_NAMES: dict[str, dict[str, dict[str, str]]] = {
    "osm": {
        "buildings": {
            "source_id": "osm_id @id full_id osm_way_id id",
            "use": "building",
            "name": "name",
            "height_m": "height building:height",
            "storeys": "building:levels",
            "flats_declared": "building:flats",
        },
        "entrances": {"source_id": "osm_id @id full_id id", "stairwell": "ref:stairwell"},
        "paths": {"source_id": "osm_id @id full_id id", "kind": "highway"},
    },
    "dbt": {
        "buildings": {
            "source_id": "idag cr_edf_uuid uuid id_edif edifc_id cod_ogg classid gml_id",
            "use": "edifc_uso cr_edf_uso edi_uso uso_edif",
            "name": "edifc_nome cr_edf_nome",
            "height_m": "un_vol_av un_vol_h altezza_vol h_vol un_vol_qe_h",
            "storeys": "edifc_npiani n_piani",
        },
        "entrances": {"source_id": "civico_id cod_civ idciv uuid"},
        "paths": {"source_id": "id_tratto uuid"},
    },
    "generic": {},
    CIRCLES: {},
}
_TELLS = {
    "osm": {"building:levels", "addr:housenumber", "osm_id", "osm_way_id", "highway", "full_id"},
    "dbt": {"idag", "edifc_uso", "cr_edf_uuid", "edifc_ty", "un_vol_av"},
}


@dataclass(frozen=True)
class ColumnMapping:
    """Which of their columns stands for which of ours; ``theirs[ours]`` is a column name."""

    profile: str
    theirs: Mapping[str, str]

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns we use, under our names; the geometry and the row numbers stay."""
        columns = {ours: frame[name] for ours, name in self.theirs.items() if name in frame}
        made = pd.DataFrame(columns, index=frame.index)
        if "geometry" in frame and "geometry" not in made:
            made["geometry"] = frame["geometry"]
        return made


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", str(name).lower())


def column_mapping(
    columns: Sequence[str],
    kind: str,
    *,
    profile: str | None = None,
    maps: Sequence[str] = (),
) -> ColumnMapping:
    """Decide which column is which.

    Parameters
    ----------
    columns
        Column names of the file.
    kind
        What is imported, a key of :data:`FIELDS`.
    profile
        "osm", "dbt" or "generic"; None recognises the source by its columns.
    maps
        The person's own choices, each ``theirs=ours``; ``=ours`` leaves a field untold.

    Raises
    ------
    DataError
        When a choice names a column that the file or the model does not have.
    """
    fields = FIELDS[kind]
    told = _told(columns, fields, maps, kind)
    if profile is None:
        present = {str(name).lower() for name in columns}
        profile = next((name for name, tells in _TELLS.items() if tells & present), "generic")
    if profile not in PROFILES:
        raise DataError(
            Sentence(
                "There is no profile %(profile)r; choose among %(names)s.",
                profile=profile,
                names=", ".join(PROFILES),
            )
        )
    by_plain: dict[str, str] = {}
    for name in columns:
        by_plain.setdefault(_plain(name), name)
    theirs = dict(told)
    used = set(theirs.values()) - {""}
    own = _OWN_NAMES[profile].get(kind, {})
    for names in (own, fields):
        for ours, words in names.items():
            if ours in theirs:
                continue
            for word in (*([ours] if names is fields else []), *words.split()):
                found = by_plain.get(_plain(word))
                if found is not None and found not in used:
                    theirs[ours] = found
                    used.add(found)
                    break
    return ColumnMapping(profile, {ours: name for ours, name in theirs.items() if name})


def _told(
    columns: Sequence[str], fields: Mapping[str, str], maps: Sequence[str], kind: str
) -> dict[str, str]:
    told: dict[str, str] = {}
    for pair in maps:
        name, equals, ours = pair.rpartition("=")
        name, ours = name.strip(), ours.strip()
        if not equals or not ours:
            raise DataError(
                Sentence(
                    "--map %(pair)s must be written theirs=ours, as in --map PIANI=storeys.",
                    pair=pair,
                )
            )
        if ours not in fields:
            raise DataError(
                Sentence(
                    "--map %(pair)s: %(kind)s have no field %(ours)r; the fields are %(names)s.",
                    pair=pair,
                    kind=kind,
                    ours=ours,
                    names=", ".join(fields),
                )
            )
        if name and name not in columns:
            raise DataError(
                Sentence(
                    "--map %(pair)s: the file has no column %(name)r; it has %(names)s.",
                    pair=pair,
                    name=name,
                    names=", ".join(map(str, list(columns)[:30])),
                )
            )
        told[ours] = name
    return told
