"""Colours, patterns, signs and words of every map, on screen and on paper.

Bands are coloured by ColorBrewer's YlOrBr in five classes, which colour-blind eyes tell apart;
the two strongest carry a hatch as well, so that a black-and-white print keeps them. Kinds are
told apart by sign and word, never by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("it", "en")

# ColorBrewer 2.0, YlOrBr, five classes (Cynthia Brewer, Mark Harrower, Pennsylvania State
# University), from "none" to "very strong".
BAND_COLOURS = ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404")
# On a page without colour: light to dark greys of clearly different lightness.
BAND_GREYS = ("#ffffff", "#e4e4e4", "#c4c4c4", "#a0a0a0", "#4d4d4d")
UNKNOWN_COLOUR = "#e7e3dd"


@dataclass(frozen=True, slots=True)
class Hatch:
    """Lines over a fill: colour, distance and width in pixels, and the directions drawn."""

    colour: str
    spacing_px: int
    width_px: float
    rising: bool = True
    falling: bool = False


BAND_HATCHES: dict[int, Hatch] = {
    3: Hatch("#4a1d00", 7, 1.3),
    4: Hatch("#ffe9c7", 8, 0.9, falling=True),
}
CLOSURE_HATCH = Hatch("#b1002f", 8, 2.2, falling=True, rising=False)
CLOSURE_COLOUR = "#b1002f"
ROUTE_COLOUR = "#5a3a00"
ROUTE_DASH = "2 7"
SITE_COLOUR = "#003f7d"
OWN_COLOUR = "#0066cc"
STREET_COLOUR = "#ffffff"
STREET_EDGE_COLOUR = "#cfc8bd"
FOOTPATH_COLOUR = "#b9a88e"
GROUND_COLOUR = "#f2efe9"
INK = "#17324d"

BAND_LABELS = {
    "it": ("nessuno", "lieve", "medio", "forte", "molto forte"),
    "en": ("none", "slight", "medium", "strong", "very strong"),
}
KIND_LABELS = {
    "it": {
        "noise": "Rumore",
        "dust": "Polvere",
        "vibration": "Vibrazioni",
        "access": "Accessi e percorsi",
        "utility": "Acqua, luce, gas, ascensore",
        "parking": "Sosta",
        "scaffold": "Ponteggio",
        "inside": "Lavori nell'alloggio",
        "relocation": "Mobilità",
    },
    "en": {
        "noise": "Noise",
        "dust": "Dust",
        "vibration": "Vibration",
        "access": "Access and paths",
        "utility": "Water, power, gas, lift",
        "parking": "Parking",
        "scaffold": "Scaffold",
        "inside": "Works inside the flat",
        "relocation": "Relocation",
    },
}
KINDS = tuple(KIND_LABELS["it"])
CLOSURE_LABELS = {
    "it": {
        "footway": "Marciapiede o vialetto chiuso",
        "carriageway": "Strada chiusa",
        "courtyard": "Cortile chiuso",
        "entrance": "Ingresso chiuso",
        "parking": "Sosta vietata",
        "lorry_route": "Percorso degli autocarri",
    },
    "en": {
        "footway": "Footway or path closed",
        "carriageway": "Road closed",
        "courtyard": "Courtyard closed",
        "entrance": "Entrance closed",
        "parking": "No parking",
        "lorry_route": "Route of the lorries",
    },
}
TEXTS = {
    "it": {
        "map": "Mappa",
        "band": "Livello",
        "bands": "Livello del disagio",
        "legend": "Legenda",
        "layers": "Livelli della mappa",
        "buildings": "Edifici",
        "building": "Edificio",
        "streets": "Strade e percorsi",
        "sites": "Cantieri",
        "site": "Cantiere",
        "closures": "Chiusure",
        "closure": "Chiusura",
        "zones": "Area di disagio",
        "phase": "Fase",
        "code": "Codice",
        "flats": "Alloggi interessati",
        "open": "Apri la scheda",
        "close": "Chiudi",
        "zoom_in": "Ingrandisci",
        "zoom_out": "Riduci",
        "synthetic": "Dati di prova",
        "own": "Il tuo edificio",
        "unknown": "non calcolato",
        "north": "N",
        "keys": "Con Tab si entra nella mappa, con le frecce si passa da un edificio all'altro, "
        "con Invio si apre la scheda.",
        "no_script": "La mappa ha bisogno di JavaScript. L'elenco dice le stesse cose.",
        "list": "Elenco",
        "simplified": "Contorni semplificati: gli edifici sono troppi per un solo foglio.",
        "tiles_failed": "Una parte della mappa non è arrivata. Riprova tra poco.",
    },
    "en": {
        "map": "Map",
        "band": "Level",
        "bands": "Level of disturbance",
        "legend": "Legend",
        "layers": "Map layers",
        "buildings": "Buildings",
        "building": "Building",
        "streets": "Streets and paths",
        "sites": "Building sites",
        "site": "Building site",
        "closures": "Closures",
        "closure": "Closure",
        "zones": "Disturbed area",
        "phase": "Phase",
        "code": "Code",
        "flats": "Flats affected",
        "open": "Open",
        "close": "Close",
        "zoom_in": "Zoom in",
        "zoom_out": "Zoom out",
        "synthetic": "Test data",
        "own": "Your building",
        "unknown": "not computed",
        "north": "N",
        "keys": "Tab enters the map, the arrow keys go from building to building, "
        "Enter opens the details.",
        "no_script": "The map needs JavaScript. The list says the same.",
        "list": "List",
        "simplified": "Simplified outlines: there are too many buildings for one file.",
        "tiles_failed": "A part of the map did not arrive. Please try again soon.",
    },
}

# Signs on a 16 × 16 grid, one SVG path each, drawn for this project (even-odd filled).
KIND_ICONS = {
    "noise": "M1 6h3l4-4v12l-4-4H1zM10 5l1-1q4 4 0 8l-1-1q3-3 0-6z"
    "M12 3l1-1q6 6 0 12l-1-1q5-5 0-10z",
    "dust": "M3 4h2v2H3zM7 2h2v2H7zM11 5h2v2h-2zM6 7h3v3H6zM2 10h2v2H2zM11 10h3v3h-3zM6 12h2v2H6z",
    "vibration": "M5 2h6v12H5zM6.5 3.5v9h3v-9zM2 4l1 1-1 2 1 2-1 2 1 1-1 1-2-2 1-2-1-2 1-2zM14 4"
    "l-1 1 1 2-1 2 1 2-1 1 1 1 2-2-1-2 1-2-1-2z",
    "access": "M7 0h3v3H7zM6 4h4l3 3-1 1-2-2v3l3 6h-2l-3-5-2 5H4l2-7V6L4 8 3 7z",
    "utility": "M8 1q5 6 5 9a5 5 0 0 1-10 0q0-3 5-9zM8 4q-3 4-3 6a3 3 0 0 0 2 3q-1-4 1-9z",
    "parking": "M3 1h6a4.5 4.5 0 0 1 0 9H6v5H3zM6 4v3h3a1.5 1.5 0 0 0 0-3z",
    "scaffold": "M1 1h2v14H1zM13 1h2v14h-2zM3 4h10v1.5H3zM3 10h10v1.5H3zM4 10l7-4.5h1L5 10z",
    "inside": "M8 1l7 6h-2v8H3V7H1zM6 9v6h4V9z",
    "relocation": "M0 4h9v7H0zM10 6h3l3 3v2h-6zM2 12h3v2H2zM11 12h3v2h-3z",
}


def texts(language: str) -> dict[str, str]:
    """Words of a language, Italian where it has none of its own."""
    return TEXTS.get(language, TEXTS["it"])


def band_labels(language: str) -> tuple[str, ...]:
    """Names of the five bands, from the weakest."""
    return BAND_LABELS.get(language, BAND_LABELS["it"])


def kind_labels(language: str) -> dict[str, str]:
    """Name of each kind of impact."""
    return KIND_LABELS.get(language, KIND_LABELS["it"])


def closure_labels(language: str) -> dict[str, str]:
    """Name of each kind of closure."""
    return CLOSURE_LABELS.get(language, CLOSURE_LABELS["it"])


def hatch_pattern(
    pattern_id: str, hatch: Hatch, background: str | None = None, scale: float = 1.0
) -> str:
    """SVG ``<pattern>`` of a hatch over a background colour.

    ``scale`` is drawing units per pixel. All arguments come from this package or from generated
    ids, never from data.
    """
    size = hatch.spacing_px * scale
    lines = []
    for shift in (-size, 0, size):
        if hatch.rising:
            lines.append(f"M{shift:g} {size:g}L{shift + size:g} 0")
        if hatch.falling:
            lines.append(f"M{shift:g} 0L{shift + size:g} {size:g}")
    square = f'width="{size:g}" height="{size:g}"'
    ground = f'<rect {square} fill="{background}"/>' if background else ""
    return (
        f'<pattern id="{pattern_id}" {square} patternUnits="userSpaceOnUse">{ground}'
        f'<path d="{"".join(lines)}" fill="none" stroke="{hatch.colour}" '
        f'stroke-width="{hatch.width_px * scale:g}"/></pattern>'
    )
