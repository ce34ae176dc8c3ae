"""Vibration (*vibrazioni*) of works: propagation, and what it means for people and buildings.

FTA, Caltrans and TRL 429 with distance; BS 5228-2, BS 7385-2, DIN 4150-3 / UNI 9916 and
UNI 9614 as criteria; TfNSW working distances. No database.
"""

from layers.vibration.criteria import (
    WorkingDistance,
    bs5228_cosmetic_limit_mm_s,
    bs7385_limit_mm_s,
    caltrans_annoyance,
    caltrans_damage_limit_mm_s,
    din4150_limit_mm_s,
    din4150_pipe_limit_mm_s,
    fta_annoyance_limit_vdb,
    fta_damage_limit_mm_s,
    human_response,
    human_response_words,
    uni9614_limit_mm_s2,
    working_distance,
)
from layers.vibration.propagation import (
    NEAREST_M,
    REFERENCE_25FT_M,
    VibrationSource,
    acceleration_mm_s2,
    caltrans_exponent,
    distance_for_level_m,
    distance_for_ppv_m,
    level_from_reference_vdb,
    ppv_caltrans_mm_s,
    ppv_from_reference_mm_s,
    ppv_percussive_piling_mm_s,
    ppv_vibratory_piling_mm_s,
    site_law_mm_s,
    vibration_source,
)
from layers.vibration.tables import M_PER_FT, MM_PER_IN

__all__ = [
    "MM_PER_IN",
    "M_PER_FT",
    "NEAREST_M",
    "REFERENCE_25FT_M",
    "VibrationSource",
    "WorkingDistance",
    "acceleration_mm_s2",
    "bs5228_cosmetic_limit_mm_s",
    "bs7385_limit_mm_s",
    "caltrans_annoyance",
    "caltrans_damage_limit_mm_s",
    "caltrans_exponent",
    "din4150_limit_mm_s",
    "din4150_pipe_limit_mm_s",
    "distance_for_level_m",
    "distance_for_ppv_m",
    "fta_annoyance_limit_vdb",
    "fta_damage_limit_mm_s",
    "human_response",
    "human_response_words",
    "level_from_reference_vdb",
    "ppv_caltrans_mm_s",
    "ppv_from_reference_mm_s",
    "ppv_percussive_piling_mm_s",
    "ppv_vibratory_piling_mm_s",
    "site_law_mm_s",
    "uni9614_limit_mm_s2",
    "vibration_source",
    "working_distance",
]
