# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user has chosen in the panels, put together as a job takes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..core.parameters import EMOTION_NAMES, EMOTION_PREFIX
from ..core.take_label import SHAPE_KEYS, VERTICES, Origin
from ..properties.ids import index_of
from ..properties.library import preferences
from ..properties.parameters import default_of
from ..properties.pipeline import models_problem, people_of
from ..properties.presets import preset_of
from ..properties.progress import STATE
from ..scene.characters import Attachments, looking
from ..scene.joints import Joint
from ..scene.parts import Parts, parts_of
from ..scene.places import SAMPLE_VOICE
from ..scene.rates import scene_rate
from ..scene.sounds import VoiceSource, resolve
from .faults import sentence

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource
    from ..core.emotion.track import EmotionTrack
    from ..core.voice.audio import Voice
    from .animation_job import Request


def drawing() -> AbstractContextManager[None]:
    """While it is entered, nothing of the scene changes: what a face is, is looked up once."""
    return looking()


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
    turns, keyless = pipeline.head_motion, pipeline.output == VERTICES
    return [character_parts(one, turns, keyless) for one in chosen.characters_of(pipeline)]


def character_parts(
    character: Any, turns: bool, keyless: bool = False, driven: bool = False
) -> Parts:
    """The parts of a character, with its head where it ``turns``; ``keyless`` where vertices move
    without shape keys, with ``driven`` keys where it is only read. Raises UserError."""
    attached = attachments_of(character)
    return parts_of(character.skin, *_head_of(character, turns), attached, keyless, driven)


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
    """Where a pipeline's emotion comes from; None when the sliders say it.

    The preferred emotion is a part of listening: keys that were generated hold it already, so the
    timeline goes to the network as it is. Raises UserError where there are keys and no voice.
    """
    return emotion_with(pipeline, emotion_keys_of(pipeline))


def emotion_with(pipeline: Any, keys: EmotionTrack | None) -> EmotionSource | None:
    """As ``emotion_of``, with these keys in the place of the timeline's."""
    listens = pipeline.detects
    if keys is None and not listens:
        return None
    from ..core.emotion.source import EmotionSource

    if not listens:
        return EmotionSource(keys=keys)
    preferred = tuple(pipeline.preferred) if pipeline.has_preferred else None
    mode = pipeline.detect_emotion.lower()
    return EmotionSource(keys, pipeline.emotion_model_text, mode, preferred)


def emotion_keys_of(pipeline: Any) -> EmotionTrack | None:
    """The emotion timeline from the begin of the used part of the voice on; None without keys."""
    from ..scene.emotion_curves import has_keys
    from ..scene.emotion_track import emotion_track

    scene = pipeline.id_data
    place = index_of(scene.facewright.pipelines, pipeline.id)
    if not has_keys(scene, place):
        return None
    own = pipeline.emotion.own_settings()
    names = [EMOTION_PREFIX + name for name in EMOTION_NAMES]
    rest = [own.get(name, default_of(pipeline, name)) for name in names]
    begin, _voice = used_part(scene, scene.facewright.player_of(pipeline))
    return emotion_track(scene, place, begin, rest)


def used_part(scene: bpy.types.Scene, player: Any) -> tuple[float, Voice]:
    """Where the used part of a player's voice begins, in frames, and the voice. Raises UserError"""
    missing = voice_missing(player)
    if missing:
        raise UserError(f"{missing}.")
    found = resolve(source_of(player), scene)
    start = float(player.start_frame) if found.start_frame is None else found.start_frame
    return start + found.offset_s * float(scene_rate(scene)), found.voice


def options_of(pipeline: Any, player: Any) -> dict[str, Any]:
    """A pipeline's settings, as ``make_request`` takes them."""
    general = preferences()
    emotion = emotion_of(pipeline)
    # The present strengths say nothing where there are keys
    sliders = {} if emotion and emotion.keys else pipeline.emotion.own_settings()
    strip = player.voice_source == "STRIP"
    return {
        "start_frame": None if strip else float(player.start_frame),
        "settings": {**pipeline.changed_settings(), **sliders},
        "model": pipeline.model_text,
        "identity": pipeline.identity if pipeline.identity in people_of(pipeline) else "",
        "emotion": emotion,
        "device": getattr(general, "device", ""),
        "threads": getattr(general, "threads", 0),
        "owner": player.id,
        "origin": origin_of(pipeline, player),
        "bake": pipeline.takes.bake,
        "output": pipeline.output,
    }


def origin_of(pipeline: Any, player: Any) -> Origin:
    """What a take remembers of the pipeline that made it."""
    chosen: Any = pipeline.id_data.facewright
    return Origin(
        pipeline_id=pipeline.id,
        pipeline=pipeline.name,
        player=player.name,
        character_ids=tuple(one.id for one in chosen.characters_of(pipeline)),
        choices=preset_of(pipeline).to_mapping(),
    )


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


def job_problem(context: bpy.types.Context, editing: bool = False) -> str:
    """Why no job can begin now, as one phrase; with ``editing`` one that any mode suits."""
    if context.mode != "OBJECT" and not editing:
        return "Leave the edit mode first"
    if STATE.running:
        return "Wait until the running job is done"
    return scene_problem(context.scene)


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
        faces = faces_of(scene, pipeline)
    except UserError as error:
        return sentence(error)
    return models_problem(pipeline) or _vertices_problem(pipeline, faces)


def _vertices_problem(pipeline: Any, faces: Sequence[Parts]) -> str:
    """Why the vertices of a pipeline's faces cannot be animated; empty when they are not to be."""
    if pipeline.output == SHAPE_KEYS:
        return ""
    from .vertex_animation import check_output, check_skin

    try:
        check_output(pipeline.output, pipeline.takes.bake)
        for each in faces:
            check_skin(each.character(), pipeline.model_text)
    except UserError as error:
        return sentence(error)
    return ""
