# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the project, for the tests that look at the tree itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {"__pycache__", "dist", "out", "build"}


def files(suffix: str = "") -> list[Path]:
    """Everything that git tracks or would track; all that is there where there is no git."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not _is_hidden(path)]
    return sorted(path for path in set(paths) if path.is_file() and path.name.endswith(suffix))


def _is_hidden(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part.startswith(".") or part in SKIPPED for part in parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
