# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processes a batch uses, and which graphics card each has to itself."""

from __future__ import annotations

import os
from pathlib import Path

from ..core import memory
from ..core.models.model import read_index
from ..core.network.devices import AUTO, CPU, DEVICE_NAMES, resolve

MOST = 256


def cards_for(
    folder: Path, device: str, jobs: int, threads: int, rows: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """One text for each process: the card it uses as CUDA_VISIBLE_DEVICES has it, "" for none.

    ``jobs`` 0 chooses: on the CPU as many processes of ``threads`` threads as cores and free memory
    allow for the model of ``folder``, on graphics cards one for each. No card is shared. With them
    notes for the user. Raises UserError for an unknown device.
    """
    listed = memory.cards() if device in (AUTO, *memory.ON_CARD) else ()
    # Only asking the runtime itself tells whether it can use a card
    real = CPU if device == AUTO and not listed else resolve(device)
    if real not in DEVICE_NAMES or real == CPU:
        count = jobs or _processes(read_index(folder).memory_bytes, threads)
        return ("",) * max(1, min(count, rows, MOST)), ()
    names = _names(len(listed)) if real in memory.ON_CARD else ("",)
    notes: tuple[str, ...] = ()
    if jobs > len(names):
        notes = (f"{jobs} processes would share a graphics card; {len(names)} are used.",)
    count = min(jobs or len(names), len(names), max(rows, 1))
    return names[:count], notes


def _names(count: int) -> tuple[str, ...]:
    """The cards that this process may use, by number or as its environment names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(part.strip() for part in named.split(",") if part.strip()) or ("",)
    return tuple(str(number) for number in range(count)) or ("",)


def _processes(model_bytes: int, threads: int) -> int:
    """As many as cores and memory allow, at least one."""
    count = cores() // threads
    free = memory.free_memory()
    if free is not None:
        count = min(count, free // max(model_bytes, 1))
    return max(1, count)


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
