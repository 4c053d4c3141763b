# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio player's buttons: play, return, loop, jump, and the ends of the range.

Buttons work everywhere; keys only where the pointer is over the waveform (``at_pointer``).
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty

from . import playing, strip_view
from .chosen import voice_missing
from .explained import Explained
from .faults import attempt
from .voice_time import VoiceTime, playhead, voice_time

NO_KEY: Any = {"SKIP_SAVE", "HIDDEN"}
LEAST_S = 1e-3  # of a range


class Transport(Explained):
    """What the player's operators share: the shown player, and keys that need the pointer."""

    at_pointer: BoolProperty(
        name="At Pointer",
        description="Only where the pointer is over the waveform, as keys do",
        default=False,
        options=NO_KEY,
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The tooltip with the key that the user has for it. Blender's own line of the shortcut
        is for buttons with the same properties only, and a key's has ``at_pointer``."""
        about = bpy.app.translations.pgettext_tip(" ".join((cls.__doc__ or "").split()))
        key = key_of(context, getattr(cls, "bl_idname", ""))
        return f"{about}: {key}" if key else about

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return voice_missing(_player(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.at_pointer and not strip_view.is_over(context, event):
            return {"PASS_THROUGH"}
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        operator: Any = self
        outcome = attempt(operator, lambda: self.work(context, _player(context)))
        strip_view.redraw()
        return outcome

    def work(self, context: bpy.types.Context, player: Any) -> None:
        """What the operator does. Raises UserError."""


class FACEWRIGHT_OT_play(Transport, bpy.types.Operator):
    """Play or pause the voice's range; its key works over the waveform"""

    bl_idname = "facewright.play"
    bl_label = "Play"
    bl_options = {"REGISTER"}

    def work(self, context: bpy.types.Context, player: Any) -> None:
        if playing.is_playing():
            playing.stop()
            return
        for notice in playing.start(context, player):
            self.report({"INFO"}, notice)


class FACEWRIGHT_OT_return_to_start(Transport, bpy.types.Operator):
    """Go to the start of the range; what plays goes on from there; its key works over the \
waveform"""

    bl_idname = "facewright.return_to_start"
    bl_label = "Return to Start"
    bl_options = {"UNDO_GROUPED"}
    bl_undo_group = "Frame Change"

    def work(self, context: bpy.types.Context, player: Any) -> None:
        context.scene.frame_current = voice_time(context.scene, player).first_frame


class FACEWRIGHT_OT_loop(Transport, bpy.types.Operator):
    """Play the range again and again, or once; its key works over the waveform"""

    bl_idname = "facewright.loop"
    bl_label = "Loop"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context, player: Any) -> None:
        player.loop = not player.loop


class FACEWRIGHT_OT_range_start_here(Transport, bpy.types.Operator):
    """Let the range start at the playhead; its key works over the waveform"""

    bl_idname = "facewright.range_start_here"
    bl_label = "Range Start at Playhead"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context, player: Any) -> None:
        time = voice_time(context.scene, player)
        set_start(player, time, time.seconds_of(playhead(context.scene)))


class FACEWRIGHT_OT_range_end_here(Transport, bpy.types.Operator):
    """Let the range end at the playhead; its key works over the waveform"""

    bl_idname = "facewright.range_end_here"
    bl_label = "Range End at Playhead"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context, player: Any) -> None:
        time = voice_time(context.scene, player)
        set_end(player, time, time.seconds_of(playhead(context.scene)))


class FACEWRIGHT_OT_range_clear(Transport, bpy.types.Operator):
    """Use the whole voice"""

    bl_idname = "facewright.range_clear"
    bl_label = "Whole Voice"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        missing = voice_missing(_player(context))
        whole = missing or _player(context).range_s == (0.0, None)
        return missing or ("The whole voice is used" if whole else "")

    def work(self, context: bpy.types.Context, player: Any) -> None:
        player.range_start, player.range_end = 0.0, -1.0


class FACEWRIGHT_OT_jump(Transport, bpy.types.Operator):
    """Go to a time of the voice, or to a frame"""

    bl_idname = "facewright.jump"
    bl_label = "Jump"
    bl_options = {"UNDO_GROUPED"}
    bl_undo_group = "Frame Change"

    seconds: FloatProperty(
        name="Seconds",
        description="Time of the voice",
        default=0.0,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        options={"SKIP_SAVE"},
    )
    frame: IntProperty(
        name="Frame",
        description="Frame of the scene, taken instead of the time where it is given",
        options={"SKIP_SAVE"},
    )

    def work(self, context: bpy.types.Context, player: Any) -> None:
        if self.properties.is_property_set("frame"):
            context.scene.frame_current = self.frame
            return
        time = voice_time(context.scene, player)
        context.scene.frame_current = round(time.frame_of(self.seconds))


def key_of(context: bpy.types.Context, operator: str) -> str:
    """The key of a player's operator as the user has it; empty for none."""
    configs = context.window_manager.keyconfigs
    for config in (configs.user, configs.addon):
        keymap = config.keymaps.get("3D View") if config else None
        for item in keymap.keymap_items if keymap else ():
            if item.idname == operator and item.active:
                return str(item.to_string())
    return ""


def set_start(player: Any, time: VoiceTime, seconds: float) -> None:
    """Let the range begin at a time; an end that does not lie behind it moves to the voice's."""
    seconds = max(0.0, seconds)
    if time.duration_s is not None:
        seconds = min(seconds, max(0.0, time.duration_s - LEAST_S))
    player.range_start = seconds
    if 0 <= player.range_end < seconds + LEAST_S:
        player.range_end = -1.0


def set_end(player: Any, time: VoiceTime, seconds: float) -> None:
    """Let the range end at a time; -1 at the voice's end. A begin that does not lie before it
    moves to the voice's."""
    seconds = max(LEAST_S, seconds)
    at_end = time.duration_s is not None and seconds >= time.duration_s - LEAST_S
    player.range_end = -1.0 if at_end else seconds
    if not at_end and player.range_start > seconds - LEAST_S:
        player.range_start = 0.0


def _player(context: bpy.types.Context) -> Any:
    chosen: Any = context.scene.facewright
    return chosen.player_of(chosen.pipeline)


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_play,
        FACEWRIGHT_OT_return_to_start,
        FACEWRIGHT_OT_loop,
        FACEWRIGHT_OT_range_start_here,
        FACEWRIGHT_OT_range_end_here,
        FACEWRIGHT_OT_range_clear,
        FACEWRIGHT_OT_jump,
    )
)
