"""Access (*accessi e percorsi*): rules of passable ways and the graph before and after works.

Profiles (walk, wheelchair, pram, emergency) are data; no database.
"""

from layers.access.closures import Closures
from layers.access.network import EMERGENCY_REACH_M, REACH_M, STREET, AccessNetwork
from layers.access.rules import (
    AccessProfile,
    RuleCheck,
    check_rule,
    profile,
    temporary_footway,
)

__all__ = [
    "EMERGENCY_REACH_M",
    "REACH_M",
    "STREET",
    "AccessNetwork",
    "AccessProfile",
    "Closures",
    "RuleCheck",
    "check_rule",
    "profile",
    "temporary_footway",
]
