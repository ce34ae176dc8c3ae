"""Edges whose loss cuts entrances from the street: bridges of the graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bridge:
    """An edge and the positions of the entrances that hang on it."""

    edge: int
    entrances: tuple[int, ...]


def bridges_below(
    n_nodes: int,
    start: IntArray,
    end: IntArray,
    usable: NDArray[np.bool_],
    roots: IntArray,
    entrances: IntArray,
) -> list[Bridge]:
    """Bridges between the entrances and the roots.

    All roots count as one place, so that a way from one street to another is no bridge. A
    depth-first search from there finds the edges whose far side no other edge reaches (Tarjan
    1974), without recursion. Entrances at -1, or not connected with a root, hang on nothing.

    Parameters
    ----------
    n_nodes, start, end, usable
        The graph: nodes of each edge, and whether it can be used.
    roots
        Nodes of the street network.
    entrances
        Node of each entrance, -1 where it has none.
    """
    root = n_nodes
    merged = np.arange(n_nodes + 1)
    merged[roots] = root
    neighbours: list[list[tuple[int, int]]] = [[] for _ in range(n_nodes + 1)]
    for number in np.flatnonzero(usable).tolist():
        a, b = int(merged[start[number]]), int(merged[end[number]])
        if a != b:
            neighbours[a].append((b, number))
            neighbours[b].append((a, number))
    at_node: dict[int, list[int]] = {}
    for position, node in enumerate(entrances):
        if node >= 0:
            at_node.setdefault(int(merged[node]), []).append(position)

    seen = [-1] * (n_nodes + 1)
    low = [0] * (n_nodes + 1)
    below: dict[int, list[int]] = {}
    found: list[Bridge] = []
    clock = seen[root] = 0
    stack: list[tuple[int, int, Iterator[tuple[int, int]]]] = [(root, -1, iter(neighbours[root]))]
    while stack:
        node, by_edge, ways = stack[-1]
        deeper = False
        for other, edge in ways:
            if edge == by_edge:
                continue
            if seen[other] >= 0:
                low[node] = min(low[node], seen[other])
                continue
            clock += 1
            seen[other] = low[other] = clock
            stack.append((other, edge, iter(neighbours[other])))
            deeper = True
            break
        if deeper:
            continue
        stack.pop()
        if not stack:
            break
        mine = below.pop(node, []) + at_node.get(node, [])
        parent = stack[-1][0]
        low[parent] = min(low[parent], low[node])
        if low[node] > seen[parent] and mine:
            found.append(Bridge(by_edge, tuple(sorted(mine))))
        below.setdefault(parent, []).extend(mine)
    return found
