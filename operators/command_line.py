# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``animate`` with explicit parameters, exit codes 0, 1, 2, 4.

Blender itself goes on with its start-up scene when FILE is missing; ``--file`` notices that.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import bpy

from ..core.errors import Cancelled, UserError
from ..core.parameters import PARAMETERS, Value
from ..scene.places import SAMPLE_VOICE
from ..scene.sounds import VoiceSource
from .animate import animate_object
from .faults import report_fault, sentence

DONE, USER_ERROR, WRONG_USAGE, FAULT = 0, 1, 2, 4
_USAGE = "blender --background FILE --command facewright"


def run(argv: Sequence[str]) -> int:
    """Run a subcommand; returns the exit code and raises nothing."""
    try:
        options = _parser().parse_args(list(argv))
    except SystemExit as end:  # argparse has said what is wrong, or printed its help
        return DONE if end.code in (None, 0) else WRONG_USAGE
    subcommand: Callable[[argparse.Namespace], None] = options.subcommand
    try:
        subcommand(options)
    except UserError as error:
        return _fail(sentence(error), USER_ERROR)
    except (Cancelled, KeyboardInterrupt) as error:
        return _fail(str(error) or "Cancelled.", USER_ERROR)
    except Exception as error:
        return _fail(report_fault(error), FAULT)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_USAGE,
        description="Turns a voice into facial animation.",
        epilog="Exit codes: 0 done, 1 something about the input is wrong, 2 wrong usage, "
        "4 a fault of Facewright's (the message names a report file).",
    )
    commands = parser.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    animate = commands.add_parser(
        "animate", prog=f"{_USAGE} animate", help="animate a face and save it"
    )
    animate.set_defaults(subcommand=_animate)
    add = animate.add_argument
    voice = animate.add_mutually_exclusive_group(required=True)
    voice.add_argument("--audio", metavar="PATH", help="sound file of the voice")
    voice.add_argument("--sound", metavar="NAME", help="sound of the .blend, packed or not")
    voice.add_argument("--strip", metavar="NAME", help="sound strip of the sequencer")
    voice.add_argument("--sample", action="store_true", help="the voice that comes with Facewright")
    add("--object", metavar="NAME", required=True, help="mesh of the face")
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--channel", type=int, default=0, metavar="N", help="channel of the voice; 0 mixes all")
    add("--model", default="", metavar="DIR", help="model folder; the built-in one without")
    add("--fps", metavar="N", help="frames per second of the keys; the scene's without")
    add("--start-frame", type=float, metavar="N", help="frame at which the voice begins")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable")
    add("--threads", type=int, default=0, metavar="N", help="processor threads; 0 chooses")
    add("--no-sound", action="store_true", help="leave the sequencer alone")
    add("--out", action="extend", nargs="+", default=[], metavar="PATH",
        help=".blend .usdc .usd .fbx .json; repeatable")  # fmt: skip
    add("--quiet", action="store_true", help="print notices and errors only")
    return parser


def _animate(options: argparse.Namespace) -> None:
    if options.file:
        _check_open_file(options.file)
    obj = bpy.data.objects.get(options.object)
    if obj is None:
        raise UserError(
            f"{_file_name()} has no object '{options.object}'.", f"It has: {_some_meshes()}."
        )
    if options.channel < 0 or options.threads < 0:
        raise UserError("Channel and threads cannot be negative.")
    result = animate_object(
        bpy.context,
        obj,
        _source(options),
        fps=options.fps,
        start_frame=options.start_frame,
        settings=dict(_setting(text) for text in options.set),
        model=options.model,
        threads=options.threads,
        place_sound=not options.no_sound,
        outputs=options.out,
        progress=None if options.quiet else _Progress(),
    )
    for notice in (*result.notices, *result.remarks):
        _say(f"Note: {notice}")
    if not options.quiet:
        _say(f"Done: {result.sentence}.")


def _source(options: argparse.Namespace) -> VoiceSource:
    channel = options.channel - 1 if options.channel > 0 else None
    if options.sound is not None:
        return VoiceSource("SOUND", options.sound, channel)
    if options.strip is not None:
        return VoiceSource("STRIP", options.strip, channel)
    path = str(SAMPLE_VOICE) if options.sample else os.path.abspath(options.audio)
    return VoiceSource("FILE", path, channel)


def _setting(text: str) -> tuple[str, Value]:
    name, equals, value = text.partition("=")
    parameter = PARAMETERS.get(name.strip())
    if not equals or parameter is None:
        raise UserError(
            f"--set {text} names no parameter.", "Write it as NAME=VALUE, such as blink_interval=0."
        )
    if parameter.kind == "text":
        return name.strip(), value
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UserError(f"--set {text} gives no number.") from None


def _check_open_file(wanted: str) -> None:
    path = os.path.realpath(wanted)
    if not os.path.isfile(path):
        raise UserError(f"The file {path} does not exist.", "Check its name.")
    if not bpy.data.filepath or not os.path.samefile(path, bpy.data.filepath):
        raise UserError(
            f"Blender has {_file_name()} open, not {path}.",
            "Name the .blend before --command as well, and see whether Blender could read it.",
        )


def _file_name() -> str:
    return bpy.data.filepath or "the start-up scene"


def _some_meshes() -> str:
    names = [obj.name for obj in bpy.data.objects if obj.type == "MESH"]
    more = ", ..." if len(names) > 8 else ""
    return ", ".join(names[:8]) + more or "no meshes"


class _Progress:
    """Prints a line when the stage changes or a tenth more is done."""

    def __init__(self) -> None:
        self._last: tuple[str, int] = ("", -1)

    def __call__(self, fraction: float, text: str) -> None:
        now = (text, int(fraction * 10))
        if now != self._last:
            self._last = now
            _say(f"{fraction:4.0%} {text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"Error: {text}\n")
    sys.stderr.flush()
    return code
