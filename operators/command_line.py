# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: its subcommands, and exit codes 0 to 4.

Blender itself goes on with its start-up scene when FILE is missing; ``--file`` notices that.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import Cancelled, UserError
from ..core.parameters import EMOTION_NAMES
from ..core.setting_text import number_of, setting_of
from ..core.take_label import BOTH, SHAPE_KEYS, VERTICES
from ..properties.character import HEAD_TYPES
from ..properties.library import BUILT_IN_EMOTION
from ..scene.places import SAMPLE_VOICE
from ..scene.sounds import VoiceSource
from .animate import animate_object
from .command_batch import add_batch
from .command_caches import add_cache
from .command_conversion import add_convert
from .command_tools import PrintedProgress, check_open_file, find_object, full_path, say
from .command_transfer import add_transfer
from .command_weights import add_weights
from .faults import report_fault, sentence

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource

DONE, USER_ERROR, WRONG_USAGE, FAULT = 0, 1, 2, 4
_OUTPUTS = {"shape-keys": SHAPE_KEYS, "vertices": VERTICES, "both": BOTH}
_USAGE = "blender --background FILE --command facewright"


def run(argv: Sequence[str]) -> int:
    """Run a subcommand; returns the exit code and raises nothing."""
    try:
        options = _parser().parse_args(list(argv))
    except SystemExit as end:  # argparse has said what is wrong, or printed its help
        return DONE if end.code in (None, 0) else WRONG_USAGE
    subcommand: Callable[[argparse.Namespace], int | None] = options.subcommand
    try:
        return subcommand(options) or DONE
    except UserError as error:
        return _fail(sentence(error), USER_ERROR)
    except (Cancelled, KeyboardInterrupt) as error:
        return _fail(str(error) or "Cancelled.", USER_ERROR)
    except Exception as error:
        return _fail(report_fault(error), FAULT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_USAGE,
        description="Turns a voice into facial animation.",
        epilog="Exit codes: 0 done, 1 something about the input is wrong, 2 wrong usage, "
        "3 rows of a batch failed, 4 a fault of Facewright's (the message names a report file).",
    )
    commands = parser.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    _add_animate(commands)
    add_batch(commands, _USAGE)
    add_transfer(commands, _USAGE)
    add_weights(commands, _USAGE)
    add_cache(commands, _USAGE)
    add_convert(commands, _USAGE)
    models = commands.add_parser(
        "models", prog=f"{_USAGE} models", help="list the models, or describe one"
    )
    models.set_defaults(subcommand=_models)
    models.add_argument("model", nargs="?", metavar="DIR", help="folder to describe")
    devices = commands.add_parser(
        "devices", prog=f"{_USAGE} devices", help="list the processors that networks can run on"
    )
    devices.set_defaults(subcommand=_devices)
    return parser


def _add_animate(commands: Any) -> None:
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
    add("--identity", default="", metavar="NAME", help="person of the model; its first without")
    add("--accept-licence", action="store_true", help="accept the terms of the models used")
    add("--emotion-keys", metavar="FILE.json", help="emotion over time")
    add("--auto-emotion", nargs="?", const=str(BUILT_IN_EMOTION), default="", metavar="DIR",
        help="read emotion from the voice, with this Audio2Emotion folder or the built-in "
        "model")  # fmt: skip
    add("--auto-emotion-mode", choices=("keys", "frames"), default="keys",
        help="judge longer parts of the voice, or every frame")  # fmt: skip
    add("--emotion-override", action="append", default=[], metavar="NAME=VALUE",
        help="an emotion that is mixed in, 0 to 1; repeatable")  # fmt: skip
    add("--pose-table", metavar="FILE.json", help="poses of the solver: use, pairs, multipliers")
    add("--fps", metavar="N", help="frames per second of the keys; the scene's without")
    add("--start-frame", type=float, metavar="N", help="frame at which the voice begins")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable")
    add("--head-target", metavar="NAME", help="object or armature that head motion turns, with "
        "--set head_motion=true; the template head turns itself without")  # fmt: skip
    add("--head-bone", default="", metavar="NAME", help="head bone of that armature")
    add("--device", default="", metavar="NAME", help="processor of the network: auto (default) "
        "or a name that the subcommand devices lists")  # fmt: skip
    add("--threads", type=int, default=0, metavar="N", help="processor threads; 0 chooses")
    add("--output", choices=tuple(_OUTPUTS), default="shape-keys",
        help="what the face moves by; vertices are the network's full geometry")  # fmt: skip
    add("--no-sound", action="store_true", help="leave the sequencer alone")
    add("--out", action="extend", nargs="+", default=[], metavar="PATH",
        help=".blend .usdc .usd .fbx .glb .json; repeatable")  # fmt: skip
    add("--quiet", action="store_true", help="print notices and errors only")


def _animate(options: argparse.Namespace) -> None:
    if options.file:
        check_open_file(options.file)
    obj = find_object(options.object, ("MESH",))
    head = find_object(options.head_target, HEAD_TYPES) if options.head_target else None
    if options.channel < 0 or options.threads < 0:
        raise UserError("Channel and threads cannot be negative.")
    result = animate_object(
        bpy.context,
        obj,
        _source(options),
        fps=options.fps,
        start_frame=options.start_frame,
        settings=dict(setting_of(text) for text in options.set),
        model=full_path(options.model),
        identity=options.identity,
        emotion=_emotion(options),
        rigs=_pose_table(options.pose_table),
        device=options.device,
        threads=options.threads,
        place_sound=not options.no_sound,
        head_target=head,
        head_bone=options.head_bone,
        accept_licence=options.accept_licence,
        output=_OUTPUTS[options.output],
        outputs=options.out,
        progress=None if options.quiet else PrintedProgress(),
    )
    for notice in (*result.notices, *result.remarks):
        say(f"Note: {notice}")
    if not options.quiet:
        if result.network_sentence:
            say(f"{result.network_sentence}.")
        say(f"Done: {result.sentence}.")


def _models(options: argparse.Namespace) -> None:
    from . import command_lists

    lines = command_lists.description(options.model) if options.model else command_lists.models()
    for line in lines:
        say(line)


def _devices(_options: argparse.Namespace) -> None:
    from . import command_lists

    for line in command_lists.devices():
        say(line)


def _emotion(options: argparse.Namespace) -> EmotionSource | None:
    """Where emotion comes from; None leaves it to the parameters."""
    overrides = dict(_override(text) for text in options.emotion_override)
    if not (options.emotion_keys or options.auto_emotion or overrides):
        return None
    if options.emotion_keys and options.auto_emotion:
        raise UserError("--emotion-keys and --auto-emotion exclude each other.", "Choose one.")
    from ..core.emotion.source import EmotionSource
    from ..core.exchange.emotion_json import read_emotion_keys

    keys = None
    if options.emotion_keys:
        keys = read_emotion_keys(os.path.abspath(options.emotion_keys))
    return EmotionSource(
        keys=keys,
        model=full_path(options.auto_emotion),
        mode=options.auto_emotion_mode if options.auto_emotion else "off",
        overrides=overrides,
    )


def _override(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals or name.strip() not in EMOTION_NAMES:
        raise UserError(
            f"--emotion-override {text} names no emotion.",
            f"Write it as NAME=VALUE; there are {', '.join(EMOTION_NAMES)}.",
        )
    strength = number_of(value, f"--emotion-override {text}")
    if not 0.0 <= strength <= 1.0:
        raise UserError(f"--emotion-override {text} has to be between 0 and 1.")
    return name.strip(), strength


def _pose_table(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    from ..core.safe_files import read_json
    from ..core.solve.pose_table import RigOverrides

    source = Path(path).absolute()
    try:
        return RigOverrides.from_mapping(read_json(source)).to_mapping()
    except UserError as error:
        if str(source) in error.message:
            raise
        raise UserError(f"{source}: {error.message}", error.hint) from error


def _source(options: argparse.Namespace) -> VoiceSource:
    channel = options.channel - 1 if options.channel > 0 else None
    if options.sound is not None:
        return VoiceSource("SOUND", options.sound, channel)
    if options.strip is not None:
        return VoiceSource("STRIP", options.strip, channel)
    path = str(SAMPLE_VOICE) if options.sample else os.path.abspath(options.audio)
    return VoiceSource("FILE", path, channel)


def _fail(text: str, code: int) -> int:
    with suppress(OSError):
        sys.stderr.write(f"Error: {text}\n")
        sys.stderr.flush()
    return code
