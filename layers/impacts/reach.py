"""Who is how near to which phase, in one statement (*fasce di distanza*).

A first look before anything is computed, and the bound inside which anything can matter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from itertools import pairwise

import pandas as pd
from sqlalchemy import Connection, text

from layers.errors import DataError
from layers.impacts.scene import CLOSURE_REACH_M, REACH_M
from layers.impacts.sql import frame

#: Distance columns of the dust method, and the default bands.
EDGES_M = (20.0, 50.0, 100.0, 350.0)


def distance_bands(
    connection: Connection, quarter_id: int, edges_m: Sequence[float] = EDGES_M
) -> pd.DataFrame:
    """Buildings and flats within distances of each phase in force.

    :param edges_m: outer edges of the bands in metres, ascending; an edge belongs to its band.
    :returns: revision_id, phase_id, band (0 is the nearest), edge_m, buildings, flats; bands
        without buildings are left out. Distances are from footprint to footprint.
    :raises DataError: edges that do not ascend or are not above 0.
    """
    edges = [float(edge) for edge in edges_m]
    if not edges or edges[0] <= 0 or any(b <= a for a, b in pairwise(edges)):
        raise DataError("The edges of distance bands must be above 0 m and ascend.")
    found = frame(
        connection,
        """with n as materialized (
                select s.building_id, count(*) flats
                from flat f join stairwell s on s.id = f.stairwell_id group by 1),
            near as (
                select v.revision_id, v.phase_id, b.id building_id,
                    st_distance(r.footprint, b.footprint) d
                from revision_in_force v join phase_revision r on r.id = v.revision_id
                join building b on b.quarter_id = v.quarter_id
                    and st_dwithin(r.footprint, b.footprint, %(reach)s)
                where v.quarter_id = %(quarter)s)
            select revision_id, phase_id,
                (select count(*) from unnest(%(edges)s::float8[]) e where e < d)::int band,
                count(*), coalesce(sum(flats), 0)::bigint
            from near left join n using (building_id) group by 1, 2, 3 order by 1, 3""",
        ("revision_id", "phase_id", "band", "buildings", "flats"),
        quarter=quarter_id,
        edges=edges,
        reach=edges[-1],
    )
    found.insert(3, "edge_m", [edges[band] for band in found["band"]])
    return found


_WAITING = text(
    """
    with shown as (
        select daterange(cast(:first as date), cast(:last as date), '[]') as days),
    waiting as materialized (
        select v.id, v.footprint,
               coalesce(cast(q.settings #>> '{impacts,reach_m}' as float8), :reach) as reach_m
        from revision_in_force f
        join phase_revision v on v.id = f.revision_id
        join site s on s.id = f.site_id and s.archived_on is null
        join quarter q on q.id = f.quarter_id
        cross join shown
        where f.quarter_id = :quarter
          and not exists (select from impact_run r where r.revision_id = v.id and r.in_force)
          and (v.period && shown.days
               or exists (select from utility_cut c
                          where c.revision_id = v.id and c.period && shown.days)))
    select count(*) from waiting w where exists (
        select from building b where b.id = any(:buildings) and (
            st_dwithin(w.footprint, b.footprint, w.reach_m)
            or exists (select from closure c where c.revision_id = w.id
                       and st_dwithin(c.geom, b.footprint, :closure_reach))
            or exists (select from revision_building o
                       where o.revision_id = w.id and o.building_id = b.id)
            or exists (select from utility_cut c
                       join utility_cut_stairwell t on t.cut_id = c.id
                       join stairwell x on x.id = t.stairwell_id and x.building_id = b.id
                       where c.revision_id = w.id)
            or exists (select from revision_flat t
                       join flat l on l.id = t.flat_id
                       join stairwell x on x.id = l.stairwell_id and x.building_id = b.id
                       where t.revision_id = w.id)))
    """
)


def waiting_near(
    connection: Connection,
    quarter_id: int,
    building_ids: Collection[int],
    first: dt.date,
    last: dt.date = dt.date.max,
) -> int:
    """Phases in force that are still to be computed and may touch any of some buildings.

    Those of a site that is not archived which act from ``first`` to ``last`` (inclusive), and for
    which :func:`layers.impacts.scene.load_surroundings` would load one of ``building_ids``:
    outside of it nothing can come of them.
    """
    values = {
        "quarter": quarter_id, "buildings": list(building_ids), "first": first, "last": last,
        "reach": REACH_M, "closure_reach": CLOSURE_REACH_M,
    }  # fmt: skip
    return int(connection.execute(_WAITING, values).scalar_one())
