"""Sites, phases and schedule versions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from shapely.geometry import LineString, Point, Polygon
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.works.drafts import BarrierDraft, ClosureDraft, CutDraft, PlantDraft, RevisionDraft
from geo_service.works.revisions import carried, draft_of, inclusive, moved_to, shifted
from geo_service.works.service import (
    add_phase,
    add_phases,
    create_site,
    revise_phase,
    revisions_in_force,
)
from layers.sites import PhaseRevision, ScheduleVersion
from tests.geo_service.builders import MONDAY, X0, Y0, World, area, make_world, week_draft, workdays


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def full_draft(world: World) -> RevisionDraft:
    return week_draft(
        preset="risers",
        contractor="Impresa Esempio",
        certainty="confirmed",
        footprint=area(25, 0, 10, 10),
        dust_activities=("demolition",),
        volume_m3=120.0,
        trucks_per_day=4,
        lorry_route=LineString([(X0 + 22, Y0), (X0 + 60, Y0 + 4)]),
        hours=workdays(),
        plant=(PlantDraft("jackhammer", 2, 0.5, lwa_declared_db=105.0, height_m=1.0),),
        closures=(ClosureDraft("parking", area(22, 0, 3, 12), "stalli", stalls=4),),
        barriers=(BarrierDraft(LineString([(X0 + 24, Y0), (X0 + 24, Y0 + 12)]), 3.0),),
        cuts=(
            CutDraft(
                "water",
                MONDAY,
                MONDAY + dt.timedelta(days=2),
                (world.stairwells[0].id,),
                dt.time(8, 30),
                dt.time(12, 30),
            ),
            CutDraft("lift", MONDAY, None, (world.stairwells[0].id,)),
        ),
        buildings=((world.buildings[0].id, "works"),),
        inside_flat_ids=(world.flats[0].id, world.flats[1].id),
    )


def test_a_revision_gives_its_draft_back(session: Session, world: World) -> None:
    draft = full_draft(world)
    revision = add_phase(session, world.site, code="A1", name="Colonne", draft=draft)
    session.expire_all()
    read = draft_of(session, session.get_one(PhaseRevision, revision.id))
    told = replace(draft, name="Colonne", footprint=None, closures=())
    assert replace(read, footprint=None, closures=()) == told
    assert read.footprint is not None
    assert read.footprint.equals(draft.footprint)
    assert read.closures[0].geometry.equals(draft.closures[0].geometry)
    assert read.closures[0].stalls == 4


def test_a_change_keeps_the_old_revision_and_makes_a_version(
    session: Session, world: World
) -> None:
    first, other = add_phases(
        session,
        world.site,
        [("A1", "Ponteggio", week_draft()), ("A2", "Facciate", week_draft())],
    )
    moved = revise_phase(
        session, first.phase, shifted(draft_of(session, first), 7), reason="pioggia"
    )
    versions = session.scalars(
        select(ScheduleVersion)
        .where(ScheduleVersion.site_id == world.site.id)
        .order_by(ScheduleVersion.number)
    ).all()
    assert [v.number for v in versions] == [1, 2]
    assert {r.id for r in versions[0].revisions} == {first.id, other.id}
    assert {r.id for r in versions[1].revisions} == {moved.id, other.id}
    assert versions[1].reason == "pioggia"
    assert {r.id for r in revisions_in_force(session, world.quarter.id)} == {moved.id, other.id}
    assert inclusive(moved.period)[0] == MONDAY + dt.timedelta(days=7)
    assert inclusive(first.period)[0] == MONDAY


def test_shifting_takes_closures_and_cuts_along(session: Session, world: World) -> None:
    draft = replace(
        full_draft(world),
        closures=(ClosureDraft("footway", area(22, 0, 3, 12), "", MONDAY, MONDAY),),
    )
    moved = shifted(draft, 7)
    week = dt.timedelta(days=7)
    assert moved.closures[0].starts_on == MONDAY + week
    assert moved.closures[0].ends_on == MONDAY + week
    assert [c.starts_on for c in moved.cuts] == [MONDAY + week, MONDAY + week]
    assert moved.cuts[1].ends_on is None


def march(day: int) -> dt.date:
    return dt.date(2026, 3, day)


def with_cut(first: dt.date, last: dt.date | None, **fields: Any) -> RevisionDraft:
    """A phase from 2 to 6 March with one cut."""
    return week_draft(cuts=(CutDraft("water", first, last, (1,)),), **fields)


def test_a_phase_put_off_and_made_longer_takes_cuts_and_closures_along() -> None:
    ground = area(22, 0, 3, 12)
    draft = with_cut(
        march(3), march(6),
        closures=(
            ClosureDraft("footway", ground, "", march(2), march(4)),
            ClosureDraft("footway", ground, "whole phase"),
        ),
    )  # fmt: skip
    moved = moved_to(draft, march(31), dt.date(2026, 4, 7))
    assert (moved.starts_on, moved.ends_on) == (march(31), dt.date(2026, 4, 7))
    assert (moved.cuts[0].starts_on, moved.cuts[0].ends_on) == (
        dt.date(2026, 4, 1), dt.date(2026, 4, 7),
    )  # fmt: skip
    assert [(c.starts_on, c.ends_on) for c in moved.closures] == [
        (march(31), dt.date(2026, 4, 2)), (None, None),
    ]  # fmt: skip


def test_another_last_day_alone_leaves_cuts_where_they_are() -> None:
    draft = with_cut(march(3), march(4))
    assert moved_to(draft, march(2), march(13)).cuts == draft.cuts


@pytest.mark.parametrize(
    ("cut", "to", "expected"),
    [
        # What lasted to the end still does, over the weekend between.
        ((3, 6), (3, 9), (4, 9)),
        ((3, 4), (3, 9), (4, 5)),
        ((3, None), (9, 13), (10, None)),
        # A shorter phase keeps nothing beyond its end.
        ((2, 5), (9, 10), (9, 10)),
        ((5, 6), (9, 10), (10, 10)),
    ],
)
def test_what_ends_with_a_phase_does_so_on_its_new_days(
    cut: tuple[int, int | None], to: tuple[int, int], expected: tuple[int, int | None]
) -> None:
    draft = with_cut(march(cut[0]), None if cut[1] is None else march(cut[1]))
    moved = carried(draft, march(to[0]), march(to[1])).cuts[0]
    last = None if expected[1] is None else march(expected[1])
    assert (moved.starts_on, moved.ends_on) == (march(expected[0]), last)


def test_only_phases_of_the_window_are_in_force_then(session: Session, world: World) -> None:
    add_phase(session, world.site, code="A1", name="Ponteggio", draft=week_draft())
    friday = MONDAY + dt.timedelta(days=4)
    saturday = friday + dt.timedelta(days=1)
    window = {"starts_on": friday, "ends_on": friday}
    assert len(revisions_in_force(session, world.quarter.id, **window)) == 1
    window = {"starts_on": saturday, "ends_on": saturday}
    assert revisions_in_force(session, world.quarter.id, **window) == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"ends_on": MONDAY - dt.timedelta(days=1)}, "ends_on", "prima di cominciare"),
        ({"ends_on": MONDAY + dt.timedelta(days=9999)}, "ends_on", "dieci anni"),
        ({"certainty": "perhaps"}, "certainty", "indicativa o confermata"),
        ({"plant": (PlantDraft("x", on_time=1.5),)}, "plant", "da 0 a 1"),
        ({"plant": (PlantDraft("x", count=0),)}, "plant", "non sono credibili"),
        ({"dust_activities": ("smoke",)}, "dust_activities", "smoke"),
        (
            {"closures": (ClosureDraft("parking", area(0, 0, 1, 1), disabled_stalls=1),)},
            "closures",
            "disabili",
        ),
        (
            {"cuts": (CutDraft("water", MONDAY, MONDAY, (), dt.time(8), None),)},
            "cuts",
            "entrambe",
        ),
        (
            {"cuts": (CutDraft("water", MONDAY, MONDAY - dt.timedelta(days=1), ()),)},
            "cuts",
            "prima di cominciare",
        ),
        ({"barriers": (BarrierDraft(Point(0, 0), 3.0),)}, "barriers", "linea"),
        (
            {"barriers": (BarrierDraft(LineString([(0, 0), (1, 0)]), -1.0),)},
            "barriers",
            "da 0 a 30",
        ),
        ({"footprint": area(5000, 0, 10, 10)}, "footprint", "fuori dal cantiere"),
        ({"inside_flat_ids": (-1,)}, "flats", "non esistono"),
    ],
)
def test_a_phase_that_cannot_be_is_refused_in_words(
    session: Session, world: World, change: dict[str, object], field: str, words: str
) -> None:
    draft = replace(week_draft(), **change)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refused:
        add_phase(session, world.site, code="A1", name="Fase", draft=draft)
    assert field in refused.value.fields
    assert words in f"{refused.value} {refused.value.fields[field]}"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cup": "ABC"}, "15"),
        ({"cig": "123456789"}, "sono 9"),
        ({"footprint": area(9000, 9000, 10, 10)}, "fuori dal quartiere"),
        ({"footprint": Point(515_000, 5_055_000)}, "serve un'area"),
        (
            {"footprint": Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])},
            "si incrocia",
        ),
        ({"code": "A"}, "esiste già"),
    ],
)
def test_a_site_that_cannot_be_is_refused_in_words(
    session: Session, world: World, fields: dict[str, object], words: str
) -> None:
    site = {"code": "B", "name": "Sito", "footprint": area(25, 20, 10, 10)} | fields
    with pytest.raises(Invalid, match=words):
        create_site(session, world.quarter.id, **site)  # type: ignore[arg-type]


def test_a_phase_code_is_used_once(session: Session, world: World) -> None:
    add_phase(session, world.site, code="A1", name="Ponteggio", draft=week_draft())
    with pytest.raises(Invalid, match="esiste già"):
        add_phase(session, world.site, code="A1", name="Altro", draft=week_draft())
