# SPDX-License-Identifier: GPL-3.0-or-later
"""Wraps several meshes on one driver, whatever deforms them already; all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from .deformers import deformers_of, switch_off, take_away
from .retarget_meshes import to_local
from .wrap_binding import known_counts, nearest
from .wrap_modifier import WrapOptions, add_wrap, driver_of, wraps_of
from .wrap_nodes import BETWEEN

# What becomes of a mesh that is deformed from upstream already
LEAVE = "LEAVE"  # nothing changes
REPLACE = "REPLACE"  # what deformed it is deleted
ADD = "ADD"  # what deformed it is kept, switched off


@dataclass(frozen=True)
class Outcome:
    """Names of the meshes that were wrapped, and sentences that the user should know."""

    wrapped: tuple[str, ...]
    notices: tuple[str, ...]


def check(driver: Any, driven: Sequence[Any]) -> None:
    """Raise UserError for meshes that cannot be wrapped."""
    if not len(driver.data.polygons):
        raise UserError(f"'{driver.name}' has no faces.", "Choose a driver with a surface.")
    if driver.mode == "EDIT":
        raise UserError(f"'{driver.name}' is being edited.", "Leave its edit mode first.")
    for obj in (driver, *driven):
        to_local(obj, np.zeros(3))  # or says that it cannot
    for obj in driven:
        if obj == driver:
            raise UserError(f"'{obj.name}' cannot follow itself.", "Choose another driver.")
        if obj.library is not None or obj.data.library is not None:
            raise UserError(f"'{obj.name}' is linked from another file.", "Make it local first.")
        if not len(obj.data.vertices):
            raise UserError(f"'{obj.name}' has no vertices.", "Take it off the list.")
        if obj.mode == "EDIT":
            raise UserError(f"'{obj.name}' is being edited.", "Leave its edit mode first.")
        if obj in followed(driver):
            raise UserError(
                f"'{driver.name}' follows '{obj.name}' already.", "Remove that wrap first."
            )


def followed(obj: Any) -> set[Any]:
    """All meshes that a mesh follows by wraps, directly or not."""
    found: set[Any] = set()
    waiting = [obj]
    while waiting:
        for wrap in wraps_of(waiting.pop()):
            driver = driver_of(wrap)
            if driver is not None and driver not in found:
                found.add(driver)
                waiting.append(driver)
    return found


def wrap_meshes(
    driver: Any, driven: Sequence[Any], options: WrapOptions, ways: Mapping[str, str]
) -> Outcome:
    """Let meshes follow a driver. ``ways`` says by name what becomes of those that are deformed
    already; the others of them are left. Raises UserError before anything has changed."""
    check(driver, driven)
    left = [obj for obj in driven if deformers_of(obj) and ways.get(obj.name, LEAVE) == LEAVE]
    chosen = [obj for obj in driven if obj not in left]
    feet = [nearest(obj, driver) for obj in chosen]
    for obj, on_driver in zip(chosen, feet, strict=True):
        old = deformers_of(obj)
        if ways.get(obj.name) == REPLACE:
            take_away(old)
        else:
            switch_off(old)
        add_wrap(obj, driver, on_driver[0], options, distances=on_driver[1])
    notices = [f"'{obj.name}' is deformed already and was left as it is." for obj in left]
    notices += _notices(driver, chosen)
    return Outcome(tuple(obj.name for obj in chosen), tuple(notices))


def _notices(driver: Any, driven: Sequence[Any]) -> Iterator[str]:
    for obj in driven:
        if obj.data.shape_keys:
            yield f"'{obj.name}' has shape keys: its basis follows the driver."
    evaluated = driver.evaluated_get(bpy.context.evaluated_depsgraph_get())
    count = len(evaluated.data.vertices)
    if driven and f"{BETWEEN}{count}{BETWEEN}" not in known_counts(driver):
        yield (
            f"The modifiers of '{driver.name}' change its vertices: nothing follows it until those "
            "that are no subdivision are switched off."
        )
