"""Counts of households that may leave the laboratory: five and more, and no smaller by difference.

Statistical disclosure control by suppression: small cells are withheld, then whatever else would
give them back by subtraction (Hundepool et al., *Statistical Disclosure Control*, Wiley 2012,
chapter 4: primary and secondary suppression).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from geo_service.accounts.standing import SignedIn

LEAST = 5
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Cell:
    """A count that is wanted: whom it counts, and the cell of which they are a part.

    ``disjoint``: nobody stands in two cells of the same parent, so that those cells add up to it.
    """

    key: Hashable
    members: frozenset[int]
    parent: Hashable | None = None
    disjoint: bool = False


def disclosable(cells: Sequence[Cell], least: int = LEAST) -> dict[Hashable, int | None]:
    """How many each of ``cells`` counts, None where that must not be told.

    Nothing below ``least`` is told, zero included. Nor is anything from which a count between one
    and ``least`` follows: the difference of two counts of which one lies within the other, what is
    left of a total after its parts, the overlap of two parts that make up their total. A part that
    is withheld is never the only one of its total, or it would follow.

    The counts of one call are guarded against each other; those of different calls (another day,
    another period) are not, so a page must not offer overlapping periods. Keys are unique; a cell
    lies within its parent.
    """
    told = {c.key: c for c in cells if len(c.members) >= least}
    children: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        if cell.parent is not None:
            children.setdefault(cell.parent, []).append(cell)
    depth = _depths(cells)
    while True:
        excess = next(_leaks(told, children, depth, least), None)
        if excess is None:
            return {c.key: len(c.members) if c.key in told else None for c in cells}
        del told[excess]


def at_least(count: int, step: int = LEAST) -> int | None:
    """``count`` rounded down to whole ``step``; None below one: how many cannot be counted back."""
    return count // step * step if count >= step else None


def as_told(count: int, *, exact: bool) -> int | None:
    """``count`` as staff read it: itself for those who may know each household, else by fives."""
    return count if exact else at_least(count)


@dataclass(frozen=True, slots=True)
class Sight:
    """How counts of households are told to a reader.

    ``protected`` counts households at a protected address too, ``exact`` tells each number, else
    whole fives: both only for those who may know those households.
    """

    protected: bool
    exact: bool

    @classmethod
    def of(cls, who: SignedIn) -> Sight:
        """What ``who`` may know in the quarter at hand."""
        return cls(who.can("protected"), who.can("households"))

    def told(self, count: int) -> int | None:
        """``count`` as this reader is told it."""
        return as_told(count, exact=self.exact)

    def told_each(self, counts: Mapping[_Key, int]) -> dict[_Key, int | None]:
        """Each of ``counts`` as this reader is told it."""
        return {key: self.told(count) for key, count in counts.items()}

    def told_total(self, count: int, parts: Collection[int]) -> int | None:
        """``count`` as this reader is told it beside all ``parts`` that add up to it.

        By fives, parts that are all at their highest would follow from their total: it is then
        told a five lower.
        """
        told = self.told(count)
        if self.exact or told is None:
            return told
        highest = sum(at_least(part) or 0 for part in parts) + (LEAST - 1) * len(parts)
        return told if told < highest or not parts else at_least(told - LEAST)

    def told_together(self, parts: Iterable[int]) -> int | None:
        """The sum of ``parts`` where a person asks for whatever parts they like.

        By fives it is the sum of what is told of each: one rounded only afterwards would give the
        parts back to whoever adds one after the other and sees where it steps over the next five.
        """
        return sum(self.told(part) or 0 for part in parts) or (0 if self.exact else None)


# Whoever may know each household: coordinators, and the commands on the machine itself.
EVERYBODY = Sight(protected=True, exact=True)


def _leaks(
    told: Mapping[Hashable, Cell],
    children: Mapping[Hashable, list[Cell]],
    depth: Mapping[Hashable, int],
    least: int,
) -> Iterator[Hashable]:
    """Keys of cells that must be withheld, one for each way to a small count."""
    # The parts before their totals, the small before the large: as little is lost as can be.
    order = sorted(told.values(), key=lambda c: (-depth[c.key], len(c.members), str(c.key)))
    for inner, outer in combinations(order, 2):
        small, large = sorted((inner, outer), key=lambda c: len(c.members))
        if _is_small(len(large.members) - len(small.members), least) and (
            small.members <= large.members
        ):
            yield inner.key
    for parent, parts in children.items():
        if parent not in told:
            continue
        shown = [c for c in order if c.parent == parent]
        yield from _parts_leak(told[parent], parts, shown, told, least)
        for one, two in combinations([c for c in shown if not c.disjoint], 2):
            overlap = one.members & two.members
            if _is_small(len(overlap), least) and one.members | two.members == told[parent].members:
                yield one.key


def _parts_leak(
    total: Cell,
    parts: Sequence[Cell],
    shown: Sequence[Cell],
    told: Mapping[Hashable, Cell],
    least: int,
) -> Iterator[Hashable]:
    """A part to withhold where those that add up to ``total`` leave too little, or one alone."""
    adding = [c for c in shown if c.disjoint]
    if not adding:
        return
    left = len(total.members) - sum(len(c.members) for c in adding)
    hidden = [c for c in parts if c.disjoint and c.key not in told and c.members]
    if _is_small(left, least) or (left and len(hidden) == 1):
        yield adding[0].key


def _is_small(count: int, least: int) -> bool:
    return 0 < count < least


def _depths(cells: Sequence[Cell]) -> dict[Hashable, int]:
    parent = {c.key: c.parent for c in cells}
    depths = {}
    for key in parent:
        steps, above = 0, parent[key]
        while above is not None:
            steps, above = steps + 1, parent.get(above)
        depths[key] = steps
    return depths
