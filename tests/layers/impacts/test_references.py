"""An impact names what exists, and goes with it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from layers.impacts import store
from tests.layers.impacts.conftest import SmallQuarter, box


@pytest.fixture
def computed(small: SmallQuarter) -> SmallQuarter:
    revision = small.phase(box(0, -10, 30, 15), dust_activities=["earthworks"])
    store.recompute(small.session.connection(), revision.id)
    return small


@pytest.mark.parametrize("column", ["run_id", "building_id", "flat_id"])
@pytest.mark.parametrize("how", ["insert", "update"])
def test_an_impact_cannot_name_what_is_not_there(
    computed: SmallQuarter, column: str, how: str
) -> None:
    columns = "run_id, kind, aspect, building_id, flat_id, band, period"
    chosen = columns.replace(column, "999999999").replace("aspect", "'other'")
    statement = {
        "insert": f"insert into impact ({columns}) select {chosen} from impact limit 1",
        "update": f"update impact set {column} = 999999999"
        " where ctid = (select min(ctid) from impact)",
    }[how]
    with pytest.raises(IntegrityError, match="does not exist"):
        computed.session.execute(text(statement))


def test_impacts_go_with_their_flat_and_building(computed: SmallQuarter) -> None:
    session = computed.session
    flat = session.execute(text("select max(flat_id) from impact")).scalar_one()
    session.execute(text("delete from flat where id = :id"), {"id": flat})
    left = "select count(*) from impact where {} = :id"
    assert session.execute(text(left.format("flat_id")), {"id": flat}).scalar_one() == 0
    building = computed.buildings["slab_near"]
    assert session.execute(text(left.format("building_id")), {"id": building}).scalar_one() > 0
    session.execute(text("delete from building where id = :id"), {"id": building})
    assert session.execute(text(left.format("building_id")), {"id": building}).scalar_one() == 0


def test_impacts_go_with_their_run(computed: SmallQuarter) -> None:
    computed.session.execute(text("delete from impact_run"))
    assert computed.session.execute(text("select count(*) from impact")).scalar_one() == 0


def test_a_whole_quarter_goes_with_its_impacts(computed: SmallQuarter) -> None:
    computed.session.execute(
        text("delete from quarter where id = :id"), {"id": computed.quarter_id}
    )
    assert computed.session.execute(text("select count(*) from impact")).scalar_one() == 0
