# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion still needs, why a button is grey, and how its meshes are joined."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ..core.solve.conversion import ConversionSettings
from ..core.solve.pose_table import PoseTable
from ..properties.poses import KINDS, NO_PAIR
from ..properties.progress import STATE
from ..scene import conversion_meshes as meshes
from ..scene.conversion_meshes import SAME, joined, problem_of, unsolved_of
from .chosen import scene_problem

ADD_FIRST = "Add a conversion first"


def shown_conversion(context: bpy.types.Context) -> Any:
    """The conversion that panels show; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.conversion


def busy(context: bpy.types.Context) -> str:
    """Why no conversion can be worked on now; empty when one can."""
    if context.mode != "OBJECT":
        return "Leave the edit mode first"
    if STATE.running:
        return "Wait until the running job is done"
    if shown_conversion(context) is None:
        return ADD_FIRST
    return scene_problem(context.scene)


def solve_problem(conversion: Any) -> str:
    """Why a conversion cannot be solved; empty when it can."""
    problem = problem_of(conversion.source, conversion.target)
    if problem:
        return problem
    if conversion.target.mode == "EDIT" or conversion.source.mode == "EDIT":
        return "Leave the edit mode first"
    left_out = unsolved_of(conversion.target).names
    if len(conversion.poses) and not any(
        pose.use and pose.name not in left_out for pose in conversion.poses
    ):
        return "No pose is in use: tick at least one that is neither muted nor driven"
    return ""


def status_of(conversion: Any) -> tuple[str, bool]:
    """How the meshes are joined or what is missing, as a sentence; whether something is wrong."""
    problem = problem_of(conversion.source, conversion.target)
    if problem:
        chosen = conversion.source is not None and conversion.target is not None
        return problem, chosen
    if joined(conversion.source, conversion.target) == SAME:
        return "Same topology: converted vertex by vertex", False
    if conversion.neutral in ("AUTO", "REST") and meshes.rest_is_a_frame(conversion.source):
        return (
            "Other topology: through a wrap. The input's cache has no rest: choose as Neutral a "
            "frame where its face is neutral",
            True,
        )
    return "Other topology: through a wrap, as both stand now", False


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
