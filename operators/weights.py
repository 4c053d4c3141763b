# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Weights: the chosen face as the ticked kinds of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..core.exchange.weights import KINDS, WeightOptions
from ..properties.progress import STATE
from ..properties.weights import TAKE
from .chosen import job_problem
from .exports import folder_problem, order_of
from .rendering import PATIENCE, rendering
from .running import Running
from .weights_face import face_problem, target_of

if TYPE_CHECKING:
    from .weights_run import Outcome, Steps

PANEL = "FACEWRIGHT_PT_weights"


def busy(context: bpy.types.Context) -> str:
    """Why weights can neither be written nor read now."""
    return job_problem(context, editing=True) or (PATIENCE if rendering() else "")


class FACEWRIGHT_OT_export_weights(Running, bpy.types.Operator):
    """Write the weights of the chosen face as the ticked kinds of files"""

    bl_idname = "facewright.export_weights"
    bl_label = "Export Weights"
    topic = PANEL

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        if reason:
            return reason
        chosen: Any = context.scene.facewright.weights
        if not any(getattr(chosen, name) for name in (*KINDS, *FULL_NAMES)):
            return "Tick at least one kind of file"
        return face_problem(context.scene, chosen.face) or folder_problem(context.scene)

    def steps(self, context: bpy.types.Context) -> Steps:
        from .weights_run import Order, export_steps

        scene: Any = context.scene
        chosen: Any = scene.facewright.weights
        target = target_of(scene, chosen.face, driven=True)
        export = order_of(scene, target.name)
        files = [(kind, export.path(row.ending)) for kind, row in KINDS.items()]
        files += [(f".{name}", export.path(f".{name}")) for name in FULL_NAMES]
        order = Order(
            target,
            export,
            tuple(row for row in files if getattr(chosen, row[0].removeprefix("."))),
            WeightOptions(gains=chosen.gains_now(), tongue=chosen.tongue, joints=chosen.joints),
            chosen.mapping,
            chosen.source == TAKE,
            chosen.extra,
        )
        return export_steps(scene, order)

    def tell(self, result: Outcome) -> None:
        tell(self, result)


FULL_NAMES = ("glb", "fbx", "usdc")  # properties of what Blender's own exporters write


def tell(operator: bpy.types.Operator, result: Outcome) -> None:
    """Report what was written or read."""
    where = f" to {result.paths[0].parent}" if result.paths else ""
    STATE.end(f"{result.sentence}{where}.", "done", result.notices)
    operator.report({"INFO"}, f"{result.sentence}{where}.")
    for notice in result.notices:
        operator.report({"WARNING"}, notice)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_export_weights,))
