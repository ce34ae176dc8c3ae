"""Nothing below five leaves, neither told nor to be counted back."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from geo_service.households.disclosure import (
    EVERYBODY,
    LEAST,
    Cell,
    Sight,
    at_least,
    disclosable,
)

KINDS, SITES, WEEKS, BANDS = ("noise", "dust", "access"), (1, 2), (0, 1, 2), (1, 2, 3, 4)
# What hits a household: kind, site, week, band.
hits = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.sampled_from(SITES), st.sampled_from(WEEKS),
            st.sampled_from(BANDS),
        ),
        max_size=4,
    ),
    max_size=40,
)  # fmt: skip


def cells_of(households: list[list[tuple[str, int, int, int]]]) -> list[Cell]:
    """The cells of a page of totals: kinds with their bands, sites and weeks with their kinds."""

    def who(wanted) -> frozenset[int]:  # type: ignore[no-untyped-def]
        return frozenset(n for n, hit in enumerate(households) if any(wanted(*h) for h in hit))

    def worst(n: int, kind: str) -> int:
        return max((b for k, _s, _w, b in households[n] if k == kind), default=0)

    cells = [Cell("all", who(lambda *_: True))]
    for kind in KINDS:
        inside = who(lambda k, s, w, b, kind=kind: k == kind)
        cells.append(Cell(kind, inside, "all"))
        cells += [
            Cell((kind, band), frozenset(n for n in inside if worst(n, kind) == band), kind, True)
            for band in BANDS
        ]
    for name, values, place in (("site", SITES, 1), ("week", WEEKS, 2)):
        for value in values:
            top = (name, value)
            cells.append(Cell(top, who(lambda *h, p=place, v=value: h[p] == v), "all"))
            cells += [
                Cell((*top, kind), who(lambda *h, p=place, v=value, k=kind: h[p] == v
                                       and h[0] == k), top)
                for kind in KINDS
            ]  # fmt: skip
    return cells


@given(hits)
def test_nothing_below_five_is_told(households) -> None:  # type: ignore[no-untyped-def]
    told = disclosable(cells_of(households))
    assert all(count is None or count >= LEAST for count in told.values())


@given(hits)
def test_nothing_below_five_follows_by_subtraction(households) -> None:  # type: ignore[no-untyped-def]
    cells = cells_of(households)
    told = disclosable(cells)
    shown = [c for c in cells if told[c.key] is not None]
    for one, two in combinations(shown, 2):
        if one.members <= two.members or two.members <= one.members:
            assert abs(len(one.members) - len(two.members)) not in range(1, LEAST)


@given(hits)
def test_what_is_left_of_a_total_is_never_small_nor_a_single_part(households) -> None:  # type: ignore[no-untyped-def]
    cells = cells_of(households)
    told = disclosable(cells)
    for kind in KINDS:
        parts = [told[kind, band] for band in BANDS]
        if told[kind] is None or all(part is None for part in parts):
            continue
        left = told[kind] - sum(part or 0 for part in parts)
        assert left == 0 or left >= LEAST
        hidden = [c for c in cells if c.parent == kind and told[c.key] is None and c.members]
        assert left == 0 or len(hidden) > 1


@given(hits)
def test_the_overlap_of_two_parts_is_never_small(households) -> None:  # type: ignore[no-untyped-def]
    cells = {c.key: c for c in cells_of(households)}
    told = disclosable(list(cells.values()))
    one, two = ("site", 1), ("site", 2)
    if told["all"] is not None and told[one] is not None and told[two] is not None:
        both = told[one] + told[two] - told["all"]
        assert both == len(cells[one].members & cells[two].members)
        assert both not in range(1, LEAST)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_an_attacker_who_knows_the_sums_pins_no_small_part(sizes: list[int]) -> None:
    """Every assignment that fits what is told: no withheld part has the same value in all."""
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    parts = [Cell(n, frozenset(range(end - size, end)), "all", True)
             for n, (size, end) in enumerate(zip(sizes, ends, strict=True))]  # fmt: skip
    told = disclosable([Cell("all", frozenset(range(sum(sizes)))), *parts])
    small = [n for n, size in enumerate(sizes) if 0 < size < LEAST]
    assert all(told[n] is None for n in small)
    if told["all"] is None or not small:
        return
    left = told["all"] - sum(told[n] or 0 for n in range(len(sizes)))
    hidden = [n for n in range(len(sizes)) if told[n] is None and sizes[n]]
    # Each hidden part is at least one and at most what the others leave: more than one value fits.
    assert left - (len(hidden) - 1) > 1


def test_as_little_as_possible_is_withheld() -> None:
    whole = [Cell("all", frozenset(range(40))), Cell("a", frozenset(range(20)), "all", True),
             Cell("b", frozenset(range(20, 40)), "all", True)]  # fmt: skip
    assert disclosable(whole) == {"all": 40, "a": 20, "b": 20}
    # 38 of 40 leave two; the large part goes, not the total.
    uneven = [whole[0], Cell("a", frozenset(range(38)), "all", True),
              Cell("b", frozenset({38, 39}), "all", True)]  # fmt: skip
    assert disclosable(uneven) == {"all": 40, "a": None, "b": None}


def test_rounded_counts_are_whole_fives() -> None:
    assert [at_least(n) for n in (0, 4, 5, 9, 10, 23)] == [None, None, 5, 5, 10, 20]


BY_FIVES = Sight(protected=False, exact=False)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_no_part_of_a_total_told_by_fives_is_known_exactly(parts: list[int]) -> None:
    """Whoever knows the rule has, for each part and for the total, more than one number left."""
    total = BY_FIVES.told_total(sum(parts), parts)
    told = [BY_FIVES.told(part) for part in parts]
    if total is None:
        assert sum(parts) < LEAST
        return
    assert total <= sum(parts)
    lowest = [count or 0 for count in told]
    # Told a five lower or not, the total lies within these.
    for low in lowest:
        others_most = sum(lowest) - low + (LEAST - 1) * (len(parts) - 1)
        at_least_here = max(low, total - others_most)
        assert at_least_here < low + LEAST - 1


def test_a_total_of_parts_at_their_highest_is_told_lower() -> None:
    # Twenty of five times at most four would say that each is four.
    assert BY_FIVES.told_total(20, [4, 4, 4, 4, 4]) == 15
    assert BY_FIVES.told_total(20, [4, 4, 4, 8]) == 20
    assert EVERYBODY.told_total(20, [4, 4, 4, 4, 4]) == 20


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 30))
def test_one_more_part_adds_no_more_than_is_told_of_it(parts: list[int], more: int) -> None:
    before = BY_FIVES.told_together(parts) or 0
    assert (BY_FIVES.told_together([*parts, more]) or 0) - before == (BY_FIVES.told(more) or 0)
    assert EVERYBODY.told_together([*parts, more]) == sum(parts) + more
