# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "memory": what this computer and its graphics cards have free."""

from __future__ import annotations

from dataclasses import asdict

from ..core.memory import cards, free_memory
from . import arguments
from .calls import Call, Reply


def memory(call: Call) -> Reply:
    """{} -> {free: bytes or null, cards: [{name, total, free}]} (see ``core.memory``)."""
    arguments.only(call.args, (), "memory")
    return {"free": free_memory(), "cards": [asdict(card) for card in cards()]}, {}
