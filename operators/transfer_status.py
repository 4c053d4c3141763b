# SPDX-License-Identifier: GPL-3.0-or-later
"""What a character transfer still needs: the status line's next step, and why a button is grey."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.retarget.marks import FITTED
from ..core.retarget.names import JAW_OPEN
from ..core.retarget.pairs import FEW, FEWEST
from ..properties.transfer import PART_FIELDS
from ..scene.correspondences import changed_sides, hashes_of
from ..scene.joints import PART
from ..scene.retarget_meshes import loosely_equal
from .chosen import job_problem

ADD_FIRST = "Add a character transfer first"


def shown_transfer(context: bpy.types.Context) -> Any:
    """The transfer that panels show; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.transfer


def busy(context: bpy.types.Context) -> str:
    """Why no transfer can be worked on now; empty when one can."""
    return job_problem(context) or (ADD_FIRST if shown_transfer(context) is None else "")


def meshes_problem(transfer: Any) -> str:
    """What is missing or wrong with driver, target and OpenMouth mesh; empty when all is well."""
    for name, text in (
        ("driver", "Choose the driver mesh, or add the male template"),
        ("target", "Choose the target mesh: the head that is to speak"),
        ("open_mouth", "Choose the OpenMouth mesh: the driver with its mouth open"),
    ):
        if not is_there(getattr(transfer, name)):
            return text
    driver, target, opened = transfer.driver, transfer.target, transfer.open_mouth
    if target in (driver, opened):
        return "The target has to be another mesh than the driver"
    if FITTED in target:
        return "The target is a fitted mesh; choose the head itself"
    if driver == opened:
        return "The OpenMouth mesh has to be another mesh than the driver"
    if not loosely_equal(driver, opened):
        return "The OpenMouth mesh has another topology than the driver"
    if not len(target.data.polygons):
        return "The target has no faces"
    parts = [getattr(transfer, name) for name in PART_FIELDS]
    chosen = [each for each in (driver, target, opened, *parts) if each is not None]
    if len(set(chosen)) < len(chosen) or any(each.object in chosen for each in transfer.others):
        return "A mesh is chosen twice: each part of the target needs its own"
    if any(each.type == "MIRROR" and each.show_viewport for each in target.modifiers):
        return "Apply the target's Mirror modifier first: its mesh is only half a face"
    return ""


def is_there(obj: Any) -> bool:
    """Whether a field names an object that is in a scene: one that was deleted may be named yet."""
    return obj is not None and bool(obj.users_scene)


def pairs_problem(transfer: Any) -> str:
    """Why the pairs are not enough; empty when they are."""
    return "" if len(transfer.pairs) >= FEWEST else "Add pairs: at least 12 are needed"


def suggest_problem(transfer: Any) -> str:
    """Why pairs cannot be suggested; empty when they can."""
    problem = meshes_problem(transfer)
    if problem:
        return problem
    is_template = transfer.driver.get(PART) == "skin"
    return "" if is_template else "Only the male template's points are known: pick the pairs"


def fitting_problem(transfer: Any) -> str:
    """Why fitting cannot begin; empty when it can."""
    return meshes_problem(transfer) or pairs_problem(transfer)


def wrap_problem(transfer: Any) -> str:
    """Why the wrap cannot begin; empty when it can."""
    problem = meshes_problem(transfer)
    if problem:
        return problem
    if not is_there(transfer.fitted):
        return "Fit the mesh first, or choose a fitted mesh"
    if not loosely_equal(transfer.driver, transfer.fitted):
        return "The fitted mesh has another topology than the driver; fit again"
    keys = transfer.driver.data.shape_keys
    if keys is None or JAW_OPEN not in keys.key_blocks:
        return "The driver has no shape key 'jawOpen'; choose one with ARKit's names"
    return ""


def topology_problem(transfer: Any) -> str:
    """Whether a mesh was edited since its pairs were picked. Slow on large meshes: not for drawing.
    Empty when all is well."""
    for side in changed_sides(transfer, hashes_of(transfer)):
        name = getattr(transfer, side).name
        return f"The {side} '{name}' was edited since its pairs were picked"
    return ""


FIT_FEW = "Few pairs: more give a better result. Begin the mesh fitting"
FIT = "Begin the mesh fitting"
WRAP = "Begin the post wrap, or generate blend shapes"
SPEAK = "Animate the driver: the result speaks. Or generate blend shapes"

SHAPED = "The target has its shapes: animate or export it"


def next_step(transfer: Any) -> tuple[str, bool]:
    """The status line: what to do next, and whether something is wrong."""
    problem = meshes_problem(transfer)
    if problem:
        return problem, False
    if not is_there(transfer.fitted):
        few = FIT_FEW if len(transfer.pairs) < FEW else FIT
        return pairs_problem(transfer) or few, False
    problem = wrap_problem(transfer)
    if problem:
        return problem, True
    if _speaks(transfer.target):
        return SHAPED, False
    return SPEAK if is_there(transfer.result) else WRAP, False


def _speaks(target: Any) -> bool:
    """Whether the target is what is seen and has shapes of its own."""
    keys = target.data.shape_keys
    return keys is not None and JAW_OPEN in keys.key_blocks and not target.hide_viewport
