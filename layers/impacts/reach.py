"""Who is how near to which phase, in one statement (*fasce di distanza*).

A first look before anything is computed, and the bound inside which anything can matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd
from sqlalchemy import Connection

from layers.errors import DataError
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
