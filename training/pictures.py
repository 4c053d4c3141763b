# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies and strips of recordings, by way of the demo: the built-in model on the built-in head."""

from __future__ import annotations

import shutil
import subprocess  # the demo runs in an environment of its own
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .measuring.labelled import Labelled
from .paths import CHECKOUT
from .progress import say

LIMIT_S = 1200
MADE = {"talking.png": "strip", "talking.mp4": "movie"}


def make_pictures(
    languages: Mapping[str, Sequence[Labelled]], sentences: Sequence[str], folder: Path
) -> None:
    """For every ``LANGUAGE/NAME``: ``LANGUAGE-NAME.png`` (twelve frames) and ``.mp4``.

    They show the model of this checkout, as the packed extension has it. Raises RuntimeError
    for a sentence that is not there, and where the demo ends without a strip.
    """
    if not sentences:
        raise RuntimeError("Name the recordings to show: --sentences en/agent-pass,de/03a01Fa")
    known = {
        f"{language}/{Path(recording.name).stem}": recording
        for language, recordings in languages.items()
        for recording in recordings
    }
    unknown = [name for name in sentences if name not in known]
    if unknown:
        raise RuntimeError(f"There is no recording {', '.join(unknown)} among those to measure.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in sentences:
        _show(known[name], folder / name.replace("/", "-"))


def _show(recording: Labelled, target: Path) -> None:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, str(CHECKOUT / "tools" / "dev.py"), "demo"]
        command += ["--audio", str(recording.path), "--emotion", "--out", out]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"Showing {recording.name} took more than {LIMIT_S} s.") from None
        if not (Path(out) / "talking.png").exists():
            last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-1:]
            raise RuntimeError(f"{recording.name} could not be shown: {' '.join(last)}")
        for file, kind in MADE.items():
            if (Path(out) / file).exists():
                made = target.with_name(target.name + Path(file).suffix)
                shutil.copyfile(Path(out) / file, made)
                say(f"pictures: {kind} {made}")
            else:
                say(f"pictures: no {kind} of {recording.name}")
