# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion still needs, why a button is grey, and how its meshes are joined."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ..core.solve.conversion import ConversionSettings
from ..core.solve.pose_table import PoseTable
from ..properties.poses import KINDS, NO_PAIR
from ..scene.conversion_meshes import SAME, joined, rest_is_a_frame, unsolved_of
from ..scene.wrapping import followed
from .chosen import job_problem
from .transfer_status import is_there

ADD_FIRST = "Add a conversion first"


def shown_conversion(context: bpy.types.Context) -> Any:
    """The conversion that panels show; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.conversion


def busy(context: bpy.types.Context) -> str:
    """Why no conversion can be worked on now; empty when one can."""
    return job_problem(context) or (ADD_FIRST if shown_conversion(context) is None else "")


def solve_problem(conversion: Any) -> str:
    """Why a conversion cannot be solved; empty when it can."""
    problem = meshes_problem(conversion)
    if problem:
        return problem
    if conversion.target.mode == "EDIT" or conversion.source.mode == "EDIT":
        return "Leave the edit mode first"
    return poses_problem(conversion)


def meshes_problem(conversion: Any) -> str:
    """What is missing or wrong with the meshes; empty when all is well."""
    source, target = conversion.source, conversion.target
    if not is_there(source):
        return "Choose the input mesh: the one that moves"
    if not is_there(target):
        return "Choose the blend shape mesh: the one with shape keys"
    if source == target or source.data == target.data:
        return "The input mesh has to be another mesh than the blend shape mesh"
    if not len(source.data.vertices):
        return "The input mesh has no vertices"
    if not len(source.data.polygons) and joined(source, target) != SAME:
        return "The input mesh has no faces"
    return target_problem(target) or circle_problem(source, target)


def target_problem(target: Any) -> str:
    """Why a mesh cannot be given weights; empty when it can."""
    keys = target.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        return "The blend shape mesh has no shape keys"
    if not keys.use_relative:
        return "The shape keys of the blend shape mesh are absolute: switch on Relative"
    if not (target.is_editable and target.data.is_editable and keys.is_editable):
        return "The blend shape mesh is linked from another file: make a local copy first"
    return ""


def circle_problem(source: Any, target: Any) -> str:
    """Why the input would move with what it is to move; empty when it does not."""
    if target in followed(source):
        return "The input mesh follows the blend shape mesh: they would turn in a circle"
    return ""


def poses_problem(conversion: Any) -> str:
    """Why no pose can be solved for; empty when one can."""
    left_out = unsolved_of(conversion.target).names
    rows = [pose for pose in conversion.poses if pose.use and pose.name not in left_out]
    if len(conversion.poses) and not rows:
        return "No pose is in use: tick at least one that is neither muted nor driven"
    return ""


SAME_TOPOLOGY = "Same topology: converted vertex by vertex"
BY_WRAP = "Other topology: through a wrap, as both stand now"
NO_REST = "Through a wrap. The input's cache has no rest: choose a frame where its face is neutral"


def status_of(conversion: Any) -> tuple[str, bool]:
    """How the meshes are joined or what is missing, as a sentence; whether something is wrong."""
    problem = meshes_problem(conversion)
    if problem:
        return problem, is_there(conversion.source) and is_there(conversion.target)
    if joined(conversion.source, conversion.target) == SAME:
        return SAME_TOPOLOGY, False
    if conversion.neutral != "FRAME" and rest_is_a_frame(conversion.source):
        return NO_REST, True
    return BY_WRAP, False


def marks_of(conversion: Any) -> list[tuple[int, str]]:
    """The markers of the worst frames that are on the time line: frames and texts."""
    return [(round(each.frame), each.mark) for each in conversion.worst if each.mark]


def settings_of(conversion: Any, left_out: Iterable[str] = ()) -> ConversionSettings:
    """What the solver takes; poses that are ``left_out`` are not used."""
    left_out = set(left_out)
    poses = list(conversion.poses)
    plain = {kind: {p.name: getattr(p, kind) for p in poses} for kind in KINDS}
    return ConversionSettings(
        regularisation=conversion.regularisation,
        temporal=conversion.temporal,
        sparsity=conversion.sparsity,
        symmetry=conversion.symmetry,
        template_size=conversion.template_size,
        smoothing=conversion.smoothing,
        table=PoseTable(
            active={p.name: p.use and p.name not in left_out for p in poses},
            cancel={name: number for name, number in plain["cancel"].items() if number != NO_PAIR},
            symmetry={
                name: number for name, number in plain["symmetry"].items() if number != NO_PAIR
            },
            multipliers={p.name: p.multiplier for p in poses if p.multiplier != 1.0},
            offsets={p.name: p.offset for p in poses if p.offset != 0.0},
        ),
    )
