# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user has chosen in the panels, put together as a job takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..properties.library import preferences
from ..properties.pipeline import models_problem, people_of
from ..scene.characters import Attachments
from ..scene.joints import Joint
from ..scene.parts import Parts, parts_of
from ..scene.places import SAMPLE_VOICE
from ..scene.sounds import VoiceSource
from .faults import sentence

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource
    from .animation_job import Request


def source_of(player: Any) -> VoiceSource:
    """The voice that a player names, with its range."""
    channel = player.channel - 1 if player.channel > 0 else None
    kind = player.voice_source
    names = {
        "SAMPLE": str(SAMPLE_VOICE),
        "SOUND": player.sound.name if player.sound else "",
        "STRIP": player.strip,
        "FILE": player.voice_path,
    }
    return VoiceSource("FILE" if kind == "SAMPLE" else kind, names[kind], channel, *player.range_s)


def faces_of(scene: bpy.types.Scene, pipeline: Any) -> list[Parts]:
    """The parts of the characters that a pipeline drives. Raises UserError for what is no face."""
    chosen: Any = scene.facewright
    turns = pipeline.head_motion
    return [
        parts_of(one.skin, *_head_of(one, turns), attachments_of(one))
        for one in chosen.characters_of(pipeline)
    ]


def attachments_of(character: Any) -> Attachments:
    """What the user has attached to a character."""
    return Attachments(
        tongue=character.tongue,
        jaw=_joint(character.lower_denture, character.jaw_bone),
        eye_right=_joint(character.eye_right, character.eye_right_bone),
        eye_left=_joint(character.eye_left, character.eye_left_bone),
        others=tuple(dict.fromkeys(each.object for each in character.others if each.object)),
    )


def _joint(obj: bpy.types.Object | None, bone: str) -> Joint | None:
    if obj is None:
        return None
    return Joint(obj, bone if obj.type == "ARMATURE" else "")


def _head_of(character: Any, turns: bool) -> tuple[bpy.types.Object | None, str]:
    """What head motion turns, and its bone."""
    head = character.head_target if turns else None
    return head, character.head_bone if head is not None and head.type == "ARMATURE" else ""


def emotion_of(pipeline: Any) -> EmotionSource | None:
    """Where a pipeline's emotion comes from; None when the sliders say it."""
    if pipeline.detect_emotion == "OFF":
        return None
    from ..core.emotion.source import EmotionSource

    preferred = tuple(pipeline.preferred) if pipeline.has_preferred else None
    mode = pipeline.detect_emotion.lower()
    return EmotionSource(model=pipeline.emotion_model_text, mode=mode, preferred=preferred)


def options_of(pipeline: Any, player: Any) -> dict[str, Any]:
    """A pipeline's settings, as ``make_request`` takes them."""
    general = preferences()
    strip = player.voice_source == "STRIP"
    return {
        "start_frame": None if strip else float(player.start_frame),
        "settings": pipeline.changed_settings(),
        "model": pipeline.model_text,
        "identity": pipeline.identity if pipeline.identity in people_of(pipeline) else "",
        "emotion": emotion_of(pipeline),
        "device": getattr(general, "device", ""),
        "threads": getattr(general, "threads", 0),
        "owner": player.id,
    }


def named_pipeline(context: bpy.types.Context, name: str) -> Any:
    """The pipeline of a name; "" is the one that panels show. Raises UserError."""
    chosen: Any = context.scene.facewright
    found = chosen.pipelines.get(name) if name else chosen.pipeline
    if found is None:
        listed = ", ".join(each.name for each in chosen.pipelines) or "none"
        said = f"There is no pipeline '{name}'." if name else "The scene has no pipeline."
        raise UserError(said, f"There are: {listed}." if name else "Add one first.")
    return found


def request_of(scene: bpy.types.Scene, pipeline: Any) -> Request:
    """What Animate does for a pipeline. Raises UserError."""
    from .animation_job import make_request

    chosen: Any = scene.facewright
    player = chosen.player_of(pipeline)
    if player is None:
        raise UserError(f"No player feeds '{pipeline.name}'.", "Choose a player.")
    if not chosen.characters_of(pipeline):
        raise UserError(f"'{pipeline.name}' drives no character.", "Add a character.")
    faces = faces_of(scene, pipeline)
    return make_request(scene, faces, source_of(player), **options_of(pipeline, player))


def voice_missing(player: Any) -> str:
    """What a player lacks to have a voice, as one phrase; empty when it names one."""
    if player is None:
        return "Choose a player first"
    lacks = {
        "FILE": "" if player.voice_path else "Choose a voice first",
        "SOUND": "" if player.sound else "Choose a sound first",
        "STRIP": "" if player.strip else "Choose a strip first",
    }
    return lacks.get(player.voice_source, "")


def scene_problem(scene: bpy.types.Scene) -> str:
    """Why a scene's players, pipelines and characters cannot be changed, as one phrase."""
    return "" if scene.library is None else "This scene is linked from another file"


def pipeline_problem(scene: bpy.types.Scene, pipeline: Any) -> str:
    """Why a pipeline cannot be animated, as one phrase; empty when it can."""
    chosen: Any = scene.facewright
    if scene_problem(scene):
        return scene_problem(scene)
    if pipeline is None:
        return "Add a pipeline first"
    missing = voice_missing(chosen.player_of(pipeline))
    if missing:
        return missing
    if not chosen.characters_of(pipeline):
        return "Add a character first"
    try:
        faces_of(scene, pipeline)
    except UserError as error:
        return sentence(error)
    return models_problem(pipeline)
