"""Compiled kernel: every source to every receiver, in parallel over groups of receivers."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Types of compiled functions are those of their arguments, which numba checks at each call.

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np

from layers.noise.bands import A_WEIGHTS, FloatArray
from layers.noise.jit import compiled
from layers.noise.kernel_geometry import SceneArrays, new_scratch
from layers.noise.kernel_paths import NEAREST_M, Parameters, path_energy
from layers.noise.kernel_physics import ZoneArrays
from layers.noise.kernel_reflections import WallArrays, reflections, walls_towards, wedges
from layers.noise.packing import IntArray

#: The most that ground, façade and reflections can add to the level of divergence alone, as
#: energy: 6 dB for hard ground both ends and middle, 6 dB for reflections.
GROUND_GAIN = 10.0**0.6
REFLECTION_GAIN = 10.0**0.6

#: All paths left out at one receiver together stay this far below the lowest level, as energy.
SKIPPED_SHARE = 0.02

#: Receivers in one square of this size are a group; a larger group is cut.
GROUP_M = 32.0
MOST_IN_GROUP = 64


class PointArrays(NamedTuple):
    """Sources or receivers with the buildings that contain them."""

    xyz: FloatArray
    pointer: IntArray  # into ``left_out`` of the call
    owner: IntArray  # sources: group index; receivers: own building


class Groups(NamedTuple):
    """Receivers that stand together, so that walls are sorted out once for all of them."""

    order: IntArray  # (m,) receivers, group by group
    start: IntArray  # (groups + 1,) into ``order``


def receiver_groups(xyz: FloatArray) -> Groups:
    """Receivers grouped by squares of the plan."""
    cell = np.floor(xyz[:, :2] / GROUP_M).astype(np.int64)
    order = np.lexsort((cell[:, 1], cell[:, 0])).astype(np.int64)
    here = cell[order]
    first = np.ones(len(xyz), dtype=bool)
    first[1:] = (here[1:] != here[:-1]).any(axis=1)
    ends = np.r_[np.flatnonzero(first), len(xyz)]
    cuts = [np.arange(a, b, MOST_IN_GROUP) for a, b in pairwise(ends)]
    start = np.concatenate([*cuts, [len(xyz)]]).astype(np.int64)
    return Groups(order, start)


@compiled()
def disc_round(xyz, members):
    """Centre and radius of a circle round some points in plan."""
    left, right, low, high = 1e300, -1e300, 1e300, -1e300
    for j in members:
        left, right = min(left, xyz[j, 0]), max(right, xyz[j, 0])
        low, high = min(low, xyz[j, 1]), max(high, xyz[j, 1])
    x, y = 0.5 * (left + right), 0.5 * (low + high)
    return x, y, np.sqrt((right - x) ** 2 + (high - y) ** 2)


@compiled()
def mark_paths(par, sources, strength, gain, x, y, z, wanted, counts):
    """Mark in ``wanted`` (n,) which sources can matter at one receiver, by divergence alone.

    ``counts`` grows by the pairs beyond reach and below the cut.
    """
    n = sources.xyz.shape[0]
    together = 0.0
    for i in range(n):
        dp2 = (sources.xyz[i, 0] - x) ** 2 + (sources.xyz[i, 1] - y) ** 2
        if dp2 > par.reach * par.reach:
            wanted[i] = -1.0
            counts[0] += 1
            continue
        d2 = max(dp2 + (sources.xyz[i, 2] - z) ** 2, NEAREST_M)
        wanted[i] = strength[i] * gain / (d2 * 10.0**1.1)
        together += wanted[i]
    least = par.lowest_energy * SKIPPED_SHARE / max(n, 1)
    for i in range(n):
        if wanted[i] >= 0.0 and (together < par.lowest_energy or wanted[i] < least):
            wanted[i] = -1.0
            counts[1] += 1


@compiled(parallel=True)
def propagate_arrays(
    scene: SceneArrays,
    zones: ZoneArrays,
    par: Parameters,
    sources: PointArrays,
    power: FloatArray,
    receivers: PointArrays,
    left_out: IntArray,
    walls: WallArrays,
    groups: Groups,
    n_groups: int,
    chunks: int,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Energies at the receivers.

    :returns: (m, n_groups) A-weighted energies by group of sources, (m, 8) linear band energies,
        and (chunks, 2) counts of pairs beyond reach and below the cut.
    """
    m, n = receivers.xyz.shape[0], sources.xyz.shape[0]
    energy = np.zeros((m, n_groups))
    bands = np.zeros((m, 8))
    counts = np.zeros((chunks, 2), np.int64)
    gain = GROUND_GAIN * (REFLECTION_GAIN if par.reflections else 1.0)
    strength = np.zeros(n)
    most = 0
    for i in range(n):
        most = max(most, walls.pointer[i + 1] - walls.pointer[i])
        for f in range(8):
            strength[i] += power[i, f] * A_WEIGHTS[f]
    planes = wedges(walls)
    for chunk in numba.prange(chunks):
        work = new_scratch(scene)
        agr, factor, one = np.zeros(8), np.zeros(8), np.zeros(8)
        wanted = np.zeros((MOST_IN_GROUP, n))
        found = np.zeros(most, np.int64)
        for group in range(chunk, groups.start.shape[0] - 1, chunks):
            members = groups.order[groups.start[group] : groups.start[group + 1]]
            cx, cy, radius = disc_round(receivers.xyz, members)
            for k in range(members.shape[0]):
                j = members[k]
                loudest = gain * (par.facade_gain if receivers.owner[j] >= 0 else 1.0)
                x, y, z = receivers.xyz[j, 0], receivers.xyz[j, 1], receivers.xyz[j, 2]
                mark_paths(par, sources, strength, loudest, x, y, z, wanted[k], counts[chunk])
            for i in range(n):
                s = (sources.xyz[i, 0], sources.xyz[i, 1], sources.xyz[i, 2])
                facing = -1
                for k in range(members.shape[0]):
                    if wanted[k, i] < 0.0:
                        continue
                    j = members[k]
                    r = (receivers.xyz[j, 0], receivers.xyz[j, 1], receivers.xyz[j, 2])
                    own = receivers.owner[j]
                    dp = np.sqrt((s[0] - r[0]) ** 2 + (s[1] - r[1]) ** 2)
                    skip = (
                        sources.pointer[i], sources.pointer[i + 1],
                        receivers.pointer[j], receivers.pointer[j + 1],
                    )  # fmt: skip
                    way = (s[0], s[1], r[0], r[1], r[0], r[1], max(dp, 1e-12), 0.0)
                    path_energy(
                        scene, zones, work, par, way, s[2], r[2], True, skip, left_out, agr, 0,
                        factor,
                    )  # fmt: skip
                    if par.reflections:
                        if facing < 0:
                            facing = walls_towards(
                                walls, planes, walls.pointer[i], walls.pointer[i + 1], cx, cy,
                                radius, par.reach, found,
                            )  # fmt: skip
                        reflections(
                            scene, zones, work, par, walls, found[:facing], s, r, own, skip,
                            left_out, agr, one, factor,
                        )  # fmt: skip
                    facade = par.facade_gain if own >= 0 else 1.0
                    total = 0.0
                    for f in range(8):
                        e = factor[f] * power[i, f] * facade
                        bands[j, f] += e
                        total += e * A_WEIGHTS[f]
                    energy[j, sources.owner[i]] += total
    return energy, bands, counts
