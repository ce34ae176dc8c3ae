"""Whatever impacts say, COPY writes just that."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from layers.impacts import store
from layers.impacts.compute import strongest_once
from layers.impacts.result import IMPACT_COLUMNS
from tests.layers.impacts.conftest import SmallQuarter, box

FIRST = dt.date(2026, 3, 2)
ROW = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["noise", "dust", "access"]),
        "aspect": st.sampled_from(["", "façade", "quiet_side"]),
        "part_of_day": st.sampled_from(["all", "night"]),
        "building": st.integers(0, 2),
        "flat": st.integers(0, 4),
        "value": st.none() | st.floats(-1e6, 1e6),
        "band": st.integers(1, 4),
        "days": st.none() | st.integers(1, 400),
        "weekdays": st.integers(1, 127),
    }
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, max_size=30))
def test_what_is_copied_is_what_was_given(
    small: SmallQuarter, drawn: list[dict[str, object]]
) -> None:
    connection = small.session.connection()
    buildings = sorted(small.buildings.values())
    flats = connection.scalars(text("select id from flat order by 1 limit 4")).all()
    revision = small.phase(box(0, -10, 30, 15))
    rows = [
        (
            row["kind"], row["aspect"], row["part_of_day"], buildings[int(row["building"])],
            None if row["flat"] == 0 else flats[int(row["flat"]) - 1],
            row["value"], None if row["value"] is None else "dB(A)", row["band"], FIRST,
            None if row["days"] is None else FIRST + dt.timedelta(days=int(row["days"])),
            row["weekdays"],
        )
        for row in drawn
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(IMPACT_COLUMNS))
    frame["flat_id"] = frame["flat_id"].astype("Int64")
    impacts = strongest_once(frame)
    run = connection.execute(
        text(
            "insert into impact_run (revision_id, engine_version, methods, seconds, in_force)"
            " values (:id, 't', '{}', 0, false) returning id"
        ),
        {"id": revision.id},
    ).scalar_one()
    assert store.copy_impacts(connection, [(run, impacts)]) == len(impacts)
    kept = connection.execute(
        text(
            "select kind, aspect, part_of_day, building_id, flat_id, value, unit, band,"
            " lower(period), upper(period), weekdays from impact where run_id = :run"
        ),
        {"run": run},
    ).all()
    given_rows = impacts.astype(object).where(impacts.notna(), None)
    assert sorted(map(repr, map(tuple, kept))) == sorted(
        map(repr, given_rows.itertuples(index=False, name=None))
    )
