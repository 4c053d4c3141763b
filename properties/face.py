# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scene remembers: the voice, the face and the parameters, as ``Scene.facewright``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core.limits import MAX_CHANNELS
from ..core.parameters import PARAMETERS
from .library import BUILT_IN_EMOTION, look, preferences
from .model_choice import chooser, problem, terms_missing

SHOWN_PARAMETERS = (
    "input_strength",
    "skin_strength",
    "upper_face_strength",
    "lower_face_strength",
    "blink_interval",
    "blink_strength",
)

# In a panel of their own
HEAD_PARAMETERS = ("head_motion", "head_motion_strength", "head_motion_seed")
HEAD_TYPES = ("ARMATURE", "EMPTY", "MESH")


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _can_turn(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type in HEAD_TYPES


def _parameter(name: str) -> Any:
    """A property with the label, range, default and text of a parameter."""
    parameter = PARAMETERS[name]
    told: dict[str, Any] = {"name": parameter.label, "description": parameter.text}
    if parameter.kind == "bool":
        return BoolProperty(**told, default=bool(parameter.default))
    if parameter.kind == "int":
        least, most = int(parameter.minimum), int(parameter.maximum)
        return IntProperty(**told, default=int(parameter.default), min=least, max=most)
    return FloatProperty(
        **told,
        default=float(parameter.default),
        min=parameter.minimum,
        max=parameter.maximum,
        subtype="TIME_ABSOLUTE" if parameter.unit == "s" else "NONE",
        unit="TIME_ABSOLUTE" if parameter.unit == "s" else "NONE",
        step=10,
        precision=2,
    )


def people_of(chosen: FACEWRIGHT_PG_face) -> tuple[str, ...]:
    """The identities of the scene's model, as its folder lists them; none for the built-in one."""
    folder = model_of(chosen)
    if not folder.strip():
        return ()
    index = look(Path(bpy.path.abspath(folder)).absolute()).index
    return index.identities if index else ()


def emotion_model_of(chosen: FACEWRIGHT_PG_face) -> str:
    """The emotion model's folder: that of the scene, of the preferences, or the built-in one."""
    preferred = str(getattr(preferences(), "emotion_model", "")).strip()
    return chosen.emotion_model.strip() or preferred or str(BUILT_IN_EMOTION)


def model_of(chosen: FACEWRIGHT_PG_face) -> str:
    """The model's folder of the scene, or that of the preferences; empty is the built-in one."""
    return chosen.model.strip() or str(getattr(preferences(), "model", ""))


def models_problem(chosen: FACEWRIGHT_PG_face) -> str:
    """Why the scene's models cannot be used, as one sentence; empty when they can."""
    detecting = chosen.detect_emotion != "OFF"
    found = problem(model_of(chosen), emotion=False)
    if not found and detecting:
        found = problem(emotion_model_of(chosen), emotion=True)
    if found:
        return found
    folder = folder_without_terms(chosen)
    return f"The terms of {Path(folder).name} are not accepted yet" if folder else ""


def folder_without_terms(chosen: FACEWRIGHT_PG_face) -> str:
    """The first of the scene's models whose terms are still to be accepted; empty for none."""
    folders = [model_of(chosen)]
    if chosen.detect_emotion != "OFF":
        folders.append(emotion_model_of(chosen))
    return next((folder for folder in folders if terms_missing(folder)), "")


@lru_cache(maxsize=16)
def _person_items(people: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    return [(name, name, f"The face moves as {name} does") for name in people]


def people_items(self: FACEWRIGHT_PG_face, _context: Any = None) -> list[tuple[str, str, str]]:
    """The items of the drop-down of identities."""
    return _person_items(people_of(self)) or [("-", "-", "This model has one identity")]


def _get_person(self: FACEWRIGHT_PG_face) -> int:
    people = people_of(self)
    return people.index(self.identity) if self.identity in people else 0


def _set_person(self: FACEWRIGHT_PG_face, place: int) -> None:
    people = people_of(self)
    self.identity = people[place] if place < len(people) else ""


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
        max=MAX_CHANNELS,
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
    model_choice: chooser("Model", "Which model moves the face", emotion=False)
    identity: StringProperty(name="Identity", description="Person of the model; empty is the first")
    person: EnumProperty(
        name="Identity",
        description="Which person of the model moves",
        items=people_items,
        get=_get_person,
        set=_set_person,
    )
    detect_emotion: EnumProperty(
        name="Detect Emotion",
        description="Read emotion from the voice; this needs an Audio2Emotion model",
        items=(
            ("OFF", "Off", "The face is neutral unless emotions are set"),
            ("KEYS", "Keys", "Judge longer parts of the voice, one key for each"),
            ("FRAMES", "Every Frame", "Follow the voice frame by frame, as a live session does"),
        ),
        default="OFF",
    )
    emotion_model: StringProperty(
        name="Emotion Model",
        description="Folder of an Audio2Emotion model; empty is that of the preferences, or the "
        "built-in one",
        subtype="DIR_PATH",
    )
    emotion_choice: chooser(
        "Emotion Model", "Which Audio2Emotion model reads emotion from the voice", emotion=True
    )
    burst: EnumProperty(
        name="Live Sessions",
        description="How fast sound is taken from scripts that animate live",
        items=(
            ("DEFAULT", "Default", "As fast as it is heard"),
            (
                "FORCE_BURST",
                "Burst",
                "As fast as it can be done; not advised while this machine renders",
            ),
            ("FORCE_REAL_TIME", "Real Time", "As fast as it is heard"),
        ),
        default="DEFAULT",
    )
    input_strength: _parameter("input_strength")
    skin_strength: _parameter("skin_strength")
    upper_face_strength: _parameter("upper_face_strength")
    lower_face_strength: _parameter("lower_face_strength")
    blink_interval: _parameter("blink_interval")
    blink_strength: _parameter("blink_strength")

    head_motion: _parameter("head_motion")
    head_motion_strength: _parameter("head_motion_strength")
    head_motion_seed: _parameter("head_motion_seed")
    head_target: PointerProperty(
        name="Head Target",
        description="What head motion turns: an object, about its origin, or an armature's head "
        "bone. Empty turns the template head, and nothing of another face",
        type=bpy.types.Object,
        poll=_can_turn,
    )
    head_bone: StringProperty(name="Head Bone", description="The armature's bone that turns")

    def changed_settings(self) -> dict[str, float]:
        """Parameters that the user has set; the others are left to the model."""
        shown = (*SHOWN_PARAMETERS, *HEAD_PARAMETERS)
        names = (name for name in shown if self.is_property_set(name))
        return {name: float(getattr(self, name)) for name in names}

    def reset_settings(self) -> None:
        for name in (*SHOWN_PARAMETERS, *HEAD_PARAMETERS):
            self.property_unset(name)


def register() -> None:
    bpy.utils.register_class(FACEWRIGHT_PG_face)
    scene_type: Any = bpy.types.Scene
    scene_type.facewright = PointerProperty(type=FACEWRIGHT_PG_face)


def unregister() -> None:
    scene_type: Any = bpy.types.Scene
    del scene_type.facewright
    bpy.utils.unregister_class(FACEWRIGHT_PG_face)
