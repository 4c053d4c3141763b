# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up a live solve: what is the same on every frame is found out once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..properties.progress import STATE
from ..scene.conversion_stage import Stage, Subdivision
from ..scene.wrap_binding import counts_of
from .conversion import TOPIC
from .conversion_live import LIVE, seen_points
from .conversion_status import busy, shown_conversion, solve_problem
from .exports import chosen_span
from .rendering import until_rendered
from .running import Running

if TYPE_CHECKING:
    from .asking import Progress
    from .conversion_steps import Order


class FACEWRIGHT_OT_set_up_solve(Running, bpy.types.Operator):
    """Let the shape keys follow the input mesh live, without keyframes; again to switch it off"""

    bl_idname = "facewright.set_up_solve"
    bl_label = "Set Up Solve"
    bl_options = {"REGISTER", "UNDO"}

    topic = TOPIC

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        if reason:
            return reason
        conversion = shown_conversion(context)
        return "" if conversion.live else solve_problem(conversion)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self._switched_off(context) or super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self._switched_off(context) or super().execute(context)

    def _switched_off(self, context: bpy.types.Context) -> set[str] | None:
        conversion = shown_conversion(context)
        if not conversion.live:
            return None
        LIVE.end(context.scene, conversion)
        return {"FINISHED"}

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, str]:
        from .conversion_steps import order_of

        order = order_of(context.scene, shown_conversion(context), chosen_span(context.scene))
        return _set_up_steps(order)

    def tell(self, result: str) -> None:
        STATE.end(result, "done")
        self.report({"INFO"}, result)


def _set_up_steps(order: Order) -> Generator[Progress, None, str]:
    from .conversion_steps import reader_steps

    yield from until_rendered()
    source = order.source.get()
    seen = len(seen_points(order.scene.get(), source))
    if seen not in counts_of(source):
        raise UserError(
            f"The modifiers of '{source.name}' change its vertices.",
            "Switch off in the viewport those that are no subdivision.",
        )
    subdivided = seen != len(source.data.vertices)
    scene = order.scene.get()
    with ExitStack() as closed:
        stage = closed.enter_context(closing(Stage(scene, source)))
        subdivision = None
        if subdivided:
            subdivision = closed.enter_context(closing(Subdivision(scene, source)))
        del source, scene
        reader = yield from reader_steps(order, stage, subdivision)
    conversion: Any = order.conversion
    conversion.live = True
    LIVE.begin((order.scene, order.conversion_id), reader, seen)
    return "The shape keys follow the input mesh."


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_set_up_solve,))
