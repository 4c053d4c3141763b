# SPDX-License-Identifier: GPL-3.0-or-later
"""Live: faces that follow the microphone as one speaks, and keeping what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ..properties.progress import STATE
from ..scene.references import reference
from .chosen import named_pipeline
from .explained import Explained
from .faults import attempt
from .keeping import keep_steps
from .listening import RECORDER, Plan
from .live_orders import followers, live_problem, order_of
from .recorder import BUSY, heard_here, keep_problem, player_here, start_problem
from .running import Running

if TYPE_CHECKING:
    from .animation_job import Result


class FACEWRIGHT_OT_live(Explained, bpy.types.Operator):
    """Let the faces that this player feeds follow the microphone as one speaks, or end that"""

    bl_idname = "facewright.live"
    bl_label = "Live"
    bl_options = {"REGISTER"}

    pipeline: StringProperty(
        name="Pipeline",
        description="Name of the pipeline; empty is the one that the panels show",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        running = RECORDER.running
        if running is not None and not running.plan.orders:
            return start_problem(context) or "Stop the recording first"
        chosen: Any = context.scene.facewright
        problem = start_problem(context)
        if problem or running is not None:
            return problem
        if STATE.running:
            return BUSY
        return live_problem(context.scene, chosen.pipeline)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: _toggle(context, self.pipeline))


def _toggle(context: bpy.types.Context, name: str) -> None:
    if RECORDER.running is not None:
        RECORDER.running.end()
        return
    scene, chosen = context.scene, named_pipeline(context, name)
    player: Any = scene.facewright.player_of(chosen)
    pipelines, told = followers(scene, chosen)
    low_delay = player.recorder.low_delay if player is not None else True
    orders = tuple(order_of(scene, each, low_delay) for each in pipelines)
    plan = Plan(
        reference(scene),
        player.id,
        player.recorder.microphone,
        player.recorder.muted,
        orders,
        orders[0].device,
        orders[0].threads,
    )
    RECORDER.start(plan, tuple(told))


class FACEWRIGHT_OT_live_keep(Running, bpy.types.Operator):
    """Save the live recording and turn what the faces showed into keyframes, where it began"""

    bl_idname = "facewright.live_keep"
    bl_label = "Keep Live Take"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        problem = keep_problem(context)
        if problem:
            return problem
        running, heard = RECORDER.running, heard_here(context)
        followed = running.orders if running is not None else heard.orders if heard else ()
        return "" if followed else "Nothing was live; save the recording and press Animate"

    def steps(self, context: bpy.types.Context) -> Any:
        return keep_steps(context.scene, player_here(context).id)

    def tell(self, result: list[Result]) -> None:
        notices = [text for one in result for text in (*one.notices, *one.remarks)]
        STATE.end(result[0].sentence, "done", tuple(dict.fromkeys(notices)))
        self.report({"INFO"}, f"{RECORDER.told}. {result[0].sentence}.")
        for text in dict.fromkeys(text for one in result for text in one.notices):
            self.report({"WARNING"}, text)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_live, FACEWRIGHT_OT_live_keep)
)
