# SPDX-License-Identifier: GPL-3.0-or-later
"""What the subcommands share: the open file, finding objects, telling how far they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import bpy

from ..core.errors import UserError, shortly


def check_open_file(wanted: str) -> None:
    path = os.path.realpath(wanted)
    if not os.path.isfile(path):
        raise UserError(f"The file {path} does not exist.", "Check its name.")
    if not bpy.data.filepath or not os.path.samefile(path, bpy.data.filepath):
        raise UserError(
            f"Blender has {file_name()} open, not {path}.",
            "Name the .blend before --command as well, and see whether Blender could read it.",
        )


def file_name() -> str:
    return bpy.data.filepath or "the start-up scene"


def find_object(name: str, kinds: Sequence[str]) -> bpy.types.Object:
    """Raises UserError with the names of some objects of the kinds that are meant."""
    found = bpy.data.objects.get(name)
    if found is None:
        names = [obj.name for obj in bpy.data.objects if obj.type in kinds]
        listed = shortly(names) or "nothing of that kind"
        raise UserError(f"{file_name()} has no object '{name}'.", f"It has: {listed}.")
    return found


def json_outputs(path: str, option: str) -> tuple[Path, ...]:
    """The place of the .json file that an option names, looked at before any work is done; none
    without. Raises UserError."""
    from ..scene.exports import check_outputs

    found = check_outputs([path] if path else [])
    if any(each.suffix.lower() != ".json" for each in found):
        raise UserError(f"{found[0].name} is no .json file.", f"Give {option} a name in .json.")
    return found


class PrintedProgress:
    """Prints a line when the stage changes or a tenth more is done."""

    def __init__(self) -> None:
        self._last: tuple[str, int] = ("", -1)

    def __call__(self, fraction: float, text: str) -> None:
        now = (text, int(fraction * 10))
        if now != self._last:
            self._last = now
            say(f"{fraction:4.0%} {text}")


def say(text: str) -> None:
    with suppress(OSError):  # nobody reads it any more: no reason to stop
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def full_path(text: str) -> str:
    """A path of the command line, which is relative to the shell's folder; empty stays so."""
    return text if not text or text.startswith("//") else os.path.abspath(text)
