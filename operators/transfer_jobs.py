# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of a character transfer that take a while: suggest, fit, wrap, generate."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..properties.progress import STATE
from . import transfer_status as status
from .running import Running
from .transfer_setup import Setup, setup_of

if TYPE_CHECKING:
    from .asking import Progress
    from .transfer_steps import Told


class _OfTransfer(Running):
    """A base of operators that work on the shown transfer."""

    topic = "FACEWRIGHT_PT_transfer"

    @staticmethod
    def problem(transfer: Any) -> str:
        """Why it cannot begin; empty when it can."""
        raise NotImplementedError

    def work(self, setup: Setup) -> Generator[Progress, None, Told]:
        """The steps."""
        raise NotImplementedError

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = status.busy(context)
        return reason or cls.problem(status.shown_transfer(context))

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Told]:
        return self.work(checked_setup(context.scene, status.shown_transfer(context), self.problem))

    def tell(self, result: Told) -> None:
        for notice in result.notices:
            self.report({"WARNING"}, notice)  # type: ignore[attr-defined]
        STATE.end(f"{result.sentence}.", "done", result.notices)
        self.report({"INFO"}, f"{result.sentence}.")  # type: ignore[attr-defined]


def checked_setup(scene: Any, transfer: Any, problem: Callable[[Any], str]) -> Setup:
    """A transfer as its job takes it. Raises UserError where the job cannot begin."""
    reason = problem(transfer) or status.topology_problem(transfer)
    if reason:
        raise UserError(f"{reason}.")
    return setup_of(scene, transfer)


class FACEWRIGHT_OT_suggest_pairs(_OfTransfer, bpy.types.Operator):
    """Propose the recommended pairs from the target's shape; those of their names are replaced"""

    bl_idname = "facewright.suggest_pairs"
    bl_label = "Suggest Pairs"
    bl_options = {"REGISTER", "UNDO"}

    problem = staticmethod(status.suggest_problem)

    def work(self, setup: Setup) -> Generator[Progress, None, Told]:
        from .transfer_steps import suggest_steps

        return suggest_steps(setup)


class FACEWRIGHT_OT_begin_fitting(_OfTransfer, bpy.types.Operator):
    """Bend the driver into the target's shape, led by the pairs; Esc cancels"""

    bl_idname = "facewright.begin_fitting"
    bl_label = "Begin Mesh Fitting"
    bl_options = {"REGISTER", "UNDO"}

    problem = staticmethod(status.fitting_problem)

    def work(self, setup: Setup) -> Generator[Progress, None, Told]:
        from .transfer_steps import fit_steps

        return fit_steps(setup)


class FACEWRIGHT_OT_begin_wrap(_OfTransfer, bpy.types.Operator):
    """Make copies of the target and its parts that follow the driver live; Esc cancels"""

    bl_idname = "facewright.begin_wrap"
    bl_label = "Begin Post Wrap"
    bl_options = {"REGISTER", "UNDO"}

    problem = staticmethod(status.wrap_problem)

    def work(self, setup: Setup) -> Generator[Progress, None, Told]:
        from .transfer_wrap import wrap_steps

        return wrap_steps(setup)


class FACEWRIGHT_OT_generate_shapes(_OfTransfer, bpy.types.Operator):
    """Give the target and its parts the driver's shapes as shape keys; Esc cancels"""

    bl_idname = "facewright.generate_shapes"
    bl_label = "Generate Blend Shapes"
    bl_options = {"REGISTER", "UNDO"}

    problem = staticmethod(status.wrap_problem)

    def work(self, setup: Setup) -> Generator[Progress, None, Told]:
        from .transfer_shapes import shapes_steps

        return shapes_steps(setup)


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_suggest_pairs,
        FACEWRIGHT_OT_begin_fitting,
        FACEWRIGHT_OT_begin_wrap,
        FACEWRIGHT_OT_generate_shapes,
    )
)
