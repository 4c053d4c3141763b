# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``blender --background FILE --command facewright ...`` known to Blender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

NAME = "facewright"

_registered: list[Any] = []


def main(argv: Sequence[str]) -> int:
    """Run a subcommand; returns the exit code and raises nothing."""
    from . import command_line

    return command_line.run(argv)


def register() -> None:
    _registered.append(bpy.utils.register_cli_command(NAME, main))


def unregister() -> None:
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
