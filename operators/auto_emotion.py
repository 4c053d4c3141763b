# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-emotion: keys of the emotion timeline that are read from the voice, and what is preferred.

The worker listens in steps that never wait. Keys are written at the very end and all at once, at
whole frames, over the used part of the voice; those before and after it stay.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.props import StringProperty

from ..core.emotion.track import EmotionTrack
from ..core.errors import UserError
from ..core.parameters import AUTO_EMOTION, EMOTION_NAMES
from ..properties.changes import tell
from ..properties.ids import index_of
from ..properties.library import check_licence, name_of, preferences
from ..properties.model_choice import problem, terms_missing
from ..properties.progress import STATE
from ..scene import emotion_curves
from ..scene.places import model_folder
from ..scene.rates import scene_rate
from ..scene.references import Reference, SceneChanged, reference
from .asking import Progress, ask
from .chosen import named_pipeline, used_part, voice_missing
from .explained import Explained
from .rendering import PATIENCE, rendering, until_rendered
from .running import Running
from .voices import voice_fields

MEANT = "facewright_pipeline"  # in a context: the pipeline that is meant, if not the shown one


@dataclass(frozen=True)
class Listening:
    """What is to be read for which pipeline; ``begin`` is the frame of the used part's begin."""

    scene: Reference
    pipeline_id: str
    begin: float
    args: dict[str, Any]
    arrays: dict[str, Any]
    model_name: str

    def place(self) -> int:
        """Where the pipeline is in its scene's list now. Raises SceneChanged when it is gone."""
        found = index_of(self.scene.get().facewright.pipelines, self.pipeline_id)
        if found < 0:
            raise SceneChanged("Stopped: the pipeline no longer exists.")
        return found


@dataclass(frozen=True)
class Generated:
    """What was written: keys from the frame ``first`` to ``last``, and who listened."""

    count: int
    first: int
    last: int
    model_name: str
    notices: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return (
            f"{self.count} emotion keys from frame {self.first} to {self.last}, read by "
            f"{self.model_name}"
        )


def generate_problem(scene: bpy.types.Scene, pipeline: Any) -> str:
    """Why emotion cannot be read for a pipeline, as one phrase; empty when it can."""
    chosen: Any = scene.facewright
    if pipeline is None:
        return "Add a pipeline first"
    folder = pipeline.emotion_model_text
    found = emotion_curves.refusal(scene) or voice_missing(chosen.player_of(pipeline))
    found = found or problem(folder, emotion=True)
    if not found and terms_missing(folder):
        found = f"The terms of {name_of(model_folder(folder))} are not accepted yet"
    return found


def listening_of(scene: bpy.types.Scene, pipeline: Any) -> Listening:
    """What Generate does for a pipeline. Raises UserError."""
    found = generate_problem(scene, pipeline)
    if found:
        raise UserError(f"{found.rstrip('.')}.")
    chosen: Any = scene.facewright
    begin, voice = used_part(scene, chosen.player_of(pipeline))
    folder = model_folder(pipeline.emotion_model_text)
    check_licence(folder, False)
    names = [row.name for row in AUTO_EMOTION]
    own = pipeline.changed_settings()
    where, arrays = voice_fields(voice)
    general = preferences()
    args: dict[str, Any] = {
        "voice": where,
        "emotion_model": str(folder),
        "settings": {name: value for name, value in own.items() if name in names},
        "device": str(getattr(general, "device", "")) or "auto",
        "threads": int(getattr(general, "threads", 0)),
    }
    if pipeline.has_preferred:
        args["preferred"] = [float(value) for value in pipeline.preferred]
    return Listening(reference(scene), pipeline.id, begin, args, arrays, name_of(folder))


def listening_steps(what: Listening) -> Generator[Progress, None, Generated]:
    """Do it, yielding progress. Raises UserError, WorkerFault and Cancelled."""
    device, threads = what.args["device"], what.args["threads"]
    options = {"device": device, "threads": threads, "between": what.place}
    ticket = yield from ask("detect", what.args, what.arrays, **options)
    yield from until_rendered(1.0)
    heard = EmotionTrack(ticket.arrays["emotion_times"], ticket.arrays["emotion_values"])
    place, scene = what.place(), what.scene.get()
    duration_s = float(ticket.result["duration_s"])
    frames, values = keys_of(heard.until(duration_s), what.begin, float(scene_rate(scene)))
    emotion_curves.write_keys(
        scene, place, frames, values, min(what.begin, frames[0]), float(frames[-1])
    )
    tell(scene.facewright.pipelines[place].emotion, "keys")
    notices = tuple(ticket.result["notices"])
    return Generated(len(frames), int(frames[0]), int(frames[-1]), what.model_name, notices)


def keys_of(track: EmotionTrack, begin: float, rate: float) -> tuple[Any, Any]:
    """Whole frames (K,) float64 and values (K, 10) for a track that begins at the frame ``begin``.

    Of keys that would be at one frame the first is kept.
    """
    frames = np.floor(begin + track.times_s * rate + 0.5)
    frames, kept = np.unique(frames, return_index=True)
    return frames, track.values[kept]


class FACEWRIGHT_OT_generate_emotion(Running, bpy.types.Operator):
    """Read the emotion from the voice and write it as keys into the emotion timeline"""

    bl_idname = "facewright.generate_emotion"
    bl_label = "Generate"
    # Not REGISTER: to adjust the last operation would do all of it again and freeze the window.
    bl_options = {"UNDO"}

    pipeline: StringProperty(
        name="Pipeline",
        description="Name of the pipeline; empty is the one that the panels show",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why Generate is greyed; empty when it can run."""
        if STATE.running:
            return "Wait until the running job is done"
        if rendering():
            return PATIENCE
        chosen: Any = context.scene.facewright
        meant = getattr(context, MEANT, None) or chosen.pipeline
        return generate_problem(context.scene, meant)

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Generated]:
        pipeline = named_pipeline(context, self.pipeline)
        return listening_steps(listening_of(context.scene, pipeline))

    def tell(self, result: Generated) -> None:
        STATE.end(result.sentence, "done", result.notices)
        self.report({"INFO"}, f"{result.sentence}.")
        for notice in result.notices:
            self.report({"WARNING"}, notice)


class _OnPreferred(Explained):
    """Needs a pipeline."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        return "" if chosen.pipeline else "Add a pipeline first"


class FACEWRIGHT_OT_preferred_load(_OnPreferred, bpy.types.Operator):
    """Take the present strengths of the emotion panel as the preferred emotion"""

    bl_idname = "facewright.preferred_load"
    bl_label = "Load"

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline
        pipeline.preferred = pipeline.emotion.values()
        pipeline.has_preferred = True
        tell(pipeline, "preferred")
        return {"FINISHED"}


class FACEWRIGHT_OT_preferred_clear(_OnPreferred, bpy.types.Operator):
    """Set no preferred emotion"""

    bl_idname = "facewright.preferred_clear"
    bl_label = "Clear"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        missing = super().disabled_reason(context)
        chosen: Any = context.scene.facewright
        if missing or chosen.pipeline.has_preferred:
            return missing
        return "The preferred emotion is not set"

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline
        pipeline.preferred = (0.0,) * len(EMOTION_NAMES)
        pipeline.has_preferred = False
        tell(pipeline, "preferred")
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_generate_emotion,
        FACEWRIGHT_OT_preferred_load,
        FACEWRIGHT_OT_preferred_clear,
    )
)
