"""The examples in the docstrings of the engineering tables give what they print."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("plant", "criteria", "dust", "vibration", "access")


def modules() -> list[str]:
    """Dotted names of all modules of the packages."""
    names = []
    for package in PACKAGES:
        root = importlib.import_module(f"layers.{package}")
        names.append(root.__name__)
        names += [
            m.name
            for m in pkgutil.walk_packages(getattr(root, "__path__", []), root.__name__ + ".")
        ]
    return names


@pytest.mark.parametrize("name", modules())
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_there_are_examples() -> None:
    assert sum(doctest.testmod(importlib.import_module(n)).attempted for n in modules()) >= 20
