"""The pedestrian graph before and after works, per entrance and profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.access.bridges import Bridge, bridges_below
from layers.access.closures import Closures, apply_closures
from layers.access.noding import Edges, FloatArray, Geometries, IntArray, node_paths
from layers.access.points import with_points
from layers.access.rules import AccessProfile, BoolArray, profile, table
from layers.access.shortest import UsableGraph, checked_points
from layers.errors import DataError

#: The kind of target that stands for the street network.
STREET = "street"

#: Farther than this from every way an entrance or a place is not joined, m.
REACH_M = 40.0

#: A fire engine serves an entrance within this distance of a way it can use, m (choice).
EMERGENCY_REACH_M = 50.0


@dataclass(frozen=True)
class _Joined:
    """The graph with entrances and targets in it, and what the closures leave."""

    edges: Edges
    entrance: IntArray
    targets: dict[str, IntArray]
    still_open: BoolArray
    ways_after: dict[str, NDArray[Any]]


class AccessNetwork:
    """The graph of paths (*rete dei percorsi*) of a quarter.

    Built once from the drawn paths; each assessment joins entrances and places to it and
    compares the graph before and after closures. Nothing in it changes.
    """

    def __init__(self, edges: Edges, street_kinds: Iterable[str]) -> None:
        """Use ``from_paths``."""
        self.edges = edges
        self.street_kinds = tuple(street_kinds)

    @classmethod
    def from_paths(
        cls,
        paths: gpd.GeoDataFrame,
        *,
        snap_m: float = 0.5,
        join_crossings: bool = True,
        street_kinds: Iterable[str] | None = None,
    ) -> AccessNetwork:
        """Build the graph from drawn paths.

        Parameters
        ----------
        paths
            Lines in the metric CRS with any of the columns ``kind``, ``width_m``,
            ``slope_pct``, ``cross_slope_pct``, ``steps``, ``kerb_cm``, ``headroom_m``. What is
            missing is unknown and taken for passable; a path of the kind ``steps`` has at
            least one step.
        snap_m
            Ends nearer than this to each other or to another line are joined, m.
        join_crossings
            Whether lines that cross meet; False for data with bridges and underpasses.
        street_kinds
            Kinds that belong to the street network; None takes the table's.

        Raises
        ------
        DataError
            The frame is in degrees, a geometry is not a line, a measure cannot be.

        A frame without rows gives a graph to which nothing can be joined.
        """
        kinds = table("street_kinds") if street_kinds is None else tuple(street_kinds)
        edges = node_paths(paths, snap_m=snap_m, join_crossings=join_crossings)
        return cls(edges, kinds)

    def assess(
        self,
        entrances: gpd.GeoDataFrame | gpd.GeoSeries,
        targets: gpd.GeoDataFrame | None = None,
        closures: Closures = None,
        profile: AccessProfile | str | Sequence[AccessProfile | str] = "walk",
        *,
        reach_m: float = REACH_M,
    ) -> pd.DataFrame:
        """Compare the ways of entrances before and after closures.

        Parameters
        ----------
        entrances
            Points in the metric CRS; the index is the entrance's id.
        targets
            Places with a column ``kind`` (stop, school, surgery, bins …); the nearest of each
            kind counts. The street network is always a target of the kind ``street``.
        closures
            Polygons, lines or points that close ways, or a frame with ``width_left_m``.
        profile
            A profile or its key (``walk``, ``wheelchair``, ``pram``, ``emergency``), or several.
        reach_m
            Entrances and places farther than this from every way are not joined, m.

        Returns
        -------
        One row per profile, kind of target and entrance: ``entrance_id``, ``target``, ``profile``,
        ``joined`` (False: no way near the entrance), ``reachable_before``,
        ``reachable_after``, ``cut_off`` (reachable before, not after), ``step_free_before``,
        ``step_free_after``, ``step_free_lost``, ``length_before_m``, ``length_after_m``
        (infinite where not reachable), ``extra_m`` and ``detour_ratio`` (0 and 1 where nothing
        changes or it was not reachable before; infinite where cut off).

        A graph in pieces is no error: what lies in another piece is not reachable, before as
        after, and only what the closures change counts as lost.
        """
        users = [profile] if isinstance(profile, AccessProfile | str) else list(profile)
        if not users:
            raise DataError("Access: name at least one profile.")
        ids, joined = self._join(entrances, targets, closures, reach_m)
        frames = [frame for who in users for frame in self._compare(ids, joined, _profile(who))]
        return pd.concat(frames, ignore_index=True)

    def emergency_reach(
        self,
        entrances: gpd.GeoDataFrame | gpd.GeoSeries,
        closures: Closures = None,
        profile: AccessProfile | str = "emergency",
        *,
        reach_m: float = EMERGENCY_REACH_M,
    ) -> pd.DataFrame:
        """How near emergency vehicles come to each entrance before and after closures.

        A vehicle starts from the street network and drives where the profile passes. Returns
        ``entrance_id``, ``distance_before_m``, ``distance_after_m`` (straight, infinite where
        no way can be driven), ``served_before``, ``served_after`` (within ``reach_m``) and
        ``lost``.
        """
        who = _profile(profile)
        ids, points = checked_points(entrances, "Entrances")
        still_open, ways_after = apply_closures(self.edges, closures)
        there = ~shapely.is_missing(points)
        distances = {}
        for when, usable in (
            ("before", who.passable(self.edges.ways)),
            ("after", who.passable(ways_after) & still_open),
        ):
            streets = self._street_nodes(self.edges, usable)
            reached = np.isfinite(UsableGraph(self.edges, usable).lengths_m(streets))
            driven = self.edges.geometry[usable & reached[self.edges.start]]
            found = np.full(points.size, np.inf)
            if driven.size and there.any():
                (point, _), gap_m = shapely.STRtree(driven).query_nearest(
                    points[there], return_distance=True, all_matches=False
                )
                found[np.flatnonzero(there)[point]] = gap_m
            distances[when] = found
        before, after = (distances[when] <= reach_m for when in ("before", "after"))
        return pd.DataFrame(
            {
                "entrance_id": ids,
                "distance_before_m": distances["before"],
                "distance_after_m": distances["after"],
                "served_before": before,
                "served_after": after,
                "lost": before & ~after,
            }
        )

    def bridges(
        self,
        entrances: gpd.GeoDataFrame | gpd.GeoSeries,
        weights: NDArray[np.float64] | None = None,
        closures: Closures = None,
        profile: AccessProfile | str = "walk",
        *,
        reach_m: float = REACH_M,
    ) -> gpd.GeoDataFrame:
        """Ways on which entrances depend: without one of them, they lose the street network.

        Parameters
        ----------
        entrances
            Points in the metric CRS.
        weights
            What each entrance counts for, for instance its flats; None counts 1 each.
        closures, profile, reach_m
            As in ``assess``; the bridges are those of the graph after the closures.

        Returns
        -------
        One row per bridge, heaviest first: ``path`` (position of the drawn path), ``entrances``
        (tuple of their ids), ``n_entrances``, ``weight`` and the geometry of the stretch.
        """
        who = _profile(profile)
        ids, joined = self._join(entrances, None, closures, reach_m)
        edges = joined.edges
        usable = who.passable(joined.ways_after) & joined.still_open
        found: list[Bridge] = bridges_below(
            edges.n_nodes,
            edges.start,
            edges.end,
            usable,
            self._street_nodes(edges, usable),
            joined.entrance,
        )
        weight = np.ones(len(ids)) if weights is None else np.asarray(weights, dtype=np.float64)
        if weight.shape != (len(ids),):
            raise DataError("Bridges: one weight per entrance is needed.")
        rows = [
            {
                "path": int(edges.path[b.edge]),
                "entrances": tuple(ids[list(b.entrances)]),
                "n_entrances": len(b.entrances),
                "weight": float(weight[list(b.entrances)].sum()),
                "geometry": edges.geometry[b.edge],
            }
            for b in found
            if b.entrances and edges.path[b.edge] >= 0
        ]
        rows.sort(key=lambda row: (-row["weight"], row["path"]))
        columns = ["path", "entrances", "n_entrances", "weight", "geometry"]
        return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry")

    def _street_nodes(self, edges: Edges, usable: BoolArray) -> IntArray:
        """Nodes of streets that can be used: a closed street is nobody's destination."""
        on_street = usable & np.isin(edges.ways["kind"], self.street_kinds)
        nodes: IntArray = np.unique(
            np.concatenate([edges.start[on_street], edges.end[on_street]])
        ).astype(np.int64)
        return nodes

    def _join(
        self,
        entrances: gpd.GeoDataFrame | gpd.GeoSeries,
        targets: gpd.GeoDataFrame | None,
        closures: Closures,
        reach_m: float,
    ) -> tuple[pd.Index, _Joined]:
        ids, points = checked_points(entrances, "Entrances")
        kinds: NDArray[Any] = np.empty(0, dtype=object)
        places: Geometries = np.empty(0, dtype=object)
        if targets is not None and len(targets):
            if "kind" not in targets:
                raise DataError("Targets: the column “kind” is missing (stop, school, bins …).")
            kinds = np.array([str(k) for k in targets["kind"]], dtype=object)
            places = checked_points(targets, "Targets")[1]
        edges, node = with_points(self.edges, np.concatenate([points, places]), reach_m=reach_m)
        place_node = node[points.size :]
        by_kind = {
            str(kind): place_node[(kinds == kind) & (place_node >= 0)] for kind in set(kinds)
        }
        by_kind.setdefault(STREET, np.empty(0, dtype=np.int64))
        still_open, ways_after = apply_closures(edges, closures)
        return ids, _Joined(edges, node[: points.size], by_kind, still_open, ways_after)

    def _compare(self, ids: pd.Index, joined: _Joined, who: AccessProfile) -> list[pd.DataFrame]:
        """The rows of one profile, a frame for each kind of target."""
        careful = who.step_free()
        graphs = {}
        for user in {who, careful}:
            passable = user.passable(joined.ways_after) & joined.still_open
            graphs[user] = (
                UsableGraph(joined.edges, user.passable(joined.edges.ways)),
                UsableGraph(joined.edges, passable),
            )
        frames = []
        for kind in sorted(joined.targets):
            found = {
                user: tuple(self._lengths_m(joined, kind, graph) for graph in pair)
                for user, pair in graphs.items()
            }
            frames.append(_rows(ids, joined, kind, who.key, found[who], found[careful]))
        return frames

    def _lengths_m(self, joined: _Joined, kind: str, graph: UsableGraph) -> FloatArray:
        """Length from each entrance to the nearest target of a kind, m."""
        at = joined.entrance
        if not joined.edges.n_nodes:
            return np.full(at.size, np.inf)
        goals = joined.targets[kind]
        if kind == STREET:
            goals = np.union1d(goals, self._street_nodes(joined.edges, graph.usable))
        found: FloatArray = np.where(at >= 0, graph.lengths_m(goals)[at], np.inf)
        return found


def _rows(
    ids: pd.Index,
    joined: _Joined,
    kind: str,
    profile_key: str,
    lengths_m: tuple[FloatArray, ...],
    step_free_m: tuple[FloatArray, ...],
) -> pd.DataFrame:
    """The table of one profile and kind of target from lengths before and after."""
    before, after = lengths_m
    was, now = np.isfinite(before), np.isfinite(after)
    was_free, now_free = (np.isfinite(lengths) for lengths in step_free_m)
    with np.errstate(invalid="ignore", divide="ignore"):
        extra_m = np.where(was, np.maximum(after - before, 0.0), 0.0)
        ratio = np.where(was & (before > 0), np.maximum(after / before, 1.0), 1.0)
    return pd.DataFrame(
        {
            "entrance_id": ids,
            "target": kind,
            "profile": profile_key,
            "joined": joined.entrance >= 0,
            "reachable_before": was,
            "reachable_after": now,
            "cut_off": was & ~now,
            "step_free_before": was_free,
            "step_free_after": now_free,
            "step_free_lost": was_free & ~now_free,
            "length_before_m": before,
            "length_after_m": after,
            "extra_m": extra_m,
            "detour_ratio": ratio,
        }
    )


def _profile(who: AccessProfile | str) -> AccessProfile:
    return profile(who) if isinstance(who, str) else who
