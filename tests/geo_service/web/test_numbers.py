"""Numbers of things, as pages write them into addresses and forms."""

from __future__ import annotations

import pytest

from geo_service.web.numbers import number_in


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_plain_figures_are_a_number(text: str, number: int) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "text", ["", " 1", "-1", "+1", "1.0", "1e3", "²", "٣", "９", "9" * 19, "9" * 5000, None, 7]
)
def test_anything_else_is_none(text: object) -> None:
    assert number_in(text) is None
