# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of tools/dev.py."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Callable, Dict, List

from . import bench, demo, envs, extension, linting, node, testing
from .console import Failure, say
from .places import DIST, ROOT


def main(arguments: List[str]) -> int:
    if sys.version_info < (3, 8):
        print("tools/dev.py needs Python 3.8 or newer.")
        return 2
    parser = _parser()
    chosen, others = parser.parse_known_args(arguments)
    if chosen.command == "train":
        chosen.words = others
    elif others:
        parser.error("unknown: " + " ".join(others))
    began = time.monotonic()
    try:
        code = COMMANDS[chosen.command](chosen)
    except Failure as failure:
        say(f"\n{failure}")
        if failure.hint:
            say(failure.hint)
        code = 1
    except KeyboardInterrupt:
        say("\nstopped")
        code = 130
    if chosen.command != "run":
        say(f"{chosen.command}: {time.monotonic() - began:.1f} s, exit code {code}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/dev.py", description="Facewright's own tools.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    adding = commands.add_parser("demo", help="animate a face in a fresh Blender, as a user would")
    adding.add_argument("--audio", help="sound file; else the sample that comes with the project")
    adding.add_argument("--blend", help="your own .blend file; needs --object")
    adding.add_argument("--object", help="the object in it that has the face")
    adding.add_argument("--emotion", action="store_true", help="read emotion from the voice too")
    adding.add_argument("--out", help="folder for what is made (out/demo)")
    adding.add_argument("--blender", choices=[b.version for b in envs.BLENDERS])

    adding = commands.add_parser("test", help="all tests on every Blender that can be set up")
    adding.add_argument("--only", action="append", choices=testing.KINDS)
    adding.add_argument("--blender", action="append", choices=[b.version for b in envs.BLENDERS])
    adding.add_argument("-k", metavar="WORDS", help="only tests that match, as pytest's -k")

    adding = commands.add_parser("build", help="the zips that users install")
    adding.add_argument("--current", action="store_true", help="for this machine only")

    adding = commands.add_parser("bench", help="figures: times, memory, ratios")
    adding.add_argument("name", nargs="?", help="a file of benchmarks/; all of them without it")
    adding.add_argument("--json", metavar="FILE", help="write the figures as one flat JSON object")

    commands.add_parser(
        "train", help="train the built-in network; all words go to training/", add_help=False
    )

    adding = commands.add_parser("gui", help="tests in a real window, in Debian's Blender")
    adding.add_argument("-k", metavar="WORDS", help="only scripts whose name holds this")

    commands.add_parser("lint", help="linter and type checker")

    commands.add_parser("manual", help="write docs/manual.md from the properties themselves")

    adding = commands.add_parser(
        "run", help="run an environment's Python, e.g. run bpy45 -m pytest"
    )
    adding.add_argument("env", choices=sorted(envs.RECIPES))
    adding.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _demo(chosen: argparse.Namespace) -> int:
    return demo.demo(
        chosen.blender, chosen.audio, chosen.blend, chosen.object, chosen.out, chosen.emotion
    )


def _test(chosen: argparse.Namespace) -> int:
    kinds = chosen.only or testing.KINDS
    return testing.test(testing.Choice(kinds, chosen.blender or (), chosen.k or ""))


def _build(chosen: argparse.Namespace) -> int:
    platforms = [extension.this_platform()] if chosen.current else extension.PLATFORMS
    extension.build(platforms, envs.best_blender().env)
    return 0


def _bench(chosen: argparse.Namespace) -> int:
    return bench.bench(chosen.name, chosen.json)


def _train(chosen: argparse.Namespace) -> int:
    extension.build_head()
    python = envs.ensure("training")
    command = [str(python), str(ROOT / "training"), *chosen.words]
    return subprocess.call(command, env=envs.clean_environ(), cwd=str(ROOT))


def _gui(chosen: argparse.Namespace) -> int:
    return testing.test(testing.Choice(("gui",), (), chosen.k or ""))


def _lint(_chosen: argparse.Namespace) -> int:
    return linting.lint()


def _manual(_chosen: argparse.Namespace) -> int:
    """The test that compares the manual with the properties writes it instead."""
    os.environ["FACEWRIGHT_WRITE_MANUAL"] = "1"
    newest = envs.BLENDERS[-1].version
    return testing.test(testing.Choice(("blender",), (newest,), "manual"))


def _run(chosen: argparse.Namespace) -> int:
    """A developer's shortcut: any program in an environment, with pytest at hand."""
    python = envs.ensure(chosen.env)
    extra = {**envs.farm_variables(chosen.env), **node.variables_if_ready()}
    if chosen.env != "lint":
        extra["PYTHONPATH"] = str(envs.ensure_test_tools(envs.RECIPES[chosen.env].python))
    archives = sorted(DIST.glob(f"*{extension.this_platform().replace('-', '_')}.zip"))
    if archives:
        extra["FACEWRIGHT_ZIP"] = str(archives[-1])
    environ = envs.clean_environ(**extra)
    return subprocess.call([str(python), *chosen.words], env=environ, cwd=str(ROOT))


COMMANDS: Dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "test": _test,
    "build": _build,
    "bench": _bench,
    "train": _train,
    "gui": _gui,
    "lint": _lint,
    "manual": _manual,
    "run": _run,
}
