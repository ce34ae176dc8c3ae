"""The demonstration in the database: sites, phases in weeks from today, planted situations."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from geoalchemy2.shape import to_shape
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo_service.appointments import lists
from geo_service.appointments.states import OPEN
from geo_service.database import make_engine
from geo_service.demo.plan import QUARTER_CODE
from geo_service.demo.quarter import building_id
from geo_service.demo.service import load_demo
from geo_service.errors import Conflict
from geo_service.households.models import Household, Need, Stay
from geo_service.households.service import count_households
from geo_service.works.cuts.actuals import late, sentence
from geo_service.works.permits.service import missing_permits
from geo_service.works.revisions import inclusive
from geo_service.works.service import revisions_in_force
from layers.buildings import Building, Flat, Quarter, Stairwell
from layers.impacts.store import recompute
from layers.sites import Permit, PhaseConfirmation, PhaseRevision, RevisionSeal, ScheduleVersion

TODAY = dt.date(2026, 11, 25)  # a Wednesday: weeks count from its Monday
MONDAY = dt.date(2026, 11, 23)

# First and last week of each phase, from today's; single days apart.
WEEKS = {
    "A1": (-8, -7), "A2": (-6, 14), "A3": (-2, 3), "A4": (-1, 1), "A5": (2, 4), "A6": (-9, -1),
    "A7": (15, 15), "B1": (-4, -2), "B2": (1, 5), "B3": (6, 9), "B4": (10, 13), "B5": (14, 40),
    "C1": (-1, 2), "C2": (3, 6), "D1": (2, 4), "D2": (4, 7), "D3": (3, 16), "D4": (16, 20),
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[Session]:
    """A session on a database with the demonstration, impacts not computed."""
    with fresh_database() as url:
        engine = make_engine(url)
        with Session(engine, expire_on_commit=False) as session:
            load_demo(session, TODAY, compute=False)
            session.commit()
            yield session
        engine.dispose()


@pytest.fixture
def session(loaded: Session) -> Iterator[Session]:
    """The loaded session; what a test changes is rolled back."""
    yield loaded
    loaded.rollback()


@pytest.fixture
def phases(session: Session) -> dict[str, PhaseRevision]:
    return {r.phase.code: r for r in revisions_in_force(session)}


def content(session: Session) -> dict[str, str]:
    """A figure for the content of each table, keys of the database left out."""
    tables = {
        "building": "source_id, code, name, st_astext(footprint), height_m, storeys, use, owner",
        "address_point": "source_id, street, house_number, st_astext(point)",
        "stairwell": "label, st_astext(entrance), lift, step_free",
        "flat": "number, storey, rooms, area_m2, exposures, use, sold",
        "path": "source_id, kind, st_astext(geom), width_m, steps, kerb_cm",
        "household": "code, language, size, channel, protected",
        "household_contact": "name, phone, email",
        "stay": "period",
        "tenancy": "title, period",
        "need": "kind, note, review_on",
        "site": "code, name, cup, cig, st_astext(footprint)",
        "phase_revision": "number, preset, contractor, period, certainty, recorded_at, reason",
        "utility_cut": "service, period, starts_at, ends_at, cut_by",
        "closure": "kind, period, stalls, st_astext(geom)",
        "permit": "kind, number, period, state",
        "utility_cut_actual": "day, what, at, said_by",
        "appointment": "on_day, starts_at, ends_at, crew, state, attempts, access",
        "appointment_event": "at, reason, reported_by, changes",
        "appointment_preparation": "item, ready_by, done_on",
    }
    return {
        table: session.scalar(
            text(
                f"select md5(string_agg(row::text, '|' order by row::text)) "
                f"from (select {columns} from {table}) row"
            )
        )
        for table, columns in tables.items()
    }


def dwellings(session: Session, stair: str) -> list[Flat]:
    query = select(Flat).join(Stairwell).where(Stairwell.label == stair, Flat.use == "dwelling")
    return list(session.scalars(query))


def test_the_quarter_is_stored_whole_and_marked_synthetic(session: Session) -> None:
    quarter = session.scalars(select(Quarter)).one()
    assert quarter.synthetic
    assert quarter.code == QUARTER_CODE
    counts = {
        kind: session.scalar(select(func.count()).select_from(kind))
        for kind in (Stairwell, Flat, Household)
    }
    assert counts[Stairwell] == 31
    assert counts[Flat] == 766
    assert counts[Household] == 656
    owned = select(func.count()).select_from(Building).where(Building.owner == "ALER")
    assert session.scalar(owned) == 12
    uses = set(session.scalars(select(Building.use).distinct()))
    assert {"residential", "mixed", "school", "health", "garage"} <= uses


def test_phases_lie_in_their_weeks_from_todays_monday(phases: dict[str, PhaseRevision]) -> None:
    assert set(phases) == {*WEEKS, "A6b", "B5b", "B6", "C3", "C4"}
    for code, (first, last) in WEEKS.items():
        week = dt.timedelta(weeks=1)
        expected = (MONDAY + first * week, MONDAY + last * week + dt.timedelta(days=4))
        assert inclusive(phases[code].period) == expected, code
    for code in ("A6b", "B5b", "C4"):
        first_day, last_day = inclusive(phases[code].period)
        assert first_day == last_day
        assert first_day.weekday() == 2


def test_appointments_stand_where_the_works_stand(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    for code in ("A3", "A4", "A5"):
        revision = phases[code]
        days = lists.days_of(revision)
        rows = lists.of_phase(session, revision.phase_id, TODAY, protected=True)
        flats = [f.id for f in revision.inside_flats]
        assert {r.flat_id for r in rows} == set(flats)
        told = lists.with_conflicts(rows, days, flats)
        assert [r.conflicts for r in told if r.conflicts] == [], code
        # What is past has its outcome, or a new attempt that is still to come.
        assert all(r.state in ("done", "absent", "warned") for r in rows if r.slot.day < TODAY)
        assert all(r.state in OPEN for r in rows if r.slot.day >= TODAY)
    states = lists.counts(lists.of_phase(session, phases["A3"].phase_id, TODAY, protected=True))
    assert set(states) >= {"proposed", "agreed", "moved", "absent", "second_attempt", "done"}
    later = lists.of_phase(session, phases["A5"].phase_id, TODAY, protected=True)
    assert lists.counts(later)["proposed"] > len(later) / 2


def test_everything_built_is_filled_in(phases: dict[str, PhaseRevision]) -> None:
    for code, revision in phases.items():
        assert revision.contractor, code
        assert revision.preset, code
        assert revision.hours, code
        assert revision.plant or code == "A6b", code
    noisy = {(h.weekday, h.starts_at, h.ends_at) for h in phases["B2"].hours if h.noisy}
    assert (0, dt.time(8), dt.time(12)) in noisy
    assert (4, dt.time(14), dt.time(17, 30)) in noisy
    assert {h.weekday for h in phases["B2"].hours} == {0, 1, 2, 3, 4}
    assert phases["B2"].trucks_per_day == 30
    assert max(h.ends_at for h in phases["B5b"].hours) == dt.time(22)


def test_the_second_contractor_and_the_delays_stand_in_the_history(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    revisions = phases["A2"].phase.revisions
    assert [r.contractor for r in revisions] == [
        "Impresa Gelsomora", "Cooperativa Filandiera", "Cooperativa Filandiera",
    ]  # fmt: skip
    taken_over = revisions[1].recorded_at.date()
    assert MONDAY - dt.timedelta(weeks=10) <= taken_over < MONDAY - dt.timedelta(weeks=9)
    assert inclusive(revisions[1].period)[1] < inclusive(revisions[2].period)[1]
    versions = session.scalars(
        select(ScheduleVersion)
        .where(ScheduleVersion.site_id == phases["A2"].phase.site_id)
        .order_by(ScheduleVersion.number)
    ).all()
    assert [v.number for v in versions] == [1, 2, 3, 4]
    assert [len(v.revisions) for v in versions] == [8, 8, 8, 8]
    assert all(a.recorded_at < b.recorded_at for a, b in itertools.pairwise(versions))
    assert all(v.reason and v.author for v in versions)


def test_water_of_1a_is_cut_in_the_morning_and_1a_alone(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    (cut,) = phases["A4"].cuts
    assert (cut.service, cut.starts_at, cut.ends_at) == ("water", dt.time(8, 30), dt.time(12, 30))
    assert [s.label for s in cut.stairwells] == ["1A"]
    assert cut.period == phases["A4"].period
    expected = {f.id for f in dwellings(session, "1A")}
    assert {f.id for f in phases["A4"].inside_flats} == expected
    assert len(expected) == 20


def test_the_water_cut_reaches_exactly_the_households_of_1a(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    revision = phases["A4"]
    recompute(session.connection(), revision.id)
    present = session.scalar(
        select(func.count(func.distinct(Stay.household_id)))
        .join(Flat, Flat.id == Stay.flat_id)
        .join(Stairwell)
        .where(Stairwell.label == "1A", Stay.period.overlaps(revision.period))
    )
    counted = count_households(session, [revision.id], protected=True)[revision.id]
    assert counted.by_kind["utility"] == present
    assert present >= 15


def test_building_7_is_emptied_and_each_bathroom_of_1a_is_out_two_days(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    told = text(
        "select b.source_id, coalesce(w.label, ''), i.aspect, i.band, i.value,"
        " count(distinct i.flat_id) from impact i"
        " join impact_run r on r.id = i.run_id and r.in_force"
        " join building b on b.id = i.building_id join flat f on f.id = i.flat_id"
        " left join stairwell w on w.id = f.stairwell_id and i.aspect = 'flat'"
        " where r.revision_id = :id and i.kind = 'relocation' group by 1, 2, 3, 4, 5"
    )
    for code in ("B1", "B2", "A4"):
        recompute(session.connection(), phases[code].id)
    b1, b2, a4 = (
        session.execute(told, {"id": phases[code].id}).all() for code in ("B1", "B2", "A4")
    )
    (emptied,) = b1
    assert emptied[0] == building_id(7)
    (down,) = b2
    assert (down[0], down[2], down[3], down[5]) == (emptied[0], "building", 4, emptied[5])
    assert [(row[1], row[2], row[3], row[4], row[5]) for row in a4] == [("1A", "flat", 2, 2.0, 20)]


def test_lift_2a_is_finished_and_still_out_until_its_test(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    (cut,) = phases["A6"].cuts
    assert cut.service == "lift"
    assert cut.period.upper is None
    assert [s.label for s in cut.stairwells] == ["2A"]
    assert phases["A6"].period.upper <= MONDAY
    assert phases["A6b"].period.lower > TODAY
    upstairs = (
        select(func.count())
        .select_from(Need)
        .join(Stay, Stay.household_id == Need.household_id)
        .join(Flat, Flat.id == Stay.flat_id)
        .join(Stairwell)
        .where(Need.kind == "no_stairs", Stairwell.label == "2A", Flat.storey >= 3)
    )
    assert session.scalar(upstairs) >= 2


def test_three_moved_households_live_opposite_the_demolition(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    rows = session.execute(
        text(
            """
            with seven as (select * from building where name = 'Edificio 7'),
                 left_7 as (select s.household_id from stay s join flat f on f.id = s.flat_id
                            join stairwell w on w.id = f.stairwell_id
                            join seven on seven.id = w.building_id where not upper_inf(s.period))
            select st_distance(b.footprint, seven.footprint) as away_m, f.exposures
            from stay s join left_7 using (household_id) join flat f on f.id = s.flat_id
            join stairwell w on w.id = f.stairwell_id join building b on b.id = w.building_id, seven
            where s.period && daterange(:first, :last)
            """
        ),
        {"first": phases["B2"].period.lower, "last": phases["B2"].period.upper},
    ).all()
    assert len(rows) == 46
    titles = session.execute(
        text(
            "select count(*) from tenancy t join flat f on f.id = t.flat_id"
            " join stairwell w on w.id = f.stairwell_id"
            " where w.label like '7_' and t.title = 'assignee' and upper_inf(t.period)"
        )
    )
    assert titles.scalar() == 46, "the right to return stays"
    opposite = [r for r in rows if r.away_m < 50]
    assert len(opposite) == 3
    assert all("S" in r.exposures and 20 < r.away_m < 40 for r in opposite)


def test_the_power_cut_of_c3_meets_a_life_support_need(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    cuts = phases["C3"].cuts
    (power,) = [c for c in cuts if c.service == "power"]
    met = (
        select(func.count())
        .select_from(Need)
        .join(Stay, Stay.household_id == Need.household_id)
        .join(Flat, Flat.id == Stay.flat_id)
        .where(
            Need.kind == "life_support",
            Stay.period.overlaps(power.period),
            Flat.stairwell_id.in_([s.id for s in power.stairwells]),
        )
    )
    assert session.scalar(met) == 1
    assert power.cut_by == "distributor"
    heating = [c for c in cuts if c.service == "heating"]
    assert len(heating) == 11
    assert all((c.period.upper - c.period.lower).days == 2 for c in heating)
    assert sorted(s.label for c in heating for s in c.stairwells) == sorted(
        session.scalars(select(Stairwell.label).where(Stairwell.label.not_like("7%")))
    )


def test_c1_takes_the_bays_and_the_way_of_the_north_court(
    phases: dict[str, PhaseRevision],
) -> None:
    closures = {c.kind: c for c in phases["C1"].closures}
    assert closures["parking"].stalls == 22
    assert closures["parking"].disabled_stalls == 2
    assert to_shape(closures["footway"].geom).area > 300


def test_c1_takes_the_step_free_way_from_4a_and_from_no_other_door(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    recompute(session.connection(), phases["C1"].id)
    lost = session.scalars(
        text(
            "select distinct w.label from impact i"
            " join impact_run r on r.id = i.run_id and r.in_force"
            " join flat f on f.id = i.flat_id join stairwell w on w.id = f.stairwell_id"
            " where r.revision_id = :id and i.kind = 'access' and i.aspect = 'step_free'"
            " and i.band >= 3"
        ),
        {"id": phases["C1"].id},
    )
    assert list(lost) == ["4A"]


def test_d1_is_still_to_be_announced_and_the_others_were(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    sealed = set(session.scalars(select(RevisionSeal.revision_id)))
    told = {code for code, r in phases.items() if r.id in sealed}
    assert told == {"A1", "A2", "A3", "A4", "A5", "A6", "B1", "B2", "C1"}
    certain = {code for code, r in phases.items() if r.certainty == "confirmed"}
    assert told | {"D1"} == certain
    confirmed = set(session.scalars(select(PhaseConfirmation.revision_id)))
    assert phases["D1"].id in confirmed
    assert (phases["D1"].period.lower - MONDAY).days == 14


def test_permits_are_granted_pending_and_to_ask_for(session: Session) -> None:
    states = {(p.kind, p.state) for p in session.scalars(select(Permit))}
    assert {
        ("noise_derogation", "pending"), ("noise_derogation", "granted"),
        ("noise_derogation", "to_request"), ("asbestos_plan", "granted"),
    } <= states  # fmt: skip


def test_the_water_of_1a_is_still_off_in_the_afternoon(
    session: Session, phases: dict[str, PhaseRevision]
) -> None:
    quarter = session.scalars(select(Quarter)).one()
    (overrun,) = late(session, quarter.id, TODAY)
    assert (overrun.phase_id, overrun.service) == (phases["A4"].phase_id, "water")
    assert sentence(overrun) == (
        "chiusa alle 8:40, annunciata fino alle 12:30, ancora chiusa alle 17:40"
    )
    labels = select(Stairwell.label).where(Stairwell.id.in_(overrun.stairwells))
    assert session.scalars(labels).all() == ["1A"]


def test_what_the_phases_still_lack(session: Session, phases: dict[str, PhaseRevision]) -> None:
    settings = session.scalars(select(Quarter)).one().settings
    found = missing_permits(session, settings, [r.id for r in phases.values()])
    lacking = {
        (code, need.rule)
        for code, revision in phases.items()
        for need in found[revision.id]
        if need.sure and not need.met
    }
    # The night and the pour to 22:00 wait for their derogations, the south court for its order.
    assert {("C4", "noise_hours"), ("B5b", "noise_hours"), ("C2", "traffic")} <= lacking
    assert {code for code, rule in lacking if rule == "noise_hours"} == {"C4", "B5b"}
    assert not {rule for code, rule in lacking if code in ("C1", "D1")}


def test_loading_again_changes_nothing_and_another_day_replaces_it(session: Session) -> None:
    before, quarter = content(session), session.scalars(select(Quarter)).one()
    assert load_demo(session, TODAY, compute=False).id == quarter.id
    assert content(session) == before
    later = TODAY + dt.timedelta(weeks=1)
    load_demo(session, later, compute=False)
    assert len(session.scalars(select(Quarter)).all()) == 1
    after = content(session)
    same = {"building", "address_point", "stairwell", "flat", "path", "household", "site"}
    assert {t for t in before if before[t] == after[t]} >= same
    assert before["phase_revision"] != after["phase_revision"]
    load_demo(session, TODAY, compute=False)
    assert content(session) == before


def test_a_real_quarter_of_the_same_code_is_never_replaced(session: Session) -> None:
    session.scalars(select(Quarter)).one().synthetic = False
    session.flush()
    with pytest.raises(Conflict, match="not the demonstration"):
        load_demo(session, TODAY + dt.timedelta(days=1), compute=False)
