# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommands ``export`` and ``import``: a face's weights as files, and files as takes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.exchange.gains import NO_GAINS, read_gains
from ..core.exchange.weights import CSV, KINDS, WeightOptions
from ..core.take_label import NEW, NLA, REPLACE
from ..scene.rates import parse_rate
from ..scene.spans import span_of
from .command_tools import PrintedProgress, check_open_file, find_object, full_path, say

# By the end of a file's name, the longest first; other .json and .usd are weights
_ENDINGS = {kind.ending: name for name, kind in KINDS.items()}
_PLAIN = {".json": "json", ".usd": "usd", ".usda": "usd", ".csv": CSV}
FULL = (".glb", ".fbx", ".usdc")
BAKES = {"new": NEW, "nla": NLA, "replace": REPLACE}


def add_weights(commands: Any, usage: str) -> None:
    """Add the subcommands to the others."""
    _add_export(commands, usage)
    _add_import(commands, usage)


def _add_export(commands: Any, usage: str) -> None:
    parser = commands.add_parser(
        "export", prog=f"{usage} export", help="write the weights of a face as files"
    )
    parser.set_defaults(subcommand=_export)
    add = parser.add_argument
    add("--object", metavar="NAME", help="mesh of the face; the scene's first character without")
    add("--out", action="extend", nargs="+", required=True, metavar="PATH",
        help=".json .usd .usda .csv .glb .fbx .usdc; repeatable. Names that end in "
        + ", ".join(_ENDINGS) + " say the kind, too")  # fmt: skip
    add("--kind", choices=tuple(KINDS), help="kind of every weights file, whatever its name")
    add("--source", choices=("scene", "take"), default="scene",
        help="what the scene shows, or the take as it was made")  # fmt: skip
    add("--fps", metavar="N", help="frames per second; the scene's without")
    add("--start", type=int, metavar="N", help="first frame; the scene's without")
    add("--end", type=int, metavar="N", help="last frame; the scene's without")
    add("--gains", metavar="FILE.json", help="multipliers and offsets per channel")
    add("--mapping", default="", metavar="FILE.json", help="way to MetaHuman's curves; the one "
        "that comes with Facewright, which is approximate, without")  # fmt: skip
    add("--no-tongue", action="store_true", help="leave the 16 poses of the tongue out")
    add("--no-joints", action="store_true", help="leave joints out of USD")
    add("--extra-keys", action="store_true", help="write shape keys that mean no pose, too")
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--quiet", action="store_true", help="print notices and errors only")


def _add_import(commands: Any, usage: str) -> None:
    parser = commands.add_parser(
        "import", prog=f"{usage} import", help="read a file of weights onto a face as a take"
    )
    parser.set_defaults(subcommand=_import)
    add = parser.add_argument
    add("path", metavar="PATH", help="weights .json, .usd with a SkelAnimation, or Live Link .csv")
    add("--object", metavar="NAME", help="mesh of the face; the scene's first character without")
    add("--start-frame", type=float, metavar="N", help="frame where it begins; the scene's first "
        "without")  # fmt: skip
    add("--fps", metavar="N", help="frames per second of a .csv; by its time codes without")
    add("--bake", choices=tuple(BAKES), default="new", help="what becomes of the take before: kept "
        "beside the new one (new), kept under a strip (nla), deleted (replace)")  # fmt: skip
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--out", action="extend", nargs="+", default=[], metavar="PATH",
        help=".blend .usdc .usd .fbx .glb; repeatable")  # fmt: skip
    add("--quiet", action="store_true", help="print notices and errors only")


def _export(options: argparse.Namespace) -> None:
    from .asking import wait_for
    from .exports import ExportOrder
    from .weights_face import target_of
    from .weights_run import Order, export_steps

    if options.file:
        check_open_file(options.file)
    scene = bpy.context.scene
    target = target_of(scene, _object(options), driven=True)
    first = scene.frame_start if options.start is None else options.start
    last = scene.frame_end if options.end is None else options.end
    rate = None if options.fps is None else parse_rate(options.fps)
    gains = read_gains(os.path.abspath(options.gains)) if options.gains else NO_GAINS
    order = Order(
        target,
        ExportOrder(Path.cwd(), target.name, span_of(scene, first, last, rate)),
        options=WeightOptions(
            gains=gains, tongue=not options.no_tongue, joints=not options.no_joints
        ),
        mapping=full_path(options.mapping),
        from_take=options.source == "take",
        extra=options.extra_keys,
        files=tuple(_file(text, options.kind) for text in options.out),
    )
    progress = None if options.quiet else PrintedProgress()
    _say(wait_for(export_steps(scene, order), progress), options.quiet)


def _import(options: argparse.Namespace) -> None:
    from ..scene.exports import check_outputs, save
    from .asking import wait_for
    from .weights_face import target_of
    from .weights_run import import_steps, saved_content

    if options.file:
        check_open_file(options.file)
    outputs = check_outputs(options.out)
    if any(path.suffix.lower() == ".json" for path in outputs):
        raise UserError("import does not write .json.", "Use the subcommand export.")
    scene = bpy.context.scene
    target = target_of(scene, _object(options))
    rate = None if options.fps is None else parse_rate(options.fps)
    path = Path(os.path.abspath(options.path))
    steps = import_steps(scene, target, path, options.start_frame, rate, BAKES[options.bake])
    outcome = wait_for(steps, None if options.quiet else PrintedProgress())
    for output in outputs:
        for notice in save(output, saved_content(scene, target)):
            say(f"Note: {notice}")
    _say(outcome, options.quiet)


def _say(outcome: Any, quiet: bool) -> None:
    for notice in outcome.notices:
        say(f"Note: {notice}")
    if not quiet:
        say(f"Done: {outcome.sentence}.")


def _object(options: argparse.Namespace) -> bpy.types.Object | None:
    return find_object(options.object, ("MESH",)) if options.object else None


def _file(text: str, kind: str | None) -> tuple[str, Path]:
    """What is written to a path: a kind of weights, or an ending of ``FULL``. Raises UserError."""
    path = Path(bpy.path.abspath(text)).absolute()
    suffix = path.suffix.lower()
    if suffix in FULL:
        return suffix, path
    if kind:
        return kind, path
    by_end = next((name for end, name in _ENDINGS.items() if path.name.endswith(end)), None)
    found = by_end or _PLAIN.get(suffix)
    if found is None:
        known = ", ".join((*_PLAIN, *FULL))
        raise UserError(
            f"{path.name} cannot be written: its ending is none of {known}.",
            "Choose another file name.",
        )
    return found, path
