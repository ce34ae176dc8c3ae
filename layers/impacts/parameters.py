"""What a municipality decides about the computation, read from the quarter's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from layers.criteria import BandTable, MunicipalRule, default_bands, municipal_rule
from layers.errors import DataError
from layers.impacts.scene import REACH_M
from layers.noise.iso9613 import NoiseOptions
from layers.receivers import ReceiverOptions


@dataclass(frozen=True)
class Parameters:
    """Parameters of all kinds; the default is what the product ships with.

    :ivar reach_m: farther from the footprint nothing is computed.
    :ivar background_dba: {part of day: level without the works} where measured or told.
    :ivar isophone_height_m: height of the noise contours above the ground.
    :ivar noise_parts: a source's ground is cut into up to so many parts.
    """

    reach_m: float = REACH_M
    receivers: ReceiverOptions = field(default_factory=ReceiverOptions)
    noise: NoiseOptions = field(default_factory=lambda: NoiseOptions(facade_reflection_db=3.0))
    noise_parts: int = 8
    isophones: bool = True
    isophone_height_m: float = 4.0
    background_dba: Mapping[str, float] = field(default_factory=dict)
    bands: BandTable = field(default_factory=default_bands)
    rule: MunicipalRule = field(default_factory=municipal_rule)
    dust_edition: str = "2024"
    pm10_ug_m3: float = 28.0


def parameters_from(settings: Mapping[str, Any]) -> Parameters:
    """Parameters from ``quarter.settings``.

    Keys: ``municipality`` (name of a preset), ``municipal_rule`` (fields that differ from it),
    ``bands`` ({version, changes}), ``impacts`` ({field of :class:`Parameters`: value}, with
    ``noise`` and ``receivers`` as mappings of their own). Other keys belong to others.

    Raises :class:`DataError` for an unknown field, so that a typing error is not a default.
    """
    rule = municipal_rule(settings.get("municipality"))
    if settings.get("municipal_rule"):
        fields_ = {k: v for k, v in asdict(rule).items() if k != "key"}
        rule = MunicipalRule.from_mapping(rule.key, fields_ | dict(settings["municipal_rule"]))
    bands = default_bands()
    if settings.get("bands"):
        changed = settings["bands"]
        bands = bands.changed(str(changed.get("version", "")), changed.get("changes", {}))
    told = dict(settings.get("impacts", {}))
    parameters = Parameters(rule=rule, bands=bands)
    for name, part in (("noise", parameters.noise), ("receivers", parameters.receivers)):
        if name in told:
            told[name] = _changed(f"impacts.{name}", part, told[name])
    for name in ("bands", "rule"):
        if name in told:
            raise DataError(f"Settings, impacts.{name}: set it beside impacts, not in it.")
    result: Parameters = _changed("impacts", parameters, told)
    return result


def _changed(where: str, part: Any, changes: Mapping[str, Any]) -> Any:
    known = {f.name for f in fields(part)}
    strange = sorted(set(changes) - known)
    if strange:
        raise DataError(
            f"Settings, {where}: unknown field {', '.join(strange)}; known are "
            f"{', '.join(sorted(known))}."
        )
    return replace(part, **changes)
