# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face is asked for while one speaks, and how the same is asked for again from the sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..properties.ids import find
from ..properties.library import preferences
from ..properties.pipeline import models_problem, people_of
from ..scene.places import model_folder
from ..scene.rates import scene_rate
from .chosen import character_parts, faces_of, origin_of, scene_problem
from .faults import sentence

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource
    from ..scene.sounds import VoiceSource
    from ..worker.messages import Arrays, Fields
    from .animation_job import Request

MOST = 4  # microphones that the worker has open at a time


@dataclass(frozen=True)
class Order:
    """One pipeline that follows the microphone. ``settings`` are those that count at the end."""

    pipeline_id: str
    name: str
    model: str
    identity: str
    fps: Fraction
    settings: Mapping[str, Any]
    emotion: EmotionSource | None
    low_delay: bool
    device: str
    threads: int

    def with_settings(self, settings: Mapping[str, Any]) -> Order:
        return replace(self, settings=dict(settings))

    def fields(self) -> tuple[Fields, Arrays]:
        """Arguments and arrays of the worker's "live_open". Raises UserError."""
        from .animation_job import emotion_fields

        args: Fields = {
            "drive": True,
            "model": str(model_folder(self.model)),
            "fps": [self.fps.numerator, self.fps.denominator],
            "settings": self.sent_settings,
            "low_delay": self.low_delay,
        }
        if self.device:
            args["device"] = self.device
        if self.emotion is None:
            return args, {}
        args["emotion"], arrays = emotion_fields(self.emotion)
        return args, arrays

    @property
    def sent_settings(self) -> dict[str, Any]:
        person = {"identity": self.identity} if self.identity else {}
        return {**self.settings, **person}

    def request(
        self, scene: bpy.types.Scene, source: VoiceSource, start_frame: float
    ) -> Request | None:
        """The same from the saved sound; None when the pipeline is gone. Raises UserError."""
        from .animation_job import make_request

        chosen: Any = scene.facewright
        pipeline = find(chosen.pipelines, self.pipeline_id)
        if pipeline is None or not chosen.characters_of(pipeline):
            return None
        return make_request(
            scene,
            faces_of(scene, pipeline),
            source,
            fps=self.fps,
            start_frame=start_frame,
            settings=dict(self.settings),
            model=self.model,
            identity=self.identity,
            emotion=self.emotion,
            device=self.device,
            threads=self.threads,
            owner=pipeline.player_id,
            low_delay=self.low_delay,
            origin=origin_of(pipeline, chosen.player_of(pipeline)),
            bake=pipeline.takes.bake,
        )


def order_of(scene: bpy.types.Scene, pipeline: Any, low_delay: bool) -> Order:
    """What a pipeline asks for now. Raises UserError."""
    from .animation_job import check_terms

    problem = live_problem(scene, pipeline)
    if problem:
        raise UserError(f"{problem}.")
    emotion, general = _emotion(pipeline), preferences()
    check_terms(pipeline.model_text, emotion, accept=False)
    return Order(
        pipeline_id=pipeline.id,
        name=pipeline.name,
        model=pipeline.model_text,
        identity=pipeline.identity if pipeline.identity in people_of(pipeline) else "",
        fps=scene_rate(scene),
        settings=settings_now(pipeline),
        emotion=emotion,
        low_delay=low_delay,
        device=getattr(general, "device", ""),
        threads=getattr(general, "threads", 0),
    )


def settings_now(pipeline: Any) -> dict[str, Any]:
    """Settings with the present strengths of the emotions, keyed or not."""
    return {**pipeline.changed_settings(), **pipeline.emotion.own_settings()}


def _emotion(pipeline: Any) -> EmotionSource | None:
    """What listens for emotion; None where the sliders say it. Keys belong to a voice's time."""
    if not pipeline.detects:
        return None
    from ..core.emotion.source import EmotionSource

    preferred = tuple(pipeline.preferred) if pipeline.has_preferred else None
    mode = pipeline.detect_emotion.lower()
    return EmotionSource(model=pipeline.emotion_model_text, mode=mode, preferred=preferred)


def live_problem(scene: bpy.types.Scene, pipeline: Any) -> str:
    """Why a pipeline cannot follow a microphone, as one phrase; empty when it can."""
    chosen: Any = scene.facewright
    if scene_problem(scene):
        return scene_problem(scene)
    if pipeline is None:
        return "Add a pipeline first"
    if chosen.player_of(pipeline) is None:
        return "Choose a player first"
    characters = chosen.characters_of(pipeline)
    if not characters:
        return "Add a character first"
    try:
        for character in characters:
            character_parts(character, pipeline.head_motion)
    except UserError as error:
        return sentence(error)
    return models_problem(pipeline)


def followers(scene: bpy.types.Scene, first: Any) -> tuple[list[Any], list[str]]:
    """The pipelines that move with the shown one, itself first, and why others do not."""
    chosen: Any = scene.facewright
    heard = {one.id for one in chosen.audible}
    found, told = [first], []
    for one in chosen.pipelines_of(chosen.player_of(first)):
        if one.id == first.id or one.id not in heard:
            continue
        problem = live_problem(scene, one)
        if len(found) == MOST:
            problem = f"no more than {MOST} pipelines can follow a microphone"
        if problem:
            told.append(f"{one.name} does not follow: {problem}")
        else:
            found.append(one)
    return found, told
