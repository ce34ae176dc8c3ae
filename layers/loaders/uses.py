"""What a building is for, from the words of the usual sources."""

from __future__ import annotations

import re
import unicodedata

# OpenStreetMap values of building=*, wiki.openstreetmap.org/wiki/Key:building.
_OSM = {
    "residential": "apartments residential house detached semidetached_house terrace dormitory "
    "bungalow cabin farm static_caravan houseboat villa home",
    "mixed": "mixed mixed_use",
    "commercial": "retail commercial supermarket kiosk hotel shop restaurant mall",
    "school": "school kindergarten university college childcare",
    "health": "hospital clinic doctors healthcare nursing_home",
    "worship": "church chapel cathedral mosque synagogue temple religious shrine monastery",
    "office": "office",
    "industrial": "industrial warehouse factory manufacture hangar barn farm_auxiliary silo",
    "garage": "garage garages carport parking",
    "shed": "shed hut roof greenhouse container bicycle_shed gazebo",
    "public": "public civic government train_station transportation fire_station sports_hall "
    "sports_centre stadium museum library townhall toilets",
    "unknown": "yes unknown",
}  # fmt: skip
# First two figures of the use of a building in the Italian specifications of topographic
# databases (D.M. 10 November 2011, class EDIFC).
_DBT = {
    "01": "residential", "02": "office", "03": "public", "04": "public", "05": "worship",
    "06": "public", "07": "commercial", "08": "industrial", "09": "industrial", "10": "public",
    "11": "public", "12": "public", "91": "unknown", "93": "other", "95": "other",
}  # fmt: skip
_ITALIAN = (
    ("residenz", "residential"), ("abitat", "residential"), ("abitaz", "residential"),
    ("alloggi", "residential"), ("promiscu", "mixed"), ("misto", "mixed"),
    ("commerc", "commercial"), ("negoz", "commercial"), ("alberg", "commercial"),
    ("scol", "school"), ("scuol", "school"), ("asilo", "school"), ("universit", "school"),
    ("sanit", "health"), ("ospedal", "health"), ("ambulator", "health"), ("culto", "worship"),
    ("chies", "worship"), ("religios", "worship"), ("uffic", "office"),
    ("amministrat", "office"), ("direzional", "office"), ("industr", "industrial"),
    ("produttiv", "industrial"), ("artigian", "industrial"), ("agricol", "industrial"),
    ("magazzin", "industrial"), ("box", "garage"), ("autorimess", "garage"),
    ("parchegg", "garage"), ("barac", "shed"), ("tettoi", "shed"), ("capanno", "shed"),
    ("pubblic", "public"), ("municip", "public"), ("sport", "public"), ("serviz", "public"),
)  # fmt: skip
_OURS = {word: ours for ours, words in _OSM.items() for word in words.split()}


def building_use(told: str) -> str:
    """One of the uses of the model for a word or code of a source; "other" for unknown words."""
    word = unicodedata.normalize("NFKD", told).casefold().strip()
    word = "".join(letter for letter in word if not unicodedata.combining(letter))
    if not word:
        return "unknown"
    first = re.split(r"[;,]", word)[0].strip()
    if first in _OSM:
        return first
    if first.replace(" ", "_") in _OURS:
        return _OURS[first.replace(" ", "_")]
    if re.fullmatch(r"\d{2,6}", first):
        return _DBT.get(first[:2], "other")
    return next((ours for stem, ours in _ITALIAN if stem in first), "other")
