# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion panel: solo, clear strength, keys of the emotion timeline, from key to key.

Solo and clear strength are about the emotion that is chosen in the panel. Keys hold all ten.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..core.parameters import EMOTION_NAMES
from ..properties.changes import tell
from ..properties.emotion import NEUTRAL
from ..properties.ids import index_of
from ..scene import emotion_curves
from .explained import Explained
from .faults import attempt

ADD_FIRST = "Add a pipeline first"


def shown_place(context: bpy.types.Context) -> int:
    """Place of the shown pipeline in the scene's list; -1 when there is none."""
    chosen: Any = context.scene.facewright
    pipeline = chosen.pipeline
    return -1 if pipeline is None else index_of(chosen.pipelines, pipeline.id)


def key_times(context: bpy.types.Context) -> Any:
    """Frames of the shown pipeline's emotion keys, in order."""
    return emotion_curves.key_times(context.scene, shown_place(context))


class _OnEmotion(Explained):
    """Needs a pipeline whose emotion can be edited."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        if chosen.pipeline is None:
            return ADD_FIRST
        return emotion_curves.refusal(context.scene) or cls.missing(context)

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        """What else it needs, as one phrase; empty for nothing."""
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        emotion, place = chosen.pipeline.emotion, shown_place(context)
        outcome = attempt(self, lambda: self.change(context.scene, place, emotion))
        tell(emotion, "keys")
        return outcome

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        """Do it to the pipeline at ``place``, whose strengths are ``emotion``."""
        raise NotImplementedError


class _OnChosen(_OnEmotion):
    """Needs an emotion that is chosen in the panel."""

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        neutral = chosen.pipeline.emotion.chosen == NEUTRAL
        return "Choose an emotion other than neutral first" if neutral else ""


class _OnKeys(_OnEmotion):
    """Needs a key somewhere."""

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        return "" if len(key_times(context)) else "The emotion timeline has no keys"


class FACEWRIGHT_OT_emotion_solo(_OnChosen, bpy.types.Operator):
    """Set the chosen emotion to 1 and all others to 0"""

    bl_idname = "facewright.emotion_solo"
    bl_label = "Solo"

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        emotion.set_values(tuple(float(name == emotion.chosen) for name in EMOTION_NAMES))


class FACEWRIGHT_OT_emotion_clear_strength(_OnChosen, bpy.types.Operator):
    """Set the chosen emotion to 0 now and in every key; the keys and the other emotions stay"""

    bl_idname = "facewright.emotion_clear_strength"
    bl_label = "Clear Strength"

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        emotion_curves.clear_strength(scene, place, emotion.chosen)


class FACEWRIGHT_OT_emotion_key_add(_OnEmotion, bpy.types.Operator):
    """Store the strengths of all emotions at the selected frame"""

    bl_idname = "facewright.emotion_key_add"
    bl_label = "Add Key"

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        frame = scene.frame_current_final
        emotion_curves.add_key(scene, place, frame, emotion.values())


class FACEWRIGHT_OT_emotion_key_remove(_OnEmotion, bpy.types.Operator):
    """Delete the key at the selected frame"""

    bl_idname = "facewright.emotion_key_remove"
    bl_label = "Remove Key"

    @classmethod
    def missing(cls, context: bpy.types.Context) -> str:
        away = abs(key_times(context) - context.scene.frame_current_final)
        return "" if (away <= emotion_curves.SAME).any() else "There is no key at this frame"

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        emotion_curves.remove_key(scene, place, scene.frame_current_final)


class FACEWRIGHT_OT_emotion_keys_clear(_OnKeys, bpy.types.Operator):
    """Delete all keys of the emotion timeline; the strengths stay as they are now"""

    bl_idname = "facewright.emotion_keys_clear"
    bl_label = "Clear Keys"

    def change(self, scene: bpy.types.Scene, place: int, emotion: Any) -> None:
        emotion_curves.clear_keys(scene, place)


class _Jump(Explained):
    """Goes to a key; as Blender's own jumps, many of them are one step of undo."""

    bl_options = {"UNDO_GROUPED"}
    bl_undo_group = "Frame Change"
    forward = True
    none = ""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        if chosen.pipeline is None:
            return ADD_FIRST
        return cls.none if cls._target(context) is None else ""

    @classmethod
    def _target(cls, context: bpy.types.Context) -> float | None:
        times, now = key_times(context), context.scene.frame_current_final
        if cls.forward:
            after = times[times > now + emotion_curves.SAME]
            return float(after[0]) if len(after) else None
        before = times[times < now - emotion_curves.SAME]
        return float(before[-1]) if len(before) else None

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = self._target(context)
        if target is None:
            return {"CANCELLED"}
        whole = round(target) if abs(target - round(target)) <= emotion_curves.SAME else target
        context.scene.frame_set(int(whole // 1), subframe=float(whole % 1))
        return {"FINISHED"}


class FACEWRIGHT_OT_emotion_key_previous(_Jump, bpy.types.Operator):
    """Go to the emotion key before the selected frame"""

    bl_idname = "facewright.emotion_key_previous"
    bl_label = "Previous Key"
    forward = False
    none = "There is no key before this frame"


class FACEWRIGHT_OT_emotion_key_next(_Jump, bpy.types.Operator):
    """Go to the emotion key after the selected frame"""

    bl_idname = "facewright.emotion_key_next"
    bl_label = "Next Key"
    none = "There is no key after this frame"


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_emotion_solo,
        FACEWRIGHT_OT_emotion_clear_strength,
        FACEWRIGHT_OT_emotion_key_add,
        FACEWRIGHT_OT_emotion_key_remove,
        FACEWRIGHT_OT_emotion_keys_clear,
        FACEWRIGHT_OT_emotion_key_previous,
        FACEWRIGHT_OT_emotion_key_next,
    )
)
