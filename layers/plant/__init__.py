"""Site machines (*macchine di cantiere*): levels with their sources, and sound power.

No database; the data lie beside the code as CSV and YAML.
"""

from layers.plant.catalogue import MATCHES, Machine, catalogue, resolve, sources
from layers.plant.eu_limits import EuCategory, eu_categories, eu_category_of, permissible_lwa_dba
from layers.plant.power import PlantItem, SoundPower, sound_power
from layers.plant.spectra import (
    A_WEIGHTS_DB,
    BANDS_HZ,
    LW_OVER_LP_10M_DB,
    LW_OVER_LP_50FT_DB,
    a_weighted_level_db,
    shaped_to_level_db,
)

__all__ = [
    "A_WEIGHTS_DB",
    "BANDS_HZ",
    "LW_OVER_LP_10M_DB",
    "LW_OVER_LP_50FT_DB",
    "MATCHES",
    "EuCategory",
    "Machine",
    "PlantItem",
    "SoundPower",
    "a_weighted_level_db",
    "catalogue",
    "eu_categories",
    "eu_category_of",
    "permissible_lwa_dba",
    "resolve",
    "shaped_to_level_db",
    "sound_power",
    "sources",
]
