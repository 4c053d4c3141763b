# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of the shown pipeline: show one again, as a strip, with its settings; take one away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.errors import Cancelled, UserError
from ..core.presets import preset_from
from ..core.take_label import BOTH, SHAPE_KEYS, VERTICES, TakeLabel
from ..properties.ids import find
from ..properties.pipeline import people_of
from ..properties.presets import apply_preset
from ..properties.progress import STATE
from ..properties.take import chosen_take
from ..scene import takes, vertex_animation
from ..scene.characters import Character
from ..scene.places import take_files
from . import vertex_files
from .chosen import character_parts
from .explained import Explained
from .faults import attempt
from .rendering import PATIENCE, rendering

KINDS = ("FILE", "SOUND", "STRIP")


def _take() -> Any:
    return StringProperty(
        name="Take",
        description="Name of the take's action; empty is the one chosen in the list",
        options={"SKIP_SAVE"},
    )


class _OfTake(Explained):
    """What operators of one take share."""

    take: str

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        if chosen.pipeline is None:
            return "Add a pipeline first"
        if STATE.running:
            return "Wait until the face is animated"
        return PATIENCE if rendering() else ""

    def found(self, context: bpy.types.Context) -> tuple[TakeLabel, list[bpy.types.Action]]:
        """The take's label and actions. Raises UserError."""
        chosen: Any = context.scene.facewright
        if self.take:
            return takes.take_of(bpy.data.actions.get(self.take))
        lead = chosen_take(chosen.pipeline.takes)
        if lead is None:
            raise UserError("No take is chosen.", "Choose one in the list.")
        return takes.take_of(lead)

    def work(self, work: Callable[[], list[str]]) -> set[str]:
        """Do it, and report what is worth a look."""

        def reported() -> None:
            for notice in work():
                self.report({"WARNING"}, notice)  # type: ignore[attr-defined]

        return attempt(self, reported)


def character_of(context: bpy.types.Context, label: TakeLabel) -> Character | None:
    """The face of a take as it is now; None when the scene has it no more."""
    chosen: Any = context.scene.facewright
    one = find(chosen.characters, label.character_id)
    if one is not None:
        with suppress(UserError, Cancelled):
            return character_parts(one, True, True).character()
    skin = one.skin if one is not None else bpy.data.objects.get(label.face)
    return takes.character_of(skin) if skin is not None else None


class FACEWRIGHT_OT_take_activate(_OfTake, bpy.types.Operator):
    """Let this take move its face; the take that did stays in the list"""

    bl_idname = "facewright.take_activate"
    bl_label = "Activate Take"
    bl_options = {"REGISTER", "UNDO"}

    take: _take()

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> list[str]:
            label, actions = self.found(context)
            vertex_animation.check_files(label)
            character = character_of(context, label)
            notices = takes.activate(actions, character)
            return notices + vertex_animation.show_again(label, character)

        return self.work(work)


class FACEWRIGHT_OT_take_to_nla(_OfTake, bpy.types.Operator):
    """Make this take a strip on a track of its own in the NLA editor, at the take's frames"""

    bl_idname = "facewright.take_to_nla"
    bl_label = "Take to NLA"
    bl_options = {"REGISTER", "UNDO"}

    take: _take()

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> list[str]:
            label, actions = self.found(context)
            if label.output == VERTICES:
                raise UserError(
                    "A strip of the NLA cannot hold the vertex animation of this take.",
                    "Activate it instead.",
                )
            character = character_of(context, label)
            notices = takes.as_strip(label, actions, character)
            if vertex_animation.stop_playing(character):
                notices.append("The strip plays shape keys; the vertex animation was taken off.")
            return notices

        return self.work(work)


class FACEWRIGHT_OT_take_remove(_OfTake, bpy.types.Operator):
    """Delete this take, its strips and its files; a face that it moves goes back to rest"""

    bl_idname = "facewright.take_remove"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    take: _take()

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> list[str]:
            label, actions = self.found(context)
            notices = takes.remove(actions, character_of(context, label))
            vertex_animation.forget(label.take_id)
            if not takes.is_used(label.take_id):
                vertex_files.removed(take_files(label.take_id))
            return notices

        return self.work(work)


class FACEWRIGHT_OT_take_restore(_OfTake, bpy.types.Operator):
    """Give the shown pipeline the settings, the model and the voice that this take was made with"""

    bl_idname = "facewright.take_restore"
    bl_label = "Restore Settings"
    bl_options = {"REGISTER", "UNDO"}

    take: _take()
    voice: BoolProperty(
        name="Voice",
        description="Also give the player the take's voice, with its range and its place",
        default=True,
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> list[str]:
            label, _actions = self.found(context)
            chosen: Any = context.scene.facewright
            _restore(chosen.pipeline, label)
            player = chosen.player_of(chosen.pipeline)
            if self.voice and player is not None:
                _restore_voice(player, label)
            return []

        return self.work(work)


def _restore(pipeline: Any, label: TakeLabel) -> None:
    if not label.choices:
        raise UserError("The take does not say how it was made.", "Animate it again.")
    preset = preset_from(label.choices, f"The take {label.take_id[:8]}")
    pipeline.model = label.model_folder
    known = label.identity_choice in people_of(pipeline)
    pipeline.identity = label.identity_choice if known else ""
    model = label.emotion.get("model")
    if isinstance(model, str) and model:
        pipeline.emotion_model = model
    apply_preset(pipeline, preset)
    if label.output in (SHAPE_KEYS, VERTICES, BOTH):
        pipeline.output = label.output


def _restore_voice(player: Any, label: TakeLabel) -> None:
    source = label.source
    kind, name = source.get("kind"), source.get("name")
    if kind not in KINDS or not isinstance(name, str):
        return
    player.voice_source = kind
    if kind == "SOUND":
        player.sound = bpy.data.sounds.get(name)
    else:
        setattr(player, "strip" if kind == "STRIP" else "voice_path", name)
    channel, end = source.get("channel"), source.get("end_s")
    player.channel = channel + 1 if isinstance(channel, int) else 0
    player.range_start = _number(source.get("start_s"), 0.0)
    player.range_end = _number(end, -1.0)
    start = source.get("start_frame")
    if isinstance(start, (int, float)):
        player.start_frame = round(start)


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_take_activate,
        FACEWRIGHT_OT_take_to_nla,
        FACEWRIGHT_OT_take_remove,
        FACEWRIGHT_OT_take_restore,
    )
)
