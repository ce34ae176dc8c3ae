"""Phases of the sites A to D in weeks from today, as drafts of the works service."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from geo_service.demo import sites
from geo_service.demo.quarter import building_id
from geo_service.works.drafts import ClosureDraft, CutDraft, RevisionDraft
from geo_service.works.presets import draft_from_preset

CONTRACTORS = {
    "A": "Cooperativa Filandiera",
    "A0": "Impresa Gelsomora",
    "B": "Demolizioni Sassoverde",
    "B2": "Costruzioni Rovoquieto",
    "C": "Reti Acquatiepida",
    "D": "Bonifiche Ventofermo",
    "D2": "Tetti Rondinara",
}
MORNING = (dt.time(8, 30), dt.time(12, 30))


@dataclass(frozen=True, slots=True)
class Ids:
    """Database ids of what phases refer to, by source id or label."""

    buildings: dict[str, int]
    stairwells: dict[str, int]
    # Flats that are lived in by plan, shops left out, by stairwell label.
    flats: dict[str, tuple[int, ...]]

    def building(self, number: int) -> int:
        return self.buildings[building_id(number)]

    def stairs(self, number: int) -> tuple[int, ...]:
        return tuple(
            i for label, i in self.stairwells.items() if label.rstrip("ABCDEFGH") == str(number)
        )

    def inside(self, *numbers: int) -> tuple[int, ...]:
        return tuple(
            i
            for label, ids in self.flats.items()
            if int(label.rstrip("ABCDEFGH")) in numbers
            for i in ids
        )


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """A phase with its code, its name and the draft in force."""

    code: str
    name: str
    draft: RevisionDraft


@dataclass(frozen=True, slots=True)
class Weeks:
    """Dates in weeks from the Monday of today's week."""

    monday: dt.date

    @classmethod
    def of(cls, today: dt.date) -> Weeks:
        return cls(today - dt.timedelta(days=today.weekday()))

    def day(self, week: int, weekday: int = 0) -> dt.date:
        return self.monday + dt.timedelta(weeks=week, days=weekday)

    def span(self, first: int, last: int) -> dict[str, dt.date]:
        """Monday of the first to Friday of the last week, as arguments of a draft."""
        return {"starts_on": self.day(first), "ends_on": self.day(last, 4)}

    def one_day(self, week: int, weekday: int) -> dict[str, dt.date]:
        return {"starts_on": self.day(week, weekday), "ends_on": self.day(week, weekday)}


def phases(code: str, weeks: Weeks, ids: Ids) -> list[PlannedPhase]:
    """Phases of the site ``code`` (A to D) as they are planned today."""
    return {"A": _site_a, "B": _site_b, "C": _site_c, "D": _site_d}[code](weeks, ids)


def _site_a(weeks: Weeks, ids: Ids) -> list[PlannedPhase]:
    three = (1, 2, 3)
    worked = tuple((ids.building(n), "works") for n in three)
    wrapped = tuple((ids.building(n), "scaffold") for n in three)
    ring = sites.many(sites.buildings(*three, margin_m=sites.SCAFFOLD_M))
    yard = ClosureDraft("courtyard", sites.many(sites.yard_a()), "Area di cantiere recintata")
    common: dict[str, Any] = {"contractor": CONTRACTORS["A"], "certainty": "confirmed"}
    no_lift = CutDraft(
        "lift", weeks.day(-9), None, (ids.stairwells["2A"],),
        note=f"Fermo fino al collaudo, previsto nella settimana del {weeks.day(2):%d/%m/%Y}.",
    )  # fmt: skip
    return [
        PlannedPhase("A1", "Ponteggio", draft_from_preset(
            "scaffold_up", **weeks.span(-8, -7), footprint=ring, closures=(yard,),
            buildings=wrapped, trucks_per_day=4, **common)),
        PlannedPhase("A2", "Cappotto e facciate", draft_from_preset(
            "facade_insulation", **weeks.span(-6, 14), footprint=ring, closures=(yard,),
            buildings=worked + wrapped, volume_m3=900, trucks_per_day=2, **common)),
        PlannedPhase("A3", "Serramenti", draft_from_preset(
            "windows", **weeks.span(-2, 3),
            footprint=sites.many(sites.buildings(*three)), buildings=worked,
            inside_flat_ids=ids.inside(*three), trucks_per_day=2, **common)),
        _risers(weeks, ids, "A4", "1A", (-1, 1), common),
        _risers(weeks, ids, "A5", "1B", (2, 4), common),
        PlannedPhase("A6", "Ascensore scala 2A", draft_from_preset(
            "lift_replacement", **weeks.span(-9, -1), footprint=sites.many(sites.stair_part("2A")),
            buildings=((ids.building(2), "works"),), cuts=(no_lift,), **common)),
        PlannedPhase("A6b", "Collaudo ascensore scala 2A", draft_from_preset(
            "lift_test", **weeks.one_day(2, 2), footprint=sites.many(sites.stair_part("2A")),
            **(common | {"certainty": "estimated"}))),
        PlannedPhase("A7", "Smontaggio del ponteggio", draft_from_preset(
            "scaffold_down", **weeks.span(15, 15), footprint=ring, closures=(yard,),
            buildings=wrapped, trucks_per_day=4, **(common | {"certainty": "estimated"}))),
    ]  # fmt: skip


def _risers(
    weeks: Weeks, ids: Ids, code: str, stair: str, span: tuple[int, int], common: dict[str, Any]
) -> PlannedPhase:
    days = weeks.span(*span)
    water = CutDraft(
        "water", days["starts_on"], days["ends_on"], (ids.stairwells[stair],), *MORNING,
        note="Nei giorni di lavoro; il bagno di ogni alloggio non si usa per due giorni.",
    )  # fmt: skip
    return PlannedPhase(
        code,
        f"Colonne montanti scala {stair}",
        draft_from_preset(
            "risers", **days, footprint=sites.many(sites.stair_part(stair)),
            buildings=((ids.building(1), "works"),), cuts=(water,),
            inside_flat_ids=ids.flats[stair], **common,
        ),
    )  # fmt: skip


def _site_b(weeks: Weeks, ids: Ids) -> list[PlannedPhase]:
    seven = ids.building(7)
    ground = sites.many(sites.demolition_ground())
    fence = ClosureDraft("courtyard", ground, "Cantiere recintato attorno all'edificio 7")
    bays = ClosureDraft(
        "parking", sites.many(sites.kerb_lane_b()), "Manovra degli autocarri", stalls=6
    )
    first: dict[str, Any] = {"contractor": CONTRACTORS["B"], "closures": (fence,)}
    later: dict[str, Any] = {"contractor": CONTRACTORS["B2"], "closures": (fence,)}
    house = sites.many(sites.buildings(7, margin_m=6.0))
    return [
        PlannedPhase("B1", "Strip-out", draft_from_preset(
            "strip_out", **weeks.span(-4, -2), certainty="confirmed",
            footprint=sites.many(sites.buildings(7, margin_m=1.0)), buildings=((seven, "works"),),
            trucks_per_day=5, **first)),
        PlannedPhase("B2", "Demolizione", draft_from_preset(
            "demolition", **weeks.span(1, 5), certainty="confirmed", footprint=house,
            buildings=((seven, "demolition"),), volume_m3=9500, trucks_per_day=30,
            **(first | {"closures": (fence, bays)}))),
        PlannedPhase("B3", "Scavo", draft_from_preset(
            "excavation", **weeks.span(6, 9), footprint=house, volume_m3=4200, trucks_per_day=24,
            **(later | {"closures": (fence, bays)}))),
        PlannedPhase("B4", "Pali trivellati", draft_from_preset(
            "bored_piles", **weeks.span(10, 13), footprint=house, trucks_per_day=8, **later)),
        PlannedPhase("B5", "Struttura", draft_from_preset(
            "concrete_structure", **weeks.span(14, 40), footprint=house, volume_m3=14000,
            trucks_per_day=6, **later)),
        PlannedPhase("B5b", "Getto della platea fino alle 22:00", draft_from_preset(
            "concrete_pour_late", **weeks.one_day(15, 2), footprint=house, trucks_per_day=40,
            **later)),
        PlannedPhase("B6", "Finiture", draft_from_preset(
            "finishes", **weeks.span(41, 60), footprint=house, trucks_per_day=3, **later)),
    ]  # fmt: skip


def _site_c(weeks: Weeks, ids: Ids) -> list[PlannedPhase]:
    common: dict[str, Any] = {"contractor": CONTRACTORS["C"]}
    north, south = sites.trench_north(), sites.trench_south()
    lane = sites.many(sites.lane())
    return [
        PlannedPhase("C1", "Trincea nel cortile nord", draft_from_preset(
            "trench", **weeks.span(-1, 2), certainty="confirmed", footprint=sites.many(north),
            volume_m3=620, trucks_per_day=6,
            closures=(
                ClosureDraft("footway", sites.many(north), "Corsia e passaggio del cortile nord"),
                ClosureDraft("parking", sites.many(sites.stalls("north")),
                             "Posti auto del cortile nord", stalls=22, disabled_stalls=2),
            ), **common)),
        PlannedPhase("C2", "Trincea nel cortile sud", draft_from_preset(
            "trench", **weeks.span(3, 6), footprint=sites.many(south), volume_m3=700,
            trucks_per_day=6,
            closures=(
                ClosureDraft("footway", sites.many(south), "Viale e mezzeria del cortile sud"),
                ClosureDraft("parking", sites.many(sites.stalls("south")),
                             "Posti auto del cortile sud", stalls=12, disabled_stalls=1),
            ), **common)),
        PlannedPhase("C3", "Allacci degli edifici", draft_from_preset(
            "heating_connection", **weeks.span(7, 12),
            footprint=sites.many(*map(sites.cellar, sites.CONNECTION_ORDER)),
            cuts=connection_cuts(weeks, ids), **common)),
        PlannedPhase("C4", "Asfalto di via Cascina Nuova, una notte", draft_from_preset(
            "asphalt_night", **weeks.one_day(13, 2), footprint=lane, trucks_per_day=18,
            closures=(
                ClosureDraft("carriageway", lane, "Strada chiusa dalle 21:00 alle 5:00"),
                ClosureDraft("parking", lane, "Divieto di sosta dalle 20:00", stalls=16,
                             disabled_stalls=1),
            ), **common)),
    ]  # fmt: skip


def connection_cuts(weeks: Weeks, ids: Ids) -> tuple[CutDraft, ...]:
    """Heating off for two days per building; in building 10 the power goes off as well."""
    cuts = []
    for turn, number in enumerate(sites.CONNECTION_ORDER):
        first = weeks.day(7 + turn // 2, 0 if turn % 2 == 0 else 2)
        for service in ("heating", "hot_water"):
            cuts.append(CutDraft(service, first, first + dt.timedelta(days=1), ids.stairs(number)))
        if number == 10:
            cuts.append(
                CutDraft(
                    "power", first, first, ids.stairs(number), dt.time(9), dt.time(12),
                    "distributor", "Spostamento del contatore della centrale termica.",
                )
            )  # fmt: skip
    return tuple(cuts)


def _site_d(weeks: Weeks, ids: Ids) -> list[PlannedPhase]:
    both = tuple((ids.building(n), role) for n in (4, 5) for role in ("works", "scaffold"))
    roofs = sites.many(sites.buildings(4, 5))
    yard = ClosureDraft("courtyard", sites.many(sites.yard_d()), "Area di cantiere recintata")
    tower = sites.many(sites.lift_tower().buffer(0.5, join_style="mitre"))
    detours = tuple(
        ClosureDraft(
            "footway", sites.many(ground), "Vialetto del cortile nord in rifacimento",
            weeks.day(first), weeks.day(last, 4),
        )
        for ground, first, last in sites.north_court_stretches()
    )  # fmt: skip
    return [
        PlannedPhase("D1", "Bonifica della copertura in cemento-amianto", draft_from_preset(
            "asbestos_roof", **weeks.span(2, 4), certainty="confirmed", footprint=roofs,
            buildings=both, closures=(yard,), contractor=CONTRACTORS["D"], trucks_per_day=2)),
        PlannedPhase("D2", "Nuova copertura", draft_from_preset(
            "new_roof", **weeks.span(4, 7), footprint=roofs, buildings=both, closures=(yard,),
            contractor=CONTRACTORS["D2"], trucks_per_day=3)),
        PlannedPhase("D3", "Torre ascensore scala 5A", draft_from_preset(
            "lift_tower", **weeks.span(3, 16), footprint=sites.many(sites.lift_tower()),
            closures=(yard, ClosureDraft("courtyard", tower, "Area della torre ascensore")),
            buildings=((ids.building(5), "works"),), volume_m3=160, trucks_per_day=2,
            contractor=CONTRACTORS["D2"])),
        PlannedPhase("D4", "Percorsi senza gradini", draft_from_preset(
            "step_free_paths", **weeks.span(16, 20),
            footprint=sites.many(
                *(sites.door(s).buffer(4, quad_segs=4) for s in ("4B", "4C", "5A", "5B", "5C"))),
            closures=detours, contractor=CONTRACTORS["D2"], trucks_per_day=2)),
    ]  # fmt: skip
