"""Municipal rules for temporary building sites (*cantieri temporanei*): hours and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from layers.criteria.periods import in_ranges
from layers.criteria.tables import table
from layers.errors import DataError

Season = Literal["winter", "summer"]
Hours = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MunicipalRule:
    """Hours, limits and duties of the simplified regime of one municipality.

    ``weekdays`` counts 0 = Monday; a public holiday is a Sunday. Hours are half-open local
    times. Limits are LAeq in dB(A) over ``averaging_min`` minutes: at the façade of dwellings,
    and inside the disturbed room for works in the same building. Summer hours hold where the
    rule has a summer; None means the same hours all year.
    """

    key: str
    title: str
    province: str
    weekdays: tuple[int, ...]
    site_hours: Hours
    noisy_hours: Hours
    facade_limit_dba: float
    inside_limit_dba: float
    source: str
    confidence: str
    averaging_min: float = 10.0
    renovation_limit_dba: float | None = None
    differential_applies: bool = False
    summer_site_hours: Hours | None = None
    summer_noisy_hours: Hours | None = None
    communication_days_before: int | None = None
    request_days_before: int | None = None
    information: str = ""

    @classmethod
    def from_mapping(cls, key: str, values: Mapping[str, Any]) -> MunicipalRule:
        """Read a rule from a table or from a municipality's settings.

        Raises
        ------
        DataError
            A field is unknown or missing, an hour or a limit cannot be right.
        """
        fields = dict(values)
        for name in ("site_hours", "noisy_hours", "summer_site_hours", "summer_noisy_hours"):
            if fields.get(name) is not None:
                fields[name] = _checked_hours(key, name, fields[name])
        fields["weekdays"] = tuple(fields.get("weekdays", ()))
        try:
            rule = cls(key=key, **fields)
        except TypeError as error:
            raise DataError(f"Municipal rule “{key}”: {error}.") from error
        if not set(rule.weekdays) <= set(range(7)) or not rule.weekdays:
            raise DataError(f"Municipal rule “{key}”: weekdays run from 0 (Monday) to 6 (Sunday).")
        for limit_dba in (rule.facade_limit_dba, rule.inside_limit_dba):
            if not (math.isfinite(limit_dba) and 20 <= limit_dba <= 120):
                raise DataError(
                    f"Municipal rule “{key}”: a limit of {limit_dba} dB(A) cannot be right."
                )
        return rule

    def hours(self, *, noisy: bool, season: Season | None = None) -> Hours:
        """The permitted hours; without a season a rule that has one gives its narrower winter."""
        summer = self.summer_noisy_hours if noisy else self.summer_site_hours
        if season == "summer" and summer is not None:
            return summer
        return self.noisy_hours if noisy else self.site_hours

    def hours_allowed(
        self, weekday: int, hour: float, *, noisy: bool, season: Season | None = None
    ) -> bool:
        """Whether work is permitted at an hour of a weekday (0 Monday, 6 Sunday or holiday).

        Without a season, a rule with seasons answers only where both agree.

        Raises
        ------
        DataError
            The answer depends on the season and none is given.
        """
        if weekday not in self.weekdays:
            return False
        if season is None and self.summer_site_hours is not None:
            answers = {
                in_ranges(hour, self.hours(noisy=noisy, season=s)) for s in ("winter", "summer")
            }
            if len(answers) == 2:
                raise DataError(
                    f"{self.title}: at {hour:g} h the answer depends on the season; say winter "
                    "or summer."
                )
            return answers.pop()
        return in_ranges(hour, self.hours(noisy=noisy, season=season))

    def limit_dba(self, *, inside: bool = False, renovation: bool = False) -> float:
        """The limit at the façade, or inside for works in the same building, LAeq dB(A)."""
        if inside:
            return self.inside_limit_dba
        if renovation and self.renovation_limit_dba is not None:
            return self.renovation_limit_dba
        return self.facade_limit_dba

    def with_permit(
        self,
        *,
        facade_limit_dba: float | None = None,
        inside_limit_dba: float | None = None,
        site_hours: Hours | None = None,
        noisy_hours: Hours | None = None,
        weekdays: tuple[int, ...] | None = None,
    ) -> MunicipalRule:
        """The rule as a permit in derogation changes it for its period; None keeps a value.

        Hours given by the permit hold in all seasons.
        """
        changes = {
            "facade_limit_dba": facade_limit_dba,
            "inside_limit_dba": inside_limit_dba,
            "site_hours": site_hours,
            "noisy_hours": noisy_hours,
            "weekdays": weekdays,
        }
        given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
        if facade_limit_dba is not None:
            given["renovation_limit_dba"] = None
        if site_hours is not None:
            given["summer_site_hours"] = None
        if noisy_hours is not None:
            given["summer_noisy_hours"] = None
        return replace(self, **given)


def _checked_hours(key: str, name: str, ranges: Any) -> Hours:
    hours = tuple((float(start), float(end)) for start, end in ranges)
    for start, end in hours:
        if not (0 <= start <= 24 and 0 <= end <= 24) or start == end:
            raise DataError(
                f"Municipal rule “{key}”, {name}: {start:g}–{end:g} is not a range of hours."
            )
    return hours


@cache
def municipal_rules() -> dict[str, MunicipalRule]:
    """The presets of municipalities, by key."""
    presets = table("municipalities")["presets"]
    return {key: MunicipalRule.from_mapping(key, row) for key, row in presets.items()}


def municipal_rule(name: str | None = None) -> MunicipalRule:
    """The preset of a municipality by name or key; None gives the default pattern.

    Raises
    ------
    DataError
        There is no preset of this name; the default pattern is never taken silently.
    """
    rules = municipal_rules()
    if name is None:
        return rules[table("municipalities")["default"]]
    wanted = name.strip().casefold().replace("'", " ").replace("_", " ")
    for key, rule in rules.items():
        if wanted in (key.replace("_", " "), rule.title.casefold()):
            return rule
    raise DataError(
        f"No preset for the municipality “{name}”; known are "
        f"{', '.join(r.title for r in rules.values())}. Enter its rules in the settings."
    )


@dataclass(frozen=True, slots=True)
class SimplifiedRegime:
    """Whether works stay within the simplified regime, and what to verify where not."""

    within: bool
    hours_ok: bool
    level_ok: bool
    limit_dba: float


def within_simplified_regime(
    rule: MunicipalRule,
    weekday: int,
    hour: float,
    *,
    noisy: bool,
    facade_level_dba: float | None = None,
    inside_level_dba: float | None = None,
    renovation: bool = False,
    season: Season | None = None,
) -> SimplifiedRegime:
    """Check hours and levels against a municipal rule.

    A computed level above the limit means "to be verified": only the Polizia Locale or ARPA
    establish a breach. A level at the limit is within it; a level not given is not checked.

    >>> parma = municipal_rule("Parma")
    >>> within_simplified_regime(parma, 0, 13.5, noisy=True, facade_level_dba=60).within
    False
    """
    hours_ok = rule.hours_allowed(weekday, hour, noisy=noisy, season=season)
    limit_dba = rule.limit_dba(inside=facade_level_dba is None and inside_level_dba is not None,
                               renovation=renovation)  # fmt: skip
    level_ok = True
    if facade_level_dba is not None:
        level_ok &= facade_level_dba <= rule.limit_dba(renovation=renovation)
    if inside_level_dba is not None:
        level_ok &= inside_level_dba <= rule.limit_dba(inside=True)
    return SimplifiedRegime(hours_ok and level_ok, hours_ok, level_ok, limit_dba)
