# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scene remembers: the voice, the face and the parameters, as ``Scene.facewright``."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core.parameters import PARAMETERS

SHOWN_PARAMETERS = (
    "input_strength",
    "skin_strength",
    "upper_face_strength",
    "lower_face_strength",
    "blink_interval",
    "blink_strength",
)
MAX_CHANNEL = 64


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _number(name: str) -> Any:
    """A property with the label, range, default and text of a parameter."""
    parameter = PARAMETERS[name]
    return FloatProperty(
        name=parameter.label,
        description=parameter.text,
        default=float(parameter.default),
        min=parameter.minimum,
        max=parameter.maximum,
        subtype="TIME_ABSOLUTE" if parameter.unit == "s" else "NONE",
        unit="TIME_ABSOLUTE" if parameter.unit == "s" else "NONE",
        step=10,
        precision=2,
    )


class FACEWRIGHT_PG_face(bpy.types.PropertyGroup):
    """Choices of the sidebar panel"""

    voice_source: EnumProperty(
        name="Voice",
        description="Where the voice comes from",
        items=(
            ("SAMPLE", "Sample", "The short voice that comes with Facewright"),
            ("FILE", "File", "A sound file: wav, flac, ogg, mp3, aiff"),
            ("SOUND", "Sound", "A sound of this .blend, packed or not"),
            ("STRIP", "Strip", "A sound strip of the sequencer, with its trims and its place"),
        ),
        default="FILE",
    )
    voice_path: StringProperty(name="File", description="The voice's file", subtype="FILE_PATH")
    sound: PointerProperty(name="Sound", description="The voice's sound", type=bpy.types.Sound)
    strip: StringProperty(name="Strip", description="The voice's strip in the sequencer")
    channel: IntProperty(
        name="Channel",
        description="Channel of the voice to use; 0 mixes all of them",
        default=0,
        min=0,
        max=MAX_CHANNEL,
    )
    face: PointerProperty(
        name="Face",
        description="Mesh with ARKit-named shape keys, or a part of the template head",
        type=bpy.types.Object,
        poll=_is_mesh,
    )
    start_frame: IntProperty(
        name="Start Frame", description="Frame at which the voice begins", default=1
    )
    model: StringProperty(
        name="Model",
        description="Folder of a model in Audio2Face-3D's format; empty is the preferred one",
        subtype="DIR_PATH",
    )
    input_strength: _number("input_strength")
    skin_strength: _number("skin_strength")
    upper_face_strength: _number("upper_face_strength")
    lower_face_strength: _number("lower_face_strength")
    blink_interval: _number("blink_interval")
    blink_strength: _number("blink_strength")

    def changed_settings(self) -> dict[str, float]:
        """Parameters that the user has set; the others are left to the model."""
        names = (name for name in SHOWN_PARAMETERS if self.is_property_set(name))
        return {name: float(getattr(self, name)) for name in names}

    def reset_settings(self) -> None:
        for name in SHOWN_PARAMETERS:
            self.property_unset(name)


def register() -> None:
    bpy.utils.register_class(FACEWRIGHT_PG_face)
    scene_type: Any = bpy.types.Scene
    scene_type.facewright = PointerProperty(type=FACEWRIGHT_PG_face)


def unregister() -> None:
    scene_type: Any = bpy.types.Scene
    del scene_type.facewright
    bpy.utils.unregister_class(FACEWRIGHT_PG_face)
