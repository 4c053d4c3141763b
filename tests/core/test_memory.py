# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that is free, and models that do not fit into it."""

from __future__ import annotations

import sys

import pytest
from facewright.core import memory
from facewright.core.memory import GIB, Card

CARD = Card("A Card", 8 * GIB, 3 * GIB)


def test_this_computer_has_some() -> None:
    free = memory.free_memory()
    if sys.platform in ("linux", "win32"):
        assert free is not None
        assert 1 << 20 < free < 1 << 50
    for card in memory.cards():
        assert 0 <= card.free <= card.total


def test_cards_are_read_from_what_the_driver_says() -> None:
    text = "NVIDIA A, 8192, 3072\n[N/A], [N/A], [N/A]\nno card\n\nNVIDIA B, 1024, 0\n"
    assert memory.read_cards(text) == (Card("NVIDIA A", 8 * GIB, 3 * GIB), Card("NVIDIA B", GIB, 0))


@pytest.mark.parametrize(
    ("needed", "device", "free", "cards", "where"),
    [
        (4 * GIB, "cpu", 2 * GIB, (CARD,), "this computer has 2.0 GiB"),
        (4 * GIB, "cpu", 5 * GIB, (), ""),
        (4 * GIB, "cpu", None, (), ""),
        (4 * GIB, "cuda", 99 * GIB, (CARD,), "A Card has 3.0 GiB"),
        (3 * GIB, "tensorrt", 0, (CARD,), ""),
        (4 * GIB, "cuda", 2 * GIB, (), "this computer has 2.0 GiB"),
        (4 * GIB, "coreml", 2 * GIB, (), "this computer has 2.0 GiB"),
    ],
)
def test_what_does_not_fit_is_said(needed, device, free, cards, where) -> None:
    said = memory.shortage(needed, device, free, cards)
    assert where in said
    assert bool(said) is bool(where)
    if where:
        assert said.startswith("This model takes about 4.0 GiB")
