# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommand ``cache``: meshes with all their frames as a file for other programs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.exchange.caches import FORMATS
from ..scene.caches import CacheOrder, offered
from ..scene.rates import parse_rate
from ..scene.spans import span_of
from .asking import wait_for
from .caches import export_steps, warnings_for
from .command_tools import PrintedProgress, check_open_file, find_object, say

KINDS = {spec.endings[0]: kind for kind, spec in FORMATS.items() if kind != "USD_MAYA"}


def add_cache(commands: Any, usage: str) -> None:
    """Add the subcommand to the others."""
    parser = commands.add_parser(
        "cache", prog=f"{usage} cache", help="write meshes with all their frames"
    )
    parser.set_defaults(subcommand=_cache)
    add = parser.add_argument
    add("--out", metavar="PATH", required=True, help=f"file to write: {' '.join(KINDS)}")
    add("--mesh", action="extend", nargs="+", default=[], metavar="NAME",
        help="meshes by name, with * and ?; all that are shown without")  # fmt: skip
    add("--start", type=int, metavar="N", help="first frame; the scene's without")
    add("--end", type=int, metavar="N", help="last frame; the scene's without")
    add("--fps", metavar="N", help="frames per second of the file; the scene's without")
    add("--y-up", action="store_true", help="a .usdc that is Y up and in centimetres")
    add("--world", action="store_true", help="points in the world, not in each mesh's own space")
    add("--evaluated", action="store_true",
        help="keep modifiers that change the number of vertices")  # fmt: skip
    add("--neutral", action="store_true", help="write each mesh at rest as .obj as well")
    add("--channel", default="*Shape", metavar="NAME",
        help="channel of a Maya cache; * is the object's name")  # fmt: skip
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--quiet", action="store_true", help="print notices and errors only")


def _cache(options: argparse.Namespace) -> None:
    if options.file:
        check_open_file(options.file)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    path = Path(os.path.abspath(options.out))
    first = scene.frame_start if options.start is None else options.start
    last = scene.frame_end if options.end is None else options.end
    rate = None if options.fps is None else parse_rate(options.fps)
    objects = _meshes(options.mesh)
    order = CacheOrder(
        scene,
        layer,
        objects,
        span_of(scene, first, last, rate),
        path.with_suffix(""),
        _kind(path, options.y_up),
        world=options.world,
        leave_out=not options.evaluated,
        neutral=options.neutral,
        channel=options.channel,
    )
    steps = export_steps(order, False, warnings_for(objects, order.kind, order.world))
    written = wait_for(steps, None if options.quiet else PrintedProgress())
    for notice in written.notices:
        say(f"Note: {notice}")
    if not options.quiet:
        say(f"Done: {written.sentence}.")


def _kind(path: Path, y_up: bool) -> str:
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UserError(
            f"{path.name} cannot be written: its ending is none of {', '.join(KINDS)}.",
            "Choose another file name.",
        )
    if y_up and kind != "USD":
        raise UserError("--y-up is for .usdc only.", "Maya's caches are Y up, the others Z up.")
    return "USD_MAYA" if y_up else kind


def _meshes(names: list[str]) -> tuple[bpy.types.Object, ...]:
    """The meshes that are named, each once. Raises UserError for a name that none has."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    if not names:
        found = offered(scene, layer, "VISIBLE")
    else:
        found = []
        for name in names:
            is_pattern = "*" in name or "?" in name
            some = offered(scene, layer, "NAME", name) if is_pattern else [_mesh(name)]
            if not some:
                raise UserError(f"No mesh is named like '{name}'.", "Check --mesh.")
            found += some
    if not found:
        raise UserError("No mesh is shown.", "Name it by --mesh.")
    return tuple(dict.fromkeys(found))


def _mesh(name: str) -> bpy.types.Object:
    obj = find_object(name, ("MESH",))
    if obj.type != "MESH":
        raise UserError(f"'{name}' is no mesh.", "Choose a mesh.")
    return obj
