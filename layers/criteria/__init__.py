"""Limits, triggers, lead times and the plain bands: data with sources, no database.

The Italian sets and the plain bands are on by default; the foreign ones are references.
"""

from layers.criteria.band_table import BandTable, band_name, default_bands
from layers.criteria.bands import (
    band_access,
    band_adjacency,
    band_dust,
    band_inside,
    band_lift,
    band_noise,
    band_parking,
    band_relocation,
    band_scaffold,
    band_utility,
    band_vibration,
)
from layers.criteria.italy import (
    Differential,
    acoustic_class,
    class_limit_dba,
    differential,
    limit_at_hour_dba,
    zone_limit_dba,
)
from layers.criteria.municipal import (
    MunicipalRule,
    SimplifiedRegime,
    municipal_rule,
    municipal_rules,
    within_simplified_regime,
)
from layers.criteria.notices import LeadTime, lead_time, notice_is_enough
from layers.criteria.periods import PARTS_OF_DAY, PartOfDay, in_ranges, part_of_day
from layers.criteria.tables import criteria_sets, table

__all__ = [
    "PARTS_OF_DAY",
    "BandTable",
    "Differential",
    "LeadTime",
    "MunicipalRule",
    "PartOfDay",
    "SimplifiedRegime",
    "acoustic_class",
    "band_access",
    "band_adjacency",
    "band_dust",
    "band_inside",
    "band_lift",
    "band_name",
    "band_noise",
    "band_parking",
    "band_relocation",
    "band_scaffold",
    "band_utility",
    "band_vibration",
    "class_limit_dba",
    "criteria_sets",
    "default_bands",
    "differential",
    "in_ranges",
    "lead_time",
    "limit_at_hour_dba",
    "municipal_rule",
    "municipal_rules",
    "notice_is_enough",
    "part_of_day",
    "table",
    "within_simplified_regime",
    "zone_limit_dba",
]
