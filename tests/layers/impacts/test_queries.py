"""Reading impacts back: per building, phase, day, and all sites together."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from layers.buildings import Quarter
from layers.errors import DataError
from layers.impacts import queries, store
from layers.sites import Permit, ScheduleVersion
from tests.layers.impacts.conftest import MONDAY, SmallQuarter, box

BREAKER = ({"machine": "it-escavatore-con-martello"},)


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


@pytest.fixture
def computed(small: SmallQuarter) -> SmallQuarter:
    """Two phases: Monday to Friday near the slab, then one Saturday east of the tower."""
    connection = small.session.connection()
    small.phase(box(0, -10, 30, 15), days=14, plant=BREAKER)
    small.phase(
        box(230, 0, 20, 20), starts_on=day(10), days=10, plant=BREAKER,
        hours=((5, "08:00", "12:00", True),),
    )  # fmt: skip
    store.recompute_all(connection, small.quarter_id)
    return small


def test_strongest_band_of_each_building_in_a_period(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    week = queries.building_bands(c, q, day(0), day(4), ["noise"]).set_index("building_id")
    near = computed.buildings["slab_near"]
    strongest = c.execute(
        text("select max(band) from impact where building_id = :b and kind = 'noise'"),
        {"b": near},
    ).scalar_one()
    assert week.loc[near, "band"] == strongest
    assert week.loc[near, "flats"] > 0
    assert computed.buildings["away"] not in week.index
    assert set(queries.building_bands(c, q, day(0), day(4))["kind"]) > {"noise"}


def test_weekdays_and_periods_are_respected(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    tower = computed.buildings["tower"]

    def hit(first: int, last: int) -> bool:
        found = queries.building_bands(c, q, day(first), day(last), ["noise"])
        return tower in set(found.loc[found["phases"] > 0, "building_id"][found["band"] >= 2])

    saturday = 12
    assert day(saturday).weekday() == 5
    assert hit(saturday, saturday)
    assert not hit(14, 18)
    assert hit(14, 19)
    assert not hit(20, 40)


def test_a_weekend_has_no_weekday_works(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    assert queries.building_bands(c, q, day(5), day(6), ["noise"]).empty


def test_summary_counts_every_kind_and_all_of_them(computed: SmallQuarter) -> None:
    c = computed.session.connection()
    summary = queries.phase_summary(c, computed.quarter_id)
    for _, phase in summary.groupby("revision_id"):
        per_kind = phase.set_index("kind")
        total = per_kind.loc["all"]
        assert total["flats"] >= per_kind.drop("all")["flats"].max()
        assert total["flats"] <= per_kind.drop("all")["flats"].sum()
    revision = int(summary["revision_id"].iloc[0])
    alone = queries.phase_summary(c, revision_ids=[revision])
    assert set(alone["revision_id"]) == {revision}
    with pytest.raises(DataError, match="either"):
        queries.phase_summary(c)


def test_summary_adds_the_flats_told_for_buildings_without_flats(computed: SmallQuarter) -> None:
    c = computed.session.connection()
    c.execute(
        text("update building set flats_declared = 9 where id = :b"),
        {"b": computed.buildings["bare"]},
    )
    found = queries.phase_summary(c, computed.quarter_id)
    near = found[(found["kind"] == "noise")].iloc[0]
    assert near["flats_told"] == near["flats"] + 9


def test_flats_of_a_revision_name_stairwell_and_number(computed: SmallQuarter) -> None:
    c = computed.session.connection()
    revision = int(queries.phase_summary(c, computed.quarter_id)["revision_id"].min())
    found = queries.flats_of(c, revision)
    flats = found[found["flat_id"].notna()]
    assert set(flats["stairwell"]) >= {"1A", "1B"}
    assert found["building_code"].str.startswith("CODE").all()
    assert found.loc[found["flat_id"].isna(), "building_name"].notna().all()


def test_zones_of_a_period_are_drawn_weakest_first(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    found = queries.zones(c, q, day(0), day(20), ["noise"])
    assert found["band"].is_monotonic_increasing
    assert found["phase_id"].nunique() == 2
    one = queries.zones(c, q, day(0), day(20), phase=int(found["phase_id"].iloc[0]))
    assert one["phase_id"].nunique() == 1
    assert queries.zones(c, q, day(100), day(120)).empty
    assert found.crs.to_epsg() == 32632


def test_days_are_counted_one_by_one(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    found = queries.daily(c, q, day(0), day(20))
    noisy = found[found["kind"] == "noise"].set_index("day")
    assert day(0) in noisy.index
    assert day(5) not in noisy.index
    assert day(12) in noisy.index
    assert noisy.loc[day(0), "flats"] > 0
    holiday = queries.daily(c, q, day(0), day(0), skip={day(0)})
    assert "noise" not in set(holiday["kind"])


def test_worst_day_and_days_above_each_band(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    found = queries.days_above(c, q, day(0), day(30))
    noise = found[found["kind"] == "noise"]
    near = noise[noise["building_id"] == computed.buildings["slab_near"]]
    loud = near.sort_values("worst_band").iloc[-1]
    # Ten working days in two weeks, and the Saturdays of the other site if they reach here.
    assert 10 <= loud["days_1"] <= 12
    assert loud["worst_day"] == day(0)
    assert loud[f"days_{loud['worst_band']}"] >= 1
    for b in (1, 2, 3):
        assert (noise[f"days_{b}"] >= noise[f"days_{b + 1}"]).all()
    without = queries.days_above(c, q, day(0), day(30), skip={day(0)})
    same = without[without["flat_id"].eq(loud["flat_id"]) & without["kind"].eq("noise")]
    assert same["days_1"].iloc[0] == loud["days_1"] - 1


def test_noise_of_two_sites_adds_up_at_each_receiver(small: SmallQuarter) -> None:
    c = small.session.connection()
    for _ in range(2):
        small.phase(box(0, -10, 30, 15), plant=BREAKER)
    store.recompute_all(c, small.quarter_id)
    found = queries.cumulated_noise(c, small.quarter_id, day(0))
    near = found[found["building_id"] == small.buildings["slab_near"]].iloc[0]
    assert near["phases"] == 2
    # Both are rounded to a tenth.
    assert near["level_dba"] == pytest.approx(near["alone_dba"] + 3.01, abs=0.11)
    assert not near["upper_estimate"]


def test_two_sites_on_two_sides_do_not_add_at_one_window(small: SmallQuarter) -> None:
    c = small.session.connection()
    small.phase(box(0, -10, 30, 15), plant=BREAKER)
    small.phase(box(0, 45, 30, 15), plant=BREAKER)
    store.recompute_all(c, small.quarter_id)
    found = queries.cumulated_noise(c, small.quarter_id, day(0))
    near = found[found["building_id"] == small.buildings["slab_near"]].iloc[0]
    assert near["phases"] == 2
    assert near["alone_dba"] <= near["level_dba"] < near["alone_dba"] + 0.5


def test_a_shorter_day_has_less_energy(small: SmallQuarter) -> None:
    c = small.session.connection()
    small.phase(
        box(0, -10, 30, 15), plant=BREAKER,
        hours=((0, "08:00", "16:00", True), (1, "08:00", "12:00", True)),
    )  # fmt: skip
    store.recompute_all(c, small.quarter_id)
    found = queries.cumulated_noise(c, small.quarter_id, day(0), day(2))
    near = found[found["building_id"] == small.buildings["slab_near"]].set_index("day")
    assert near.loc[day(0), "level_dba"] - near.loc[day(1), "level_dba"] == pytest.approx(
        10 * np.log10(2), abs=0.11
    )
    assert day(2) not in near.index
    assert queries.cumulated_noise(c, small.quarter_id, day(0), skip={day(0)}).empty


def test_the_limit_of_a_day_is_the_permits_only_where_every_phase_has_one(
    small: SmallQuarter,
) -> None:
    c, session = small.session.connection(), small.session
    # What happens here is loud: only the limit of the site decides the band.
    c.execute(text("update building set background_day_dba = 95"))
    rule = {"municipal_rule": {"facade_limit_dba": 50.0}}
    session.get_one(Quarter, small.quarter_id).settings = rule
    first = small.phase(box(0, -10, 30, 15), plant=BREAKER)
    period = Range(day(1), day(2), bounds="[)")
    session.add(
        Permit(site_id=small.site_id, phases=[first.phase], kind="noise_derogation",
               state="granted", period=period, conditions={"limit_dba": 110})
    )  # fmt: skip
    session.flush()
    store.recompute_all(c, small.quarter_id)

    def bands() -> list[int]:
        found = queries.cumulated_noise(c, small.quarter_id, day(0), day(2))
        near = found[found["building_id"] == small.buildings["slab_near"]].set_index("day")
        return [int(near.loc[day(k), "band"]) for k in range(3)]

    alone = bands()
    assert alone[0] == alone[2] >= 3
    assert alone[1] == 0
    small.phase(box(0, -10, 30, 15), plant=BREAKER)
    store.recompute_all(c, small.quarter_id)
    assert bands()[1] >= 3


def test_another_layout_of_receivers_gives_an_upper_estimate(small: SmallQuarter) -> None:
    c = small.session.connection()
    for _ in range(2):
        small.phase(box(0, -10, 30, 15), plant=BREAKER)
    store.recompute_all(c, small.quarter_id)
    c.execute(text(
        "update noise_levels set receiver_key = 'older', level_dba = level_dba[2:]"
        " where run_id = (select max(id) from impact_run)"
    ))  # fmt: skip
    found = queries.cumulated_noise(c, small.quarter_id, day(0))
    near = found[found["building_id"] == small.buildings["slab_near"]].iloc[0]
    assert near["upper_estimate"]
    assert near["level_dba"] >= near["alone_dba"] + 2.5


def test_only_revisions_in_force_are_read(computed: SmallQuarter) -> None:
    c, q = computed.session.connection(), computed.quarter_id
    computed.session.add(
        ScheduleVersion(site_id=computed.site_id, number=99, revisions=[], reason="annullato")
    )
    computed.session.flush()
    assert queries.building_bands(c, q, day(0), day(30)).empty
    assert queries.daily(c, q, day(0), day(30)).empty
    assert queries.days_above(c, q, day(0), day(30)).empty
    assert queries.zones(c, q, day(0), day(30)).empty
    assert queries.cumulated_noise(c, q, day(0)).empty


def test_a_period_that_ends_before_it_starts_is_refused(computed: SmallQuarter) -> None:
    with pytest.raises(DataError, match="before it starts"):
        queries.daily(computed.session.connection(), computed.quarter_id, day(3), day(1))
