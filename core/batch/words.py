# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of batches, with and without Blender, have in common: their options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import replace

from ..setting_text import setting_of
from ..windows import parse_rate
from .fields import BUILT_IN
from .manifest import Row, chosen_rows, folder_rows, read_manifest
from .order import Order, read_order


def add_words(parser: argparse.ArgumentParser, formats: Iterable[str]) -> None:
    """Add the options that ``rows_of`` and ``order_of`` read, and those of every batch."""
    add = parser.add_argument
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--manifest", metavar="FILE", help="JSON lines, one row a line")
    rows.add_argument("--folder", metavar="DIR", help="every sound file of a folder is a row")
    add("--rows", default="", metavar="0-9,12", help="some of the rows, counted from 0")
    add("--out", required=True, metavar="DIR", help="output folder; made when it is not there")
    add("--order", metavar="FILE", help="what all rows have in common, as the panel saves it")
    add("--model", default="", metavar="DIR", help="model folder, before the order's")
    add("--identity", default="", metavar="NAME", help="person of the model, before the order's")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable")
    add("--fps", metavar="N", help="frames per second, before the order's (60 without)")
    add("--format", nargs="+", action="extend", default=[], metavar="NAME",
        help=f"what is written, before the order's: {', '.join(formats)}")  # fmt: skip
    add("--device", default="auto", metavar="NAME", help="processor of the network: auto, cpu, ...")
    add("--accept-licence", action="store_true", help="accept the terms of the models used")
    add("--redo", action="store_true", help="make rows again that are up to date")
    add("--no-fail", action="store_true", help="exit with 0 also when rows failed")
    # Standard input is the life line: the batch stops in good order when it is closed
    add("--life-line", action="store_true", help=argparse.SUPPRESS)


def rows_of(options: argparse.Namespace) -> tuple[Row, ...]:
    """The rows that are named. Raises UserError."""
    rows = read_manifest(options.manifest) if options.manifest else folder_rows(options.folder)
    return chosen_rows(rows, options.rows)


def order_of(options: argparse.Namespace) -> Order:
    """The order with what the command line puts before it. Raises UserError."""
    order = read_order(options.order) if options.order else Order()
    settings = {**order.settings, **dict(setting_of(text) for text in options.set)}
    if options.identity:
        settings["identity"] = options.identity
    model = options.model if options.model in ("", BUILT_IN) else os.path.abspath(options.model)
    order = replace(
        order,
        model=model or order.model,
        settings=settings,
        fps=parse_rate(options.fps) if options.fps else order.fps,
        formats=tuple(dict.fromkeys(options.format)) or order.formats,
    )
    order.to_mapping()  # checks the values
    return order
