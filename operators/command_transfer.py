# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommand ``transfer``: from a saved setup, or suggested pairs, to a head that speaks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from .command_tools import PrintedProgress, check_open_file, find_object, json_outputs, say

MESH = ("MESH",)
PARTS = ("lower-denture", "tongue", "eye-right", "eye-left")


def add_transfer(commands: Any, usage: str) -> None:
    """Add the subcommand to the others."""
    parser = commands.add_parser(
        "transfer", prog=f"{usage} transfer", help="bring a head without shapes to life"
    )
    parser.set_defaults(subcommand=_transfer)
    add = parser.add_argument
    add("--target", metavar="NAME", required=True, help="mesh of the head that is to speak")
    add("--setup", metavar="FILE.json", help="saved pairs and settings; suggested without")
    add("--driver", metavar="NAME", help="driver mesh with shape keys; the male template without")
    add("--open-mouth", metavar="NAME", help="the driver with its mouth open")
    for part in PARTS:
        add(f"--{part}", metavar="NAME", help=f"the target's {part.replace('-', ' ')}")
    add("--follow", action="extend", nargs="+", default=[], metavar="NAME",
        help="meshes that follow the target's skin, such as brows and lashes")  # fmt: skip
    add("--iterations", type=int, metavar="N", help="fitting iterations, 1 to 10")
    add("--stiffness", type=float, metavar="X", help="fitting stiffness, 1 to 10000")
    add("--smooth-level", type=int, metavar="N", help="smoothing of the wrap, 0 to 10")
    add("--wrap", action="store_true", help="make the live chain that follows the driver")
    add("--no-shapes", action="store_true", help="generate no blend shapes")
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")
    add("--save-setup", metavar="FILE.json", help="save the pairs that were used")
    add("--out", action="extend", nargs="+", default=[], metavar="PATH",
        help=".blend .usdc .usd .fbx; repeatable")  # fmt: skip
    add("--quiet", action="store_true", help="print notices and errors only")


def _transfer(options: argparse.Namespace) -> None:
    from ..scene.exports import check_outputs
    from .transfer_run import Order, run_transfer

    if options.file:
        check_open_file(options.file)
    outputs = check_outputs(options.out)
    if any(path.suffix.lower() == ".json" for path in outputs):
        raise UserError("A head is not saved as .json.", "Choose .blend, .usdc, .usd or .fbx.")
    kept = json_outputs(options.save_setup, "--save-setup")
    order = Order(
        target=find_object(options.target, MESH),
        driver=_mesh(options.driver),
        open_mouth=_mesh(options.open_mouth),
        parts={
            part.replace("-", "_"): find_object(name, MESH)
            for part in PARTS
            if (name := getattr(options, part.replace("-", "_")))
        },
        others=tuple(find_object(name, MESH) for name in options.follow),
        setup=Path(os.path.abspath(options.setup)) if options.setup else None,
        settings=dict(_settings(options)),
        wrap=options.wrap,
        shapes=not options.no_shapes,
    )
    if not (order.wrap or order.shapes):
        raise UserError("There is nothing to do.", "Leave --no-shapes out, or add --wrap.")
    progress = None if options.quiet else PrintedProgress()
    outcome = run_transfer(bpy.context.scene, order, progress)
    for notice in outcome.notices:
        say(f"Note: {notice}")
    for path in kept:
        outcome.save_setup(path)
    for path in outputs:
        for notice in outcome.save(path):
            say(f"Note: {notice}")
    if not options.quiet:
        say(f"Done: {outcome.sentence}.")


def _settings(options: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Those settings that were given. Raises UserError for one beyond its limits."""
    from ..properties.transfer import FACEWRIGHT_PG_transfer

    for name in ("iterations", "stiffness", "smooth_level"):
        value, prop = getattr(options, name), FACEWRIGHT_PG_transfer.bl_rna.properties[name]
        if value is None:
            continue
        least, most = prop.hard_min, prop.hard_max
        if not least <= value <= most:
            raise UserError(
                f"--{name.replace('_', '-')} {value:g} has to be between {least:g} and {most:g}."
            )
        yield name, value


def _mesh(name: str | None) -> bpy.types.Object | None:
    return find_object(name, MESH) if name else None
