# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of recordings: what every system takes, and the next number of one that exists."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

from ..errors import UserError
from ..file_names import name_problem

_NUMBERED = re.compile(r"(.*\S) (\d{1,6})")
MAX_NAME = 100


def checked_name(name: str) -> str:
    """A name for a file without its ending, as every system takes it. Raises UserError."""
    stem = name.strip()
    stem = stem[:-4].rstrip() if stem.lower().endswith(".wav") else stem
    if not stem:
        raise UserError("The recording has no name.", "Type one.")
    reason = name_problem(stem)
    if reason:
        raise UserError(f"{stem!r} cannot be the name of a file: {reason}.", "Choose another name.")
    if len(stem) > MAX_NAME:
        raise UserError(f"A name of {len(stem)} characters is too long.", "Choose a shorter one.")
    return stem


def free_path(folder: Path, stem: str) -> Path:
    """``stem``.wav, or with the next number that is free: "take", "take 2", "take 3"."""
    path = folder / f"{stem}.wav"
    numbered = _NUMBERED.fullmatch(stem)
    base, first = (numbered[1], int(numbered[2])) if numbered else (stem, 1)
    numbers = itertools.count(first + 1)
    while os.path.lexists(path):
        path = folder / f"{base} {next(numbers)}.wav"
    return path
