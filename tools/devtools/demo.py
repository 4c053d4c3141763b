# SPDX-License-Identifier: GPL-3.0-or-later
"""Animates a face in a Blender that was set up as a user would: bpy, numpy and our zip alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import List, Optional

from . import envs, extension
from .console import Failure, say, stage
from .places import ROOT

LIMIT_S = 1800


def demo(
    version: Optional[str],
    audio: Optional[str],
    blend: Optional[str],
    name: Optional[str],
    out: Optional[str],
    emotion: bool = False,
) -> int:
    """Prepare the environment, the head and the zip, then hand over to tools/demo inside it."""
    if bool(blend) != bool(name):
        raise Failure("--blend and --object belong together: the file and the face in it.")
    for path in (audio, blend):
        if path and not Path(path).is_file():
            raise Failure(f"{path} is not a file.")
    blender = envs.best_blender(version)
    python = envs.ensure(blender.env)
    archive = extension.build_here(blender.env)
    folder = Path(out or ROOT / "out" / "demo").resolve()
    command: List[object] = [python, ROOT / "tools" / "demo", "--zip", archive, "--out", folder]
    for option, value in (("--audio", audio), ("--blend", blend)):
        command += [option, Path(value).resolve()] if value else []
    command += ["--object", name] if name else []
    command += ["--emotion"] if emotion else []
    with stage(f"demo in Blender {blender.version}"):
        try:
            words = [str(word) for word in command]
            code = subprocess.call(words, env=envs.clean_environ(), timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"The demo took more than {LIMIT_S} s and was stopped.") from None
    say(f"   what it made lies in {folder}")
    return code
