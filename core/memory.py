# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory is free, and whether a model will fit into it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
_QUERY = (
    "nvidia-smi",
    "--query-gpu=name,memory.total,memory.free",
    "--format=csv,noheader,nounits",
)
_QUERY_S = 10.0
ON_CARD = ("cuda", "tensorrt")  # devices whose memory nvidia-smi knows


@dataclass(frozen=True)
class Card:
    """A graphics card: its name, and its memory in bytes."""

    name: str
    total: int
    free: int


def free_memory() -> int | None:
    """Bytes of the computer's memory that can be had now; None where the system does not say."""
    if sys.platform == "win32":
        return _windows()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _windows() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - Windows alone has it
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def cards() -> tuple[Card, ...]:
    """NVIDIA's graphics cards as their driver lists them; none where there is no such driver.

    Starts a program and waits for it: for the worker.
    """
    try:
        done = subprocess.run(
            _QUERY,
            capture_output=True,
            timeout=_QUERY_S,
            check=True,
            stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return read_cards(done.stdout.decode("utf-8", "replace"))


def read_cards(text: str) -> tuple[Card, ...]:
    """The cards of lines "name, total MiB, free MiB"; lines that are none are left out."""
    found = []
    for line in text.splitlines():
        name, _, numbers = line.partition(",")
        parts = [part.strip() for part in numbers.split(",")]
        if len(parts) == 2 and all(part.isdigit() for part in parts):
            found.append(Card(name.strip(), int(parts[0]) << 20, int(parts[1]) << 20))
    return tuple(found)


def shortage(needed: int, device: str, free: int | None, listed: tuple[Card, ...]) -> str:
    """A warning when ``needed`` bytes are more than is free on a device, else empty.

    ``free`` is the computer's own memory. The first card is the one that is used.
    """
    if device in ON_CARD and listed:
        free, where = listed[0].free, listed[0].name
    else:
        where = "this computer"
    if free is None or needed <= free:
        return ""
    return (
        f"This model takes about {needed / GIB:.1f} GiB of memory; {where} has "
        f"{free / GIB:.1f} GiB free."
    )


def megabytes(count: int) -> str:
    """A number of bytes for people: "725 MB", "2.1 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"
