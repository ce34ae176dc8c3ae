"""Rules and profiles of passable ways, as data with sources."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from layers.errors import DataError

BoolArray = NDArray[np.bool_]


@cache
def table(name: str) -> Any:
    """A part of ``data.yaml``."""
    return yaml.safe_load((Path(__file__).parent / "data.yaml").read_text(encoding="utf-8"))[name]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """Whether a rule is kept, and by which measures it is not."""

    kept: bool
    fails: tuple[str, ...]
    rests_needed: bool = False


def check_rule(rule: str, **measures: float | None) -> RuleCheck:
    """Check measures of a way against a rule of the table.

    Parameters
    ----------
    rule
        ``dm236_path``, ``dm236_kerb_ramp``, ``dm236_turning_space``, ``site_corridor``,
        ``uk_licence`` or ``fire_vehicle``.
    measures
        Values by the names of the rule (``width_m``, ``slope_pct``, ``headroom_m`` …); None
        and measures left out are not checked.

    Returns
    -------
    Kept or not, the names of the measures that fail, and whether a slope needs rests.

    Raises
    ------
    DataError
        Unknown rule or measure, nothing to check, or a value that cannot be.

    >>> check_rule("dm236_path", width_m=0.85, slope_pct=2.0).fails
    ('width_m',)
    """
    rules = table("rules")
    if rule not in rules:
        raise DataError(f"Rule “{rule}” is unknown; known are {', '.join(rules)}.")
    limits = {k: v for k, v in rules[rule].items() if isinstance(v, dict)}
    given = {k: v for k, v in measures.items() if v is not None}
    strange = sorted(set(given) - set(limits))
    if strange or not given:
        raise DataError(
            f"Rule {rule}: {'unknown measure ' + ', '.join(strange) if strange else 'no measure'}"
            f"; it knows {', '.join(limits)}."
        )
    fails = []
    for name, value in given.items():
        if not math.isfinite(value) or value < 0:
            raise DataError(f"Rule {rule}, {name}: {value} cannot be right.")
        limit = limits[name]
        if value < limit.get("at_least", -math.inf) or value > limit.get("at_most", math.inf):
            fails.append(name)
    rests = rule == "dm236_path" and given.get("slope_pct", 0.0) > table("rest_free_slope_pct")
    return RuleCheck(not fails, tuple(fails), rests)


def temporary_footway(width_m: float) -> Literal["preferred", "minimum", "too narrow"]:
    """How a temporary footway of this clear width stands (UK code: 1.5 m, at least 1.0 m)."""
    if not math.isfinite(width_m) or width_m < 0:
        raise DataError(f"Temporary footway: a width of {width_m} m cannot be right.")
    limits = table("temporary_footway_m")
    if width_m >= limits["preferred"]:
        return "preferred"
    return "minimum" if width_m >= limits["minimum"] else "too narrow"


@dataclass(frozen=True, slots=True)
class AccessProfile:
    """Who uses a way, as limits on its measures; None is no limit.

    An unknown slope, step, kerb or headroom is taken for passable; an unknown width only for
    the kinds of way in ``unknown_width_passes`` (None: every kind).
    """

    key: str
    title_it: str
    min_width_m: float | None
    min_headroom_m: float | None
    max_slope_pct: float | None
    max_cross_slope_pct: float | None
    max_steps: int | None
    max_kerb_cm: float | None
    unknown_width_passes: tuple[str, ...] | None
    source: str

    def passable(self, ways: dict[str, NDArray[Any]]) -> BoolArray:
        """Which ways can be used, from arrays of their measures by column name."""
        width = ways["width_m"]
        open_ = np.ones(width.shape, dtype=bool)
        if self.min_width_m is not None:
            known = np.isfinite(width)
            open_ &= ~known | (width >= self.min_width_m - 1e-9)
            if self.unknown_width_passes is not None:
                by_kind = np.isin(ways["kind"], [*self.unknown_width_passes, "connector"])
                open_ &= known | by_kind
        if self.min_headroom_m is not None:
            open_ &= ~(ways["headroom_m"] < self.min_headroom_m)
        for name, limit in (
            ("slope_pct", self.max_slope_pct),
            ("cross_slope_pct", self.max_cross_slope_pct),
            ("steps", self.max_steps),
            ("kerb_cm", self.max_kerb_cm),
        ):
            if limit is not None:
                open_ &= ~(np.abs(ways[name]) > limit + 1e-9)
        return open_

    def step_free(self) -> AccessProfile:
        """The same user who also takes no step and no kerb above the rule's."""
        limits = table("step_free")
        kerb_cm = limits["kerb_cm"]
        if self.max_kerb_cm is not None:
            kerb_cm = min(self.max_kerb_cm, kerb_cm)
        return replace(self, max_steps=limits["steps"], max_kerb_cm=kerb_cm)


def profile(key: str, **changes: float | None) -> AccessProfile:
    """A profile of the table, with the municipality's own limits in place of some.

    ``walk``, ``wheelchair``, ``pram`` or ``emergency``; ``changes`` by field, for example
    ``profile("wheelchair", min_width_m=1.0)``.

    Raises
    ------
    DataError
        Unknown profile or field.
    """
    rows = table("profiles")
    if key not in rows:
        raise DataError(f"Profile “{key}” is unknown; known are {', '.join(rows)}.")
    row = dict(rows[key])
    kinds = row.pop("unknown_width_passes")
    found = AccessProfile(
        key=key, unknown_width_passes=None if kinds == "all" else tuple(kinds), **row
    )
    strange = sorted(set(changes) - set(row))
    if strange:
        raise DataError(f"Profile {key}: unknown limit {', '.join(strange)}.")
    return replace(found, **changes)  # type: ignore[arg-type]
