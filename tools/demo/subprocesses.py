# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures are made in a process of their own: without OpenGL, Blender is killed by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

STUDIO = Path(__file__).resolve().parent / "studio.py"


def picture(kind: str, blend: Path, face: str, target: Path, limit_s: float) -> str:
    """Make a "sheet" or "movie" of a .blend's face; why it could not be made, or ""."""
    with_part = target.with_name(f"part-{target.name}")
    words = [sys.executable, str(STUDIO), kind, str(blend), face, str(with_part)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environ.pop("BLENDER_USER_RESOURCES", None)
    try:
        done = subprocess.run(
            words, env=environ, timeout=limit_s, capture_output=True, text=True, errors="replace"
        )
    except subprocess.TimeoutExpired:
        with_part.unlink(missing_ok=True)
        return f"it took more than {limit_s:g} s"
    if done.returncode == 0 and with_part.is_file():
        with_part.replace(target)
        return ""
    with_part.unlink(missing_ok=True)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"Blender was ended by {name} (is OpenGL there? on Debian: libegl1 libgl1-mesa-dri)"
    last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-1:]
    return last[0] if last else f"exit code {done.returncode}"


def skipped(reason: str) -> str:
    return f"   skipped: {reason}"
