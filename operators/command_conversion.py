# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommand ``convert``: an animated mesh becomes weights of another mesh's shape keys."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..core.errors import UserError
from .command_tools import PrintedProgress, check_open_file, find_object, json_outputs, say

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack
    from .conversion_steps import Order, Solved

MESH = ("MESH",)
NEUTRALS = ("auto", "rest", "shapes")
STRENGTHS = {
    "regularization": "regularisation",
    "temporal": "temporal",
    "sparsity": "sparsity",
    "symmetry": "symmetry",
}


def add_convert(commands: Any, usage: str) -> None:
    """Add the subcommand to the others."""
    parser = commands.add_parser(
        "convert",
        prog=f"{usage} convert",
        help="turn an animated mesh into weights of another mesh's shape keys",
    )
    parser.set_defaults(subcommand=_convert)
    add = parser.add_argument
    add("--source", metavar="NAME", required=True, help="the mesh that moves")
    add("--target", metavar="NAME", required=True, help="the mesh with shape keys")
    add("--preset", metavar="FILE.json", help="strengths and pose table; the defaults without")
    add("--neutral", metavar="WHICH", default="auto", help="the input's resting face: auto, rest "
        "(its own), shapes (the blend shape mesh's), or the number of a frame")  # fmt: skip
    for name in STRENGTHS:
        add(f"--{name}", type=float, metavar="X", help=f"{name} of the solve, 0 to 1000")
    add("--smoothing", choices=("two_sided", "causal", "sdk"), help="which frames smooth a frame")
    add("--start", type=int, metavar="N", help="first frame of the scene; its own without")
    add("--end", type=int, metavar="N", help="last frame of the scene; its own without")
    add("--fps", metavar="N", help="frames per second of the keys; the scene's without")
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--save-preset", metavar="FILE.json", help="save strengths and pose table as used")
    add("--out", action="extend", nargs="+", default=[], metavar="PATH",
        help=".blend .usdc .usd .fbx .json; repeatable")  # fmt: skip
    add("--quiet", action="store_true", help="print notices and errors only")


def _convert(options: argparse.Namespace) -> None:
    from ..scene.exports import check_outputs
    from .asking import wait_for
    from .conversion_files import load_preset, save_preset
    from .conversion_steps import order_of, solve_steps, written_steps

    if options.file:
        check_open_file(options.file)
    outputs = check_outputs(options.out)
    kept = json_outputs(options.save_preset, "--save-preset")
    scene: Any = bpy.context.scene
    source, target = find_object(options.source, MESH), find_object(options.target, MESH)
    span = _span(scene, options)
    conversion = scene.facewright.add_conversion(target.name)
    try:
        conversion.source, conversion.target = source, target
        if options.preset:
            for notice in load_preset(conversion, Path(os.path.abspath(options.preset))):
                say(f"Note: {notice}")
        for name, value in _settings(options):
            setattr(conversion, name, value)
        order = order_of(scene, conversion, span)
        progress = None if options.quiet else PrintedProgress()
        solved = wait_for(solve_steps(order), progress)
        told = wait_for(written_steps(order, solved), progress)
        for path in kept:
            save_preset(conversion, path)
    except BaseException:
        scene.facewright.remove_conversion(conversion)
        raise
    for notice in told.notices:
        say(f"Note: {notice}")
    for notice in _saved(outputs, order, solved):
        say(f"Note: {notice}")
    say(f"Done: {told.sentence}.")


def _span(scene: Any, options: argparse.Namespace) -> Any:
    from ..scene.rates import parse_rate
    from ..scene.spans import span_of

    first = scene.frame_start if options.start is None else options.start
    last = scene.frame_end if options.end is None else options.end
    return span_of(scene, first, last, parse_rate(options.fps) if options.fps else None)


def _settings(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """What was given besides the preset. Raises UserError."""
    from ..properties.conversion import STRONGEST

    for word, name in STRENGTHS.items():
        value = getattr(options, word)
        if value is None:
            continue
        if not 0 <= value <= STRONGEST:
            raise UserError(f"--{word} {value:g} has to be between 0 and {STRONGEST:g}.")
        yield name, value
    if options.smoothing:
        yield "smoothing", options.smoothing
    if options.neutral in NEUTRALS:
        yield "neutral", options.neutral.upper()
        return
    try:
        yield "neutral_frame", int(options.neutral)
    except ValueError:
        raise UserError(
            f"--neutral {options.neutral} is no neutral.",
            f"Give {', '.join(NEUTRALS)} or the number of a frame.",
        ) from None
    yield "neutral", "FRAME"


def _saved(outputs: tuple[Path, ...], order: Order, solved: Solved) -> Iterator[str]:
    """Save to all outputs; notices."""
    from ..scene.exports import Exported, save

    scene, frames = order.scene.get(), order.span.frames
    content = Exported(
        scene,
        (order.target.get(),),
        int(np.floor(frames[0])),
        int(np.ceil(frames[-1])),
        _face(order, solved),
    )
    for path in outputs:
        yield from save(path, content)


def _face(order: Order, solved: Solved) -> FaceTrack:
    """The weights as a face whose jaw and eyes rest."""
    from ..core.face.track import FaceTrack

    count = len(solved.weights)
    return FaceTrack(
        names=solved.names,
        weights=np.asarray(solved.weights, np.float32),
        jaw=np.tile(np.eye(4, dtype=np.float32), (count, 1, 1)),
        eyes=np.zeros((count, 2, 2), np.float32),
        fps=order.span.rate,
        duration_s=float(count / order.span.rate),
    )
