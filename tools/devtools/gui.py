# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests/gui in a real Blender with a window, on a screen that exists in memory only.

Debian trixie has Blender 4.3 with Python 3.13, which takes the zip as shipped. Debian sid has
Blender 5.2 with Python 3.14, for which no Blender is released: it gets a zip with other wheels.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from . import debian
from .console import say
from .debian import Debian
from .places import ROOT
from .process import watch

TRIXIE = Debian("trixie", "4.3", "3.13")
SID = Debian("sid", "5.2", "3.14")
SCRIPT_LIMIT_S = 240
SCREEN = "1280x800x24"
VOICE = ROOT / "assets" / "sample_voice.flac"
INSIDE = Path("/checkout")


class Run(NamedTuple):
    """How one script of tests/gui ended; the code is None when it had to be stopped."""

    name: str
    code: Optional[int]
    seconds: float
    note: str


def scripts(release: str) -> List[Path]:
    """Those of a release: a script with ``ONLY = "sid"`` is not for the others.

    What differs between versions is tested without a window on each of them, so one window is
    enough for most.
    """
    found = sorted((ROOT / "tests" / "gui").glob("test_*.py"))
    return [path for path in found if _only(path) in ("", release)]


def _only(script: Path) -> str:
    asked = re.search(r'(?m)^ONLY = "(\w+)"', script.read_text(encoding="utf-8"))
    return asked.group(1) if asked else ""


def run_all(system: Debian, archive: Path, pattern: str) -> Iterator[Run]:
    """Run each script in a Blender of its own, with an empty home; pictures go to out/gui."""
    shots = ROOT / "out" / "gui" / system.release
    shots.mkdir(parents=True, exist_ok=True)
    for script in scripts(system.release):
        if pattern in script.stem:
            yield _run_one(system, script, archive, shots)


def _run_one(system: Debian, script: Path, archive: Path, shots: Path) -> Run:
    say(f"\n-- {script.name}: {system.where}")
    words = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN} +extension GLX"]
    words += ["blender", "--gpu-backend", "opengl", "--enable-event-simulate"]
    words += ["--window-geometry", "0", "0", "1280", "800", "--python-exit-code", "3"]
    words += ["--python", str(INSIDE / script.relative_to(ROOT))]
    settings = {
        "FACEWRIGHT_ZIP": str(INSIDE / archive.relative_to(ROOT)),
        "FACEWRIGHT_VOICE": str(INSIDE / VOICE.relative_to(ROOT)),
        "FACEWRIGHT_MICROPHONE": str(INSIDE / VOICE.relative_to(ROOT)),
        "FACEWRIGHT_SHOTS": "/shots",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with _home(system.folder) as home:
        settings.update(HOME=home, XDG_RUNTIME_DIR=home, TMPDIR=home)
        began = time.monotonic()
        _lines, code = watch(debian.entered(system, shots, words, settings), SCRIPT_LIMIT_S)
    note = f"stopped after {SCRIPT_LIMIT_S} s" if code is None else ""
    if code:
        note = f"exit code {code}"
    return Run(script.stem, code, time.monotonic() - began, note)


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[str]:
    """An empty home inside the Debian folder, by its path from inside."""
    name = f"/tmp/facewright-{os.getpid()}-{time.monotonic_ns()}"  # noqa: S108 - of that folder
    home = folder / name[1:]
    home.mkdir(parents=True, mode=0o700)
    try:
        yield name
    finally:
        shutil.rmtree(home, ignore_errors=True)
