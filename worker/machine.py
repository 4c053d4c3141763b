# SPDX-License-Identifier: GPL-3.0-or-later
"""What this computer and its graphics cards have free: the job "memory", and a warning in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ..core import memory as machine_memory
from . import arguments
from .calls import Call, Reply

if TYPE_CHECKING:
    from ..core.network.devices import OpenNetwork


def memory(call: Call) -> Reply:
    """{} -> {free: bytes or null, cards: [{name, total, free}]} (see ``core.memory``)."""
    arguments.only(call.args, (), "memory")
    cards = [asdict(card) for card in machine_memory.cards()]
    return {"free": machine_memory.free_memory(), "cards": cards}, {}


def open_watchfully(
    folder: str, device: str, open_network: Callable[[], OpenNetwork]
) -> OpenNetwork:
    """Open the network of a model's folder; memory that was short before becomes a notice.

    Raises what ``open_network`` raises.
    """
    from ..core.models.model import read_index
    from ..core.network.devices import resolve

    real = resolve(device)
    cards = machine_memory.cards() if real in machine_memory.ON_CARD else ()
    free = machine_memory.free_memory()
    warning = machine_memory.shortage(read_index(folder).memory_bytes, real, free, cards)
    network = open_network()
    if not warning:
        return network
    return replace(network, notices=(*network.notices, f"{warning} It may be slow, or fail."))
