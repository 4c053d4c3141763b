# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion of a pipeline: one strength for each, with keys of its own in the scene's action."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty

from ..core.parameters import EMOTION_NAMES, EMOTION_PREFIX, PARAMETERS
from .changes import telling

NEUTRAL = "neutral"


def _strength(name: str) -> Any:
    row = PARAMETERS[EMOTION_PREFIX + name]
    return FloatProperty(
        name=row.label,
        description=f"Strength of {row.label.lower()}, from 0 none to 1 full",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
        update=telling(name),
    )


def emotion_items() -> list[tuple[str, str, str]]:
    """Items of a drop-down: neutral and every emotion."""
    items = [(NEUTRAL, "Neutral", "No emotion: choosing it sets all strengths to 0")]
    for name in EMOTION_NAMES:
        label = PARAMETERS[EMOTION_PREFIX + name].label
        items.append((name, label, f"{label} is what solo and clear strength are about"))
    return items


def _choose(self: FACEWRIGHT_PG_emotion, _context: Any) -> None:
    if self.chosen == NEUTRAL:
        self.set_values((0.0,) * len(EMOTION_NAMES))


def _get_frame(self: FACEWRIGHT_PG_emotion) -> int:
    return int(self.id_data.frame_current)


def _set_frame(self: FACEWRIGHT_PG_emotion, frame: int) -> None:
    if frame != self.id_data.frame_current_final:
        self.id_data.frame_set(frame)


class FACEWRIGHT_PG_emotion(bpy.types.PropertyGroup):
    """Strengths of the emotions; ordinary F-curves of the scene animate them"""

    chosen: EnumProperty(
        name="Emotion",
        description="The emotion that solo and clear strength are about",
        items=emotion_items(),
        default=EMOTION_NAMES[0],
        update=_choose,
        options=set(),
    )
    frame: IntProperty(
        name="Frame",
        description="The frame that keys are set at: the scene's present frame",
        get=_get_frame,
        set=_set_frame,
        options=set(),
    )

    def values(self) -> tuple[float, ...]:
        """Strengths in the order of ``EMOTION_NAMES``."""
        return tuple(float(getattr(self, name)) for name in EMOTION_NAMES)

    def own_settings(self) -> dict[str, float]:
        """The strengths that the user has set, by the names of ``core.parameters``; those of the
        others are left to the model."""
        return {
            EMOTION_PREFIX + name: float(getattr(self, name))
            for name in EMOTION_NAMES
            if self.is_property_set(name)
        }

    def set_values(self, values: tuple[float, ...]) -> None:
        for name, value in zip(EMOTION_NAMES, values, strict=True):
            setattr(self, name, value)


FACEWRIGHT_PG_emotion.__annotations__.update({name: _strength(name) for name in EMOTION_NAMES})

register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_emotion,))
