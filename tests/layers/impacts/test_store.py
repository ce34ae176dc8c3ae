"""Saving and recomputing runs on a real PostGIS."""

from __future__ import annotations

from sqlalchemy import text

from layers.impacts import store
from tests.layers.impacts.conftest import SmallQuarter, box


def test_a_phase_is_computed_and_saved(small: SmallQuarter) -> None:
    revision = small.phase(box(0, -10, 30, 15))
    summary = store.recompute(small.session.connection(), revision.id)
    import json; c=small.session.connection(); print(summary); m=c.execute(text("select methods from impact_run")).scalar_one(); print(json.dumps(m["noise"],indent=1,ensure_ascii=False)); print(c.execute(text("select part_of_day,aspect,band,count(*),min(value),max(value) from impact group by 1,2,3 order by 1,2,3")).all()); print(c.execute(text("select band,st_area(geom),st_isvalid(geom),st_npoints(geom) from impact_zone")).all()); print(c.execute(text("select building_id,array_length(level_dba,1),level_dba[1:4] from noise_levels")).all())
    stored = small.session.execute(text("select count(*) from impact")).scalar_one()
    assert stored > 0
