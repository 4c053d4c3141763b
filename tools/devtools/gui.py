# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender with a window, from Debian's packages, on a screen that exists in memory only."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, Sequence, Tuple


class Unavailable(Exception):
    """Why there can be no window on this machine."""


def obstacle() -> str:
    return "not written yet"


def run_all(archive: Path, words: Sequence[str]) -> Iterator[Tuple[str, str, int, float, str]]:
    return iter(())
